// SPDX-License-Identifier: GPL-2.0
/* Reading files ahead: at once what the page cache holds, in work what may wait for a disk. */

#include <linux/bvec.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/kthread.h>
#include <linux/magic.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/pipe_fs_i.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/splice.h>
#include <linux/swap.h>
#include <linux/uio.h>

#include "channel.h"
#include "file_source.h"
#include "held_file.h"
#include "session.h"

/* Octets read ahead of what was sent, for one stream, */
#define KH2_FILE_WINDOW (256U << 10)

/* and for one of a session that holds much: a full frame. */
#define KH2_FILE_WINDOW_MIN SZ_16K

/* Entries for a window of single pages. */
#define KH2_FILE_FRAGS_MAX 128U
#define KH2_FILE_FRAGS_MIN 4U

/* A pipe that is empty is looked at again after 1 ms, then 2, and so on up to this. */
#define KH2_FILE_BACKOFF_MAX 64U

/* With the session's lock held */
static u32 window_of(const struct kh2_session *s)
{
	return kh2e_memory_scarce(s->e) ? KH2_FILE_WINDOW_MIN : KH2_FILE_WINDOW;
}

static u32 n_free(const struct kh2_file_source *f)
{
	/* Pairs with drop_frags(), which may run while work fills. */
	return f->mask + 1 - (f->tail - smp_load_acquire(&f->head));
}

static void push_frag(struct kh2_file_source *f, struct page *page, u32 off, u32 len, bool own)
{
	struct kh2_frag *frag = &f->frags[f->tail & f->mask];

	frag->page = page;
	frag->off = off;
	frag->len = len;
	frag->own = own;
	f->end += len;
	frag->end = f->end;
	f->tail++;
	f->pos += len;
	if (f->left != KH2_LEN_EOF)
		f->left -= len;
}

static void drop_frags(struct kh2_file_source *f, u32 until)
{
	size_t own = 0;
	u32 head;

	for (head = f->head; head != until; head++) {
		struct kh2_frag *frag = &f->frags[head & f->mask];

		own += frag->own;
		put_page(frag->page);
	}
	if (own)
		kh2_share_uncharge(&f->session->ch->share, own * PAGE_SIZE);
	/* Pairs with n_free() in the work that fills: what it may write to was read. */
	smp_store_release(&f->head, head);
}

static void end_source(struct kh2_file_source *f, void (*put)(struct file *file))
{
	struct kh2_session *s = f->session;

	put(f->file);
	kh2_held_file_put(f->held);
	kh2_share_free(&s->ch->share, f, struct_size(f, frags, f->mask + 1));
	kh2_session_put(s);
	/* A worker is waited for by kh2_user_exit(); others have the channel. */
	module_put(THIS_MODULE);
}

static void end_work(struct work_struct *work)
{
	end_source(container_of(work, struct kh2_file_source, last), __fput_sync);
}

/*
 * If nobody else has the file, closing it may wait for as long as its user likes: for who writes
 * to the pipe, or a server of his. An administrator is not to wait for that, nor the one work
 * that closes files which the kernel's threads leave behind.
 */
static void put_source(struct kh2_file_source *f)
{
	struct kh2_channel *ch = f->session->ch;

	if (!refcount_dec_and_test(&f->refs))
		return;
	drop_frags(f, f->tail);
	if (kh2_channel_owned(ch))
		end_source(f, fput);
	else
		queue_work(ch->share.user->close_wq, &f->last);
}

/* The file has become shorter than what it was to give. */
static int short_error(const struct kh2_file_source *f)
{
	return f->left == KH2_LEN_EOF ? 0 : -ENODATA;
}

/**
 * struct fill - outcome of reading
 * @octets: that came
 * @eof: nothing more will
 * @again: nothing now, but the file is not at its end
 * @status: negative errno
 */
struct fill {
	u64 octets;
	bool eof;
	bool again;
	int status;
};

/* One folio of the page cache, if it is there and can be used as it is. */
static struct folio *cached_folio(const struct kh2_file_source *f)
{
	struct folio *folio = filemap_get_folio(f->file->f_mapping, f->pos >> PAGE_SHIFT);

	if (IS_ERR(folio))
		return NULL;
	/* A mark for read-ahead is left for those who read and start it. */
	if (folio_test_uptodate(folio) && !folio_test_readahead(folio) &&
	    !folio_contain_hwpoisoned_page(folio))
		return folio;
	folio_put(folio);
	return NULL;
}

