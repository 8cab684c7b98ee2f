// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Round trips: what SETTINGS and PING tell of the path, and PINGs of our own to learn more. */
#include "core.h"

/* A path may change: what was measured before twice this time is forgotten. */
#define MEMORY_NS	(30 * NSEC_PER_SEC)

/* A probe goes out so often, and when there is a reason, while DATA flows. */
#define PROBE_NS	(10 * NSEC_PER_SEC)

/**
 * kh2e_rtt_sample() - something of ours was acknowledged
 * @e: the connection
 * @since: when it was sent, ns
 */
void kh2e_rtt_sample(struct kh2e *e, u64 since)
{
	struct kh2e_rtt *r = &e->rtt;
	u64 now = kh2e_now(e);

	r->last = max(now - since, 1ULL);
	r->taken = now;
	if (!r->least || now - r->since >= MEMORY_NS) {
		r->before = r->least;
		r->least = r->last;
		r->since = now;
	} else {
		r->least = min(r->least, r->last);
	}
}

/**
 * kh2e_rtt_least() - the round trip of the path itself
 * @e: the connection
 *
 * An acknowledgement waits behind the DATA that the peer's socket holds: the
 * shortest round trip of late is the one that says something of the path.
 *
 * Return: ns; 0: not measured.
 */
u64 kh2e_rtt_least(const struct kh2e *e)
{
	const struct kh2e_rtt *r = &e->rtt;

	return r->before ? min(r->least, r->before) : r->least;
}

/**
 * kh2e_rtt_probe() - measure the path, if it is time to
 * @e: the connection
 * @now: ns
 * @wanted: there is a reason to; otherwise only what was measured long ago is
 *
 * One probe at most is on its way, and none without DATA from the peer, which
 * may count PINGs that come without a need as abuse.
 */
void kh2e_rtt_probe(struct kh2e *e, u64 now, bool wanted)
{
	const struct kh2e_frame f = { .len = 8, .type = KH2_FRAME_PING };
	struct kh2e_rtt *r = &e->rtt;

	if (r->probing || (!wanted && now - r->taken < PROBE_NS))
		return;
	put_unaligned_le64(now, r->probe);
	memcpy(r->probe, "kh2", 3);
	if (kh2e_out_frame(e, &f, r->probe, false))
		return;
	r->probing = now;
	r->taken = now;
	kh2e_count(e, KH2_C_PING_PROBES, 1);
}

/**
 * kh2e_rtt_is_probe() - does an acknowledgement of PING answer our probe?
 * @e: the connection
 * @payload: eight octets
 *
 * Return: true if so; it is done with, then.
 */
bool kh2e_rtt_is_probe(struct kh2e *e, const u8 payload[8])
{
	struct kh2e_rtt *r = &e->rtt;

	if (!r->probing || memcmp(r->probe, payload, sizeof(r->probe)))
		return false;
	kh2e_rtt_sample(e, r->probing);
	r->probing = 0;
	return true;
}
