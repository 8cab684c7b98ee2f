// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Frames: their heads, and the table that says what each type allows and who handles it. */
#include "core.h"

enum stream_rule {
	ON_STREAM,
	ON_CONNECTION,
	ON_EITHER,
};

/**
 * struct frame_rule - what RFC 9113 6 says of a type
 * @known: handled by the engine
 * @min: least octets of payload
 * @max: most; 0 for no bound of its own
 * @where: on which streams
 * @event: posts an event with the payload, at most
 * @handle: called with the whole payload; NULL where that is streamed or skipped
 */
struct frame_rule {
	bool known;
	u32 min;
	u32 max;
	enum stream_rule where;
	bool event;
	void (*handle)(struct kh2e *e, const struct kh2e_frame *f, const u8 *payload);
};

static void handle_rst_stream(struct kh2e *e, const struct kh2e_frame *f, const u8 *payload);
static void handle_window_update(struct kh2e *e, const struct kh2e_frame *f, const u8 *payload);

/* PRIORITY of a wrong length is a stream error, so its handler looks (6.3). */
static const struct frame_rule frame_rules[] = {
	[KH2_FRAME_DATA]	  = { true, 0, 0, ON_STREAM, true, NULL },
	[KH2_FRAME_HEADERS]	  = { true, 0, 0, ON_STREAM, true, kh2e_block_begin },
	[KH2_FRAME_PRIORITY]	  = { true, 0, 0, ON_STREAM, false, kh2e_priority_recv },
	[KH2_FRAME_RST_STREAM]	  = { true, 4, 4, ON_STREAM, true, handle_rst_stream },
	[KH2_FRAME_SETTINGS]	  = { true, 0, 0, ON_CONNECTION, true, kh2e_settings_recv },
	[KH2_FRAME_PUSH_PROMISE]  = { true, 4, 0, ON_STREAM, true, kh2e_block_begin },
	[KH2_FRAME_PING]	  = { true, 8, 8, ON_CONNECTION, true, kh2e_ping_recv },
	[KH2_FRAME_GOAWAY]	  = { true, 8, 0, ON_CONNECTION, true, kh2e_goaway_recv },
	[KH2_FRAME_WINDOW_UPDATE] = { true, 4, 4, ON_EITHER, false, handle_window_update },
	[KH2_FRAME_CONTINUATION]  = { true, 0, 0, ON_STREAM, true, kh2e_block_continue },
	[KH2_FRAME_ALTSVC]	  = { true, 2, 0, ON_EITHER, true, kh2e_altsvc_recv },
	[KH2_FRAME_ORIGIN]	  = { true, 0, 0, ON_EITHER, true, kh2e_origin_recv },
	[KH2_FRAME_PRIORITY_UPDATE] = { true, 4, 0, ON_CONNECTION, true,
					kh2e_priority_update_recv },
};

static const struct frame_rule unknown_rule = { false, 0, 0, ON_EITHER, false, NULL };

static const struct frame_rule *rule_of(const struct kh2e *e, u8 type)
{
	bool client = e->role == KH2E_CLIENT;

	if (type >= ARRAY_SIZE(frame_rules) || !frame_rules[type].known)
		return &unknown_rule;
	/* RFC 7838 4, RFC 8336 2: for clients */
	if (type == KH2_FRAME_ALTSVC || type == KH2_FRAME_ORIGIN)
		return client ? &frame_rules[type] : &unknown_rule;
	return &frame_rules[type];
}

/**
 * kh2e_frame_get() - read a head
 * @f: filled; the reserved bit is ignored
 * @head: nine octets
 */
void kh2e_frame_get(struct kh2e_frame *f, const u8 head[KH2_FRAME_HEAD_LEN])
{
	f->len = (u32)head[0] << 16 | (u32)head[1] << 8 | head[2];
	f->type = head[3];
	f->flags = head[4];
	f->stream = get_unaligned_be32(head + 5) & KH2_ID_MAX;
}

/**
 * kh2e_frame_put() - write a head
 * @head: nine octets
 * @f: what to write
 */
void kh2e_frame_put(u8 head[KH2_FRAME_HEAD_LEN], const struct kh2e_frame *f)
{
	head[0] = (u8)(f->len >> 16);
	head[1] = (u8)(f->len >> 8);
	head[2] = (u8)f->len;
	head[3] = f->type;
	head[4] = f->flags;
	put_unaligned_be32(f->stream, head + 5);
}

/**
 * kh2e_frame_count() - count a frame and show it to observers
 * @e: the connection
 * @sent: sent, not received
 * @f: the frame
 */
