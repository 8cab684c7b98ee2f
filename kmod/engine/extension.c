// SPDX-License-Identifier: GPL-2.0 OR MIT
/* ALTSVC and ORIGIN as a client gets them: passed on, unless they are to be ignored. */
#include "core.h"

/* Flags of ORIGIN that change its meaning in ways not known yet (RFC 8336 2.1) */
#define ORIGIN_RESERVED	0x0f

static void pass_on(struct kh2e *e, const struct kh2e_frame *f, const u8 *payload)
{
	kh2e_post(e, KH2_EV_EXTENSION, 0, f->stream, f->type, f->flags, payload, f->len);
}

/**
 * kh2e_altsvc_recv() - ALTSVC (RFC 7838 4)
 * @e: the connection, a client's
 * @f: the frame
 * @payload: its octets
 *
 * On stream 0 it names its origin. On another the stream's is meant, which the
 * stream must have, and the frame must not.
 */
void kh2e_altsvc_recv(struct kh2e *e, const struct kh2e_frame *f, const u8 *payload)
{
	u32 origin = get_unaligned_be16(payload);

	if (!kh2e_spend(e, KH2E_BUDGET_UNKNOWN))
		return;
	if (origin > f->len - 2)
		kh2e_fail(e, KH2_FRAME_SIZE_ERROR, KH2_C_CONN_FRAME_LENGTH);
	else if (!f->stream == !!origin && !(f->stream && kh2e_stream_is_idle(e, f->stream)))
		pass_on(e, f, payload);
}

/* Are its entries whole, each a length and so many octets? */
static bool origins_fit(const u8 *payload, u32 len)
{
	u32 at = 0;

	while (len - at >= 2) {
		u32 n = get_unaligned_be16(payload + at);

		at += 2;
		if (n > len - at)
			return false;
		at += n;
	}
	return at == len;
}

/**
 * kh2e_origin_recv() - ORIGIN (RFC 8336 2)
 * @e: the connection, a client's
 * @f: the frame
 * @payload: its octets
 */
void kh2e_origin_recv(struct kh2e *e, const struct kh2e_frame *f, const u8 *payload)
{
	if (!kh2e_spend(e, KH2E_BUDGET_UNKNOWN) || f->stream || f->flags & ORIGIN_RESERVED)
		return;
	if (!origins_fit(payload, f->len))
		kh2e_fail(e, KH2_FRAME_SIZE_ERROR, KH2_C_CONN_FRAME_LENGTH);
	else
		pass_on(e, f, payload);
}
