// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Header compression by libnghttp2: every block in order, whatever becomes of it (RFC 7541). */
#include <stdlib.h>

#include <nghttp2/nghttp2.h>

#include "headers.h"
#include "hpack.h"

#define NV_MAX 512

/**
 * kh2i_hpack_init() - make both tables
 * @hp: tables
 * @max_deflate_table: octets that the table for sending may have at most
 *
 * Return: 0 or -ENOMEM.
 */
int kh2i_hpack_init(struct kh2i_hpack *hp, u32 max_deflate_table)
{
	hp->inflater = NULL;
	hp->deflate_max = 4096;
	if (nghttp2_hd_deflate_new(&hp->deflater, max_deflate_table)) {
		hp->deflater = NULL;
		return -ENOMEM;
	}
	if (nghttp2_hd_inflate_new(&hp->inflater)) {
		hp->inflater = NULL;
		kh2i_hpack_exit(hp);
		return -ENOMEM;
	}
	return 0;
}

/**
 * kh2i_hpack_exit() - free both tables
 * @hp: tables
 */
void kh2i_hpack_exit(struct kh2i_hpack *hp)
{
	if (hp->deflater)
		nghttp2_hd_deflate_del(hp->deflater);
	if (hp->inflater)
		nghttp2_hd_inflate_del(hp->inflater);
	hp->deflater = NULL;
	hp->inflater = NULL;
}

/* What is counted of a list while it is decoded */
struct list_size {
	size_t octets;
	size_t fields;
};

static bool over_by(const struct list_size *size, const struct kh2i_list_limits *limits,
		    size_t times)
{
	return size->octets > times * limits->max_octets ||
	       size->fields > times * limits->max_fields;
}

static int keep(struct kh2_headers *h, const nghttp2_nv *in)
{
	struct kh2_nv nv = {
		.name = (const char *)in->name,
		.value = (const char *)in->value,
		.name_len = in->namelen,
		.value_len = in->valuelen,
		.flags = in->flags & NGHTTP2_NV_FLAG_NO_INDEX ? KH2_NV_NEVER_INDEX : 0,
	};

	return kh2i_headers_append(h, &nv);
}

/* One field. 0; -E2BIG to decode no more; -ENOMEM. */
static int take(struct kh2_headers *h, const nghttp2_nv *nv, struct list_size *size,
		const struct kh2i_list_limits *limits)
{
	size->octets += nv->namelen + nv->valuelen + 32;
	size->fields++;
	if (over_by(size, limits, 1))
		return over_by(size, limits, KH2I_LIST_FAR) ? -E2BIG : 0;
	return h ? keep(h, nv) : 0;
}

/**
 * kh2i_hpack_decode() - decode one whole block
 * @hp: tables
 * @block: octets
 * @len: how many
 * @h: where fields go, or NULL to keep the table in step only
 * @limits: how much is kept
 *
 * Return: 0; -EMSGSIZE if the list was over its limits and is not whole;
 * -E2BIG if it was so by far that decoding it was not worth it, and the table is lost;
 * KH2_ERR_PROTOCOL if the block cannot be decoded (COMPRESSION_ERROR); -ENOMEM.
 */
int kh2i_hpack_decode(struct kh2i_hpack *hp, const u8 *block, size_t len, struct kh2_headers *h,
		      const struct kh2i_list_limits *limits)
{
	struct list_size size = { 0 };
	int err;

	for (;;) {
		int flags = 0;
		nghttp2_nv nv;
		ssize_t n = nghttp2_hd_inflate_hd2(hp->inflater, &nv, &flags, block, len, 1);

		if (n == NGHTTP2_ERR_NOMEM)
			return -ENOMEM;
		if (n < 0)
			return KH2_ERR_PROTOCOL;
		block += n;
		len -= (size_t)n;
		err = flags & NGHTTP2_HD_INFLATE_EMIT ? take(h, &nv, &size, limits) : 0;
		if (err)
			return err;
		if (flags & NGHTTP2_HD_INFLATE_FINAL)
			break;
		if (!n && !(flags & NGHTTP2_HD_INFLATE_EMIT))
			return KH2_ERR_PROTOCOL;
	}
	nghttp2_hd_inflate_end_headers(hp->inflater);
	return h && over_by(&size, limits, 1) ? -EMSGSIZE : 0;
}

