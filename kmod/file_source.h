/* SPDX-License-Identifier: GPL-2.0 */
/* Files as sources: a bounded window of pages ahead of what was sent. */
#ifndef KH2_FILE_SOURCE_H
#define KH2_FILE_SOURCE_H

#include <linux/refcount.h>
#include <linux/workqueue.h>

#include "source.h"

struct kh2_held_file;
struct page;

/**
 * struct kh2_frag - octets of a file, in one page or several of a folio
 * @page: first page; one reference is held
 * @off: where in it the octets begin
 * @len: octets
 * @own: a page that is held of the user's share: of a pipe, or read past the page cache
 * @end: position within the source of what follows
 */
struct kh2_frag {
	struct page *page;
	u32 off;
	u32 len : 31;
	u32 own : 1;
	u64 end;
};

enum kh2_file_kind {
	KH2_FILE_CACHED,	/* by its own splice_read(), mostly from the page cache */
	KH2_FILE_PIPE,		/* read into pages of ours */
};

/**
 * struct kh2_file_source - a file
 * @base: what all sources share
 * @refs: the engine's, and that of queued work
 * @session: for life
 * @file: our reference
 * @held: it counts for the user
 * @kind: enum kh2_file_kind
 * @local: the page cache may be read without asking the file system
 * @dead: the engine let go; guarded by the session's lock
 * @filling: work is queued or runs and owns @pos, @left, @end, @tail and the
 *	free entries; otherwise the session's lock guards them
 * @window: octets to be read at once, at the most
 * @hungry: more is wanted, but all entries are in use; guarded by the lock
 * @pos: in the file, next to be read
 * @left: octets to be read, or KH2_LEN_EOF
 * @work: reads where reading may wait
 * @last: closes the file, where the owner is not there to do it
 * @backoff: ms until a file that had nothing is looked at again
 * @end: position within the source behind the last entry
 * @head: first entry in use, free running; guarded by the session's lock
 * @ready: behind the last entry that the engine knows of; guarded by it, too
 * @tail: behind the last entry in use
 * @mask: entries less one, a power of two
 * @frags: entries
 */
struct kh2_file_source {
	struct kh2_source base;
	refcount_t refs;
	struct kh2_session *session;
	struct file *file;
	struct kh2_held_file *held;
	u8 kind;
	bool local;
	bool dead;
	bool filling;
	bool hungry;
	u32 window;
	u64 pos;
	u64 left;
	u64 end;
	struct delayed_work work;
	struct work_struct last;
	u32 backoff;
	u32 head;
	u32 ready;
	u32 tail;
	u32 mask;
	struct kh2_frag frags[];
};

static inline struct kh2_file_source *to_file_source(const struct kh2_source *source)
{
	return container_of(source, struct kh2_file_source, base);
}

struct kh2_file_source *kh2_file_source_new(struct kh2_session *s, struct file *file, u64 off,
					    u64 len);
void kh2_file_source_release(struct kh2_file_source *f);
bool kh2_file_source_fill(struct kh2_session *s, struct kh2_file_source *f);

u32 kh2_file_source_parts(const struct kh2_file_source *f, u64 off, u32 len);
u32 kh2_file_source_bvec(const struct kh2_file_source *f, u64 off, u32 *len,
			 struct bio_vec *bvec, u32 n);
u32 kh2_file_source_kvec(const struct kh2_file_source *f, u64 off, u32 *len, struct kvec *kvec,
			 u32 n);
void kh2_file_source_sent(struct kh2_file_source *f, u64 off);

#endif
