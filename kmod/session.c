// SPDX-License-Identifier: GPL-2.0
/* The life of a session: references, look-up, runs. */

#include <linux/delay.h>
#include <linux/file.h>
#include <linux/memcontrol.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "channel.h"
#include "closing.h"
#include "compat.h"
#include "held_file.h"
#include "netns.h"
#include "ready.h"
#include "rx.h"
#include "session.h"
#include "socket.h"
#include "tx.h"

/* When memory was short, or the socket in other hands: then twice that, until something is sent. */
#define KH2_RETRY_MIN_MS 10U
#define KH2_RETRY_MAX_MS 160U

/**
 * kh2_session_get() - take a reference
 * @s: the session
 *
 * Context: Any context.
 * Return: @s.
 */
struct kh2_session *kh2_session_get(struct kh2_session *s)
{
	refcount_inc(&s->refs);
	return s;
}

/**
 * kh2_session_put() - give a reference back
 * @s: the session
 *
 * Context: Process context, may sleep.
 */
void kh2_session_put(struct kh2_session *s)
{
	struct kh2_channel *ch = s->ch;

	if (!refcount_dec_and_test(&s->refs))
		return;
	mutex_destroy(&s->lock);
	kh2_share_uncharge(&ch->share, sizeof(*s));
	kvfree_rcu(s, rcu);
	kh2_channel_put(ch);
}

/**
 * kh2_session_find() - look a session up by number
 * @kn: network namespace
 * @id: number
 *
 * Context: Any context.
 * Return: the session with a reference, or NULL.
 */
struct kh2_session *kh2_session_find(struct kh2_net *kn, u32 id)
{
	struct kh2_session *s;

	rcu_read_lock();
	s = xa_load(&kn->sessions, id);
	if (s && !refcount_inc_not_zero(&s->refs))
		s = NULL;
	rcu_read_unlock();
	return s;
}

/**
 * kh2_session_next() - step through the sessions of a network namespace
 * @kn: network namespace
 * @id: lowest number wanted; set to the one found
 *
 * Context: Any context.
 * Return: the session with a reference, or NULL at the end.
 */
struct kh2_session *kh2_session_next(struct kh2_net *kn, unsigned long *id)
{
	struct kh2_session *s;

	rcu_read_lock();
	for (s = xa_find(&kn->sessions, id, ULONG_MAX, XA_PRESENT); s;
	     s = xa_find_after(&kn->sessions, id, ULONG_MAX, XA_PRESENT))
		if (refcount_inc_not_zero(&s->refs))
			break;
	rcu_read_unlock();
	return s;
}

/**
 * kh2_session_lock_patiently() - lock a session, unless its owner keeps it for long
 * @s: the session
 * @patience: milliseconds that may be waited, for all sessions together; reduced
 *
 * Whoever owns a session can have its lock held for long, by what it does with the
 * socket. Those who look at all sessions shall see the others, and nobody shall wait
 * in generic netlink, where he would hold up the whole system's.
 *
 * Context: Process context, may sleep.
 * Return: false if it was not to be had, or the caller is being killed.
 */
bool kh2_session_lock_patiently(struct kh2_session *s, u32 *patience)
{
	while (!mutex_trylock(&s->lock)) {
		if (!*patience || fatal_signal_pending(current))
			return false;
		--*patience;
		usleep_range(900, 1100);
	}
	return true;
}

/**
 * kh2_session_kick() - see to it that a session is run
 * @s: the session
 * @why: what for
 *
 * Context: Any context; the caller holds a reference.
 */
void kh2_session_kick(struct kh2_session *s, enum kh2_kick why)
{
	set_bit(why, &s->kicks);
	kh2_session_get(s);
	if (!queue_work(s->ch->share.user->session_wq, &s->work))
		/* Never the last: the caller has another. */
		WARN_ON_ONCE(refcount_dec_and_test(&s->refs));
}

/**
 * kh2_session_hand_over() - have a worker do what a session was kicked for
 * @s: the session; the caller's reference is taken over
 *
 * Context: Process context, may sleep.
 */
void kh2_session_hand_over(struct kh2_session *s)
{
	if (!queue_work(s->ch->share.user->session_wq, &s->work))
		kh2_session_put(s);
}

/**
 * kh2_session_data_ready() - the socket has something to read
 * @s: the session
 *
 * Context: Any context; the caller holds a reference.
 */
void kh2_session_data_ready(struct kh2_session *s)
{
	set_bit(KH2_KICK_RX, &s->kicks);
	kh2_ready_offer(s, false);
}

