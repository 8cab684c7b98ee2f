// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Flow-control windows: all their arithmetic (RFC 9113 5.2, 6.9). */
#include "window.h"

#define BATCH_SMALL	(KH2_WINDOW_INITIAL / 2U)
#define BATCH_LARGE	(256U << 10)

/* What a round trip takes beyond that of the path; and the longest that is believed */
#define SLACK		(10 * NSEC_PER_MSEC)
#define RTT_MAX		NSEC_PER_SEC

/* So many round trips in a row must have left a window unused before it shrinks. */
#define UNUSED_MAX	8

/**
 * kh2e_send_window_init() - begin a window
 * @w: the window
 * @size: octets, at most 2^31-1
 */
void kh2e_send_window_init(struct kh2e_send_window *w, u32 size)
{
	w->left = (s32)size;
}

/**
 * kh2e_send_window_credit() - apply a WINDOW_UPDATE
 * @w: the window
 * @n: increment, 1 to 2^31-1
 *
 * Return: false if the window would pass 2^31-1 (RFC 9113 6.9.1).
 */
bool kh2e_send_window_credit(struct kh2e_send_window *w, u32 n)
{
	s64 left = (s64)w->left + n;

	if (left > KH2_WINDOW_MAX)
		return false;
	w->left = (s32)left;
	return true;
}

/**
 * kh2e_send_window_shift() - apply a change of SETTINGS_INITIAL_WINDOW_SIZE
 * @w: the window
 * @delta: new value less the old one
 *
 * Return: false if the window would leave the range (RFC 9113 6.9.2).
 */
bool kh2e_send_window_shift(struct kh2e_send_window *w, s64 delta)
{
	s64 left = (s64)w->left + delta;

	if (left > KH2_WINDOW_MAX || left < -(s64)KH2_WINDOW_MAX)
		return false;
	w->left = (s32)left;
	return true;
}

/**
 * kh2e_send_window_room() - octets that may be sent now
 * @w: the window
 *
 * Return: 0 for a window that is shut or negative.
 */
u32 kh2e_send_window_room(const struct kh2e_send_window *w)
{
	return w->left > 0 ? (u32)w->left : 0;
}

/**
 * kh2e_send_window_take() - account for DATA that is sent
 * @w: the window
 * @n: octets, at most kh2e_send_window_room()
 */
void kh2e_send_window_take(struct kh2e_send_window *w, u32 n)
{
	w->left -= (s32)n;
}

/**
 * kh2e_recv_window_init() - begin a window
 * @w: the window
 * @size: octets, at most 2^31-1
 */
void kh2e_recv_window_init(struct kh2e_recv_window *w, u32 size)
{
	*w = (struct kh2e_recv_window){ .left = (s32)size, .size = size };
}

/**
 * kh2e_recv_window_take() - account for DATA that arrived
 * @w: the window
 * @n: flow-controlled octets, padding included
 *
 * Return: false if the peer sent more than it was allowed.
 */
bool kh2e_recv_window_take(struct kh2e_recv_window *w, u32 n)
{
	if (n && (s64)n > w->left)
		return false;
	w->left -= (s32)n;
	return true;
}

/**
 * kh2e_recv_window_shift() - our SETTINGS_INITIAL_WINDOW_SIZE changed
 * @w: the window
 * @delta: new value less the old one; both are at most 2^31-1
 * @size: the new value
 *
 * What the peer may send moves with the setting (RFC 9113 6.9.2), below zero
 * perhaps. What the window had grown to beyond the old value is forgotten.
 */
void kh2e_recv_window_shift(struct kh2e_recv_window *w, s64 delta, u32 size)
{
	w->left = (s32)((s64)w->left + delta);
	w->size = size;
}

/*
 * What is saved up before the peer is told, so that a WINDOW_UPDATE goes out
 * for many DATA frames: half of a small window, of a large one less, for what is
 * saved up is what the peer cannot use.
 */
static u32 batch_of(u32 size)
{
	return max(min(size / 2, BATCH_SMALL), min(size / 4, BATCH_LARGE));
}

static u32 credit(struct kh2e_recv_window *w, s64 room, u32 batch)
{
	s64 more = room - w->left;

	if (more <= 0 || more < batch)
		return 0;
	w->left = (s32)(w->left + more);
	return (u32)more;
}

