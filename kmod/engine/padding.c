// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Padding strategies for HEADERS and DATA (RFC 9113 6.1, 10.7). */
#include "padding.h"
#include "engine.h"

static u32 pad_wanted(u8 strategy, u32 len)
{
	switch (strategy) {
	case KH2E_PAD_MAX:
		return 255;
	case KH2E_PAD_ALIGNED:
		return (0U - (KH2_FRAME_HEAD_LEN + 1 + len)) & 7;
	default:
		return 0;
	}
}

/**
 * kh2e_padding() - octets of padding for a frame
 * @strategy: enum kh2e_padding
 * @len: octets of payload
 * @room: octets that payload, padding and the Pad Length field may take
 *
 * Return: 0 to 255 octets behind the payload, for a frame with a Pad Length
 * field; -1 for a frame without one.
 */
int kh2e_padding(u8 strategy, u32 len, u32 room)
{
	if (strategy == KH2E_PAD_NONE || room <= len)
		return -1;
	return (int)min(pad_wanted(strategy, len), room - len - 1);
}
