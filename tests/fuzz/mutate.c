// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Mutation by frames, for targets whose input ends in octets of a peer: they say by fuzz_prefix
 * how many octets of their own come before. Others leave it 0 and get libFuzzer's own.
 */
#include "app.h"
#include "mutate.h"

size_t LLVMFuzzerMutate(u8 *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max, unsigned int seed);

#define N_FRAMES 512

struct frame {
	size_t at;
	size_t size;
};

/**
 * struct edit - an input under mutation
 * @max: octets that it may have
 * @begin: where its frames begin
 * @frames: whole ones, in order
 */
struct edit {
	u8 *data;
	size_t size, max;
	size_t begin;
	struct frame frames[N_FRAMES];
	size_t n;
	u32 random;
};

static u32 below(struct edit *e, u32 n)
{
	e->random = e->random * 1664525 + 1013904223;
	return (e->random >> 8) % n;
}

static void find_frames(struct edit *e)
{
	const u8 *d = e->data;
	size_t at = fuzz_prefix;

	if (e->size >= at + KH2_PREFACE_LEN && !memcmp(d + at, KH2_PREFACE, KH2_PREFACE_LEN))
		at += KH2_PREFACE_LEN;
	e->begin = min(at, e->size);
	e->n = 0;
	while (at + KH2_FRAME_HEAD_LEN <= e->size && e->n < N_FRAMES) {
		size_t len = KH2_FRAME_HEAD_LEN +
			((size_t)d[at] << 16 | (size_t)d[at + 1] << 8 | d[at + 2]);

		if (len > e->size - at)
			break;
		e->frames[e->n++] = (struct frame){ at, len };
		at += len;
	}
}

/* Makes a gap of @size at @at; false if there is no room */
static bool open_gap(struct edit *e, size_t at, size_t size)
{
	if (size > e->max - e->size)
		return false;
	memmove(e->data + at + size, e->data + at, e->size - at);
	e->size += size;
	return true;
}

static void cut(struct edit *e, size_t at, size_t size)
{
	memmove(e->data + at, e->data + at + size, e->size - at - size);
	e->size -= size;
}

/* The place before a frame, or behind the last */
static size_t any_border(struct edit *e)
{
	u32 i = below(e, e->n + 1);

	if (i < e->n)
		return e->frames[i].at;
	return e->n ? e->frames[e->n - 1].at + e->frames[e->n - 1].size : e->begin;
}

static u32 any_stream(struct edit *e)
{
	u32 c = below(e, 16);

	if (c < 9)
		return 1 + 2 * below(e, 6);
	if (c < 12)
		return 2 + 2 * below(e, 3);
	if (c == 12)
		return below(e, 1 << 30);
	return c < 15 ? 1 + 2 * below(e, 40) : 0;
}

/* What most frames of a type look like; streams are chosen apart */
static const struct shape {
	u8 type, flags, len;
	bool stream;
	u8 payload[8];
} shapes[] = {
	{ KH2_FRAME_HEADERS, 5, 3, true, { 0x82, 0x87, 0x84 } },
	{ KH2_FRAME_HEADERS, 4, 3, true, { 0x82, 0x87, 0x84 } },
	{ KH2_FRAME_HEADERS, 1, 1, true, { 0x82 } },
	{ KH2_FRAME_HEADERS, 0x25, 7, true, { 0, 0, 0, 1, 9, 0x82, 0x84 } },
	{ KH2_FRAME_HEADERS, 0xd, 4, true, { 1, 0x82, 0x84, 0 } },
	{ KH2_FRAME_CONTINUATION, 4, 2, true, { 0x87, 0x84 } },
	{ KH2_FRAME_CONTINUATION, 0, 1, true, { 0x84 } },
	{ KH2_FRAME_DATA, 0, 5, true, "hello" },
	{ KH2_FRAME_DATA, 1, 5, true, "hello" },
	{ KH2_FRAME_DATA, 9, 5, true, { 2, 'a', 'b' } },
	{ KH2_FRAME_DATA, 0, 0, true, { 0 } },
	{ KH2_FRAME_PRIORITY, 0, 5, true, { 0, 0, 0, 3, 200 } },
	{ KH2_FRAME_RST_STREAM, 0, 4, true, { 0, 0, 0, 8 } },
	{ KH2_FRAME_SETTINGS, 0, 6, false, { 0, 4, 0, 0, 0, 20 } },
	{ KH2_FRAME_SETTINGS, 0, 6, false, { 0, 1, 0, 0, 0, 0 } },
	{ KH2_FRAME_SETTINGS, 0, 6, false, { 0, 5, 0, 0, 0x80, 0 } },
	{ KH2_FRAME_SETTINGS, 1, 0, false, { 0 } },
	{ KH2_FRAME_PUSH_PROMISE, 4, 6, true, { 0, 0, 0, 2, 0x82, 0x84 } },
	{ KH2_FRAME_PING, 0, 8, false, "kh2 bye" },
	{ KH2_FRAME_PING, 1, 8, false, "kh2 bye" },
	{ KH2_FRAME_GOAWAY, 0, 8, false, { 0, 0, 0, 1, 0, 0, 0, 0 } },
	{ KH2_FRAME_WINDOW_UPDATE, 0, 4, true, { 0, 0, 0x40, 0 } },
	{ KH2_FRAME_WINDOW_UPDATE, 0, 4, false, { 0, 0, 0x40, 0 } },
	{ KH2_FRAME_WINDOW_UPDATE, 0, 4, true, { 0x7f, 0xff, 0xff, 0xff } },
	{ KH2_FRAME_ALTSVC, 0, 4, false, { 0, 1, 'a', 'b' } },
	{ KH2_FRAME_ORIGIN, 0, 3, false, { 0, 1, 'a' } },
	{ KH2_FRAME_PRIORITY_UPDATE, 0, 7, false, { 0, 0, 0, 1, 'u', '=', '0' } },
	{ 0x55, 0, 2, true, { 0 } },
};

