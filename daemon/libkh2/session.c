// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Sessions: how they begin and end, and what users may ask of them. */
#include <stdlib.h>

#include "server.h"
#include "session.h"
#include "stream.h"

#define BUCKETS_MIN	16
#define GOAWAY_DATA_MAX	16376
#define MEMORY_STEP	65536	/* smaller changes are not worth a command */

/**
 * kh2i_session_open() - may commands be given?
 * @s: session
 *
 * Return: false once it was destroyed.
 */
bool kh2i_session_open(const struct kh2_session *s)
{
	return s && !s->destroyed;
}

/**
 * kh2i_session_submit() - give a command to the backend
 * @s: session
 * @sqe: command, session left out
 * @payload: sqe->len octets to be copied, or NULL
 *
 * Return: 0 or -ENOMEM.
 */
int kh2i_session_submit(struct kh2_session *s, struct kh2_sqe *sqe, const void *payload)
{
	if (s->gone)
		return 0;
	sqe->session = s->be_id;
	return s->be->submit(s, sqe, payload);
}

/**
 * kh2i_session_blame() - have the engine count what it cannot see
 * @s: session
 * @why: see KH2_OP_BLAME
 */
void kh2i_session_blame(struct kh2_session *s, enum kh2_counter why)
{
	struct kh2_sqe sqe = { .opcode = KH2_OP_BLAME, .value = why };

	if (kh2i_session_submit(s, &sqe, NULL))
		kh2i_session_fail(s, -ENOMEM, KH2_INTERNAL_ERROR);
}

static void submit_close(struct kh2_session *s, u32 code)
{
	struct kh2_sqe sqe = { .opcode = KH2_OP_CLOSE, .code = code };

	if (kh2i_session_submit(s, &sqe, NULL))
		kh2i_todo_add(s->ctx, &s->todo);
}

/**
 * kh2i_session_fail() - end a session with an error, its callbacks come later
 * @s: session
 * @err: for on_error
 * @code: HTTP/2 code
 */
void kh2i_session_fail(struct kh2_session *s, int err, u32 code)
{
	if (s->destroyed)
		return;
	s->destroyed = true;
	s->err = err;
	s->code = code;
	submit_close(s, code);
}

/* Memory that was lent stays so until the backend has done with the session. */
static void session_todo(struct kh2i_todo *t)
{
	struct kh2_session *s = container_of(t, struct kh2_session, todo);

	if (s->be->lost(s))
		kh2i_session_gone(s, KH2_ERR_INTERNAL);
	else
		submit_close(s, s->code);
}

/**
 * kh2i_session_check_idle() - end a session in shutdown once its last stream is read
 * @s: session
 */
void kh2i_session_check_idle(struct kh2_session *s)
{
	if (s->idle && list_empty(&s->streams))
		kh2i_session_fail(s, 0, KH2_NO_ERROR);
}

/**
 * kh2i_session_touch() - there was activity
 * @s: session
 */
void kh2i_session_touch(struct kh2_session *s)
{
	if (s->timeout_ms)
		s->active_at = kh2i_now();
}

/**
 * kh2i_session_memory() - memory was taken or given back on behalf of a session
 * @s: session
 * @octets: how much more, or less
 *
 * The engine refuses new streams while all of it is over the limit.
 */
void kh2i_session_memory(struct kh2_session *s, s64 octets)
{
	struct kh2_sqe sqe = { .opcode = KH2_OP_MEMORY };
	s64 change;

	s->memory += octets;
	change = s->memory - s->memory_told;
	if (change < MEMORY_STEP && change > -MEMORY_STEP)
		return;
	sqe.len = (u64)s->memory;
	if (!kh2i_session_submit(s, &sqe, NULL))
		s->memory_told = s->memory;
}

/* Frames that the engine handles alone, those of a file for instance, are activity too. */
static bool octets_moved(struct kh2_session *s)
{
	u64 c[__KH2_C_END] = { 0 }, before = s->octets;

	if (s->be->counters(s, c, __KH2_C_END) < 0)
		return false;
	s->octets = c[KH2_C_RX_OCTETS] + c[KH2_C_TX_OCTETS];
	return s->octets != before;
}

