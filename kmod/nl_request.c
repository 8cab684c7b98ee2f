// SPDX-License-Identifier: GPL-2.0
/* What commands have in common: arguments, waiting, replies, the session they are about. */

#include <linux/capability.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include "channel.h"
#include "netns.h"
#include "nl_request.h"
#include "session.h"

/**
 * kh2_nl_u32() - an argument that may be left out
 * @info: the command
 * @attr: attribute, KH2_A_*
 * @otherwise: what it is worth if absent
 *
 * Context: Any context.
 * Return: its value.
 */
u32 kh2_nl_u32(struct genl_info *info, int attr, u32 otherwise)
{
	return info->attrs[attr] ? nla_get_u32(info->attrs[attr]) : otherwise;
}

/**
 * kh2_nl_net() - where a command is given
 * @info: the command
 *
 * Context: Any context.
 * Return: state of its network namespace; no reference.
 */
struct kh2_net *kh2_nl_net(struct genl_info *info)
{
	return kh2_net_of(genl_info_net(info));
}

/**
 * kh2_nl_is_first() - whether a message may wait
 * @req: the message
 *
 * Generic netlink handles all messages of a datagram under a lock that the whole system shares.
 * So only the first may wait: the one without headroom, for netlink pulls each off before the
 * next.
 *
 * Context: Any context.
 * Return: true for the first of its datagram.
 */
bool kh2_nl_is_first(const struct sk_buff *req)
{
	return !skb_headroom(req);
}

/**
 * kh2_nl_patience() - how long a message may wait for sessions' locks
 * @req: the message
 *
 * Context: Any context.
 * Return: milliseconds, in all.
 */
u32 kh2_nl_patience(const struct sk_buff *req)
{
	return kh2_nl_is_first(req) ? KH2_PATIENCE_MS : 0;
}

/**
 * kh2_nl_begin_reply() - a message to the one who asked
 * @info: the command
 * @head: set to what kh2_nl_end_reply() needs
 *
 * Context: Process context, may sleep.
 * Return: the message, which kh2_nl_end_reply() or nlmsg_free() takes back, or NULL.
 */
struct sk_buff *kh2_nl_begin_reply(struct genl_info *info, void **head)
{
	struct sk_buff *skb = genlmsg_new(KH2_NL_SIZE, GFP_KERNEL);

	if (!skb)
		return NULL;
	*head = genlmsg_iput(skb, info);
	if (*head)
		return skb;
	nlmsg_free(skb);
	return NULL;
}

/**
 * kh2_nl_end_reply() - send a message that is complete
 * @info: the command
 * @skb: the message, consumed
 * @head: of kh2_nl_begin_reply()
 * @err: of those who filled it; if not 0 nothing is sent
 *
 * Context: Process context, may sleep.
 * Return: 0 or a negative errno, @err first.
 */
int kh2_nl_end_reply(struct genl_info *info, struct sk_buff *skb, void *head, int err)
{
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	genlmsg_end(skb, head);
	return genlmsg_reply(skb, info);
}

/**
 * kh2_nl_unlock_session() - undo kh2_nl_lock_session()
 * @s: the session
 *
 * Context: Process context with the session's lock held.
 */
void kh2_nl_unlock_session(struct kh2_session *s)
{
	kh2_session_unlock(s);
	kh2_session_put(s);
}

/**
 * kh2_nl_lock_session() - find the session that a command is about
 * @info: the command
 * @attr: attribute that holds the session's number
 * @patience: milliseconds that may be waited for its lock
 *
 * Context: Process context, may sleep.
 * Return: the session, not gone, locked and with a reference, both of which
 *	kh2_nl_unlock_session() gives back; or ERR_PTR(), with the reason in extack: -EINVAL if
 *	@attr is absent, -ENOENT, -EBUSY.
 */
struct kh2_session *kh2_nl_lock_session(struct genl_info *info, int attr, u32 patience)
{
	struct kh2_session *s;

	if (GENL_REQ_ATTR_CHECK(info, attr))
		return ERR_PTR(-EINVAL);
	s = kh2_session_find(kh2_nl_net(info), nla_get_u32(info->attrs[attr]));
	if (s && !kh2_session_lock_patiently(s, &patience)) {
		kh2_session_put(s);
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[attr], "session is busy");
		return ERR_PTR(-EBUSY);
	}
	if (s) {
		if (s->state != KH2_SESSION_GONE)
			return s;
		kh2_nl_unlock_session(s);
	}
	NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[attr], "no such session");
	return ERR_PTR(-ENOENT);
}

