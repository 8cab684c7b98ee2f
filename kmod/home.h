/* SPDX-License-Identifier: GPL-2.0 */
/* The engine's home in the kernel. */
#ifndef KH2_HOME_H
#define KH2_HOME_H

struct kh2_session;
struct kh2e_config;

int kh2_session_new_engine(struct kh2_session *s, const struct kh2e_config *cfg);

#endif