static void session_timeout(struct kh2i_timer *t)
{
	struct kh2_session *s = container_of(t, struct kh2_session, timer);
	u64 due = s->active_at + s->timeout_ms * NSEC_PER_MSEC, now = kh2i_now();
	struct kh2_server *srv = s->server;
	bool moved;

	if (!s->timeout_ms || s->destroyed)
		return;
	moved = octets_moved(s);
	if (now >= due && moved) {
		s->active_at = now;
		due = now + s->timeout_ms * NSEC_PER_MSEC;
	}
	if (now < due) {
		kh2i_timer_set(s->ctx, t, due);
		return;
	}
	s->active_at = now;
	kh2i_timer_set(s->ctx, t, now + s->timeout_ms * NSEC_PER_MSEC);
	if (s->cbs.on_timeout)
		s->cbs.on_timeout(s, s->user);
	else if (srv && srv->cbs.on_timeout)
		srv->cbs.on_timeout(srv, s, srv->user);
	else
		kh2_session_destroy(s, 0, KH2_NO_ERROR);
}

/* ---- streams by id ---- */

static struct kh2_stream **bucket_of(const struct kh2_session *s, u32 id)
{
	return &s->buckets[(id >> 1) & (s->n_buckets - 1)];
}

struct kh2_stream *kh2i_session_find(const struct kh2_session *s, u32 id)
{
	struct kh2_stream *st;

	for (st = *bucket_of(s, id); st; st = st->next)
		if (st->id == id)
			return st;
	return NULL;
}

static int buckets_grow(struct kh2_session *s)
{
	u32 n = s->n_buckets ? 2 * s->n_buckets : BUCKETS_MIN;
	struct kh2_stream **buckets, *st;

	if (s->n_buckets && s->n_streams < s->n_buckets)
		return 0;
	buckets = calloc(n, sizeof(*buckets));
	if (!buckets)
		return s->n_buckets ? 0 : -ENOMEM;
	free(s->buckets);
	s->buckets = buckets;
	s->n_buckets = n;
	list_for_each_entry(st, &s->streams, node) {
		struct kh2_stream **b = bucket_of(s, st->id);

		st->next = *b;
		*b = st;
	}
	return 0;
}

int kh2i_session_link(struct kh2_session *s, struct kh2_stream *st)
{
	struct kh2_stream **b;
	int err = buckets_grow(s);

	if (err)
		return err;
	b = bucket_of(s, st->id);
	st->next = *b;
	*b = st;
	list_add_tail(&st->node, &s->streams);
	s->n_streams++;
	kh2i_session_memory(s, KH2I_STREAM_MEMORY);
	return 0;
}

void kh2i_session_unlink(struct kh2_session *s, struct kh2_stream *st)
{
	struct kh2_stream **link = bucket_of(s, st->id);

	while (*link != st)
		link = &(*link)->next;
	*link = st->next;
	list_del(&st->node);
	s->n_streams--;
	kh2i_session_memory(s, -KH2I_STREAM_MEMORY);
}

/* ---- begin and end ---- */

static void session_free(struct kh2_session *s)
{
	kh2i_hpack_exit(&s->hpack);
	free(s->buckets);
	free(s);
}

static struct kh2_session *session_alloc(struct kh2_server *srv, bool tls, const char *why)
{
	struct kh2_ctx *ctx = srv->ctx;
	struct kh2_session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	INIT_LIST_HEAD(&s->streams);
	INIT_LIST_HEAD(&s->pings);
	INIT_LIST_HEAD(&s->txs);
	kh2i_todo_init(&s->todo, session_todo);
	s->refs = 1;
	s->ctx = ctx;
	s->tls = tls;
	s->why = why;
	s->max_pings = srv->cfg.limits[KH2_L_PINGS_OUT];
	s->max_streams = srv->cfg.limits[KH2_L_STREAMS];
	s->max_pairs = srv->opts.max_header_pairs;
	s->max_list = srv->max_list;
	s->high_water = srv->opts.write_high_water;
	s->n_settings_out = 1;
	kh2i_settings_initial(&s->told);
	kh2i_settings_initial(&s->local);
	kh2i_settings_initial(&s->remote);
	if (buckets_grow(s) || kh2i_hpack_init(&s->hpack, srv->opts.max_deflate_table) ||
	    kh2i_timer_init(ctx, &s->timer, session_timeout)) {
		session_free(s);
		return NULL;
	}
	return s;
}

