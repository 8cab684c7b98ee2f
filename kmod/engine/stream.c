// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A stream: its state machine as a table (RFC 9113 5.1), and the table of streams. */
#include "core.h"

#define BUCKETS_MIN 8
#define BUCKETS_MAX 65536

/*
 * RFC 9113 5.1, figure 2. 0: the event is not allowed in the state. What
 * follows of that, a stream or a connection error, is for the caller to say.
 */
static const u8 next_state[KH2E_CLOSED + 1][__KH2E_STREAM_EVENTS] = {
	[KH2E_IDLE] = {
		[KH2E_RECV_HEADERS] = KH2E_STREAM_OPEN,
		[KH2E_SEND_HEADERS] = KH2E_STREAM_OPEN,
		[KH2E_RECV_PROMISE] = KH2E_RESERVED_REMOTE,
		[KH2E_SEND_PROMISE] = KH2E_RESERVED_LOCAL,
	},
	[KH2E_STREAM_OPEN] = {
		[KH2E_RECV_HEADERS] = KH2E_STREAM_OPEN,
		[KH2E_SEND_HEADERS] = KH2E_STREAM_OPEN,
		[KH2E_RECV_DATA] = KH2E_STREAM_OPEN,
		[KH2E_SEND_DATA] = KH2E_STREAM_OPEN,
		[KH2E_RECV_END] = KH2E_HALF_REMOTE,
		[KH2E_SEND_END] = KH2E_HALF_LOCAL,
		[KH2E_RECV_RST] = KH2E_CLOSED,
		[KH2E_SEND_RST] = KH2E_CLOSED,
	},
	[KH2E_RESERVED_LOCAL] = {
		[KH2E_SEND_HEADERS] = KH2E_HALF_REMOTE,
		[KH2E_RECV_RST] = KH2E_CLOSED,
		[KH2E_SEND_RST] = KH2E_CLOSED,
	},
	[KH2E_RESERVED_REMOTE] = {
		[KH2E_RECV_HEADERS] = KH2E_HALF_LOCAL,
		[KH2E_RECV_RST] = KH2E_CLOSED,
		[KH2E_SEND_RST] = KH2E_CLOSED,
	},
	[KH2E_HALF_LOCAL] = {
		[KH2E_RECV_HEADERS] = KH2E_HALF_LOCAL,
		[KH2E_RECV_DATA] = KH2E_HALF_LOCAL,
		[KH2E_RECV_END] = KH2E_CLOSED,
		[KH2E_RECV_RST] = KH2E_CLOSED,
		[KH2E_SEND_RST] = KH2E_CLOSED,
	},
	[KH2E_HALF_REMOTE] = {
		[KH2E_SEND_HEADERS] = KH2E_HALF_REMOTE,
		[KH2E_SEND_DATA] = KH2E_HALF_REMOTE,
		[KH2E_SEND_END] = KH2E_CLOSED,
		[KH2E_RECV_RST] = KH2E_CLOSED,
		[KH2E_SEND_RST] = KH2E_CLOSED,
	},
};

static struct kh2e_stream **bucket_of(const struct kh2e_stream_table *t, u32 id)
{
	return &t->buckets[(id >> 1) & (t->n_buckets - 1)];
}

/**
 * kh2e_streams_init() - make the table of streams
 * @e: the connection
 *
 * Return: 0 or -ENOMEM.
 */
int kh2e_streams_init(struct kh2e *e)
{
	struct kh2e_stream_table *t = &e->streams;

	t->buckets = kh2e_alloc(e, BUCKETS_MIN * sizeof(*t->buckets));
	if (!t->buckets)
		return -ENOMEM;
	t->n_buckets = BUCKETS_MIN;
	return 0;
}

/**
 * kh2e_streams_exit() - free the table; the streams are gone already
 * @e: the connection
 */
void kh2e_streams_exit(struct kh2e *e)
{
	struct kh2e_stream_table *t = &e->streams;

	if (t->buckets)
		kh2e_mem_free(e, t->buckets, t->n_buckets * sizeof(*t->buckets));
	t->buckets = NULL;
}