static u64 cached_octets(const struct kh2_file_source *f, struct folio *folio, u64 room)
{
	/* Only now, that the folio was seen up to date: as filemap_read() does. */
	u64 size = i_size_read(f->file->f_mapping->host);
	u64 n;

	if (f->pos >= size)
		return 0;
	n = min(f->left, size - f->pos);
	n = min_t(u64, n, folio_size(folio) - offset_in_folio(folio, f->pos));
	return min(n, room);
}

/* Takes what the page cache has, without waiting for anything. */
static void fill_cached(struct kh2_file_source *f, struct fill *fill)
{
	u64 room = f->window;

	while (f->left && room && n_free(f)) {
		struct folio *folio = cached_folio(f);
		size_t off;
		u64 n;

		if (!folio)
			break;
		n = cached_octets(f, folio, room);
		if (!n) {
			folio_put(folio);
			fill->status = short_error(f);
			fill->eof = true;
			return;
		}
		off = offset_in_folio(folio, f->pos);
		folio_mark_accessed(folio);
		push_frag(f, folio_page(folio, off >> PAGE_SHIFT), offset_in_page(off), n, false);
		fill->octets += n;
		room -= n;
	}
	fill->eof = !f->left;
}

/*
 * A page of no page cache is nobody's but ours: what a descriptor with O_DIRECT, which
 * may be set at any time, a file on DAX, or a file system's own ways lead to.
 */
static bool is_own(const struct page *page)
{
	return !READ_ONCE(page_folio(page)->mapping) && !is_zero_page(page);
}

static int take_pages(struct pipe_inode_info *pipe, struct splice_desc *sd)
{
	struct kh2_file_source *f = sd->u.data;
	int done = 0;

	while (!pipe_empty(pipe->head, pipe->tail) && n_free(f)) {
		struct pipe_buffer *buf = pipe_buf(pipe, pipe->tail);
		int err = pipe_buf_confirm(pipe, buf);
		bool own = is_own(buf->page);

		if (!err && own && !kh2_share_charge(&f->session->ch->share, PAGE_SIZE))
			err = -ENOMEM;
		if (err)
			return done ?: err;
		get_page(buf->page);
		push_frag(f, buf->page, buf->offset, buf->len, own);
		done += buf->len;
		pipe_buf_release(pipe, buf);
		pipe->tail++;
	}
	return done;
}

/* Reads through the page cache, or past it; waits for the disk. */
static void fill_spliced(struct kh2_file_source *f, struct fill *fill)
{
	/* A page may be cut at both ends, so one entry is kept for that. */
	u64 max = min_t(u64, f->window, (u64)(n_free(f) - 1) << PAGE_SHIFT);
	struct splice_desc sd = {
		.total_len = min(f->left, max),
		.pos = f->pos,
		.u.data = f,
	};
	ssize_t n = splice_direct_to_actor(f->file, &sd, take_pages);

	if (n < 0) {
		fill->status = n;
		fill->eof = true;
	} else if (!n) {
		fill->status = short_error(f);
		fill->eof = true;
	} else {
		fill->octets = n;
		fill->eof = !f->left;
	}
}

static ssize_t read_page(struct kh2_file_source *f, struct page *page, size_t len)
{
	struct kvec iov = { .iov_base = page_address(page), .iov_len = len };
	struct iov_iter iter;

	iov_iter_kvec(&iter, ITER_DEST, &iov, 1, len);
	return vfs_iter_read(f->file, &iter, NULL, RWF_NOWAIT);
}

static struct page *take_page(struct kh2_file_source *f)
{
	struct kh2_share *share = &f->session->ch->share;
	struct page *page;

	if (!kh2_share_charge(share, PAGE_SIZE))
		return NULL;
	page = alloc_page(GFP_KERNEL_ACCOUNT);
	if (!page)
		kh2_share_uncharge(share, PAGE_SIZE);
	return page;
}

static void give_page_back(struct kh2_file_source *f, struct page *page)
{
	if (!page)
		return;
	__free_page(page);
	kh2_share_uncharge(&f->session->ch->share, PAGE_SIZE);
}

/* Reads a pipe, into pages of ours: what is in it may be somebody else's. */
static void fill_copied(struct kh2_file_source *f, struct fill *fill)
{
	while (f->left && n_free(f) && fill->octets < f->window) {
		size_t len = min_t(u64, PAGE_SIZE, f->left);
		struct page *page = take_page(f);
		ssize_t n = page ? read_page(f, page, len) : -ENOMEM;

		if (n > 0) {
			push_frag(f, page, 0, n, true);
			fill->octets += n;
			continue;
		}
		give_page_back(f, page);
		fill->again = n == -EAGAIN;
		fill->eof = !fill->again;
		fill->status = n && !fill->again ? n : 0;
		if (!n)
			fill->status = short_error(f);
		return;
	}
	fill->eof = !f->left;
}

