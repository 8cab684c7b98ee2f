/* SPDX-License-Identifier: GPL-2.0 */
/* Commands about streams. */
#ifndef KH2_NL_STREAM_H
#define KH2_NL_STREAM_H

struct genl_info;
struct netlink_callback;
struct sk_buff;

int kh2_nl_stream_get(struct sk_buff *req, struct genl_info *info);
int kh2_nl_stream_dump(struct sk_buff *skb, struct netlink_callback *cb);
int kh2_nl_stream_set(struct sk_buff *req, struct genl_info *info);
int kh2_nl_stream_reset(struct sk_buff *req, struct genl_info *info);

#endif
