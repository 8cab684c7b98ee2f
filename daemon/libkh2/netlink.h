/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Generic netlink to kh2.ko: what a channel and its sessions need of it. */
#ifndef KH2I_NETLINK_H
#define KH2I_NETLINK_H

#include "backend.h"

struct kh2i_nl;

int kh2i_nl_open(struct kh2_ctx *ctx, struct kh2i_nl **out);
void kh2i_nl_close(struct kh2i_nl *nl);
int kh2i_nl_channel_new(struct kh2i_nl *nl, u32 sq_entries, u32 ev_bytes, u32 tx_bytes);
int kh2i_nl_attach(struct kh2i_nl *nl, int channel_fd, const struct kh2i_attach *at, u32 *id);
int kh2i_nl_session_info(struct kh2i_nl *nl, u32 id, struct kh2e_info *info, u64 *counters,
			 size_t n);
int kh2i_nl_stream_info(struct kh2i_nl *nl, u32 session, u32 id, struct kh2e_stream_info *info);

#endif
