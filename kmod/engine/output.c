// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The output queue: what is decided, in the order of the wire, until the home has sent it. */
#include "core.h"

/* Small frames share an item with room for so many octets. */
#define ITEM_MIN 96U

/* Heads of frames, with Pad Length */
#define HEAD_CAP 16U

static struct kh2e_item *item_new(struct kh2e *e, u32 cap)
{
	struct kh2e_item *item = e->ops->out_alloc(e->home, sizeof(*item) + cap);

	if (!item)
		return NULL;
	e->memory += sizeof(*item) + cap;
	memset(item, 0, sizeof(*item));
	item->cap = cap;
	list_add_tail(&item->node, &e->out.items);
	e->out.n_items++;
	return item;
}

static void item_free(struct kh2e *e, struct kh2e_item *item)
{
	struct kh2e_src *src = item->src;

	list_del(&item->node);
	e->out.n_items--;
	e->out.replies -= item->replies;
	e->out.frames -= item->frames;
	e->out.octets -= item->len - item->sent;
	e->memory -= sizeof(*item) + item->cap;
	e->ops->out_free(e->home, item, sizeof(*item) + item->cap);
	if (!src)
		return;
	src->inflight--;
	if (src->framed && !src->inflight)
		list_add_tail(&src->node, &e->done_srcs);
}

static struct kh2e_item *tail_with_room(struct kh2e *e, u32 len)
{
	struct kh2e_item *item;

	if (list_empty(&e->out.items))
		return NULL;
	item = list_last_entry(&e->out.items, struct kh2e_item, node);
	return !item->src && item->cap - item->data_len >= len ? item : NULL;
}

static struct kh2e_item *item_for(struct kh2e *e, u32 len, u32 spare)
{
	return tail_with_room(e, len) ?: item_new(e, max(len + spare, ITEM_MIN));
}

static u8 *item_extend(struct kh2e *e, struct kh2e_item *item, u32 len)
{
	u8 *p = item->data + item->data_len;

	item->data_len += len;
	item->len += len;
	e->out.octets += len;
	return p;
}

/**
 * kh2e_out_bytes() - room for octets at the end of the queue
 * @e: the connection
 * @len: octets; the caller fills all of them
 *
 * Return: the room, or NULL for want of memory.
 */
u8 *kh2e_out_bytes(struct kh2e *e, u32 len)
{
	struct kh2e_item *item = item_for(e, len, 0);

	return item ? item_extend(e, item, len) : NULL;
}

/**
 * kh2e_out_begin() - queue the head of a frame
 * @e: the connection
 * @f: its head
 * @extra: octets behind the head that the caller fills, at most f->len
 *
 * A frame that finds no memory ends the connection: the peer waits for it.
 *
 * Return: where the @extra octets go, or NULL for want of memory.
 */
u8 *kh2e_out_begin(struct kh2e *e, const struct kh2e_frame *f, u32 extra)
{
	u32 len = KH2_FRAME_HEAD_LEN + extra;
	struct kh2e_item *item;
	u8 *p;

	/* a head alone is followed by octets of a source, and those by another item */
	if (extra < f->len)
		item = tail_with_room(e, len) ?: item_new(e, HEAD_CAP);
	else
		item = item_for(e, len, HEAD_CAP);
	if (!item) {
		kh2e_abort(e, KH2_C_CONN_MEMORY);
		return NULL;
	}
	p = item_extend(e, item, len);
	kh2e_frame_put(p, f);
	item->frames++;
	e->out.frames++;
	kh2e_frame_count(e, true, f);
	return p + KH2_FRAME_HEAD_LEN;
}

/**
 * kh2e_out_frame() - queue a frame
 * @e: the connection
 * @f: its head
 * @payload: f->len octets
 * @reply: the peer provoked it: bounded by KH2_L_REPLIES
 *
 * Return: 0 or -ENOMEM.
 */
int kh2e_out_frame(struct kh2e *e, const struct kh2e_frame *f, const void *payload, bool reply)
{
	u8 *p = kh2e_out_begin(e, f, f->len);

	if (!p)
		return -ENOMEM;
	if (f->len)
		memcpy(p, payload, f->len);
	if (!reply)
		return 0;
	list_last_entry(&e->out.items, struct kh2e_item, node)->replies++;
	if (++e->out.replies > e->limits[KH2_L_REPLIES])
		kh2e_fail(e, KH2_ENHANCE_YOUR_CALM, KH2_C_FLOOD_REPLY);
	return 0;
}

/**
 * kh2e_out_src() - queue octets of a source, in one item with the octets before if it can be
 * @e: the connection
 * @src: the source; its position moves on
 * @len: octets, at most src->avail
 *
 * Return: 0 or -ENOMEM.
 */
int kh2e_out_src(struct kh2e *e, struct kh2e_src *src, u32 len)
{
	struct kh2e_item *item = tail_with_room(e, 0) ?: item_new(e, 0);

	if (!item)
		return -ENOMEM;
	item->src = src;
	item->off = src->off;
	item->len += len;
	e->out.octets += len;
	src->off += len;
	src->avail -= len;
	src->inflight++;
	return 0;
}

