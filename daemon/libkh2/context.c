// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The event loop: descriptors, deferred work, and the order in which all is done. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backend.h"
#include "server.h"
#include "session.h"
#include "stream.h"

/* Turns with work from rings alone, after which descriptors are looked at all the same */
#define POLL_EVERY	16

struct kh2i_user_watch {
	struct list_head node;
	struct kh2i_watch watch;
	struct kh2_ctx *ctx;
	void (*cb)(struct kh2_ctx *ctx, int fd, uint32_t events, void *user);
	void *user;
};

/**
 * kh2i_log() - a line for the log
 * @ctx: context
 * @level: enum kh2_log_level
 * @fmt: as printf(3), no newline
 */
void kh2i_log(struct kh2_ctx *ctx, int level, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (ctx->opts.log)
		ctx->opts.log(level, line, ctx->opts.log_user);
	else if (level <= KH2_LOG_WARNING)
		fprintf(stderr, "libkh2: %s\n", line);
}

/* ---- watches ---- */

/**
 * kh2i_watch_add() - watch a descriptor
 * @ctx: context
 * @w: watch, fd and fn set
 * @events: EPOLLIN and the like
 *
 * Return: 0 or -errno; -EPERM for files that are always ready.
 */
int kh2i_watch_add(struct kh2_ctx *ctx, struct kh2i_watch *w, u32 events)
{
	struct epoll_event ev = { .events = events, .data.ptr = w };

	return epoll_ctl(ctx->epfd, EPOLL_CTL_ADD, w->fd, &ev) ? -errno : 0;
}

/**
 * kh2i_watch_mod() - watch for other events
 * @ctx: context
 * @w: watch
 * @events: EPOLLIN and the like
 *
 * Return: 0 or -errno.
 */
int kh2i_watch_mod(struct kh2_ctx *ctx, struct kh2i_watch *w, u32 events)
{
	struct epoll_event ev = { .events = events, .data.ptr = w };

	return epoll_ctl(ctx->epfd, EPOLL_CTL_MOD, w->fd, &ev) ? -errno : 0;
}

/**
 * kh2i_watch_del() - stop watching; afterwards the watch may be freed
 * @ctx: context
 * @w: watch; its descriptor still open
 */
void kh2i_watch_del(struct kh2_ctx *ctx, struct kh2i_watch *w)
{
	epoll_ctl(ctx->epfd, EPOLL_CTL_DEL, w->fd, NULL);
	for (int i = 0; i < ctx->n_batch; i++)
		if (ctx->batch[i] == w)
			ctx->batch[i] = NULL;
}

static void user_watch_ready(struct kh2i_watch *w, u32 events)
{
	struct kh2i_user_watch *uw = container_of(w, struct kh2i_user_watch, watch);

	uw->cb(uw->ctx, w->fd, events, uw->user);
}

static void user_watch_free(struct kh2i_user_watch *uw)
{
	kh2i_watch_del(uw->ctx, &uw->watch);
	list_del(&uw->node);
	free(uw);
}

static struct kh2i_user_watch *user_watch_find(struct kh2_ctx *ctx, int fd)
{
	struct kh2i_user_watch *uw;

	list_for_each_entry(uw, &ctx->watches, node)
		if (uw->watch.fd == fd)
			return uw;
	return NULL;
}

int kh2_ctx_watch(struct kh2_ctx *ctx, int fd, uint32_t events,
		  void (*cb)(struct kh2_ctx *ctx, int fd, uint32_t events, void *user), void *user)
{
	struct kh2i_user_watch *uw = user_watch_find(ctx, fd);
	int err;

	if (events && !cb)
		return -EINVAL;
	if (!events) {
		if (uw)
			user_watch_free(uw);
		return 0;
	}
	if (uw) {
		err = kh2i_watch_mod(ctx, &uw->watch, events);
		if (!err) {
			uw->cb = cb;
			uw->user = user;
		}
		return err;
	}
	uw = malloc(sizeof(*uw));
	if (!uw)
		return -ENOMEM;
	*uw = (struct kh2i_user_watch){
		.watch = { .fd = fd, .fn = user_watch_ready },
		.ctx = ctx,
		.cb = cb,
		.user = user,
	};
	err = kh2i_watch_add(ctx, &uw->watch, events);
	if (err) {
		free(uw);
		return err;
	}
	list_add_tail(&uw->node, &ctx->watches);
	return 0;
}

/* ---- deferred work ---- */

