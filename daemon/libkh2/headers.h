/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* A list of fields, from the inside. */
#ifndef KH2I_HEADERS_H
#define KH2I_HEADERS_H

#include "proto.h"
#include "kh2.h"

/* A list is of a size that malloc(3) keeps for its thread, 1,032 octets at most. */
#define KH2I_HEADERS_NV		11
#define KH2I_HEADERS_BUF	528
#define KH2I_HEADERS_CHUNK	1016	/* likewise, with its head */

struct kh2i_chunk;

/**
 * struct kh2_headers - fields in order
 * @nv: fields
 * @n: how many
 * @cap: how many fit
 * @pos: octets used in the newest room
 * @room: size of the newest room
 * @buf: the newest room
 * @chunks: rooms beyond the first, newest first
 * @nv0: first room for fields
 * @buf0: first room for octets
 *
 * Octets never move while the list lives.
 */
struct kh2_headers {
	struct kh2_nv *nv;
	size_t n;
	size_t cap;
	size_t pos;
	size_t room;
	char *buf;
	struct kh2i_chunk *chunks;
	struct kh2_nv nv0[KH2I_HEADERS_NV];
	char buf0[KH2I_HEADERS_BUF];
};

/* Appends without any check: for what was received. */
int kh2i_headers_append(struct kh2_headers *h, const struct kh2_nv *nv);

_Static_assert(sizeof(struct kh2_headers) <= 1032, "malloc would search for a list");

#endif
