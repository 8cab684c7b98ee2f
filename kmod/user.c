// SPDX-License-Identifier: GPL-2.0
/*
 * Users. Work of a session waits for the socket, and reading a file for a disk
 * or for a server that never answers: whoever owns these can make it wait for
 * ever. So no user's work waits behind another's. And what the kernel holds for
 * a user is no part of any process, so the OOM killer would not find whom to
 * blame: it is bounded here, apart from what memory cgroups do.
 */

#include <linux/cred.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>
#include <linux/wait_bit.h>

#include "held_file.h"
#include "user.h"

/* Files that one user reads at a time, where that waits. */
#define KH2_USER_READERS 128

/* Files that are closed at a time for one user, not behind those that are read */
#define KH2_USER_CLOSERS 128

/* Channels ask their user for so much at a time: its lock is not for every frame. */
#define KH2_SHARE_STEP ((long)SZ_1M)
#define KH2_SHARE_KEEP (4 * KH2_SHARE_STEP)

static unsigned int user_memory_mb;
module_param(user_memory_mb, uint, 0644);
MODULE_PARM_DESC(user_memory_mb,
		 "MiB that the channels of one user may hold, root's apart; 0: half of the memory");

/* Sessions of one user that run at a time; the kernels' own bounds differ */
#define KH2_USER_WORKERS 256

/* A user is kept so long after the last channel: to make his workqueues costs everybody. */
#define KH2_USER_LINGER (10 * HZ)

/* But no more than so many at a time, for nobody pays for what they take. */
#define KH2_USERS_KEPT 32

struct workqueue_struct *kh2_wq;

static DEFINE_MUTEX(users_lock);	/* guards the next three; nothing of ours is taken inside */
static LIST_HEAD(users);
static unsigned int n_kept;	/* users without a channel */
static bool leaving;	/* the module is: nobody is kept */
static atomic_t n_users = ATOMIC_INIT(0);

/* Who made a user namespace answers for all in it: it may map many of the system's users. */
static kuid_t responsible(const struct cred *cred)
{
	const struct user_namespace *ns;
	kuid_t uid = cred->uid;

	for (ns = cred->user_ns; ns != &init_user_ns; ns = ns->parent)
		if (!uid_eq(ns->owner, GLOBAL_ROOT_UID))
			uid = ns->owner;
	return uid;
}

static void user_free(struct kh2_user *user)
{
	if (user->close_wq)
		destroy_workqueue(user->close_wq);
	if (user->file_wq)
		destroy_workqueue(user->file_wq);
	if (user->session_wq)
		destroy_workqueue(user->session_wq);
	kh2_held_files_exit(user);
	kfree(user);
}

static bool user_unlist(struct kh2_user *user)
{
	bool unused;

	mutex_lock(&users_lock);
	unused = !refcount_read(&user->refs);
	if (unused) {
		list_del(&user->link);
		n_kept--;
	}
	mutex_unlock(&users_lock);
	return unused;
}

static void user_end(struct work_struct *work)
{
	struct kh2_user *user = container_of(to_delayed_work(work), struct kh2_user, end);

	if (!user_unlist(user))
		return;
	/* He may have come and gone once more meanwhile. */
	cancel_delayed_work(&user->end);
	user_free(user);
	if (atomic_dec_and_test(&n_users))
		wake_up_var(&n_users);
}

static struct kh2_user *user_new(kuid_t uid)
{
	struct kh2_user *user = kzalloc(sizeof(*user), GFP_KERNEL);
	uid_t nr = from_kuid(&init_user_ns, uid);

	if (!user)
		return NULL;
	if (kh2_held_files_init(user)) {
		kfree(user);
		return NULL;
	}
	/*
	 * Unbound: opening and sealing records takes long, and on the CPU of the
	 * network interrupt all sessions would wait for one another.
	 */
	user->session_wq = alloc_workqueue("kh2-%u", WQ_UNBOUND, KH2_USER_WORKERS, nr);
	user->file_wq = alloc_workqueue("kh2_file-%u", WQ_UNBOUND, KH2_USER_READERS, nr);
	user->close_wq = alloc_workqueue("kh2_close-%u", WQ_UNBOUND, KH2_USER_CLOSERS, nr);
	if (!user->session_wq || !user->file_wq || !user->close_wq) {
		user_free(user);
		return NULL;
	}
	user->uid = uid;
	INIT_DELAYED_WORK(&user->end, user_end);
	spin_lock_init(&user->lock);
	return user;
}

static struct kh2_user *user_find(kuid_t uid)
{
	struct kh2_user *user;

	lockdep_assert_held(&users_lock);
	list_for_each_entry(user, &users, link) {
		if (!uid_eq(user->uid, uid))
			continue;
		if (!refcount_inc_not_zero(&user->refs)) {
			refcount_set(&user->refs, 1);
			n_kept--;
		}
		return user;
	}
	return NULL;
}

static struct kh2_user *user_find_or_add(kuid_t uid, struct kh2_user *new)
{
	struct kh2_user *user;

	mutex_lock(&users_lock);
	user = user_find(uid);
	if (!user && new) {
		refcount_set(&new->refs, 1);
		list_add(&new->link, &users);
		atomic_inc(&n_users);
		user = new;
	}
	mutex_unlock(&users_lock);
	return user;
}

