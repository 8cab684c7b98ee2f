/* SPDX-License-Identifier: GPL-2.0 */
/* The sizes of a channel. */
#ifndef KH2_CHANNEL_SIZES_H
#define KH2_CHANNEL_SIZES_H

#include <linux/types.h>

struct kh2_channel;
struct kh2_setting;
struct netlink_ext_ack;

/**
 * struct kh2_channel_sizes - what a channel is asked to hold
 * @sq_entries: entries of the submission queue
 * @ev_bytes: octets of the event ring
 * @tx_bytes: octets of the transmit area
 */
struct kh2_channel_sizes {
	u32 sq_entries;
	u32 ev_bytes;
	u32 tx_bytes;
};

int kh2_channel_grant_sizes(struct kh2_channel_sizes *got, const struct kh2_channel_sizes *want,
			    struct netlink_ext_ack *extack);
int kh2_channel_fits_block(const struct kh2_channel *ch, u32 octets,
			   struct netlink_ext_ack *extack);
int kh2_channel_fits_settings(const struct kh2_channel *ch, const struct kh2_setting *s, u32 n,
			      struct netlink_ext_ack *extack);

#endif
