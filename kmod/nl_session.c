// SPDX-License-Identifier: GPL-2.0
/* Commands about sessions. */

#include <linux/file.h>
#include <linux/memcontrol.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include "attach.h"
#include "channel.h"
#include "channel_sizes.h"
#include "netns.h"
#include "nl_fill.h"
#include "nl_request.h"
#include "nl_session.h"
#include "session.h"

static int read_limits(u32 limits[__KH2_L_END], struct genl_info *info)
{
	struct nlattr *attr = info->attrs[KH2_A_SESSION_LIMITS];
	const struct kh2_limit_value *v;
	u32 bad = 0;
	int n;

	if (!attr)
		return 0;
	v = nla_data(attr);
	n = nla_len(attr) / sizeof(*v);
	if (nla_len(attr) % sizeof(*v)) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "limits: not a whole number of entries");
		return -EINVAL;
	}
	for (int i = 0; i < n; i++) {
		if (v[i].id >= __KH2_L_END) {
			NL_SET_ERR_MSG_ATTR(info->extack, attr, "limits: unknown one");
			return -EINVAL;
		}
		limits[v[i].id] = v[i].value;
	}
	if (kh2e_limits_check(limits, &bad)) {
		NL_SET_ERR_MSG_ATTR_FMT(info->extack, attr, "limit %u: out of range", bad);
		return -ERANGE;
	}
	return 0;
}

/* Copies to @s, sets @n. */
static int read_settings(struct kh2_setting s[KH2E_SETTINGS_CAP], u16 *n, u8 role,
			 struct genl_info *info)
{
	struct nlattr *attr = info->attrs[KH2_A_SESSION_SETTINGS];
	u32 bad = 0;

	*n = 0;
	if (!attr)
		return 0;
	if (nla_len(attr) % sizeof(*s) || nla_len(attr) / sizeof(*s) >= KH2E_SETTINGS_CAP) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "settings: 15 whole entries at the most");
		return -EINVAL;
	}
	*n = nla_len(attr) / sizeof(*s);
	memcpy(s, nla_data(attr), nla_len(attr));
	if (kh2e_settings_check(s, *n, role, &bad)) {
		NL_SET_ERR_MSG_ATTR_FMT(info->extack, attr, "settings: entry %u is out of range",
					bad);
		return -ERANGE;
	}
	return 0;
}

static int read_early(struct kh2_early *early, struct kh2_share *share, struct genl_info *info)
{
	struct nlattr *attr = info->attrs[KH2_A_SESSION_EARLY];

	if (!attr || !nla_len(attr))
		return 0;
	early->len = nla_len(attr);
	early->data = kh2_share_alloc(share, early->len, 0);
	if (!early->data)
		return -ENOMEM;
	memcpy(early->data, nla_data(attr), early->len);
	return 0;
}

static int read_args(struct kh2_session_args *args, struct kh2_share *share,
		     struct genl_info *info)
{
	struct kh2e_config *cfg = &args->cfg;
	int err;

	err = kh2e_config_init(cfg, kh2_nl_u32(info, KH2_A_SESSION_ROLE, KH2_ROLE_SERVER));
	if (err)
		return err;
	cfg->padding = kh2_nl_u32(info, KH2_A_SESSION_PADDING, KH2_PADDING_NONE);
	cfg->conn_window = kh2_nl_u32(info, KH2_A_SESSION_CONN_WINDOW, 0);
	if (info->attrs[KH2_A_SESSION_LABEL])
		nla_strscpy(args->label, info->attrs[KH2_A_SESSION_LABEL], sizeof(args->label));
	err = read_limits(cfg->limits, info);
	if (err)
		return err;
	err = read_settings(cfg->settings, &cfg->n_settings, cfg->role, info);
	if (err)
		return err;
	return read_early(&args->early, share, info);
}

/* The channel's file, with a reference. */
static struct file *get_channel_file(struct genl_info *info)
{
	struct nlattr *attr = info->attrs[KH2_A_SESSION_CHANNEL_FD];
	struct file *file = fget(nla_get_s32(attr));
	struct kh2_channel *ch;

	if (!file) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "no such descriptor");
		return ERR_PTR(-EBADF);
	}
	ch = kh2_channel_from_file(file);
	if (!ch) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "descriptor is not a channel");
		fput(file);
		return ERR_PTR(-EINVAL);
	}
	if (ch->kn != kh2_nl_net(info)) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "channel is of another network namespace");
		fput(file);
		return ERR_PTR(-EXDEV);
	}
	return file;
}

/* Nobody knows of the session: its owner is told that there is none. */
static void end_unknown(struct kh2_net *kn, u32 id)
{
	struct kh2_session *s = kh2_session_find(kn, id);

	if (!s)
		return;
	kh2_session_kick(s, KH2_KICK_END);
	kh2_session_put(s);
}

