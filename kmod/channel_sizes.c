// SPDX-License-Identifier: GPL-2.0
/* The sizes of a channel: what is granted, and what can pass through them. */

#include <linux/errno.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/netlink.h>
#include <linux/kh2.h>

#include "channel.h"
#include "channel_sizes.h"
#include "engine/proto.h"
#include "ring.h"

#define KH2_SQ_MIN	8U
#define KH2_SQ_MAX	4096U
#define KH2_TX_MAX	(16U << 20)

/**
 * kh2_channel_grant_sizes() - round what a channel is asked to hold, or refuse it
 * @got: sizes as granted
 * @want: sizes that were asked for
 * @extack: says what was refused
 *
 * Context: Any context.
 * Return: 0 or -ERANGE.
 */
int kh2_channel_grant_sizes(struct kh2_channel_sizes *got, const struct kh2_channel_sizes *want,
			    struct netlink_ext_ack *extack)
{
	if (want->sq_entries < KH2_SQ_MIN || want->sq_entries > KH2_SQ_MAX) {
		NL_SET_ERR_MSG(extack, "submission queue: 8 to 4096 entries");
		return -ERANGE;
	}
	if (want->ev_bytes < KH2_RING_MIN || want->ev_bytes > KH2_RING_MAX) {
		NL_SET_ERR_MSG(extack, "event ring: 64 KiB to 16 MiB");
		return -ERANGE;
	}
	if (!want->tx_bytes || want->tx_bytes > KH2_TX_MAX) {
		NL_SET_ERR_MSG(extack, "transmit area: a page to 16 MiB");
		return -ERANGE;
	}
	got->sq_entries = roundup_pow_of_two(want->sq_entries);
	got->ev_bytes = roundup_pow_of_two(want->ev_bytes);
	got->tx_bytes = PAGE_ALIGN(want->tx_bytes);
	return 0;
}

/**
 * kh2_channel_fits_block() - can the largest header block pass through the event ring?
 * @ch: the channel
 * @octets: of that block
 * @extack: says what was refused; may be NULL
 *
 * It must fit four times, or it could wait for room for ever: half of the ring is promised.
 *
 * Context: Any context.
 * Return: 0 or -ENOSPC.
 */
int kh2_channel_fits_block(const struct kh2_channel *ch, u32 octets,
			   struct netlink_ext_ack *extack)
{
	if (octets <= ch->sizes.ev_bytes / 4)
		return 0;
	NL_SET_ERR_MSG(extack, "event ring holds less than four header blocks");
	return -ENOSPC;
}

/**
 * kh2_channel_fits_settings() - can frames as large as we allow pass through the event ring?
 * @ch: the channel
 * @s: parameters that are to be sent
 * @n: of these
 * @extack: says what was refused; may be NULL
 *
 * Context: Any context.
 * Return: 0, or -ENOSPC if SETTINGS_MAX_FRAME_SIZE is too large.
 */
int kh2_channel_fits_settings(const struct kh2_channel *ch, const struct kh2_setting *s, u32 n,
			      struct netlink_ext_ack *extack)
{
	for (u32 i = 0; i < n; i++) {
		if (s[i].id != KH2_SETTINGS_MAX_FRAME_SIZE || s[i].value <= ch->sizes.ev_bytes / 4)
			continue;
		NL_SET_ERR_MSG(extack, "event ring holds less than four frames of MAX_FRAME_SIZE");
		return -ENOSPC;
	}
	return 0;
}