/* Longer chains are all that comes of it when memory is short. */
static void table_grow(struct kh2e *e)
{
	struct kh2e_stream_table *t = &e->streams, bigger = *t;

	if (t->n < 2 * t->n_buckets || t->n_buckets >= BUCKETS_MAX)
		return;
	bigger.n_buckets = 2 * t->n_buckets;
	bigger.buckets = kh2e_alloc(e, bigger.n_buckets * sizeof(*bigger.buckets));
	if (!bigger.buckets)
		return;
	for (u32 i = 0; i < t->n_buckets; i++) {
		struct kh2e_stream *st, *next;

		for (st = t->buckets[i]; st; st = next) {
			struct kh2e_stream **b = bucket_of(&bigger, st->id);

			next = st->next;
			st->next = *b;
			*b = st;
		}
	}
	kh2e_mem_free(e, t->buckets, t->n_buckets * sizeof(*t->buckets));
	t->buckets = bigger.buckets;
	t->n_buckets = bigger.n_buckets;
}

/**
 * kh2e_stream_find() - look a stream up
 * @e: the connection
 * @id: stream identifier
 *
 * Return: the stream, or NULL if it is idle or forgotten.
 */
struct kh2e_stream *kh2e_stream_find(const struct kh2e *e, u32 id)
{
	struct kh2e_stream *st;

	for (st = *bucket_of(&e->streams, id); st; st = st->next)
		if (st->id == id)
			return st;
	return NULL;
}

/**
 * kh2e_stream_walk() - step through all streams, in no order
 * @e: the connection
 * @after: the stream before, or NULL to begin; it may be about to be freed
 *	only after the step
 *
 * Return: the next stream, or NULL.
 */
struct kh2e_stream *kh2e_stream_walk(const struct kh2e *e, const struct kh2e_stream *after)
{
	const struct kh2e_stream_table *t = &e->streams;
	u32 i = 0;

	if (after) {
		if (after->next)
			return after->next;
		i = ((after->id >> 1) & (t->n_buckets - 1)) + 1;
	}
	for (; i < t->n_buckets; i++)
		if (t->buckets[i])
			return t->buckets[i];
	return NULL;
}

/**
 * kh2e_stream_add() - a stream in state idle
 * @e: the connection
 * @id: stream identifier, not in the table
 * @by_peer: the peer opens it
 *
 * Return: the stream, or NULL for want of memory.
 */
struct kh2e_stream *kh2e_stream_add(struct kh2e *e, u32 id, bool by_peer)
{
	struct kh2e_stream *st, **b;
	u64 now;

	table_grow(e);
	st = kh2e_alloc(e, sizeof(*st));
	if (!st)
		return NULL;
	st->id = id;
	st->state = KH2E_IDLE;
	st->by_peer = by_peer;
	st->counted = by_peer;
	now = kh2e_now(e);
	kh2e_stream_mark_sent(e, st, now);
	kh2e_stream_mark_body(e, st, now);
	INIT_LIST_HEAD(&st->tell);
	INIT_LIST_HEAD(&st->srcs);
	kh2e_sched_join(e, st);
	kh2e_send_window_init(&st->send, e->remote.initial_window_size);
	kh2e_recv_window_init(&st->recv, e->local.initial_window_size);
	b = bucket_of(&e->streams, id);
	st->next = *b;
	*b = st;
	e->streams.n++;
	if (by_peer)
		e->streams.n_peer++;
	kh2e_count(e, KH2_C_STREAMS_OPENED, 1);
	return st;
}

/* A stream that is over and done with counts no more, though events of it may wait. */
static void work_done(struct kh2e *e, struct kh2e_stream *st)
{
	st->work_done = true;
	if (!st->counted)
		return;
	st->counted = false;
	e->streams.n_peer--;
}

static struct kh2e_mark mark(u64 now, u64 data, u64 conn)
{
	return (struct kh2e_mark){
		.ms = (u32)div_u64(now, NSEC_PER_MSEC),
		.data = (u32)data,
		.conn = (u32)conn,
	};
}

/**
 * kh2e_stream_mark_sent() - the time that a stream may stand still begins anew
 * @e: the connection
 * @st: the stream
 * @now: ns
 */
void kh2e_stream_mark_sent(const struct kh2e *e, struct kh2e_stream *st, u64 now)
{
	st->sent = mark(now, st->tx_data, e->counters[KH2_C_TX_DATA]);
}

/**
 * kh2e_stream_mark_body() - the time in which a body must bring something begins anew
 * @e: the connection
 * @st: the stream
 * @now: ns
 */
void kh2e_stream_mark_body(const struct kh2e *e, struct kh2e_stream *st, u64 now)
{
	st->body = mark(now, st->rx_data, e->counters[KH2_C_RX_DATA]);
}

/**
 * kh2e_stream_allows() - may the event happen?
 * @st: the stream
 * @ev: the event
 *
 * Return: true if the state's row allows it.
 */
bool kh2e_stream_allows(const struct kh2e_stream *st, enum kh2e_stream_event ev)
{
	return next_state[st->state][ev];
}

