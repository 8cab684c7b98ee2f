// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Header blocks as they are sent: HEADERS or PUSH_PROMISE and CONTINUATION (RFC 9113 4.3, 6.10). */
#include "core.h"

/* Payload of the first frame: Pad Length, promised stream, fragment, padding */
static int send_first(struct kh2e *e, struct kh2e_frame *f, u32 promised, const u8 *block, u32 n)
{
	u32 fixed = f->type == KH2_FRAME_PUSH_PROMISE ? 4 : 0;
	int pad = kh2e_padding(e->padding, fixed + n, kh2e_settings_frame_max(e));
	u8 *p;

	f->len = fixed + n;
	if (pad >= 0) {
		f->len += 1 + (u32)pad;
		f->flags |= KH2_FLAG_PADDED;
	}
	p = kh2e_out_begin(e, f, f->len);
	if (!p)
		return -ENOMEM;
	if (pad >= 0)
		*p++ = (u8)pad;
	if (fixed)
		put_unaligned_be32(promised, p);
	memcpy(p + fixed, block, n);
	if (pad > 0)
		memset(p + fixed + n, 0, (u32)pad);
	return 0;
}

/**
 * kh2e_send_block() - queue a header block, with nothing between its frames
 * @e: the connection
 * @type: KH2_FRAME_HEADERS or KH2_FRAME_PUSH_PROMISE
 * @flags: KH2_FLAG_END_STREAM or 0
 * @stream: stream identifier
 * @promised: of PUSH_PROMISE
 * @block: encoded octets
 * @len: of these
 *
 * Return: 0, or -ENOMEM, and the connection is at its end: a block may not be lost.
 */
int kh2e_send_block(struct kh2e *e, u8 type, u8 flags, u32 stream, u32 promised,
		    const u8 *block, u32 len)
{
	u32 fixed = type == KH2_FRAME_PUSH_PROMISE ? 4 : 0;
	u32 max = kh2e_settings_frame_max(e), n = min(len, max - fixed);
	struct kh2e_frame f = { .type = type, .flags = flags, .stream = stream };
	int err;

	if (n == len)
		f.flags |= KH2_FLAG_END_HEADERS;
	err = send_first(e, &f, promised, block, n);
	while (!err && n < len) {
		u32 part = min(len - n, max);

		f = (struct kh2e_frame){ .len = part, .type = KH2_FRAME_CONTINUATION,
					 .stream = stream };
		if (n + part == len)
			f.flags = KH2_FLAG_END_HEADERS;
		err = kh2e_out_frame(e, &f, block + n, false);
		n += part;
	}
	return err;
}
