// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Keeps files open between requests, and notices within a second when a path leads elsewhere. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "file_cache.h"
#include "mime.h"

#define OPEN_TRIES	8

int file_open_beneath(int root, const char *path)
{
	const struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	for (int i = 0; i < OPEN_TRIES; i++) {
		fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
		if (fd >= 0)
			return (int)fd;
		if (errno != EAGAIN && errno != EINTR)
			break;
	}
	return -errno;
}

static int check_kind(mode_t mode)
{
	if (S_ISREG(mode))
		return 0;
	return S_ISDIR(mode) ? -EISDIR : -EACCES;
}

/* Returns the descriptor of a regular file, or -errno. */
static int open_regular(int root, const char *path, struct stat *stat)
{
	int fd = file_open_beneath(root, path);
	int err;

	if (fd < 0)
		return fd;
	err = fstat(fd, stat) ? -errno : check_kind(stat->st_mode);
	if (!err)
		return fd;
	close(fd);
	return err;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* The time of change of the inode tells of what a restored time of modification hides. */
static bool unchanged(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       same_time(&a->st_mtim, &b->st_mtim) && same_time(&a->st_ctim, &b->st_ctim);
}

/* FNV-1a. Strangers may choose paths, but not which of them are files. */
static uint32_t hash_of(const char *path)
{
	uint32_t hash = 2166136261U;

	for (; *path; path++)
		hash = (hash ^ (unsigned char)*path) * 16777619U;
	return hash;
}

/* Takes fd. */
static struct file *file_new(const char *path, int fd, const struct stat *stat)
{
	size_t len = strlen(path) + 1;
	struct file *f = malloc(offsetof(struct file, path) + len);

	if (!f) {
		close(fd);
		return NULL;
	}
	memset(f, 0, offsetof(struct file, path));
	memcpy(f->path, path, len);
	f->refs = 1;
	f->fd = fd;
	f->stat = *stat;
	f->type = mime_type(path);
	etag_of(stat, f->etag);
	http_date(stat->st_mtim.tv_sec, f->modified);
	return f;
}

void file_put(struct file *f)
{
	if (--f->refs)
		return;
	close(f->fd);
	kh2_headers_free(f->headers);
	free(f);
}

static void forget(struct file_cache *cache, struct file *f)
{
	LIST_REMOVE(f, same_hash);
	TAILQ_REMOVE(&cache->by_use, f, by_use);
	cache->n--;
	f->cached = false;
	file_put(f);
}

static void remember(struct file_cache *cache, struct file *f, uint32_t hash)
{
	if (!cache->max)
		return;
	if (cache->n >= cache->max)
		forget(cache, TAILQ_LAST(&cache->by_use, file_list));
	f->hash = hash;
	f->refs++;
	f->cached = true;
	LIST_INSERT_HEAD(&cache->buckets[hash & (cache->n_buckets - 1)], f, same_hash);
	TAILQ_INSERT_HEAD(&cache->by_use, f, by_use);
	cache->n++;
}

static struct file *find(struct file_cache *cache, const char *path, uint32_t hash)
{
	struct file *f;

	if (!cache->max)
		return NULL;
	LIST_FOREACH(f, &cache->buckets[hash & (cache->n_buckets - 1)], same_hash)
		if (f->hash == hash && !strcmp(f->path, path))
			return f;
	return NULL;
}

static void use(struct file_cache *cache, struct file *f, time_t now)
{
	f->used_s = now;
	if (!f->cached || f == TAILQ_FIRST(&cache->by_use))
		return;
	TAILQ_REMOVE(&cache->by_use, f, by_use);
	TAILQ_INSERT_HEAD(&cache->by_use, f, by_use);
}

/* Opens what the path leads to now; the file that is known stays if that is the same. Its new
 * reference is the caller's.
 */
static int look_again(struct file_cache *cache, const char *path, uint32_t hash, struct file **f)
{
	struct stat stat;
	int fd = open_regular(cache->root, path, &stat);

	if (fd >= 0 && *f && unchanged(&(*f)->stat, &stat)) {
		close(fd);
		(*f)->refs++;
		return 0;
	}
	if (*f)
		forget(cache, *f);
	if (fd < 0)
		return fd;
	*f = file_new(path, fd, &stat);
	if (!*f)
		return -ENOMEM;
	remember(cache, *f, hash);
	return 0;
}

int file_get(struct file_cache *cache, const char *path, time_t now, struct file **out)
{
	uint32_t hash = hash_of(path);
	struct file *f = find(cache, path, hash);
	int err;

	if (f && f->checked_s == now) {
		f->refs++;
	} else {
		err = look_again(cache, path, hash, &f);
		if (err)
			return err;
		f->checked_s = now;
	}
	use(cache, f, now);
	*out = f;
	return 0;
}

void file_cache_sweep(struct file_cache *cache, time_t now)
{
	struct file *f;

	if (!cache->n || now == cache->swept_s)
		return;
	cache->swept_s = now;
	/* a clock that was set back must not keep files open */
	while ((f = TAILQ_LAST(&cache->by_use, file_list)) &&
	       (now - f->used_s >= FILE_CACHE_IDLE_S || f->used_s > now))
		forget(cache, f);
}

int file_cache_init(struct file_cache *cache, int root, uint32_t max)
{
	*cache = (struct file_cache){ .root = root, .max = max, .n_buckets = 1 };
	TAILQ_INIT(&cache->by_use);
	if (!max)
		return 0;
	while (cache->n_buckets < max)
		cache->n_buckets *= 2;
	cache->buckets = calloc(cache->n_buckets, sizeof(*cache->buckets));
	return cache->buckets ? 0 : -ENOMEM;
}

void file_cache_exit(struct file_cache *cache)
{
	while (cache->n)
		forget(cache, TAILQ_FIRST(&cache->by_use));
	free(cache->buckets);
	cache->buckets = NULL;
	cache->max = 0;
}
