// SPDX-License-Identifier: GPL-2.0
/* Buffers as sources, and the switch between the kinds of source. */

#include <linux/bvec.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "file_source.h"
#include "session.h"
#include "source.h"
#include "user.h"

/**
 * struct kh2_buffer_source - octets in memory
 * @base: what all sources share
 * @share: pays
 * @size: octets of this object
 * @data: the octets; of the transmit area, or our own copy
 * @own: the copy
 */
struct kh2_buffer_source {
	struct kh2_source base;
	struct kh2_share *share;
	size_t size;
	const u8 *data;
	u8 own[];
};

static struct kh2_source *to_source(const struct kh2e_src *src)
{
	return container_of(src, struct kh2_source, src);
}

static struct kh2_buffer_source *to_buffer(const struct kh2e_src *src)
{
	return container_of(to_source(src), struct kh2_buffer_source, base);
}

/**
 * kh2_source_buffer() - make a source of octets in memory
 * @share: pays for it; outlives it
 * @data: the octets; without @copy they stay where they are until the source is released
 * @len: of these
 * @copy: copy them now
 *
 * Context: Process context, may sleep.
 * Return: the source, or NULL.
 */
struct kh2e_src *kh2_source_buffer(struct kh2_share *share, const u8 *data, size_t len, bool copy)
{
	struct kh2_buffer_source *b;
	size_t size = struct_size(b, own, copy ? len : 0);

	b = kh2_share_alloc(share, size, 0);
	if (!b)
		return NULL;
	memset(b, 0, sizeof(*b));
	b->share = share;
	b->size = size;
	INIT_LIST_HEAD(&b->base.want);
	if (copy)
		memcpy(b->own, data, len);
	b->data = copy ? b->own : data;
	b->base.src.avail = len;
	b->base.src.eof = true;
	b->base.src.notify = !copy;
	b->base.src.held = size;
	return &b->base.src;
}

/**
 * kh2_source_file() - make a source of a file
 * @s: session
 * @file: the file; a reference is taken
 * @off: position of the first octet
 * @len: octets, or KH2_LEN_EOF
 *
 * Context: Process context of the owner, with the session's lock held.
 * Return: the source, or ERR_PTR().
 */
struct kh2e_src *kh2_source_file(struct kh2_session *s, struct file *file, u64 off, u64 len)
{
	struct kh2_file_source *f = kh2_file_source_new(s, file, off, len);

	return IS_ERR(f) ? ERR_CAST(f) : &f->base.src;
}

/**
 * kh2_source_want() - the engine could send more of a source than it has
 * @s: session
 * @src: the source
 *
 * Context: Called by the engine, with the session's lock held.
 */
void kh2_source_want(struct kh2_session *s, struct kh2e_src *src)
{
	struct kh2_source *source = to_source(src);

	if (list_empty(&source->want))
		list_add_tail(&source->want, &s->wants);
}

/**
 * kh2_source_serve() - see to the sources that the engine wants more of
 * @s: session
 *
 * Context: Process context with the session's lock held.
 * Return: true if the engine got something.
 */
bool kh2_source_serve(struct kh2_session *s)
{
	struct kh2_source *source;
	bool got = false;

	while ((source = list_first_entry_or_null(&s->wants, struct kh2_source, want))) {
		list_del_init(&source->want);
		if (!WARN_ON_ONCE(!source->file))
			got |= kh2_file_source_fill(s, to_file_source(source));
	}
	return got;
}

static void buffer_free(struct kh2_buffer_source *b)
{
	kh2_share_free(b->share, b, b->size);
}

/**
 * kh2_source_release() - nobody needs a source any more
 * @src: the source
 *
 * Context: Process context with the session's lock held.
 */
void kh2_source_release(struct kh2e_src *src)
{
	struct kh2_source *source = to_source(src);

	list_del_init(&source->want);
	if (source->file)
		kh2_file_source_release(to_file_source(source));
	else
		buffer_free(to_buffer(src));
}

/**
 * kh2_source_has_pages() - can octets of a source be spliced?
 * @src: the source
 *
 * Lent buffers are not: kTLS may hold a spliced page in an open record, TCP
 * until the peer acknowledges it, and the owner would write to it meanwhile.
 *
 * Context: Any context.
 * Return: true for files.
 */
bool kh2_source_has_pages(const struct kh2e_src *src)
{
	return to_source(src)->file;
}

/**
 * kh2_source_parts() - vector entries that a piece of a source takes
 * @src: the source
 * @off: position
 * @len: octets
 *
 * Context: Process context with the session's lock held.
 * Return: how many, at least 1.
 */
u32 kh2_source_parts(const struct kh2e_src *src, u64 off, u32 len)
{
	if (!to_source(src)->file)
		return 1;
	return kh2_file_source_parts(to_file_source(to_source(src)), off, len);
}

/**
 * kh2_source_bvec() - a piece of a source as pages
 * @src: the source, one that has pages
 * @off: position
 * @len: octets wanted; set to those that fitted
 * @bvec: filled
 * @n: entries in @bvec
 *
 * Context: Process context with the session's lock held.
 * Return: entries used.
 */
u32 kh2_source_bvec(const struct kh2e_src *src, u64 off, u32 *len, struct bio_vec *bvec, u32 n)
{
	return kh2_file_source_bvec(to_file_source(to_source(src)), off, len, bvec, n);
}

/**
 * kh2_source_kvec() - a piece of a source as memory
 * @src: the source
 * @off: position
 * @len: octets wanted; set to those that fitted
 * @kvec: filled
 * @n: entries in @kvec
 *
 * Context: Process context with the session's lock held.
 * Return: entries used.
 */
u32 kh2_source_kvec(const struct kh2e_src *src, u64 off, u32 *len, struct kvec *kvec, u32 n)
{
	if (to_source(src)->file)
		return kh2_file_source_kvec(to_file_source(to_source(src)), off, len, kvec, n);
	kvec->iov_base = (void *)(to_buffer(src)->data + off);
	kvec->iov_len = *len;
	return 1;
}

/**
 * kh2_source_sent() - the socket has all octets before a position
 * @src: the source
 * @off: position
 *
 * Context: Process context with the session's lock held.
 */
void kh2_source_sent(struct kh2e_src *src, u64 off)
{
	if (to_source(src)->file)
		kh2_file_source_sent(to_file_source(to_source(src)), off);
}
