// SPDX-License-Identifier: GPL-2.0
/* Netlink commands: arguments, rights, and what they do; news of sessions to the group "events". */

#include <linux/capability.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include "attach.h"
#include "channel.h"
#include "netlink.h"
#include "netns.h"
#include "nl_fill.h"
#include "nl_policy.h"
#include "session.h"
#include "stats.h"
#include "submit.h"

/* Enough for all that a session or the sums have to say. */
#define KH2_NL_SIZE 4096

#define KH2_SQ_DEFAULT 1024U
#define KH2_EV_DEFAULT SZ_1M
#define KH2_TX_DEFAULT SZ_1M

static struct genl_family kh2_family;

static u32 get_u32(struct genl_info *info, int attr, u32 otherwise)
{
	return info->attrs[attr] ? nla_get_u32(info->attrs[attr]) : otherwise;
}

static struct kh2_net *net_of(struct genl_info *info)
{
	return kh2_net_of(genl_info_net(info));
}

/*
 * Generic netlink handles all messages of a datagram under a lock that the whole system shares.
 * So only the first may wait: the one without headroom, for netlink pulls each off before the next.
 */
static bool is_first(const struct sk_buff *req)
{
	return !skb_headroom(req);
}

static u32 patience_for(const struct sk_buff *req)
{
	return is_first(req) ? KH2_PATIENCE_MS : 0;
}

static struct sk_buff *begin_reply(struct genl_info *info, void **head)
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

static int end_reply(struct genl_info *info, struct sk_buff *skb, void *head, int err)
{
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	genlmsg_end(skb, head);
	return genlmsg_reply(skb, info);
}

static int reply_channel(struct genl_info *info, struct file *file, int fd)
{
	const struct kh2_channel *ch = kh2_channel_from_file(file);
	struct sk_buff *skb;
	void *head;
	int err = 0;

	skb = begin_reply(info, &head);
	if (!skb)
		return -ENOMEM;
	if (nla_put_u32(skb, KH2_A_CHANNEL_ID, ch->id) ||
	    nla_put_s32(skb, KH2_A_CHANNEL_FD, fd) ||
	    nla_put_u32(skb, KH2_A_CHANNEL_SQ_ENTRIES, ch->sizes.sq_entries) ||
	    nla_put_u32(skb, KH2_A_CHANNEL_EV_BYTES, ch->sizes.ev_bytes) ||
	    nla_put_u32(skb, KH2_A_CHANNEL_TX_BYTES, ch->sizes.tx_bytes))
		err = -EMSGSIZE;
	return end_reply(info, skb, head, err);
}

static int channel_new(struct sk_buff *req, struct genl_info *info)
{
	const struct kh2_channel_sizes sizes = {
		.sq_entries = get_u32(info, KH2_A_CHANNEL_SQ_ENTRIES, KH2_SQ_DEFAULT),
		.ev_bytes = get_u32(info, KH2_A_CHANNEL_EV_BYTES, KH2_EV_DEFAULT),
		.tx_bytes = get_u32(info, KH2_A_CHANNEL_TX_BYTES, KH2_TX_DEFAULT),
	};
	struct file *file;
	int fd, err;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = kh2_channel_new(net_of(info), &sizes, info->extack);
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

	err = kh2e_config_init(cfg, get_u32(info, KH2_A_SESSION_ROLE, KH2_ROLE_SERVER));
	if (err)
		return err;
	cfg->padding = get_u32(info, KH2_A_SESSION_PADDING, KH2_PADDING_NONE);
	cfg->conn_window = get_u32(info, KH2_A_SESSION_CONN_WINDOW, 0);
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
	if (ch->kn != net_of(info)) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "channel is of another network namespace");
		fput(file);
		return ERR_PTR(-EXDEV);
	}
	return file;
}

static void unlock_session(struct kh2_session *s)
{
	kh2_session_unlock(s);
	kh2_session_put(s);
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

	skb = begin_reply(info, &head);
	if (!skb)
		return -ENOMEM;
	err = kh2_attach(file, fd, args, &id, info->extack);
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	err = end_reply(info, skb, head, nla_put_u32(skb, KH2_A_SESSION_ID, id));
	if (err)
		end_unknown(net_of(info), id);
	return err;
}

