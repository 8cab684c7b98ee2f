// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Streams: how they begin and end, and what they tell about themselves. */
#include <stdlib.h>

#include "priority.h"
#include "server.h"
#include "session.h"
#include "stream.h"

static void stream_todo(struct kh2i_todo *t)
{
	struct kh2_stream *st = container_of(t, struct kh2_stream, todo);

	if (!st->destroyed)
		kh2i_stream_deliver(st);
}

/* What is sent without our doing, of a file for instance, is activity too. */
static bool octets_moved(struct kh2_stream *st)
{
	struct kh2e_stream_info info;
	u64 before = st->octets;

	if (!kh2i_session_open(st->session) ||
	    st->session->be->stream_info(st->session, st->id, &info))
		return false;
	st->octets = info.tx_data + info.rx_data;
	return st->octets != before;
}

static void stream_timeout(struct kh2i_timer *t)
{
	struct kh2_stream *st = container_of(t, struct kh2_stream, timer);
	u64 due = st->active_at + st->timeout_ms * NSEC_PER_MSEC, now = kh2i_now();
	bool moved = octets_moved(st);

	if (now >= due && moved) {
		st->active_at = now;
		due = now + st->timeout_ms * NSEC_PER_MSEC;
	}
	if (now < due) {
		kh2i_timer_set(st->session->ctx, t, due);
		return;
	}
	st->active_at = now;
	kh2i_timer_set(st->session->ctx, t, now + st->timeout_ms * NSEC_PER_MSEC);
	if (KH2I_CB(st->cbs, on_timeout))
		st->cbs->on_timeout(st, st->user);
}

/**
 * kh2i_stream_new() - a request has begun
 * @s: session
 * @id: stream identifier
 * @h: its fields; the stream's on success
 * @req: what the rules found in them
 * @out: result; the library's reference
 *
 * Return: 0 or -ENOMEM.
 */
int kh2i_stream_new(struct kh2_session *s, u32 id, struct kh2_headers *h,
		    const struct kh2i_request *req, struct kh2_stream **out)
{
	struct kh2_stream *st = calloc(1, sizeof(*st));

	if (!st)
		return -ENOMEM;
	st->refs = 1;
	st->id = id;
	st->req = *req;
	st->rst_code = -1;
	st->prio = (struct kh2_priority){ .urgency = 3, .incremental = true };
	INIT_LIST_HEAD(&st->out);
	INIT_LIST_HEAD(&st->in);
	INIT_LIST_HEAD(&st->tail_node);
	INIT_LIST_HEAD(&st->credit_node);
	kh2i_todo_init(&st->todo, stream_todo);
	if (kh2i_timer_init(s->ctx, &st->timer, stream_timeout) || kh2i_session_link(s, st)) {
		kh2i_timer_exit(s->ctx, &st->timer);
		free(st);
		return -ENOMEM;
	}
	st->session = s;
	st->headers = h;
	*out = st;
	return 0;
}

/**
 * kh2i_stream_release() - our work on a stream that was reset has ended
 * @s: session
 * @id: stream identifier
 */
void kh2i_stream_release(struct kh2_session *s, u32 id)
{
	struct kh2_sqe sqe = { .opcode = KH2_OP_RELEASE, .stream = id };

	if (kh2i_session_submit(s, &sqe, NULL))
		kh2i_session_fail(s, -ENOMEM, KH2_INTERNAL_ERROR);
}

/**
 * kh2i_stream_patience() - the peer may take its time over a stream
 * @st: stream
 *
 * Return: 0 or -ENOMEM.
 */
int kh2i_stream_patience(struct kh2_stream *st)
{
	struct kh2_sqe sqe = {
		.opcode = KH2_OP_PATIENCE, .stream = st->id, .user_data = KH2I_UD_IGNORE,
	};

	return kh2i_session_submit(st->session, &sqe, NULL);
}

static void stream_free(struct kh2_stream *st)
{
	if (st->counted) {
		kh2i_stream_release(st->counted, st->id);
		kh2_session_put(st->counted);
	}
	kh2_headers_free(st->headers);
	kh2_headers_free(st->trailers);
	free(st);
}

/**
 * kh2i_stream_open() - may commands be given?
 * @st: stream
 *
 * Return: false once it was reset by us or destroyed, or its session was.
 */
bool kh2i_stream_open(const struct kh2_stream *st)
{
	return !st->rst_sent && !st->destroyed && !st->closing && kh2i_session_open(st->session);
}

/**
 * kh2i_stream_touch() - there was activity
 * @st: stream
 */
void kh2i_stream_touch(struct kh2_stream *st)
{
	if (st->timeout_ms)
		st->active_at = kh2i_now();
}

/**
 * kh2i_stream_reset() - RST_STREAM; the callbacks come when the engine has done with it
 * @st: stream
 * @err: for on_error, or 0
 * @code: HTTP/2 code
 */
