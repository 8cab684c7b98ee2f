/* SPDX-License-Identifier: GPL-2.0 */
/* The guard: reads and writes of an attached socket by others are refused. */
#ifndef KH2_GUARD_H
#define KH2_GUARD_H

#include <net/sock.h>

struct proto *kh2_guard_of(struct sock *sk);

void kh2_guard_init(void);
void kh2_guard_exit(void);

#endif
