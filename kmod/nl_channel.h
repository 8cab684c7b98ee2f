/* SPDX-License-Identifier: GPL-2.0 */
/* The command that makes a channel. */
#ifndef KH2_NL_CHANNEL_H
#define KH2_NL_CHANNEL_H

struct genl_info;
struct sk_buff;

int kh2_nl_channel_new(struct sk_buff *req, struct genl_info *info);

#endif