/* The reply is made first: what was attached is not to fail for want of memory to say so. */
static int attach(struct genl_info *info, struct file *file, struct kh2_session_args *args)
{
	int fd = nla_get_s32(info->attrs[KH2_A_SESSION_SOCKET_FD]);
	struct sk_buff *skb;
	void *head;
	u32 id;
	int err;

	skb = kh2_nl_begin_reply(info, &head);
	if (!skb)
		return -ENOMEM;
	err = kh2_attach(file, fd, args, &id, info->extack);
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	err = kh2_nl_end_reply(info, skb, head, nla_put_u32(skb, KH2_A_SESSION_ID, id));
	if (err)
		end_unknown(kh2_nl_net(info), id);
	return err;
}

/**
 * kh2_nl_session_attach() - KH2_CMD_SESSION_ATTACH
 * @req: the message
 * @info: the command
 *
 * Context: Process context of the one who asks, may sleep.
 * Return: 0, with the session's number in the reply, or a negative errno, with the
 *	reason in extack.
 */
int kh2_nl_session_attach(struct sk_buff *req, struct genl_info *info)
{
	struct kh2_session_args *args;
	struct kh2_channel *ch;
	struct mem_cgroup *old;
	struct file *file;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, KH2_A_SESSION_CHANNEL_FD) ||
	    GENL_REQ_ATTR_CHECK(info, KH2_A_SESSION_SOCKET_FD))
		return -EINVAL;
	if (!kh2_nl_is_first(req)) {
		NL_SET_ERR_MSG(info->extack, "an attach must be the first of its datagram");
		return -EBUSY;
	}
	file = get_channel_file(info);
	if (IS_ERR(file))
		return PTR_ERR(file);
	args = kzalloc(sizeof(*args), GFP_KERNEL);
	if (!args) {
		fput(file);
		return -ENOMEM;
	}
	ch = kh2_channel_from_file(file);
	old = set_active_memcg(ch->memcg);
	err = read_args(args, &ch->share, info);
	if (!err)
		err = attach(info, file, args);
	set_active_memcg(old);
	kh2_early_free(&ch->share, &args->early);
	kfree(args);
	fput(file);
	return err;
}

/**
 * kh2_nl_session_get() - KH2_CMD_SESSION_GET of one
 * @req: the message
 * @info: the command
 *
 * Context: Process context of the one who asks, may sleep.
 * Return: 0, with all about it in the reply, or a negative errno, with the
 *	reason in extack.
 */
int kh2_nl_session_get(struct sk_buff *req, struct genl_info *info)
{
	struct kh2_session *s;
	struct sk_buff *skb;
	void *head;
	int err;

	skb = kh2_nl_begin_reply(info, &head);
	if (!skb)
		return -ENOMEM;
	s = kh2_nl_lock_session(info, KH2_A_SESSION_ID, kh2_nl_patience(req));
	if (IS_ERR(s)) {
		nlmsg_free(skb);
		return PTR_ERR(s);
	}
	err = kh2_nl_fill_session_locked(skb, s);
	kh2_nl_unlock_session(s);
	return kh2_nl_end_reply(info, skb, head, err);
}

static int fill_one(struct sk_buff *skb, struct kh2_session *s, u32 *patience)
{
	int err = -ENOENT;

	if (!kh2_session_lock_patiently(s, patience))
		return kh2_nl_fill_busy(skb, s);
	if (s->state != KH2_SESSION_GONE)
		err = kh2_nl_fill_session_locked(skb, s);
	kh2_session_unlock(s);
	return err;
}

static int dump_one(struct sk_buff *skb, struct netlink_callback *cb, struct kh2_session *s,
		    u32 *patience)
{
	void *head;
	int err;

	head = genlmsg_iput(skb, genl_info_dump(cb));
	if (!head)
		return -EMSGSIZE;
	genl_dump_check_consistent(cb, head);
	err = fill_one(skb, s, patience);
	if (err)
		genlmsg_cancel(skb, head);
	else
		genlmsg_end(skb, head);
	return err;
}

/**
 * kh2_nl_session_dump() - KH2_CMD_SESSION_GET of all
 * @skb: part of the reply
 * @cb: the dump; args[0]: the lowest number not told yet
 *
 * Context: Process context of the one who asks, may sleep.
 * Return: octets in @skb; none: that was all.
 */
int kh2_nl_session_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct kh2_net *kn = kh2_net_of(sock_net(skb->sk));
	unsigned long id = cb->args[0];
	struct kh2_session *s;
	u32 patience;
	int err;

	kh2_nl_begin_dump(cb);
	patience = kh2_nl_patience_left(cb);
	cb->seq = atomic_read(&kn->generation);
	for (; (s = kh2_session_next(kn, &id)); id++) {
		err = dump_one(skb, cb, s, &patience);
		kh2_session_put(s);
		if (err == -EMSGSIZE)
			break;
	}
	cb->args[0] = id;
	cb->args[1] = KH2_PATIENCE_MS - patience;
	return skb->len;
}

static int check_settings(struct genl_info *info, const struct kh2_session *s,
			  struct kh2_setting *settings, u16 *n)
{
	int err = read_settings(settings, n, s->role, info);

	return err ?: kh2_channel_fits_settings(s->ch, settings, *n, info->extack);
}