static int session_attach(struct sk_buff *req, struct genl_info *info)
{
	struct kh2_session_args *args;
	struct kh2_share *share;
	struct file *file;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, KH2_A_SESSION_CHANNEL_FD) ||
	    GENL_REQ_ATTR_CHECK(info, KH2_A_SESSION_SOCKET_FD))
		return -EINVAL;
	if (!is_first(req)) {
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
	share = &kh2_channel_from_file(file)->share;
	err = read_args(args, share, info);
	if (!err)
		err = attach(info, file, args);
	kh2_early_free(share, &args->early);
	kfree(args);
	fput(file);
	return err;
}

/* Returns the session locked and with a reference, or ERR_PTR(). */
static struct kh2_session *lock_session(struct genl_info *info, int attr, u32 patience)
{
	struct kh2_session *s;

	if (GENL_REQ_ATTR_CHECK(info, attr))
		return ERR_PTR(-EINVAL);
	s = kh2_session_find(net_of(info), nla_get_u32(info->attrs[attr]));
	if (s && !kh2_session_lock_patiently(s, &patience)) {
		kh2_session_put(s);
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[attr], "session is busy");
		return ERR_PTR(-EBUSY);
	}
	if (s) {
		if (s->state != KH2_SESSION_GONE)
			return s;
		unlock_session(s);
	}
	NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[attr], "no such session");
	return ERR_PTR(-ENOENT);
}

static struct kh2_session *lock_own_session(struct sk_buff *req, struct genl_info *info, int attr)
{
	struct kh2_session *s = lock_session(info, attr, patience_for(req));

	if (IS_ERR(s) || kh2_channel_owned(s->ch) ||
	    netlink_ns_capable(req, genl_info_net(info)->user_ns, CAP_NET_ADMIN))
		return s;
	unlock_session(s);
	NL_SET_ERR_MSG(info->extack, "only for the channel's owner, or with CAP_NET_ADMIN");
	return ERR_PTR(-EPERM);
}

static int session_get(struct sk_buff *req, struct genl_info *info)
{
	struct kh2_session *s;
	struct sk_buff *skb;
	void *head;
	int err;

	skb = begin_reply(info, &head);
	if (!skb)
		return -ENOMEM;
	s = lock_session(info, KH2_A_SESSION_ID, patience_for(req));
	if (IS_ERR(s)) {
		nlmsg_free(skb);
		return PTR_ERR(s);
	}
	err = kh2_nl_fill_session_locked(skb, s);
	unlock_session(s);
	return end_reply(info, skb, head, err);
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

/* The first part of a dump is made where the request is handled; args[2]: that is done. */
static void begin_dump(struct netlink_callback *cb)
{
	if (cb->args[2])
		return;
	cb->args[2] = 1;
	cb->args[1] = KH2_PATIENCE_MS - patience_for(cb->skb);
}

/* args[1]: milliseconds that were waited; only a dump of sessions adds to it */
static u32 patience_left(const struct netlink_callback *cb)
{
	return KH2_PATIENCE_MS - min_t(u32, cb->args[1], KH2_PATIENCE_MS);
}

static int session_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct kh2_net *kn = kh2_net_of(sock_net(skb->sk));
	unsigned long id = cb->args[0];
	struct kh2_session *s;
	u32 patience;
	int err;

	begin_dump(cb);
	patience = patience_left(cb);
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

/* What comes of a command is sent by a worker: it may have to wait for the socket's lock. */
static int end_command(struct genl_info *info, struct kh2_session *s, int err)
{
	kh2_session_kick(s, KH2_KICK_TX);
	unlock_session(s);
	if (err)
		NL_SET_ERR_MSG_FMT(info->extack, "refused by the connection: %d", err);
	return err;
}

/* As if the owner had submitted it. */
static int submit(struct kh2_session *s, const struct kh2_sqe *sqe, const void *payload)
{
	return s->state == KH2_SESSION_LIVE ? kh2e_submit(s->e, sqe, payload, NULL) : -ESHUTDOWN;
}

static int command(struct sk_buff *req, struct genl_info *info, int attr,
		   const struct kh2_sqe *sqe, const void *payload)
{
	struct kh2_session *s = lock_own_session(req, info, attr);

	return IS_ERR(s) ? PTR_ERR(s) : end_command(info, s, submit(s, sqe, payload));
}

static int check_settings(struct genl_info *info, const struct kh2_session *s,
			  struct kh2_setting *settings, u16 *n)
{
	int err = read_settings(settings, n, s->role, info);

	if (err)
		return err;
	if (!kh2_submit_settings_fit(s->ch, settings, *n)) {
		NL_SET_ERR_MSG(info->extack,
			       "event ring holds less than four frames of MAX_FRAME_SIZE");
		return -ENOSPC;
	}
	return 0;
}

static int send_settings(struct kh2_session *s, const struct kh2_setting *settings, u16 n)
{
	const struct kh2_sqe sqe = { .opcode = KH2_OP_SETTINGS, .len = n * sizeof(*settings) };

	return n ? submit(s, &sqe, settings) : 0;
}

static int set_limits(struct genl_info *info, struct kh2_session *s)
{
	u32 limits[__KH2_L_END];
	int err;

	memcpy(limits, s->limits, sizeof(limits));
	err = read_limits(limits, info);
	if (err)
		return err;
	if (limits[KH2_L_BLOCK_OCTETS] > s->ch->sizes.ev_bytes / 4) {
		NL_SET_ERR_MSG(info->extack, "event ring holds less than four header blocks");
		return -ENOSPC;
	}
	memcpy(s->limits, limits, sizeof(limits));
	kh2e_set_limits(s->e, limits);
	kh2_session_kick(s, KH2_KICK_LIMITS);
	return 0;
}

static int session_set(struct sk_buff *req, struct genl_info *info)
{
	struct kh2_session *s = lock_own_session(req, info, KH2_A_SESSION_ID);
	struct kh2_setting settings[KH2E_SETTINGS_CAP];
	u16 n;
	int err;

	if (IS_ERR(s))
		return PTR_ERR(s);
	err = check_settings(info, s, settings, &n) ?: set_limits(info, s);
	if (!err)
		return end_command(info, s, send_settings(s, settings, n));
	unlock_session(s);
	return err;
}

static int session_close(struct sk_buff *req, struct genl_info *info)
{
	struct kh2_sqe sqe = { .opcode = KH2_OP_CLOSE };

	sqe.code = get_u32(info, KH2_A_SESSION_CODE, KH2_NO_ERROR);
	if (info->attrs[KH2_A_SESSION_GRACEFUL]) {
		if (sqe.code) {
			NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[KH2_A_SESSION_CODE],
					    "a graceful close has no code");
			return -EINVAL;
		}
		sqe.opcode = KH2_OP_SHUTDOWN;
	}
	return command(req, info, KH2_A_SESSION_ID, &sqe, NULL);
}

