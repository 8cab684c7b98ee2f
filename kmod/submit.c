// SPDX-License-Identifier: GPL-2.0
/* From submission entries to the engine: each read once, checked, carried out, then sent. */

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/memcontrol.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "channel.h"
#include "channel_sizes.h"
#include "netns.h"
#include "ready.h"
#include "session.h"
#include "source.h"
#include "submit.h"

/* Octets that go along with a command and are copied, header blocks and the like. */
#define KH2_PAYLOAD_MAX SZ_1M

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
	struct mem_cgroup *old;
	long done;

	if (mutex_lock_interruptible(&ch->enter))
		return -ERESTARTSYS;
	/* Who has the channel may be of another group than who made it. */
	old = set_active_memcg(ch->memcg);
	WRITE_ONCE(ch->away, false);
	kh2_ring_feed(&ch->ring, kh2_session_feed);
	done = submit_entries(ch, to_submit);
	flush_touched(ch);
	kh2_ready_run(ch);
	set_active_memcg(old);
	mutex_unlock(&ch->enter);
	if (READ_ONCE(ch->ring.broken))
		return -EPROTO;
	return done;
}
