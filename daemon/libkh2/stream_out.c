// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Bodies that are sent: queued within bounds, lent to the backend, told when they left. */
#include <stdlib.h>

#include "session.h"
#include "stream.h"

/* A body up to this size goes in one batch with its header block. */
#define COPY_MAX 16384U

/**
 * kh2i_stream_submit() - a command whose failure is the stream's
 * @st: stream, open
 * @sqe: command; user_data is set unless it is
 * @payload: to be copied, or NULL
 *
 * Return: 0 or -ENOMEM.
 */
int kh2i_stream_submit(struct kh2_stream *st, struct kh2_sqe *sqe, const void *payload)
{
	sqe->stream = st->id;
	if (!sqe->user_data)
		sqe->user_data = KH2I_UD_STREAM(st->id);
	return kh2i_session_submit(st->session, sqe, payload);
}

/**
 * kh2i_tx_new() - note that something of a stream is with the backend
 * @st: stream
 * @out: result; holds a reference to the stream
 *
 * Return: 0 or -ENOMEM.
 */
int kh2i_tx_new(struct kh2_stream *st, struct kh2i_tx **out)
{
	struct kh2i_tx *tx = calloc(1, sizeof(*tx));

	if (!tx)
		return -ENOMEM;
	tx->stream = kh2_stream_get(st);
	list_add_tail(&tx->node, &st->session->txs);
	*out = tx;
	return 0;
}

/**
 * kh2i_tx_free() - the backend has given it back, or never had it
 * @s: session
 * @tx: note, and its memory
 */
void kh2i_tx_free(struct kh2_session *s, struct kh2i_tx *tx)
{
	if (tx->addr) {
		s->be->tx_free(s, tx->addr, tx->len);
		kh2i_session_memory(s, -(s64)tx->len);
	}
	list_del(&tx->node);
	kh2_stream_put(tx->stream);
	free(tx);
}

/* The flags of what ends the body */
static u8 end_flags(struct kh2_stream *st)
{
	if (st->wait_trailers)
		return KH2_SQE_TRAILERS;
	st->local_closed = true;
	return KH2_SQE_END_STREAM;
}

/* Lends one piece. Returns how many octets went, -EAGAIN or -ENOMEM. */
static ssize_t lend(struct kh2_stream *st, const u8 *buf, size_t len, bool end)
{
	struct kh2_sqe sqe = { .opcode = KH2_OP_DATA };
	size_t part = len < KH2I_TX_PIECE ? len : KH2I_TX_PIECE;
	struct kh2_session *s = st->session;
	struct kh2i_tx *tx;
	void *mem;

	if (kh2i_tx_new(st, &tx))
		return -ENOMEM;
	mem = s->be->tx_alloc(s, &part, &tx->addr);
	if (!mem) {
		tx->addr = 0;
		kh2i_tx_free(s, tx);
		return -EAGAIN;
	}
	tx->len = (u32)part;
	kh2i_session_memory(s, (s64)part);
	memcpy(mem, buf, part);
	sqe.addr = tx->addr;
	sqe.len = part;
	sqe.user_data = (u64)(uintptr_t)tx;
	if (end && part == len)
		sqe.flags = end_flags(st);
	if (kh2i_stream_submit(st, &sqe, NULL)) {
		kh2i_tx_free(s, tx);
		return -ENOMEM;
	}
	return (ssize_t)part;
}

/* Lends all it can. Returns octets, or the first error if there are none. */
static ssize_t lend_all(struct kh2_stream *st, const u8 *buf, size_t len, bool end)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = lend(st, buf + done, len - done, end);

		if (n < 0)
			return done ? (ssize_t)done : n;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static void wait_for_memory(struct kh2_stream *st)
{
	if (list_empty(&st->waiter))
		list_add_tail(&st->waiter, &st->session->ctx->tx_waiters);
}

/**
 * kh2i_stream_submit_end() - end the body behind all that was submitted
 * @st: stream
 *
 * Return: 0 or -ENOMEM.
 */
