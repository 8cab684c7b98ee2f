// SPDX-License-Identifier: GPL-2.0
/* From submission entries to the engine: each read once, checked, carried out, then sent. */

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "channel.h"
#include "compat.h"
#include "netns.h"
#include "session.h"
#include "source.h"
#include "submit.h"

/* Octets that go along with a command and are copied, header blocks and the like. */
#define KH2_PAYLOAD_MAX SZ_1M

/* Sessions that one call runs for the owner before it looks at its entries again. */
#define KH2_READY_BATCH 64

/* Calls that had somebody else to run, after which one that is late is run all the same. */
#define KH2_LATE_AFTER 8

/* An owner that has not come after so many jiffies is not waited for. */
#define KH2_FALLBACK msecs_to_jiffies(2)

/**
 * struct kh2_submission - one entry, copied
 * @sqe: the copy
 * @payload: octets of the transmit area, or of a copy
 * @copy: to be freed
 * @src: source, until the engine takes it
 */
struct kh2_submission {
	struct kh2_sqe sqe;
	const void *payload;
	void *copy;
	struct kh2e_src *src;
};

/* Userspace may write to the entry while we read it: each word is read once. */
static void read_entry(const struct kh2_channel *ch, u32 index, struct kh2_sqe *sqe)
{
	const struct kh2_sqe *ring = ch->sq.data;
	const u64 *from = (const u64 *)&ring[index & (ch->sizes.sq_entries - 1)];
	u64 *to = (u64 *)sqe;

	for (int i = 0; i < sizeof(*sqe) / sizeof(u64); i++)
		to[i] = READ_ONCE(from[i]);
}

static bool in_tx_area(const struct kh2_channel *ch, u64 addr, u64 len)
{
	return addr <= ch->sizes.tx_bytes && len <= ch->sizes.tx_bytes - addr;
}

/* Header blocks are opaque and copied once by the engine; what it looks into is copied here. */
static int gather_payload(struct kh2_channel *ch, struct kh2_submission *sub)
{
	const struct kh2_sqe *sqe = &sub->sqe;

	if (!sqe->len)
		return 0;
	if (!in_tx_area(ch, sqe->addr, sqe->len))
		return -EFAULT;
	if (sqe->len > KH2_PAYLOAD_MAX)
		return -EMSGSIZE;
	sub->payload = ch->tx.data + sqe->addr;
	if (sqe->opcode == KH2_OP_HEADERS || sqe->opcode == KH2_OP_PUSH_PROMISE)
		return 0;
	sub->copy = kvmemdup(sub->payload, sqe->len, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!sub->copy)
		return -ENOMEM;
	sub->payload = sub->copy;
	if (sqe->opcode == KH2_OP_SETTINGS)
		return kh2_channel_fits_settings(ch, sub->copy,
						 sqe->len / sizeof(struct kh2_setting), NULL);
	return 0;
}

static int gather_buffer(struct kh2_channel *ch, struct kh2_submission *sub)
{
	const struct kh2_sqe *sqe = &sub->sqe;

	if (!in_tx_area(ch, sqe->addr, sqe->len))
		return -EFAULT;
	sub->src = kh2_source_buffer(&ch->share, ch->tx.data + sqe->addr, sqe->len,
				     sqe->flags & KH2_SQE_COPY);
	if (!sub->src)
		return -ENOMEM;
	if (sqe->flags & KH2_SQE_NOTIFY)
		sub->src->notify = true;
	return 0;
}

static int gather_file(struct kh2_session *s, struct kh2_submission *sub)
{
	const struct kh2_sqe *sqe = &sub->sqe;
	struct file *file = fget(sqe->fd);
	struct kh2e_src *src;

	if (!file)
		return -EBADF;
	src = kh2_source_file(s, file, sqe->offset, sqe->len);
	fput(file);
	if (IS_ERR(src))
		return PTR_ERR(src);
	sub->src = src;
	return 0;
}

static int gather(struct kh2_session *s, struct kh2_submission *sub)
{
	if (kh2e_submit_takes_payload(sub->sqe.opcode))
		return gather_payload(s->ch, sub);
	if (sub->sqe.opcode == KH2_OP_DATA)
		return gather_buffer(s->ch, sub);
	if (sub->sqe.opcode == KH2_OP_FILE)
		return gather_file(s, sub);
	return 0;
}

