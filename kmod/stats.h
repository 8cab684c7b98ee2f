/* SPDX-License-Identifier: GPL-2.0 */
/* Sums over the sessions of a network namespace, dead ones included. */
#ifndef KH2_STATS_H
#define KH2_STATS_H

#include <linux/types.h>
#include <linux/kh2_counters.h>

struct kh2_net;

/**
 * struct kh2_stats - sums
 * @counters: by enum kh2_counter
 * @memory: octets held by live sessions
 */
struct kh2_stats {
	u64 counters[__KH2_C_END];
	u64 memory;
};

void kh2_stats_bury(struct kh2_net *kn, const u64 *counters);
void kh2_stats_sum(struct kh2_net *kn, struct kh2_stats *sum, u32 patience);

#endif