void kh2i_stream_reset(struct kh2_stream *st, int err, u32 code)
{
	struct kh2_sqe sqe = { .opcode = KH2_OP_RST, .stream = st->id, .code = code };
	struct kh2_session *s = st->session;

	if (!kh2i_stream_open(st))
		return;
	st->rst_sent = true;
	st->err = err;
	st->credit = 0;
	list_del_init(&st->credit_node);
	kh2i_stream_out_free(st);
	kh2i_stream_in_free(st);
	if (kh2i_session_submit(s, &sqe, NULL))
		kh2i_session_fail(s, -ENOMEM, KH2_INTERNAL_ERROR);
}

static void tell_error(struct kh2_stream *st, struct kh2_server *srv)
{
	u32 code = (u32)st->rst_code;

	if (KH2I_CB(st->cbs, on_error))
		st->cbs->on_error(st, st->err, code, st->user);
	if (srv && srv->cbs.on_stream_error)
		srv->cbs.on_stream_error(srv, st, st->err, code, srv->user);
}

/**
 * kh2i_stream_finish() - the end: all callbacks that are left, then the library's reference
 * @st: stream
 * @err: for on_error; not told with code NO_ERROR
 * @code: HTTP/2 code
 */
void kh2i_stream_finish(struct kh2_stream *st, int err, s64 code)
{
	struct kh2_session *s = st->session;

	if (st->destroyed)
		return;
	kh2i_stream_out_free(st);
	kh2i_stream_in_free(st);
	if (st->credit && !s->gone) {
		kh2i_stream_credit(st, 0);
		kh2i_streams_credit(s->ctx);
	}
	list_del_init(&st->credit_node);
	kh2i_timer_exit(s->ctx, &st->timer);
	kh2i_todo_del(&st->todo);
	kh2i_session_unlink(s, st);
	st->destroyed = true;
	st->rst_code = code;
	st->err = code ? (err ? err : KH2_ERR_STREAM) : 0;
	st->aborted = !st->local_closed && !st->rst_sent;
	if (st->aborted && KH2I_CB(st->cbs, on_aborted))
		st->cbs->on_aborted(st, st->user);
	if (st->err)
		tell_error(st, s->server);
	if (KH2I_CB(st->cbs, on_close))
		st->cbs->on_close(st, (u32)code, st->user);
	st->session = NULL;
	kh2_stream_put(st);
	kh2i_session_check_idle(s);
}

struct kh2_stream *kh2_stream_get(struct kh2_stream *st)
{
	st->refs++;
	return st;
}

void kh2_stream_put(struct kh2_stream *st)
{
	if (st && !--st->refs)
		stream_free(st);
}

/**
 * kh2i_octets_new() - keep octets
 * @s: session that is charged
 * @buf: octets
 * @len: how many
 * @size: room for how many, at least @len
 *
 * Return: copy or NULL.
 */
struct kh2i_octets *kh2i_octets_new(struct kh2_session *s, const void *buf, size_t len,
				    size_t size)
{
	struct kh2i_octets *o = malloc(sizeof(*o) + size);

	if (!o)
		return NULL;
	o->pos = 0;
	o->len = len;
	o->size = size;
	memcpy(o->octets, buf, len);
	kh2i_session_memory(s, (s64)(sizeof(*o) + size));
	return o;
}

/**
 * kh2i_octets_free() - forget octets
 * @s: session
 * @o: octets, in a list
 */
void kh2i_octets_free(struct kh2_session *s, struct kh2i_octets *o)
{
	kh2i_session_memory(s, -(s64)(sizeof(*o) + o->size));
	list_del(&o->node);
	free(o);
}

/* ---- what users ask ---- */

void kh2_stream_set_callbacks(struct kh2_stream *st, const struct kh2_stream_cbs *cbs, void *user)
{
	st->cbs = cbs;
	st->user = user;
}

/* The engine has done with it, and only the application keeps it by not reading. */
static int close_unread(struct kh2_stream *st)
{
	kh2i_stream_in_free(st);
	st->paused = false;
	kh2i_todo_add(st->session->ctx, &st->todo);
	return 0;
}

int kh2_stream_close(struct kh2_stream *st, uint32_t code)
{
	if (st->closing && !st->destroyed)
		return close_unread(st);
	if (!kh2i_stream_open(st))
		return KH2_ERR_STREAM_CLOSED;
	kh2i_stream_reset(st, code ? KH2_ERR_STREAM : 0, code);
	return 0;
}

int kh2_stream_destroy(struct kh2_stream *st, int err)
{
	if (st->closing && !st->destroyed)
		return close_unread(st);
	if (!kh2i_stream_open(st))
		return KH2_ERR_STREAM_CLOSED;
	kh2i_stream_reset(st, err, err ? KH2_INTERNAL_ERROR : KH2_NO_ERROR);
	return 0;
}

static int submit_priority(struct kh2_stream *st, const struct kh2_priority *prio, u8 flags)
{
	struct kh2_sqe sqe = { .opcode = KH2_OP_PRIORITY, .flags = flags, .stream = st->id };

	if (prio->urgency >= KH2E_URGENCIES)
		return -ERANGE;
	if (!kh2i_stream_open(st))
		return KH2_ERR_STREAM_CLOSED;
	st->prio = *prio;
	sqe.value = prio->urgency | (prio->incremental ? 8 : 0);
	return kh2i_session_submit(st->session, &sqe, NULL);
}

