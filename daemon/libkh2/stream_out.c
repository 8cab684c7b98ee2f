// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Bodies that are sent: queued within bounds, lent to the backend, told when they left. */
#include <stdlib.h>

#include "session.h"
#include "stream.h"

/* A body up to this size goes in one batch with its header block. */
#define COPY_MAX 16384U
/* Writes below this size share memory, of this size, */
#define TAIL_SIZE 4096U
/* and wait for more to come when the stream has so many pieces with the backend. */
#define LENT_SMALL 8

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

/* What is charged for a piece. The engine counts what it copies. */
static s64 piece_memory(const struct kh2i_tx *tx)
{
	if (!tx->size)
		return 0;
	return KH2I_TX_MEMORY + (tx->copied ? 0 : (s64)tx->size);
}

/**
 * kh2i_tx_free() - the backend has given it back, or never had it
 * @s: session
 * @tx: note, and its memory
 */
void kh2i_tx_free(struct kh2_session *s, struct kh2i_tx *tx)
{
	if (tx->copied)
		free(tx->mem);
	else if (tx->mem)
		s->be->tx_free(s, tx->addr, tx->size);
	tx->stream->held -= tx->size;
	kh2i_session_memory(s, -piece_memory(tx));
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

/*
 * Memory that is lent comes back when the peer wishes. So a stream that has
 * nothing with the backend gets a frame's worth of ours if there is none to
 * lend: nobody waits for anything but what is his own.
 */
static void piece_alloc(struct kh2_stream *st, struct kh2i_tx *tx, size_t size)
{
	struct kh2_session *s = st->session;

	tx->mem = s->be->tx_alloc(s, &size, &tx->addr);
	if (!tx->mem && !st->n_lent) {
		size = min_t(size_t, size, KH2_DATA_BULK);
		tx->mem = malloc(size);
		tx->copied = tx->mem;
	}
	tx->size = tx->mem ? (u32)size : 0;
}

/*
 * Gets transmit memory for @size octets or fewer. 0; -EAGAIN if there is some
 * when what the stream has with the backend comes back; -ENOMEM.
 */
static int piece_new(struct kh2_stream *st, size_t size, struct kh2i_tx **out)
{
	struct kh2_session *s = st->session;
	struct kh2i_tx *tx;

	if (kh2i_tx_new(st, &tx))
		return -ENOMEM;
	piece_alloc(st, tx, size);
	if (!tx->mem) {
		kh2i_tx_free(s, tx);
		return st->n_lent ? -EAGAIN : -ENOMEM;
	}
	st->held += tx->size;
	kh2i_session_memory(s, piece_memory(tx));
	*out = tx;
	return 0;
}

/* What was copied is not needed here any more. */
static void piece_lent(struct kh2i_tx *tx)
{
	if (!tx->copied)
		return;
	free(tx->mem);
	tx->mem = NULL;
}

/* Gives a piece to the backend. On failure it is gone. */
static int piece_lend(struct kh2_stream *st, struct kh2i_tx *tx, bool end)
{
	struct kh2_sqe sqe = {
		.opcode = KH2_OP_DATA,
		.flags = end ? end_flags(st) : 0,
		.addr = tx->addr,
		.len = tx->len,
		.user_data = (u64)(uintptr_t)tx,
	};

	if (tx->copied)
		sqe.flags |= KH2_SQE_COPY | KH2_SQE_NOTIFY;
	st->n_lent++;
	if (!kh2i_stream_submit(st, &sqe, tx->copied ? tx->mem : NULL)) {
		piece_lent(tx);
		return 0;
	}
	st->n_lent--;
	kh2i_tx_free(st->session, tx);
	return -ENOMEM;
}

/* Lends one piece. Returns how many octets went, -EAGAIN or -ENOMEM. */
static ssize_t lend(struct kh2_stream *st, const u8 *buf, size_t len, bool end)
{
	struct kh2i_tx *tx;
	int err = piece_new(st, len < KH2I_TX_PIECE ? len : KH2I_TX_PIECE, &tx);
	size_t part;

	if (err)
		return err;
	part = tx->size;
	tx->len = tx->size;
	memcpy(tx->mem, buf, part);
	err = piece_lend(st, tx, end && part == len);
	return err ? err : (ssize_t)part;
}

/* ---- small writes, gathered ---- */

/* Returns 0, or -ENOMEM, having reset the stream: some of its body is lost. */
static int tail_lend(struct kh2_stream *st, bool end)
{
	struct kh2i_tx *tx = st->tail;
	u32 len = tx->len;
	int err;

	st->tail = NULL;
	list_del_init(&st->tail_node);
	err = piece_lend(st, tx, end);
	if (err) {
		st->queued -= len;
		kh2i_stream_reset(st, err, KH2_INTERNAL_ERROR);
	}
	return err;
}

static void tail_due(struct kh2_stream *st)
{
	if (list_empty(&st->tail_node))
		list_add_tail(&st->tail_node, &st->session->ctx->tails);
}

static size_t tail_room(const struct kh2_stream *st)
{
	return st->tail ? st->tail->size - st->tail->len : 0;
}

static void tail_put(struct kh2_stream *st, const u8 *buf, size_t len)
{
	if (len)
		memcpy(st->tail->mem + st->tail->len, buf, len);
	st->tail->len += (u32)len;
}

static void tail_drop(struct kh2_stream *st)
{
	if (!st->tail)
		return;
	st->queued -= st->tail->len;
	kh2i_tx_free(st->session, st->tail);
	st->tail = NULL;
	list_del_init(&st->tail_node);
}

/**
 * kh2i_tails_send() - a turn ends: send what was written in small pieces
 * @ctx: context
 *
 * A stream that has many of them with the backend already sends them when they
 * fill their memory, or when others have left: else the peer's pace would
 * decide how much memory an octet costs.
 */
void kh2i_tails_send(struct kh2_ctx *ctx)
{
	while (!list_empty(&ctx->tails)) {
		struct kh2_stream *st = list_first_entry(&ctx->tails, struct kh2_stream,
							 tail_node);

		list_del_init(&st->tail_node);
		if (st->tail && kh2i_stream_open(st) && st->n_lent < LENT_SMALL)
			tail_lend(st, false);
	}
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
			if (!st->n_lent)
				kh2i_stream_reset(st, -ENOMEM, KH2_INTERNAL_ERROR);
			return;
		}
		if (end)
			st->end_sent = true;
		kh2i_octets_free(st->session, o);
	}
}

