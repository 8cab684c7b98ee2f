// SPDX-License-Identifier: GPL-2.0
/* Summing counters: live sessions are asked, dead ones left theirs behind. */

#include <linux/spinlock.h>
#include <linux/string.h>

#include "netns.h"
#include "session.h"
#include "stats.h"

/**
 * kh2_stats_bury() - keep the counters of a session that ends
 * @kn: network namespace
 * @counters: by enum kh2_counter
 *
 * Context: Process context.
 */
void kh2_stats_bury(struct kh2_net *kn, const u64 *counters)
{
	spin_lock(&kn->lock);
	for (int i = 0; i < __KH2_C_END; i++)
		kn->dead[i] += counters[i];
	spin_unlock(&kn->lock);
}

static void add_session(struct kh2_session *s, struct kh2_stats *sum, u32 *patience)
{
	const u64 *counters;
	struct kh2e_info info;

	if (!kh2_session_lock_patiently(s, patience))
		return;
	if (s->e) {
		counters = kh2e_counters(s->e);
		for (int i = 0; i < __KH2_C_END; i++)
			sum->counters[i] += counters[i];
		kh2e_info(s->e, &info);
		sum->memory += info.memory + sizeof(*s);
	}
	kh2_session_unlock(s);
}

/**
 * kh2_stats_sum() - sums of a network namespace
 * @kn: network namespace
 * @sum: filled
 * @patience: milliseconds that may be waited for locks
 *
 * A session that ends meanwhile may be missed by the sum, or counted twice; one
 * whose lock is not to be had is missed.
 *
 * Context: Process context, may sleep.
 */
void kh2_stats_sum(struct kh2_net *kn, struct kh2_stats *sum, u32 patience)
{
	struct kh2_session *s;
	unsigned long id = 0;

	memset(sum, 0, sizeof(*sum));
	spin_lock(&kn->lock);
	memcpy(sum->counters, kn->dead, sizeof(sum->counters));
	spin_unlock(&kn->lock);
	for (; (s = kh2_session_next(kn, &id)); id++) {
		add_session(s, sum, &patience);
		kh2_session_put(s);
	}
}
