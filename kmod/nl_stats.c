// SPDX-License-Identifier: GPL-2.0
/* The command that asks for counters. */

#include <linux/slab.h>
#include <net/genetlink.h>

#include "nl_fill.h"
#include "nl_request.h"
#include "nl_stats.h"
#include "stats.h"

/**
 * kh2_nl_stats_get() - KH2_CMD_STATS_GET
 * @req: the message
 * @info: the command
 *
 * Context: Process context of the one who asks, may sleep.
 * Return: 0, with the counters of the network namespace in the reply, or a negative errno, with the
 *	reason in extack.
 */
int kh2_nl_stats_get(struct sk_buff *req, struct genl_info *info)
{
	struct kh2_stats *sum = kmalloc(sizeof(*sum), GFP_KERNEL);
	struct kh2_net *kn = kh2_nl_net(info);
	struct sk_buff *skb;
	void *head;
	int err;

	if (!sum)
		return -ENOMEM;
	kh2_stats_sum(kn, sum, kh2_nl_patience(req));
	skb = kh2_nl_begin_reply(info, &head);
	err = skb ? kh2_nl_end_reply(info, skb, head, kh2_nl_fill_stats(skb, kn, sum)) :
		    -ENOMEM;
	kfree(sum);
	return err;
}
