/* SPDX-License-Identifier: GPL-2.0 */
/* Commands about sessions. */
#ifndef KH2_NL_SESSION_H
#define KH2_NL_SESSION_H

struct genl_info;
struct netlink_callback;
struct sk_buff;

int kh2_nl_session_attach(struct sk_buff *req, struct genl_info *info);
int kh2_nl_session_get(struct sk_buff *req, struct genl_info *info);
int kh2_nl_session_dump(struct sk_buff *skb, struct netlink_callback *cb);
int kh2_nl_session_set(struct sk_buff *req, struct genl_info *info);
int kh2_nl_session_close(struct sk_buff *req, struct genl_info *info);
int kh2_nl_session_ping(struct sk_buff *req, struct genl_info *info);
int kh2_nl_session_goaway(struct sk_buff *req, struct genl_info *info);

#endif
