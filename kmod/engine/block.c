// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Header blocks as they arrive: assembly (RFC 9113 4.3), and the streams that they open. */
#include "core.h"

/**
 * kh2e_block_free() - forget the block under assembly
 * @e: the connection
 */
void kh2e_block_free(struct kh2e *e)
{
	struct kh2e_block *b = &e->block;

	if (b->buf)
		kh2e_mem_free(e, b->buf, b->cap);
	memset(b, 0, sizeof(*b));
}

static bool block_append(struct kh2e *e, const u8 *data, u32 n)
{
	struct kh2e_block *b = &e->block;
	u32 cap = b->cap ? b->cap : 4096;
	u8 *buf;

	while (cap < b->len + n)
		cap *= 2;
	if (cap != b->cap) {
		buf = kh2e_alloc(e, cap);
		if (!buf)
			return false;
		if (b->buf) {
			memcpy(buf, b->buf, b->len);
			kh2e_mem_free(e, b->buf, b->cap);
		}
		b->buf = buf;
		b->cap = cap;
	}
	memcpy(b->buf + b->len, data, n);
	b->len += n;
	return true;
}

/*
 * The event. Blocks for no stream are decoded all the same: HPACK is state of the connection.
 * @updated: the stream that it opens, if a PRIORITY_UPDATE came before
 */
static void post_block(struct kh2e *e, bool discard, const struct kh2e_stream *updated,
		       const u8 *block, u32 len)
{
	const struct kh2e_frame *f = &e->block.frame;
	u16 flags = discard ? KH2_EVF_DISCARD : 0;

	if (discard)
		kh2e_count(e, KH2_C_DISCARDED_BLOCKS, 1);
	if (f->type == KH2_FRAME_PUSH_PROMISE) {
		kh2e_post(e, KH2_EV_PUSH_PROMISE, flags, f->stream, e->block.promised, 0,
			  block, len);
		return;
	}
	if (f->flags & KH2_FLAG_END_STREAM)
		flags |= KH2_EVF_END_STREAM;
	if (f->flags & KH2_FLAG_PRIORITY)
		flags |= KH2_EVF_PRIORITY;
	if (updated)
		flags |= KH2_EVF_URGENCY;
	kh2e_post(e, KH2_EV_HEADERS, flags, f->stream, f->flags,
		  e->block.prio | (updated ? kh2e_signal_arg(updated) : 0), block, len);
}

/* The owner decodes it for nothing, so it is no cheaper to the peer than a reset. */
static bool may_discard(struct kh2e *e, u32 id, const struct kh2e_stream *st)
{
	return kh2e_stream_after_end(e, id, st) && kh2e_spend(e, KH2E_BUDGET_RESET);
}

/*
 * Promises are bounded by KH2_L_STREAMS, but count toward the limit that we
 * advertised only from their response on (RFC 9113 5.1.2, 8.4.2).
 */
static bool over_concurrency(const struct kh2e *e, const struct kh2e_stream *st)
{
	return st->state == KH2E_RESERVED_REMOTE &&
	       e->streams.n_active[true] >= e->local.max_concurrent_streams;
}

static void headers_on_known(struct kh2e *e, struct kh2e_stream *st, const u8 *block, u32 len)
{
	bool end = e->block.frame.flags & KH2_FLAG_END_STREAM;
	bool discard = false;

	if (st->state == KH2E_CLOSED) {
		if (!may_discard(e, st->id, st))
			return;
		discard = true;
	} else if (!kh2e_stream_allows(st, KH2E_RECV_HEADERS)) {
		if (st->state == KH2E_RESERVED_LOCAL) {
			kh2e_fail(e, KH2_PROTOCOL_ERROR, KH2_C_CONN_STREAM_ID);
			return;
		}
		kh2e_stream_reset(e, st, KH2_STREAM_CLOSED, KH2_C_STREAM_HALF_CLOSED);
		discard = true;
	} else if ((e->block.frame.flags & KH2_FLAG_PRIORITY) &&
		   KH2_PRIO_DEP(e->block.prio) == st->id) {
		kh2e_stream_reset(e, st, KH2_PROTOCOL_ERROR, KH2_C_STREAM_SELF_DEPENDENCY);
		discard = true;
	} else if (over_concurrency(e, st)) {
		kh2e_stream_reset(e, st, KH2_REFUSED_STREAM, KH2_C_REFUSED_CONCURRENCY);
		discard = true;
	} else {
		kh2e_stream_step(e, st, KH2E_RECV_HEADERS);
		if (e->block.frame.flags & KH2_FLAG_PRIORITY)
			kh2e_signal_headers(e, st);
	}
	/* a reset may have been one too many: then the block is gone */
	if (e->phase == KH2E_DONE)
		return;
	post_block(e, discard, NULL, block, len);
	if (end && !discard)
		kh2e_stream_step(e, st, KH2E_RECV_END);
}

