// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Header blocks as they are sent: HEADERS or PUSH_PROMISE and CONTINUATION (RFC 9113 4.3, 6.10). */
#include "core.h"

/* Payload of the first frame: Pad Length, what is fixed, fragment, padding */
static int send_first(struct kh2e *e, struct kh2e_frame *f, const u8 *fixed, const u8 *block, u32 n)
{
	u32 n_fixed = kh2e_frame_fixed(f);
	int pad = kh2e_padding(e->padding, n_fixed + n, kh2e_settings_frame_max(e));
	u8 *p;

	f->len = n_fixed + n;
	if (pad >= 0) {
		f->len += 1 + (u32)pad;
		f->flags |= KH2_FLAG_PADDED;
	}
	p = kh2e_out_begin(e, f, f->len);
	if (!p)
		return -ENOMEM;
	if (pad >= 0)
		*p++ = (u8)pad;
	if (n_fixed)
		memcpy(p, fixed, n_fixed);
	memcpy(p + n_fixed, block, n);
	if (pad > 0)
		memset(p + n_fixed + n, 0, (u32)pad);
	return 0;
}

/**
 * kh2e_send_block() - queue a header block, with nothing between its frames
 * @e: the connection
 * @head: type, flags and stream of HEADERS or PUSH_PROMISE
 * @fixed: kh2e_frame_fixed() octets before the fragment; NULL for none
 * @block: encoded octets
 * @len: of these
 *
 * Return: 0, or -ENOMEM, and the connection is at its end: a block may not be lost.
 */
int kh2e_send_block(struct kh2e *e, const struct kh2e_frame *head, const u8 *fixed,
		    const u8 *block, u32 len)
{
	u32 max = kh2e_settings_frame_max(e), n = min(len, max - kh2e_frame_fixed(head));
	struct kh2e_frame f = *head;
	int err;

	if (n == len)
		f.flags |= KH2_FLAG_END_HEADERS;
	err = send_first(e, &f, fixed, block, n);
	while (!err && n < len) {
		u32 part = min(len - n, max);

		f = (struct kh2e_frame){ .len = part, .type = KH2_FRAME_CONTINUATION,
					 .stream = head->stream };
		if (n + part == len)
			f.flags = KH2_FLAG_END_HEADERS;
		err = kh2e_out_frame(e, &f, block + n, false);
		n += part;
	}
	return err;
}
