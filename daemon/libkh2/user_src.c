// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Sources of the user backend: memory that was lent or copied, and files that are read ahead. */
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user.h"

#define CHUNK 65536U
#define CHUNK_MIN 16384U	/* for a session that holds much: a full frame */

struct chunk {
	struct list_head node;
	u64 off;
	u32 len;
	u8 octets[];
};

static void pipe_ready(struct kh2i_watch *w, u32 events);

/* Made as it is read, as below /proc: it calls itself empty, and ends where reading does. */
static bool has_no_size(int fd, const struct stat *stat)
{
	u8 octet;

	return !stat->st_size && pread(fd, &octet, 1, 0);
}

/* As in kh2.ko: regular files give what they hold now; if they are cut the stream fails. */
static int plan_length(struct kh2i_src *s, const struct stat *stat)
{
	u64 size = (u64)stat->st_size;

	if (s->pos > size || (s->left != KH2_LEN_EOF && s->left > size - s->pos))
		return -ENODATA;
	if (s->left == KH2_LEN_EOF && !has_no_size(s->watch.fd, stat))
		s->left = size - s->pos;
	return 0;
}

static bool is_beyond_all_files(u64 off, u64 len)
{
	return off > INT64_MAX || (len != KH2_LEN_EOF && len > INT64_MAX - off);
}

static int init_file(struct kh2i_src *s, const struct kh2_sqe *sqe)
{
	struct stat stat;
	int err;

	s->watch = (struct kh2i_watch){ .fd = sqe->fd, .fn = pipe_ready };
	s->kept_open = sqe->flags & KH2I_SQE_KEPT_OPEN;
	if (is_beyond_all_files(sqe->offset, sqe->len))
		return -EINVAL;
	if (fstat(sqe->fd, &stat))
		return -errno;
	s->regular = S_ISREG(stat.st_mode);
	if (sqe->offset && !s->regular)
		return -ESPIPE;
	s->pos = sqe->offset;
	s->left = sqe->len;
	err = s->regular ? plan_length(s, &stat) : 0;
	if (err)
		return err;
	s->src.eof = !s->left;
	s->src.patient = s->regular;
	s->src.notify = true;
	return 0;
}

static int init_memory(struct kh2i_src *s, const struct kh2_sqe *sqe, const void *payload)
{
	s->watch.fd = -1;
	s->src.avail = sqe->len;
	s->src.eof = true;
	s->src.notify = sqe->flags & KH2_SQE_NOTIFY;
	if (!(sqe->flags & KH2_SQE_COPY)) {
		s->mem = (u8 *)(uintptr_t)sqe->addr;
		s->src.notify = true;
	} else if (sqe->len) {
		s->own = true;
		s->mem = malloc(sqe->len);
		if (!s->mem)
			return -ENOMEM;
		memcpy(s->mem, payload, sqe->len);
		s->src.held += sqe->len;
	}
	return 0;
}

/**
 * kh2i_src_new() - source for KH2_OP_DATA or KH2_OP_FILE
 * @c: connection
 * @sqe: command
 * @payload: octets with KH2_SQE_COPY
 * @out: result; owns sqe->fd
 *
 * Return: 0 or -errno; sqe->fd is closed then too.
 */
int kh2i_src_new(struct kh2i_conn *c, const struct kh2_sqe *sqe, const void *payload,
		 struct kh2i_src **out)
{
	bool file = sqe->opcode == KH2_OP_FILE;
	struct kh2i_src *s = calloc(1, sizeof(*s));
	int err;

	if (!s) {
		if (file && !(sqe->flags & KH2I_SQE_KEPT_OPEN))
			close(sqe->fd);
		return -ENOMEM;
	}
	s->conn = c;
	INIT_LIST_HEAD(&s->want);
	INIT_LIST_HEAD(&s->chunks);
	s->src.held = sizeof(*s);
	err = file ? init_file(s, sqe) : init_memory(s, sqe, payload);
	if (err) {
		kh2i_src_free(s);
		return err;
	}
	*out = s;
	return 0;
}

/**
 * kh2i_src_free() - free a source that the engine has done with
 * @s: source
 */
