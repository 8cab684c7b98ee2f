// SPDX-License-Identifier: GPL-2.0 OR MIT
/* PING: answers to the peer's, round trips of ours (RFC 9113 6.7). */
#include "core.h"

static struct kh2e_ping_out *find_out(const struct kh2e *e, const u8 *payload)
{
	struct kh2e_ping_out *out;

	list_for_each_entry(out, &e->pings_out, node)
		if (!memcmp(out->payload, payload, 8))
			return out;
	return NULL;
}

static void forget(struct kh2e *e, struct kh2e_ping_out *out)
{
	list_del(&out->node);
	e->n_pings_out--;
	kh2e_mem_free(e, out, sizeof(*out));
}

static void recv_ack(struct kh2e *e, const u8 *payload)
{
	struct kh2e_ping_out *out;

	if (kh2e_rtt_is_probe(e, payload))
		return;
	out = find_out(e, payload);
	if (!out)
		return;
	kh2e_rtt_sample(e, out->since);
	if (out->own)
		kh2e_shutdown_final(e);
	else
		kh2e_post(e, KH2_EV_PING_ACK, 0, 0, 0, e->rtt.last, payload, 8);
	forget(e, out);
}

/**
 * kh2e_ping_recv() - PING, or the acknowledgement of one of ours
 * @e: the connection
 * @f: the frame
 * @payload: eight octets
 */
void kh2e_ping_recv(struct kh2e *e, const struct kh2e_frame *f, const u8 *payload)
{
	struct kh2e_frame ack = { .len = 8, .type = KH2_FRAME_PING, .flags = KH2_FLAG_ACK };

	if (!kh2e_spend(e, KH2E_BUDGET_PING))
		return;
	if (f->flags & KH2_FLAG_ACK) {
		recv_ack(e, payload);
		return;
	}
	kh2e_post(e, KH2_EV_PING, 0, 0, 0, 0, payload, 8);
	kh2e_out_frame(e, &ack, payload, true);
}

/**
 * kh2e_ping_send() - send PING
 * @e: the connection
 * @payload: eight octets
 * @own: the engine's own, no event comes of it
 *
 * Return: 0, -EAGAIN if too many are not answered, -ENOMEM.
 */
int kh2e_ping_send(struct kh2e *e, const u8 payload[8], bool own)
{
	const struct kh2e_frame f = { .len = 8, .type = KH2_FRAME_PING };
	struct kh2e_ping_out *out;
	int err;

	if (e->n_pings_out >= e->limits[KH2_L_PINGS_OUT])
		return -EAGAIN;
	out = kh2e_alloc(e, sizeof(*out));
	if (!out)
		return -ENOMEM;
	err = kh2e_out_frame(e, &f, payload, false);
	if (err) {
		kh2e_mem_free(e, out, sizeof(*out));
		return err;
	}
	memcpy(out->payload, payload, 8);
	out->since = kh2e_now(e);
	out->own = own;
	list_add_tail(&out->node, &e->pings_out);
	e->n_pings_out++;
	return 0;
}

/**
 * kh2e_ping_drop() - forget the PINGs that wait for their answers
 * @e: the connection
 */
void kh2e_ping_drop(struct kh2e *e)
{
	while (!list_empty(&e->pings_out))
		forget(e, list_first_entry(&e->pings_out, struct kh2e_ping_out, node));
}
