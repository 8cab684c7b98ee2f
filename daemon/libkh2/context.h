/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The context's inside: watches, timers, deferred work, and what all of the library shares. */
#ifndef KH2I_CONTEXT_H
#define KH2I_CONTEXT_H

#include "engine.h"
#include "kh2.h"

#define KH2I_EPOLL_BATCH 256

/**
 * struct kh2i_watch - a descriptor in the context's epoll set
 * @fd: descriptor
 * @fn: called with the events that are ready; may free the watch
 */
struct kh2i_watch {
	int fd;
	void (*fn)(struct kh2i_watch *w, u32 events);
};

/**
 * struct kh2i_timer - something due at a time
 * @at: monotonic ns
 * @slot: place in the heap, from 1 on; 0: not running
 * @fn: called once when due; may set the timer again or free it
 */
struct kh2i_timer {
	u64 at;
	u32 slot;
	void (*fn)(struct kh2i_timer *t);
};

/**
 * struct kh2i_todo - work put off until the next turn of the dispatch loop
 * @node: place in the context's list; empty: not queued
 * @fn: called once; may queue again or free
 */
struct kh2i_todo {
	struct list_head node;
	void (*fn)(struct kh2i_todo *t);
};

struct kh2i_channel;
struct kh2i_user;

/**
 * struct kh2_ctx - event loop, backends and what hangs on them
 * @opts: as asked for, defaults filled in
 * @epfd: epoll set, which users poll
 * @wake: eventfd of kh2_ctx_wake()
 * @woken: set by @wake, ends a dispatch
 * @dispatching: within kh2_ctx_dispatch()
 * @polls_skipped: turns since descriptors were looked at
 * @batch: what epoll_wait() gave; entries of watches that go are cleared
 * @n_batch: entries of it
 * @heap: timers, least first, from index 1 on
 * @n_heap: of these
 * @n_timers: timers that exist, for which the heap has room
 * @heap_room: entries that @heap can hold
 * @todos: struct kh2i_todo
 * @tails: streams with small writes that are due
 * @credits: streams with octets consumed and not yet told
 * @servers: struct kh2_server
 * @sessions: struct kh2_session
 * @watches: struct kh2i_user_watch of kh2_ctx_watch()
 * @channel: to the module, or NULL
 * @user: sessions of the user backend
 * @next_id: for sessions
 * @scratch: for encoding header blocks
 * @scratch_len: octets of it
 * @why_logged: bits of reasons against the kernel that were logged
 * @no_channel: why there is no channel, or NULL
 */
struct kh2_ctx {
	struct kh2_ctx_opts opts;
	int epfd;
	struct kh2i_watch wake;
	bool woken;
	bool dispatching;
	u32 polls_skipped;
	struct kh2i_watch *batch[KH2I_EPOLL_BATCH];
	int n_batch;
	struct kh2i_timer **heap;
	u32 n_heap;
	u32 n_timers;
	u32 heap_room;
	struct list_head todos;
	struct list_head tails;
	struct list_head credits;
	struct list_head servers;
	struct list_head sessions;
	struct list_head watches;
	struct kh2i_channel *channel;
	struct kh2i_user *user;
	u64 next_id;
	u8 *scratch;
	size_t scratch_len;
	u32 why_logged;
	const char *no_channel;
};

u64 kh2i_now(void);

int kh2i_watch_add(struct kh2_ctx *ctx, struct kh2i_watch *w, u32 events);
int kh2i_watch_mod(struct kh2_ctx *ctx, struct kh2i_watch *w, u32 events);
void kh2i_watch_del(struct kh2_ctx *ctx, struct kh2i_watch *w);

int kh2i_timer_init(struct kh2_ctx *ctx, struct kh2i_timer *t, void (*fn)(struct kh2i_timer *t));
void kh2i_timer_exit(struct kh2_ctx *ctx, struct kh2i_timer *t);
void kh2i_timer_set(struct kh2_ctx *ctx, struct kh2i_timer *t, u64 at);
void kh2i_timer_stop(struct kh2_ctx *ctx, struct kh2i_timer *t);
void kh2i_timers_run(struct kh2_ctx *ctx);

void kh2i_todo_init(struct kh2i_todo *t, void (*fn)(struct kh2i_todo *t));
void kh2i_todo_add(struct kh2_ctx *ctx, struct kh2i_todo *t);
void kh2i_todo_del(struct kh2i_todo *t);

void kh2i_log(struct kh2_ctx *ctx, int level, const char *fmt, ...)
	__attribute__((__format__(__printf__, 3, 4)));

/* How many octets of a caller's sized structure to take: all that both sides know. */
#define KH2I_OPTS_COPY(dst, src) do { \
	memset(&(dst), 0, sizeof(dst)); \
	if (src) \
		memcpy(&(dst), (src), (src)->sz < sizeof(dst) ? (src)->sz : sizeof(dst)); \
	(dst).sz = sizeof(dst); \
} while (0)

#endif