void kh2e_frame_count(struct kh2e *e, bool sent, const struct kh2e_frame *f)
{
	u32 base = sent ? KH2_C_TX_FRAME_DATA : KH2_C_RX_FRAME_DATA;
	u32 type = min_t(u32, f->type, KH2_FRAME_CONTINUATION + 1);

	BUILD_BUG_ON(KH2_C_RX_FRAME_UNKNOWN - KH2_C_RX_FRAME_DATA != KH2_FRAME_CONTINUATION + 1);
	BUILD_BUG_ON(KH2_C_TX_FRAME_UNKNOWN - KH2_C_TX_FRAME_DATA != KH2_FRAME_CONTINUATION + 1);
	kh2e_count(e, base + type, 1);
	if (e->ops->frame)
		e->ops->frame(e->home, sent, f->len, f->type, f->flags, f->stream);
}

static bool fail(struct kh2e *e, u32 code, enum kh2_counter why)
{
	kh2e_fail(e, code, why);
	return false;
}

static bool check_length(struct kh2e *e, const struct kh2e_frame *f, const struct frame_rule *rule)
{
	if (f->len > max(e->local.max_frame_size, KH2_FRAME_SIZE_MIN))
		return fail(e, KH2_FRAME_SIZE_ERROR, KH2_C_CONN_FRAME_SIZE);
	if (f->len < rule->min || (rule->max && f->len > rule->max))
		return fail(e, KH2_FRAME_SIZE_ERROR, KH2_C_CONN_FRAME_LENGTH);
	if (f->type == KH2_FRAME_SETTINGS &&
	    ((f->flags & KH2_FLAG_ACK) ? f->len != 0 : f->len % 6 != 0))
		return fail(e, KH2_FRAME_SIZE_ERROR, KH2_C_CONN_FRAME_LENGTH);
	return true;
}

/* RFC 9113 6.10: between HEADERS and its last CONTINUATION nothing else comes. */
static bool check_continuation(struct kh2e *e, const struct kh2e_frame *f)
{
	struct kh2e_block *b = &e->block;
	bool continues = f->type == KH2_FRAME_CONTINUATION;

	if (b->active != continues || (continues && f->stream != b->frame.stream))
		return fail(e, KH2_PROTOCOL_ERROR, KH2_C_CONN_CONTINUATION);
	if (!continues)
		return true;
	if (++b->n_frames > e->limits[KH2_L_BLOCK_FRAMES] ||
	    (u64)b->len + f->len > e->limits[KH2_L_BLOCK_OCTETS])
		return fail(e, KH2_ENHANCE_YOUR_CALM, KH2_C_FLOOD_HEADER_BLOCK);
	return true;
}

/**
 * kh2e_frame_check() - may this frame come now?
 * @e: the connection
 * @f: the frame
 *
 * Return: false if the connection has failed.
 */
bool kh2e_frame_check(struct kh2e *e, const struct kh2e_frame *f)
{
	const struct frame_rule *rule = rule_of(e, f->type);

	if (!e->rx.settings_seen &&
	    (f->type != KH2_FRAME_SETTINGS || (f->flags & KH2_FLAG_ACK)))
		return fail(e, KH2_PROTOCOL_ERROR, KH2_C_CONN_FIRST_FRAME);
	if (!check_continuation(e, f) || !check_length(e, f, rule))
		return false;
	if ((rule->where == ON_STREAM && !f->stream) ||
	    (rule->where == ON_CONNECTION && f->stream))
		return fail(e, KH2_PROTOCOL_ERROR, KH2_C_CONN_FRAME_STREAM);
	if (!rule->known)
		return kh2e_spend(e, KH2E_BUDGET_UNKNOWN);
	return true;
}

/**
 * kh2e_frame_is_skipped() - is the payload of no interest?
 * @e: the connection
 * @f: the frame
 *
 * Return: true for types that are unknown or not for our role (RFC 9113 4.1).
 */
bool kh2e_frame_is_skipped(const struct kh2e *e, const struct kh2e_frame *f)
{
	return !rule_of(e, f->type)->known;
}

/**
 * kh2e_frame_is_fragment() - does a frame carry a fragment of a header block?
 * @f: the frame
 *
 * Return: true for HEADERS, PUSH_PROMISE and CONTINUATION (RFC 9113 4.3).
 */
bool kh2e_frame_is_fragment(const struct kh2e_frame *f)
{
	return f->type == KH2_FRAME_HEADERS || f->type == KH2_FRAME_PUSH_PROMISE ||
	       f->type == KH2_FRAME_CONTINUATION;
}

/**
 * kh2e_frame_fixed() - octets between Pad Length and the fragment of the header block
 * @f: HEADERS or PUSH_PROMISE
 *
 * Return: 4 for the promised stream, 5 for a priority, or 0.
 */
