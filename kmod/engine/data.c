// SPDX-License-Identifier: GPL-2.0 OR MIT
/* DATA as it arrives: who may send it, how much, and who gets it (RFC 9113 6.1, 6.9). */
#include "core.h"

/* Octets of the frame that is being read: taken from the windows, not here yet */
static u32 on_their_way(const struct kh2e *e)
{
	return e->rx.state == KH2E_RX_DATA ? e->rx.left : 0;
}

static void credit_conn(struct kh2e *e)
{
	u32 increment = kh2e_recv_window_share(&e->recv, e->unread + on_their_way(e));

	if (increment)
		kh2e_out_window_update(e, 0, increment);
}

/**
 * kh2e_data_credit() - open a stream's window again, if the peer still sends on it
 * @e: the connection
 * @st: the stream
 */
void kh2e_data_credit(struct kh2e *e, struct kh2e_stream *st)
{
	u32 increment, rest = 0;

	if (!kh2e_stream_receives(st))
		return;
	if (!e->rx.discard && e->rx.frame.stream == st->id)
		rest = on_their_way(e);
	increment = kh2e_recv_window_credit(&st->recv, (u64)st->unconsumed + rest);
	if (increment)
		kh2e_out_window_update(e, st->id, increment);
}

/**
 * kh2e_data_unread() - octets that were delivered are not held any more
 * @e: the connection
 * @n: octets, consumed or given up
 */
void kh2e_data_unread(struct kh2e *e, u32 n)
{
	e->unread -= n;
	credit_conn(e);
}

static bool is_tuned(const struct kh2e *e)
{
	return e->recv_tuned && e->limits[KH2_L_WINDOW_MAX] > e->local.initial_window_size;
}

/*
 * What a stream may grow to: its share of what the session may hold, and what
 * others leave of that. To take more than a share, and to lose it when others ask
 * for theirs, is how one upload is fast and many are fair.
 */
static u32 most_for(const struct kh2e *e, const struct kh2e_stream *st)
{
	u64 memory = e->limits[KH2_L_MEMORY], others = e->recv_sizes - st->recv.size;
	u64 most = max(div_u64(memory, e->n_receivers), memory - min(memory, others));

	most = min_t(u64, most, e->limits[KH2_L_WINDOW_MAX]);
	return max_t(u32, most, e->local.initial_window_size);
}

static void resized(struct kh2e *e, const struct kh2e_stream *st, u32 old)
{
	if (st->recv.size == old)
		return;
	kh2e_count(e, st->recv.size > old ? KH2_C_WINDOW_GROWN : KH2_C_WINDOW_SHRUNK, 1);
	e->recv_sizes += st->recv.size;
	e->recv_sizes -= old;
}

/* A new stream begins with what the last one has learnt, unless half the memory is promised. */
static void tune_begin(struct kh2e *e, struct kh2e_stream *st, bool end)
{
	u32 old = st->recv.size, size = min(e->recv_learnt, most_for(e, st));

	if (end || e->recv_sizes + size > e->limits[KH2_L_MEMORY] / 2)
		size = 0;
	kh2e_recv_window_begin(&st->recv, kh2e_now(e), size);
	resized(e, st, old);
}

static void tune(struct kh2e *e, struct kh2e_stream *st, u32 n)
{
	u32 old = st->recv.size;
	u64 now = kh2e_now(e);

	if (kh2e_recv_window_tune(&st->recv, n, now, kh2e_rtt_least(e),
				  e->local.initial_window_size, most_for(e, st)))
		kh2e_rtt_probe(e, now, st->recv.size > old);
	if (st->recv.size != old)
		e->recv_learnt = st->recv.size;
	resized(e, st, old);
}

/**
 * kh2e_data_consumed() - octets that the application has consumed
 * @e: the connection
 * @st: the stream, NULL if it is gone
 * @n: octets, delivered before
 */
void kh2e_data_consumed(struct kh2e *e, struct kh2e_stream *st, u32 n)
{
	kh2e_data_unread(e, n);
	if (!st || !kh2e_stream_receives(st))
		return;
	if (n && is_tuned(e))
		tune(e, st, n);
	kh2e_data_credit(e, st);
}

