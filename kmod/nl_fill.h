/* SPDX-License-Identifier: GPL-2.0 */
/* Sessions, streams and sums as netlink attributes. */
#ifndef KH2_NL_FILL_H
#define KH2_NL_FILL_H

#include <linux/types.h>

struct kh2_net;
struct kh2_session;
struct kh2_stats;
struct kh2e_stream_info;
struct sk_buff;

int kh2_nl_fill_busy(struct sk_buff *skb, const struct kh2_session *s);
int kh2_nl_fill_session_locked(struct sk_buff *skb, const struct kh2_session *s);
int kh2_nl_fill_new_locked(struct sk_buff *skb, const struct kh2_session *s);
int kh2_nl_fill_gone_locked(struct sk_buff *skb, const struct kh2_session *s);
int kh2_nl_fill_stream(struct sk_buff *skb, u32 session, const struct kh2e_stream_info *info);
int kh2_nl_fill_stats(struct sk_buff *skb, const struct kh2_net *kn,
		      const struct kh2_stats *sum);

#endif
