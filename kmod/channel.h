/* SPDX-License-Identifier: GPL-2.0 */
/* A channel: a descriptor, its shared memory and the sessions that live and die with it. */
#ifndef KH2_CHANNEL_H
#define KH2_CHANNEL_H

#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

#include "channel_map.h"
#include "channel_sizes.h"
#include "ring.h"
#include "user.h"

struct cgroup_subsys_state;
struct cred;
struct file;
struct kh2_net;
struct kh2_session;
struct mem_cgroup;
struct netlink_ext_ack;

/**
 * struct kh2_channel - a channel
 * @refs: the descriptor's, and one for each session
 * @kn: network namespace
 * @id: number within it
 * @owner: thread group that made it
 * @cred: credentials it was made with
 * @comm: name of the process that made it
 * @memcg: memory cgroup that pays
 * @blkcg: io cgroup that files are read for, or NULL
 * @share: what it holds of its user's memory
 * @held: octets of the areas and the ring
 * @sizes: as granted
 * @head: two pages: positions of the kernel, positions of the user
 * @sq: submission queue
 * @tx: transmit area
 * @ring: event ring
 * @enter: serialises KH2_IOC_ENTER; outermost; guards the next three and @passed
 * @sq_head: entries consumed; the truth of which the shared page has a copy
 * @claim: share of the ring for results of failed entries
 * @touched: sessions that this KH2_IOC_ENTER has commands for
 * @lock: guards @sessions, @ended, @ready, @late and what links them; taken with bottom halves off
 * @sessions: all that live
 * @n_sessions: of these
 * @ended: the last descriptor was closed, no session begins any more
 * @ready: sessions whose receive work waits for the owner
 * @late: likewise, but they have had a turn
 * @passed: how often in a row @late had to wait, guarded by @enter
 * @feeder: looks for room in the ring while sessions starve; the next two are its own
 * @feed_ms: until it looks again
 * @fed_head: how far userspace had read when it looked
 * @fallback: notices that the owner does not come for its receive work
 * @handover: gives that to workers then
 * @away: it has not come since
 * @end: ends the channel, where another than its owner closed the last descriptor
 */
struct kh2_channel {
	refcount_t refs;
	struct kh2_net *kn;
	u32 id;
	struct pid *owner;
	const struct cred *cred;
	char comm[TASK_COMM_LEN];
	struct mem_cgroup *memcg;
	struct cgroup_subsys_state *blkcg;
	struct kh2_share share;
	size_t held;
	struct kh2_channel_sizes sizes;
	struct kh2_area head;
	struct kh2_area sq;
	struct kh2_area tx;
	struct kh2_ring ring;

	struct mutex enter;	/* guards sq_head, claim, touched, passed; outermost */
	u32 sq_head;
	u32 passed;
	struct kh2_claim claim;
	struct list_head touched;

	spinlock_t lock;	/* guards sessions, n_sessions, ended, ready, late */
	struct list_head sessions;
	u32 n_sessions;
	bool ended;
	struct list_head ready;
	struct list_head late;
	struct delayed_work feeder;
	u32 feed_ms;
	u64 fed_head;
	struct timer_list fallback;
	struct work_struct handover;
	bool away;
	struct work_struct end;
};

struct file *kh2_channel_new(struct kh2_net *kn, const struct kh2_channel_sizes *want,
			     struct netlink_ext_ack *extack);
struct kh2_channel *kh2_channel_from_file(struct file *file);
void kh2_channel_get(struct kh2_channel *ch);
void kh2_channel_put(struct kh2_channel *ch);
void kh2_channel_starve(struct kh2_channel *ch, struct kh2_claim *claim);
bool kh2_channel_owned(const struct kh2_channel *ch);

#endif
