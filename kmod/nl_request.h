/* SPDX-License-Identifier: GPL-2.0 */
/* What commands have in common: arguments, waiting, replies, the session they are about. */
#ifndef KH2_NL_REQUEST_H
#define KH2_NL_REQUEST_H

#include <linux/types.h>
#include <linux/kh2_nl.h>

/* Enough for all that a session or the sums have to say. */
#define KH2_NL_SIZE 4096

struct genl_info;
struct kh2_net;
struct kh2_session;
struct kh2_sqe;
struct netlink_callback;
struct sk_buff;

u32 kh2_nl_u32(struct genl_info *info, int attr, u32 otherwise);
struct kh2_net *kh2_nl_net(struct genl_info *info);
bool kh2_nl_is_first(const struct sk_buff *req);
u32 kh2_nl_patience(const struct sk_buff *req);
struct sk_buff *kh2_nl_begin_reply(struct genl_info *info, void **head);
int kh2_nl_end_reply(struct genl_info *info, struct sk_buff *skb, void *head, int err);
void kh2_nl_unlock_session(struct kh2_session *s);
struct kh2_session *kh2_nl_lock_session(struct genl_info *info, int attr, u32 patience);
struct kh2_session *kh2_nl_lock_own_session(struct sk_buff *req, struct genl_info *info, int attr);
void kh2_nl_begin_dump(struct netlink_callback *cb);
u32 kh2_nl_patience_left(const struct netlink_callback *cb);
int kh2_nl_submit(struct kh2_session *s, const struct kh2_sqe *sqe, const void *payload);
int kh2_nl_end_command(struct genl_info *info, struct kh2_session *s, int err);
int kh2_nl_command(struct sk_buff *req, struct genl_info *info, int attr,
		   const struct kh2_sqe *sqe, const void *payload);

#endif