/**
 * kh2_early_free() - octets kept for the engine are not needed any more
 * @share: paid for them
 * @early: may be empty; becomes it
 *
 * Context: Process context, may sleep.
 */
void kh2_early_free(struct kh2_share *share, struct kh2_early *early)
{
	if (early->data)
		kh2_share_free(share, early->data, early->len);
	early->data = NULL;
}

/**
 * kh2_session_feed() - the event ring has room for a session that waited for it
 * @claim: the session's share
 *
 * Context: Called by kh2_ring_feed(), with the ring's lock held.
 */
void kh2_session_feed(struct kh2_claim *claim)
{
	kh2_session_kick(container_of(claim, struct kh2_session, claim), KH2_KICK_ROOM);
}

static void session_timer(struct timer_list *t)
{
	struct kh2_session *s = timer_container_of(s, t, timer);

	/* The timer is shut down before the session's own reference goes. */
	kh2_session_kick(s, KH2_KICK_TIMER);
}

/* A deadline that moved away is left to fire: cheaper than to move the timer each time. */
static void arm(struct kh2_session *s, u64 when)
{
	u64 now;

	if (when == U64_MAX || s->armed <= when)
		return;
	now = ktime_get_ns();
	s->armed = when;
	mod_timer(&s->timer, jiffies + (when > now ? nsecs_to_jiffies(when - now) + 1 : 1));
}

/**
 * kh2_session_retry_locked() - run a session again a little later
 * @s: the session
 *
 * Context: Process context with the session's lock held.
 */
void kh2_session_retry_locked(struct kh2_session *s)
{
	lockdep_assert_held(&s->lock);
	s->retry_ms = clamp(2 * s->retry_ms, KH2_RETRY_MIN_MS, KH2_RETRY_MAX_MS);
	arm(s, ktime_get_ns() + s->retry_ms * NSEC_PER_MSEC);
}

/**
 * kh2_session_fput() - give back a file that a session held
 * @file: the file
 *
 * fput() of a worker would leave it to the one work that closes files for all
 * the system, and an owner that had set SO_LINGER anew could hold that up.
 *
 * Context: Process context; a worker with no lock.
 */
void kh2_session_fput(struct file *file)
{
	if (current->flags & PF_WQ_WORKER)
		__fput_sync(file);
	else
		fput(file);
}

/**
 * kh2_session_unlock() - give back the lock of a session, which may have ended meanwhile
 * @s: the session
 *
 * Its socket is closed only here, for that takes locks which others hold when they
 * take this one.
 *
 * Context: Process context with the session's lock held; a worker with no other lock.
 */
void kh2_session_unlock(struct kh2_session *s)
{
	struct file *file = s->closing;
	struct kh2_held_file *held;

	if (!file) {
		mutex_unlock(&s->lock);
		return;
	}
	held = s->held;
	s->held = NULL;
	s->closing = NULL;
	mutex_unlock(&s->lock);
	kh2_session_fput(file);
	if (held)
		kh2_held_file_put(held);
	/* The caller's reference to the session, by its user, has the exit wait for the rest. */
	module_put(THIS_MODULE);
}

/**
 * kh2_session_let_go_locked() - have the socket closed once the lock is given back
 * @s: the session
 *
 * Closing may wait for a peer, if the owner asked for that meanwhile: until then the module
 * stays, or its exit would wait with it.
 *
 * Context: Process context with the session's lock held.
 */
void kh2_session_let_go_locked(struct kh2_session *s)
{
	lockdep_assert_held(&s->lock);
	if (s->file)
		__module_get(THIS_MODULE);
	s->closing = s->file;
	s->file = NULL;
	s->sock = NULL;
}

/**
 * kh2_session_settle_locked() - draw the consequences of what the engine did
 * @s: the session; may be gone afterwards
 *
 * To be called after each use of the engine, before the lock is dropped.
 *
 * Context: Process context with the session's lock held.
 */
void kh2_session_settle_locked(struct kh2_session *s)
{
	bool told;

	lockdep_assert_held(&s->lock);
	if (s->state == KH2_SESSION_GONE)
		return;
	/* No event will find room again, and the owner cannot be talked to. */
	if (READ_ONCE(s->ch->ring.broken)) {
		kh2_session_abort_locked(s, EPROTO, KH2_C_CONN_ABI);
		kh2_session_end_locked(s);
		return;
	}
	told = kh2e_notify(s->e);
	if (kh2e_phase(s->e) == KH2E_DONE || s->rx_eof) {
		kh2_session_close_locked(s, told);
		if (s->state == KH2_SESSION_GONE)
			return;
		arm(s, s->linger_end);
	} else {
		arm(s, kh2e_deadline(s->e));
	}
	if (s->room_wanted) {
		s->room_wanted = false;
		kh2_channel_starve(s->ch, &s->claim);
	}
}