/* Does a stream in this state count toward SETTINGS_MAX_CONCURRENT_STREAMS (RFC 9113 5.1.2)? */
static bool is_active(u8 state)
{
	return state == KH2E_STREAM_OPEN || state == KH2E_HALF_LOCAL || state == KH2E_HALF_REMOTE;
}

/**
 * kh2e_stream_receives() - may the peer send DATA?
 * @st: the stream
 *
 * Return: true if so.
 */
bool kh2e_stream_receives(const struct kh2e_stream *st)
{
	return st->state == KH2E_STREAM_OPEN || st->state == KH2E_HALF_LOCAL;
}

static void set_state(struct kh2e *e, struct kh2e_stream *st, u8 state)
{
	bool before = kh2e_stream_receives(st);

	st->state = state;
	if (kh2e_stream_receives(st) == before)
		return;
	e->n_receivers += before ? -1 : 1;
	e->recv_sizes += before ? -(u64)st->recv.size : st->recv.size;
}

/**
 * kh2e_stream_step() - the one place where a stream's state changes
 * @e: the connection
 * @st: the stream
 * @ev: the event
 *
 * Return: false, and nothing changed, if the state's row forbids it.
 */
bool kh2e_stream_step(struct kh2e *e, struct kh2e_stream *st, enum kh2e_stream_event ev)
{
	u8 state = next_state[st->state][ev];

	if (!state)
		return false;
	e->streams.n_active[st->by_peer] += is_active(state) - is_active(st->state);
	set_state(e, st, state);
	if (state != KH2E_CLOSED || st->reset)
		return true;
	if (ev != KH2E_RECV_END && ev != KH2E_SEND_END)
		return true;
	kh2e_count(e, KH2_C_STREAMS_COMPLETED, 1);
	kh2e_earn(e, KH2E_BUDGET_RESET, 1);
	kh2e_recv_trust(e);
	work_done(e, st);
	kh2e_stream_tell(e, st, KH2E_TELL_CLOSED);
	return true;
}

/**
 * kh2e_stream_ended() - how a stream that is not in the table had ended
 * @e: the connection
 * @id: stream identifier, not idle
 *
 * Return: KH2E_ENDED_UNKNOWN if it is too long ago to tell.
 */
enum kh2e_ended kh2e_stream_ended(const struct kh2e *e, u32 id)
{
	const struct kh2e_stream_table *t = &e->streams;

	for (u32 i = 0; i < KH2E_ENDED_CAP; i++)
		if (t->ended_id[i] == id)
			return t->ended_how[i];
	return !kh2e_by_us(e, id) && id > t->forgotten ? KH2E_ENDED_UNUSED : KH2E_ENDED_UNKNOWN;
}

/**
 * kh2e_stream_remember() - note how a stream ended
 * @e: the connection
 * @id: stream identifier
 * @how: how
 */
void kh2e_stream_remember(struct kh2e *e, u32 id, enum kh2e_ended how)
{
	struct kh2e_stream_table *t = &e->streams;
	u32 old = t->ended_id[t->ended_pos];

	if (!kh2e_by_us(e, old))
		t->forgotten = max(t->forgotten, old);
	t->ended_id[t->ended_pos] = id;
	t->ended_how[t->ended_pos] = how;
	t->ended_pos = (t->ended_pos + 1) % KH2E_ENDED_CAP;
}

/**
 * kh2e_stream_is_idle() - was the identifier never used?
 * @e: the connection
 * @id: stream identifier
 *
 * Opening a stream closes all lower idle ones of the same side (RFC 9113 5.1.1).
 *
 * Return: true if so.
 */
bool kh2e_stream_is_idle(const struct kh2e *e, u32 id)
{
	if (kh2e_by_us(e, id))
		return id >= e->next_id;
	return id > e->last_peer_id;
}

/**
 * kh2e_stream_tell() - an event for the owner, now or when there is room
 * @e: the connection
 * @st: the stream
 * @what: KH2E_TELL_*
 */
void kh2e_stream_tell(struct kh2e *e, struct kh2e_stream *st, u8 what)
{
	st->told |= what;
	if (list_empty(&st->tell))
		list_add_tail(&st->tell, &e->tell);
}

/**
 * kh2e_stream_drop() - give up all that is queued on a stream
 * @e: the connection
 * @st: the stream
 * @status: negative errno for the sources
 *
 * What kh2e_send_data() has framed stays: its frame heads are on their way.
 */