/**
 * kh2e_recv_window_credit() - open a stream's window again
 * @w: the window
 * @held: octets of it that arrived, or are arriving, and were not consumed
 *
 * Return: increment to send in a WINDOW_UPDATE now, 0 for none.
 */
u32 kh2e_recv_window_credit(struct kh2e_recv_window *w, u64 held)
{
	return credit(w, (s64)w->size - (s64)held, batch_of(w->size));
}

/**
 * kh2e_recv_window_share() - open the connection's window again
 * @w: the window
 * @held: octets of it that are not free, for all streams
 *
 * Streams that nobody reads may hold most of it. What they leave goes round
 * among the others: it is that of which half is saved up, at the most.
 *
 * Return: increment to send in a WINDOW_UPDATE now, 0 for none.
 */
u32 kh2e_recv_window_share(struct kh2e_recv_window *w, u64 held)
{
	s64 room = (s64)w->size - (s64)held;

	return credit(w, room, batch_of(room > 0 ? (u32)room : 0));
}

#define TICK_SHIFT	20
#define TICK_MASK	((1U << KH2E_SINCE_BITS) - 1)

static u32 tick_of(u64 now)
{
	return (u32)(now >> TICK_SHIFT) & TICK_MASK;
}

/* What passed since the pace began to be measured, ns; from three days on it is anybody's guess */
static u64 passed_since(const struct kh2e_recv_window *w, u64 now)
{
	return (u64)((tick_of(now) - w->since) & TICK_MASK) << TICK_SHIFT;
}

static void tune_anew(struct kh2e_recv_window *w, u64 now)
{
	w->since = max(tick_of(now), 1U);
	w->octets = 0;
}

/**
 * kh2e_recv_window_begin() - DATA arrives on a stream for the first time
 * @w: the window
 * @now: ns
 * @size: what to begin with, if it is more
 */
void kh2e_recv_window_begin(struct kh2e_recv_window *w, u64 now, u32 size)
{
	tune_anew(w, now);
	w->size = max(w->size, size);
}

/* Octets consumed in a round trip, as far as can be told now */
static u64 octets_a_span(const struct kh2e_recv_window *w, u64 span, u64 passed)
{
	return passed > span ? div64_u64((u64)w->octets * span, passed) : w->octets;
}

/* A pause is no reason to shrink: the peer goes on at its pace. */
static bool is_unused(struct kh2e_recv_window *w, u64 used)
{
	w->unused = 8 * used < w->size ? w->unused + 1U : 0;
	if (w->unused < UNUSED_MAX)
		return false;
	w->unused = 0;
	return true;
}

/**
 * kh2e_recv_window_tune() - let a window follow the pace at which it is used
 * @w: the window
 * @n: octets that were consumed just now
 * @now: ns
 * @rtt: round trip of an idle path, ns; 0: not known, nothing changes yet
 * @least: the size does not fall below it
 * @most: nor, for long, stay above it; at least @least
 *
 * An octet that is consumed opens the window a round trip before the octet
 * that takes its place can be here. So a window must hold what is consumed in a
 * round trip; it is doubled when half of it was, and halved when it was less than an
 * eighth, again and again. The time that both applications take to wake up counts for the path's.
 *
 * Return: true if a measurement ended.
 */
bool kh2e_recv_window_tune(struct kh2e_recv_window *w, u32 n, u64 now, u64 rtt, u32 least,
			   u32 most)
{
	u64 span = min_t(u64, rtt, RTT_MAX) + SLACK, passed, used;

	w->octets = (u32)min_t(u64, (u64)w->octets + n, KH2_WINDOW_MAX);
	if (!rtt)
		return false;
	passed = passed_since(w, now);
	used = octets_a_span(w, span, passed);
	if (2 * used >= w->size && w->size < most)
		w->size = (u32)min_t(u64, 2ULL * w->size, most);
	else if (passed < span)
		return false;
	else if (w->size > most)
		w->size = max(w->size / 2, most);
	else if (is_unused(w, used))
		w->size = max(w->size / 2, least);
	tune_anew(w, now);
	return true;
}
