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

/* Every stream has a window, and few streams are tuned: this is kept small. */
#define KH2E_SINCE_BITS 28
#define KH2E_UNUSED_BITS 4

/**
 * struct kh2e_recv_window - what the peer may send
 * @left: octets the peer may still send; negative after we lowered the size
 * @size: octets when nothing is outstanding
 * @octets: consumed since @since
 * @since: when the pace began to be measured, in units of 2^20 ns; 0: not yet
 * @unused: spans in a row that used little of it
 */
struct kh2e_recv_window {
	s32 left;
	u32 size;
	u32 octets;
	u32 since : KH2E_SINCE_BITS;
	u32 unused : KH2E_UNUSED_BITS;
};

void kh2e_send_window_init(struct kh2e_send_window *w, u32 size);
bool kh2e_send_window_credit(struct kh2e_send_window *w, u32 n);
bool kh2e_send_window_shift(struct kh2e_send_window *w, s64 delta);
u32 kh2e_send_window_room(const struct kh2e_send_window *w);
void kh2e_send_window_take(struct kh2e_send_window *w, u32 n);

void kh2e_recv_window_init(struct kh2e_recv_window *w, u32 size);
bool kh2e_recv_window_take(struct kh2e_recv_window *w, u32 n);
void kh2e_recv_window_shift(struct kh2e_recv_window *w, s64 delta, u32 size);
u32 kh2e_recv_window_credit(struct kh2e_recv_window *w, u64 held);
u32 kh2e_recv_window_share(struct kh2e_recv_window *w, u64 held);
void kh2e_recv_window_begin(struct kh2e_recv_window *w, u64 now, u32 size);
bool kh2e_recv_window_tune(struct kh2e_recv_window *w, u32 n, u64 now, u64 rtt, u32 least,
			   u32 most);

#endif
