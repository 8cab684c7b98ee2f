// SPDX-License-Identifier: GPL-2.0
/* Producing into the event ring: room, reservations, publication and wake-ups. */

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "ring.h"

/* Once so much of the ring is free, those who starve are let at it again. */
#define KH2_RING_FEED_SHIFT 2

static u32 record_size(u32 len)
{
	return ALIGN(sizeof(struct kh2_event) + len, KH2_RING_ALIGN);
}

static struct page **alloc_pages_array(u32 n)
{
	struct page **pages = kvcalloc(n, sizeof(*pages), GFP_KERNEL_ACCOUNT);
	u32 i;

	if (!pages)
		return NULL;
	for (i = 0; i < n; i++) {
		pages[i] = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
		if (!pages[i])
			goto err_free;
	}
	return pages;

err_free:
	while (i--)
		__free_page(pages[i]);
	kvfree(pages);
	return NULL;
}

/* Twice in a row, so that no record is cut by the end. */
static u8 *map_twice(struct page **pages, u32 n)
{
	struct page **both = kvcalloc(2 * n, sizeof(*both), GFP_KERNEL);
	u8 *base;

	if (!both)
		return NULL;
	memcpy(both, pages, n * sizeof(*both));
	memcpy(both + n, pages, n * sizeof(*both));
	base = vmap(both, 2 * n, VM_MAP, PAGE_KERNEL);
	kvfree(both);
	return base;
}

/**
 * kh2_ring_init() - make an event ring
 * @ring: filled
 * @size: octets, a power of two and a multiple of the page size
 * @kern: page that only the kernel writes
 * @user: page that only userspace writes
 *
 * Context: Process context, may sleep.
 * Return: 0 or -ENOMEM.
 */
int kh2_ring_init(struct kh2_ring *ring, u32 size, struct kh2_ring_kernel *kern,
		  const struct kh2_ring_user *user)
{
	ring->size = size;
	ring->n_pages = size >> PAGE_SHIFT;
	ring->kern = kern;
	ring->user = user;
	init_waitqueue_head(&ring->wait);
	spin_lock_init(&ring->lock);
	INIT_LIST_HEAD(&ring->starved);

	ring->pages = alloc_pages_array(ring->n_pages);
	if (!ring->pages)
		return -ENOMEM;
	ring->base = map_twice(ring->pages, ring->n_pages);
	if (!ring->base)
		goto err_free_pages;
	return 0;

err_free_pages:
	for (u32 i = 0; i < ring->n_pages; i++)
		__free_page(ring->pages[i]);
	kvfree(ring->pages);
	ring->pages = NULL;
	return -ENOMEM;
}

/**
 * kh2_ring_exit() - free what kh2_ring_init() took
 * @ring: the ring; no producer is left
 *
 * Pages that are still mapped by userspace live on until it unmaps them.
 *
 * Context: Process context, may sleep.
 */
void kh2_ring_exit(struct kh2_ring *ring)
{
	if (!ring->pages)
		return;
	WARN_ON_ONCE(ring->claimed);
	vunmap(ring->base);
	for (u32 i = 0; i < ring->n_pages; i++)
		__free_page(ring->pages[i]);
	kvfree(ring->pages);
	ring->pages = NULL;
}

/* Learns how far userspace has read, and whether it tells nonsense. */
static void look_at_head(struct kh2_ring *ring)
{
	u64 head;

	lockdep_assert_held(&ring->lock);
	/* (C) pairs with the store-release of ev_head in userspace: records were read. */
	head = smp_load_acquire(&ring->user->ev_head);
	if (head - ring->head > ring->tail - ring->head || head % KH2_RING_ALIGN)
		WRITE_ONCE(ring->broken, true);
	else
		ring->head = head;
}

static bool has_room(struct kh2_ring *ring, u32 need)
{
	u64 used = ring->tail - ring->head + ring->claimed;

	return !ring->broken && used + need <= ring->size;
}

static bool make_room(struct kh2_ring *ring, u32 need)
{
	if (has_room(ring, need))
		return true;
	look_at_head(ring);
	return has_room(ring, need);
}

