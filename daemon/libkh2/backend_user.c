// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The user backend: the module's engine in process, with the ring's events and commands. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "session.h"
#include "user.h"

#define EVENTS_CAP	(1U << 20)	/* what engines may post before they have to wait */
#define IO_LEN		65536U
#define READS_MAX	8		/* reads of one connection in one go */
#define WRITES_MAX	8		/* likewise */

struct kh2i_record {
	struct kh2i_conn *conn;
	struct kh2_event ev;
};

/* ---- events ---- */

static size_t record_size(u32 len)
{
	return (sizeof(struct kh2i_record) + len + 7) & ~(size_t)7;
}

static bool events_room(struct kh2i_events *evs, size_t size)
{
	size_t cap = evs->cap ? evs->cap : 65536;
	u8 *buf;

	while (cap < evs->len + size)
		cap *= 2;
	if (cap == evs->cap)
		return true;
	buf = realloc(evs->buf, cap);
	if (!buf)
		return false;
	evs->buf = buf;
	evs->cap = cap;
	return true;
}

static bool post(struct kh2i_conn *c, const struct kh2_event *ev, const void *payload)
{
	struct kh2i_events *evs = &c->ctx->user->fill;
	size_t size = record_size(ev->len);
	struct kh2i_record *rec;

	if (!events_room(evs, size))
		return false;
	rec = (struct kh2i_record *)(evs->buf + evs->len);
	rec->conn = c;
	rec->ev = *ev;
	rec->ev.size = (u32)size;
	if (ev->len)
		memcpy(rec + 1, payload, ev->len);
	evs->len += size;
	return true;
}

static bool op_reserve(void *home, u32 len)
{
	struct kh2i_conn *c = home;
	struct kh2i_events *evs = &c->ctx->user->fill;

	if (evs->len && evs->len + record_size(len) > EVENTS_CAP)
		return false;
	return events_room(evs, record_size(len));
}

static bool op_event(void *home, const struct kh2_event *ev, const void *payload)
{
	struct kh2i_conn *c = home;

	/* beyond what reserve() gives away there is room for a few that cannot wait */
	if (c->ctx->user->fill.len > 2 * EVENTS_CAP)
		return false;
	return post(c, ev, payload);
}

static void post_gone(struct kh2i_conn *c, int err)
{
	struct kh2_event ev = { .type = KH2_EV_GONE, .code = (u32)-err };

	if (c->ended)
		return;
	c->ended = true;
	kh2i_timer_stop(c->ctx, &c->timer);
	list_del(&c->dirty);
	list_del(&c->blocked);
	kh2i_watch_del(c->ctx, &c->watch);
	if (c->ssl)
		SSL_free(c->ssl);
	c->ssl = NULL;
	close(c->watch.fd);
	if (!post(c, &ev, NULL))
		kh2i_todo_add(c->ctx, &c->s->todo);
}

/* ---- what the engine needs ---- */

static void *op_alloc(void *home, size_t size)
{
	(void)home;
	return calloc(1, size);
}

static void *op_out_alloc(void *home, size_t size)
{
	(void)home;
	return malloc(size);
}

static void op_free(void *home, void *ptr, size_t size)
{
	(void)home;
	(void)size;
	free(ptr);
}

static u64 op_now(void *home)
{
	(void)home;
	return kh2i_now();
}

static void op_src_want(void *home, struct kh2e_src *src)
{
	struct kh2i_src *s = container_of(src, struct kh2i_src, src);
	struct kh2i_conn *c = home;

	if (!list_empty(&s->want))
		return;
	list_add_tail(&s->want, &c->wants);
	kh2i_conn_dirty(c);
}

static void op_src_release(void *home, struct kh2e_src *src)
{
	(void)home;
	kh2i_src_free(container_of(src, struct kh2i_src, src));
}

static const struct kh2e_ops ops = {
	.alloc = op_alloc,
	.free = op_free,
	.out_alloc = op_out_alloc,
	.out_free = op_free,
	.now = op_now,
	.reserve = op_reserve,
	.event = op_event,
	.src_want = op_src_want,
	.src_release = op_src_release,
};