static void fill_waiting(struct kh2_file_source *f, struct fill *fill)
{
	const struct cred *old_cred = override_creds(f->file->f_cred);
	struct mem_cgroup *old_memcg = set_active_memcg(f->session->ch->memcg);

	kthread_associate_blkcg(f->session->ch->blkcg);
	if (f->kind == KH2_FILE_CACHED)
		fill_spliced(f, fill);
	else
		fill_copied(f, fill);
	kthread_associate_blkcg(NULL);
	set_active_memcg(old_memcg);
	revert_creds(old_cred);
}

static void queue_fill(struct kh2_file_source *f, u32 delay_ms)
{
	f->filling = true;
	refcount_inc(&f->refs);
	/* Reading may wait for a disk, or for a server that never answers. */
	queue_delayed_work(f->session->ch->share.user->file_wq, &f->work,
			   msecs_to_jiffies(delay_ms));
}

/* An end that comes with octets is told after them, a failure too: the next look finds it again. */
static void give(struct kh2_session *s, struct kh2_file_source *f, const struct fill *fill)
{
	f->ready = f->tail;
	kh2e_src_hold(s->e, &f->base.src, fill->octets);
	if (fill->octets && fill->status)
		kh2e_src_add(s->e, &f->base.src, fill->octets, false, 0);
	else
		kh2e_src_add(s->e, &f->base.src, fill->octets, fill->eof, fill->status);
}

static void file_work(struct work_struct *work)
{
	struct kh2_file_source *f = container_of(to_delayed_work(work), struct kh2_file_source,
						 work);
	struct kh2_session *s = f->session;
	struct mem_cgroup *old;
	struct fill fill = {};

	/* A source that died meanwhile is read once in vain: no lock is held here. */
	if (!READ_ONCE(f->dead))
		fill_waiting(f, &fill);

	mutex_lock(&s->lock);
	f->filling = false;
	if (f->dead || s->state == KH2_SESSION_GONE) {
		kh2_session_unlock(s);
		put_source(f);
		return;
	}
	old = set_active_memcg(s->ch->memcg);
	if (fill.again && !fill.octets) {
		f->backoff = min(f->backoff ? f->backoff * 2 : 1, KH2_FILE_BACKOFF_MAX);
		queue_fill(f, f->backoff);
	} else {
		f->backoff = 0;
		give(s, f, &fill);
		kh2_session_flush_locked(s);
	}
	set_active_memcg(old);
	kh2_session_unlock(s);
	put_source(f);
}

/**
 * kh2_file_source_fill() - the engine wants more of a file
 * @s: session
 * @f: the source
 *
 * Context: Process context with the session's lock held; does not wait for a disk.
 * Return: true if the engine got something at once.
 */
bool kh2_file_source_fill(struct kh2_session *s, struct kh2_file_source *f)
{
	struct fill fill = {};

	lockdep_assert_held(&s->lock);
	if (f->filling)
		return false;
	f->window = window_of(s);
	if (f->local)
		fill_cached(f, &fill);
	if (fill.octets || fill.eof) {
		give(s, f, &fill);
		return true;
	}
	/* Entries come back as octets are sent, see kh2_file_source_sent(). */
	if (n_free(f) < 2)
		f->hungry = true;
	else
		queue_fill(f, 0);
	return false;
}

/*
 * Files are read by workers, which are not the owner: they have the namespaces of
 * the kernel's beginning, and its capabilities where it is the task that is
 * looked at and not its credentials (printing "%pK" does).  So what is made as it
 * is read, below /proc and /sys and elsewhere, would be made for another reader.
 */
static bool has_page_cache(const struct file *file)
{
	return S_ISREG(file_inode(file)->i_mode) && file->f_mode & FMODE_LSEEK &&
	       file->f_op->splice_read && file->f_op->splice_read != copy_splice_read &&
	       !is_file_hugepages(file);
}

/* One that can say that it has nothing now: no worker waits for a stranger. */
static bool is_pipe(const struct file *file)
{
	return S_ISFIFO(file_inode(file)->i_mode) && file->f_mode & FMODE_NOWAIT;
}