/* Returns true if a consumer may sleep on an empty ring. */
static bool produce(struct kh2_ring *ring, const struct kh2_event *ev, const void *payload,
		    u32 size)
{
	u64 tail = ring->tail;
	struct kh2_event *rec = (void *)(ring->base + (tail & (ring->size - 1)));

	lockdep_assert_held(&ring->lock);
	*rec = *ev;
	rec->size = size;
	if (ev->len)
		memcpy(rec + 1, payload, ev->len);
	memset((u8 *)(rec + 1) + ev->len, 0, size - sizeof(*rec) - ev->len);
	ring->tail = tail + size;
	/* (A) pairs with the load-acquire of ev_tail in userspace: the record is whole. */
	smp_store_release(&ring->kern->ev_tail, ring->tail);
	/*
	 * (B) pairs with the full barrier that userspace has between its
	 * store of ev_head and its load of ev_tail: one of us sees the other,
	 * so either it finds the record or we wake it.
	 */
	smp_mb();
	return READ_ONCE(ring->user->ev_head) == tail;
}

/**
 * kh2_ring_wake() - wake those who sleep in poll()
 * @ring: the ring
 *
 * Context: Any context.
 */
void kh2_ring_wake(struct kh2_ring *ring)
{
	/* The barrier of wq_has_sleeper() pairs with the one in poll_wait(). */
	if (wq_has_sleeper(&ring->wait))
		wake_up_interruptible_poll(&ring->wait, EPOLLIN | EPOLLRDNORM);
}

/**
 * kh2_ring_join() - a producer begins
 * @ring: the ring
 * @claim: its share, set up here
 * @standing: octets of payload of the one record that must always find room,
 *	see kh2_ring_post_last()
 *
 * Half of the ring is never given to standing claims.
 *
 * Context: Process context.
 * Return: 0 or -ENOSPC.
 */
int kh2_ring_join(struct kh2_ring *ring, struct kh2_claim *claim, u32 standing)
{
	u32 size = record_size(standing);
	int err = 0;

	INIT_LIST_HEAD(&claim->starved);
	claim->octets = 0;
	claim->standing = 0;
	spin_lock(&ring->lock);
	if (ring->standing + size > ring->size / 2 || !make_room(ring, size)) {
		err = -ENOSPC;
	} else {
		claim->standing = size;
		ring->standing += size;
		ring->claimed += size;
	}
	spin_unlock(&ring->lock);
	return err;
}

static void end_standing(struct kh2_ring *ring, struct kh2_claim *claim)
{
	lockdep_assert_held(&ring->lock);
	ring->standing -= claim->standing;
	ring->claimed -= claim->standing;
	claim->standing = 0;
}

/**
 * kh2_ring_leave() - a producer ends, its promises lapse
 * @ring: the ring
 * @claim: its share
 *
 * Context: Process context.
 */
void kh2_ring_leave(struct kh2_ring *ring, struct kh2_claim *claim)
{
	spin_lock(&ring->lock);
	ring->claimed -= claim->octets;
	claim->octets = 0;
	end_standing(ring, claim);
	list_del_init(&claim->starved);
	spin_unlock(&ring->lock);
}

/**
 * kh2_ring_reserve() - promise room for one record
 * @ring: the ring
 * @claim: the producer's share; what it was promised before lapses
 * @len: octets of payload
 *
 * Context: Process context.
 * Return: true if the next kh2_ring_post() of at most @len octets cannot fail.
 */
bool kh2_ring_reserve(struct kh2_ring *ring, struct kh2_claim *claim, u32 len)
{
	u32 need;
	bool ok;

	if (len > ring->size - sizeof(struct kh2_event))
		return false;
	need = record_size(len);
	spin_lock(&ring->lock);
	ring->claimed -= claim->octets;
	claim->octets = 0;
	ok = make_room(ring, need);
	if (ok) {
		claim->octets = need;
		ring->claimed += need;
	}
	spin_unlock(&ring->lock);
	return ok;
}

/**
 * kh2_ring_unreserve() - a promise is not needed any more
 * @ring: the ring
 * @claim: the producer's share
 *
 * Context: Process context; the producer's lock keeps its promise from changing.
 */
