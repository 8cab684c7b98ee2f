// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What the peer says about priority, by RFC 7540 5.3 (PRIORITY, HEADERS) or by
 * RFC 9218 (PRIORITY_UPDATE): checked here, and carried out by the scheduler.
 */
#include "core.h"

/* Most streams whose PRIORITY_UPDATE came before they were opened */
#define EARLY_MAX 256U

/**
 * kh2e_signal_exit() - free what is remembered
 * @e: the connection
 */
void kh2e_signal_exit(struct kh2e *e)
{
	if (e->early.list)
		kh2e_mem_free(e, e->early.list, e->early.cap * sizeof(*e->early.list));
	e->early.list = NULL;
	e->early.cap = 0;
	e->early.n = 0;
}

/* ---- RFC 7540 5.3 ---- */

static struct kh2e_depend read_depend(u64 prio)
{
	return (struct kh2e_depend){
		.parent = KH2_PRIO_DEP(prio),
		.weight = (u16)(KH2_PRIO_WEIGHT(prio) + 1),
		.exclusive = KH2_PRIO_EXCL(prio),
	};
}

/* To move so many nodes costs about as much as all else of a PRIORITY frame. */
#define MOVES_OF_COST 32U

static void depend(struct kh2e *e, u32 id, const struct kh2e_depend *on)
{
	if (kh2e_sched_by_tree(e, KH2E_RANK_RFC7540))
		kh2e_recv_cost(e, kh2e_sched_depend(e, id, on) / MOVES_OF_COST);
}

/**
 * kh2e_signal_headers() - HEADERS came with a priority, which is in the block
 * @e: the connection
 * @st: its stream, which does not depend on itself
 */
void kh2e_signal_headers(struct kh2e *e, struct kh2e_stream *st)
{
	struct kh2e_depend on = read_depend(e->block.prio);

	depend(e, st->id, &on);
}

/**
 * kh2e_priority_recv() - PRIORITY (RFC 9113 6.3)
 * @e: the connection
 * @f: the frame
 * @payload: its octets
 *
 * Of a wrong length it is a stream error.
 */
void kh2e_priority_recv(struct kh2e *e, const struct kh2e_frame *f, const u8 *payload)
{
	struct kh2e_stream *st = kh2e_stream_find(e, f->stream);
	struct kh2e_depend on;

	if (!kh2e_spend(e, KH2E_BUDGET_PRIORITY))
		return;
	if (f->len != 5) {
		if (st && st->state != KH2E_CLOSED)
			kh2e_stream_reset(e, st, KH2_FRAME_SIZE_ERROR, KH2_C_STREAM_PRIORITY_SIZE);
		else
			kh2e_fail(e, KH2_FRAME_SIZE_ERROR, KH2_C_CONN_FRAME_LENGTH);
		return;
	}
	on = read_depend(kh2e_priority_read(payload));
	if (on.parent == f->stream) {
		if (st && st->state != KH2E_CLOSED)
			kh2e_stream_reset(e, st, KH2_PROTOCOL_ERROR,
					  KH2_C_STREAM_SELF_DEPENDENCY);
		else if (kh2e_stream_is_idle(e, f->stream))
			kh2e_fail(e, KH2_PROTOCOL_ERROR, KH2_C_STREAM_SELF_DEPENDENCY);
		return;
	}
	depend(e, f->stream, &on);
}

/**
 * kh2e_signal_send_depend() - tell the peer of a dependency
 * @e: the connection
 * @id: stream identifier
 * @on: on what it depends
 *
 * Return: 0, also if the peer does not want to know (RFC 9218 2.1.1), or -ENOMEM.
 */
int kh2e_signal_send_depend(struct kh2e *e, u32 id, const struct kh2e_depend *on)
{
	const struct kh2e_frame f = { .len = 5, .type = KH2_FRAME_PRIORITY, .stream = id };
	u8 payload[5];

	if (e->remote.no_rfc7540_priorities)
		return 0;
	kh2e_priority_write(payload, on);
	return kh2e_out_frame(e, &f, payload, false);
}

/* ---- RFC 9218 ---- */

