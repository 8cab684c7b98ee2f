/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Header compression of one connection, both ways (RFC 7541). */
#ifndef KH2I_HPACK_H
#define KH2I_HPACK_H

#include "context.h"

struct nghttp2_hd_deflater;
struct nghttp2_hd_inflater;

/**
 * struct kh2i_hpack - the two tables
 * @deflater: for sending
 * @inflater: for receiving
 * @deflate_max: the peer's SETTINGS_HEADER_TABLE_SIZE
 */
struct kh2i_hpack {
	struct nghttp2_hd_deflater *deflater;
	struct nghttp2_hd_inflater *inflater;
	u32 deflate_max;
};

/**
 * struct kh2i_list_limits - how much of a header list is kept
 * @max_octets: names and values and 32 a field (RFC 9113 6.5.2)
 * @max_fields: fields
 */
struct kh2i_list_limits {
	size_t max_octets;
	size_t max_fields;
};

/* Beyond so many times its limits a list is not decoded to its end. */
#define KH2I_LIST_FAR 4

int kh2i_hpack_init(struct kh2i_hpack *hp, u32 max_deflate_table);
void kh2i_hpack_exit(struct kh2i_hpack *hp);
int kh2i_hpack_decode(struct kh2i_hpack *hp, const u8 *block, size_t len, struct kh2_headers *h,
		      const struct kh2i_list_limits *limits);
ssize_t kh2i_hpack_encode(struct kh2i_hpack *hp, struct kh2_ctx *ctx, const struct kh2_nv *extra,
			  const struct kh2_headers *h);
size_t kh2i_hpack_list_size(const struct kh2_nv *extra, const struct kh2_headers *h);
int kh2i_hpack_set_deflate(struct kh2i_hpack *hp, u32 octets);
int kh2i_hpack_set_inflate(struct kh2i_hpack *hp, u32 octets);
u32 kh2i_hpack_deflate_size(const struct kh2i_hpack *hp);
u32 kh2i_hpack_inflate_size(const struct kh2i_hpack *hp);

#endif
