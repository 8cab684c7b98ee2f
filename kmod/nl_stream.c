// SPDX-License-Identifier: GPL-2.0
/* Commands about streams. */

#include <linux/sched/mm.h>
#include <net/genetlink.h>

#include "channel.h"
#include "nl_fill.h"
#include "nl_request.h"
#include "nl_stream.h"
#include "session.h"

/* A dump walks over all streams of a session once for so many of them. */
#define KH2_DUMP_STREAMS 64

/**
 * kh2_nl_stream_get() - KH2_CMD_STREAM_GET of one
 * @req: the message
 * @info: the command
 *
 * Context: Process context of the one who asks, may sleep.
 * Return: 0, with all about it in the reply, or a negative errno, with the
 *	reason in extack.
 */
int kh2_nl_stream_get(struct sk_buff *req, struct genl_info *info)
{
	struct kh2e_stream_info stream;
	struct kh2_session *s;
	struct sk_buff *skb;
	void *head;
	int err;
	u32 id;

	if (GENL_REQ_ATTR_CHECK(info, KH2_A_STREAM_ID))
		return -EINVAL;
	s = kh2_nl_lock_session(info, KH2_A_STREAM_SESSION_ID, kh2_nl_patience(req));
	if (IS_ERR(s))
		return PTR_ERR(s);
	id = s->id;
	err = kh2e_stream_info(s->e, nla_get_u32(info->attrs[KH2_A_STREAM_ID]), &stream);
	kh2_nl_unlock_session(s);
	if (err) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[KH2_A_STREAM_ID], "no such stream");
		return err;
	}
	skb = kh2_nl_begin_reply(info, &head);
	if (!skb)
		return -ENOMEM;
	return kh2_nl_end_reply(info, skb, head, kh2_nl_fill_stream(skb, id, &stream));
}

static int dump_stream(struct sk_buff *skb, struct netlink_callback *cb, struct kh2_session *s,
		       u32 id)
{
	struct kh2e_stream_info stream;
	void *head;

	if (kh2e_stream_info(s->e, id, &stream))
		return 0;
	head = genlmsg_iput(skb, genl_info_dump(cb));
	if (!head)
		return -EMSGSIZE;
	genl_dump_check_consistent(cb, head);
	if (kh2_nl_fill_stream(skb, s->id, &stream)) {
		genlmsg_cancel(skb, head);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, head);
	return 0;
}

/* The streams opened so far are what a dump is consistent with. */
static u32 stream_generation(struct kh2_session *s)
{
	const u64 *c = kh2e_counters(s->e);
	u32 seq = c[KH2_C_STREAMS_OPENED] + c[KH2_C_STREAMS_COMPLETED] +
		  c[KH2_C_STREAMS_RESET_BY_PEER] + c[KH2_C_STREAMS_RESET_BY_US];

	return seq ?: 1;
}

/* Some streams from where the dump stands; false if there are no more, or no room. */
static bool dump_some(struct sk_buff *skb, struct netlink_callback *cb, struct kh2_session *s)
{
	u32 ids[KH2_DUMP_STREAMS];
	u32 n = kh2e_stream_ids(s->e, cb->args[0], ids, ARRAY_SIZE(ids));

	for (u32 i = 0; i < n; i++) {
		if (dump_stream(skb, cb, s, ids[i]))
			return false;
		cb->args[0] = ids[i];
	}
	return n;
}

/**
 * kh2_nl_stream_dump() - KH2_CMD_STREAM_GET of all of a session
 * @skb: part of the reply
 * @cb: the dump; args[0]: the last stream that was told
 *
 * Context: Process context of the one who asks, may sleep.
 * Return: octets in @skb, none: that was all; or a negative errno, with the reason in extack.
 */
int kh2_nl_stream_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct genl_info *info = (struct genl_info *)genl_info_dump(cb);
	struct kh2_session *s;

	kh2_nl_begin_dump(cb);
	s = kh2_nl_lock_session(info, KH2_A_STREAM_SESSION_ID, kh2_nl_patience_left(cb));
	if (IS_ERR(s))
		return PTR_ERR(s);
	cb->seq = stream_generation(s);
	while (dump_some(skb, cb, s))
		;
	kh2_nl_unlock_session(s);
	return skb->len;
}

static void set_urgency(struct genl_info *info, struct kh2_sqe *sqe)
{
	sqe->opcode = KH2_OP_PRIORITY;
	sqe->value = nla_get_u32(info->attrs[KH2_A_STREAM_URGENCY]) |
		     kh2_nl_u32(info, KH2_A_STREAM_INCREMENTAL, 0) << 3;
}

static void set_dependency(struct genl_info *info, struct kh2_sqe *sqe)
{
	sqe->opcode = KH2_OP_DEPEND;
	sqe->value = kh2_nl_u32(info, KH2_A_STREAM_PARENT, 0);
	if (info->attrs[KH2_A_STREAM_EXCLUSIVE])
		sqe->value |= 1U << 31;
	sqe->code = nla_get_u32(info->attrs[KH2_A_STREAM_WEIGHT]);
}

/**
 * kh2_nl_stream_set() - KH2_CMD_STREAM_SET
 * @req: the message
 * @info: the command
 *
 * Nothing is sent: a server's peer has no use for it, a client's owner did not say it.
 *
 * Context: Process context of the one who asks, may sleep.
 * Return: 0 or a negative errno, with the reason in extack.
 */
int kh2_nl_stream_set(struct sk_buff *req, struct genl_info *info)
{
	struct kh2_sqe sqe = { .flags = KH2_SQE_SILENT };

	if (GENL_REQ_ATTR_CHECK(info, KH2_A_STREAM_ID))
		return -EINVAL;
	sqe.stream = nla_get_u32(info->attrs[KH2_A_STREAM_ID]);
	if (!info->attrs[KH2_A_STREAM_URGENCY] == !info->attrs[KH2_A_STREAM_WEIGHT]) {
		NL_SET_ERR_MSG(info->extack, "either an urgency or a weight must be given");
		return -EINVAL;
	}
	if (info->attrs[KH2_A_STREAM_URGENCY])
		set_urgency(info, &sqe);
	else
		set_dependency(info, &sqe);
	return kh2_nl_command(req, info, KH2_A_STREAM_SESSION_ID, &sqe, NULL);
}

/**
 * kh2_nl_stream_reset() - KH2_CMD_STREAM_RESET
 * @req: the message
 * @info: the command
 *
 * Not as the owner does it, who then knows of it: what it submits meanwhile is allowed.
 *
 * Context: Process context of the one who asks, may sleep.
 * Return: 0 or a negative errno, with the reason in extack.
 */
int kh2_nl_stream_reset(struct sk_buff *req, struct genl_info *info)
{
	struct mem_cgroup *old;
	struct kh2_session *s;
	int err = -ESHUTDOWN;

	if (GENL_REQ_ATTR_CHECK(info, KH2_A_STREAM_ID))
		return -EINVAL;
	s = kh2_nl_lock_own_session(req, info, KH2_A_STREAM_SESSION_ID);
	if (IS_ERR(s))
		return PTR_ERR(s);
	old = set_active_memcg(s->ch->memcg);
	if (s->state == KH2_SESSION_LIVE)
		err = kh2e_reset(s->e, nla_get_u32(info->attrs[KH2_A_STREAM_ID]),
				 kh2_nl_u32(info, KH2_A_STREAM_CODE, KH2_CANCEL));
	set_active_memcg(old);
	return kh2_nl_end_command(info, s, err);
}