static struct kh2e_early_prio *find_early(const struct kh2e *e, u32 id)
{
	for (u32 i = 0; i < e->early.n; i++)
		if (e->early.list[i].id == id)
			return &e->early.list[i];
	return NULL;
}

/* Streams that were passed over will never open (RFC 9113 5.1.1). */
static void forget_passed(struct kh2e *e)
{
	u16 n = 0;

	for (u32 i = 0; i < e->early.n; i++)
		if (e->early.list[i].id > e->last_peer_id)
			e->early.list[n++] = e->early.list[i];
	e->early.n = n;
}

static u32 active_streams(const struct kh2e *e)
{
	const struct kh2e_stream *st;
	u32 n = 0;

	for (st = kh2e_stream_walk(e, NULL); st; st = kh2e_stream_walk(e, st))
		n += st->by_peer && st->state != KH2E_CLOSED;
	return n;
}

/* RFC 9218 7.1: streams that are prioritized and idle count with those that are open. */
static bool early_allowed(struct kh2e *e)
{
	u32 max = e->local.max_concurrent_streams;

	if (e->early.n < max && e->early.n + e->streams.n_peer < max)
		return true;
	forget_passed(e);
	if (e->early.n < max && e->early.n + active_streams(e) < max)
		return true;
	kh2e_fail(e, KH2_PROTOCOL_ERROR, KH2_C_CONN_PRIORITY_UPDATE);
	return false;
}

static u16 early_cap(const struct kh2e *e)
{
	u32 streams = min(e->limits[KH2_L_STREAMS], e->local.max_concurrent_streams);

	return (u16)min(streams, EARLY_MAX);
}

static bool early_begin(struct kh2e *e)
{
	u16 cap = early_cap(e);

	e->early.list = kh2e_alloc(e, cap * sizeof(*e->early.list));
	if (!e->early.list) {
		kh2e_fail(e, KH2_INTERNAL_ERROR, KH2_C_CONN_MEMORY);
		return false;
	}
	e->early.cap = cap;
	return true;
}

/* The one that is to be opened last */
static void drop_highest(struct kh2e_early *early)
{
	struct kh2e_early_prio *highest = early->list;

	for (u32 i = 1; i < early->n; i++)
		if (early->list[i].id > highest->id)
			highest = &early->list[i];
	early->dropped = max(early->dropped, highest->id);
	*highest = early->list[--early->n];
}

/**
 * kh2e_signal_lowered() - we allow fewer streams than before
 * @e: the connection
 *
 * What is remembered of those to come shrinks with it.
 */
void kh2e_signal_lowered(struct kh2e *e)
{
	struct kh2e_early *early = &e->early;
	struct kh2e_early_prio *list = NULL;
	u16 cap = early_cap(e);

	if (early->cap <= cap)
		return;
	forget_passed(e);
	while (early->n > cap)
		drop_highest(early);
	if (early->n)
		list = kh2e_alloc(e, cap * sizeof(*list));
	while (early->n && !list)
		drop_highest(early);
	if (list)
		memcpy(list, early->list, early->n * sizeof(*list));
	kh2e_mem_free(e, early->list, early->cap * sizeof(*list));
	early->list = list;
	early->cap = list ? cap : 0;
}

/* Where there is no room, the stream will have what its request says. */
static struct kh2e_early_prio *add_early(struct kh2e *e)
{
	struct kh2e_early *early = &e->early;

	if (!early_allowed(e) || (!early->list && !early_begin(e)))
		return NULL;
	if (early->n == early->cap)
		forget_passed(e);
	return early->n < early->cap ? &early->list[early->n++] : NULL;
}

static void remember_early(struct kh2e *e, u32 id, const struct kh2e_priority *p)
{
	struct kh2e_early_prio *early = find_early(e, id);

	/* one that was forgotten the peer may have told of while it might */
	if (!early && id > e->early.dropped)
		early = add_early(e);
	if (early)
		*early = (struct kh2e_early_prio){ .id = id, .urgency = p->urgency,
						   .incremental = p->incremental };
}