int kh2i_stream_submit_end(struct kh2_stream *st)
{
	struct kh2_sqe sqe = { .opcode = KH2_OP_DATA };

	sqe.flags = KH2_SQE_COPY | end_flags(st);
	st->end_sent = true;
	return kh2i_stream_submit(st, &sqe, "");
}

/* Gives the backend what waited for memory. */
static void pump(struct kh2_stream *st)
{
	while (!list_empty(&st->out)) {
		struct kh2i_octets *o = list_first_entry(&st->out, struct kh2i_octets, node);
		bool end = st->ended && list_is_last(&o->node, &st->out);
		ssize_t n = lend_all(st, o->octets + o->pos, o->len - o->pos, end);

		if (n > 0)
			o->pos += (size_t)n;
		if (o->pos < o->len) {
			wait_for_memory(st);
			return;
		}
		if (end)
			st->end_sent = true;
		kh2i_session_memory(st->session, -(s64)o->len);
		list_del(&o->node);
		free(o);
	}
}

static void drain(struct kh2_stream *st)
{
	if (!st->want_drain || st->ended || st->queued > st->session->high_water / 2)
		return;
	st->want_drain = false;
	if (KH2I_CB(st->cbs, on_drain))
		st->cbs->on_drain(st, st->user);
}

/**
 * kh2i_tx_waiters_run() - transmit memory came back: go on with those who wait for it
 * @ctx: context
 */
void kh2i_tx_waiters_run(struct kh2_ctx *ctx)
{
	struct list_head waiters;

	if (list_empty(&ctx->tx_waiters))
		return;
	/* who waits again goes to the end of the context's list */
	INIT_LIST_HEAD(&waiters);
	while (!list_empty(&ctx->tx_waiters))
		list_move_tail(ctx->tx_waiters.next, &waiters);
	while (!list_empty(&waiters)) {
		struct kh2_stream *st = list_first_entry(&waiters, struct kh2_stream, waiter);

		list_del_init(&st->waiter);
		if (!kh2i_stream_open(st))
			continue;
		kh2_stream_get(st);
		pump(st);
		if (list_empty(&st->out))
			drain(st);
		kh2_stream_put(st);
	}
}

/**
 * kh2i_tx_done() - the backend gave something back
 * @s: session
 * @tx: what; gone on return
 * @err: negative errno if the command was refused
 */
void kh2i_tx_done(struct kh2_session *s, struct kh2i_tx *tx, int err)
{
	struct kh2_stream *st = kh2_stream_get(tx->stream);
	struct kh2_ctx *ctx = s->ctx;

	st->queued -= tx->file ? 0 : tx->len;
	kh2i_tx_free(s, tx);
	if (err && !st->destroyed)
		kh2i_stream_reset(st, err, KH2_INTERNAL_ERROR);
	if (!st->destroyed && kh2i_stream_open(st)) {
		kh2i_stream_touch(st);
		drain(st);
	}
	kh2_stream_put(st);
	kh2i_tx_waiters_run(ctx);
}

/**
 * kh2i_tx_forget() - the session is gone: take everything back
 * @s: session
 */
void kh2i_tx_forget(struct kh2_session *s)
{
	while (!list_empty(&s->txs))
		kh2i_tx_free(s, list_first_entry(&s->txs, struct kh2i_tx, node));
}

/**
 * kh2i_stream_out_free() - drop what waits for memory
 * @st: stream
 */
void kh2i_stream_out_free(struct kh2_stream *st)
{
	while (!list_empty(&st->out)) {
		struct kh2i_octets *o = list_first_entry(&st->out, struct kh2i_octets, node);

		kh2i_session_memory(st->session, -(s64)o->len);
		list_del(&o->node);
		free(o);
	}
	list_del_init(&st->waiter);
}