static int submit_locked(struct kh2_session *s, struct kh2_submission *sub)
{
	int err;

	lockdep_assert_held(&s->lock);
	if (s->state != KH2_SESSION_LIVE)
		return -ESHUTDOWN;
	err = kh2e_submit_check(&sub->sqe) ?: gather(s, sub);
	if (!err)
		err = kh2e_submit(s->e, &sub->sqe, sub->payload, sub->src);
	if (err && sub->src)
		kh2_source_release(sub->src);
	kvfree(sub->copy);
	return err;
}

/* The session stays locked for the next entry, which is mostly for the same one. */
static int switch_session(struct kh2_channel *ch, struct kh2_session **cur, u32 id)
{
	struct kh2_session *s = *cur;

	if (s && s->id == id)
		return 0;
	if (s) {
		kh2_session_unlock(s);
		*cur = NULL;
	}
	s = kh2_session_find(ch->kn, id);
	if (!s)
		return -ENOENT;
	if (s->ch != ch) {
		kh2_session_put(s);
		return -ENOENT;
	}
	if (list_empty(&s->touched))
		list_add_tail(&s->touched, &ch->touched);
	else
		kh2_session_put(s);
	if (mutex_lock_killable(&s->lock))
		return -EINTR;
	*cur = s;
	return 0;
}

static void tell_error(struct kh2_channel *ch, const struct kh2_sqe *sqe, int err)
{
	const struct kh2_event ev = {
		.type = KH2_EV_SQE_ERROR,
		.session = sqe->session,
		.stream = sqe->stream,
		.code = -err,
		.arg = sqe->user_data,
	};

	/* Room was reserved before the entry was consumed. */
	WARN_ON_ONCE(!kh2_ring_post(&ch->ring, &ch->claim, &ev, NULL));
}

/* @s: the entry's, locked; NULL if there is none */
static void fail_entry(struct kh2_channel *ch, struct kh2_session *s, const struct kh2_sqe *sqe,
		       int err)
{
	tell_error(ch, sqe, err);
	if (s && s->state == KH2_SESSION_LIVE)
		kh2e_submit_failed(s->e, sqe);
}

static long submit_entries(struct kh2_channel *ch, u32 to_submit)
{
	struct kh2_ring_kernel *kern = ch->ring.kern;
	struct kh2_session *cur = NULL;
	u32 tail, n, done = 0;

	/* (D) pairs with the store-release of sq_tail in userspace: entries are written. */
	tail = smp_load_acquire(&ch->ring.user->sq_tail);
	n = tail - ch->sq_head;
	if (n > ch->sizes.sq_entries)
		return -EINVAL;
	for (n = min(n, to_submit); done < n; done++) {
		struct kh2_submission sub = {};
		int err;

		if (fatal_signal_pending(current) || !kh2_ring_reserve(&ch->ring, &ch->claim, 0))
			break;
		read_entry(ch, ch->sq_head, &sub.sqe);
		err = switch_session(ch, &cur, sub.sqe.session);
		/* Killed before it had the session: who else has the channel goes on. */
		if (err == -EINTR)
			break;
		ch->sq_head++;
		err = err ?: submit_locked(cur, &sub);
		if (err)
			fail_entry(ch, cur, &sub.sqe, err);
		cond_resched();
	}
	if (cur)
		kh2_session_unlock(cur);
	/* (E) pairs with the load-acquire of sq_head in userspace: entries were read. */
	smp_store_release(&kern->sq_head, ch->sq_head);
	return done;
}

/* Sends what the entries made; one session at a time, so no lock is held over another's. */
static void flush_touched(struct kh2_channel *ch)
{
	struct kh2_session *s, *next;

	list_for_each_entry_safe(s, next, &ch->touched, touched) {
		list_del_init(&s->touched);
		/* Whoever has it may have looked already for what is to be sent. */
		if (!mutex_trylock(&s->lock)) {
			kh2_session_kick(s, KH2_KICK_TX);
		} else {
			kh2_session_flush_locked(s);
			kh2_session_unlock(s);
		}
		kh2_session_put(s);
	}
}

static void set_ready(struct kh2_channel *ch, bool ready)
{
	lockdep_assert_held(&ch->lock);
	WRITE_ONCE(ch->ring.kern->flags, ready ? KH2_RING_READY : 0);
}

