/* SPDX-License-Identifier: GPL-2.0 */
/* Users, who do not trust one another: each has workers of its own, and a share of the memory. */
#ifndef KH2_USER_H
#define KH2_USER_H

#include <linux/atomic.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/rhashtable-types.h>
#include <linux/spinlock.h>
#include <linux/uidgid.h>
#include <linux/workqueue.h>

/**
 * struct kh2_user - a user
 * @link: in the list of users
 * @refs: one for each channel; none is taken from 0 but under the list's lock
 * @uid: who
 * @session_wq: runs sessions
 * @file_wq: reads files
 * @close_wq: closes files that were read
 * @end: frees the user, a while after the last channel
 * @lock: guards @granted, and that of its channels; innermost
 * @granted: octets that its channels may hold
 * @files_lock: guards @files and what is in it; nothing of ours is taken inside
 * @files: struct kh2_held_file by file
 */
struct kh2_user {
	struct list_head link;
	refcount_t refs;
	kuid_t uid;
	struct workqueue_struct *session_wq;
	struct workqueue_struct *file_wq;
	struct workqueue_struct *close_wq;
	struct delayed_work end;

	spinlock_t lock;	/* guards granted; innermost */
	long granted;

	struct mutex files_lock;	/* guards files; nothing of ours is taken inside */
	struct rhashtable files;
};

/**
 * struct kh2_share - what a channel holds of its user's memory
 * @user: the user, with a reference
 * @used: octets
 * @granted: octets up to which the user need not be asked; guarded by the user's lock
 */
struct kh2_share {
	struct kh2_user *user;
	atomic_long_t used;
	long granted;
};

int kh2_share_init(struct kh2_share *share);
void kh2_share_exit(struct kh2_share *share);
bool kh2_share_charge(struct kh2_share *share, size_t octets);
void kh2_share_uncharge(struct kh2_share *share, size_t octets);
void *kh2_share_alloc(struct kh2_share *share, size_t size, gfp_t flags);
void kh2_share_free(struct kh2_share *share, const void *ptr, size_t size);

int kh2_user_init(void);
void kh2_user_exit(void);

/* For work of the module's own that waits for nobody */
extern struct workqueue_struct *kh2_wq;

#endif
