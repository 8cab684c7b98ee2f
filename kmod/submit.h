/* SPDX-License-Identifier: GPL-2.0 */
/* KH2_IOC_ENTER: consuming submission entries in the owner's context. */
#ifndef KH2_SUBMIT_H
#define KH2_SUBMIT_H

#include <linux/types.h>

struct kh2_channel;

long kh2_submit_enter(struct kh2_channel *ch, u32 n);

#endif
