// SPDX-License-Identifier: GPL-2.0 OR MIT
/* DATA as it is sent: one frame of one stream, within both windows (RFC 9113 6.1, 6.9). */
#include "core.h"

/* So many octets of DATA earn the peer a WINDOW_UPDATE. */
#define WINDOW_UPDATE_EACH 256U

/**
 * kh2e_send_data_limit() - payload of a DATA frame at the most
 * @e: the connection
 *
 * Return: octets, at least 1.
 */
u32 kh2e_send_data_limit(const struct kh2e *e)
{
	return min(KH2_DATA_BULK, e->remote.max_frame_size);
}

/* Moves what the frame holds from the sources to the output. */
static int frame_sources(struct kh2e *e, struct kh2e_stream *st, u32 n, bool end)
{
	struct kh2e_src *src, *next;

	list_for_each_entry_safe(src, next, &st->srcs, node) {
		u32 part = (u32)min_t(u64, src->avail, n);

		if (part && kh2e_out_src(e, src, part))
			return -ENOMEM;
		n -= part;
		st->queued -= part;
		if (src->avail || !src->eof || (src->end_stream && !end))
			break;
		if (src->trailers)
			kh2e_stream_tell(e, st, KH2E_TELL_TRAILERS);
		kh2e_src_finish(e, src, 0);
	}
	return n ? -EINVAL : 0;
}

static int frame_padding(struct kh2e *e, int pad)
{
	u8 *p;

	if (pad <= 0)
		return 0;
	p = kh2e_out_bytes(e, (u32)pad);
	if (!p)
		return -ENOMEM;
	memset(p, 0, (u32)pad);
	return 0;
}

static int send_frame(struct kh2e *e, struct kh2e_stream *st, u32 n, int pad, bool end)
{
	struct kh2e_frame f = { .len = n, .type = KH2_FRAME_DATA, .stream = st->id };
	u8 *p;

	if (end)
		f.flags |= KH2_FLAG_END_STREAM;
	if (pad >= 0) {
		f.flags |= KH2_FLAG_PADDED;
		f.len += 1 + (u32)pad;
	}
	p = kh2e_out_begin(e, &f, pad >= 0 ? 1 : 0);
	if (!p)
		return -ENOMEM;
	if (pad >= 0)
		*p = (u8)pad;
	kh2e_send_window_take(&e->send, f.len);
	kh2e_send_window_take(&st->send, f.len);
	return frame_sources(e, st, n, end) ?: frame_padding(e, pad);
}

static void count_stalls(struct kh2e *e, const struct kh2e_stream *st)
{
	if (!st->queued)
		return;
	if (!kh2e_send_window_room(&st->send))
		kh2e_count(e, KH2_C_STALL_STREAM_WINDOW, 1);
	else if (!kh2e_send_window_room(&e->send))
		kh2e_count(e, KH2_C_STALL_CONN_WINDOW, 1);
}

/* Octets that padding may want of a full frame */
static u32 padding_room(u8 strategy)
{
	return strategy == KH2E_PAD_MAX ? 256 : strategy == KH2E_PAD_ALIGNED ? 8 : 0;
}

/**
 * kh2e_send_data() - decide one DATA frame
 * @e: the connection
 *
 * Return: false if there is none to send now.
 */
bool kh2e_send_data(struct kh2e *e)
{
	struct kh2e_stream *st = kh2e_sched_pick(e);
	u32 limit, room, n;
	bool end;

	if (!st)
		return false;
	room = min(kh2e_send_window_room(&e->send), kh2e_send_window_room(&st->send));
	room = min(room, kh2e_send_data_limit(e));
	limit = padding_room(e->padding);
	limit = room > limit ? room - limit : room;
	n = kh2e_src_plan(st, limit, &end);
	if (WARN_ON_ONCE(!n && !end)) {
		kh2e_sched_remove(e, st);
		return false;
	}
	if (send_frame(e, st, n, kh2e_padding(e->padding, n, room), end)) {
		kh2e_abort(e, KH2_C_CONN_MEMORY);
		return false;
	}
	st->tx_data += n;
	kh2e_count(e, KH2_C_TX_DATA, n);
	kh2e_earn(e, KH2E_BUDGET_WINDOW, n / WINDOW_UPDATE_EACH);
	kh2e_src_settle(e, st);
	if (end)
		kh2e_stream_step(e, st, KH2E_SEND_END);
	kh2e_sched_served(e, st, KH2_FRAME_HEAD_LEN + n);
	count_stalls(e, st);
	return true;
}
