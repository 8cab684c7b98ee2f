// SPDX-License-Identifier: GPL-2.0
/* The descriptor of a channel: what it holds, its calls, its end. */

#include <linux/anon_inodes.h>
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/netlink.h>
#include <linux/pid.h>
#include <linux/poll.h>
#include <linux/slab.h>

#include "channel.h"
#include "channel_map.h"
#include "channel_sizes.h"
#include "closing.h"
#include "netns.h"
#include "ready.h"
#include "session.h"
#include "submit.h"

/*
 * While sessions starve the ring is looked at, should userspace not tell us: after
 * so long, then after twice that, and so on while nothing is read at all. An owner
 * that is stopped costs little.
 */
#define KH2_FEED_MIN_MS 5U
#define KH2_FEED_MAX_MS 160U

/**
 * kh2_channel_get() - take a reference
 * @ch: the channel
 *
 * Context: Any context.
 */
void kh2_channel_get(struct kh2_channel *ch)
{
	refcount_inc(&ch->refs);
}

static void channel_free(struct kh2_channel *ch)
{
	kh2_ring_exit(&ch->ring);
	kh2_area_exit(&ch->tx);
	kh2_area_exit(&ch->sq);
	kh2_area_exit(&ch->head);
	kh2_share_uncharge(&ch->share, ch->held);
	kh2_share_exit(&ch->share);
	mem_cgroup_put(ch->memcg);
	if (ch->blkcg)
		css_put(ch->blkcg);
	put_cred(ch->cred);
	put_pid(ch->owner);
	kfree(ch);
}

/**
 * kh2_channel_put() - give a reference back
 * @ch: the channel
 *
 * Context: Process context, may sleep.
 */
void kh2_channel_put(struct kh2_channel *ch)
{
	if (refcount_dec_and_test(&ch->refs))
		channel_free(ch);
}

/**
 * kh2_channel_owned() - is the caller the one who made the channel?
 * @ch: the channel
 *
 * Context: Process context.
 * Return: true for any thread of the process that made it; the kernel's own never do.
 */
bool kh2_channel_owned(const struct kh2_channel *ch)
{
	return ch->owner == task_tgid(current);
}

/**
 * kh2_channel_starve() - a session waits for room in the event ring
 * @ch: its channel
 * @claim: its share of the ring
 *
 * Context: Process context.
 */
void kh2_channel_starve(struct kh2_channel *ch, struct kh2_claim *claim)
{
	kh2_ring_starve(&ch->ring, claim);
	/* Between our finding no room and now some may have come: look again in any case. */
	queue_delayed_work(kh2_wq, &ch->feeder, msecs_to_jiffies(KH2_FEED_MIN_MS));
}

static void channel_feed(struct work_struct *work)
{
	struct kh2_channel *ch = container_of(to_delayed_work(work), struct kh2_channel, feeder);
	u64 head = READ_ONCE(ch->ring.user->ev_head);
	bool idle = head == ch->fed_head;

	ch->fed_head = head;
	ch->feed_ms = idle ? min(2 * ch->feed_ms, KH2_FEED_MAX_MS) : KH2_FEED_MIN_MS;
	if (kh2_ring_feed(&ch->ring, kh2_session_feed))
		queue_delayed_work(kh2_wq, &ch->feeder, msecs_to_jiffies(ch->feed_ms));
}

static __poll_t channel_poll(struct file *file, struct poll_table_struct *pt)
{
	struct kh2_channel *ch = file->private_data;
	__poll_t mask = 0;

	poll_wait(file, &ch->ring.wait, pt);
	kh2_ring_feed(&ch->ring, kh2_session_feed);
	if (READ_ONCE(ch->ring.broken))
		mask |= EPOLLERR;
	if (kh2_ring_readable(&ch->ring) || kh2_ready_any(ch))
		mask |= EPOLLIN | EPOLLRDNORM;
	return mask;
}

static long channel_info(struct kh2_channel *ch, void __user *arg)
{
	struct kh2_channel_info info = {
		.features = KH2_FEAT_FILE | KH2_FEAT_FILE_COPY,
		.sq_entries = ch->sizes.sq_entries,
		.ev_bytes = ch->sizes.ev_bytes,
		.tx_bytes = ch->sizes.tx_bytes,
		.id = ch->id,
	};

	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

static long channel_enter(struct kh2_channel *ch, void __user *arg)
{
	struct kh2_enter enter;

	if (copy_from_user(&enter, arg, sizeof(enter)))
		return -EFAULT;
	if (enter.flags)
		return -EINVAL;
	return kh2_submit_enter(ch, enter.to_submit);
}

static long channel_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct kh2_channel *ch = file->private_data;

	switch (cmd) {
	case KH2_IOC_INFO:
		return channel_info(ch, (void __user *)arg);
	case KH2_IOC_ENTER:
		return channel_enter(ch, (void __user *)arg);
	}
	return -ENOTTY;
}

