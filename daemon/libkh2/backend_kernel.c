// SPDX-License-Identifier: GPL-2.0 OR MIT
#include "backend.h"
/* The kernel backend: not there yet, so that every context falls back to the user backend. */
const struct kh2i_backend kh2i_backend_kernel = { .kind = KH2_BACKEND_KERNEL };
int kh2i_channel_init(struct kh2_ctx *ctx) { (void)ctx; return -EPROTONOSUPPORT; }
void kh2i_channel_exit(struct kh2_ctx *ctx) { (void)ctx; }
int kh2i_channel_events(struct kh2_ctx *ctx) { (void)ctx; return 0; }
void kh2i_channel_flush(struct kh2_ctx *ctx) { (void)ctx; }
bool kh2i_channel_busy(const struct kh2_ctx *ctx) { (void)ctx; return false; }
