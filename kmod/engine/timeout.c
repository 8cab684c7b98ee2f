// SPDX-License-Identifier: GPL-2.0 OR MIT
/* What time alone brings about: timeouts of the peer, stalled streams, idle connections. */
#include "core.h"

#define SHUTDOWN_NOTICE_MS 1000

/* So many octets of a body must come within KH2_L_BODY_MS. */
#define BODY_STEP 1024U

static u64 after_ms(u64 since, u32 ms)
{
	return since + ms * NSEC_PER_MSEC;
}

/* Is there a frame of which the peer owes the rest? One that is whole may wait for the owner. */
static bool awaits_frame(const struct kh2e *e)
{
	return e->rx.body && e->rx.have < e->rx.frame.len;
}

/* Streams are looked at several times within the least of their limits. */
static u64 next_scan(const struct kh2e *e)
{
	u32 stall = e->limits[KH2_L_STALL_MS], body = e->limits[KH2_L_BODY_MS];

	if (!stall && !body)
		return ~0ULL;
	return after_ms(e->scanned, min(stall ?: ~0U, body ?: ~0U) / 4 + 1);
}

/**
 * kh2e_deadline() - when kh2e_tick() is to be called
 * @e: the connection
 *
 * Return: monotonic time, ns; U64_MAX for never.
 */
u64 kh2e_deadline(const struct kh2e *e)
{
	const u32 *limits = e->limits;
	u64 t = ~0ULL;

	if (e->phase == KH2E_DONE)
		return t;
	if (!e->rx.settings_seen)
		t = min(t, after_ms(e->begun, limits[KH2_L_PREFACE_MS]));
	if (e->block.active)
		t = min(t, after_ms(e->block.since, limits[KH2_L_PREFACE_MS]));
	if (awaits_frame(e))
		t = min(t, after_ms(e->rx.since, limits[KH2_L_PREFACE_MS]));
	if (e->n_settings_out)
		t = min(t, after_ms(kh2e_settings_since(e), limits[KH2_L_SETTINGS_ACK_MS]));
	if (e->shutdown == KH2E_SHUTDOWN_NOTICE)
		t = min(t, after_ms(e->shutdown_since, SHUTDOWN_NOTICE_MS));
	if (e->streams.n)
		t = min(t, next_scan(e));
	if (!e->streams.n && limits[KH2_L_IDLE_MS])
		t = min(t, after_ms(e->idle_since, limits[KH2_L_IDLE_MS]));
	return t;
}

/* Has a limit passed since? 0 is none. */
static bool is_over(const struct kh2e_mark *since, u64 now, u32 limit)
{
	return limit && (u32)div_u64(now, NSEC_PER_MSEC) - since->ms >= limit;
}

/* A full frame was sent: of the stream, or of others while its turn was yet to come */
static bool made_progress(const struct kh2e *e, const struct kh2e_stream *st)
{
	if ((u32)st->tx_data - st->sent.data >= KH2_DATA_BULK)
		return true;
	return kh2e_sched_waits(st) &&
	       (u32)e->counters[KH2_C_TX_DATA] - st->sent.conn >= KH2_DATA_BULK;
}

/* It has data, or there is a file that is not read before the peer lets it be sent. */
static bool waits_for_peer(const struct kh2e_stream *st)
{
	if (st->state == KH2E_CLOSED)
		return false;
	if (st->queued || list_empty(&st->srcs))
		return st->queued;
	return !kh2e_send_window_room(&st->send) &&
	       list_first_entry(&st->srcs, struct kh2e_src, node)->patient;
}

/* A stream that has data and made no progress within the limit */
static bool is_stalled(const struct kh2e *e, struct kh2e_stream *st, u64 now)
{
	if (!waits_for_peer(st) || made_progress(e, st)) {
		kh2e_stream_mark_sent(e, st, now);
		return false;
	}
	return is_over(&st->sent, now, e->limits[KH2_L_STALL_MS]);
}

static bool lets_in(const struct kh2e_recv_window *w)
{
	return w->left > 0 && (u32)w->left >= min(w->size, BODY_STEP);
}

