// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Events of a session, from either backend: one table, one handler each. */
#include <stdlib.h>

#include "session.h"
#include "stream.h"

typedef void (*event_fn)(struct kh2_session *s, const struct kh2_event *ev, const void *payload);

static void on_settings(struct kh2_session *s, const struct kh2_event *ev, const void *payload)
{
	struct kh2_sqe ack = { .opcode = KH2_OP_SETTINGS_ACK, .user_data = KH2I_UD_FATAL };
	const struct kh2_setting *v = payload;
	u32 n = ev->len / sizeof(*v);
	int err = 0;

	kh2i_settings_apply(&s->remote, v, n);
	for (u32 i = 0; i < n && !err; i++)
		if (v[i].id == KH2_SETTINGS_HEADER_TABLE_SIZE)
			err = kh2i_hpack_set_deflate(&s->hpack, v[i].value);
	/* what is encoded from here on may count on it, so the order of these two matters */
	if (!err && (ev->flags & KH2_EVF_ACK_WANTED))
		err = kh2i_session_submit(s, &ack, NULL);
	if (err)
		kh2i_session_fail(s, err, KH2_INTERNAL_ERROR);
	else if (s->cbs.on_remote_settings)
		s->cbs.on_remote_settings(s, &s->remote, s->user);
}

static void on_settings_ack(struct kh2_session *s, const struct kh2_event *ev,
			    const void *payload)
{
	const struct kh2_setting *v = payload;
	u32 n = ev->len / sizeof(*v);
	int err = 0;

	kh2i_settings_apply(&s->local, v, n);
	for (u32 i = 0; i < n && !err; i++) {
		if (v[i].id == KH2_SETTINGS_HEADER_TABLE_SIZE)
			err = kh2i_hpack_set_inflate(&s->hpack, v[i].value);
		else if (v[i].id == KH2_SETTINGS_MAX_HEADER_LIST_SIZE)
			s->max_list = v[i].value;
	}
	if (s->n_settings_out)
		s->n_settings_out--;
	if (err)
		kh2i_session_fail(s, err, KH2_INTERNAL_ERROR);
	else if (s->cbs.on_local_settings)
		s->cbs.on_local_settings(s, &s->local, s->user);
}

static void on_data(struct kh2_session *s, const struct kh2_event *ev, const void *payload)
{
	struct kh2_stream *st = kh2i_session_find(s, ev->stream);

	/* one that we refused has none, and KH2_OP_RST gives back what it still gets */
	if (st)
		kh2i_stream_data(st, payload, ev->len, ev->flags & KH2_EVF_END_STREAM);
}

/* Ours: no block of a response goes to it any more, so RST_STREAM may follow. */
static void reset_seen(struct kh2_session *s, const struct kh2_event *ev)
{
	struct kh2_sqe sqe = {
		.opcode = KH2_OP_RELEASE, .flags = KH2_SQE_SEEN, .stream = ev->stream,
		.user_data = KH2I_UD_IGNORE,
	};

	if (ev->flags & KH2_EVF_LOCAL && kh2i_session_submit(s, &sqe, NULL))
		kh2i_session_fail(s, -ENOMEM, KH2_INTERNAL_ERROR);
}

static void on_reset(struct kh2_session *s, const struct kh2_event *ev, const void *payload)
{
	struct kh2_stream *st = kh2i_session_find(s, ev->stream);

	(void)payload;
	if (!st) {
		kh2i_stream_release(s, ev->stream);
		return;
	}
	if (!st->counted)
		st->counted = kh2_session_get(s);
	kh2_session_get(s);
	kh2i_stream_finish(st, st->err ? st->err : KH2_ERR_STREAM, ev->code);
	reset_seen(s, ev);
	kh2_session_put(s);
}

static void on_closed(struct kh2_session *s, const struct kh2_event *ev, const void *payload)
{
	struct kh2_stream *st = kh2i_session_find(s, ev->stream);

	(void)payload;
	if (!st)
		return;
	if (!st->rst_sent && (!list_empty(&st->in) || st->in_end)) {
		st->closing = true;
		return;
	}
	kh2i_stream_finish(st, st->err, ev->code);
}

static void on_tx_done(struct kh2_session *s, const struct kh2_event *ev, const void *payload)
{
	(void)payload;
	/* a failure is told by the stream's end, too */
	if (ev->arg > KH2I_UD_FATAL && !(ev->arg & 7))
		kh2i_tx_done(s, KH2I_UD_PTR(ev->arg), 0);
}

static void on_want_trailers(struct kh2_session *s, const struct kh2_event *ev,
			     const void *payload)
{
	struct kh2_stream *st = kh2i_session_find(s, ev->stream);

	(void)payload;
	if (st)
		kh2i_stream_want_trailers(st);
}

static void on_ping(struct kh2_session *s, const struct kh2_event *ev, const void *payload)
{
	if (s->cbs.on_ping && ev->len == 8)
		s->cbs.on_ping(s, payload, s->user);
}

/* It may be that of an administrator's, who sends them by netlink. */
static struct kh2i_ping *find_ping(const struct kh2_session *s, const void *payload)
{
	struct kh2i_ping *ping;

	list_for_each_entry(ping, &s->pings, node)
		if (!memcmp(ping->payload, payload, 8))
			return ping;
	return NULL;
}

static void on_ping_ack(struct kh2_session *s, const struct kh2_event *ev, const void *payload)
{
	struct kh2i_ping *ping = ev->len == 8 ? find_ping(s, payload) : NULL;

	if (!ping)
		return;
	list_del(&ping->node);
	s->n_pings--;
	ping->cb(s, 0, ev->arg, payload, ping->arg);
	free(ping);
}

