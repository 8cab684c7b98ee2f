// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A look at a connection and its streams, for those who observe. */
#include "core.h"

/**
 * kh2e_counters() - all counters
 * @e: the connection
 *
 * Return: by enum kh2_counter; valid as long as @e.
 */
const u64 *kh2e_counters(const struct kh2e *e)
{
	return e->counters;
}

/**
 * kh2e_fail_why() - why has the connection failed?
 * @e: the connection
 *
 * Return: the counter, or __KH2_C_END if it has not.
 */
enum kh2_counter kh2e_fail_why(const struct kh2e *e)
{
	return e->fail_why;
}

/**
 * kh2e_info() - a snapshot of a connection
 * @e: the connection
 * @info: filled
 */
void kh2e_info(const struct kh2e *e, struct kh2e_info *info)
{
	memset(info, 0, sizeof(*info));
	info->role = e->role;
	info->phase = e->phase;
	info->streams = e->streams.n;
	info->streams_peer = e->streams.n_peer;
	info->next_stream_id = e->next_id;
	info->last_proc_id = e->last_proc_id;
	info->local_window = e->recv.left;
	info->local_window_max = max_t(s32, e->recv.size, e->recv.left);
	info->recv_unacked = (u32)(info->local_window_max - e->recv.left);
	info->remote_window = e->send.left;
	info->out_frames = e->out.frames;
	info->settings_pending = e->n_settings_out;
	info->memory = e->memory + e->owner_memory;
	info->rtt = e->rtt.last;
	info->local = e->local;
	info->remote = e->remote;
}

/**
 * kh2e_stream_info() - a snapshot of a stream
 * @e: the connection
 * @id: stream identifier
 * @info: filled
 *
 * Return: 0 or -ENOENT.
 */
int kh2e_stream_info(const struct kh2e *e, u32 id, struct kh2e_stream_info *info)
{
	const struct kh2e_stream *st = kh2e_stream_find(e, id);

	if (!st)
		return -ENOENT;
	memset(info, 0, sizeof(*info));
	info->id = id;
	info->state = st->state;
	info->urgency = st->urgency;
	info->incremental = kh2e_sched_incremental(e, st);
	info->weight = st->node.weight;
	info->parent = st->node.parent ? kh2e_node_id(st->node.parent) : 0;
	info->sum_dependency_weight = st->node.sum;
	info->local_window = st->recv.left;
	info->remote_window = st->send.left;
	info->queued = st->queued;
	info->rx_data = st->rx_data;
	info->tx_data = st->tx_data;
	info->rst_code = st->reset ? (s64)st->reset_code : -1;
	return 0;
}

/* Keeps the lowest @n of what it is given in order; returns how many there are. */
static u32 keep_lowest(u32 *ids, u32 have, u32 n, u32 id)
{
	u32 at = have;

	if (have == n && id > ids[n - 1])
		return have;
	while (at && ids[at - 1] > id)
		at--;
	have = min(have + 1, n);
	memmove(&ids[at + 1], &ids[at], (have - at - 1) * sizeof(*ids));
	ids[at] = id;
	return have;
}

/**
 * kh2e_stream_ids() - step through the streams by identifier
 * @e: the connection
 * @after: the identifier before, 0 to begin
 * @ids: filled, in order, with the lowest above @after
 * @n: room in @ids; a walk over all streams is done for so many, so let it not be 1
 *
 * Return: how many.
 */
u32 kh2e_stream_ids(const struct kh2e *e, u32 after, u32 *ids, u32 n)
{
	const struct kh2e_stream *st;
	u32 have = 0;

	for (st = kh2e_stream_walk(e, NULL); st; st = kh2e_stream_walk(e, st))
		if (st->id > after)
			have = keep_lowest(ids, have, n, st->id);
	return have;
}

/**
 * kh2e_set_limits() - change the limits of a connection
 * @e: the connection
 * @limits: by enum kh2_limit, which kh2e_limits_check() has passed
 *
 * What was advertised to the peer stays until SETTINGS are sent.
 */
void kh2e_set_limits(struct kh2e *e, const u32 limits[__KH2_L_END])
{
	memcpy(e->limits, limits, sizeof(e->limits));
	kh2e_signal_lowered(e);
	if (!e->recv_auto || e->phase == KH2E_DONE)
		return;
	e->recv.size = kh2e_conn_window(limits);
	kh2e_data_unread(e, 0);
}