/* An owner that answers before it has the body says itself how long the peer may be silent. */
static bool is_conversation(const struct kh2e_stream *st)
{
	return st->headers_sent && st->state == KH2E_STREAM_OPEN;
}

/*
 * A body of which the peer could send more now, and the answer to which waits or is over. It cannot
 * while the application does not read, which shuts windows, or the owner does not, which leaves no
 * room for events.
 */
static bool owes_body(const struct kh2e *e, const struct kh2e_stream *st)
{
	return e->role == KH2E_SERVER && kh2e_stream_receives(st) && !st->may_rest &&
	       !is_conversation(st) && lets_in(&st->recv) && lets_in(&e->recv) && !e->rx.blocked;
}

/* It brought its part, or all together did so who share a slow path; they are @n. */
static bool body_goes_on(const struct kh2e *e, const struct kh2e_stream *st, u32 n)
{
	return (u32)st->rx_data - st->body.data >= BODY_STEP ||
	       (u32)e->counters[KH2_C_RX_DATA] - st->body.conn >= (u64)BODY_STEP * n;
}

static bool is_slow(const struct kh2e *e, struct kh2e_stream *st, u32 n, u64 now)
{
	if (!owes_body(e, st) || body_goes_on(e, st, n)) {
		kh2e_stream_mark_body(e, st, now);
		return false;
	}
	return is_over(&st->body, now, e->limits[KH2_L_BODY_MS]);
}

static void scan_streams(struct kh2e *e, u64 now)
{
	u32 n = e->n_receivers;
	struct kh2e_stream *st;

	e->scanned = now;
	for (st = kh2e_stream_walk(e, NULL); st && e->phase != KH2E_DONE;
	     st = kh2e_stream_walk(e, st)) {
		if (is_stalled(e, st, now))
			kh2e_stream_reset(e, st, KH2_CANCEL, KH2_C_STREAM_STALLED);
		else if (is_slow(e, st, n, now))
			kh2e_stream_reset(e, st, KH2_CANCEL, KH2_C_STREAM_SLOW_BODY);
	}
}

/**
 * kh2e_tick() - time passed
 * @e: the connection
 */
void kh2e_tick(struct kh2e *e)
{
	const u32 *limits = e->limits;
	u64 now = kh2e_now(e);

	if (e->phase != KH2E_DONE && !e->rx.settings_seen &&
	    now >= after_ms(e->begun, limits[KH2_L_PREFACE_MS]))
		kh2e_fail(e, KH2_PROTOCOL_ERROR, KH2_C_CONN_PREFACE_TIMEOUT);
	if (e->block.active && now >= after_ms(e->block.since, limits[KH2_L_PREFACE_MS]))
		kh2e_fail(e, KH2_ENHANCE_YOUR_CALM, KH2_C_FLOOD_HEADER_BLOCK);
	if (awaits_frame(e) && now >= after_ms(e->rx.since, limits[KH2_L_PREFACE_MS]))
		kh2e_fail(e, KH2_ENHANCE_YOUR_CALM, KH2_C_CONN_FRAME_TIMEOUT);
	if (e->n_settings_out &&
	    now >= after_ms(kh2e_settings_since(e), limits[KH2_L_SETTINGS_ACK_MS]))
		kh2e_fail(e, KH2_SETTINGS_TIMEOUT, KH2_C_CONN_SETTINGS_TIMEOUT);
	if (e->phase != KH2E_DONE && e->shutdown == KH2E_SHUTDOWN_NOTICE &&
	    now >= after_ms(e->shutdown_since, SHUTDOWN_NOTICE_MS))
		kh2e_shutdown_final(e);
	if (e->phase != KH2E_DONE && e->streams.n && now >= next_scan(e))
		scan_streams(e, now);
	if (!e->streams.n && limits[KH2_L_IDLE_MS] &&
	    now >= after_ms(e->idle_since, limits[KH2_L_IDLE_MS]))
		kh2e_fail(e, KH2_NO_ERROR, KH2_C_CONN_IDLE);
	kh2e_notify(e);
}
