// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Events: room for them, and those that wait until there is some. */
#include "core.h"

/**
 * kh2e_reserve() - is there room for an event?
 * @e: the connection
 * @len: octets of payload
 *
 * Return: true if the next event of at most @len octets cannot fail.
 */
bool kh2e_reserve(struct kh2e *e, u32 len)
{
	if (e->ops->reserve(e->home, len))
		return true;
	if (!e->rx.blocked)
		kh2e_count(e, KH2_C_STALL_EVENT_RING, 1);
	e->rx.blocked = true;
	return false;
}

/**
 * kh2e_post() - hand an event to the home
 * @e: the connection
 * @type: enum kh2_ev
 * @flags: KH2_EVF_* bits
 * @stream: stream identifier
 * @code: see enum kh2_ev
 * @arg: see enum kh2_ev
 * @payload: octets
 * @len: of these
 *
 * Return: false if there was no room.
 */
bool kh2e_post(struct kh2e *e, enum kh2_ev type, u16 flags, u32 stream, u32 code, u64 arg,
	       const void *payload, u32 len)
{
	struct kh2_event ev = {
		.type = type,
		.flags = flags,
		.stream = stream,
		.len = len,
		.code = code,
		.arg = arg,
	};

	return e->ops->event(e->home, &ev, payload);
}

/**
 * kh2e_blocked() - did events wait for room?
 * @e: the connection
 *
 * Return: true if kh2e_recv() stopped short or kh2e_notify() has something left.
 */
bool kh2e_blocked(const struct kh2e *e)
{
	return e->rx.blocked || e->tell_error || e->tell_idle || !list_empty(&e->tell) ||
	       !list_empty(&e->done_srcs);
}

/* Returns false while there is no room. */
static bool tell_stream(struct kh2e *e, struct kh2e_stream *st)
{
	if (st->told & KH2E_TELL_TRAILERS) {
		if (!kh2e_post(e, KH2_EV_WANT_TRAILERS, 0, st->id, 0, 0, NULL, 0))
			return false;
		st->told &= ~KH2E_TELL_TRAILERS;
	}
	if (st->told & KH2E_TELL_RESET) {
		if (!kh2e_post(e, KH2_EV_RESET, st->reset_local ? KH2_EVF_LOCAL : 0, st->id,
			       st->reset_code, st->reset_why, NULL, 0))
			return false;
		st->told &= ~KH2E_TELL_RESET;
	}
	if (st->told & KH2E_TELL_CLOSED) {
		if (!kh2e_post(e, KH2_EV_CLOSED, 0, st->id, st->reset ? st->reset_code : 0, 0,
			       NULL, 0))
			return false;
		st->told &= ~KH2E_TELL_CLOSED;
	}
	return true;
}

static bool tell_streams(struct kh2e *e)
{
	struct kh2e_stream *st, *next;

	list_for_each_entry_safe(st, next, &e->tell, tell) {
		if (!tell_stream(e, st))
			return false;
		list_del_init(&st->tell);
		kh2e_stream_maybe_free(e, st);
	}
	return true;
}

static bool tell_sources(struct kh2e *e)
{
	struct kh2e_src *src, *next;

	list_for_each_entry_safe(src, next, &e->done_srcs, node) {
		if (src->notify && !kh2e_post(e, KH2_EV_TX_DONE, 0, src->stream, -src->status,
					      src->user_data, NULL, 0))
			return false;
		kh2e_src_done(e, src);
	}
	return true;
}

/**
 * kh2e_notify() - post events that waited for room, free what waited for them
 * @e: the connection
 *
 * The only place, but for KH2_OP_RELEASE, where streams are freed.
 *
 * Return: true if none is left.
 */
bool kh2e_notify(struct kh2e *e)
{
	if (!tell_sources(e) || !tell_streams(e))
		return false;
	if (e->tell_error) {
		if (!kh2e_post(e, KH2_EV_ERROR, 0, 0, e->fail_code, e->fail_why, NULL, 0))
			return false;
		e->tell_error = false;
	}
	if (e->tell_idle) {
		if (!kh2e_post(e, KH2_EV_IDLE, 0, 0, 0, 0, NULL, 0))
			return false;
		e->tell_idle = false;
	}
	return true;
}
