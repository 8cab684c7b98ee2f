/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* From a request's :path to a path below the served directory. */
#ifndef KH2D_TARGET_H
#define KH2D_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#define TARGET_INDEX	"index.html"
#define TARGET_MAX	4096

/**
 * struct target - a file that is asked for
 * @path: below the root, without a leading slash
 * @is_index: the path was that of a directory and TARGET_INDEX was added
 */
struct target {
	char path[TARGET_MAX];
	bool is_index;
};

/**
 * target_parse() - decode a :path
 * @t: result
 * @raw: value of :path
 * @len: its octets
 *
 * Percent encodings are decoded once, the query is left out. A segment that is
 * empty or begins with a dot leads nowhere, ".well-known" at the top excepted
 * (RFC 8615): so hidden files are not served, and ".." is nothing special.
 *
 * Return: 0, or the HTTP status to answer with: 400, 404 or 414.
 */
int target_parse(struct target *t, const char *raw, size_t len);

#endif /* KH2D_TARGET_H */