/* What we advertised may be less than the limit, by SETTINGS that came later. */
static u32 streams_limit(const struct kh2e *e)
{
	u32 limit = e->limits[KH2_L_STREAMS];

	return e->role == KH2E_SERVER ? min(limit, e->local.max_concurrent_streams) : limit;
}

/*
 * May the peer open this stream? If not it is refused, and where that leaves
 * the connection alive its block is decoded only.
 */
static bool may_open(struct kh2e *e, u32 id)
{
	if (id > e->goaway_sent_id) {
		kh2e_count(e, KH2_C_REFUSED_SHUTDOWN, 1);
		kh2e_stream_remember(e, id, KH2E_ENDED_BY_US);
		kh2e_spend(e, KH2E_BUDGET_RESET);
		return false;
	}
	if ((e->block.frame.flags & KH2_FLAG_PRIORITY) && KH2_PRIO_DEP(e->block.prio) == id) {
		kh2e_stream_refuse(e, id, KH2_PROTOCOL_ERROR, KH2_C_STREAM_SELF_DEPENDENCY);
		return false;
	}
	if (e->streams.n_peer >= streams_limit(e)) {
		kh2e_stream_refuse(e, id, KH2_REFUSED_STREAM, KH2_C_REFUSED_CONCURRENCY);
		return false;
	}
	if (kh2e_over_memory(e)) {
		kh2e_stream_refuse(e, id, KH2_REFUSED_STREAM, KH2_C_REFUSED_MEMORY);
		return false;
	}
	return true;
}

static struct kh2e_stream *open_stream(struct kh2e *e, u32 id, enum kh2e_stream_event ev)
{
	struct kh2e_stream *st;

	e->last_peer_id = id;
	if (!may_open(e, id))
		return NULL;
	st = kh2e_stream_add(e, id, true);
	if (!st) {
		kh2e_stream_refuse(e, id, KH2_REFUSED_STREAM, KH2_C_REFUSED_MEMORY);
		return NULL;
	}
	kh2e_stream_step(e, st, ev);
	return st;
}

static void headers_on_new(struct kh2e *e, const u8 *block, u32 len)
{
	const struct kh2e_frame *f = &e->block.frame;
	struct kh2e_stream *st = open_stream(e, f->stream, KH2E_RECV_HEADERS);
	bool updated = st && kh2e_signal_opened(e, st);

	if (e->phase == KH2E_DONE)
		return;
	if (st) {
		e->last_proc_id = f->stream;
		if (f->flags & KH2_FLAG_PRIORITY)
			kh2e_signal_headers(e, st);
	}
	post_block(e, !st, updated ? st : NULL, block, len);
	if (st && (f->flags & KH2_FLAG_END_STREAM))
		kh2e_stream_step(e, st, KH2E_RECV_END);
}

static void headers_done(struct kh2e *e, const u8 *block, u32 len)
{
	u32 id = e->block.frame.stream;
	struct kh2e_stream *st = kh2e_stream_find(e, id);

	if (st) {
		headers_on_known(e, st, block, len);
	} else if (!kh2e_stream_is_idle(e, id)) {
		if (may_discard(e, id, NULL))
			post_block(e, true, NULL, block, len);
	} else if (e->role == KH2E_CLIENT || kh2e_by_us(e, id)) {
		/* RFC 9113 5.1.1: a client opens odd streams, a server none by HEADERS */
		kh2e_fail(e, KH2_PROTOCOL_ERROR, KH2_C_CONN_STREAM_ID);
	} else {
		headers_on_new(e, block, len);
	}
}

/* RFC 9113 6.6, 8.4: may the peer promise at all, and this identifier? */
static bool promise_allowed(struct kh2e *e, u32 promised)
{
	if (e->role == KH2E_SERVER || !e->local.enable_push)
		kh2e_fail(e, KH2_PROTOCOL_ERROR, KH2_C_CONN_PUSH);
	else if (kh2e_stream_is_idle(e, e->block.frame.stream))
		kh2e_fail(e, KH2_PROTOCOL_ERROR, KH2_C_CONN_STREAM_IDLE);
	else if (kh2e_by_us(e, promised) || promised <= e->last_peer_id)
		kh2e_fail(e, KH2_PROTOCOL_ERROR, KH2_C_CONN_STREAM_ID);
	return e->phase != KH2E_DONE;
}

/* A promise that crosses the reset of its stream is refused, and decoded. */
static struct kh2e_stream *promised_stream(struct kh2e *e, u32 promised)
{
	struct kh2e_stream *on = kh2e_stream_find(e, e->block.frame.stream);