void kh2i_todo_init(struct kh2i_todo *t, void (*fn)(struct kh2i_todo *t))
{
	INIT_LIST_HEAD(&t->node);
	t->fn = fn;
}

void kh2i_todo_add(struct kh2_ctx *ctx, struct kh2i_todo *t)
{
	if (list_empty(&t->node))
		list_add_tail(&t->node, &ctx->todos);
}

void kh2i_todo_del(struct kh2i_todo *t)
{
	list_del_init(&t->node);
}

/* What is added meanwhile waits for the next turn. */
static int todos_run(struct kh2_ctx *ctx)
{
	struct list_head *node;
	int left = 0, n;

	for (node = ctx->todos.next; node != &ctx->todos; node = node->next)
		left++;
	for (n = 0; n < left && !list_empty(&ctx->todos); n++) {
		struct kh2i_todo *t = list_first_entry(&ctx->todos, struct kh2i_todo, node);

		list_del_init(&t->node);
		t->fn(t);
	}
	return n;
}

/* ---- backends ---- */

/* A context has the user's always, and the kernel's if it has a channel. */
static const struct kh2i_backend *const backends[] = { &kh2i_backend_kernel, &kh2i_backend_user };

static void backends_flush(struct kh2_ctx *ctx)
{
	for (size_t i = 0; i < ARRAY_SIZE(backends); i++)
		backends[i]->flush(ctx);
}

static bool backends_busy(const struct kh2_ctx *ctx)
{
	for (size_t i = 0; i < ARRAY_SIZE(backends); i++)
		if (backends[i]->busy(ctx))
			return true;
	return false;
}

/* ---- context ---- */

static void wake_ready(struct kh2i_watch *w, u32 events)
{
	struct kh2_ctx *ctx = container_of(w, struct kh2_ctx, wake);
	uint64_t n;

	(void)events;
	if (read(w->fd, &n, sizeof(n)) > 0)
		ctx->woken = true;
}

void kh2_ctx_wake(struct kh2_ctx *ctx)
{
	uint64_t one = 1;
	ssize_t n = write(ctx->wake.fd, &one, sizeof(one));

	/* it can only fail when it is set already */
	(void)n;
}

static void ignore_sigpipe(void)
{
	struct sigaction sa;

	if (!sigaction(SIGPIPE, NULL, &sa) && !(sa.sa_flags & SA_SIGINFO) &&
	    sa.sa_handler == SIG_DFL)
		signal(SIGPIPE, SIG_IGN);
}

static int open_loop(struct kh2_ctx *ctx)
{
	ctx->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (ctx->epfd < 0)
		return -errno;
	ctx->wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ctx->wake.fn = wake_ready;
	if (ctx->wake.fd < 0)
		return -errno;
	return kh2i_watch_add(ctx, &ctx->wake, EPOLLIN);
}

static int open_backends(struct kh2_ctx *ctx)
{
	int err = kh2i_backend_user.init(ctx);

	if (err)
		return err;
	if (ctx->opts.backend == KH2_BACKEND_USER) {
		ctx->no_channel = "asked for";
		return 0;
	}
	err = kh2i_backend_kernel.init(ctx);
	if (!err)
		return 0;
	if (ctx->opts.backend == KH2_BACKEND_KERNEL)
		return err;
	ctx->no_channel = err == -EPROTONOSUPPORT ? "kh2.ko is not loaded" :
			  "no channel to kh2.ko";
	kh2i_log(ctx, KH2_LOG_INFO, "user backend: %s: %s", ctx->no_channel, kh2_strerror(err));
	return 0;
}

int kh2_ctx_new(struct kh2_ctx **out, const struct kh2_ctx_opts *opts)
{
	struct kh2_ctx *ctx = calloc(1, sizeof(*ctx));
	int err;

	if (!ctx)
		return -ENOMEM;
	KH2I_OPTS_COPY(ctx->opts, opts);
	ctx->epfd = -1;
	ctx->wake.fd = -1;
	INIT_LIST_HEAD(&ctx->todos);
	INIT_LIST_HEAD(&ctx->tails);
	INIT_LIST_HEAD(&ctx->credits);
	INIT_LIST_HEAD(&ctx->servers);
	INIT_LIST_HEAD(&ctx->sessions);
	INIT_LIST_HEAD(&ctx->watches);
	err = ctx->opts.backend > KH2_BACKEND_USER ? -EINVAL : open_loop(ctx);
	if (!err)
		err = open_backends(ctx);
	if (err) {
		kh2_ctx_free(ctx);
		return err;
	}
	ignore_sigpipe();
	*out = ctx;
	return 0;
}

