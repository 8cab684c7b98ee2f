// SPDX-License-Identifier: GPL-2.0
/* Writing sessions, streams and sums as netlink attributes. */

#include <linux/in.h>
#include <linux/in6.h>
#include <net/netlink.h>
#include <net/sock.h>

#include "channel.h"
#include "netns.h"
#include "nl_fill.h"
#include "session.h"
#include "stats.h"

static int put_address(struct sk_buff *skb, int attr, const struct sockaddr_storage *addr)
{
	switch (addr->ss_family) {
	case AF_INET:
		return nla_put(skb, attr, sizeof(struct sockaddr_in), addr);
	case AF_INET6:
		return nla_put(skb, attr, sizeof(struct sockaddr_in6), addr);
	}
	return 0;
}

static int put_u64(struct sk_buff *skb, int attr, u64 value)
{
	return nla_put_u64_64bit(skb, attr, value, KH2_A_SESSION_PAD);
}

static int put_values(struct sk_buff *skb, int attr, const struct kh2e_settings *v)
{
	struct nlattr *nest = nla_nest_start(skb, attr);

	if (!nest)
		return -EMSGSIZE;
	if (nla_put_u32(skb, KH2_A_VALUES_HEADER_TABLE_SIZE, v->header_table_size) ||
	    nla_put_u32(skb, KH2_A_VALUES_ENABLE_PUSH, v->enable_push) ||
	    nla_put_u32(skb, KH2_A_VALUES_MAX_CONCURRENT_STREAMS, v->max_concurrent_streams) ||
	    nla_put_u32(skb, KH2_A_VALUES_INITIAL_WINDOW_SIZE, v->initial_window_size) ||
	    nla_put_u32(skb, KH2_A_VALUES_MAX_FRAME_SIZE, v->max_frame_size) ||
	    nla_put_u32(skb, KH2_A_VALUES_MAX_HEADER_LIST_SIZE, v->max_header_list_size) ||
	    nla_put_u32(skb, KH2_A_VALUES_ENABLE_CONNECT_PROTOCOL, v->enable_connect_protocol) ||
	    nla_put_u32(skb, KH2_A_VALUES_NO_RFC7540_PRIORITIES, v->no_rfc7540_priorities)) {
		nla_nest_cancel(skb, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

static int put_limits(struct sk_buff *skb, const struct kh2_session *s)
{
	struct nlattr *attr = nla_reserve(skb, KH2_A_SESSION_LIMITS,
					  __KH2_L_END * sizeof(struct kh2_limit_value));
	struct kh2_limit_value *v;

	if (!attr)
		return -EMSGSIZE;
	v = nla_data(attr);
	for (u32 i = 0; i < __KH2_L_END; i++)
		v[i] = (struct kh2_limit_value){ .id = i, .value = s->limits[i] };
	return 0;
}

static int put_counters(struct sk_buff *skb, int attr, const u64 *counters, int pad)
{
	return nla_put_64bit(skb, attr, __KH2_C_END * sizeof(u64), counters, pad);
}

/*
 * News are for many, so they have the owner's number in the namespace of the
 * system, or the one by which the owner itself goes: where network namespaces
 * are not the system's, processes mostly have their own numbers, too.
 */
static pid_t public_pid(const struct kh2_channel *ch)
{
	if (net_eq(ch->kn->net, &init_net))
		return pid_nr(ch->owner);
	return pid_nr_ns(ch->owner, ns_of_pid(ch->owner));
}

/* What does not change as long as the session is. */
static int put_identity(struct sk_buff *skb, const struct kh2_session *s, pid_t pid)
{
	const struct kh2_channel *ch = s->ch;

	if (nla_put_u32(skb, KH2_A_SESSION_ID, s->id) ||
	    nla_put_u32(skb, KH2_A_SESSION_CHANNEL_ID, ch->id) ||
	    nla_put_u32(skb, KH2_A_SESSION_ROLE, s->role) ||
	    nla_put_string(skb, KH2_A_SESSION_LABEL, s->label) ||
	    put_address(skb, KH2_A_SESSION_LOCAL, &s->local) ||
	    put_address(skb, KH2_A_SESSION_PEER, &s->peer) ||
	    put_u64(skb, KH2_A_SESSION_NETNS, s->kn->net->net_cookie) ||
	    nla_put_u32(skb, KH2_A_SESSION_PID, pid) ||
	    nla_put_u32(skb, KH2_A_SESSION_UID,
			from_kuid_munged(s->kn->net->user_ns, ch->cred->uid)) ||
	    nla_put_string(skb, KH2_A_SESSION_COMM, ch->comm))
		return -EMSGSIZE;
	return 0;
}

static int put_age(struct sk_buff *skb, const struct kh2_session *s)
{
	return put_u64(skb, KH2_A_SESSION_AGE, ktime_get_ns() - s->begun);
}

static int put_tls(struct sk_buff *skb, const struct kh2_session *s)
{
	if (!s->tls)
		return 0;
	return nla_put_u32(skb, KH2_A_SESSION_TLS_VERSION, s->tls_version) ||
	       nla_put_u32(skb, KH2_A_SESSION_TLS_CIPHER, s->tls_cipher) ? -EMSGSIZE : 0;
}

static int put_flow(struct sk_buff *skb, const struct kh2e_info *info)
{
	if (nla_put_u32(skb, KH2_A_SESSION_PHASE, info->phase) ||
	    nla_put_u32(skb, KH2_A_SESSION_STREAMS, info->streams) ||
	    nla_put_u32(skb, KH2_A_SESSION_STREAMS_PEER, info->streams_peer) ||
	    nla_put_u32(skb, KH2_A_SESSION_NEXT_STREAM_ID, info->next_stream_id) ||
	    nla_put_u32(skb, KH2_A_SESSION_LAST_PROC_ID, info->last_proc_id) ||
	    nla_put_s32(skb, KH2_A_SESSION_LOCAL_WINDOW, info->local_window) ||
	    nla_put_s32(skb, KH2_A_SESSION_LOCAL_WINDOW_MAX, info->local_window_max) ||
	    nla_put_u32(skb, KH2_A_SESSION_RECV_UNACKED, info->recv_unacked) ||
	    nla_put_s32(skb, KH2_A_SESSION_REMOTE_WINDOW, info->remote_window) ||
	    nla_put_u32(skb, KH2_A_SESSION_OUT_FRAMES, info->out_frames) ||
	    nla_put_u32(skb, KH2_A_SESSION_SETTINGS_PENDING, info->settings_pending) ||
	    put_u64(skb, KH2_A_SESSION_MEMORY, info->memory) ||
	    put_u64(skb, KH2_A_SESSION_RTT, info->rtt) ||
	    put_values(skb, KH2_A_SESSION_LOCAL_SETTINGS, &info->local) ||
	    put_values(skb, KH2_A_SESSION_REMOTE_SETTINGS, &info->remote))
		return -EMSGSIZE;
	return 0;
}

/**
 * kh2_nl_fill_busy() - what can be said of a session without its lock
 * @skb: message
 * @s: the session
 *
 * Context: Process context of the one who asks.
 * Return: 0 or -EMSGSIZE.
 */
int kh2_nl_fill_busy(struct sk_buff *skb, const struct kh2_session *s)
{
	return put_identity(skb, s, pid_vnr(s->ch->owner)) ?: put_age(skb, s);
}

/**
 * kh2_nl_fill_session_locked() - everything about a session
 * @skb: message
 * @s: the session, not gone
 *
 * Context: Process context of the one who asks, with the session's lock held.
 * Return: 0 or -EMSGSIZE.
 */
int kh2_nl_fill_session_locked(struct sk_buff *skb, const struct kh2_session *s)
{
	struct kh2e_info info;

	lockdep_assert_held(&s->lock);
	kh2e_info(s->e, &info);
	if (put_identity(skb, s, pid_vnr(s->ch->owner)) || put_age(skb, s) || put_tls(skb, s) ||
	    nla_put_u32(skb, KH2_A_SESSION_PADDING, s->padding) ||
	    put_u64(skb, KH2_A_SESSION_INODE, sock_i_ino(s->sock->sk)) ||
	    put_flow(skb, &info) || put_limits(skb, s) ||
	    put_counters(skb, KH2_A_SESSION_COUNTERS, kh2e_counters(s->e), KH2_A_SESSION_PAD))
		return -EMSGSIZE;
	return 0;
}

/**
 * kh2_nl_fill_new_locked() - the news that a session began
 * @skb: message
 * @s: the session
 *
 * Context: Process context with the session's lock held.
 * Return: 0 or -EMSGSIZE.
 */
int kh2_nl_fill_new_locked(struct sk_buff *skb, const struct kh2_session *s)
{
	lockdep_assert_held(&s->lock);
	if (put_identity(skb, s, public_pid(s->ch)) ||
	    put_u64(skb, KH2_A_SESSION_INODE, sock_i_ino(s->sock->sk)))
		return -EMSGSIZE;
	return 0;
}

/**
 * kh2_nl_fill_gone_locked() - the news that a session ended
 * @skb: message
 * @s: the session, its engine not freed yet
 *
 * Context: Process context with the session's lock held.
 * Return: 0 or -EMSGSIZE.
 */
int kh2_nl_fill_gone_locked(struct sk_buff *skb, const struct kh2_session *s)
{
	enum kh2_counter why = kh2e_fail_why(s->e);

	lockdep_assert_held(&s->lock);
	if (put_identity(skb, s, public_pid(s->ch)) || put_age(skb, s) ||
	    nla_put_u32(skb, KH2_A_SESSION_ERROR, s->error) ||
	    (why != __KH2_C_END && nla_put_u32(skb, KH2_A_SESSION_REASON, why)) ||
	    put_counters(skb, KH2_A_SESSION_COUNTERS, kh2e_counters(s->e), KH2_A_SESSION_PAD))
		return -EMSGSIZE;
	return 0;
}

/**
 * kh2_nl_fill_stream() - everything about a stream
 * @skb: message
 * @session: number of its session
 * @info: the stream
 *
 * Context: Any context.
 * Return: 0 or -EMSGSIZE.
 */
int kh2_nl_fill_stream(struct sk_buff *skb, u32 session, const struct kh2e_stream_info *info)
{
	if (nla_put_u32(skb, KH2_A_STREAM_SESSION_ID, session) ||
	    nla_put_u32(skb, KH2_A_STREAM_ID, info->id) ||
	    nla_put_u32(skb, KH2_A_STREAM_STATE, info->state) ||
	    nla_put_u32(skb, KH2_A_STREAM_URGENCY, info->urgency) ||
	    nla_put_u32(skb, KH2_A_STREAM_INCREMENTAL, info->incremental) ||
	    nla_put_u32(skb, KH2_A_STREAM_WEIGHT, info->weight) ||
	    nla_put_u32(skb, KH2_A_STREAM_PARENT, info->parent) ||
	    nla_put_u32(skb, KH2_A_STREAM_SUM_DEPENDENCY_WEIGHT,
			info->sum_dependency_weight) ||
	    nla_put_s32(skb, KH2_A_STREAM_LOCAL_WINDOW, info->local_window) ||
	    nla_put_s32(skb, KH2_A_STREAM_REMOTE_WINDOW, info->remote_window) ||
	    nla_put_u64_64bit(skb, KH2_A_STREAM_QUEUED, info->queued, KH2_A_STREAM_PAD) ||
	    nla_put_u64_64bit(skb, KH2_A_STREAM_RX_DATA, info->rx_data, KH2_A_STREAM_PAD) ||
	    nla_put_u64_64bit(skb, KH2_A_STREAM_TX_DATA, info->tx_data, KH2_A_STREAM_PAD))
		return -EMSGSIZE;
	if (info->rst_code >= 0)
		return nla_put_u32(skb, KH2_A_STREAM_CODE, info->rst_code);
	return 0;
}

/**
 * kh2_nl_fill_stats() - sums of a network namespace
 * @skb: message
 * @kn: network namespace
 * @sum: counters and memory
 *
 * Context: Any context.
 * Return: 0 or -EMSGSIZE.
 */
int kh2_nl_fill_stats(struct sk_buff *skb, const struct kh2_net *kn, const struct kh2_stats *sum)
{
	if (put_counters(skb, KH2_A_STATS_COUNTERS, sum->counters, KH2_A_STATS_PAD) ||
	    nla_put_u32(skb, KH2_A_STATS_SESSIONS, atomic_read(&kn->n_sessions)) ||
	    nla_put_u64_64bit(skb, KH2_A_STATS_SESSIONS_TOTAL,
			      atomic64_read(&kn->total_sessions), KH2_A_STATS_PAD) ||
	    nla_put_u32(skb, KH2_A_STATS_CHANNELS, atomic_read(&kn->n_channels)) ||
	    nla_put_u64_64bit(skb, KH2_A_STATS_CHANNELS_TOTAL,
			      atomic64_read(&kn->total_channels), KH2_A_STATS_PAD) ||
	    nla_put_u64_64bit(skb, KH2_A_STATS_MEMORY, sum->memory, KH2_A_STATS_PAD))
		return -EMSGSIZE;
	return 0;
}