static size_t nv_add(nghttp2_nv *out, size_t n, const struct kh2_nv *in)
{
	out[n] = (nghttp2_nv){
		.name = (uint8_t *)in->name,
		.value = (uint8_t *)in->value,
		.namelen = in->name_len,
		.valuelen = in->value_len,
		.flags = in->flags & KH2_NV_NEVER_INDEX ? NGHTTP2_NV_FLAG_NO_INDEX : 0,
	};
	return n + 1;
}

static size_t nv_list(nghttp2_nv *nva, const struct kh2_nv *extra, const struct kh2_headers *h)
{
	size_t n = 0;

	if (extra)
		n = nv_add(nva, n, extra);
	for (size_t i = 0; h && i < h->n; i++)
		if (h->nv[i].name[0] == ':')
			n = nv_add(nva, n, &h->nv[i]);
	for (size_t i = 0; h && i < h->n; i++)
		if (h->nv[i].name[0] != ':')
			n = nv_add(nva, n, &h->nv[i]);
	return n;
}

static int scratch_grow(struct kh2_ctx *ctx, size_t len)
{
	u8 *p;

	if (len <= ctx->scratch_len)
		return 0;
	p = realloc(ctx->scratch, len);
	if (!p)
		return -ENOMEM;
	ctx->scratch = p;
	ctx->scratch_len = len;
	return 0;
}

/**
 * kh2i_hpack_encode() - encode a block into the context's scratch memory
 * @hp: tables
 * @ctx: context
 * @extra: a field to begin with, or NULL
 * @h: fields, those with a colon first; may be NULL
 *
 * What was encoded must be sent: the peer's table follows ours. A block without
 * fields is not empty: it says the size of the table (RFC 7541 6.3), since the
 * engine takes no empty blocks.
 *
 * Return: octets; -EMSGSIZE for more than NV_MAX fields; -ENOMEM, after which
 * the table may be out of step if it came from within the encoder.
 */
ssize_t kh2i_hpack_encode(struct kh2i_hpack *hp, struct kh2_ctx *ctx, const struct kh2_nv *extra,
			  const struct kh2_headers *h)
{
	nghttp2_nv nva[NV_MAX + 1];
	size_t n, bound;
	ssize_t len;

	if (h && h->n > NV_MAX)
		return -EMSGSIZE;
	n = nv_list(nva, extra, h);
	if (!n && kh2i_hpack_set_deflate(hp, hp->deflate_max))
		return -ENOMEM;
	bound = nghttp2_hd_deflate_bound(hp->deflater, nva, n);
	if (scratch_grow(ctx, bound))
		return -ENOMEM;
	len = nghttp2_hd_deflate_hd(hp->deflater, ctx->scratch, ctx->scratch_len, nva, n);
	return len < 0 ? KH2_ERR_INTERNAL : len;
}

/**
 * kh2i_hpack_list_size() - size of a header list as SETTINGS_MAX_HEADER_LIST_SIZE counts it
 * @extra: a field more, or NULL
 * @h: fields, or NULL
 *
 * Return: octets (RFC 9113 6.5.2).
 */
size_t kh2i_hpack_list_size(const struct kh2_nv *extra, const struct kh2_headers *h)
{
	size_t octets = extra ? extra->name_len + extra->value_len + 32 : 0;

	for (size_t i = 0; h && i < h->n; i++)
		octets += h->nv[i].name_len + h->nv[i].value_len + 32;
	return octets;
}

/**
 * kh2i_hpack_set_deflate() - the peer changed SETTINGS_HEADER_TABLE_SIZE
 * @hp: tables
 * @octets: its value
 *
 * Return: 0 or -ENOMEM.
 */
int kh2i_hpack_set_deflate(struct kh2i_hpack *hp, u32 octets)
{
	hp->deflate_max = octets;
	return nghttp2_hd_deflate_change_table_size(hp->deflater, octets) ? -ENOMEM : 0;
}

/**
 * kh2i_hpack_set_inflate() - the peer acknowledged our SETTINGS_HEADER_TABLE_SIZE
 * @hp: tables
 * @octets: its value
 *
 * Return: 0 or -ENOMEM.
 */
int kh2i_hpack_set_inflate(struct kh2i_hpack *hp, u32 octets)
{
	return nghttp2_hd_inflate_change_table_size(hp->inflater, octets) ? -ENOMEM : 0;
}

u32 kh2i_hpack_deflate_size(const struct kh2i_hpack *hp)
{
	return (u32)nghttp2_hd_deflate_get_dynamic_table_size(hp->deflater);
}

u32 kh2i_hpack_inflate_size(const struct kh2i_hpack *hp)
{
	return (u32)nghttp2_hd_inflate_get_dynamic_table_size(hp->inflater);
}