/**
 * kh2_nl_lock_own_session() - find a session for a command that changes it
 * @req: the message
 * @info: the command
 * @attr: attribute that holds the session's number
 *
 * Context: Process context, may sleep.
 * Return: as kh2_nl_lock_session(); ERR_PTR(-EPERM) to those who neither own the channel nor
 *	have CAP_NET_ADMIN over the network namespace.
 */
struct kh2_session *kh2_nl_lock_own_session(struct sk_buff *req, struct genl_info *info, int attr)
{
	struct kh2_session *s = kh2_nl_lock_session(info, attr, kh2_nl_patience(req));

	if (IS_ERR(s) || kh2_channel_owned(s->ch) ||
	    netlink_ns_capable(req, genl_info_net(info)->user_ns, CAP_NET_ADMIN))
		return s;
	kh2_nl_unlock_session(s);
	NL_SET_ERR_MSG(info->extack, "only for the channel's owner, or with CAP_NET_ADMIN");
	return ERR_PTR(-EPERM);
}

/**
 * kh2_nl_begin_dump() - a part of a dump begins
 * @cb: the dump; args[1]: milliseconds that were waited, args[2]: its first part has begun
 *
 * The first part of a dump is made where the request is handled.
 *
 * Context: Process context.
 */
void kh2_nl_begin_dump(struct netlink_callback *cb)
{
	if (cb->args[2])
		return;
	cb->args[2] = 1;
	cb->args[1] = KH2_PATIENCE_MS - kh2_nl_patience(cb->skb);
}

/**
 * kh2_nl_patience_left() - how long a dump may still wait for sessions' locks
 * @cb: the dump
 *
 * Only a dump of sessions adds to what was waited.
 *
 * Context: Process context.
 * Return: milliseconds.
 */
u32 kh2_nl_patience_left(const struct netlink_callback *cb)
{
	return KH2_PATIENCE_MS - min_t(u32, cb->args[1], KH2_PATIENCE_MS);
}

/**
 * kh2_nl_submit() - have the engine do what a command says, as if the owner had submitted it
 * @s: the session
 * @sqe: the entry
 * @payload: of @sqe, or NULL
 *
 * Context: Process context with the session's lock held.
 * Return: 0 or a negative errno; -ESHUTDOWN if the session is closing.
 */
int kh2_nl_submit(struct kh2_session *s, const struct kh2_sqe *sqe, const void *payload)
{
	struct mem_cgroup *old;
	int err;

	if (s->state != KH2_SESSION_LIVE)
		return -ESHUTDOWN;
	old = set_active_memcg(s->ch->memcg);
	err = kh2e_submit(s->e, sqe, payload, NULL);
	set_active_memcg(old);
	return err;
}

/**
 * kh2_nl_end_command() - see to it that what comes of a command is sent
 * @info: the command
 * @s: of kh2_nl_lock_own_session(), given back
 * @err: what the engine said
 *
 * A worker sends it: it may have to wait for the socket's lock.
 *
 * Context: Process context with the session's lock held.
 * Return: @err.
 */
int kh2_nl_end_command(struct genl_info *info, struct kh2_session *s, int err)
{
	kh2_session_kick(s, KH2_KICK_TX);
	kh2_nl_unlock_session(s);
	if (err)
		NL_SET_ERR_MSG_FMT(info->extack, "refused by the connection: %d", err);
	return err;
}

/**
 * kh2_nl_command() - a command that is one entry of a submission queue
 * @req: the message
 * @info: the command
 * @attr: attribute that holds the session's number
 * @sqe: the entry
 * @payload: of @sqe, or NULL
 *
 * Context: Process context, may sleep.
 * Return: 0 or a negative errno, with the reason in extack.
 */
int kh2_nl_command(struct sk_buff *req, struct genl_info *info, int attr,
		   const struct kh2_sqe *sqe, const void *payload)
{
	struct kh2_session *s = kh2_nl_lock_own_session(req, info, attr);

	return IS_ERR(s) ? PTR_ERR(s) : kh2_nl_end_command(info, s, kh2_nl_submit(s, sqe, payload));
}
