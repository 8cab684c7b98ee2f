/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What the fuzzers share: a simple owner on the mock home, and rules that hold at any moment. */
#ifndef KH2_FUZZ_APP_H
#define KH2_FUZZ_APP_H

#include "../unit/home.h"

struct home *app_home(u8 role, u8 config);
void app_answer(struct home *h);
void app_check(struct home *h);

#endif