/* One after another, each in its turn */
static struct kh2_session *next_session(struct kh2_channel *ch)
{
	struct kh2_session *s;

	spin_lock_bh(&ch->lock);
	s = list_first_entry_or_null(&ch->sessions, struct kh2_session, link);
	if (s) {
		list_move_tail(&s->link, &ch->sessions);
		kh2_session_get(s);
	}
	spin_unlock_bh(&ch->lock);
	return s;
}

static u32 admit_no_more(struct kh2_channel *ch)
{
	u32 n;

	spin_lock_bh(&ch->lock);
	WRITE_ONCE(ch->ended, true);
	n = ch->n_sessions;
	spin_unlock_bh(&ch->lock);
	return n;
}

/*
 * One whose socket is in other hands may take long, and the others are not to live on for it:
 * workers end them, too.
 */
static void end_sessions(struct kh2_channel *ch)
{
	struct kh2_session *s;

	for (u32 n = admit_no_more(ch); n && (s = next_session(ch)); n--) {
		kh2_session_kick(s, KH2_KICK_END);
		kh2_session_put(s);
		cond_resched();
	}
	while ((s = next_session(ch))) {
		mutex_lock(&s->lock);
		kh2_session_end_locked(s);
		kh2_session_unlock(s);
		kh2_session_put(s);
	}
}

static void channel_end(struct kh2_channel *ch)
{
	struct kh2_net *kn = ch->kn;

	end_sessions(ch);
	cancel_delayed_work_sync(&ch->feeder);
	timer_shutdown_sync(&ch->fallback);
	cancel_work_sync(&ch->handover);
	kh2_ring_leave(&ch->ring, &ch->claim);
	ida_free(&kn->channels, ch->id);
	atomic_dec(&kn->n_channels);
	kh2_channel_put(ch);
	put_net(kn->net);
}

static void channel_end_work(struct work_struct *work)
{
	channel_end(container_of(work, struct kh2_channel, end));
	/* What is left of this is waited for by kh2_user_exit(). */
	module_put(THIS_MODULE);
}

/*
 * The last descriptor was closed, or its process died: the sessions go with it. Whoever else comes
 * to close it is not to wait for the owner's sockets: who was sent it, who looked at its
 * mapping, or the one work that closes for all the system what nobody can reach.
 */
static int channel_release(struct inode *inode, struct file *file)
{
	struct kh2_channel *ch = file->private_data;

	if (kh2_channel_owned(ch)) {
		channel_end(ch);
		return 0;
	}
	__module_get(THIS_MODULE);
	queue_work(ch->share.user->session_wq, &ch->end);
	return 0;
}

static const struct file_operations kh2_channel_fops = {
	.owner = THIS_MODULE,
	.poll = channel_poll,
	.mmap = kh2_channel_mmap,
	.unlocked_ioctl = channel_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = channel_release,
};

/**
 * kh2_channel_from_file() - the channel behind a file
 * @file: any file
 *
 * Context: Any context.
 * Return: the channel, valid as long as the caller holds @file; NULL if it is none.
 */
struct kh2_channel *kh2_channel_from_file(struct file *file)
{
	return file->f_op == &kh2_channel_fops ? file->private_data : NULL;
}

/* The user answers for it, so it is not only the memory cgroup that bounds it. */
static int channel_charge(struct kh2_channel *ch, struct netlink_ext_ack *extack)
{
	size_t octets = 2 * PAGE_SIZE + ch->sizes.ev_bytes + ch->sizes.tx_bytes +
			PAGE_ALIGN(ch->sizes.sq_entries * sizeof(struct kh2_sqe));
	int err;

	err = kh2_share_init(&ch->share);
	if (err)
		return err;
	if (!kh2_share_charge(&ch->share, octets)) {
		NL_SET_ERR_MSG(extack, "channels of this user hold as much memory as they may");
		return -EDQUOT;
	}
	ch->held = octets;
	return 0;
}

