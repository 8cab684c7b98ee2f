// SPDX-License-Identifier: GPL-2.0 OR MIT
/* What time alone brings about: timeouts of the peer, stalled streams, idle connections. */
#include "core.h"

#define SHUTDOWN_NOTICE_MS 1000

static u64 after_ms(u64 since, u32 ms)
{
	return since + ms * NSEC_PER_MSEC;
}

/* Is there a frame of which the peer owes the rest? One that is whole may wait for the owner. */
static bool awaits_frame(const struct kh2e *e)
{
	return e->rx.body && e->rx.have < e->rx.frame.len;
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
	if (e->streams.n && limits[KH2_L_STALL_MS])
		t = min(t, after_ms(e->stall_scan, limits[KH2_L_STALL_MS] / 4 + 1));
	if (!e->streams.n && limits[KH2_L_IDLE_MS])
		t = min(t, after_ms(e->idle_since, limits[KH2_L_IDLE_MS]));
	return t;
}

/* A full frame was sent: of the stream, or of others while its turn was yet to come */
static bool made_progress(const struct kh2e *e, const struct kh2e_stream *st)
{
	if (st->tx_data - st->stall_data >= KH2_DATA_BULK)
		return true;
	return kh2e_sched_waits(st) &&
	       e->counters[KH2_C_TX_DATA] - st->stall_conn >= KH2_DATA_BULK;
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
static bool is_stalled(struct kh2e *e, struct kh2e_stream *st, u64 now)
{
	if (!waits_for_peer(st) || made_progress(e, st)) {
		kh2e_stream_mark_progress(e, st, now);
		return false;
	}
	return now >= after_ms(st->stall_since, e->limits[KH2_L_STALL_MS]);
}

static void scan_stalled(struct kh2e *e, u64 now)
{
	struct kh2e_stream *st;

	e->stall_scan = now;
	for (st = kh2e_stream_walk(e, NULL); st && e->phase != KH2E_DONE;
	     st = kh2e_stream_walk(e, st))
		if (is_stalled(e, st, now))
			kh2e_stream_reset(e, st, KH2_CANCEL, KH2_C_STREAM_STALLED);
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
	if (e->phase != KH2E_DONE && e->streams.n && limits[KH2_L_STALL_MS] &&
	    now >= after_ms(e->stall_scan, limits[KH2_L_STALL_MS] / 4 + 1))
		scan_stalled(e, now);
	if (!e->streams.n && limits[KH2_L_IDLE_MS] &&
	    now >= after_ms(e->idle_since, limits[KH2_L_IDLE_MS]))
		kh2e_fail(e, KH2_NO_ERROR, KH2_C_CONN_IDLE);
	kh2e_notify(e);
}
