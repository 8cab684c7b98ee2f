// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Bodies that arrive: their length, their reader's pace, and the peer's window. */
#include <stdlib.h>

#include "session.h"
#include "stream.h"

#define KEEP_MIN 2048U

/**
 * kh2i_stream_credit() - the application has consumed octets
 * @st: stream
 * @len: how many
 *
 * They are told in one command a turn, see kh2i_streams_credit(). Not so after
 * KH2_OP_RST, which has given all of them back.
 */
void kh2i_stream_credit(struct kh2_stream *st, u32 len)
{
	if (st->rst_sent)
		return;
	st->credit += len;
	if (st->credit && list_empty(&st->credit_node))
		list_add_tail(&st->credit_node, &st->session->ctx->credits);
}

/**
 * kh2i_streams_credit() - tell what was consumed since the last call
 * @ctx: context
 */
void kh2i_streams_credit(struct kh2_ctx *ctx)
{
	while (!list_empty(&ctx->credits)) {
		struct kh2_stream *st = list_first_entry(&ctx->credits, struct kh2_stream,
							 credit_node);
		struct kh2_sqe sqe = {
			.opcode = KH2_OP_CONSUME,
			.stream = st->id,
			.len = st->credit,
		};

		list_del_init(&st->credit_node);
		st->credit = 0;
		if (kh2i_session_submit(st->session, &sqe, NULL))
			kh2i_session_fail(st->session, -ENOMEM, KH2_INTERNAL_ERROR);
	}
}

/**
 * kh2i_stream_in_free() - drop what the application did not read
 * @st: stream
 *
 * The connection's window must come back all the same.
 */
void kh2i_stream_in_free(struct kh2_stream *st)
{
	while (!list_empty(&st->in)) {
		struct kh2i_octets *o = list_first_entry(&st->in, struct kh2i_octets, node);

		kh2i_stream_credit(st, (u32)(o->len - o->pos));
		kh2i_octets_free(st->session, o);
	}
	st->in_end = false;
	kh2_headers_free(st->trailers);
	st->trailers = NULL;
}

/* Small pieces share memory: their number is the peer's choice. */
static bool keep(struct kh2_stream *st, const void *buf, u32 len)
{
	struct kh2i_octets *o;

	if (!list_empty(&st->in)) {
		o = list_last_entry(&st->in, struct kh2i_octets, node);
		if (len <= o->size - o->len) {
			memcpy(o->octets + o->len, buf, len);
			o->len += len;
			return true;
		}
	}
	o = kh2i_octets_new(st->session, buf, len, len < KEEP_MIN ? KEEP_MIN : len);
	if (o)
		list_add_tail(&o->node, &st->in);
	return o;
}

/* RFC 9113 8.1.1: the body is as long as content-length says */
static bool length_ok(const struct kh2_stream *st, bool end)
{
	if (st->req.content_length < 0)
		return true;
	if (end)
		return st->received == (u64)st->req.content_length;
	return st->received <= (u64)st->req.content_length;
}

static void pass_on(struct kh2_stream *st, const void *buf, u32 len)
{
	if (len && KH2I_CB(st->cbs, on_data))
		st->cbs->on_data(st, buf, len, st->user);
}

/* Does the application still want what the peer sent? */
static bool listens(const struct kh2_stream *st)
{
	return !st->destroyed && !st->rst_sent && kh2i_session_open(st->session);
}

/**
 * kh2i_stream_remote_end() - the peer has ended, and the application has read everything
 * @st: stream
 */
void kh2i_stream_remote_end(struct kh2_stream *st)
{
	struct kh2_headers *trailers;

	if (!listens(st))
		return;
	if (st->paused) {
		st->in_end = true;
		return;
	}
	st->in_end = false;
	st->remote_closed = true;
	/* the callback may close the stream, and with it all that is kept for it */
	trailers = st->trailers;
	st->trailers = NULL;
	if (trailers && KH2I_CB(st->cbs, on_trailers))
		st->cbs->on_trailers(st, trailers, st->trailers_flags, st->user);
	kh2_headers_free(trailers);
	if (listens(st) && KH2I_CB(st->cbs, on_end))
		st->cbs->on_end(st, st->user);
}

/**
 * kh2i_stream_data() - octets of the body arrived
 * @st: stream
 * @buf: octets
 * @len: how many
 * @end: they are the last
 */
void kh2i_stream_data(struct kh2_stream *st, const void *buf, u32 len, bool end)
{
	if (st->rst_sent)
		return;
	kh2i_stream_touch(st);
	st->received += len;
	if (!length_ok(st, end)) {
		kh2i_session_blame(st->session, KH2_C_STREAM_MALFORMED);
		kh2i_stream_reset(st, KH2_ERR_PROTOCOL, KH2_PROTOCOL_ERROR);
		return;
	}
	kh2_stream_get(st);
	if (st->paused || !list_empty(&st->in)) {
		if (len && !keep(st, buf, len))
			kh2i_stream_reset(st, -ENOMEM, KH2_INTERNAL_ERROR);
		st->in_end = end;
	} else {
		kh2i_stream_credit(st, len);
		pass_on(st, buf, len);
		if (end)
			kh2i_stream_remote_end(st);
	}
	kh2_stream_put(st);
}

/**
 * kh2i_stream_trailers() - trailing fields arrived, and the peer has ended
 * @st: stream
 * @h: fields; the stream's
 * @flags: of the frame
 */
void kh2i_stream_trailers(struct kh2_stream *st, struct kh2_headers *h, u8 flags)
{
	kh2i_stream_touch(st);
	if (!length_ok(st, true)) {
		kh2_headers_free(h);
		kh2i_session_blame(st->session, KH2_C_STREAM_MALFORMED);
		kh2i_stream_reset(st, KH2_ERR_PROTOCOL, KH2_PROTOCOL_ERROR);
		return;
	}
	st->trailers = h;
	st->trailers_flags = flags;
	if (st->paused || !list_empty(&st->in)) {
		st->in_end = true;
		return;
	}
	kh2_stream_get(st);
	kh2i_stream_remote_end(st);
	kh2_stream_put(st);
}

/**
 * kh2i_stream_deliver() - after a pause: what was kept back, from a dispatch
 * @st: stream
 */
void kh2i_stream_deliver(struct kh2_stream *st)
{
	struct kh2_session *s = st->session;

	kh2_stream_get(st);
	while (!st->paused && listens(st) && !list_empty(&st->in)) {
		struct kh2i_octets *o = list_first_entry(&st->in, struct kh2i_octets, node);

		list_del(&o->node);
		kh2i_stream_credit(st, (u32)o->len);
		pass_on(st, o->octets, (u32)o->len);
		kh2i_octets_free(s, o);
	}
	if (!st->paused && listens(st) && list_empty(&st->in)) {
		if (st->in_end)
			kh2i_stream_remote_end(st);
		if (st->closing && !st->in_end)
			kh2i_stream_finish(st, 0, 0);
	}
	kh2_stream_put(st);
}

void kh2_stream_pause(struct kh2_stream *st)
{
	st->paused = true;
}

void kh2_stream_resume(struct kh2_stream *st)
{
	if (!st->paused || st->destroyed)
		return;
	st->paused = false;
	kh2i_todo_add(st->session->ctx, &st->todo);
}