static int channel_memory(struct kh2_channel *ch)
{
	struct kh2_ring_kernel *kern;
	struct kh2_ring_user *user;
	int err;

	BUILD_BUG_ON(sizeof(struct kh2_sqe) != 64);
	BUILD_BUG_ON(sizeof(struct kh2_event) != 32);
	BUILD_BUG_ON(offsetof(struct kh2_ring_kernel, ev_tail) != 8);
	BUILD_BUG_ON(offsetof(struct kh2_ring_user, ev_head) != 8);

	err = kh2_area_init(&ch->head, 2 * PAGE_SIZE);
	if (err)
		return err;
	err = kh2_area_init(&ch->sq, (size_t)ch->sizes.sq_entries * sizeof(struct kh2_sqe));
	if (err)
		return err;
	err = kh2_area_init(&ch->tx, ch->sizes.tx_bytes);
	if (err)
		return err;
	kern = ch->head.data;
	user = ch->head.data + PAGE_SIZE;
	err = kh2_ring_init(&ch->ring, ch->sizes.ev_bytes, kern, user);
	if (err)
		return err;
	return kh2_ring_join(&ch->ring, &ch->claim, 0);
}

static struct cgroup_subsys_state *get_io_cgroup(void)
{
#ifdef CONFIG_BLK_CGROUP
	return task_get_css(current, io_cgrp_id);
#else
	return NULL;
#endif
}

static struct kh2_channel *channel_alloc(struct kh2_net *kn,
					 const struct kh2_channel_sizes *sizes,
					 struct netlink_ext_ack *extack)
{
	struct kh2_channel *ch = kzalloc(sizeof(*ch), GFP_KERNEL_ACCOUNT);
	int err;

	if (!ch)
		return ERR_PTR(-ENOMEM);
	refcount_set(&ch->refs, 1);
	ch->kn = kn;
	ch->sizes = *sizes;
	ch->owner = get_pid(task_tgid(current));
	ch->cred = get_current_cred();
	ch->memcg = get_mem_cgroup_from_mm(current->mm);
	ch->blkcg = get_io_cgroup();
	get_task_comm(ch->comm, current);
	mutex_init(&ch->enter);
	spin_lock_init(&ch->lock);
	INIT_LIST_HEAD(&ch->sessions);
	INIT_LIST_HEAD(&ch->ready);
	INIT_LIST_HEAD(&ch->late);
	INIT_LIST_HEAD(&ch->touched);
	INIT_DELAYED_WORK(&ch->feeder, channel_feed);
	ch->feed_ms = KH2_FEED_MIN_MS;
	timer_setup(&ch->fallback, kh2_ready_fallback, 0);
	INIT_WORK(&ch->handover, kh2_ready_handover);
	INIT_WORK(&ch->end, channel_end_work);
	err = channel_charge(ch, extack) ?: channel_memory(ch);
	if (err) {
		channel_free(ch);
		return ERR_PTR(err);
	}
	return ch;
}

/**
 * kh2_channel_new() - make a channel
 * @kn: network namespace
 * @want: sizes that were asked for
 * @extack: says what was refused
 *
 * Context: Process context of its owner-to-be.
 * Return: a file for it, or ERR_PTR().
 */
struct file *kh2_channel_new(struct kh2_net *kn, const struct kh2_channel_sizes *want,
			     struct netlink_ext_ack *extack)
{
	struct kh2_channel_sizes sizes;
	struct kh2_channel *ch;
	struct file *file;
	int err;

	err = kh2_channel_grant_sizes(&sizes, want, extack);
	if (err)
		return ERR_PTR(err);
	ch = channel_alloc(kn, &sizes, extack);
	if (IS_ERR(ch))
		return ERR_CAST(ch);
	err = ida_alloc_min(&kn->channels, 1, GFP_KERNEL);
	if (err < 0)
		goto err_put;
	ch->id = err;
	file = anon_inode_getfile("[kh2]", &kh2_channel_fops, ch, O_RDWR | O_CLOEXEC);
	if (IS_ERR(file)) {
		err = PTR_ERR(file);
		goto err_free_id;
	}
	get_net(kn->net);
	atomic_inc(&kn->n_channels);
	atomic64_inc(&kn->total_channels);
	return file;

err_free_id:
	ida_free(&kn->channels, ch->id);
err_put:
	kh2_ring_leave(&ch->ring, &ch->claim);
	kh2_channel_put(ch);
	return ERR_PTR(err);
}
