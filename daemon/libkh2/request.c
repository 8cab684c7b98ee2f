// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Header blocks that arrive at a server: requests and trailers. */
#include <stdlib.h>

#include "server.h"
#include "session.h"
#include "stream.h"

static void refuse(struct kh2_session *s, u32 id, u32 code)
{
	struct kh2_sqe sqe = { .opcode = KH2_OP_RST, .stream = id, .code = code };

	if (kh2i_session_submit(s, &sqe, NULL))
		kh2i_session_fail(s, -ENOMEM, KH2_INTERNAL_ERROR);
}

static int answer(struct kh2_session *s, u32 id, u8 flags, const char *code)
{
	const struct kh2_nv status = {
		.name = ":status", .name_len = 7, .value = code, .value_len = 3,
	};

	return kh2i_session_send_block(s, id, flags, NULL, &status);
}

/* RFC 9113 8.2.1: said before the reset that 8.1.1 asks for */
static void answer_400(struct kh2_session *s, u32 id)
{
	int err = answer(s, id, 0, "400");

	if (!err || err == -EMSGSIZE)
		refuse(s, id, KH2_PROTOCOL_ERROR);
}

/* RFC 9113 10.5.1, RFC 6585 5 */
static void answer_431(struct kh2_session *s, u32 id, bool end)
{
	int err = answer(s, id, KH2_SQE_END_STREAM, "431");

	/* it may itself be more than the peer takes */
	if (err == -EMSGSIZE)
		refuse(s, id, KH2_ENHANCE_YOUR_CALM);
	else if (!err && !end)
		refuse(s, id, KH2_NO_ERROR);
}

static void answer_404(struct kh2_stream *st)
{
	const struct kh2_respond_opts opts = { .sz = sizeof(opts), .end_stream = true };
	struct kh2_headers *h;

	if (kh2_headers_new(&h))
		return;
	if (kh2_headers_add(h, ":status", "404") || kh2_respond(st, h, &opts))
		kh2_stream_close(st, KH2_INTERNAL_ERROR);
	kh2_headers_free(h);
}

/* RFC 9218 7: PRIORITY_UPDATE, which may have come first, overrides the field. */
static void begin_priority(const struct kh2_event *ev, struct kh2_stream *st)
{
	if (ev->flags & KH2_EVF_URGENCY)
		st->prio = kh2i_priority_of(ev);
	else if (st->req.has_priority)
		kh2i_stream_initial_priority(st, &st->req.prio);
}

static void begin_stream(struct kh2_session *s, const struct kh2_event *ev,
			 struct kh2_stream *st)
{
	struct kh2_server *srv = s->server;

	begin_priority(ev, st);
	if (st->req.tunnel && kh2i_stream_patience(st))
		kh2i_session_fail(s, -ENOMEM, KH2_INTERNAL_ERROR);
	kh2_stream_get(st);
	if (srv && srv->cbs.on_stream)
		srv->cbs.on_stream(srv, st, st->headers, (uint8_t)ev->code, srv->user);
	else
		answer_404(st);
	if (ev->flags & KH2_EVF_END_STREAM)
		kh2i_stream_remote_end(st);
	kh2_stream_put(st);
}

static void on_request(struct kh2_session *s, const struct kh2_event *ev, struct kh2_headers *h)
{
	bool end = ev->flags & KH2_EVF_END_STREAM;
	struct kh2i_request req;
	struct kh2_stream *st;

	if (kh2i_rules_request(h, s->local.enable_connect_protocol, &req) ||
	    (end && req.content_length > 0)) {
		kh2_headers_free(h);
		kh2i_session_blame(s, KH2_C_STREAM_MALFORMED);
		answer_400(s, ev->stream);
		return;
	}
	if (kh2i_stream_new(s, ev->stream, h, &req, &st)) {
		kh2_headers_free(h);
		refuse(s, ev->stream, KH2_INTERNAL_ERROR);
		return;
	}
	begin_stream(s, ev, st);
}

static void on_trailers(struct kh2_stream *st, const struct kh2_event *ev, struct kh2_headers *h)
{
	/* RFC 9113 8.1: a second block must end the request; 8.5: a tunnel has none */
	if (st->rst_sent || st->remote_closed) {
		kh2_headers_free(h);
	} else if (st->req.tunnel || !(ev->flags & KH2_EVF_END_STREAM) || kh2i_rules_trailers(h)) {
		kh2_headers_free(h);
		kh2i_session_blame(st->session, KH2_C_STREAM_MALFORMED);
		kh2i_stream_reset(st, KH2_ERR_PROTOCOL, KH2_PROTOCOL_ERROR);
	} else {
		kh2i_stream_trailers(st, h, (u8)ev->code);
	}
}

static void too_large(struct kh2_session *s, const struct kh2_event *ev, struct kh2_stream *st)
{
	kh2i_session_blame(s, KH2_C_REFUSED_HEADER_LIST);
	if (st)
		kh2i_stream_reset(st, KH2_ERR_PROTOCOL, KH2_ENHANCE_YOUR_CALM);
	else
		answer_431(s, ev->stream, ev->flags & KH2_EVF_END_STREAM);
}

static void decode_failed(struct kh2_session *s, int err)
{
	if (err == -E2BIG) {
		kh2i_session_blame(s, KH2_C_FLOOD_HEADER_LIST);
		kh2i_session_fail(s, KH2_ERR_PROTOCOL, KH2_ENHANCE_YOUR_CALM);
	} else if (err == KH2_ERR_PROTOCOL) {
		kh2i_session_fail(s, err, KH2_COMPRESSION_ERROR);
	} else {
		kh2i_session_fail(s, err, KH2_INTERNAL_ERROR);
	}
}

/**
 * kh2i_request_block() - a header block arrived
 * @s: session
 * @ev: event
 * @block: ev->len octets
 *
 * It is decoded whatever its stream's fate: the table is the connection's. What
 * follows the block that began a stream which is no more goes to nobody.
 */
void kh2i_request_block(struct kh2_session *s, const struct kh2_event *ev, const u8 *block)
{
	const struct kh2i_list_limits limits = {
		.max_octets = s->max_list,
		.max_fields = s->max_pairs,
	};
	struct kh2_headers *h = NULL;
	struct kh2_stream *st;
	bool first;
	int err = 0;

	if (!(ev->flags & KH2_EVF_DISCARD))
		err = kh2_headers_new(&h);
	if (!err)
		err = kh2i_hpack_decode(&s->hpack, block, ev->len, h, &limits);
	if (err && err != -EMSGSIZE) {
		kh2_headers_free(h);
		decode_failed(s, err);
		return;
	}
	if (!h)
		return;
	first = ev->stream > s->last_request;
	if (first)
		s->last_request = ev->stream;
	st = kh2i_session_find(s, ev->stream);
	if (!st && !first) {
		kh2_headers_free(h);
	} else if (err) {
		kh2_headers_free(h);
		too_large(s, ev, st);
	} else if (st) {
		on_trailers(st, ev, h);
	} else {
		on_request(s, ev, h);
	}
}