void kh2i_src_free(struct kh2i_src *s)
{
	list_del(&s->want);
	while (!list_empty(&s->chunks)) {
		struct chunk *chunk = list_first_entry(&s->chunks, struct chunk, node);

		list_del(&chunk->node);
		free(chunk);
	}
	if (s->watching)
		kh2i_watch_del(s->conn->ctx, &s->watch);
	if (s->watch.fd >= 0 && !s->kept_open)
		close(s->watch.fd);
	if (s->own)
		free(s->mem);
	free(s);
}

static ssize_t read_chunk(struct kh2i_src *s, struct chunk *chunk, size_t want)
{
	ssize_t n;

	do {
		n = s->regular ? pread(s->watch.fd, chunk->octets, want, (off_t)s->pos) :
			read(s->watch.fd, chunk->octets, want);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* Where the next chunk begins, as the engine counts */
static u64 next_off(const struct kh2i_src *s)
{
	return s->src.off + s->src.avail;
}

static void got(struct kh2i_src *s, struct chunk *chunk, ssize_t n)
{
	struct kh2e *e = s->conn->e;

	if (n <= 0) {
		free(chunk);
		/* less than was to come: a part must not pass for the whole */
		if (!n && s->left != KH2_LEN_EOF)
			n = -ENODATA;
		kh2e_src_add(e, &s->src, 0, true, (int)n);
		return;
	}
	chunk->off = next_off(s);
	chunk->len = (u32)n;
	list_add_tail(&chunk->node, &s->chunks);
	kh2e_src_hold(e, &s->src, n);
	s->pos += (u64)n;
	if (s->left != KH2_LEN_EOF)
		s->left -= (u64)n;
	kh2e_src_add(e, &s->src, (u64)n, !s->left, 0);
}

static bool wait_readable(struct kh2i_src *s)
{
	s->watching = !kh2i_watch_add(s->conn->ctx, &s->watch, EPOLLIN);
	return s->watching;
}

static void read_now(struct kh2i_src *s)
{
	size_t most = kh2e_memory_scarce(s->conn->e) ? CHUNK_MIN : CHUNK;
	size_t want = s->left < most ? (size_t)s->left : most;
	struct chunk *chunk = malloc(sizeof(*chunk) + want);
	ssize_t n;

	if (!chunk) {
		kh2e_src_add(s->conn->e, &s->src, 0, true, -ENOMEM);
		return;
	}
	n = read_chunk(s, chunk, want);
	/* another reader of the same pipe was faster */
	if (n == -EAGAIN && !s->regular && wait_readable(s)) {
		free(chunk);
		return;
	}
	got(s, chunk, n);
}

static void pipe_ready(struct kh2i_watch *w, u32 events)
{
	struct kh2i_src *s = container_of(w, struct kh2i_src, watch);
	struct kh2i_conn *c = s->conn;

	(void)events;
	kh2i_watch_del(c->ctx, w);
	s->watching = false;
	read_now(s);
	kh2i_conn_dirty(c);
}

/**
 * kh2i_src_produce() - the engine wants more of a source
 * @s: source; it may be freed on return
 */
void kh2i_src_produce(struct kh2i_src *s)
{
	list_del(&s->want);
	if (!s->regular) {
		if (s->watching)
			return;
		if (wait_readable(s))
			return;
		/* always ready, says epoll by EPERM */
	}
	read_now(s);
}

/**
 * kh2i_src_copy() - octets that the engine has framed
 * @s: source
 * @off: position, never before one that was copied earlier
 * @len: octets
 * @to: where to
 */
void kh2i_src_copy(struct kh2i_src *s, u64 off, u32 len, u8 *to)
{
	if (s->watch.fd < 0) {
		memcpy(to, s->mem + off, len);
		return;
	}
	while (len) {
		struct chunk *chunk = list_first_entry(&s->chunks, struct chunk, node);
		u64 at = off - chunk->off;
		u32 part = (u32)min_t(u64, chunk->len - at, len);

		memcpy(to, chunk->octets + at, part);
		to += part;
		off += part;
		len -= part;
		if (at + part == chunk->len) {
			kh2e_src_hold(s->conn->e, &s->src, -(s64)chunk->len);
			list_del(&chunk->node);
			free(chunk);
		}
	}
}
