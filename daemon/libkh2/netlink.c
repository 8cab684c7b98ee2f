// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Requests to the generic netlink family kh2, one at a time, each with its answer. */
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <stdlib.h>
#include <time.h>

#include "netlink.h"

#define BUF_LEN		(KH2_EARLY_MAX + 8192)
/* Then they are for those who debug: each connection may have one. */
#define REFUSALS_LOGGED	10

/**
 * struct kh2i_nl - a netlink socket
 * @ctx: context, for the log
 * @sock: socket
 * @family: number of the family kh2
 * @seq: of the last request
 * @refusals: that were logged
 * @buf: request, then answer
 */
struct kh2i_nl {
	struct kh2_ctx *ctx;
	struct mnl_socket *sock;
	u16 family;
	u32 seq;
	u32 refusals;
	char buf[BUF_LEN];
};

static struct nlmsghdr *request(struct kh2i_nl *nl, u16 family, u8 cmd)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(nl->buf);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = family;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	nlh->nlmsg_seq = ++nl->seq;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = KH2_FAMILY_VERSION;
	return nlh;
}

static int take_words(const struct nlattr *attr, void *data)
{
	const char **words = data;

	if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG &&
	    !mnl_attr_validate(attr, MNL_TYPE_NUL_STRING))
		*words = mnl_attr_get_str(attr);
	return MNL_CB_OK;
}

/* The module's words of refusal, NETLINK_EXT_ACK */
static void log_words(struct kh2i_nl *nl, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);
	size_t offset = sizeof(*err);
	const char *words = NULL;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		offset += mnl_nlmsg_get_payload_len(&err->msg);
	mnl_attr_parse(nlh, (unsigned int)offset, take_words, &words);
	if (words)
		kh2i_log(nl->ctx, nl->refusals++ < REFUSALS_LOGGED ? KH2_LOG_WARNING :
			 KH2_LOG_DEBUG, "kh2.ko: %s", words);
}

/* Handles one answer. Returns 1 at its end, 0 if more is to come, or a negative errno. */
static int take_answer(struct kh2i_nl *nl, const struct nlmsghdr *nlh, mnl_attr_cb_t cb, void *data)
{
	const struct nlmsgerr *err;

	if (nlh->nlmsg_seq != nl->seq)
		return 0;
	if (nlh->nlmsg_type != NLMSG_ERROR) {
		if (cb)
			mnl_attr_parse(nlh, sizeof(struct genlmsghdr), cb, data);
		return 0;
	}
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*err))
		return -EBADMSG;
	err = mnl_nlmsg_get_payload(nlh);
	if (err->error)
		log_words(nl, nlh);
	return err->error ? err->error : 1;
}

