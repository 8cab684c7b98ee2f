/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The static application: the files below a directory. */
#ifndef KH2D_STATIC_H
#define KH2D_STATIC_H

#include <time.h>
#include <kh2.h>

#include "access_log.h"
#include "file_cache.h"

/**
 * struct static_app - one worker's static application
 * @root: directory, O_PATH
 * @headers: fields for every response
 * @files: open files
 * @log: access log; its descriptor is -1 if there is none
 * @date: Date field of the second @date_s
 * @date_s: when @date was made
 */
struct static_app {
	int root;
	const struct kh2_headers *headers;
	struct file_cache files;
	struct access_log log;
	char date[32];
	time_t date_s;
};

/* Opens the directory; exits if it cannot. */
int static_open_root(const char *path);

/* Exits if the user that we are cannot read the directory, or the kernel lacks openat2(2). */
void static_check_root(int root, const char *path);

/* on_stream of a server; @user: struct static_app. */
void static_on_stream(struct kh2_server *srv, struct kh2_stream *st, const struct kh2_headers *h,
		      uint8_t flags, void *user);

#endif /* KH2D_STATIC_H */