u32 kh2e_frame_fixed(const struct kh2e_frame *f)
{
	if (f->type == KH2_FRAME_PUSH_PROMISE)
		return 4;
	return f->flags & KH2_FLAG_PRIORITY ? 5 : 0;
}

/**
 * kh2e_frame_event_room() - payload of the largest event that a frame can cause
 * @e: the connection
 * @f: the frame
 *
 * Return: octets; U32_MAX for none.
 */
u32 kh2e_frame_event_room(const struct kh2e *e, const struct kh2e_frame *f)
{
	if (!rule_of(e, f->type)->event)
		return U32_MAX;
	/* ours with their ACK, or what we know of theirs */
	if (f->type == KH2_FRAME_SETTINGS)
		return KH2E_SETTINGS_CAP * sizeof(struct kh2_setting);
	/* a block is posted when it is whole, and nothing is kept for it before */
	if (kh2e_frame_is_fragment(f) && !(f->flags & KH2_FLAG_END_HEADERS))
		return U32_MAX;
	return e->block.len + f->len;
}

/**
 * kh2e_frame_handle() - act on a frame whose payload is there
 * @e: the connection
 * @f: the frame, checked
 * @payload: its octets
 *
 * Return: false, and nothing happened, if an event would not find room.
 */
bool kh2e_frame_handle(struct kh2e *e, const struct kh2e_frame *f, const u8 *payload)
{
	const struct frame_rule *rule = rule_of(e, f->type);
	u32 room = kh2e_frame_event_room(e, f);

	/* DATA is streamed, and what is unknown is skipped: neither comes here */
	if (WARN_ON_ONCE(!rule->handle))
		return true;
	if (room != U32_MAX && !kh2e_reserve(e, room))
		return false;
	rule->handle(e, f, payload);
	return true;
}

/* RFC 9113 6.4 */
static void handle_rst_stream(struct kh2e *e, const struct kh2e_frame *f, const u8 *payload)
{
	struct kh2e_stream *st = kh2e_stream_find(e, f->stream);
	u32 code = get_unaligned_be32(payload);

	if (!st && kh2e_stream_is_idle(e, f->stream)) {
		kh2e_fail(e, KH2_PROTOCOL_ERROR, KH2_C_CONN_STREAM_IDLE);
		return;
	}
	if (!kh2e_spend(e, KH2E_BUDGET_RESET) || !st)
		return;
	/* RFC 9113 5.4.2: no RST_STREAM in response to it */
	st->rst_waits = false;
	if (st->state == KH2E_CLOSED)
		return;
	kh2e_stream_reset_by_peer(e, st, code, KH2_C_STREAMS_RESET_BY_PEER);
	kh2e_post(e, KH2_EV_RESET, 0, f->stream, code, KH2_C_STREAMS_RESET_BY_PEER, NULL, 0);
}

static void conn_window_update(struct kh2e *e, u32 increment)
{
	if (!increment)
		kh2e_fail(e, KH2_PROTOCOL_ERROR, KH2_C_CONN_WINDOW_ZERO);
	else if (!kh2e_send_window_credit(&e->send, increment))
		kh2e_fail(e, KH2_FLOW_CONTROL_ERROR, KH2_C_CONN_WINDOW_OVERFLOW);
}

static void stream_window_update(struct kh2e *e, struct kh2e_stream *st, u32 increment)
{
	if (!increment)
		kh2e_stream_reset(e, st, KH2_PROTOCOL_ERROR, KH2_C_STREAM_WINDOW_ZERO);
	else if (!kh2e_send_window_credit(&st->send, increment))
		kh2e_stream_reset(e, st, KH2_FLOW_CONTROL_ERROR, KH2_C_STREAM_WINDOW_OVERFLOW);
	else
		kh2e_sched_update(e, st);
}

/* RFC 9113 6.9 */
static void handle_window_update(struct kh2e *e, const struct kh2e_frame *f, const u8 *payload)
{
	u32 increment = get_unaligned_be32(payload) & KH2_WINDOW_MAX;
	struct kh2e_stream *st;

	if (!kh2e_spend(e, KH2E_BUDGET_WINDOW))
		return;
	if (!f->stream) {
		conn_window_update(e, increment);
		return;
	}
	st = kh2e_stream_find(e, f->stream);
	if (!st && kh2e_stream_is_idle(e, f->stream))
		kh2e_fail(e, KH2_PROTOCOL_ERROR, KH2_C_CONN_STREAM_IDLE);
	else if (st && st->state == KH2E_RESERVED_REMOTE)
		kh2e_fail(e, KH2_PROTOCOL_ERROR, KH2_C_CONN_STREAM_IDLE);
	else if (st && st->state != KH2E_CLOSED)
		stream_window_update(e, st, increment);
}
