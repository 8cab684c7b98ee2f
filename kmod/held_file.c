// SPDX-License-Identifier: GPL-2.0
/*
 * Files that are held for a user: sockets of sessions, and what is queued to be sent. Their
 * descriptors may be closed, so that RLIMIT_NOFILE would not see them any more. As for
 * descriptors that are under way between sockets of the unix family, all of one user together may
 * be no more than one process could have open. That is the hard limit: everybody may raise his
 * soft one so far, and processes of a user differ in that. One file counts once, however often it
 * is queued.
 */

#include <linux/capability.h>
#include <linux/err.h>
#include <linux/resource.h>
#include <linux/rhashtable.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "held_file.h"
#include "user.h"

/**
 * struct kh2_held_file - a file that is held
 * @node: in the user's table
 * @file: which; the reference is that of who holds it, perhaps put already
 * @user: for whom
 * @refs: how often; guarded by the user's files_lock
 * @rcu: to be freed behind those who walk the table
 */
struct kh2_held_file {
	struct rhash_head node;
	const struct file *file;
	struct kh2_user *user;
	unsigned long refs;
	struct rcu_head rcu;
};

static const struct rhashtable_params params = {
	.key_len = sizeof_field(struct kh2_held_file, file),
	.key_offset = offsetof(struct kh2_held_file, file),
	.head_offset = offsetof(struct kh2_held_file, node),
	.automatic_shrinking = true,
};

static int add(struct kh2_user *user, struct kh2_held_file *held)
{
	if (atomic_read(&user->files.nelems) >= rlimit_max(RLIMIT_NOFILE) &&
	    !capable(CAP_SYS_RESOURCE))
		return -EMFILE;
	/* It may also say that it is busy, or the table full, which comes to the same. */
	return rhashtable_insert_fast(&user->files, &held->node, params) ? -ENOMEM : 0;
}

/* NULL if it is not held yet and there is no @new */
static struct kh2_held_file *hold(struct kh2_user *user, const struct file *file,
				  struct kh2_held_file *new)
{
	struct kh2_held_file *held;

	mutex_lock(&user->files_lock);
	held = rhashtable_lookup_fast(&user->files, &file, params);
	if (!held && new) {
		int err = add(user, new);

		held = err ? ERR_PTR(err) : new;
	}
	if (!IS_ERR_OR_NULL(held))
		held->refs++;
	mutex_unlock(&user->files_lock);
	return held;
}

/**
 * kh2_held_file_get() - a file is held for a user from now on
 * @user: the user
 * @file: the file; the caller has a reference. If that goes before kh2_held_file_put(), another
 *	file that gets the address is counted as the same until then.
 *
 * Context: A system call of the process that hands the file over, may sleep.
 * Return: for kh2_held_file_put(), or ERR_PTR(): -EMFILE if more files would be held than the
 *	process could have open, -ENOMEM.
 */
struct kh2_held_file *kh2_held_file_get(struct kh2_user *user, const struct file *file)
{
	struct kh2_held_file *held = hold(user, file, NULL), *new;

	if (held)
		return held;
	/* Not under the lock: it may wait for memory of the channel's group alone. */
	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return ERR_PTR(-ENOMEM);
	new->file = file;
	new->user = user;
	held = hold(user, file, new);
	if (held != new)
		kfree(new);
	return held;
}

/**
 * kh2_held_file_put() - undo kh2_held_file_get()
 * @held: what it returned
 *
 * Context: Process context, may sleep; a channel of the user is there.
 */
void kh2_held_file_put(struct kh2_held_file *held)
{
	struct kh2_user *user = held->user;

	mutex_lock(&user->files_lock);
	if (!--held->refs) {
		rhashtable_remove_fast(&user->files, &held->node, params);
		kfree_rcu(held, rcu);
	}
	mutex_unlock(&user->files_lock);
}

/**
 * kh2_held_files_init() - nothing is held yet
 * @user: a new one
 *
 * Context: Process context, may sleep.
 * Return: 0 or -ENOMEM.
 */
int kh2_held_files_init(struct kh2_user *user)
{
	mutex_init(&user->files_lock);
	return rhashtable_init(&user->files, &params);
}

/**
 * kh2_held_files_exit() - nothing is held any more
 * @user: set up
 *
 * Context: Process context, may sleep.
 */
void kh2_held_files_exit(struct kh2_user *user)
{
	rhashtable_destroy(&user->files);
}