static void end_sessions(struct kh2_ctx *ctx)
{
	while (!list_empty(&ctx->servers))
		kh2_server_free(list_first_entry(&ctx->servers, struct kh2_server, node));
	backends_flush(ctx);
	while (!list_empty(&ctx->sessions))
		kh2i_session_gone(list_first_entry(&ctx->sessions, struct kh2_session, node), 0);
	while (todos_run(ctx))
		;
}

void kh2_ctx_free(struct kh2_ctx *ctx)
{
	if (!ctx)
		return;
	end_sessions(ctx);
	while (!list_empty(&ctx->watches))
		user_watch_free(list_first_entry(&ctx->watches, struct kh2i_user_watch, node));
	for (size_t i = 0; i < ARRAY_SIZE(backends); i++)
		backends[i]->exit(ctx);
	if (ctx->wake.fd >= 0)
		close(ctx->wake.fd);
	if (ctx->epfd >= 0)
		close(ctx->epfd);
	free(ctx->heap);
	free(ctx->scratch);
	free(ctx);
}

int kh2_ctx_fd(const struct kh2_ctx *ctx)
{
	return ctx->epfd;
}

enum kh2_backend kh2_ctx_backend(const struct kh2_ctx *ctx)
{
	return ctx->channel ? KH2_BACKEND_KERNEL : KH2_BACKEND_USER;
}

int kh2_ctx_timeout_ms(const struct kh2_ctx *ctx)
{
	u64 now, ms;

	if (!list_empty(&ctx->todos) || !list_empty(&ctx->tails) || backends_busy(ctx))
		return 0;
	if (!ctx->n_heap)
		return -1;
	now = kh2i_now();
	if (ctx->heap[1]->at <= now)
		return 0;
	ms = (ctx->heap[1]->at - now + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

/* ---- dispatch ---- */

static int poll_fds(struct kh2_ctx *ctx, int timeout_ms)
{
	struct epoll_event evs[KH2I_EPOLL_BATCH];
	int n = epoll_wait(ctx->epfd, evs, KH2I_EPOLL_BATCH, timeout_ms);

	ctx->polls_skipped = 0;
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	ctx->n_batch = n;
	for (int i = 0; i < n; i++)
		ctx->batch[i] = evs[i].data.ptr;
	for (int i = 0; i < n; i++) {
		struct kh2i_watch *w = ctx->batch[i];

		ctx->batch[i] = NULL;
		if (w)
			w->fn(w, evs[i].events);
	}
	ctx->n_batch = 0;
	return n;
}

/* One turn without waiting: events, what they caused, and one flush for all of it. */
static int turn(struct kh2_ctx *ctx)
{
	int n = 0;

	kh2i_timers_run(ctx);
	for (size_t i = 0; i < ARRAY_SIZE(backends); i++)
		n += backends[i]->events(ctx);
	n += todos_run(ctx);
	kh2i_streams_credit(ctx);
	kh2i_tails_send(ctx);
	backends_flush(ctx);
	return n;
}

static int wait_ms(struct kh2_ctx *ctx, u64 until)
{
	int ms = kh2_ctx_timeout_ms(ctx);
	u64 now, left;

	if (until == UINT64_MAX)
		return ms;
	now = kh2i_now();
	left = until > now ? (until - now + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC : 0;
	return ms < 0 || left < (u64)ms ? (int)left : ms;
}

static int dispatch(struct kh2_ctx *ctx, u64 until)
{
	for (;;) {
		int n = turn(ctx), polled = 0;

		if (!n || ++ctx->polls_skipped >= POLL_EVERY) {
			polled = poll_fds(ctx, n ? 0 : wait_ms(ctx, until));
			if (polled < 0)
				return polled;
			n += turn(ctx);
		}
		if (n || ctx->woken)
			return n;
		if (!polled && until != UINT64_MAX && kh2i_now() >= until)
			return 0;
	}
}

int kh2_ctx_dispatch(struct kh2_ctx *ctx, int timeout_ms)
{
	u64 until = UINT64_MAX;
	int n;

	if (ctx->dispatching)
		return -EBUSY;
	if (timeout_ms >= 0)
		until = kh2i_now() + (u64)timeout_ms * NSEC_PER_MSEC;
	ctx->dispatching = true;
	n = dispatch(ctx, until);
	ctx->woken = false;
	ctx->dispatching = false;
	return n;
}
