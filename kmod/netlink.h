/* SPDX-License-Identifier: GPL-2.0 */
/* The generic netlink family: commands in, news out. */
#ifndef KH2_NETLINK_H
#define KH2_NETLINK_H

struct kh2_session;

void kh2_netlink_new(struct kh2_session *s);
void kh2_netlink_gone(struct kh2_session *s);

int kh2_netlink_init(void);
void kh2_netlink_exit(void);

#endif