/* ---- reading ---- */

/**
 * kh2i_conn_dirty() - there is something to do for a connection
 * @c: connection
 */
void kh2i_conn_dirty(struct kh2i_conn *c)
{
	if (!c->ended && list_empty(&c->dirty))
		list_add_tail(&c->dirty, &c->ctx->user->dirty);
}

static void watch_for(struct kh2i_conn *c, u32 events)
{
	if (c->ended || c->events == events)
		return;
	if (!kh2i_watch_mod(c->ctx, &c->watch, events))
		c->events = events;
}

static bool keep_input(struct kh2i_conn *c, const u8 *p, size_t len)
{
	u8 *in = NULL;

	if (len) {
		in = malloc(len);
		if (!in)
			return false;
		memcpy(in, p, len);
	}
	free(c->in);
	c->in = in;
	c->in_len = len;
	return true;
}

/* Hands octets to the engine. False if it has no room for the events, or others have their turn. */
static bool feed(struct kh2i_conn *c, const u8 *p, size_t len)
{
	size_t n;

	kh2e_recv_turn(c->e);
	n = kh2e_recv_some(c->e, p, len);
	if (n == len && !kh2e_blocked(c->e))
		return true;
	if (!keep_input(c, p + n, len - n)) {
		post_gone(c, -ENOMEM);
		return false;
	}
	if (list_empty(&c->blocked))
		list_add_tail(&c->blocked, &c->ctx->user->blocked);
	watch_for(c, c->events & ~(u32)EPOLLIN);
	return false;
}

/*
 * The peer has ended. Streams that it leaves behind make it an error. After an
 * orderly end it is told ours, before the socket is closed (RFC 8446 6.1).
 */
static void input_ended(struct kh2i_conn *c, int err)
{
	if (!err && !c->lingering)
		kh2i_conn_shutdown(c);
	if (!err && !c->lingering && kh2e_phase(c->e) != KH2E_DONE && !kh2e_idle(c->e))
		err = -ECONNRESET;
	post_gone(c, c->lingering ? 0 : err);
}

static void read_conn(struct kh2i_conn *c)
{
	u8 *io = c->ctx->user->io;

	c->read_more = false;
	kh2i_conn_dirty(c);
	for (int i = 0; i < READS_MAX; i++) {
		ssize_t n = kh2i_conn_read(c, io, IO_LEN);

		if (n == -EAGAIN || n == -EINTR)
			return;
		if (n <= 0) {
			input_ended(c, (int)n);
			return;
		}
		if (!c->lingering && !feed(c, io, (size_t)n)) {
			c->read_more = true;
			return;
		}
		if (!c->ssl && (size_t)n < IO_LEN)
			return;
	}
	c->read_more = true;
}

/* ---- writing ---- */

static size_t gather(struct kh2i_conn *c, u8 *to)
{
	struct kh2e_seg segs[64];
	size_t len = 0;
	int n = kh2e_pull(c->e, segs, ARRAY_SIZE(segs), IO_LEN);

	for (int i = 0; i < n; i++) {
		if (segs[i].bytes)
			memcpy(to + len, segs[i].bytes, segs[i].len);
		else
			kh2i_src_copy(container_of(segs[i].src, struct kh2i_src, src),
				      segs[i].off, segs[i].len, to + len);
		len += segs[i].len;
	}
	if (len)
		kh2e_sent(c->e, len);
	return len;
}

static bool keep_output(struct kh2i_conn *c, const u8 *p, size_t len)
{
	c->out = malloc(len);
	if (!c->out)
		return false;
	memcpy(c->out, p, len);
	c->out_pos = 0;
	c->out_len = len;
	return true;
}

/* Writes all, or says why not: -EAGAIN with the position moved. */
static int write_all(struct kh2i_conn *c, const u8 *p, size_t len, size_t *pos)
{
	while (*pos < len) {
		ssize_t n = kh2i_conn_write(c, p + *pos, len - *pos);

		if (n == -EINTR)
			continue;
		if (n < 0)
			return (int)n;
		*pos += (size_t)n;
	}
	return 0;
}