static void drain(struct kh2_stream *st)
{
	if (!st->want_drain || st->ended || st->held > st->session->high_water / 2)
		return;
	st->want_drain = false;
	if (KH2I_CB(st->cbs, on_drain))
		st->cbs->on_drain(st, st->user);
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

	if (!tx->file) {
		st->queued -= tx->len;
		st->n_lent--;
	}
	kh2i_tx_free(s, tx);
	if (err && !st->destroyed)
		kh2i_stream_reset(st, err, KH2_INTERNAL_ERROR);
	if (!st->destroyed && kh2i_stream_open(st)) {
		kh2i_stream_touch(st);
		if (st->tail && st->n_lent < LENT_SMALL)
			tail_due(st);
		pump(st);
		if (kh2i_stream_open(st) && list_empty(&st->out))
			drain(st);
	}
	kh2_stream_put(st);
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
	while (!list_empty(&st->out))
		kh2i_octets_free(st->session,
				 list_first_entry(&st->out, struct kh2i_octets, node));
	tail_drop(st);
}

static int writable(const struct kh2_stream *st)
{
	if (!kh2i_stream_open(st) || st->ended)
		return KH2_ERR_STREAM_CLOSED;
	return st->responded ? 0 : KH2_ERR_HEADERS_NOT_SENT;
}

static size_t room_of(const struct kh2_stream *st)
{
	return st->held < st->session->high_water ? st->session->high_water - st->held : 0;
}

/* Takes some of what is written. Returns octets, -EAGAIN or -ENOMEM. */
static ssize_t take(struct kh2_stream *st, const u8 *buf, size_t len)
{
	size_t room = room_of(st);
	int err;

	if (!st->tail) {
		if (!room)
			return -EAGAIN;
		len = len < room ? len : room;
		if (len >= TAIL_SIZE)
			return lend(st, buf, len, false);
		err = piece_new(st, TAIL_SIZE, &st->tail);
		if (err)
			return err;
		tail_due(st);
	}
	room = tail_room(st);
	len = len < room ? len : room;
	tail_put(st, buf, len);
	return (ssize_t)len;
}

ssize_t kh2_stream_write(struct kh2_stream *st, const void *buf, size_t len)
{
	int err = writable(st);
	size_t done = 0;
	ssize_t n = 0;

	if (err)
		return err;
	if (st->drop_body || !len)
		return (ssize_t)len;
	while (done < len) {
		n = take(st, (const u8 *)buf + done, len - done);
		if (n < 0)
			break;
		st->queued += (size_t)n;
		done += (size_t)n;
		if (st->tail && !tail_room(st) && tail_lend(st, false))
			return -ENOMEM;
	}
	if (!done && n == -ENOMEM)
		return n;
	if (done < len)
		st->want_drain = true;
	kh2i_stream_touch(st);
	return done ? (ssize_t)done : n;
}

/* What finds no memory with the backend waits here. */
static int queue_rest(struct kh2_stream *st, const u8 *buf, size_t len)
{
	struct kh2i_octets *o = kh2i_octets_new(st->session, buf, len, len);

	if (!o)
		return -ENOMEM;
	list_add_tail(&o->node, &st->out);
	return st->n_lent ? 0 : -ENOMEM;
}

/* Gives all of the last octets to the backend, or keeps what it does not take now. */
static int send_last(struct kh2_stream *st, const u8 *buf, size_t len)
{
	struct kh2_sqe sqe = { .opcode = KH2_OP_DATA, .len = len };
	ssize_t n;
	int err;

	if (st->tail) {
		bool all = len <= tail_room(st);

		if (all) {
			tail_put(st, buf, len);
			st->queued += len;
			st->end_sent = true;
		}
		err = tail_lend(st, all);
		if (err || all)
			return err;
	}
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
	return queue_rest(st, buf + n, len - (size_t)n);
}

int kh2_stream_end(struct kh2_stream *st, const void *buf, size_t len)
{
	int err = writable(st);

	if (err)
		return err;
	st->ended = true;
	if (st->drop_body)
		return 0;
	kh2i_stream_touch(st);
	err = send_last(st, buf, len);
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