void kh2e_stream_drop(struct kh2e *e, struct kh2e_stream *st, int status)
{
	struct kh2e_src *src, *next;

	kh2e_sched_remove(e, st);
	list_for_each_entry_safe(src, next, &st->srcs, node)
		kh2e_src_finish(e, src, status);
	st->queued = 0;
}

/* The stream is over on the wire by a RST_STREAM or as good as that. */
static void stream_end(struct kh2e *e, struct kh2e_stream *st, u32 code, enum kh2_counter why,
		       bool local)
{
	kh2e_stream_step(e, st, local ? KH2E_SEND_RST : KH2E_RECV_RST);
	st->reset = true;
	st->reset_local = local;
	st->reset_code = code;
	BUILD_BUG_ON(__KH2_C_END > 256);
	st->reset_why = (u8)why;
	/* it may have waited for room; a stream that is reset wants none */
	st->told &= ~KH2E_TELL_TRAILERS;
	kh2e_stream_drop(e, st, -ECONNRESET);
}

/*
 * The owner has yet to learn of it. Nothing may follow RST_STREAM on a stream, and no
 * header block may be lost: where the owner may have encoded one, the frame waits for it.
 */
static void reset_untold(struct kh2e *e, struct kh2e_stream *st, u32 code, enum kh2_counter why)
{
	bool waits = kh2e_stream_allows(st, KH2E_SEND_HEADERS);

	kh2e_count(e, KH2_C_STREAMS_RESET_BY_US, 1);
	stream_end(e, st, code, why, true);
	st->rst_waits = waits;
	if (!waits)
		kh2e_out_rst(e, st->id, code);
	kh2e_stream_tell(e, st, KH2E_TELL_RESET);
}

/**
 * kh2e_stream_reset() - a stream error (RFC 9113 5.4.2)
 * @e: the connection
 * @st: the stream, not closed
 * @code: HTTP/2 code of the RST_STREAM
 * @why: counter
 *
 * Resets that the peer provokes from us draw on the same budget as its own.
 */
void kh2e_stream_reset(struct kh2e *e, struct kh2e_stream *st, u32 code, enum kh2_counter why)
{
	kh2e_count(e, why, 1);
	reset_untold(e, st, code, why);
	kh2e_spend(e, KH2E_BUDGET_RESET);
}

/**
 * kh2e_stream_fail() - a stream ends by a fault of ours: INTERNAL_ERROR
 * @e: the connection
 * @st: the stream, not closed
 * @why: counter
 *
 * It is none of the peer's doing, and draws on no budget.
 */
void kh2e_stream_fail(struct kh2e *e, struct kh2e_stream *st, enum kh2_counter why)
{
	kh2e_count(e, why, 1);
	reset_untold(e, st, KH2_INTERNAL_ERROR, why);
}

/**
 * kh2e_reset() - a stream ends, and neither peer nor owner asked for it
 * @e: the connection
 * @id: stream identifier
 * @code: HTTP/2 code of the RST_STREAM
 *
 * The owner is told by KH2_EV_RESET, as of the peer's resets: what it submits for the stream
 * until it knows is no fault of its own.
 *
 * Return: 0; -ENOENT if there is no such stream, or it has ended.
 */
int kh2e_reset(struct kh2e *e, u32 id, u32 code)
{
	struct kh2e_stream *st = kh2e_stream_find(e, id);

	if (!st || st->state == KH2E_CLOSED)
		return -ENOENT;
	reset_untold(e, st, code, KH2_C_STREAMS_RESET_BY_US);
	return 0;
}

/* What was delivered on a stream that was reset, nobody will consume any more. */
static void work_ends(struct kh2e *e, struct kh2e_stream *st)
{
	work_done(e, st);
	if (!st->unconsumed)
		return;
	kh2e_data_unread(e, st->unconsumed);
	st->unconsumed = 0;
}

/**
 * kh2e_stream_reset_by_owner() - the owner ends a stream with RST_STREAM
 * @e: the connection
 * @st: the stream, not closed
 * @code: HTTP/2 code
 *
 * Its work ends with it. Codes that blame the peer draw on the budget of resets.
 */
void kh2e_stream_reset_by_owner(struct kh2e *e, struct kh2e_stream *st, u32 code)
{
	kh2e_count(e, KH2_C_STREAMS_RESET_BY_US, 1);
	stream_end(e, st, code, KH2_C_STREAMS_RESET_BY_US, true);
	work_ends(e, st);
	kh2e_out_rst(e, st->id, code);
	kh2e_stream_tell(e, st, KH2E_TELL_CLOSED);
	if (code != KH2_NO_ERROR && code != KH2_CANCEL && code != KH2_INTERNAL_ERROR)
		kh2e_spend(e, KH2E_BUDGET_RESET);
}