/* Says once for each reason why the kernel does not serve. */
static void log_why(struct kh2_ctx *ctx, const char *why)
{
	u32 bit = 1;

	for (const char *p = why; *p; p++)
		bit = bit * 31 + (unsigned char)*p;
	bit = 1U << (bit % 32);
	if (ctx->why_logged & bit)
		return;
	ctx->why_logged |= bit;
	kh2i_log(ctx, KH2_LOG_INFO, "user backend: %s", why);
}

static int attach(struct kh2_session *s, const struct kh2i_attach *at)
{
	struct kh2_ctx *ctx = s->ctx;
	int err = -EPROTONOSUPPORT;

	if (!ctx->channel)
		s->why = ctx->no_channel;
	if (!*s->why) {
		s->be = &kh2i_backend_kernel;
		err = s->be->attach(s, at);
		if (!err)
			return 0;
		s->why = "kh2.ko refused the connection";
	}
	if (ctx->opts.backend == KH2_BACKEND_KERNEL) {
		kh2i_log(ctx, KH2_LOG_WARNING, "connection closed: %s", s->why);
		return err;
	}
	if (ctx->opts.backend != KH2_BACKEND_USER)
		log_why(ctx, s->why);
	s->be = &kh2i_backend_user;
	return s->be->attach(s, at);
}

/**
 * kh2i_session_new() - make a connection a session of a server
 * @srv: server
 * @at: connection; fd and ssl are the session's on success
 * @no_kernel: why the kernel cannot serve it, or ""; static
 * @out: result
 *
 * Calls on_session.
 *
 * Return: 0 or -errno.
 */
int kh2i_session_new(struct kh2_server *srv, struct kh2i_attach *at, const char *no_kernel,
		     struct kh2_session **out)
{
	struct kh2_session *s = session_alloc(srv, at->ssl, no_kernel);
	struct kh2_ctx *ctx = srv->ctx;
	int err;

	if (!s)
		return -ENOMEM;
	s->local_len = sizeof(s->local_addr);
	s->peer_len = sizeof(s->peer_addr);
	if (getsockname(at->fd, (struct sockaddr *)&s->local_addr, &s->local_len))
		s->local_len = 0;
	if (getpeername(at->fd, (struct sockaddr *)&s->peer_addr, &s->peer_len))
		s->peer_len = 0;
	at->cfg = srv->cfg;
	kh2i_settings_apply(&s->told, at->cfg.settings, at->cfg.n_settings);
	/* those of the module have 32 bits, and are its choice */
	s->id = (ctx->channel ? 1ULL << 32 : 0) + ++ctx->next_id;
	err = attach(s, at);
	if (err) {
		kh2i_timer_exit(ctx, &s->timer);
		session_free(s);
		return err;
	}
	s->server = srv;
	list_add_tail(&s->node, &ctx->sessions);
	list_add_tail(&s->server_node, &srv->sessions);
	srv->n_sessions++;
	kh2_session_set_timeout(s, srv->opts.timeout_ms);
	*out = s;
	if (srv->cbs.on_session)
		srv->cbs.on_session(srv, s, srv->user);
	return 0;
}

static void cancel_pings(struct kh2_session *s)
{
	while (!list_empty(&s->pings)) {
		struct kh2i_ping *ping = list_first_entry(&s->pings, struct kh2i_ping, node);

		list_del(&ping->node);
		ping->cb(s, KH2_ERR_PING_CANCEL, 0, ping->payload, ping->arg);
		free(ping);
	}
	s->n_pings = 0;
}

/**
 * kh2i_session_gone() - the end: all callbacks that are left, then the library's reference
 * @s: session
 * @err: negative errno if the transport failed, else 0
 */
