/* SPDX-License-Identifier: GPL-2.0 */
/* Where the octets of DATA come from: buffers and files behind one interface. */
#ifndef KH2_SOURCE_H
#define KH2_SOURCE_H

#include <linux/list.h>
#include <linux/types.h>

#include "engine/engine.h"

struct bio_vec;
struct file;
struct kh2_session;
struct kh2_share;
struct kvec;

/**
 * struct kh2_source - a source, the part that all kinds share
 * @src: the engine's view
 * @file: it is a struct kh2_file_source, otherwise a struct kh2_buffer_source
 * @want: in the session's list of sources that were asked for more
 */
struct kh2_source {
	struct kh2e_src src;
	bool file;
	struct list_head want;
};

struct kh2e_src *kh2_source_buffer(struct kh2_share *share, const u8 *data, size_t len, bool copy);
struct kh2e_src *kh2_source_file(struct kh2_session *s, struct file *file, u64 off, u64 len);

void kh2_source_want(struct kh2_session *s, struct kh2e_src *src);
bool kh2_source_serve(struct kh2_session *s);
void kh2_source_release(struct kh2e_src *src);

bool kh2_source_has_pages(const struct kh2e_src *src);
u32 kh2_source_parts(const struct kh2e_src *src, u64 off, u32 len);
u32 kh2_source_bvec(const struct kh2e_src *src, u64 off, u32 *len, struct bio_vec *bvec, u32 n);
u32 kh2_source_kvec(const struct kh2e_src *src, u64 off, u32 *len, struct kvec *kvec, u32 n);
void kh2_source_sent(struct kh2e_src *src, u64 off);

#endif
