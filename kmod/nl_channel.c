// SPDX-License-Identifier: GPL-2.0
/* The command that makes a channel. */

#include <linux/file.h>
#include <linux/sizes.h>
#include <net/genetlink.h>

#include "channel.h"
#include "nl_channel.h"
#include "nl_request.h"

#define KH2_SQ_DEFAULT 1024U
#define KH2_EV_DEFAULT SZ_1M
#define KH2_TX_DEFAULT SZ_1M

static int reply_channel(struct genl_info *info, struct file *file, int fd)
{
	const struct kh2_channel *ch = kh2_channel_from_file(file);
	struct sk_buff *skb;
	void *head;
	int err = 0;

	skb = kh2_nl_begin_reply(info, &head);
	if (!skb)
		return -ENOMEM;
	if (nla_put_u32(skb, KH2_A_CHANNEL_ID, ch->id) ||
	    nla_put_s32(skb, KH2_A_CHANNEL_FD, fd) ||
	    nla_put_u32(skb, KH2_A_CHANNEL_SQ_ENTRIES, ch->sizes.sq_entries) ||
	    nla_put_u32(skb, KH2_A_CHANNEL_EV_BYTES, ch->sizes.ev_bytes) ||
	    nla_put_u32(skb, KH2_A_CHANNEL_TX_BYTES, ch->sizes.tx_bytes))
		err = -EMSGSIZE;
	return kh2_nl_end_reply(info, skb, head, err);
}

/**
 * kh2_nl_channel_new() - KH2_CMD_CHANNEL_NEW
 * @req: the message
 * @info: the command
 *
 * Context: Process context of the one who asks, may sleep.
 * Return: 0, with a descriptor of the channel in the reply, or a negative errno, with the
 *	reason in extack.
 */
int kh2_nl_channel_new(struct sk_buff *req, struct genl_info *info)
{
	const struct kh2_channel_sizes sizes = {
		.sq_entries = kh2_nl_u32(info, KH2_A_CHANNEL_SQ_ENTRIES, KH2_SQ_DEFAULT),
		.ev_bytes = kh2_nl_u32(info, KH2_A_CHANNEL_EV_BYTES, KH2_EV_DEFAULT),
		.tx_bytes = kh2_nl_u32(info, KH2_A_CHANNEL_TX_BYTES, KH2_TX_DEFAULT),
	};
	struct file *file;
	int fd, err;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = kh2_channel_new(kh2_nl_net(info), &sizes, info->extack);
	if (IS_ERR(file)) {
		err = PTR_ERR(file);
		goto err_fd;
	}
	err = reply_channel(info, file, fd);
	if (err)
		goto err_file;
	fd_install(fd, file);
	return 0;

err_file:
	fput(file);
err_fd:
	put_unused_fd(fd);
	return err;
}