void kh2i_session_gone(struct kh2_session *s, int err)
{
	struct kh2_ctx *ctx = s->ctx;
	struct kh2_server *srv;

	if (s->gone)
		return;
	s->gone = true;
	if (!s->destroyed && err)
		s->err = err;
	s->destroyed = true;
	while (!list_empty(&s->streams)) {
		struct kh2_stream *st = list_first_entry(&s->streams, struct kh2_stream, node);

		/* one that only waits for its reader has ended well before */
		if (st->closing)
			kh2i_stream_finish(st, 0, 0);
		else
			kh2i_stream_finish(st, KH2_ERR_SESSION_CLOSED,
					   s->code ? s->code : KH2_CANCEL);
	}
	cancel_pings(s);
	kh2i_tx_forget(s);
	if (s->err && s->cbs.on_error)
		s->cbs.on_error(s, s->err, s->code, s->user);
	srv = s->server;
	if (s->err && srv && srv->cbs.on_session_error)
		srv->cbs.on_session_error(srv, s, s->err, s->code, srv->user);
	if (s->cbs.on_close)
		s->cbs.on_close(s, s->user);
	s->be->gone(s);
	kh2i_timer_exit(ctx, &s->timer);
	kh2i_todo_del(&s->todo);
	list_del(&s->node);
	srv = s->server;
	if (srv) {
		list_del(&s->server_node);
		s->server = NULL;
		kh2i_server_session_gone(srv);
	}
	s->ctx = NULL;
	kh2_session_put(s);
}

struct kh2_session *kh2_session_get(struct kh2_session *s)
{
	s->refs++;
	return s;
}

void kh2_session_put(struct kh2_session *s)
{
	if (s && !--s->refs)
		session_free(s);
}

/* ---- sending header blocks ---- */

/**
 * kh2i_session_send_block() - encode fields and send them, in one go
 * @s: session
 * @stream: stream identifier
 * @flags: KH2_SQE_*
 * @h: fields or NULL
 * @extra: a field to begin with, or NULL
 *
 * Once encoded a block must be sent: if it cannot be, the session ends.
 *
 * Return: 0; -EMSGSIZE if it is more than the peer takes; -ENOMEM or
 * KH2_ERR_INTERNAL, with which the session has failed.
 */
int kh2i_session_send_block(struct kh2_session *s, u32 stream, u8 flags,
			    const struct kh2_headers *h, const struct kh2_nv *extra)
{
	struct kh2_sqe sqe = {
		.opcode = KH2_OP_HEADERS,
		.flags = flags,
		.stream = stream,
		.user_data = KH2I_UD_FATAL,
	};
	size_t size = kh2i_hpack_list_size(extra, h);
	ssize_t len;
	int err;

	if (size > s->remote.max_header_list_size || size > 65536)
		return -EMSGSIZE;
	len = kh2i_hpack_encode(&s->hpack, s->ctx, extra, h);
	if (len == -EMSGSIZE)
		return -EMSGSIZE;
	if (len >= 0) {
		sqe.len = (u64)len;
		err = kh2i_session_submit(s, &sqe, s->ctx->scratch);
	} else {
		err = (int)len;
	}
	if (err)
		kh2i_session_fail(s, err, KH2_INTERNAL_ERROR);
	return err;
}

/* ---- what users ask ---- */

void kh2_session_set_callbacks(struct kh2_session *s, const struct kh2_session_cbs *cbs,
			       void *user)
{
	KH2I_OPTS_COPY(s->cbs, cbs);
	s->user = user;
}

/* RFC 8441 3, RFC 9218 2.1 */
static bool takes_back(const struct kh2_settings *told, const struct kh2_settings *settings)
{
	if ((settings->present & KH2_SET_ENABLE_CONNECT_PROTOCOL) &&
	    told->enable_connect_protocol && !settings->enable_connect_protocol)
		return true;
	return (settings->present & KH2_SET_NO_RFC7540_PRIORITIES) &&
	       settings->no_rfc7540_priorities != told->no_rfc7540_priorities;
}

