/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Open files by path, with what an answer says of them, for one worker. */
#ifndef KH2D_FILE_CACHE_H
#define KH2D_FILE_CACHE_H

#include <stdint.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <time.h>
#include <kh2.h>

#include "conditional.h"

#define FILE_CACHE_DEFAULT	256
#define FILE_CACHE_MAX		65536
#define FILE_CACHE_IDLE_S	10

/**
 * struct file - a regular file that is open
 * @same_hash: others of a bucket
 * @by_use: place in the cache, last used first
 * @refs: the cache's, and one for each answer that is under way
 * @cached: in the cache
 * @fd: open for reading until the last reference goes
 * @checked_s: when the path last led here
 * @used_s: when it was last asked for
 * @stat: of @fd, when it was opened
 * @type: content type
 * @etag: entity tag
 * @modified: Last-Modified
 * @headers: fields of an answer with all of it, or NULL
 * @headers_s: when these were made, for their date
 * @hash: of @path
 * @path: below the root
 */
struct file {
	LIST_ENTRY(file) same_hash;
	TAILQ_ENTRY(file) by_use;
	unsigned int refs;
	bool cached;
	int fd;
	time_t checked_s;
	time_t used_s;
	struct stat stat;
	const char *type;
	char etag[ETAG_SIZE];
	char modified[HTTP_DATE_SIZE];
	struct kh2_headers *headers;
	time_t headers_s;
	uint32_t hash;
	char path[];
};

LIST_HEAD(file_bucket, file);
TAILQ_HEAD(file_list, file);

/**
 * struct file_cache - one worker's open files
 * @root: directory, O_PATH
 * @max: most files that are kept; 0: each is opened for its request
 * @n: files kept
 * @swept_s: when idle ones were last looked for
 * @n_buckets: a power of two
 * @buckets: files by hash
 * @by_use: files, last used first
 */
struct file_cache {
	int root;
	uint32_t max;
	uint32_t n;
	time_t swept_s;
	uint32_t n_buckets;
	struct file_bucket *buckets;
	struct file_list by_use;
};

/* Returns 0 or -ENOMEM. */
int file_cache_init(struct file_cache *cache, int root, uint32_t max);

/* Files with answers under way live on until file_put(). */
void file_cache_exit(struct file_cache *cache);

/**
 * file_get() - find or open a file
 * @cache: cache
 * @path: below the root
 * @now: time(2)
 * @out: a reference, to be given back by file_put()
 *
 * What a path leads to is looked up again in every second in which it is asked
 * for: if it is another file, or the same but changed, it is opened anew, and
 * answers under way keep the old one. What could not be opened is not remembered.
 *
 * Return: 0; -EISDIR for a directory; -EACCES for what else is no regular file;
 * another -errno.
 */
int file_get(struct file_cache *cache, const char *path, time_t now, struct file **out);

void file_put(struct file *file);

/* Closes what nobody asked for in FILE_CACHE_IDLE_S seconds. */
void file_cache_sweep(struct file_cache *cache, time_t now);

/*
 * Opens for reading, following symbolic links as long as they stay below the root. Returns a
 * descriptor or -errno.
 */
int file_open_beneath(int root, const char *path);

#endif /* KH2D_FILE_CACHE_H */