static struct kh2_user *user_get(kuid_t uid)
{
	struct kh2_user *user = user_find_or_add(uid, NULL), *new;

	if (user)
		return user;
	new = user_new(uid);
	if (!new)
		return NULL;
	user = user_find_or_add(uid, new);
	if (user != new)
		user_free(new);
	return user;
}

static void user_put(struct kh2_user *user)
{
	if (!refcount_dec_and_mutex_lock(&user->refs, &users_lock))
		return;
	n_kept++;
	mod_delayed_work(kh2_wq, &user->end,
			 leaving || n_kept > KH2_USERS_KEPT ? 0 : KH2_USER_LINGER);
	mutex_unlock(&users_lock);
}

/**
 * kh2_share_init() - a channel begins to hold memory of its user
 * @share: zeroed
 *
 * Context: Process context of the channel's owner-to-be, may sleep.
 * Return: 0 or -ENOMEM.
 */
int kh2_share_init(struct kh2_share *share)
{
	share->user = user_get(responsible(current_cred()));
	return share->user ? 0 : -ENOMEM;
}

/**
 * kh2_share_exit() - the channel holds nothing any more
 * @share: set up, or zeroed
 *
 * Context: Process context, may sleep; work of the user itself included.
 */
void kh2_share_exit(struct kh2_share *share)
{
	struct kh2_user *user = share->user;

	if (!user)
		return;
	WARN_ON_ONCE(atomic_long_read(&share->used));
	spin_lock(&user->lock);
	user->granted -= share->granted;
	spin_unlock(&user->lock);
	user_put(user);
}

static long memory_max(const struct kh2_user *user)
{
	unsigned int mb = READ_ONCE(user_memory_mb);

	if (uid_eq(user->uid, GLOBAL_ROOT_UID))
		return LONG_MAX;
	return mb ? (long)mb << 20 : (long)(totalram_pages() / 2) << PAGE_SHIFT;
}

/* Sets what is granted to what is used and a little more; false if it may not grow so far. */
static bool share_settle(struct kh2_share *share)
{
	struct kh2_user *user = share->user;
	long more;
	bool ok;

	spin_lock(&user->lock);
	more = round_up(atomic_long_read(&share->used) + 1, KH2_SHARE_STEP) - share->granted;
	ok = more <= 0 || more <= memory_max(user) - user->granted;
	if (ok) {
		user->granted += more;
		WRITE_ONCE(share->granted, share->granted + more);
	}
	spin_unlock(&user->lock);
	return ok;
}

/**
 * kh2_share_charge() - hold more
 * @share: of the channel
 * @octets: how much more
 *
 * Context: Process context.
 * Return: false, and nothing was charged, if the user would hold too much.
 */
bool kh2_share_charge(struct kh2_share *share, size_t octets)
{
	if (atomic_long_add_return(octets, &share->used) <= READ_ONCE(share->granted) ||
	    share_settle(share))
		return true;
	atomic_long_sub(octets, &share->used);
	return false;
}

/**
 * kh2_share_uncharge() - hold less
 * @share: of the channel
 * @octets: how much less
 *
 * Context: Process context.
 */
void kh2_share_uncharge(struct kh2_share *share, size_t octets)
{
	long used = atomic_long_sub_return(octets, &share->used);

	if (READ_ONCE(share->granted) - used > KH2_SHARE_KEEP)
		share_settle(share);
}

/**
 * kh2_share_alloc() - memory that is held of the share
 * @share: of the channel
 * @size: octets
 * @flags: beside GFP_KERNEL_ACCOUNT
 *
 * Context: Process context, may sleep.
 * Return: for kh2_share_free(); NULL, without a word in the log, if there is none to be had.
 */
void *kh2_share_alloc(struct kh2_share *share, size_t size, gfp_t flags)
{
	void *ptr;

	if (!kh2_share_charge(share, size))
		return NULL;
	ptr = kvmalloc(size, GFP_KERNEL_ACCOUNT | __GFP_NOWARN | flags);
	if (!ptr)
		kh2_share_uncharge(share, size);
	return ptr;
}

/**
 * kh2_share_free() - undo kh2_share_alloc()
 * @share: of the channel
 * @ptr: what it returned
 * @size: what was asked for
 *
 * Context: Process context, may sleep.
 */
void kh2_share_free(struct kh2_share *share, const void *ptr, size_t size)
{
	kvfree(ptr);
	kh2_share_uncharge(share, size);
}

/**
 * kh2_user_init() - make the module's workqueue
 *
 * Context: Module init.
 * Return: 0 or -ENOMEM.
 */
int kh2_user_init(void)
{
	kh2_wq = alloc_workqueue("kh2", WQ_UNBOUND, 0);
	return kh2_wq ? 0 : -ENOMEM;
}

/**
 * kh2_user_exit() - undo kh2_user_init()
 *
 * Context: Module exit; no channel has a descriptor, but work of sessions that are
 *	gone may hold some, which holds their users: it is waited for.
 */
void kh2_user_exit(void)
{
	struct kh2_user *user;

	mutex_lock(&users_lock);
	leaving = true;
	list_for_each_entry(user, &users, link)
		if (!refcount_read(&user->refs))
			mod_delayed_work(kh2_wq, &user->end, 0);
	mutex_unlock(&users_lock);
	wait_var_event(&n_users, !atomic_read(&n_users));
	destroy_workqueue(kh2_wq);
}
