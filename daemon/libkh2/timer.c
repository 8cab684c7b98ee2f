// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Timers of a context: a binary heap with room for every timer that exists. */
#include <stdlib.h>
#include <time.h>

#include "context.h"

/**
 * kh2i_now() - monotonic time
 *
 * Return: ns.
 */
u64 kh2i_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * NSEC_PER_SEC + (u64)ts.tv_nsec;
}

static void put(struct kh2_ctx *ctx, u32 slot, struct kh2i_timer *t)
{
	ctx->heap[slot] = t;
	t->slot = slot;
}

static void sift(struct kh2_ctx *ctx, u32 slot)
{
	struct kh2i_timer *t = ctx->heap[slot];

	for (; slot > 1 && ctx->heap[slot / 2]->at > t->at; slot /= 2)
		put(ctx, slot, ctx->heap[slot / 2]);
	for (u32 child = 2 * slot; child <= ctx->n_heap; child = 2 * slot) {
		if (child < ctx->n_heap && ctx->heap[child + 1]->at < ctx->heap[child]->at)
			child++;
		if (ctx->heap[child]->at >= t->at)
			break;
		put(ctx, slot, ctx->heap[child]);
		slot = child;
	}
	put(ctx, slot, t);
}

/**
 * kh2i_timer_init() - make a timer, so that setting it can never fail
 * @ctx: context
 * @t: timer
 * @fn: called when due
 *
 * Return: 0 or -ENOMEM, after which kh2i_timer_exit() is not to be called.
 */
int kh2i_timer_init(struct kh2_ctx *ctx, struct kh2i_timer *t, void (*fn)(struct kh2i_timer *t))
{
	if (ctx->n_timers + 2 > ctx->heap_room) {
		u32 room = ctx->heap_room ? 2 * ctx->heap_room : 64;
		void *heap = realloc(ctx->heap, room * sizeof(*ctx->heap));

		if (!heap)
			return -ENOMEM;
		ctx->heap = heap;
		ctx->heap_room = room;
	}
	ctx->n_timers++;
	t->slot = 0;
	t->fn = fn;
	return 0;
}

/**
 * kh2i_timer_exit() - stop a timer and give its room back
 * @ctx: context
 * @t: timer, or one that was never made (fn is NULL)
 */
void kh2i_timer_exit(struct kh2_ctx *ctx, struct kh2i_timer *t)
{
	if (!t->fn)
		return;
	kh2i_timer_stop(ctx, t);
	t->fn = NULL;
	ctx->n_timers--;
}

/**
 * kh2i_timer_set() - let a timer run
 * @ctx: context
 * @t: timer
 * @at: monotonic ns; U64_MAX: never
 */
void kh2i_timer_set(struct kh2_ctx *ctx, struct kh2i_timer *t, u64 at)
{
	if (at == UINT64_MAX) {
		kh2i_timer_stop(ctx, t);
		return;
	}
	if (t->slot && t->at == at)
		return;
	t->at = at;
	if (!t->slot)
		put(ctx, ++ctx->n_heap, t);
	sift(ctx, t->slot);
}

/**
 * kh2i_timer_stop() - let a timer run no more
 * @ctx: context
 * @t: timer
 */
void kh2i_timer_stop(struct kh2_ctx *ctx, struct kh2i_timer *t)
{
	u32 slot = t->slot;
	struct kh2i_timer *last;

	if (!slot)
		return;
	t->slot = 0;
	last = ctx->heap[ctx->n_heap--];
	if (last == t)
		return;
	put(ctx, slot, last);
	sift(ctx, slot);
}

/**
 * kh2i_timers_run() - call what is due
 * @ctx: context
 */
void kh2i_timers_run(struct kh2_ctx *ctx)
{
	u64 now;

	if (!ctx->n_heap)
		return;
	now = kh2i_now();
	while (ctx->n_heap && ctx->heap[1]->at <= now) {
		struct kh2i_timer *t = ctx->heap[1];

		kh2i_timer_stop(ctx, t);
		t->fn(t);
	}
}