static int talk(struct kh2i_nl *nl, struct nlmsghdr *nlh, mnl_attr_cb_t cb, void *data)
{
	if (mnl_socket_sendto(nl->sock, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	for (;;) {
		ssize_t n = mnl_socket_recvfrom(nl->sock, nl->buf, sizeof(nl->buf));
		int len = (int)n, ret = 0;

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		for (nlh = (struct nlmsghdr *)nl->buf; !ret && mnl_nlmsg_ok(nlh, len);
		     nlh = mnl_nlmsg_next(nlh, &len))
			ret = take_answer(nl, nlh, cb, data);
		if (ret)
			return ret < 0 ? ret : 0;
	}
}

static int take_family(const struct nlattr *attr, void *data)
{
	if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
		*(u16 *)data = mnl_attr_get_u16(attr);
	return MNL_CB_OK;
}

static int find_family(struct kh2i_nl *nl)
{
	struct nlmsghdr *nlh = request(nl, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	int err;

	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, KH2_FAMILY_NAME);
	err = talk(nl, nlh, take_family, &nl->family);
	if (err == -ENOENT || (!err && !nl->family))
		return -EPROTONOSUPPORT;
	return err;
}

/**
 * kh2i_nl_open() - reach the module
 * @ctx: context, for the log
 * @out: result
 *
 * Return: 0; -EPROTONOSUPPORT if the module is not loaded; -errno.
 */
int kh2i_nl_open(struct kh2_ctx *ctx, struct kh2i_nl **out)
{
	struct kh2i_nl *nl = calloc(1, sizeof(*nl));
	int err, one = 1;

	if (!nl)
		return -ENOMEM;
	nl->ctx = ctx;
	nl->seq = (u32)time(NULL);
	nl->sock = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!nl->sock || mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0) {
		err = -errno;
		kh2i_nl_close(nl);
		return err;
	}
	mnl_socket_setsockopt(nl->sock, NETLINK_EXT_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(nl->sock, NETLINK_CAP_ACK, &one, sizeof(one));
	err = find_family(nl);
	if (err) {
		kh2i_nl_close(nl);
		return err;
	}
	*out = nl;
	return 0;
}

void kh2i_nl_close(struct kh2i_nl *nl)
{
	if (!nl)
		return;
	if (nl->sock)
		mnl_socket_close(nl->sock);
	free(nl);
}

static int take_channel(const struct nlattr *attr, void *data)
{
	if (mnl_attr_get_type(attr) == KH2_A_CHANNEL_FD)
		*(int *)data = (int)mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

/**
 * kh2i_nl_channel_new() - make a channel
 * @nl: netlink
 * @sq_entries: entries of the submission queue
 * @ev_bytes: octets of the event ring
 * @tx_bytes: octets of the transmit area
 *
 * Return: descriptor or -errno.
 */
int kh2i_nl_channel_new(struct kh2i_nl *nl, u32 sq_entries, u32 ev_bytes, u32 tx_bytes)
{
	struct nlmsghdr *nlh = request(nl, nl->family, KH2_CMD_CHANNEL_NEW);
	int fd = -1, err;

	mnl_attr_put_u32(nlh, KH2_A_CHANNEL_SQ_ENTRIES, sq_entries);
	mnl_attr_put_u32(nlh, KH2_A_CHANNEL_EV_BYTES, ev_bytes);
	mnl_attr_put_u32(nlh, KH2_A_CHANNEL_TX_BYTES, tx_bytes);
	err = talk(nl, nlh, take_channel, &fd);
	if (err)
		return err;
	return fd < 0 ? -EBADMSG : fd;
}

static void put_limits(struct nlmsghdr *nlh, const struct kh2e_config *cfg)
{
	struct kh2_limit_value v[__KH2_L_END];

	for (u32 i = 0; i < __KH2_L_END; i++)
		v[i] = (struct kh2_limit_value){ .id = i, .value = cfg->limits[i] };
	mnl_attr_put(nlh, KH2_A_SESSION_LIMITS, sizeof(v), v);
}

static int take_session_id(const struct nlattr *attr, void *data)
{
	if (mnl_attr_get_type(attr) == KH2_A_SESSION_ID)
		*(u32 *)data = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

/**
 * kh2i_nl_attach() - make a connected socket a session
 * @nl: netlink
 * @channel_fd: channel
 * @at: socket, what was read early, and configuration
 * @id: the module's number of the session
 *
 * Return: 0 or -errno.
 */
int kh2i_nl_attach(struct kh2i_nl *nl, int channel_fd, const struct kh2i_attach *at, u32 *id)
{
	struct nlmsghdr *nlh = request(nl, nl->family, KH2_CMD_SESSION_ATTACH);
	const struct kh2e_config *cfg = &at->cfg;
	int err;

	if (at->early_len > KH2_EARLY_MAX)
		return -EMSGSIZE;
	mnl_attr_put_u32(nlh, KH2_A_SESSION_CHANNEL_FD, (u32)channel_fd);
	mnl_attr_put_u32(nlh, KH2_A_SESSION_SOCKET_FD, (u32)at->fd);
	mnl_attr_put_u32(nlh, KH2_A_SESSION_ROLE, cfg->role);
	mnl_attr_put_u32(nlh, KH2_A_SESSION_PADDING, cfg->padding);
	if (cfg->conn_window)
		mnl_attr_put_u32(nlh, KH2_A_SESSION_CONN_WINDOW, cfg->conn_window);
	if (cfg->n_settings)
		mnl_attr_put(nlh, KH2_A_SESSION_SETTINGS,
			     cfg->n_settings * sizeof(cfg->settings[0]), cfg->settings);
	put_limits(nlh, cfg);
	if (at->early_len)
		mnl_attr_put(nlh, KH2_A_SESSION_EARLY, at->early_len, at->early);
	*id = 0;
	err = talk(nl, nlh, take_session_id, id);
	if (err)
		return err;
	return *id ? 0 : -EBADMSG;
}

struct session_answer {
	struct kh2e_info *info;
	u64 *counters;
	size_t n;
	size_t got;
};

static void take_counters(const struct nlattr *attr, struct session_answer *a)
{
	size_t n = mnl_attr_get_payload_len(attr) / sizeof(u64);

	a->got = n < a->n ? n : a->n;
	if (a->got)
		memcpy(a->counters, mnl_attr_get_payload(attr), a->got * sizeof(u64));
}

static int take_session(const struct nlattr *attr, void *data)
{
	struct session_answer *a = data;
	struct kh2e_info *info = a->info;

	switch (mnl_attr_get_type(attr)) {
	case KH2_A_SESSION_STREAMS:
		info->streams = mnl_attr_get_u32(attr);
		break;
	case KH2_A_SESSION_NEXT_STREAM_ID:
		info->next_stream_id = mnl_attr_get_u32(attr);
		break;
	case KH2_A_SESSION_LAST_PROC_ID:
		info->last_proc_id = mnl_attr_get_u32(attr);
		break;
	case KH2_A_SESSION_LOCAL_WINDOW:
		info->local_window = (s32)mnl_attr_get_u32(attr);
		break;
	case KH2_A_SESSION_LOCAL_WINDOW_MAX:
		info->local_window_max = (s32)mnl_attr_get_u32(attr);
		break;
	case KH2_A_SESSION_RECV_UNACKED:
		info->recv_unacked = mnl_attr_get_u32(attr);
		break;
	case KH2_A_SESSION_REMOTE_WINDOW:
		info->remote_window = (s32)mnl_attr_get_u32(attr);
		break;
	case KH2_A_SESSION_OUT_FRAMES:
		info->out_frames = mnl_attr_get_u32(attr);
		break;
	case KH2_A_SESSION_MEMORY:
		info->memory = mnl_attr_get_u64(attr);
		break;
	case KH2_A_SESSION_RTT:
		info->rtt = mnl_attr_get_u64(attr);
		break;
	case KH2_A_SESSION_COUNTERS:
		take_counters(attr, a);
		break;
	}
	return MNL_CB_OK;
}

/**
 * kh2i_nl_session_info() - look at a session
 * @nl: netlink
 * @id: the module's number
 * @info: filled in, as far as sessions tell it
 * @counters: filled in, or NULL
 * @n: entries in @counters
 *
 * Return: entries filled in, or -errno.
 */
int kh2i_nl_session_info(struct kh2i_nl *nl, u32 id, struct kh2e_info *info, u64 *counters,
			 size_t n)
{
	struct nlmsghdr *nlh = request(nl, nl->family, KH2_CMD_SESSION_GET);
	struct session_answer a = { .info = info, .counters = counters, .n = counters ? n : 0 };
	int err;

	memset(info, 0, sizeof(*info));
	mnl_attr_put_u32(nlh, KH2_A_SESSION_ID, id);
	err = talk(nl, nlh, take_session, &a);
	return err ? err : (int)a.got;
}

static int take_stream(const struct nlattr *attr, void *data)
{
	struct kh2e_stream_info *info = data;

	switch (mnl_attr_get_type(attr)) {
	case KH2_A_STREAM_STATE:
		info->state = (u8)mnl_attr_get_u32(attr);
		break;
	case KH2_A_STREAM_URGENCY:
		info->urgency = (u8)mnl_attr_get_u32(attr);
		break;
	case KH2_A_STREAM_INCREMENTAL:
		info->incremental = mnl_attr_get_u32(attr);
		break;
	case KH2_A_STREAM_WEIGHT:
		info->weight = (u16)mnl_attr_get_u32(attr);
		break;
	case KH2_A_STREAM_PARENT:
		info->parent = mnl_attr_get_u32(attr);
		break;
	case KH2_A_STREAM_SUM_DEPENDENCY_WEIGHT:
		info->sum_dependency_weight = mnl_attr_get_u32(attr);
		break;
	case KH2_A_STREAM_LOCAL_WINDOW:
		info->local_window = (s32)mnl_attr_get_u32(attr);
		break;
	case KH2_A_STREAM_REMOTE_WINDOW:
		info->remote_window = (s32)mnl_attr_get_u32(attr);
		break;
	case KH2_A_STREAM_QUEUED:
		info->queued = mnl_attr_get_u64(attr);
		break;
	}
	return MNL_CB_OK;
}

/**
 * kh2i_nl_stream_info() - look at a stream
 * @nl: netlink
 * @session: the module's number of the session
 * @id: stream identifier
 * @info: filled in, as far as streams tell it
 *
 * Return: 0 or -errno; -ENOENT if there is none.
 */
int kh2i_nl_stream_info(struct kh2i_nl *nl, u32 session, u32 id, struct kh2e_stream_info *info)
{
	struct nlmsghdr *nlh = request(nl, nl->family, KH2_CMD_STREAM_GET);

	memset(info, 0, sizeof(*info));
	info->id = id;
	mnl_attr_put_u32(nlh, KH2_A_STREAM_SESSION_ID, session);
	mnl_attr_put_u32(nlh, KH2_A_STREAM_ID, id);
	return talk(nl, nlh, take_stream, info);
}
