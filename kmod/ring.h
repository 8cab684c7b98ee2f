/* SPDX-License-Identifier: GPL-2.0 */
/* The event ring: variable records in pages that userspace reads, with room promised in advance. */
#ifndef KH2_RING_H
#define KH2_RING_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/kh2.h>

struct page;

#define KH2_RING_MIN	(64U << 10)
#define KH2_RING_MAX	(16U << 20)

/* A record is rounded up to this, so heads are aligned. */
#define KH2_RING_ALIGN	8U

/**
 * struct kh2_claim - one producer's share of a ring
 * @standing: octets kept aside for the producer's last record
 * @octets: octets promised by the latest kh2_ring_reserve()
 * @starved: link in the ring's list of those who found no room
 *
 * All guarded by the ring's lock.
 */
struct kh2_claim {
	u32 standing;
	u32 octets;
	struct list_head starved;
};

/**
 * struct kh2_ring - event ring
 * @base: the records, mapped twice in a row
 * @size: octets, a power of two
 * @n_pages: of the records
 * @pages: of the records
 * @kern: page that only the kernel writes
 * @user: page that only userspace writes
 * @wait: sleepers in poll()
 * @lock: guards all below; innermost, nothing is taken inside it but the
 *	workqueue's locks
 * @tail: octets produced; the truth of which @kern has a copy
 * @head: octets consumed, as last seen and found sane
 * @claimed: sum of what all producers were promised
 * @standing: of this, what is kept aside for their last records
 * @starved: struct kh2_claim of those who found no room
 * @broken: userspace wrote a head that cannot be
 */
struct kh2_ring {
	u8 *base;
	u32 size;
	u32 n_pages;
	struct page **pages;
	struct kh2_ring_kernel *kern;
	const struct kh2_ring_user *user;
	wait_queue_head_t wait;

	spinlock_t lock;	/* guards what follows; innermost */
	u64 tail;
	u64 head;
	u32 claimed;
	u32 standing;
	struct list_head starved;
	bool broken;
};

int kh2_ring_init(struct kh2_ring *ring, u32 size, struct kh2_ring_kernel *kern,
		  const struct kh2_ring_user *user);
void kh2_ring_exit(struct kh2_ring *ring);

int kh2_ring_join(struct kh2_ring *ring, struct kh2_claim *claim, u32 standing);
void kh2_ring_leave(struct kh2_ring *ring, struct kh2_claim *claim);
void kh2_ring_unreserve(struct kh2_ring *ring, struct kh2_claim *claim);
bool kh2_ring_reserve(struct kh2_ring *ring, struct kh2_claim *claim, u32 len);
bool kh2_ring_post(struct kh2_ring *ring, struct kh2_claim *claim, const struct kh2_event *ev,
		   const void *payload);
void kh2_ring_post_last(struct kh2_ring *ring, struct kh2_claim *claim,
			const struct kh2_event *ev);
void kh2_ring_starve(struct kh2_ring *ring, struct kh2_claim *claim);
bool kh2_ring_feed(struct kh2_ring *ring, void (*feed)(struct kh2_claim *claim));
void kh2_ring_wake(struct kh2_ring *ring);
bool kh2_ring_readable(struct kh2_ring *ring);

#endif