void kh2_ring_unreserve(struct kh2_ring *ring, struct kh2_claim *claim)
{
	if (!claim->octets)
		return;
	spin_lock(&ring->lock);
	ring->claimed -= claim->octets;
	claim->octets = 0;
	spin_unlock(&ring->lock);
}

/**
 * kh2_ring_post() - produce a record
 * @ring: the ring
 * @claim: the producer's share; its reservation is used up
 * @ev: head of the record; size is filled in here
 * @payload: @ev->len octets
 *
 * Context: Process context.
 * Return: false if there was neither a reservation nor room.
 */
bool kh2_ring_post(struct kh2_ring *ring, struct kh2_claim *claim, const struct kh2_event *ev,
		   const void *payload)
{
	bool ok, asleep = false;
	u32 size;

	if (ev->len > ring->size - sizeof(*ev))
		return false;
	size = record_size(ev->len);
	spin_lock(&ring->lock);
	ok = size <= claim->octets || make_room(ring, size - claim->octets);
	if (ok) {
		ring->claimed -= claim->octets;
		claim->octets = 0;
		asleep = produce(ring, ev, payload, size);
	}
	spin_unlock(&ring->lock);
	if (asleep)
		kh2_ring_wake(ring);
	return ok;
}

/**
 * kh2_ring_post_last() - produce the record for which room was kept from the beginning
 * @ring: the ring
 * @claim: the producer's share; its standing room is used up
 * @ev: head of the record, without payload
 *
 * Context: Process context.
 */
void kh2_ring_post_last(struct kh2_ring *ring, struct kh2_claim *claim,
			const struct kh2_event *ev)
{
	bool asleep = false;

	spin_lock(&ring->lock);
	if (!WARN_ON_ONCE(ev->len || claim->standing < sizeof(*ev))) {
		end_standing(ring, claim);
		asleep = produce(ring, ev, NULL, sizeof(*ev));
	}
	spin_unlock(&ring->lock);
	if (asleep)
		kh2_ring_wake(ring);
}

/**
 * kh2_ring_starve() - a producer waits for room
 * @ring: the ring
 * @claim: the producer's share; kh2_ring_feed() will find it
 *
 * Context: Process context.
 */
void kh2_ring_starve(struct kh2_ring *ring, struct kh2_claim *claim)
{
	spin_lock(&ring->lock);
	if (list_empty(&claim->starved))
		list_add_tail(&claim->starved, &ring->starved);
	spin_unlock(&ring->lock);
}

/**
 * kh2_ring_feed() - let those who wait for room at the ring again, if there is some
 * @ring: the ring
 * @feed: called for each with the lock held; it is no longer in the list
 *
 * Context: Process context, may sleep.
 * Return: true if some wait on.
 */
bool kh2_ring_feed(struct kh2_ring *ring, void (*feed)(struct kh2_claim *claim))
{
	struct kh2_claim *claim;
	LIST_HEAD(fed);
	bool left;

	if (list_empty_careful(&ring->starved))
		return false;
	spin_lock(&ring->lock);
	look_at_head(ring);
	if (ring->broken || has_room(ring, ring->size >> KH2_RING_FEED_SHIFT) ||
	    ring->head == ring->tail)
		list_splice_init(&ring->starved, &fed);
	while ((claim = list_first_entry_or_null(&fed, struct kh2_claim, starved))) {
		list_del_init(&claim->starved);
		feed(claim);
		/* There may be very many. Who leaves meanwhile takes itself out of the list. */
		cond_resched_lock(&ring->lock);
	}
	left = !list_empty(&ring->starved);
	spin_unlock(&ring->lock);
	return left;
}

/**
 * kh2_ring_readable() - is there something to read?
 * @ring: the ring
 *
 * Context: Any context; the caller has queued itself on the ring's wait
 *	queue before, or does not mind a stale answer.
 * Return: true if records wait.
 */
bool kh2_ring_readable(struct kh2_ring *ring)
{
	/* kern->ev_tail is written by us alone and userspace has it read-only. */
	return READ_ONCE(ring->kern->ev_tail) != READ_ONCE(ring->user->ev_head);
}