static int session_ping(struct sk_buff *req, struct genl_info *info)
{
	struct kh2_sqe sqe = { .opcode = KH2_OP_PING };

	if (info->attrs[KH2_A_SESSION_OPAQUE])
		memcpy(&sqe.offset, nla_data(info->attrs[KH2_A_SESSION_OPAQUE]), 8);
	else
		sqe.flags = KH2_SQE_STAMP;
	return command(req, info, KH2_A_SESSION_ID, &sqe, NULL);
}

static int session_goaway(struct sk_buff *req, struct genl_info *info)
{
	struct nlattr *debug = info->attrs[KH2_A_SESSION_DEBUG];
	struct kh2_sqe sqe = { .opcode = KH2_OP_GOAWAY };

	sqe.code = get_u32(info, KH2_A_SESSION_CODE, KH2_NO_ERROR);
	if (info->attrs[KH2_A_SESSION_LAST_ID]) {
		sqe.value = nla_get_u32(info->attrs[KH2_A_SESSION_LAST_ID]);
		sqe.flags = KH2_SQE_LAST_ID;
	}
	sqe.len = debug ? nla_len(debug) : 0;
	return command(req, info, KH2_A_SESSION_ID, &sqe, debug ? nla_data(debug) : NULL);
}

static int stream_get(struct sk_buff *req, struct genl_info *info)
{
	struct kh2e_stream_info stream;
	struct kh2_session *s;
	struct sk_buff *skb;
	void *head;
	int err;
	u32 id;

	if (GENL_REQ_ATTR_CHECK(info, KH2_A_STREAM_ID))
		return -EINVAL;
	s = lock_session(info, KH2_A_STREAM_SESSION_ID, patience_for(req));
	if (IS_ERR(s))
		return PTR_ERR(s);
	id = s->id;
	err = kh2e_stream_info(s->e, nla_get_u32(info->attrs[KH2_A_STREAM_ID]), &stream);
	unlock_session(s);
	if (err) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[KH2_A_STREAM_ID], "no such stream");
		return err;
	}
	skb = begin_reply(info, &head);
	if (!skb)
		return -ENOMEM;
	return end_reply(info, skb, head, kh2_nl_fill_stream(skb, id, &stream));
}