static int writable(const struct kh2_stream *st)
{
	if (!kh2i_stream_open(st) || st->ended)
		return KH2_ERR_STREAM_CLOSED;
	return st->responded ? 0 : KH2_ERR_HEADERS_NOT_SENT;
}

ssize_t kh2_stream_write(struct kh2_stream *st, const void *buf, size_t len)
{
	size_t room, part;
	int err = writable(st);
	ssize_t n;

	if (err)
		return err;
	if (st->drop_body || !len)
		return (ssize_t)len;
	room = st->queued < st->session->high_water ? st->session->high_water - st->queued : 0;
	part = len < room ? len : room;
	n = part ? lend_all(st, buf, part, false) : -EAGAIN;
	if (n > 0)
		st->queued += (size_t)n;
	if (n == -ENOMEM)
		return n;
	if (n < (ssize_t)len) {
		st->want_drain = true;
		if (n < (ssize_t)part)
			wait_for_memory(st);
	}
	kh2i_stream_touch(st);
	return n;
}

/* What finds no memory with the backend waits here. */
static int queue_rest(struct kh2_stream *st, const u8 *buf, size_t len)
{
	struct kh2i_octets *o = malloc(sizeof(*o) + len);

	if (!o)
		return -ENOMEM;
	o->pos = 0;
	o->len = len;
	memcpy(o->octets, buf, len);
	list_add_tail(&o->node, &st->out);
	kh2i_session_memory(st->session, (s64)len);
	wait_for_memory(st);
	return 0;
}

int kh2_stream_end(struct kh2_stream *st, const void *buf, size_t len)
{
	struct kh2_sqe sqe = { .opcode = KH2_OP_DATA, .len = len };
	int err = writable(st);
	ssize_t n = 0;

	if (err)
		return err;
	st->ended = true;
	if (st->drop_body)
		return 0;
	kh2i_stream_touch(st);
	if (!len)
		return kh2i_stream_submit_end(st);
	if (len <= COPY_MAX) {
		sqe.flags = KH2_SQE_COPY | end_flags(st);
		st->end_sent = true;
		return kh2i_stream_submit(st, &sqe, buf);
	}
	n = lend_all(st, buf, len, true);
	if (n < 0)
		n = 0;
	st->queued += len;
	if ((size_t)n == len) {
		st->end_sent = true;
		return 0;
	}
	err = queue_rest(st, (const u8 *)buf + n, len - (size_t)n);
	if (err)
		kh2i_stream_reset(st, err, KH2_INTERNAL_ERROR);
	return err;
}

/* ---- trailers ---- */

/**
 * kh2i_stream_want_trailers() - the body has left
 * @st: stream
 */
void kh2i_stream_want_trailers(struct kh2_stream *st)
{
	if (!kh2i_stream_open(st) || !st->wait_trailers || st->trailers_sent)
		return;
	st->trailers_ready = true;
	kh2i_stream_touch(st);
	if (KH2I_CB(st->cbs, on_want_trailers))
		st->cbs->on_want_trailers(st, st->user);
	else
		kh2_stream_send_trailers(st, NULL);
}

int kh2_stream_send_trailers(struct kh2_stream *st, const struct kh2_headers *h)
{
	struct kh2_sqe end = {
		.opcode = KH2_OP_DATA,
		.flags = KH2_SQE_COPY | KH2_SQE_END_STREAM,
	};
	int err;

	if (!kh2i_stream_open(st) || st->trailers_sent)
		return KH2_ERR_STREAM_CLOSED;
	if (!st->trailers_ready)
		return KH2_ERR_TRAILERS_NOT_READY;
	err = h ? kh2i_rules_trailers(h) : 0;
	if (err)
		return err;
	if (h && h->n)
		err = kh2i_session_send_block(st->session, st->id, KH2_SQE_END_STREAM, h, NULL);
	else
		err = kh2i_stream_submit(st, &end, "");
	if (err)
		return err;
	st->trailers_sent = true;
	st->local_closed = true;
	return 0;
}
