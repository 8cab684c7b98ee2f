// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The parser: octets in any split, one small step at a time. */
#include "core.h"

/* Larger pieces of DATA are cut, so that an event ring of the least size takes them. */
#define PIECE_MAX 16384U

/* Each step moves *p, and returns false if it needs more octets, or room. */
typedef bool (*rx_step_fn)(struct kh2e *e, const u8 **p, const u8 *end);

static u32 take_head(struct kh2e_rx *rx, u32 want, const u8 **p, const u8 *end)
{
	u32 n = min_t(u64, want - rx->have, (u64)(end - *p));

	memcpy(rx->head + rx->have, *p, n);
	rx->have += n;
	*p += n;
	return rx->have;
}

static void next_frame(struct kh2e_rx *rx)
{
	rx->state = KH2E_RX_HEAD;
	rx->have = 0;
}

/* Methods of HTTP/1 that begin unlike "PRI", or part from it at the second letter */
static bool looks_like_http1(u32 at, u8 c)
{
	return at == 0 ? c >= 'A' && c <= 'Z' : at == 1 && (c == 'O' || c == 'U' || c == 'A');
}

/* RFC 9113 3.4 */
static bool step_preface(struct kh2e *e, const u8 **p, const u8 *end)
{
	static const u8 preface[] = KH2_PREFACE;
	struct kh2e_rx *rx = &e->rx;

	while (*p < end && rx->have < KH2_PREFACE_LEN) {
		if (**p != preface[rx->have]) {
			kh2e_fail(e, KH2_PROTOCOL_ERROR, looks_like_http1(rx->have, **p) ?
				  KH2_C_CONN_PREFACE_HTTP1 : KH2_C_CONN_PREFACE);
			return false;
		}
		rx->have++;
		(*p)++;
	}
	if (rx->have < KH2_PREFACE_LEN)
		return false;
	next_frame(rx);
	return true;
}

static void begin_data(struct kh2e *e, u32 pad_octets)
{
	struct kh2e_rx *rx = &e->rx;

	rx->left = rx->frame.len - pad_octets;
	rx->pad = pad_octets ? pad_octets - 1 : 0;
	rx->state = KH2E_RX_DATA;
	kh2e_data_begin(e, &rx->frame, pad_octets);
}

/*
 * Requests cost the owner time, how much it alone knows. They are taken together for
 * the sake of many at once, but only from a peer whose requests come to something.
 */
static u32 turn_cost(const struct kh2e *e, const struct kh2e_frame *f)
{
	return f->type == KH2_FRAME_HEADERS ? KH2E_TURN / (1 + e->rx.trust / 2) : 0;
}

static void begin_frame(struct kh2e *e)
{
	struct kh2e_rx *rx = &e->rx;
	const struct kh2e_frame *f = &rx->frame;

	kh2e_frame_count(e, false, f);
	kh2e_recv_cost(e, turn_cost(e, f));
	if (!kh2e_frame_check(e, f))
		return;
	rx->have = 0;
	if (kh2e_frame_is_skipped(e, f)) {
		rx->left = f->len;
		rx->state = KH2E_RX_SKIP;
	} else if (f->type != KH2_FRAME_DATA) {
		rx->state = KH2E_RX_BODY;
	} else if (!(f->flags & KH2_FLAG_PADDED)) {
		begin_data(e, 0);
	} else if (!f->len) {
		kh2e_fail(e, KH2_FRAME_SIZE_ERROR, KH2_C_CONN_FRAME_LENGTH);
	} else {
		rx->state = KH2E_RX_PAD_LENGTH;
	}
}

static bool step_head(struct kh2e *e, const u8 **p, const u8 *end)
{
	struct kh2e_rx *rx = &e->rx;

	if (take_head(rx, KH2_FRAME_HEAD_LEN, p, end) < KH2_FRAME_HEAD_LEN)
		return false;
	kh2e_frame_get(&rx->frame, rx->head);
	begin_frame(e);
	return true;
}

static void body_done(struct kh2e *e)
{
	struct kh2e_rx *rx = &e->rx;

	if (rx->body)
		kh2e_mem_free(e, rx->body, rx->frame.len);
	rx->body = NULL;
	next_frame(rx);
}

/* Control frames of so many octets need no memory to be copied. */
#define SMALL_BODY 64U

/*
 * A payload that lies whole in the input. Who sent it may write to it still: on a plain socket
 * over loopback, received pages can be pages of its page cache. What is looked into is a
 * copy, therefore, and that is what is passed on. Fragments of header blocks are opaque here.
 */
static bool step_body_in_place(struct kh2e *e, const u8 **p)
{
	const struct kh2e_frame *f = &e->rx.frame;
	const u8 *payload = *p;
	u8 small[SMALL_BODY];

	if (!kh2e_frame_is_fragment(f)) {
		memcpy(small, payload, f->len);
		payload = small;
	}
	if (!kh2e_frame_handle(e, f, payload))
		return false;
	*p += f->len;
	body_done(e);
	return true;
}

static bool in_place(const struct kh2e_rx *rx, u64 at_hand)
{
	return !rx->body && at_hand >= rx->frame.len &&
	       (rx->frame.len <= SMALL_BODY || kh2e_frame_is_fragment(&rx->frame));
}

static bool step_body(struct kh2e *e, const u8 **p, const u8 *end)
{
	struct kh2e_rx *rx = &e->rx;
	u32 n;

	if (in_place(rx, (u64)(end - *p)))
		return step_body_in_place(e, p);
	if (*p == end && rx->have < rx->frame.len)
		return false;
	if (!rx->body) {
		rx->body = kh2e_alloc(e, rx->frame.len);
		if (!rx->body) {
			kh2e_fail(e, KH2_INTERNAL_ERROR, KH2_C_CONN_MEMORY);
			return false;
		}
		rx->since = kh2e_now(e);
	}
	n = min_t(u64, rx->frame.len - rx->have, (u64)(end - *p));
	memcpy(rx->body + rx->have, *p, n);
	rx->have += n;
	*p += n;
	if (rx->have < rx->frame.len || !kh2e_frame_handle(e, &rx->frame, rx->body))
		return false;
	body_done(e);
	return true;
}

