// SPDX-License-Identifier: GPL-2.0
/*
 * What the engine needs of its home. All of it runs with the session's lock
 * held, some of it with the socket's lock as well.
 */

#include <linux/ktime.h>

#include "channel.h"
#include "home.h"
#include "ring.h"
#include "session.h"
#include "source.h"
#include "trace.h"
#include "user.h"

static void *op_alloc(void *home, size_t size)
{
	struct kh2_session *s = home;

	return kh2_share_alloc(&s->ch->share, size, __GFP_ZERO);
}

static void op_free(void *home, void *ptr, size_t size)
{
	struct kh2_session *s = home;

	kh2_share_free(&s->ch->share, ptr, size);
}

/* Sent by copy, or through a page of the sender's: see tx.c. */
static void *op_out_alloc(void *home, size_t size)
{
	struct kh2_session *s = home;

	return kh2_share_alloc(&s->ch->share, size, 0);
}

static u64 op_now(void *home)
{
	return ktime_get_ns();
}

static bool op_reserve(void *home, u32 len)
{
	struct kh2_session *s = home;

	if (kh2_ring_reserve(&s->ch->ring, &s->claim, len))
		return true;
	s->room_wanted = true;
	return false;
}

static bool op_event(void *home, const struct kh2_event *ev, const void *payload)
{
	struct kh2_session *s = home;
	struct kh2_event rec = *ev;

	rec.session = s->id;
	if (!kh2_ring_post(&s->ch->ring, &s->claim, &rec, payload)) {
		s->room_wanted = true;
		return false;
	}
	trace_kh2_event(s->id, &rec);
	return true;
}

static void op_src_want(void *home, struct kh2e_src *src)
{
	kh2_source_want(home, src);
}

static void op_src_release(void *home, struct kh2e_src *src)
{
	kh2_source_release(src);
}

static void op_frame(void *home, bool sent, u32 len, u8 type, u8 flags, u32 stream)
{
	const struct kh2_session *s = home;

	trace_kh2_frame(s->id, sent, len, type, flags, stream);
}

static const struct kh2e_ops engine_ops = {
	.alloc = op_alloc,
	.free = op_free,
	.out_alloc = op_out_alloc,
	.out_free = op_free,
	.now = op_now,
	.reserve = op_reserve,
	.event = op_event,
	.src_want = op_src_want,
	.src_release = op_src_release,
	.frame = op_frame,
};

/**
 * kh2_session_new_engine() - an engine for a session
 * @s: the session, not known to others yet
 * @cfg: how it begins
 *
 * Context: Process context, may sleep.
 * Return: 0, -ENOMEM, or what else kh2e_new() says of @cfg.
 */
int kh2_session_new_engine(struct kh2_session *s, const struct kh2e_config *cfg)
{
	return kh2e_new(&s->e, &engine_ops, s, cfg);
}