static int write_kept(struct kh2i_conn *c)
{
	int err;

	if (!c->out)
		return 0;
	err = write_all(c, c->out, c->out_len, &c->out_pos);
	if (err)
		return err;
	free(c->out);
	c->out = NULL;
	return 0;
}

static int write_fresh(struct kh2i_conn *c)
{
	u8 *io = c->ctx->user->io;
	size_t pos = 0, len = gather(c, io);
	int err;

	if (!len)
		return -ENODATA;
	err = write_all(c, io, len, &pos);
	if (err == -EAGAIN && !keep_output(c, io + pos, len - pos))
		err = -ENOMEM;
	return err;
}

static void produce(struct kh2i_conn *c)
{
	while (!list_empty(&c->wants))
		kh2i_src_produce(list_first_entry(&c->wants, struct kh2i_src, want));
}

/* -EAGAIN: the socket is full; -ENODATA: all is sent; 0: there is more; or an error */
static int write_conn(struct kh2i_conn *c)
{
	int err = write_kept(c);

	for (int i = 0; !err && i < WRITES_MAX; i++) {
		produce(c);
		err = write_fresh(c);
	}
	if (err == -ENODATA && !list_empty(&c->wants))
		err = 0;
	return err;
}

static void linger(struct kh2i_conn *c)
{
	if (c->lingering)
		return;
	c->lingering = true;
	kh2i_conn_shutdown(c);
	watch_for(c, EPOLLIN);
}

/* A peer that does not read, or does not close, holds up the end for so long. */
static void set_timer(struct kh2i_conn *c)
{
	if (kh2e_phase(c->e) != KH2E_DONE) {
		kh2i_timer_set(c->ctx, &c->timer, kh2e_deadline(c->e));
	} else if (!c->ending) {
		c->ending = true;
		kh2i_timer_set(c->ctx, &c->timer, kh2i_now() + c->linger_ms * NSEC_PER_MSEC);
	}
}

static void serve(struct kh2i_conn *c)
{
	int err;

	if (c->read_more && list_empty(&c->blocked))
		read_conn(c);
	list_del(&c->dirty);
	if (c->ended || c->lingering)
		return;
	err = write_conn(c);
	if (err && err != -EAGAIN && err != -ENODATA) {
		post_gone(c, err);
		return;
	}
	if (kh2e_blocked(c->e) && list_empty(&c->blocked))
		list_add_tail(&c->blocked, &c->ctx->user->blocked);
	set_timer(c);
	if (err == -ENODATA && kh2e_phase(c->e) == KH2E_DONE && !kh2e_pending(c->e) &&
	    !kh2e_blocked(c->e)) {
		linger(c);
		return;
	}
	if (!err || (c->read_more && list_empty(&c->blocked)))
		kh2i_conn_dirty(c);
	watch_for(c, (list_empty(&c->blocked) ? EPOLLIN : 0) | (err == -EAGAIN ? EPOLLOUT : 0));
}

static void conn_ready(struct kh2i_watch *w, u32 events)
{
	struct kh2i_conn *c = container_of(w, struct kh2i_conn, watch);

	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR) && list_empty(&c->blocked))
		c->read_more = true;
	else if (events & (EPOLLHUP | EPOLLERR))
		post_gone(c, -ECONNRESET);
	kh2i_conn_dirty(c);
}

static void conn_timer(struct kh2i_timer *t)
{
	struct kh2i_conn *c = container_of(t, struct kh2i_conn, timer);

	if (c->ending) {
		post_gone(c, c->lingering ? 0 : -ETIMEDOUT);
		return;
	}
	kh2e_tick(c->e);
	kh2i_conn_dirty(c);
}

/* ---- the backend ---- */