static bool step_pad_length(struct kh2e *e, const u8 **p, const u8 *end)
{
	struct kh2e_rx *rx = &e->rx;
	u32 pad;

	if (*p == end)
		return false;
	pad = READ_ONCE(**p);
	(*p)++;
	if (pad >= rx->frame.len)
		kh2e_fail(e, KH2_PROTOCOL_ERROR, KH2_C_CONN_PADDING);
	else
		begin_data(e, pad + 1);
	return true;
}

static bool step_data(struct kh2e *e, const u8 **p, const u8 *end)
{
	struct kh2e_rx *rx = &e->rx;
	u32 n = min_t(u64, min(rx->left, PIECE_MAX), (u64)(end - *p));

	if (!n && rx->left)
		return false;
	if (!kh2e_data_piece(e, *p, n, n == rx->left))
		return false;
	*p += n;
	rx->left -= n;
	if (!rx->left) {
		rx->left = rx->pad;
		rx->state = KH2E_RX_SKIP;
		kh2e_data_end(e);
	}
	return true;
}

static bool step_skip(struct kh2e *e, const u8 **p, const u8 *end)
{
	struct kh2e_rx *rx = &e->rx;
	u32 n = min_t(u64, rx->left, (u64)(end - *p));

	*p += n;
	rx->left -= n;
	if (rx->left)
		return false;
	next_frame(rx);
	return true;
}

static const rx_step_fn rx_steps[__KH2E_RX_STATES] = {
	[KH2E_RX_PREFACE]	= step_preface,
	[KH2E_RX_HEAD]		= step_head,
	[KH2E_RX_BODY]		= step_body,
	[KH2E_RX_PAD_LENGTH]	= step_pad_length,
	[KH2E_RX_DATA]		= step_data,
	[KH2E_RX_SKIP]		= step_skip,
};

/**
 * kh2e_recv_turn() - a turn of the connection begins
 * @e: the connection
 */
void kh2e_recv_turn(struct kh2e *e)
{
	e->rx.spent = 0;
}

/**
 * kh2e_recv_turn_over() - is it the turn of others?
 * @e: the connection
 *
 * Return: true if the peer has done so much in this turn that costs us more than it.
 */
bool kh2e_recv_turn_over(const struct kh2e *e)
{
	return e->rx.spent >= KH2E_TURN && e->phase != KH2E_DONE;
}

/**
 * kh2e_recv_cost() - the peer had us do something
 * @e: the connection
 * @cost: part of KH2E_TURN
 */
void kh2e_recv_cost(struct kh2e *e, u32 cost)
{
	e->rx.spent = (u8)min(e->rx.spent + cost, KH2E_TURN);
}

/**
 * kh2e_recv_trust() - a request was answered
 * @e: the connection
 */
void kh2e_recv_trust(struct kh2e *e)
{
	e->rx.trust = (u8)min(e->rx.trust + 1U, KH2E_TURN);
}

/**
 * kh2e_recv_distrust() - a request came to nothing, by the peer's doing
 * @e: the connection
 */
void kh2e_recv_distrust(struct kh2e *e)
{
	e->rx.trust /= 2;
}

/*
 * Only where octets are needed to go on: no frame that is whole is left to wait for more. Before
 * the payload of HEADERS is such a place, so that the next turn takes them with what
 * follows, and nobody works for a request that is reset at once.
 */
static bool must_yield(const struct kh2e *e)
{
	const struct kh2e_rx *rx = &e->rx;

	if (!kh2e_recv_turn_over(e) || rx->have)
		return false;
	return rx->state == KH2E_RX_HEAD || (rx->state == KH2E_RX_BODY && rx->frame.len);
}

/**
 * kh2e_recv_some() - octets that the peer sent, as far as its turn goes
 * @e: the connection
 * @buf: octets; any split of the stream gives the same events
 * @len: of these; 0 to go on after kh2e_blocked()
 *
 * Return: octets taken. Fewer than @len means that an event found no room, so
 * kh2e_blocked() is true, or that the turn is over: offer the rest again later.
 */
size_t kh2e_recv_some(struct kh2e *e, const u8 *buf, size_t len)
{
	static const u8 nothing;
	const u8 *p, *end;

	buf = buf ?: &nothing;
	p = buf;
	end = buf + len;
	e->rx.blocked = false;
	while (e->phase != KH2E_DONE && !must_yield(e) && rx_steps[e->rx.state](e, &p, end))
		;
	kh2e_notify(e);
	/* to tell of the last stream may end a connection that drains */
	if (e->phase == KH2E_DONE)
		p = end;
	kh2e_count(e, KH2_C_RX_OCTETS, (u64)(p - buf));
	return (size_t)(p - buf);
}

/**
 * kh2e_recv() - octets that the peer sent
 * @e: the connection
 * @buf: octets; any split of the stream gives the same events
 * @len: of these; 0 to go on after kh2e_blocked()
 *
 * Return: octets taken. Fewer than @len means that an event found no room:
 * offer the rest again when there is some.
 */
size_t kh2e_recv(struct kh2e *e, const u8 *buf, size_t len)
{
	size_t n = 0;

	do {
		kh2e_recv_turn(e);
		n += kh2e_recv_some(e, buf ? buf + n : NULL, len - n);
	} while (kh2e_recv_turn_over(e) && !e->rx.blocked);
	return n;
}