static void on_goaway(struct kh2_session *s, const struct kh2_event *ev, const void *payload)
{
	if (s->cbs.on_goaway)
		s->cbs.on_goaway(s, ev->code, ev->stream, ev->len ? payload : NULL, ev->len,
				 s->user);
	if (ev->code == KH2_NO_ERROR)
		kh2_session_close(s);
	else
		kh2i_session_fail(s, KH2_ERR_SESSION, ev->code);
}

/* RFC 9218 7: the engine has carried it out; the application may ask */
static void on_priority(struct kh2_session *s, const struct kh2_event *ev, const void *payload)
{
	struct kh2_stream *st = kh2i_session_find(s, ev->stream);

	(void)payload;
	if (st && (ev->flags & KH2_EVF_URGENCY))
		st->prio = kh2i_priority_of(ev);
}

/* These only say that the end, of the stream or the session, is on its way as an event. */
static bool is_race(u32 code)
{
	return code == EPIPE || code == ENOENT || code == ESHUTDOWN;
}

static void ping_refused(struct kh2_session *s, struct kh2i_ping *ping)
{
	list_del(&ping->node);
	s->n_pings--;
	ping->cb(s, KH2_ERR_PING_LIMIT, 0, ping->payload, ping->arg);
	free(ping);
}

static void on_sqe_error(struct kh2_session *s, const struct kh2_event *ev, const void *payload)
{
	struct kh2_stream *st;

	(void)payload;
	if (ev->arg == KH2I_UD_IGNORE) {
		return;
	} else if (ev->arg == KH2I_UD_FATAL) {
		if (!is_race(ev->code))
			kh2i_session_fail(s, -(int)ev->code, KH2_INTERNAL_ERROR);
	} else if (KH2I_UD_IS_STREAM(ev->arg)) {
		st = kh2i_session_find(s, KH2I_UD_STREAM_ID(ev->arg));
		if (st && !is_race(ev->code))
			kh2i_stream_reset(st, -(int)ev->code, KH2_INTERNAL_ERROR);
	} else if (KH2I_UD_IS_PING(ev->arg)) {
		if (ev->code != ESHUTDOWN)
			ping_refused(s, KH2I_UD_PTR(ev->arg));
	} else {
		kh2i_tx_done(s, KH2I_UD_PTR(ev->arg), is_race(ev->code) ? 0 : -(int)ev->code);
	}
}

static void on_idle(struct kh2_session *s, const struct kh2_event *ev, const void *payload)
{
	(void)ev;
	(void)payload;
	s->idle = true;
	kh2i_session_check_idle(s);
}

static void on_error(struct kh2_session *s, const struct kh2_event *ev, const void *payload)
{
	(void)payload;
	if (s->destroyed)
		return;
	s->destroyed = true;
	s->code = ev->code;
	if (ev->arg == KH2_C_CONN_TRANSPORT)
		s->err = -ECONNRESET;
	else if (ev->arg == KH2_C_CONN_STALLED)
		s->err = -ETIMEDOUT;
	else if (ev->arg == KH2_C_CONN_IDLE)
		s->err = 0;
	else if (ev->arg == KH2_C_CONN_USER)	/* an administrator, by netlink */
		s->err = ev->code ? KH2_ERR_SESSION : 0;
	else if (ev->arg == KH2_C_CONN_PREFACE_TIMEOUT ||
		 ev->arg == KH2_C_CONN_SETTINGS_TIMEOUT || ev->arg == KH2_C_CONN_FRAME_TIMEOUT)
		s->err = KH2_ERR_TIMEOUT;
	else
		s->err = ev->code == KH2_INTERNAL_ERROR ? KH2_ERR_INTERNAL : KH2_ERR_PROTOCOL;
}

static void on_gone(struct kh2_session *s, const struct kh2_event *ev, const void *payload)
{
	(void)payload;
	kh2i_session_gone(s, -(int)ev->code);
}

static const event_fn handlers[__KH2_EV_END] = {
	[KH2_EV_SETTINGS]	= on_settings,
	[KH2_EV_SETTINGS_ACK]	= on_settings_ack,
	[KH2_EV_DATA]		= on_data,
	[KH2_EV_RESET]		= on_reset,
	[KH2_EV_CLOSED]		= on_closed,
	[KH2_EV_TX_DONE]	= on_tx_done,
	[KH2_EV_WANT_TRAILERS]	= on_want_trailers,
	[KH2_EV_PING]		= on_ping,
	[KH2_EV_PING_ACK]	= on_ping_ack,
	[KH2_EV_GOAWAY]		= on_goaway,
	[KH2_EV_PRIORITY]	= on_priority,
	[KH2_EV_SQE_ERROR]	= on_sqe_error,
	[KH2_EV_IDLE]		= on_idle,
	[KH2_EV_ERROR]		= on_error,
	[KH2_EV_GONE]		= on_gone,
};

/* After destruction only the end matters, and memory that comes back. */
static bool wanted(const struct kh2_session *s, u16 type)
{
	if (!s->destroyed)
		return true;
	return type == KH2_EV_GONE || type == KH2_EV_TX_DONE || type == KH2_EV_SQE_ERROR;
}

/**
 * kh2i_session_event() - handle one event; the session may be gone afterwards
 * @s: session
 * @ev: event
 * @payload: ev->len octets
 */
void kh2i_session_event(struct kh2_session *s, const struct kh2_event *ev, const void *payload)
{
	if (ev->type >= __KH2_EV_END || !wanted(s, ev->type))
		return;
	if (ev->type != KH2_EV_GONE && ev->type != KH2_EV_TX_DONE)
		kh2i_session_touch(s);
	if (ev->type == KH2_EV_HEADERS)
		kh2i_request_block(s, ev, payload);
	else if (handlers[ev->type])
		handlers[ev->type](s, ev, payload);
}