/**
 * kh2e_stream_reset_by_peer() - RST_STREAM arrived, or GOAWAY that names an earlier stream
 * @e: the connection
 * @st: the stream, not closed
 * @code: HTTP/2 code
 * @why: counter for the event
 *
 * The caller posts KH2_EV_RESET, or has it posted by kh2e_stream_tell().
 */
void kh2e_stream_reset_by_peer(struct kh2e *e, struct kh2e_stream *st, u32 code,
			       enum kh2_counter why)
{
	kh2e_count(e, KH2_C_STREAMS_RESET_BY_PEER, 1);
	stream_end(e, st, code, why, false);
}

/**
 * kh2e_stream_refuse() - RST_STREAM for a stream that has no object
 * @e: the connection
 * @id: stream identifier
 * @code: HTTP/2 code
 * @why: counter
 */
void kh2e_stream_refuse(struct kh2e *e, u32 id, u32 code, enum kh2_counter why)
{
	kh2e_count(e, why, 1);
	kh2e_count(e, KH2_C_STREAMS_RESET_BY_US, 1);
	kh2e_stream_remember(e, id, KH2E_ENDED_BY_US);
	kh2e_out_rst(e, id, code);
	kh2e_spend(e, KH2E_BUDGET_RESET);
}

static enum kh2e_ended ended_how(const struct kh2e_stream *st)
{
	if (!st->reset)
		return KH2E_ENDED_BOTH;
	return st->reset_local ? KH2E_ENDED_BY_US : KH2E_ENDED_BY_PEER;
}

/**
 * kh2e_stream_after_end() - a frame arrived for a stream that has ended
 * @e: the connection
 * @id: stream identifier, not idle
 * @st: the stream, closed; NULL if it is forgotten
 *
 * RFC 9113 5.1: what crosses our RST_STREAM is ignored; what follows the
 * peer's own END_STREAM or RST_STREAM is its fault.
 *
 * Return: true if the frame is to be discarded, false if the connection has failed.
 */
bool kh2e_stream_after_end(struct kh2e *e, u32 id, const struct kh2e_stream *st)
{
	switch (st ? ended_how(st) : kh2e_stream_ended(e, id)) {
	case KH2E_ENDED_BY_US:
		return true;
	case KH2E_ENDED_BOTH:
	case KH2E_ENDED_BY_PEER:
		kh2e_fail(e, KH2_STREAM_CLOSED, KH2_C_CONN_STREAM_CLOSED);
		return false;
	case KH2E_ENDED_UNUSED:
		kh2e_fail(e, KH2_PROTOCOL_ERROR, KH2_C_CONN_STREAM_ID);
		return false;
	default:
		kh2e_stream_refuse(e, id, KH2_STREAM_CLOSED, KH2_C_STREAM_CLOSED);
		return e->phase != KH2E_DONE;
	}
}

/**
 * kh2e_stream_seen() - the owner knows of a reset
 * @e: the connection
 * @st: the stream, closed
 */
void kh2e_stream_seen(struct kh2e *e, struct kh2e_stream *st)
{
	if (!st->rst_waits)
		return;
	st->rst_waits = false;
	kh2e_out_rst(e, st->id, st->reset_code);
}

/**
 * kh2e_stream_release() - the owner's work on a stream has ended
 * @e: the connection
 * @st: the stream; gone on return, perhaps
 */
void kh2e_stream_release(struct kh2e *e, struct kh2e_stream *st)
{
	kh2e_stream_seen(e, st);
	work_ends(e, st);
	kh2e_stream_maybe_free(e, st);
}

/**
 * kh2e_stream_maybe_free() - forget a stream that nobody needs any more
 * @e: the connection
 * @st: the stream; gone on return, perhaps
 */
void kh2e_stream_maybe_free(struct kh2e *e, struct kh2e_stream *st)
{
	struct kh2e_stream **link;

	if (st->state != KH2E_CLOSED || !st->work_done || st->told)
		return;
	if (WARN_ON_ONCE(!list_empty(&st->srcs)))
		return;
	for (link = bucket_of(&e->streams, st->id); *link != st; link = &(*link)->next)
		;
	*link = st->next;
	kh2e_sched_leave(e, st);
	e->streams.n--;
	e->unconsumed_gone += st->unconsumed;
	kh2e_stream_remember(e, st->id, ended_how(st));
	kh2e_mem_free(e, st, sizeof(*st));
	if (!e->streams.n)
		e->idle_since = kh2e_now(e);
	kh2e_check_drained(e);
}