int kh2_session_settings(struct kh2_session *s, const struct kh2_settings *settings)
{
	struct kh2_setting v[KH2E_SETTINGS_CAP];
	struct kh2_sqe sqe = { .opcode = KH2_OP_SETTINGS };
	int n, err;

	if (!kh2i_session_open(s))
		return KH2_ERR_SESSION_CLOSED;
	n = kh2i_settings_list(settings, v, KH2E_SETTINGS_CAP);
	if (n < 0)
		return n;
	if (kh2e_settings_check(v, (u32)n, KH2E_SERVER, NULL))
		return -EINVAL;
	if ((settings->present & KH2_SET_MAX_CONCURRENT_STREAMS) &&
	    settings->max_concurrent_streams > s->max_streams)
		return -ERANGE;
	if (takes_back(&s->told, settings))
		return -EINVAL;
	if (s->n_settings_out >= KH2E_SETTINGS_CAP ||
	    s->n_settings_out >= (s->server ? s->server->cfg.limits[KH2_L_SETTINGS_OUT] : 10))
		return -ENOBUFS;
	sqe.len = (u64)n * sizeof(*v);
	sqe.user_data = KH2I_UD_FATAL;
	err = kh2i_session_submit(s, &sqe, v);
	if (err)
		return err;
	s->n_settings_out++;
	kh2i_settings_apply(&s->told, v, (u32)n);
	return 0;
}

int kh2_session_ping(struct kh2_session *s, const uint8_t payload[8], kh2_ping_fn cb, void *arg)
{
	struct kh2_sqe sqe = { .opcode = KH2_OP_PING };
	struct kh2i_ping *ping;
	int err;

	if (!cb)
		return -EINVAL;
	if (!kh2i_session_open(s))
		return KH2_ERR_SESSION_CLOSED;
	if (s->n_pings >= s->max_pings)
		return KH2_ERR_PING_LIMIT;
	ping = calloc(1, sizeof(*ping));
	if (!ping)
		return -ENOMEM;
	*ping = (struct kh2i_ping){ .cb = cb, .arg = arg };
	if (payload)
		memcpy(ping->payload, payload, 8);
	else
		put_unaligned_le64(kh2i_now(), ping->payload);
	memcpy(&sqe.offset, ping->payload, 8);
	sqe.user_data = KH2I_UD_PING(ping);
	err = kh2i_session_submit(s, &sqe, NULL);
	if (err) {
		free(ping);
		return err;
	}
	list_add_tail(&ping->node, &s->pings);
	s->n_pings++;
	kh2i_session_touch(s);
	return 0;
}

int kh2_session_goaway(struct kh2_session *s, uint32_t code, uint32_t last_id, const void *data,
		       size_t len)
{
	struct kh2_sqe sqe = {
		.opcode = KH2_OP_GOAWAY,
		.flags = last_id ? KH2_SQE_LAST_ID : 0,
		.code = code,
		.value = last_id,
		.len = len,
	};

	if (len > GOAWAY_DATA_MAX)
		return -EMSGSIZE;
	if (!kh2i_session_open(s))
		return KH2_ERR_SESSION_CLOSED;
	return kh2i_session_submit(s, &sqe, len ? data : NULL);
}

int kh2_session_close(struct kh2_session *s)
{
	struct kh2_sqe sqe = { .opcode = KH2_OP_SHUTDOWN };

	if (!kh2i_session_open(s))
		return KH2_ERR_SESSION_CLOSED;
	if (s->closing)
		return 0;
	s->closing = true;
	return kh2i_session_submit(s, &sqe, NULL);
}

int kh2_session_destroy(struct kh2_session *s, int err, uint32_t code)
{
	if (!kh2i_session_open(s))
		return KH2_ERR_SESSION_CLOSED;
	if (code == KH2_CODE_DEFAULT)
		code = err ? KH2_INTERNAL_ERROR : KH2_NO_ERROR;
	kh2i_session_fail(s, err, code);
	return 0;
}

int kh2_session_set_timeout(struct kh2_session *s, uint32_t timeout_ms)
{
	if (!kh2i_session_open(s))
		return KH2_ERR_SESSION_CLOSED;
	s->timeout_ms = timeout_ms;
	s->active_at = kh2i_now();
	kh2i_timer_set(s->ctx, &s->timer,
		       timeout_ms ? s->active_at + timeout_ms * NSEC_PER_MSEC : UINT64_MAX);
	return 0;
}

int kh2_session_for_each_stream(struct kh2_session *s,
				int (*fn)(struct kh2_stream *st, void *arg), void *arg)
{
	struct kh2_stream *st, *next;
	int ret = 0;

	/* streams leave the list in dispatch only, and fn cannot dispatch */
	list_for_each_entry_safe(st, next, &s->streams, node) {
		ret = fn(st, arg);
		if (ret)
			break;
	}
	return ret;
}
