/* SPDX-License-Identifier: GPL-2.0 */
/* How a connected socket becomes a session. */
#ifndef KH2_ATTACH_H
#define KH2_ATTACH_H

#include <linux/completion.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct file;
struct kh2_session;
struct kh2_session_args;
struct netlink_ext_ack;

/**
 * struct kh2_attach - how a session begins
 * @work: takes the socket over; owns the next, @err and @why until @done
 * @pending: it has yet to happen, and holds the network namespace and the module
 * @done: it is over; @err and @why do not change any more
 * @err: 0 or a negative errno
 * @why: what to say of it, or NULL
 */
struct kh2_attach {
	struct work_struct work;
	bool pending;
	struct completion done;
	int err;
	const char *why;
};

int kh2_attach(struct file *channel, int fd, struct kh2_session_args *args, u32 *id,
	       struct netlink_ext_ack *extack);

#endif