/* A dump walks over all streams of a session once for so many of them. */
#define KH2_DUMP_STREAMS 64

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

static int stream_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct genl_info *info = (struct genl_info *)genl_info_dump(cb);
	struct kh2_session *s;

	begin_dump(cb);
	s = lock_session(info, KH2_A_STREAM_SESSION_ID, patience_left(cb));
	if (IS_ERR(s))
		return PTR_ERR(s);
	cb->seq = stream_generation(s);
	while (dump_some(skb, cb, s))
		;
	unlock_session(s);
	return skb->len;
}

static void set_urgency(struct genl_info *info, struct kh2_sqe *sqe)
{
	sqe->opcode = KH2_OP_PRIORITY;
	sqe->value = nla_get_u32(info->attrs[KH2_A_STREAM_URGENCY]) |
		     get_u32(info, KH2_A_STREAM_INCREMENTAL, 0) << 3;
}

static void set_dependency(struct genl_info *info, struct kh2_sqe *sqe)
{
	sqe->opcode = KH2_OP_DEPEND;
	sqe->value = get_u32(info, KH2_A_STREAM_PARENT, 0);
	if (info->attrs[KH2_A_STREAM_EXCLUSIVE])
		sqe->value |= 1U << 31;
	sqe->code = nla_get_u32(info->attrs[KH2_A_STREAM_WEIGHT]);
}

/* Nothing is sent: a server's peer has no use for it, a client's owner did not say it. */
static int stream_set(struct sk_buff *req, struct genl_info *info)
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
	return command(req, info, KH2_A_STREAM_SESSION_ID, &sqe, NULL);
}

/* Not as the owner does it, who then knows of it: what it submits meanwhile is allowed. */
static int stream_reset(struct sk_buff *req, struct genl_info *info)
{
	struct kh2_session *s;
	int err = -ESHUTDOWN;

	if (GENL_REQ_ATTR_CHECK(info, KH2_A_STREAM_ID))
		return -EINVAL;
	s = lock_own_session(req, info, KH2_A_STREAM_SESSION_ID);
	if (IS_ERR(s))
		return PTR_ERR(s);
	if (s->state == KH2_SESSION_LIVE)
		err = kh2e_reset(s->e, nla_get_u32(info->attrs[KH2_A_STREAM_ID]),
				 get_u32(info, KH2_A_STREAM_CODE, KH2_CANCEL));
	return end_command(info, s, err);
}

static int stats_get(struct sk_buff *req, struct genl_info *info)
{
	struct kh2_stats *sum = kmalloc(sizeof(*sum), GFP_KERNEL);
	struct sk_buff *skb;
	void *head;
	int err;

	if (!sum)
		return -ENOMEM;
	kh2_stats_sum(net_of(info), sum, patience_for(req));
	skb = begin_reply(info, &head);
	err = skb ? end_reply(info, skb, head, kh2_nl_fill_stats(skb, net_of(info), sum)) :
		    -ENOMEM;
	kfree(sum);
	return err;
}

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
	KH2_DO(CHANNEL_NEW, channel_new, kh2_channel_new_policy),
	KH2_DO(SESSION_ATTACH, session_attach, kh2_session_attach_policy),
	KH2_DO(SESSION_GET, session_get, kh2_session_get_policy),
	{
		.cmd = KH2_CMD_SESSION_GET,
		.dumpit = session_dump,
		.flags = GENL_CMD_CAP_DUMP,
	},
	KH2_DO(SESSION_SET, session_set, kh2_session_set_policy),
	KH2_DO(SESSION_CLOSE, session_close, kh2_session_close_policy),
	KH2_DO(SESSION_PING, session_ping, kh2_session_ping_policy),
	KH2_DO(SESSION_GOAWAY, session_goaway, kh2_session_goaway_policy),
	KH2_DO(STREAM_GET, stream_get, kh2_stream_get_do_policy),
	{
		.cmd = KH2_CMD_STREAM_GET,
		.dumpit = stream_dump,
		.policy = kh2_stream_get_dump_policy,
		.maxattr = ARRAY_SIZE(kh2_stream_get_dump_policy) - 1,
		.flags = GENL_CMD_CAP_DUMP,
	},
	KH2_DO(STREAM_SET, stream_set, kh2_stream_set_policy),
	KH2_DO(STREAM_RESET, stream_reset, kh2_stream_reset_policy),
	{
		.cmd = KH2_CMD_STATS_GET,
		.doit = stats_get,
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