	if (on && (on->state == KH2E_STREAM_OPEN || on->state == KH2E_HALF_LOCAL))
		return open_stream(e, promised, KH2E_RECV_PROMISE);
	if (on && on->state != KH2E_CLOSED) {
		kh2e_fail(e, KH2_PROTOCOL_ERROR, KH2_C_CONN_PUSH);
	} else if (kh2e_stream_after_end(e, e->block.frame.stream, on)) {
		e->last_peer_id = promised;
		kh2e_stream_refuse(e, promised, KH2_CANCEL, KH2_C_STREAM_CLOSED);
	}
	return NULL;
}

static void promise_done(struct kh2e *e, const u8 *block, u32 len)
{
	struct kh2e_stream *st;

	if (!promise_allowed(e, e->block.promised))
		return;
	st = promised_stream(e, e->block.promised);
	if (e->phase != KH2E_DONE)
		post_block(e, !st, NULL, block, len);
}

static void block_done(struct kh2e *e, const u8 *block, u32 len)
{
	if (e->block.frame.type == KH2_FRAME_HEADERS)
		headers_done(e, block, len);
	else
		promise_done(e, block, len);
	kh2e_block_free(e);
}

/*
 * Strips Pad Length and padding. Returns the offset of what follows, and sets
 * @n to the octets between; negative if the padding does not fit.
 */
static int strip_padding(const struct kh2e_frame *f, const u8 *payload, u32 fixed, u32 *n)
{
	u32 head = f->flags & KH2_FLAG_PADDED ? 1 : 0;
	u32 pad = 0;

	if (f->len < head + fixed)
		return -EMSGSIZE;
	if (head)
		pad = READ_ONCE(payload[0]);
	if (pad > f->len - head - fixed)
		return -EINVAL;
	*n = f->len - head - pad;
	return (int)head;
}

/**
 * kh2e_priority_read() - stream dependency, weight less one, exclusive (RFC 9113 6.3)
 * @octets: of PRIORITY or HEADERS
 *
 * Return: KH2_PRIO_*.
 */
u64 kh2e_priority_read(const u8 octets[5])
{
	u32 dep = get_unaligned_be32(octets);

	return (dep & KH2_ID_MAX) | (u64)octets[4] << 32 | (u64)(dep >> 31) << 40;
}

/**
 * kh2e_priority_write() - the reverse
 * @octets: of PRIORITY or HEADERS
 * @on: what to write
 */
void kh2e_priority_write(u8 octets[5], const struct kh2e_depend *on)
{
	put_unaligned_be32(on->parent | (u32)on->exclusive << 31, octets);
	octets[4] = (u8)(on->weight - 1);
}

/**
 * kh2e_block_begin() - HEADERS or PUSH_PROMISE (RFC 9113 6.2, 6.6)
 * @e: the connection
 * @f: the frame
 * @payload: its octets
 */
void kh2e_block_begin(struct kh2e *e, const struct kh2e_frame *f, const u8 *payload)
{
	struct kh2e_block *b = &e->block;
	u32 fixed = kh2e_frame_fixed(f), n;
	int at = strip_padding(f, payload, fixed, &n);

	if (at < 0) {
		if (at == -EMSGSIZE)
			kh2e_fail(e, KH2_FRAME_SIZE_ERROR, KH2_C_CONN_FRAME_LENGTH);
		else
			kh2e_fail(e, KH2_PROTOCOL_ERROR, KH2_C_CONN_PADDING);
		return;
	}
	payload += at;
	b->frame = *f;
	if (f->type == KH2_FRAME_PUSH_PROMISE)
		b->promised = get_unaligned_be32(payload) & KH2_ID_MAX;
	else if (fixed)
		b->prio = kh2e_priority_read(payload);
	payload += fixed;
	n -= fixed;
	if (n > e->limits[KH2_L_BLOCK_OCTETS]) {
		kh2e_fail(e, KH2_ENHANCE_YOUR_CALM, KH2_C_FLOOD_HEADER_BLOCK);
	} else if (f->flags & KH2_FLAG_END_HEADERS) {
		block_done(e, payload, n);
	} else {
		b->active = true;
		b->since = kh2e_now(e);
		if (!block_append(e, payload, n))
			kh2e_fail(e, KH2_INTERNAL_ERROR, KH2_C_CONN_MEMORY);
	}
}

/**
 * kh2e_block_continue() - CONTINUATION (RFC 9113 6.10)
 * @e: the connection
 * @f: the frame, on the stream of the block
 * @payload: its octets
 */
void kh2e_block_continue(struct kh2e *e, const struct kh2e_frame *f, const u8 *payload)
{
	struct kh2e_block *b = &e->block;

	if (!block_append(e, payload, f->len)) {
		kh2e_fail(e, KH2_INTERNAL_ERROR, KH2_C_CONN_MEMORY);
		return;
	}
	if (f->flags & KH2_FLAG_END_HEADERS)
		block_done(e, b->buf, b->len);
}