/*
 * Of sockets, one of the unix family could carry the channel that holds it, and
 * the last reference to one that lingers must not be dropped here.
 */
static int check_file(struct file *file)
{
	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	if (S_ISDIR(file_inode(file)->i_mode))
		return -EISDIR;
	if (!file->f_op->read_iter || file->f_op->read)
		return -EINVAL;
	return has_page_cache(file) || is_pipe(file) ? 0 : -EOPNOTSUPP;
}

/*
 * Is what the page cache has what the file holds? On file systems of this machine's own it is.
 * Others may have to ask a server, or who else uses the disk, first: their splice_read() does
 * what they do for sendfile(2).
 */
static bool is_local(const struct file *file)
{
	static const unsigned long local[] = {
		BTRFS_SUPER_MAGIC, EROFS_SUPER_MAGIC_V1, EXT4_SUPER_MAGIC, F2FS_SUPER_MAGIC,
		ISOFS_SUPER_MAGIC, MSDOS_SUPER_MAGIC, RAMFS_MAGIC, SQUASHFS_MAGIC, TMPFS_MAGIC,
		XFS_SUPER_MAGIC,
	};

	for (size_t i = 0; i < ARRAY_SIZE(local); i++)
		if (file_inode(file)->i_sb->s_magic == local[i])
			return true;
	return false;
}

/* Regular files give what they hold now; if they are cut meanwhile the stream fails. */
static int plan_length(struct kh2_file_source *f, u64 len)
{
	u64 size = i_size_read(file_inode(f->file));

	f->left = len;
	if (f->kind != KH2_FILE_CACHED)
		return 0;
	if (f->pos > size || (len != KH2_LEN_EOF && len > size - f->pos))
		return -ENODATA;
	if (len == KH2_LEN_EOF)
		f->left = size - f->pos;
	return 0;
}

static struct kh2_file_source *file_source_alloc(struct kh2_session *s, u64 off, u64 len)
{
	u64 pages = len == KH2_LEN_EOF ? KH2_FILE_FRAGS_MAX : (len >> PAGE_SHIFT) + 2;
	u32 n = roundup_pow_of_two(clamp_t(u64, pages, KH2_FILE_FRAGS_MIN, KH2_FILE_FRAGS_MAX));
	struct kh2_file_source *f;
	size_t size = struct_size(f, frags, n);

	f = kh2_share_alloc(&s->ch->share, size, 0);
	if (!f)
		return NULL;
	memset(f, 0, sizeof(*f));
	refcount_set(&f->refs, 1);
	INIT_LIST_HEAD(&f->base.want);
	INIT_DELAYED_WORK(&f->work, file_work);
	INIT_WORK(&f->last, end_work);
	f->session = kh2_session_get(s);
	f->base.file = true;
	f->base.src.notify = true;
	f->base.src.held = size;
	f->mask = n - 1;
	f->pos = off;
	return f;
}

/**
 * kh2_file_source_new() - make a source of a file
 * @s: session
 * @file: the file; a reference is taken
 * @off: position of the first octet; must be 0 where there are no positions
 * @len: octets, or KH2_LEN_EOF
 *
 * Context: Process context of the owner, with the session's lock held.
 * Return: the source, or ERR_PTR(): -EBADF, -EISDIR, -EINVAL or -EOPNOTSUPP for
 *	a file that cannot be read here, -ENODATA for one that is too short, -EMFILE if the
 *	user would have more held than RLIMIT_NOFILE, -ENOMEM, or what the file system or
 *	security module says.
 */
struct kh2_file_source *kh2_file_source_new(struct kh2_session *s, struct file *file, u64 off,
					    u64 len)
{
	struct kh2_held_file *held;
	struct kh2_file_source *f;
	loff_t pos = off;
	int err;

	if (off > LLONG_MAX || (len != KH2_LEN_EOF && len > LLONG_MAX - off))
		return ERR_PTR(-EINVAL);
	err = check_file(file);
	if (err)
		return ERR_PTR(err);
	if (off && !(file->f_mode & FMODE_LSEEK))
		return ERR_PTR(-ESPIPE);
	err = rw_verify_area(READ, file, &pos, min_t(u64, len, MAX_RW_COUNT));
	if (err)
		return ERR_PTR(err);
	held = kh2_held_file_get(s->ch->share.user, file);
	if (IS_ERR(held))
		return ERR_CAST(held);
	f = file_source_alloc(s, off, len);
	if (!f) {
		kh2_held_file_put(held);
		return ERR_PTR(-ENOMEM);
	}
	__module_get(THIS_MODULE);
	f->file = get_file(file);
	f->held = held;
	f->kind = is_pipe(file) ? KH2_FILE_PIPE : KH2_FILE_CACHED;
	f->local = f->kind == KH2_FILE_CACHED && is_local(file);
	f->base.src.patient = f->kind == KH2_FILE_CACHED;
	err = plan_length(f, len);
	if (err) {
		put_source(f);
		return ERR_PTR(err);
	}
	/* Pages are taken when its turn comes: a queue of files holds none. */
	f->base.src.eof = !f->left;
	return f;
}

