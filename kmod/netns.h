/* SPDX-License-Identifier: GPL-2.0 */
/* What kh2 keeps for each network namespace. */
#ifndef KH2_NETNS_H
#define KH2_NETNS_H

#include <linux/atomic.h>
#include <linux/idr.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>
#include <net/net_namespace.h>
#include <linux/kh2_counters.h>

/**
 * struct kh2_net - state of a network namespace
 * @net: the namespace; each channel and each attach hold a reference to it
 * @sessions: by number; found under RCU, changed under its own lock
 * @next_session: where the next number is looked for, guarded by @sessions' lock
 * @channels: numbers of channels
 * @n_sessions: now
 * @n_channels: now
 * @total_sessions: ever
 * @total_channels: ever
 * @generation: changes with the set of sessions, for dumps
 * @lock: guards @dead; innermost
 * @dead: counters of sessions that are gone
 */
struct kh2_net {
	struct net *net;
	struct xarray sessions;
	u32 next_session;
	struct ida channels;
	atomic_t n_sessions;
	atomic_t n_channels;
	atomic64_t total_sessions;
	atomic64_t total_channels;
	atomic_t generation;
	spinlock_t lock;	/* guards dead; innermost */
	u64 dead[__KH2_C_END];
};

struct kh2_net *kh2_net_of(struct net *net);
int kh2_netns_init(void);
void kh2_netns_exit(void);

#endif
