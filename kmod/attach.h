/* SPDX-License-Identifier: GPL-2.0 */
/* How a connected socket becomes a session. */
#ifndef KH2_ATTACH_H
#define KH2_ATTACH_H

#include <linux/types.h>

struct file;
struct kh2_session;
struct kh2_session_args;
struct netlink_ext_ack;

int kh2_attach(struct file *channel, int fd, struct kh2_session_args *args, u32 *id,
	       struct netlink_ext_ack *extack);
void kh2_attach_locked(struct kh2_session *s);
void kh2_attach_done(struct kh2_session *s);

#endif