/* As kh2.ko does: a peer that acknowledges nothing does not hold the socket for ever. */
static void be_impatient(const struct kh2i_attach *at)
{
	unsigned int ms = at->cfg.limits[KH2_L_STALL_MS];

	/* what is not TCP has no such option */
	(void)setsockopt(at->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
}

static int attach(struct kh2_session *s, const struct kh2i_attach *at)
{
	struct kh2_ctx *ctx = s->ctx;
	struct kh2i_conn *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->s = s;
	c->ctx = ctx;
	c->watch = (struct kh2i_watch){ .fd = at->fd, .fn = conn_ready };
	c->events = EPOLLIN;
	c->linger_ms = at->cfg.limits[KH2_L_LINGER_MS];
	be_impatient(at);
	INIT_LIST_HEAD(&c->dirty);
	INIT_LIST_HEAD(&c->blocked);
	INIT_LIST_HEAD(&c->wants);
	err = kh2i_timer_init(ctx, &c->timer, conn_timer);
	if (err)
		goto err_free;
	err = kh2e_new(&c->e, &ops, c, &at->cfg);
	if (err)
		goto err_timer;
	err = kh2i_watch_add(ctx, &c->watch, EPOLLIN);
	if (err)
		goto err_engine;
	c->ssl = at->ssl;
	s->be_data = c;
	if (at->early_len)
		feed(c, at->early, at->early_len);
	c->read_more = true;
	kh2i_conn_dirty(c);
	return 0;

err_engine:
	kh2e_free(c->e);
err_timer:
	kh2i_timer_exit(ctx, &c->timer);
err_free:
	free(c);
	return err;
}

static void post_error(struct kh2i_conn *c, const struct kh2_sqe *sqe, int err)
{
	struct kh2_event ev = {
		.type = KH2_EV_SQE_ERROR,
		.stream = sqe->stream,
		.code = (u32)-err,
		.arg = sqe->user_data,
	};

	if (sqe->user_data != KH2I_UD_IGNORE && !post(c, &ev, NULL))
		post_gone(c, -ENOMEM);
}

static int submit(struct kh2_session *s, struct kh2_sqe *sqe, const void *payload)
{
	struct kh2i_conn *c = s->be_data;
	struct kh2i_src *src = NULL;
	int err = 0;

	if (sqe->opcode == KH2_OP_DATA || sqe->opcode == KH2_OP_FILE)
		err = kh2i_src_new(c, sqe, payload, &src);
	if (!err && src) {
		sqe->flags &= (u8)~KH2I_SQE_KEPT_OPEN;
		/* the engine wants commands as they are in the ring */
		if (sqe->flags & KH2_SQE_COPY)
			sqe->addr = 0;
		err = kh2e_submit(c->e, sqe, NULL, &src->src);
		if (err)
			kh2i_src_free(src);
	} else if (!err) {
		err = kh2e_submit(c->e, sqe, payload, NULL);
	}
	if (err) {
		post_error(c, sqe, err);
		kh2e_submit_failed(c->e, sqe);
	}
	kh2i_conn_dirty(c);
	return 0;
}

static void *tx_alloc(struct kh2_session *s, size_t *len, u64 *addr)
{
	void *mem = malloc(*len);

	(void)s;
	*addr = (u64)(uintptr_t)mem;
	return mem;
}

static void tx_free(struct kh2_session *s, u64 addr, size_t len)
{
	(void)s;
	(void)len;
	free((void *)(uintptr_t)addr);
}

static void forget_events(struct kh2i_events *evs, const struct kh2i_conn *c)
{
	for (size_t at = 0; at < evs->len;) {
		struct kh2i_record *rec = (struct kh2i_record *)(evs->buf + at);

		if (rec->conn == c)
			rec->conn = NULL;
		at += rec->ev.size;
	}
}

static bool lost(const struct kh2_session *s)
{
	const struct kh2i_conn *c = s->be_data;

	return c->ended;
}

static void gone(struct kh2_session *s)
{
	struct kh2i_conn *c = s->be_data;

	if (!c->ended) {
		list_del(&c->dirty);
		list_del(&c->blocked);
		kh2i_watch_del(c->ctx, &c->watch);
		if (c->ssl)
			SSL_free(c->ssl);
		close(c->watch.fd);
		c->ended = true;
	}
	forget_events(&c->ctx->user->fill, c);
	forget_events(&c->ctx->user->drain, c);
	kh2i_timer_exit(c->ctx, &c->timer);
	kh2e_free(c->e);
	free(c->in);
	free(c->out);
	free(c);
	s->be_data = NULL;
}

static int info(const struct kh2_session *s, struct kh2e_info *out)
{
	const struct kh2i_conn *c = s->be_data;

	kh2e_info(c->e, out);
	return 0;
}

static int counters(const struct kh2_session *s, u64 *out, size_t n)
{
	const struct kh2i_conn *c = s->be_data;

	n = n < __KH2_C_END ? n : __KH2_C_END;
	memcpy(out, kh2e_counters(c->e), n * sizeof(*out));
	return (int)n;
}

static int stream_info(const struct kh2_session *s, u32 id, struct kh2e_stream_info *out)
{
	const struct kh2i_conn *c = s->be_data;

	return kh2e_stream_info(c->e, id, out);
}

static int user_init(struct kh2_ctx *ctx)
{
	struct kh2i_user *u = calloc(1, sizeof(*u));

	if (!u)
		return -ENOMEM;
	u->io = malloc(IO_LEN);
	if (!u->io) {
		free(u);
		return -ENOMEM;
	}
	INIT_LIST_HEAD(&u->dirty);
	INIT_LIST_HEAD(&u->blocked);
	ctx->user = u;
	return 0;
}

static void user_exit(struct kh2_ctx *ctx)
{
	struct kh2i_user *u = ctx->user;

	if (!u)
		return;
	free(u->fill.buf);
	free(u->drain.buf);
	free(u->io);
	free(u);
	ctx->user = NULL;
}

static void unblock(struct kh2i_conn *c)
{
	u8 *in = c->in;
	size_t len = c->in_len;

	list_del(&c->blocked);
	c->in = NULL;
	c->in_len = 0;
	kh2e_notify(c->e);
	if (feed(c, in, len))
		c->read_more = true;
	free(in);
	kh2i_conn_dirty(c);
}

static int user_events(struct kh2_ctx *ctx)
{
	struct kh2i_user *u = ctx->user;
	struct list_head blocked;
	struct kh2i_events evs;
	int n = 0;

	if (!u)
		return 0;
	if (u->fill.len) {
		evs = u->drain;
		u->drain = u->fill;
		u->fill = evs;
		u->fill.len = 0;
	}
	for (size_t at = 0; at < u->drain.len; n++) {
		struct kh2i_record *rec = (struct kh2i_record *)(u->drain.buf + at);

		at += rec->ev.size;
		if (rec->conn)
			kh2i_session_event(rec->conn->s, &rec->ev, rec + 1);
	}
	u->drain.len = 0;
	INIT_LIST_HEAD(&blocked);
	while (!list_empty(&u->blocked))
		list_move_tail(u->blocked.next, &blocked);
	while (!list_empty(&blocked))
		unblock(list_first_entry(&blocked, struct kh2i_conn, blocked));
	return n;
}

static void user_flush(struct kh2_ctx *ctx)
{
	struct kh2i_user *u = ctx->user;
	struct list_head dirty;

	if (!u)
		return;
	INIT_LIST_HEAD(&dirty);
	while (!list_empty(&u->dirty))
		list_move_tail(u->dirty.next, &dirty);
	while (!list_empty(&dirty)) {
		struct kh2i_conn *c = list_first_entry(&dirty, struct kh2i_conn, dirty);

		serve(c);
	}
}

static bool user_busy(const struct kh2_ctx *ctx)
{
	const struct kh2i_user *u = ctx->user;

	return u && (u->fill.len || !list_empty(&u->dirty) || !list_empty(&u->blocked));
}

const struct kh2i_backend kh2i_backend_user = {
	.kind = KH2_BACKEND_USER,
	.init = user_init,
	.exit = user_exit,
	.events = user_events,
	.flush = user_flush,
	.busy = user_busy,
	.attach = attach,
	.submit = submit,
	.tx_alloc = tx_alloc,
	.tx_free = tx_free,
	.lost = lost,
	.gone = gone,
	.info = info,
	.counters = counters,
	.stream_info = stream_info,
};
