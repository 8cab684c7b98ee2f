// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The scheduler: which stream's DATA goes next. Urgencies are served in order
 * (RFC 9218 4.1); within one, incremental streams take turns by frames, and a
 * stream that is not incremental keeps its turn until it has nothing to send.
 */
#include "core.h"

/**
 * kh2e_sched_remove() - a stream has nothing to send
 * @st: the stream
 */
void kh2e_sched_remove(struct kh2e_stream *st)
{
	list_del_init(&st->ready);
}

static bool has_work(const struct kh2e *e, const struct kh2e_stream *st)
{
	u32 limit = min(kh2e_send_data_limit(e), kh2e_send_window_room(&st->send));

	return kh2e_stream_allows(st, KH2E_SEND_DATA) && kh2e_src_ready(st, limit);
}

/**
 * kh2e_sched_update() - something changed that decides whether a stream can send
 * @e: the connection
 * @st: the stream
 */
void kh2e_sched_update(struct kh2e *e, struct kh2e_stream *st)
{
	bool ready = !list_empty(&st->ready);

	kh2e_src_ask(e, st);
	if (has_work(e, st) == ready)
		return;
	if (ready)
		kh2e_sched_remove(st);
	else
		list_add_tail(&st->ready, &e->ready[st->urgency]);
}

/* With the connection's window shut only frames without payload can go. */
static bool can_go(const struct kh2e *e, const struct kh2e_stream *st)
{
	return kh2e_send_window_room(&e->send) || !st->queued;
}

/**
 * kh2e_sched_pick() - the stream whose turn it is
 * @e: the connection
 *
 * Return: the stream, or NULL.
 */
struct kh2e_stream *kh2e_sched_pick(struct kh2e *e)
{
	struct kh2e_stream *st;

	for (int i = 0; i < KH2E_URGENCIES; i++)
		list_for_each_entry(st, &e->ready[i], ready)
			if (can_go(e, st))
				return st;
	return NULL;
}

/**
 * kh2e_sched_pending() - is there a stream that can send now?
 * @e: the connection
 *
 * Return: true if so.
 */
bool kh2e_sched_pending(struct kh2e *e)
{
	return kh2e_sched_pick(e);
}

/**
 * kh2e_sched_served() - a stream has sent a frame
 * @e: the connection
 * @st: the stream
 */
void kh2e_sched_served(struct kh2e *e, struct kh2e_stream *st)
{
	kh2e_sched_update(e, st);
	if (!list_empty(&st->ready) && st->incremental)
		list_move_tail(&st->ready, &e->ready[st->urgency]);
}