/**
 * kh2i_stream_initial_priority() - what the `priority` field of a request says
 * @st: stream
 * @prio: priority
 *
 * A PRIORITY_UPDATE that has come meanwhile stays in force.
 */
void kh2i_stream_initial_priority(struct kh2_stream *st, const struct kh2_priority *prio)
{
	if (submit_priority(st, prio, KH2_SQE_INITIAL) == -ENOMEM)
		kh2i_session_fail(st->session, -ENOMEM, KH2_INTERNAL_ERROR);
}

/**
 * kh2i_priority_of() - urgency and incremental in an event
 * @ev: event with KH2_EVF_URGENCY
 *
 * Return: these.
 */
struct kh2_priority kh2i_priority_of(const struct kh2_event *ev)
{
	return (struct kh2_priority){
		.urgency = (uint8_t)KH2_PRIO_URGENCY(ev->arg),
		.incremental = KH2_PRIO_INCREMENTAL(ev->arg),
	};
}

int kh2_stream_set_priority(struct kh2_stream *st, const struct kh2_priority *prio)
{
	return submit_priority(st, prio, 0);
}

int kh2_stream_priority(struct kh2_stream *st, const struct kh2_prio_opts *options)
{
	struct kh2_sqe sqe = { .opcode = KH2_OP_DEPEND, .stream = st->id };
	struct kh2_prio_opts opts;

	KH2I_OPTS_COPY(opts, options);
	if (opts.weight > KH2E_WEIGHT_MAX || opts.parent > KH2_ID_MAX)
		return -ERANGE;
	if (opts.parent == st->id)
		return -EINVAL;
	if (!kh2i_stream_open(st))
		return KH2_ERR_STREAM_CLOSED;
	sqe.flags = opts.silent ? KH2_SQE_SILENT : 0;
	sqe.value = opts.parent | (opts.exclusive ? 1U << 31 : 0);
	sqe.code = opts.weight ? opts.weight : KH2E_WEIGHT_DEFAULT;
	return kh2i_session_submit(st->session, &sqe, NULL);
}

int kh2_stream_set_timeout(struct kh2_stream *st, uint32_t timeout_ms)
{
	int err;

	if (!kh2i_stream_open(st))
		return KH2_ERR_STREAM_CLOSED;
	err = kh2i_stream_patience(st);
	if (err)
		return err;
	st->timeout_ms = timeout_ms;
	st->active_at = kh2i_now();
	kh2i_timer_set(st->session->ctx, &st->timer,
		       timeout_ms ? st->active_at + timeout_ms * NSEC_PER_MSEC : UINT64_MAX);
	return 0;
}

void *kh2_stream_user(const struct kh2_stream *st)
{
	return st->user;
}

void kh2_stream_set_user(struct kh2_stream *st, void *user)
{
	st->user = user;
}

int64_t kh2_stream_id(const struct kh2_stream *st)
{
	return st->id;
}

struct kh2_session *kh2_stream_session(const struct kh2_stream *st)
{
	return st->session;
}

const struct kh2_headers *kh2_stream_headers(const struct kh2_stream *st)
{
	return st->headers;
}

bool kh2_stream_headers_sent(const struct kh2_stream *st)
{
	return st->responded;
}

bool kh2_stream_is_aborted(const struct kh2_stream *st)
{
	return st->aborted;
}

bool kh2_stream_is_closed(const struct kh2_stream *st)
{
	return st->rst_sent || st->destroyed;
}

bool kh2_stream_is_destroyed(const struct kh2_stream *st)
{
	return st->destroyed;
}

int64_t kh2_stream_rst_code(const struct kh2_stream *st)
{
	return st->rst_code < 0 ? -ENODATA : st->rst_code;
}

size_t kh2_stream_queued(const struct kh2_stream *st)
{
	return st->queued;
}

void kh2_stream_get_priority(const struct kh2_stream *st, struct kh2_priority *prio)
{
	*prio = st->prio;
}

int kh2_stream_state(const struct kh2_stream *st, struct kh2_stream_state *out, size_t sz)
{
	struct kh2_stream_state state = { 0 };
	struct kh2e_stream_info info;
	int err;

	if (st->destroyed || !kh2i_session_open(st->session))
		return KH2_ERR_STREAM_CLOSED;
	err = st->session->be->stream_info(st->session, st->id, &info);
	if (err)
		return err == -ENOENT ? KH2_ERR_STREAM_CLOSED : err;
	state.state = info.state;
	state.local_close = info.state == KH2_ST_HALF_CLOSED_LOCAL || info.state == KH2_ST_CLOSED;
	state.remote_close = info.state == KH2_ST_HALF_CLOSED_REMOTE ||
			     info.state == KH2_ST_CLOSED;
	state.local_window = info.local_window;
	state.remote_window = info.remote_window;
	state.urgency = info.urgency;
	state.incremental = info.incremental;
	state.queued = info.queued;
	state.weight = info.weight;
	state.parent = info.parent;
	state.sum_dependency_weight = info.sum_dependency_weight;
	memcpy(out, &state, sz < sizeof(state) ? sz : sizeof(state));
	return 0;
}
