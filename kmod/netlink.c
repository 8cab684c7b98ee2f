// SPDX-License-Identifier: GPL-2.0
/* The netlink family: its operations, and news of sessions to the group "events". */

#include <linux/module.h>
#include <net/genetlink.h>

#include "netlink.h"
#include "netns.h"
#include "nl_channel.h"
#include "nl_fill.h"
#include "nl_policy.h"
#include "nl_request.h"
#include "nl_session.h"
#include "nl_stats.h"
#include "nl_stream.h"
#include "session.h"

static struct genl_family kh2_family;

static void tell(struct kh2_session *s, u8 cmd,
		 int (*fill)(struct sk_buff *skb, const struct kh2_session *s))
{
	struct net *net = s->kn->net;
	struct sk_buff *skb;
	void *head;

	if (!genl_has_listeners(&kh2_family, net, 0))
		return;
	skb = genlmsg_new(KH2_NL_SIZE, GFP_KERNEL);
	if (!skb)
		return;
	head = genlmsg_put(skb, 0, 0, &kh2_family, 0, cmd);
	if (!head || fill(skb, s)) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, head);
	genlmsg_multicast_netns(&kh2_family, net, skb, 0, 0, GFP_KERNEL);
}

/**
 * kh2_netlink_new() - tell the world that a session began
 * @s: the session
 *
 * Context: Process context with the session's lock held.
 */
void kh2_netlink_new(struct kh2_session *s)
{
	tell(s, KH2_CMD_SESSION_NEW_NTF, kh2_nl_fill_new_locked);
}

/**
 * kh2_netlink_gone() - tell the world that a session ended
 * @s: the session, its engine not freed yet
 *
 * Context: Process context with the session's lock held.
 */
void kh2_netlink_gone(struct kh2_session *s)
{
	tell(s, KH2_CMD_SESSION_GONE_NTF, kh2_nl_fill_gone_locked);
}

#define KH2_DO(CMD, call, pol) { \
	.cmd = KH2_CMD_##CMD, \
	.doit = call, \
	.policy = pol, \
	.maxattr = ARRAY_SIZE(pol) - 1, \
	.flags = GENL_CMD_CAP_DO, \
}

static const struct genl_split_ops kh2_ops[] = {
	KH2_DO(CHANNEL_NEW, kh2_nl_channel_new, kh2_channel_new_policy),
	KH2_DO(SESSION_ATTACH, kh2_nl_session_attach, kh2_session_attach_policy),
	KH2_DO(SESSION_GET, kh2_nl_session_get, kh2_session_get_policy),
	{
		.cmd = KH2_CMD_SESSION_GET,
		.dumpit = kh2_nl_session_dump,
		.flags = GENL_CMD_CAP_DUMP,
	},
	KH2_DO(SESSION_SET, kh2_nl_session_set, kh2_session_set_policy),
	KH2_DO(SESSION_CLOSE, kh2_nl_session_close, kh2_session_close_policy),
	KH2_DO(SESSION_PING, kh2_nl_session_ping, kh2_session_ping_policy),
	KH2_DO(SESSION_GOAWAY, kh2_nl_session_goaway, kh2_session_goaway_policy),
	KH2_DO(STREAM_GET, kh2_nl_stream_get, kh2_stream_get_do_policy),
	{
		.cmd = KH2_CMD_STREAM_GET,
		.dumpit = kh2_nl_stream_dump,
		.policy = kh2_stream_get_dump_policy,
		.maxattr = ARRAY_SIZE(kh2_stream_get_dump_policy) - 1,
		.flags = GENL_CMD_CAP_DUMP,
	},
	KH2_DO(STREAM_SET, kh2_nl_stream_set, kh2_stream_set_policy),
	KH2_DO(STREAM_RESET, kh2_nl_stream_reset, kh2_stream_reset_policy),
	{
		.cmd = KH2_CMD_STATS_GET,
		.doit = kh2_nl_stats_get,
		.flags = GENL_CMD_CAP_DO,
	},
};

static const struct genl_multicast_group kh2_groups[] = {
	{ .name = KH2_MCGRP_EVENTS },
};

static struct genl_family kh2_family __ro_after_init = {
	.name = KH2_FAMILY_NAME,
	.version = KH2_FAMILY_VERSION,
	.netnsok = true,
	.parallel_ops = true,
	.module = THIS_MODULE,
	.split_ops = kh2_ops,
	.n_split_ops = ARRAY_SIZE(kh2_ops),
	.resv_start_op = KH2_CMD_CHANNEL_NEW,
	.mcgrps = kh2_groups,
	.n_mcgrps = ARRAY_SIZE(kh2_groups),
};

/**
 * kh2_netlink_init() - register the family
 *
 * Context: Module init.
 * Return: 0 or a negative errno.
 */
int kh2_netlink_init(void)
{
	return genl_register_family(&kh2_family);
}

/**
 * kh2_netlink_exit() - undo kh2_netlink_init()
 *
 * Context: Module exit.
 */
void kh2_netlink_exit(void)
{
	genl_unregister_family(&kh2_family);
}
