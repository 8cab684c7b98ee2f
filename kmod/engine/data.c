// SPDX-License-Identifier: GPL-2.0 OR MIT
/* DATA as it arrives: who may send it, how much, and who gets it (RFC 9113 6.1, 6.9). */
#include "core.h"

/**
 * kh2e_data_dropped() - octets that nobody will consume
 * @e: the connection
 * @n: flow-controlled octets
 *
 * The connection's window must come back all the same (RFC 9113 6.9).
 */
void kh2e_data_dropped(struct kh2e *e, u32 n)
{
	u32 increment = kh2e_recv_window_consume(&e->recv, n);

	if (increment)
		kh2e_out_window_update(e, 0, increment);
}

/**
 * kh2e_data_credit() - open a stream's window again, if the peer still sends on it
 * @e: the connection
 * @st: the stream
 * @n: octets; 0 to look whether what was saved up is enough
 */
void kh2e_data_credit(struct kh2e *e, struct kh2e_stream *st, u32 n)
{
	u32 increment;

	if (st->state != KH2E_STREAM_OPEN && st->state != KH2E_HALF_LOCAL)
		return;
	increment = kh2e_recv_window_consume(&st->recv, n);
	if (increment)
		kh2e_out_window_update(e, st->id, increment);
}

/**
 * kh2e_data_consumed() - octets that the application has consumed
 * @e: the connection
 * @st: the stream, NULL if it is gone
 * @n: octets, delivered before
 */
void kh2e_data_consumed(struct kh2e *e, struct kh2e_stream *st, u32 n)
{
	kh2e_data_dropped(e, n);
	if (st)
		kh2e_data_credit(e, st, n);
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
	u32 increment;

	if (!kh2e_recv_window_take(&e->recv, f->len)) {
		kh2e_fail(e, KH2_FLOW_CONTROL_ERROR, KH2_C_CONN_WINDOW_EXCEEDED);
		return false;
	}
	if (!data_allowed(e, f, st))
		return false;
	if (f->len == pad_octets && !(f->flags & KH2_FLAG_END_STREAM) &&
	    !kh2e_spend(e, KH2E_BUDGET_EMPTY))
		return false;
	if (!e->rx.discard)
		e->last_proc_id = max(e->last_proc_id, f->stream);
	if (!pad_octets)
		return true;
	kh2e_data_dropped(e, pad_octets);
	increment = e->rx.discard ? 0 : kh2e_recv_window_consume(&st->recv, pad_octets);
	if (increment)
		kh2e_out_window_update(e, st->id, increment);
	return true;
}

static void data_discard(struct kh2e *e, u32 n)
{
	kh2e_count(e, KH2_C_DISCARDED_DATA, n);
	kh2e_data_dropped(e, n);
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
		data_discard(e, n);
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
	kh2e_earn(e, KH2E_BUDGET_PING, n >= 1024);
	if (end)
		kh2e_stream_step(e, st, KH2E_RECV_END);
	return true;
}