/**
 * kh2_session_flush_locked() - send what can be sent, then settle
 * @s: the session; may be gone afterwards
 *
 * Context: Process context with the session's lock held.
 */
void kh2_session_flush_locked(struct kh2_session *s)
{
	lockdep_assert_held(&s->lock);
	if (s->state == KH2_SESSION_GONE)
		return;
	if (s->state == KH2_SESSION_LIVE && kh2_tx_run(s))
		kh2_session_kick(s, KH2_KICK_TX);
	kh2_session_settle_locked(s);
}

/*
 * One that must yield waits until no other is ready, and no worker goes on with it;
 * unless the owner is away: it may be stopped, and a flood has to end.
 */
static void let_others(struct kh2_session *s)
{
	if (READ_ONCE(s->ch->away)) {
		kh2_session_kick(s, KH2_KICK_RX);
	} else {
		set_bit(KH2_KICK_RX, &s->kicks);
		kh2_ready_offer(s, true);
	}
}

static void run_rx(struct kh2_session *s)
{
	switch (kh2_rx_run(s)) {
	case KH2_RX_MORE:
		kh2_session_kick(s, KH2_KICK_RX);
		break;
	case KH2_RX_YIELD:
		let_others(s);
		break;
	case KH2_RX_DONE:
		break;
	}
}

/**
 * kh2_session_run_locked() - do what a session was kicked for
 * @s: the session; may be gone afterwards
 *
 * Context: Process context with the session's lock held.
 */
void kh2_session_run_locked(struct kh2_session *s)
{
	unsigned long kicks = xchg(&s->kicks, 0);

	lockdep_assert_held(&s->lock);
	if (s->state == KH2_SESSION_GONE)
		return;
	if (kicks & BIT(KH2_KICK_END)) {
		if (!READ_ONCE(s->ch->ended))
			s->error = s->error ?: ECANCELED;
		kh2_session_end_locked(s);
		return;
	}
	if (kicks & BIT(KH2_KICK_LIMITS))
		kh2_socket_set_patience(s);
	if (kicks & BIT(KH2_KICK_TIMER)) {
		s->armed = U64_MAX;
		kh2e_tick(s->e);
	}
	if (kicks & (BIT(KH2_KICK_TX) | BIT(KH2_KICK_TIMER)))
		s->tx_blocked = false;
	if (kicks & BIT(KH2_KICK_ROOM))
		kh2e_notify(s->e);
	if (kicks & (BIT(KH2_KICK_RX) | BIT(KH2_KICK_ROOM)))
		run_rx(s);
	kh2_session_flush_locked(s);
}

static void session_work(struct work_struct *work)
{
	struct kh2_session *s = container_of(work, struct kh2_session, work);
	struct mem_cgroup *old = set_active_memcg(s->ch->memcg);

	mutex_lock(&s->lock);
	kh2_session_run_locked(s);
	kh2_session_unlock(s);
	set_active_memcg(old);
	kh2_session_put(s);
}

/**
 * kh2_session_new() - memory for a session
 * @ch: its channel
 *
 * Context: Process context, may sleep.
 * Return: the session, with a reference, or NULL.
 */
struct kh2_session *kh2_session_new(struct kh2_channel *ch)
{
	struct kh2_session *s = kh2_share_alloc(&ch->share, sizeof(*s), __GFP_ZERO);

	if (!s)
		return NULL;
	refcount_set(&s->refs, 1);
	kh2_channel_get(ch);
	s->ch = ch;
	s->kn = ch->kn;
	s->begun = ktime_get_ns();
	s->armed = U64_MAX;
	mutex_init(&s->lock);
	INIT_WORK(&s->work, session_work);
	timer_setup(&s->timer, session_timer, 0);
	INIT_LIST_HEAD(&s->wants);
	INIT_LIST_HEAD(&s->claim.starved);
	INIT_LIST_HEAD(&s->link);
	INIT_LIST_HEAD(&s->ready);
	INIT_LIST_HEAD(&s->touched);
	return s;
}
