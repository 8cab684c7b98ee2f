// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Sources: what is queued on a stream to be sent as DATA. */
#include "core.h"

/* A source with less at hand is asked for more; a full frame is enough if memory is scarce. */
#define SRC_LOW 65536U

/**
 * kh2e_src_finish() - no more of a source will be framed
 * @e: the connection
 * @src: the source, in the queue of a stream
 * @status: 0, or a negative errno
 *
 * It is given back when the last segment of it was sent.
 */
void kh2e_src_finish(struct kh2e *e, struct kh2e_src *src, int status)
{
	list_del_init(&src->node);
	src->framed = true;
	if (!src->status)
		src->status = status;
	if (!src->inflight)
		list_add_tail(&src->node, &e->done_srcs);
}

static struct kh2e_src *first_src(const struct kh2e_stream *st)
{
	return list_empty(&st->srcs) ? NULL :
		list_first_entry(&st->srcs, struct kh2e_src, node);
}

/**
 * kh2e_src_settle() - take sources out that have nothing left and end nothing
 * @e: the connection
 * @st: the stream
 */
void kh2e_src_settle(struct kh2e *e, struct kh2e_stream *st)
{
	struct kh2e_src *src;

	for (src = first_src(st); src && src->eof && !src->avail && !src->end_stream;
	     src = first_src(st)) {
		if (src->trailers)
			kh2e_stream_tell(e, st, KH2E_TELL_TRAILERS);
		kh2e_src_finish(e, src, 0);
	}
}

/**
 * kh2e_src_queue() - append a source to a stream
 * @e: the connection
 * @st: the stream
 * @src: the source, which the engine holds from now on
 */
void kh2e_src_queue(struct kh2e *e, struct kh2e_stream *st, struct kh2e_src *src)
{
	src->stream = st->id;
	e->n_srcs++;
	e->memory += src->held;
	if (!st->queued)
		kh2e_stream_mark_sent(e, st, kh2e_now(e));
	list_add_tail(&src->node, &st->srcs);
	st->queued += src->avail;
	st->ending |= src->end_stream;
	st->trailers |= src->trailers;
	kh2e_src_settle(e, st);
	kh2e_sched_update(e, st);
}

/**
 * kh2e_src_ready() - is there a frame to be made of what a stream has?
 * @st: the stream
 * @limit: octets at the most
 *
 * The first source alone decides: those behind it wait for it.
 *
 * Return: true if so.
 */
bool kh2e_src_ready(const struct kh2e_stream *st, u32 limit)
{
	const struct kh2e_src *src = first_src(st);

	if (!src)
		return false;
	if (!src->avail)
		return src->eof && src->end_stream;
	return limit && (src->eof || !src->patient || src->avail >= limit);
}

/**
 * kh2e_src_plan() - what the next DATA frame of a stream can hold
 * @st: the stream
 * @limit: octets at the most
 * @end: set if END_STREAM goes with it
 *
 * Return: octets.
 */
u32 kh2e_src_plan(const struct kh2e_stream *st, u32 limit, bool *end)
{
	struct kh2e_src *src;
	u32 n = 0, n_srcs = 0;

	*end = false;
	list_for_each_entry(src, &st->srcs, node) {
		u32 part = (u32)min_t(u64, src->avail, limit - n);

		if (++n_srcs > KH2E_FRAME_SRCS)
			break;
		n += part;
		if (part < src->avail || !src->eof)
			break;
		if (src->end_stream)
			*end = true;
		if (src->end_stream || src->trailers)
			break;
	}
	return n;
}

/**
 * kh2e_src_add() - the home has more of a source, or knows its end
 * @e: the connection
 * @src: the source; not after src_release
 * @n: octets more
 * @eof: these were the last
 * @status: negative errno if the source failed: its stream is reset
 */
void kh2e_src_add(struct kh2e *e, struct kh2e_src *src, u64 n, bool eof, int status)
{
	struct kh2e_stream *st = kh2e_stream_find(e, src->stream);

	src->wanted = false;
	if (src->framed || WARN_ON_ONCE(!st))
		return;
	if (status) {
		src->status = status;
		kh2e_stream_fail(e, st, KH2_C_STREAM_SOURCE);
	} else {
		if (!st->queued)
			kh2e_stream_mark_sent(e, st, kh2e_now(e));
		src->avail += n;
		st->queued += n;
		src->eof = eof;
		kh2e_src_settle(e, st);
		kh2e_sched_update(e, st);
	}
	kh2e_notify(e);
}

/**
 * kh2e_src_hold() - a source that the engine holds costs more memory than before, or less
 * @e: the connection
 * @src: the source; not after src_release
 * @octets: how much more
 */
void kh2e_src_hold(struct kh2e *e, struct kh2e_src *src, s64 octets)
{
	src->held += (u64)octets;
	e->memory += (u64)octets;
}

/**
 * kh2e_src_done() - give a source back to the home
 * @e: the connection
 * @src: the source, in the list of those that are done
 */
void kh2e_src_done(struct kh2e *e, struct kh2e_src *src)
{
	list_del_init(&src->node);
	e->n_srcs--;
	e->memory -= src->held;
	e->ops->src_release(e->home, src);
}

/**
 * kh2e_src_ask() - have the home produce more for a stream that could send it
 * @e: the connection
 * @st: the stream
 */
void kh2e_src_ask(struct kh2e *e, struct kh2e_stream *st)
{
	struct kh2e_src *src = first_src(st);
	u32 low = kh2e_memory_scarce(e) ? KH2_DATA_BULK : SRC_LOW;

	if (!src || src->eof || src->wanted || src->avail >= low)
		return;
	if (!kh2e_send_window_room(&st->send))
		return;
	src->wanted = true;
	e->ops->src_want(e->home, src);
}