/* Sets whether the payload goes to nobody. False: connection error. */
static bool data_allowed(struct kh2e *e, const struct kh2e_frame *f, struct kh2e_stream *st)
{
	if (!st && kh2e_stream_is_idle(e, f->stream)) {
		kh2e_fail(e, KH2_PROTOCOL_ERROR, KH2_C_CONN_STREAM_IDLE);
		return false;
	}
	e->rx.discard = true;
	if (!st || st->state == KH2E_CLOSED)
		return kh2e_stream_after_end(e, f->stream, st);
	if (st->state == KH2E_RESERVED_LOCAL || st->state == KH2E_RESERVED_REMOTE) {
		kh2e_fail(e, KH2_PROTOCOL_ERROR, KH2_C_CONN_STREAM_IDLE);
		return false;
	}
	if (!kh2e_stream_allows(st, KH2E_RECV_DATA)) {
		kh2e_stream_reset(e, st, KH2_STREAM_CLOSED, KH2_C_STREAM_HALF_CLOSED);
		return e->phase != KH2E_DONE;
	}
	if (!kh2e_recv_window_take(&st->recv, f->len)) {
		kh2e_stream_reset(e, st, KH2_FLOW_CONTROL_ERROR, KH2_C_STREAM_WINDOW_EXCEEDED);
		return e->phase != KH2E_DONE;
	}
	e->rx.discard = false;
	return true;
}

/**
 * kh2e_data_begin() - the head of a DATA frame, and its Pad Length, are read
 * @e: the connection
 * @f: the frame
 * @pad_octets: padding and the Pad Length field
 *
 * Return: false if the connection has failed.
 */
bool kh2e_data_begin(struct kh2e *e, const struct kh2e_frame *f, u32 pad_octets)
{
	struct kh2e_stream *st = kh2e_stream_find(e, f->stream);

	if (!kh2e_recv_window_take(&e->recv, f->len)) {
		kh2e_fail(e, KH2_FLOW_CONTROL_ERROR, KH2_C_CONN_WINDOW_EXCEEDED);
		return false;
	}
	if (!data_allowed(e, f, st))
		return false;
	if (f->len == pad_octets && !(f->flags & KH2_FLAG_END_STREAM) &&
	    !kh2e_spend(e, KH2E_BUDGET_EMPTY))
		return false;
	if (e->rx.discard)
		return true;
	e->last_proc_id = max(e->last_proc_id, f->stream);
	if (!st->recv.since && is_tuned(e))
		tune_begin(e, st, f->flags & KH2_FLAG_END_STREAM);
	return true;
}

/**
 * kh2e_data_piece() - octets of a DATA frame
 * @e: the connection
 * @data: the octets, padding left out
 * @n: of these; may be 0 if @last
 * @last: the last of the frame
 *
 * Return: false, and nothing happened, if the event would not find room.
 */
bool kh2e_data_piece(struct kh2e *e, const u8 *data, u32 n, bool last)
{
	bool end = last && (e->rx.frame.flags & KH2_FLAG_END_STREAM);
	struct kh2e_stream *st = NULL;

	/* the owner may have reset the stream between two pieces */
	if (!e->rx.discard)
		st = kh2e_stream_find(e, e->rx.frame.stream);
	if (!st || st->state == KH2E_CLOSED) {
		kh2e_count(e, KH2_C_DISCARDED_DATA, n);
		return true;
	}
	if (!n && !end)
		return true;
	if (!kh2e_reserve(e, n))
		return false;
	kh2e_post(e, KH2_EV_DATA, end ? KH2_EVF_END_STREAM : 0, st->id, 0, 0, data, n);
	kh2e_count(e, KH2_C_RX_DATA, n);
	st->rx_data += n;
	st->unconsumed += n;
	e->unread += n;
	kh2e_earn(e, KH2E_BUDGET_PING, n >= 1024);
	if (end)
		kh2e_stream_step(e, st, KH2E_RECV_END);
	return true;
}

/**
 * kh2e_data_end() - a DATA frame was read to its end
 * @e: the connection
 *
 * What nobody will consume, padding and what is discarded, opens the windows
 * here, and not piece by piece: how the octets came split is not to be seen in
 * what we send.
 */
void kh2e_data_end(struct kh2e *e)
{
	struct kh2e_stream *st;

	credit_conn(e);
	st = e->rx.discard ? NULL : kh2e_stream_find(e, e->rx.frame.stream);
	if (st)
		kh2e_data_credit(e, st);
}
