// SPDX-License-Identifier: GPL-2.0
/* Sessions with receive work: the owner's to do in KH2_IOC_ENTER, a worker's if it stays away. */

#include <linux/sched/signal.h>

#include "channel.h"
#include "compat.h"
#include "ready.h"
#include "session.h"

/* Sessions that one call runs for the owner before it looks at its entries again. */
#define KH2_READY_BATCH 64

/* Calls that had somebody else to run, after which one that is late is run all the same. */
#define KH2_LATE_AFTER 8

/* An owner that has not come after so many jiffies is not waited for. */
#define KH2_FALLBACK msecs_to_jiffies(2)

static void set_flag(struct kh2_channel *ch, bool ready)
{
	lockdep_assert_held(&ch->lock);
	WRITE_ONCE(ch->ring.kern->flags, ready ? KH2_RING_READY : 0);
}

/**
 * kh2_ready_offer() - a session has something to receive, the owner may do it
 * @s: the session
 * @late: it has had a turn, so others come first
 *
 * The owner is woken and does it in KH2_IOC_ENTER, which saves the switch to
 * a worker and back. If it does not come, a timer hands the work on.
 *
 * Context: Any context; the caller holds a reference.
 */
void kh2_ready_offer(struct kh2_session *s, bool late)
{
	struct kh2_channel *ch = s->ch;
	bool first = false;

	spin_lock_bh(&ch->lock);
	if (list_empty(&s->ready)) {
		first = !kh2_ready_any(ch);
		kh2_session_get(s);
		list_add_tail(&s->ready, late ? &ch->late : &ch->ready);
		if (first)
			set_flag(ch, true);
		/* Under the lock, as its look at the list is: if that comes later it finds us. */
		if (first && !timer_pending(&ch->fallback))
			mod_timer(&ch->fallback, jiffies + KH2_FALLBACK);
	}
	spin_unlock_bh(&ch->lock);
	if (first)
		kh2_ring_wake(&ch->ring);
}

static struct kh2_session *take_from(struct kh2_channel *ch, struct list_head *list)
{
	struct kh2_session *s;

	spin_lock_bh(&ch->lock);
	s = list_first_entry_or_null(list, struct kh2_session, ready);
	if (s)
		list_del_init(&s->ready);
	if (!kh2_ready_any(ch))
		set_flag(ch, false);
	spin_unlock_bh(&ch->lock);
	return s;
}

static int count_turns(struct kh2_channel *ch)
{
	struct kh2_session *s;
	int n = 0;

	if (list_empty_careful(&ch->ready))
		return 0;
	spin_lock_bh(&ch->lock);
	list_for_each_entry(s, &ch->ready, ready)
		if (++n == KH2_READY_BATCH)
			break;
	spin_unlock_bh(&ch->lock);
	return n;
}

/* The owner is here: for what it leaves it has as long again to come back. */
static void be_back(struct kh2_channel *ch)
{
	spin_lock_bh(&ch->lock);
	if (kh2_ready_any(ch))
		mod_timer(&ch->fallback, jiffies + KH2_FALLBACK);
	spin_unlock_bh(&ch->lock);
}

static void run_from(struct kh2_channel *ch, struct list_head *list)
{
	struct kh2_session *s = take_from(ch, list);

	if (!s)
		return;
	/* A worker is at it, and may read long: it goes on, and nobody waits for it. */
	if (!mutex_trylock(&s->lock)) {
		kh2_session_hand_over(s);
		return;
	}
	kh2_session_run_locked(s);
	kh2_session_unlock(s);
	kh2_session_put(s);
}

/**
 * kh2_ready_run() - the owner does what receive work it finds
 * @ch: the channel; its @enter is held
 *
 * Each session has one turn. Who yields is late: the owner is first to answer the
 * others, so that what it does for one that is late holds up nobody but who comes
 * meanwhile. All stay in their list until it is their turn: if this call is held up
 * by one of them, the rest is handed on.
 *
 * Context: Process context of the owner.
 */
void kh2_ready_run(struct kh2_channel *ch)
{
	int n = count_turns(ch);

	ch->passed = n ? ch->passed + 1 : KH2_LATE_AFTER;
	for (; n && !fatal_signal_pending(current); n--)
		run_from(ch, &ch->ready);
	if (ch->passed >= KH2_LATE_AFTER) {
		run_from(ch, &ch->late);
		ch->passed = 0;
	}
	if (kh2_ready_any(ch))
		be_back(ch);
}

/**
 * kh2_ready_forget() - a session is gone, nobody need receive for it
 * @s: the session
 *
 * Context: Process context; the caller holds a reference.
 */
void kh2_ready_forget(struct kh2_session *s)
{
	struct kh2_channel *ch = s->ch;
	bool listed;

	spin_lock_bh(&ch->lock);
	listed = !list_empty(&s->ready);
	list_del_init(&s->ready);
	if (!kh2_ready_any(ch))
		set_flag(ch, false);
	spin_unlock_bh(&ch->lock);
	if (listed)
		kh2_session_put(s);
}

/**
 * kh2_ready_any() - does receive work wait for the owner?
 * @ch: the channel
 *
 * Context: Any context.
 * Return: true if so.
 */
bool kh2_ready_any(struct kh2_channel *ch)
{
	return !list_empty_careful(&ch->ready) || !list_empty_careful(&ch->late);
}

/**
 * kh2_ready_fallback() - the owner did not come: it is busy, or stopped
 * @t: the channel's timer
 *
 * Context: Timer softirq.
 */
void kh2_ready_fallback(struct timer_list *t)
{
	struct kh2_channel *ch = timer_container_of(ch, t, fallback);
	bool ready;

	spin_lock_bh(&ch->lock);
	ready = kh2_ready_any(ch);
	spin_unlock_bh(&ch->lock);
	if (ready)
		queue_work(kh2_wq, &ch->handover);
}

/**
 * kh2_ready_handover() - give the owner's receive work to workers
 * @work: of the channel
 *
 * Context: Workqueue.
 */
void kh2_ready_handover(struct work_struct *work)
{
	struct kh2_channel *ch = container_of(work, struct kh2_channel, handover);
	struct kh2_session *s;

	WRITE_ONCE(ch->away, true);
	while ((s = take_from(ch, &ch->ready) ?: take_from(ch, &ch->late)))
		kh2_session_hand_over(s);
}