static void insert_frame(struct edit *e)
{
	const struct shape *s = &shapes[below(e, ARRAY_SIZE(shapes))];
	size_t at = any_border(e);
	u8 *p = e->data + at;

	if (!open_gap(e, at, KH2_FRAME_HEAD_LEN + s->len))
		return;
	memset(p, 0, 3);
	p[2] = s->len;
	p[3] = s->type;
	p[4] = s->flags;
	put_unaligned_be32(s->stream ? any_stream(e) : 0, p + 5);
	memcpy(p + KH2_FRAME_HEAD_LEN, s->payload, s->len);
}

static struct frame *any_frame(struct edit *e)
{
	return &e->frames[below(e, e->n)];
}

static void delete_frame(struct edit *e)
{
	struct frame *f = any_frame(e);

	cut(e, f->at, f->size);
}

static void copy_frame(struct edit *e)
{
	static u8 copy[1 << 16];
	struct frame f = *any_frame(e);
	size_t at = any_border(e);

	if (f.size > sizeof(copy))
		return;
	memcpy(copy, e->data + f.at, f.size);
	if (open_gap(e, at, f.size))
		memcpy(e->data + at, copy, f.size);
}

static void move_frame(struct edit *e)
{
	static u8 copy[1 << 16];
	struct frame f = *any_frame(e);

	if (f.size > sizeof(copy))
		return;
	memcpy(copy, e->data + f.at, f.size);
	cut(e, f.at, f.size);
	find_frames(e);
	f.at = any_border(e);
	if (open_gap(e, f.at, f.size))
		memcpy(e->data + f.at, copy, f.size);
}

static void change_stream(struct edit *e)
{
	put_unaligned_be32(any_stream(e), e->data + any_frame(e)->at + 5);
}

static void change_flags(struct edit *e)
{
	static const u8 flags[] = { 1, 4, 8, 0x20 };

	e->data[any_frame(e)->at + 4] ^= flags[below(e, sizeof(flags))];
}

static void change_type(struct edit *e)
{
	e->data[any_frame(e)->at + 3] = below(e, 18);
}

/* The payload gets longer or shorter, and its length says so */
static void change_payload(struct edit *e)
{
	struct frame *f = any_frame(e);
	size_t len = f->size - KH2_FRAME_HEAD_LEN, new;
	static u8 payload[1 << 14];
	u8 *p = e->data + f->at;

	if (len > sizeof(payload))
		return;
	memcpy(payload, p + KH2_FRAME_HEAD_LEN, len);
	new = LLVMFuzzerMutate(payload, len, min(sizeof(payload), len + e->max - e->size));
	cut(e, f->at + KH2_FRAME_HEAD_LEN, len);
	open_gap(e, f->at + KH2_FRAME_HEAD_LEN, new);
	memcpy(p + KH2_FRAME_HEAD_LEN, payload, new);
	p[0] = (u8)(new >> 16);
	p[1] = (u8)(new >> 8);
	p[2] = (u8)new;
}

/* A block goes on in a CONTINUATION */
static void split_block(struct edit *e)
{
	struct frame *f = any_frame(e);
	size_t len = f->size - KH2_FRAME_HEAD_LEN, first;
	u8 *p = e->data + f->at, *c;

	if (p[3] != KH2_FRAME_HEADERS && p[3] != KH2_FRAME_CONTINUATION)
		return;
	first = below(e, len + 1);
	c = p + KH2_FRAME_HEAD_LEN + first;
	if (!open_gap(e, f->at + KH2_FRAME_HEAD_LEN + first, KH2_FRAME_HEAD_LEN))
		return;
	memcpy(c, p, KH2_FRAME_HEAD_LEN);
	c[3] = KH2_FRAME_CONTINUATION;
	c[4] = p[4] & KH2_FLAG_END_HEADERS;
	p[4] &= ~KH2_FLAG_END_HEADERS;
	p[0] = (u8)(first >> 16);
	p[1] = (u8)(first >> 8);
	p[2] = (u8)first;
	len -= first;
	c[0] = (u8)(len >> 16);
	c[1] = (u8)(len >> 8);
	c[2] = (u8)len;
}

static void (*const edits[])(struct edit *e) = {
	insert_frame, insert_frame, insert_frame, delete_frame, copy_frame, copy_frame, move_frame,
	change_stream, change_stream, change_flags, change_type, change_payload, change_payload,
	split_block,
};

size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max, unsigned int seed)
{
	static struct edit e;

	e.data = data;
	e.size = size;
	e.max = max;
	e.random = seed;
	if (!fuzz_prefix || size < fuzz_prefix || !below(&e, 4))
		return LLVMFuzzerMutate(data, size, max);
	for (u32 n = 1 + below(&e, 4); n; n--) {
		find_frames(&e);
		if (e.n)
			edits[below(&e, ARRAY_SIZE(edits))](&e);
		else
			insert_frame(&e);
	}
	return e.size;
}