/**
 * kh2e_signal_opened() - the peer has opened a stream
 * @e: the connection
 * @st: the stream
 *
 * Return: true if a PRIORITY_UPDATE had come before.
 */
bool kh2e_signal_opened(struct kh2e *e, struct kh2e_stream *st)
{
	struct kh2e_early_prio *early = find_early(e, st->id);

	if (!early)
		return false;
	kh2e_sched_set(e, st, early->urgency, early->incremental);
	st->updated = true;
	*early = e->early.list[--e->early.n];
	return true;
}

/**
 * kh2e_signal_arg() - urgency and incremental of a stream for an event
 * @st: the stream
 *
 * Return: KH2_PRIO_URGENCY, KH2_PRIO_INCREMENTAL.
 */
u64 kh2e_signal_arg(const struct kh2e_stream *st)
{
	return (u64)st->urgency << 41 | (u64)st->incremental << 44;
}

/**
 * kh2e_signal_field() - the field `priority` of a request
 * @e: the connection
 * @st: its stream
 * @urgency: 0 to 7
 * @incremental: as it says
 *
 * The owner read it, and meanwhile a PRIORITY_UPDATE may have come, which overrides it.
 */
void kh2e_signal_field(struct kh2e *e, struct kh2e_stream *st, u8 urgency, bool incremental)
{
	kh2e_sched_by_urgency(e, KH2E_RANK_RFC9218);
	if (!st->updated)
		kh2e_sched_set(e, st, urgency, incremental);
}

/**
 * kh2e_signal_send_update() - a client tells the server of an urgency
 * @e: the connection, in either role
 * @st: the stream; once its answer has ended there is nothing to tell (RFC 9218 7.1)
 *
 * Return: 0 or -ENOMEM.
 */
int kh2e_signal_send_update(struct kh2e *e, const struct kh2e_stream *st)
{
	struct kh2e_frame f = { .len = 7, .type = KH2_FRAME_PRIORITY_UPDATE };
	u8 payload[9] = { 0, 0, 0, 0, 'u', '=', (u8)('0' + st->urgency), ',', 'i' };

	if (e->role != KH2E_CLIENT || st->state == KH2E_HALF_REMOTE || st->state == KH2E_CLOSED)
		return 0;
	if (st->incremental)
		f.len = 9;
	put_unaligned_be32(st->id, payload);
	return kh2e_out_frame(e, &f, payload, false);
}

static void update_stream(struct kh2e *e, struct kh2e_stream *st, const struct kh2e_priority *p)
{
	kh2e_sched_set(e, st, p->urgency, p->incremental);
	st->updated = true;
	kh2e_post(e, KH2_EV_PRIORITY, KH2_EVF_URGENCY, st->id, 0, kh2e_signal_arg(st), NULL, 0);
}

/**
 * kh2e_priority_update_recv() - PRIORITY_UPDATE (RFC 9218 7.1)
 * @e: the connection
 * @f: the frame
 * @payload: its octets, at least 4
 *
 * Of streams that have ended it is ignored, and so is a value that is malformed.
 */
void kh2e_priority_update_recv(struct kh2e *e, const struct kh2e_frame *f, const u8 *payload)
{
	u32 id = get_unaligned_be32(payload) & KH2_ID_MAX;
	struct kh2e_stream *st = kh2e_stream_find(e, id);
	struct kh2e_priority p;

	if (!kh2e_spend(e, KH2E_BUDGET_PRIORITY))
		return;
	/* servers never send it; an idle stream of ours was not promised */
	if (e->role == KH2E_CLIENT || !id || (kh2e_by_us(e, id) && kh2e_stream_is_idle(e, id))) {
		kh2e_fail(e, KH2_PROTOCOL_ERROR, KH2_C_CONN_PRIORITY_UPDATE);
		return;
	}
	kh2e_sched_by_urgency(e, KH2E_RANK_RFC9218);
	if (!kh2e_priority_parse(payload + 4, f->len - 4, &p))
		return;
	if (st && st->state != KH2E_CLOSED)
		update_stream(e, st, &p);
	else if (!st && kh2e_stream_is_idle(e, id))
		remember_early(e, id, &p);
}
