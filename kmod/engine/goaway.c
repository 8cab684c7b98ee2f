// SPDX-License-Identifier: GPL-2.0 OR MIT
/* GOAWAY both ways, and the graceful end of a connection (RFC 9113 6.8). */
#include "core.h"

/* Streams of ours that the peer will not look at may be tried again elsewhere. */
static void end_unprocessed(struct kh2e *e, u32 last_id)
{
	struct kh2e_stream *st;

	for (st = kh2e_stream_walk(e, NULL); st; st = kh2e_stream_walk(e, st)) {
		if (!kh2e_by_us(e, st->id) || st->id <= last_id || st->state == KH2E_CLOSED)
			continue;
		kh2e_stream_reset_by_peer(e, st, KH2_REFUSED_STREAM, KH2_C_REFUSED_SHUTDOWN);
		kh2e_stream_tell(e, st, KH2E_TELL_RESET);
	}
}

/**
 * kh2e_goaway_recv() - GOAWAY
 * @e: the connection
 * @f: the frame
 * @payload: its octets
 *
 * What to do next is for the owner; streams up to the last one go on.
 */
void kh2e_goaway_recv(struct kh2e *e, const struct kh2e_frame *f, const u8 *payload)
{
	u32 last_id = get_unaligned_be32(payload) & KH2_ID_MAX;

	/* nobody needs more of them than of SETTINGS */
	if (!kh2e_spend(e, KH2E_BUDGET_SETTINGS))
		return;
	if (last_id > e->goaway_recv_id) {
		kh2e_fail(e, KH2_PROTOCOL_ERROR, KH2_C_CONN_GOAWAY_ID);
		return;
	}
	e->goaway_recv_id = last_id;
	e->goaway_seen = true;
	kh2e_post(e, KH2_EV_GOAWAY, 0, last_id, get_unaligned_be32(payload + 4), 0,
		  payload + 8, f->len - 8);
	end_unprocessed(e, last_id);
}

/**
 * kh2e_goaway_send() - send GOAWAY; nothing else comes of it (the last stream never rises)
 * @e: the connection
 * @last_id: last stream that we process, or may
 * @code: HTTP/2 code
 * @debug: octets for the peer's eyes
 * @len: of these
 *
 * Return: 0 or -ENOMEM.
 */
int kh2e_goaway_send(struct kh2e *e, u32 last_id, u32 code, const void *debug, u32 len)
{
	e->goaway_told_id = min(last_id, e->goaway_told_id);
	return kh2e_out_goaway(e, e->goaway_told_id, code, debug, len);
}

/**
 * kh2e_shutdown_final() - name the last stream; no other will be taken
 * @e: the connection
 */
void kh2e_shutdown_final(struct kh2e *e)
{
	if (e->shutdown == KH2E_SHUTDOWN_FINAL)
		return;
	e->shutdown = KH2E_SHUTDOWN_FINAL;
	e->goaway_sent_id = e->last_peer_id;
	kh2e_goaway_send(e, e->goaway_sent_id, KH2_NO_ERROR, NULL, 0);
	kh2e_check_drained(e);
}

/**
 * kh2e_shutdown_begin() - end gracefully
 * @e: the connection
 *
 * A server gives notice first, and names the last stream a round trip later,
 * when whatever was on its way has arrived.
 */
void kh2e_shutdown_begin(struct kh2e *e)
{
	static const u8 payload[8] = "kh2 bye";

	if (e->phase != KH2E_OPEN)
		return;
	e->phase = KH2E_DRAINING;
	/* a peer that has said GOAWAY itself opens no streams that could be on their way */
	if (e->role == KH2E_CLIENT || !e->rx.settings_seen || e->goaway_seen ||
	    kh2e_goaway_send(e, KH2_ID_MAX, KH2_NO_ERROR, NULL, 0) ||
	    kh2e_ping_send(e, payload, true)) {
		kh2e_shutdown_final(e);
		return;
	}
	e->shutdown = KH2E_SHUTDOWN_NOTICE;
	e->shutdown_since = kh2e_now(e);
}
