/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Applications in shared objects. */
#ifndef KH2D_PLUGIN_H
#define KH2D_PLUGIN_H

#include <kh2_app.h>

/* Loads a shared object and checks its ABI; exits if it cannot. It is never unloaded. */
const struct kh2_app *plugin_load(const char *path);

#endif /* KH2D_PLUGIN_H */