/**
 * kh2_file_source_release() - the engine has done with a file
 * @f: the source
 *
 * Context: Process context with the session's lock held.
 */
void kh2_file_source_release(struct kh2_file_source *f)
{
	WRITE_ONCE(f->dead, true);
	/* Work that has not begun need not; its reference is dropped for it. */
	if (f->filling && cancel_delayed_work(&f->work))
		put_source(f);
	put_source(f);
}

static u32 find_frag(const struct kh2_file_source *f, u64 off)
{
	u32 i = f->head;

	while (i != f->ready && f->frags[i & f->mask].end <= off)
		i++;
	return i;
}

/**
 * kh2_file_source_parts() - entries that hold a piece of a file
 * @f: the source
 * @off: position within the source
 * @len: octets
 *
 * Context: Process context with the session's lock held.
 * Return: how many, at least 1.
 */
u32 kh2_file_source_parts(const struct kh2_file_source *f, u64 off, u32 len)
{
	u32 first = find_frag(f, off), i = first;

	while (i != f->ready && f->frags[i & f->mask].end < off + len)
		i++;
	return i - first + 1;
}

/**
 * kh2_file_source_bvec() - a piece of a file as pages
 * @f: the source
 * @off: position within the source
 * @len: octets wanted; set to those that fitted
 * @bvec: filled
 * @n: entries in @bvec
 *
 * Context: Process context with the session's lock held.
 * Return: entries used.
 */
u32 kh2_file_source_bvec(const struct kh2_file_source *f, u64 off, u32 *len,
			 struct bio_vec *bvec, u32 n)
{
	u32 i = find_frag(f, off), used = 0, done = 0;

	for (; i != f->ready && used < n && done < *len; i++, used++) {
		const struct kh2_frag *frag = &f->frags[i & f->mask];
		u32 skip = off + done - (frag->end - frag->len);
		u32 part = min(frag->len - skip, *len - done);
		u32 begin = frag->off + skip;

		bvec_set_page(&bvec[used], frag->page + (begin >> PAGE_SHIFT), part,
			      offset_in_page(begin));
		done += part;
	}
	WARN_ON_ONCE(!used);
	*len = done;
	return used;
}

/**
 * kh2_file_source_kvec() - a piece of a file as memory
 * @f: the source
 * @off: position within the source
 * @len: octets wanted; set to those that fitted
 * @kvec: filled
 * @n: entries in @kvec
 *
 * Context: Process context with the session's lock held.
 * Return: entries used.
 */
u32 kh2_file_source_kvec(const struct kh2_file_source *f, u64 off, u32 *len, struct kvec *kvec,
			 u32 n)
{
	u32 i = find_frag(f, off), used = 0, done = 0;

	for (; i != f->ready && used < n && done < *len; i++, used++) {
		const struct kh2_frag *frag = &f->frags[i & f->mask];
		u32 skip = off + done - (frag->end - frag->len);
		u32 part = min(frag->len - skip, *len - done);

		/* 64-bit kernels map all memory; compat.h refuses others. */
		kvec[used].iov_base = page_address(frag->page) + frag->off + skip;
		kvec[used].iov_len = part;
		done += part;
	}
	WARN_ON_ONCE(!used);
	*len = done;
	return used;
}

/**
 * kh2_file_source_sent() - the socket has all octets before a position
 * @f: the source
 * @off: position within the source
 *
 * Context: Process context with the session's lock held.
 */
void kh2_file_source_sent(struct kh2_file_source *f, u64 off)
{
	u32 until = find_frag(f, off);
	s64 octets = 0;

	for (u32 i = f->head; i != until; i++)
		octets += f->frags[i & f->mask].len;
	kh2e_src_hold(f->session->e, &f->base.src, -octets);
	drop_frags(f, until);
	if (f->hungry && n_free(f) >= 2) {
		f->hungry = false;
		kh2_source_want(f->session, &f->base.src);
	}
}