/**
 * kh2e_out_rst() - queue RST_STREAM
 * @e: the connection
 * @stream: stream identifier
 * @code: HTTP/2 code
 */
void kh2e_out_rst(struct kh2e *e, u32 stream, u32 code)
{
	const struct kh2e_frame f = { .len = 4, .type = KH2_FRAME_RST_STREAM, .stream = stream };
	u8 payload[4];

	put_unaligned_be32(code, payload);
	kh2e_out_frame(e, &f, payload, true);
}

/**
 * kh2e_out_window_update() - queue WINDOW_UPDATE
 * @e: the connection
 * @stream: stream identifier, 0 for the connection
 * @increment: octets
 */
void kh2e_out_window_update(struct kh2e *e, u32 stream, u32 increment)
{
	const struct kh2e_frame f = { .len = 4, .type = KH2_FRAME_WINDOW_UPDATE,
				      .stream = stream };
	u8 payload[4];

	put_unaligned_be32(increment, payload);
	kh2e_out_frame(e, &f, payload, false);
}

/**
 * kh2e_out_goaway() - queue GOAWAY
 * @e: the connection
 * @last_id: last stream
 * @code: HTTP/2 code
 * @debug: debug data
 * @len: octets of it
 *
 * Return: 0 or -ENOMEM.
 */
int kh2e_out_goaway(struct kh2e *e, u32 last_id, u32 code, const void *debug, u32 len)
{
	const struct kh2e_frame f = { .len = 8 + len, .type = KH2_FRAME_GOAWAY };
	u8 *p = kh2e_out_begin(e, &f, f.len);

	if (!p)
		return -ENOMEM;
	put_unaligned_be32(last_id, p);
	put_unaligned_be32(code, p + 4);
	if (len)
		memcpy(p + 8, debug, len);
	return 0;
}

/**
 * kh2e_out_drop() - drop the whole queue: nothing can be sent any more
 * @e: the connection
 */
void kh2e_out_drop(struct kh2e *e)
{
	struct kh2e_item *item, *next;

	list_for_each_entry_safe(item, next, &e->out.items, node) {
		if (item->src && !item->src->status)
			item->src->status = -ECONNRESET;
		item_free(e, item);
	}
}

/* The segment of an item that begins behind @from of its octets: its own, or the source's. */
static u32 item_seg(const struct kh2e_item *item, u32 from, size_t max, struct kh2e_seg *seg)
{
	bool own = from < item->data_len;

	seg->bytes = own ? item->data + from : NULL;
	seg->src = own ? NULL : item->src;
	seg->off = own ? 0 : item->off + from - item->data_len;
	seg->len = (u32)min_t(u64, (own ? item->data_len : item->len) - from, max);
	return seg->len;
}

static int fill_segs(struct kh2e *e, struct kh2e_seg *segs, int n_segs, size_t max)
{
	struct kh2e_item *item;
	size_t total = 0;
	int n = 0;

	list_for_each_entry(item, &e->out.items, node) {
		for (u32 at = item->sent; at < item->len && n < n_segs && total < max; n++) {
			u32 len = item_seg(item, at, max - total, &segs[n]);

			at += len;
			total += len;
		}
	}
	return n;
}

/**
 * kh2e_pull() - what to send now
 * @e: the connection
 * @segs: filled, in the order of the wire
 * @n_segs: entries in @segs
 * @max: octets at the most
 *
 * Frames of streams are decided here, as late as can be. Nothing is taken out
 * of the queue: that is kh2e_sent(); the segments stay valid until then.
 *
 * Return: entries filled, 0 if there is nothing to send.
 */
int kh2e_pull(struct kh2e *e, struct kh2e_seg *segs, int n_segs, size_t max)
{
	int n;

	/* a frame is head and octets in one item, padding in another, at the least */
	while (e->phase != KH2E_DONE && e->out.octets < max &&
	       (!e->out.n_items || 2 * (e->out.n_items + 2) <= (u32)n_segs) && kh2e_send_data(e))
		;
	n = fill_segs(e, segs, n_segs, max);
	kh2e_notify(e);
	return n;
}

/**
 * kh2e_pending() - would kh2e_pull() give something?
 * @e: the connection
 *
 * Return: true if so.
 */
bool kh2e_pending(struct kh2e *e)
{
	return !list_empty(&e->out.items) || (e->phase != KH2E_DONE && kh2e_sched_pending(e));
}

/**
 * kh2e_sent() - the home has sent octets of what kh2e_pull() gave
 * @e: the connection
 * @n: octets
 */
void kh2e_sent(struct kh2e *e, size_t n)
{
	kh2e_count(e, KH2_C_TX_OCTETS, n);
	while (n && !list_empty(&e->out.items)) {
		struct kh2e_item *item = list_first_entry(&e->out.items, struct kh2e_item, node);
		u32 part = (u32)min_t(u64, n, item->len - item->sent);

		item->sent += part;
		e->out.octets -= part;
		n -= part;
		if (item->sent == item->len)
			item_free(e, item);
	}
	WARN_ON_ONCE(n);
	kh2e_notify(e);
}