static int send_settings(struct kh2_session *s, const struct kh2_setting *settings, u16 n)
{
	const struct kh2_sqe sqe = { .opcode = KH2_OP_SETTINGS, .len = n * sizeof(*settings) };

	return n ? kh2_nl_submit(s, &sqe, settings) : 0;
}

static int check_limits(struct genl_info *info, const struct kh2_session *s,
			u32 limits[__KH2_L_END])
{
	memcpy(limits, s->limits, sizeof(s->limits));
	return read_limits(limits, info) ?:
	       kh2_channel_fits_block(s->ch, limits[KH2_L_BLOCK_OCTETS], info->extack);
}

static void use_limits(struct kh2_session *s, const u32 limits[__KH2_L_END])
{
	memcpy(s->limits, limits, sizeof(s->limits));
	kh2e_set_limits(s->e, limits);
	kh2_session_kick(s, KH2_KICK_LIMITS);
}

/* All of it or nothing. The new limits are for the new settings, too. */
static int change_locked(struct kh2_session *s, const u32 limits[__KH2_L_END],
			 const struct kh2_setting *settings, u16 n)
{
	u32 before[__KH2_L_END];
	int err;

	memcpy(before, s->limits, sizeof(before));
	use_limits(s, limits);
	err = send_settings(s, settings, n);
	if (err)
		use_limits(s, before);
	return err;
}

/**
 * kh2_nl_session_set() - KH2_CMD_SESSION_SET
 * @req: the message
 * @info: the command
 *
 * Context: Process context of the one who asks, may sleep.
 * Return: 0 or a negative errno, with the reason in extack.
 */
int kh2_nl_session_set(struct sk_buff *req, struct genl_info *info)
{
	struct kh2_session *s = kh2_nl_lock_own_session(req, info, KH2_A_SESSION_ID);
	struct kh2_setting settings[KH2E_SETTINGS_CAP];
	u32 limits[__KH2_L_END];
	u16 n;
	int err;

	if (IS_ERR(s))
		return PTR_ERR(s);
	err = check_settings(info, s, settings, &n) ?: check_limits(info, s, limits);
	if (!err)
		return kh2_nl_end_command(info, s, change_locked(s, limits, settings, n));
	kh2_nl_unlock_session(s);
	return err;
}

/**
 * kh2_nl_session_close() - KH2_CMD_SESSION_CLOSE
 * @req: the message
 * @info: the command
 *
 * Context: Process context of the one who asks, may sleep.
 * Return: 0 or a negative errno, with the reason in extack.
 */
int kh2_nl_session_close(struct sk_buff *req, struct genl_info *info)
{
	struct kh2_sqe sqe = { .opcode = KH2_OP_CLOSE };

	sqe.code = kh2_nl_u32(info, KH2_A_SESSION_CODE, KH2_NO_ERROR);
	if (info->attrs[KH2_A_SESSION_GRACEFUL]) {
		if (sqe.code) {
			NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[KH2_A_SESSION_CODE],
					    "a graceful close has no code");
			return -EINVAL;
		}
		sqe.opcode = KH2_OP_SHUTDOWN;
	}
	return kh2_nl_command(req, info, KH2_A_SESSION_ID, &sqe, NULL);
}

/**
 * kh2_nl_session_ping() - KH2_CMD_SESSION_PING
 * @req: the message
 * @info: the command
 *
 * Context: Process context of the one who asks, may sleep.
 * Return: 0 or a negative errno, with the reason in extack.
 */
int kh2_nl_session_ping(struct sk_buff *req, struct genl_info *info)
{
	struct kh2_sqe sqe = { .opcode = KH2_OP_PING };

	if (info->attrs[KH2_A_SESSION_OPAQUE])
		memcpy(&sqe.offset, nla_data(info->attrs[KH2_A_SESSION_OPAQUE]), 8);
	else
		sqe.flags = KH2_SQE_STAMP;
	return kh2_nl_command(req, info, KH2_A_SESSION_ID, &sqe, NULL);
}

/**
 * kh2_nl_session_goaway() - KH2_CMD_SESSION_GOAWAY
 * @req: the message
 * @info: the command
 *
 * Context: Process context of the one who asks, may sleep.
 * Return: 0 or a negative errno, with the reason in extack.
 */
int kh2_nl_session_goaway(struct sk_buff *req, struct genl_info *info)
{
	struct nlattr *debug = info->attrs[KH2_A_SESSION_DEBUG];
	struct kh2_sqe sqe = { .opcode = KH2_OP_GOAWAY };

	sqe.code = kh2_nl_u32(info, KH2_A_SESSION_CODE, KH2_NO_ERROR);
	if (info->attrs[KH2_A_SESSION_LAST_ID]) {
		sqe.value = nla_get_u32(info->attrs[KH2_A_SESSION_LAST_ID]);
		sqe.flags = KH2_SQE_LAST_ID;
	}
	sqe.len = debug ? nla_len(debug) : 0;
	return kh2_nl_command(req, info, KH2_A_SESSION_ID, &sqe, debug ? nla_data(debug) : NULL);
}