/**
 * kh2_submit_offer() - a session has something to receive, the owner may do it
 * @s: the session
 * @late: it has had a turn, so others come first
 *
 * The owner is woken and does it in KH2_IOC_ENTER, which saves the switch to
 * a worker and back. If it does not come, a timer hands the work on.
 *
 * Context: Any context; the caller holds a reference.
 */
void kh2_submit_offer(struct kh2_session *s, bool late)
{
	struct kh2_channel *ch = s->ch;
	bool first = false;

	spin_lock_bh(&ch->lock);
	if (list_empty(&s->ready)) {
		first = !kh2_submit_ready(ch);
		kh2_session_get(s);
		list_add_tail(&s->ready, late ? &ch->late : &ch->ready);
		if (first)
			set_ready(ch, true);
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
	if (!kh2_submit_ready(ch))
		set_ready(ch, false);
	spin_unlock_bh(&ch->lock);
	return s;
}

static int count_ready(struct kh2_channel *ch)
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
	if (kh2_submit_ready(ch))
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

/*
 * Each has one turn. Who yields is late: the owner is first to answer the others, so
 * that what it does for one that is late holds up nobody but who comes meanwhile.
 * All stay in their list until it is their turn: if this call is held up by one of
 * them, the rest is handed on.
 */
static void run_ready(struct kh2_channel *ch)
{
	int n = count_ready(ch);

	ch->passed = n ? ch->passed + 1 : KH2_LATE_AFTER;
	for (; n && !fatal_signal_pending(current); n--)
		run_from(ch, &ch->ready);
	if (ch->passed >= KH2_LATE_AFTER) {
		run_from(ch, &ch->late);
		ch->passed = 0;
	}
	if (kh2_submit_ready(ch))
		be_back(ch);
}

/**
 * kh2_submit_forget() - a session is gone, nobody need receive for it
 * @s: the session
 *
 * Context: Process context; the caller holds a reference.
 */
void kh2_submit_forget(struct kh2_session *s)
{
	struct kh2_channel *ch = s->ch;
	bool listed;

	spin_lock_bh(&ch->lock);
	listed = !list_empty(&s->ready);
	list_del_init(&s->ready);
	if (!kh2_submit_ready(ch))
		set_ready(ch, false);
	spin_unlock_bh(&ch->lock);
	if (listed)
		kh2_session_put(s);
}

/**
 * kh2_submit_ready() - does receive work wait for the owner?
 * @ch: the channel
 *
 * Context: Any context.
 * Return: true if so.
 */
bool kh2_submit_ready(struct kh2_channel *ch)
{
	return !list_empty_careful(&ch->ready) || !list_empty_careful(&ch->late);
}

/**
 * kh2_submit_fallback() - the owner did not come: it is busy, or stopped
 * @t: the channel's timer
 *
 * Context: Timer softirq.
 */
void kh2_submit_fallback(struct timer_list *t)
{
	struct kh2_channel *ch = timer_container_of(ch, t, fallback);
	bool ready;

	spin_lock_bh(&ch->lock);
	ready = kh2_submit_ready(ch);
	spin_unlock_bh(&ch->lock);
	if (ready)
		queue_work(kh2_wq, &ch->handover);
}

/**
 * kh2_submit_handover() - give the owner's receive work to workers
 * @work: of the channel
 *
 * Context: Workqueue.
 */
void kh2_submit_handover(struct work_struct *work)
{
	struct kh2_channel *ch = container_of(work, struct kh2_channel, handover);
	struct kh2_session *s;

	WRITE_ONCE(ch->away, true);
	while ((s = take_from(ch, &ch->ready) ?: take_from(ch, &ch->late)))
		kh2_session_hand_over(s);
}

/**
 * kh2_submit_enter() - KH2_IOC_ENTER
 * @ch: the channel
 * @to_submit: entries to consume at the most
 *
 * Context: Process context of the owner.
 * Return: entries consumed, or a negative errno.
 */
long kh2_submit_enter(struct kh2_channel *ch, u32 to_submit)
{
	long done;

	if (mutex_lock_interruptible(&ch->enter))
		return -ERESTARTSYS;
	WRITE_ONCE(ch->away, false);
	kh2_ring_feed(&ch->ring, kh2_session_feed);
	done = submit_entries(ch, to_submit);
	flush_touched(ch);
	run_ready(ch);
	mutex_unlock(&ch->enter);
	if (READ_ONCE(ch->ring.broken))
		return -EPROTO;
	return done;
}
