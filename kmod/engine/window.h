/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Flow-control windows: all their arithmetic (RFC 9113 5.2, 6.9). */
#ifndef KH2_ENGINE_WINDOW_H
#define KH2_ENGINE_WINDOW_H

#include "compat.h"
#include "proto.h"

/**
 * struct kh2e_send_window - what we may send
 * @left: octets; negative after the peer lowered SETTINGS_INITIAL_WINDOW_SIZE
 */
struct kh2e_send_window {
	s32 left;
};

/**
 * struct kh2e_recv_window - what the peer may send
 * @left: octets the peer may still send; negative after we lowered the size
 * @size: octets when nothing is outstanding
 * @consumed: octets consumed here and not yet told to the peer
 */
struct kh2e_recv_window {
	s32 left;
	u32 size;
	u32 consumed;
};

void kh2e_send_window_init(struct kh2e_send_window *w, u32 size);
bool kh2e_send_window_credit(struct kh2e_send_window *w, u32 n);
bool kh2e_send_window_shift(struct kh2e_send_window *w, s64 delta);
u32 kh2e_send_window_room(const struct kh2e_send_window *w);
void kh2e_send_window_take(struct kh2e_send_window *w, u32 n);

void kh2e_recv_window_init(struct kh2e_recv_window *w, u32 size);
bool kh2e_recv_window_take(struct kh2e_recv_window *w, u32 n);
void kh2e_recv_window_shift(struct kh2e_recv_window *w, s64 delta);
u32 kh2e_recv_window_consume(struct kh2e_recv_window *w, u32 n);

#endif
