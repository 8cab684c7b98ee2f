// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * A peer and an owner by turns, in any order: whole frames that fit the streams there are, frames
 * that stop half-way, commands, time, and memory and room that run out.
 */
#include <stdlib.h>

#include "app.h"
#include "mutate.h"

const size_t fuzz_prefix;

struct in {
	const u8 *p;
	size_t left;
};

/**
 * struct play - one execution
 * @wire: octets of the peer that were not delivered
 * @peer_next: stream that the peer opens next
 */
struct play {
	struct home *h;
	struct in in;
	u8 wire[65536];
	size_t n_wire;
	u32 peer_next;
};

static u8 octet(struct play *p)
{
	if (!p->in.left)
		return 0;
	p->in.left--;
	return *p->in.p++;
}

static u32 word(struct play *p)
{
	u32 v = 0;

	for (int i = 0; i < 4; i++)
		v = v << 8 | octet(p);
	return v;
}

/* A value that is small, at an edge, or anything */
static u32 value(struct play *p)
{
	static const u32 edges[] = {
		0, 1, 16384, 16385, 65535, 65536, 0x7fffffff, 0x80000000, 0xffffffff, 1 << 24, 20,
	};
	u8 c = octet(p);

	if (c < 128)
		return c;
	return c < 240 ? edges[c % ARRAY_SIZE(edges)] : word(p);
}

static bool is_client(const struct play *p)
{
	return p->h->cfg.role == KH2E_CLIENT;
}

/* Mostly one that the peer opened, or that we did */
static u32 stream(struct play *p)
{
	u8 c = octet(p);
	u32 own = info(p->h).next_stream_id;

	if (c < 140)
		return p->peer_next - 2 - 2 * min(c % 6U, p->peer_next / 2 - 1);
	if (c < 220)
		return own > 2 ? own - 2 - 2 * min(c % 6U, own / 2 - 1) : 1;
	return c < 250 ? c % 24 : word(p) & KH2_ID_MAX;
}

/* -- the peer -- */

static u8 *put_frame(struct play *p, u32 len, u8 type, u8 flags, u32 id)
{
	u8 *b = p->wire + p->n_wire;

	if (p->n_wire + KH2_FRAME_HEAD_LEN + len > sizeof(p->wire))
		return NULL;
	b[0] = (u8)(len >> 16);
	b[1] = (u8)(len >> 8);
	b[2] = (u8)len;
	b[3] = type;
	b[4] = flags;
	put_unaligned_be32(id, b + 5);
	p->n_wire += KH2_FRAME_HEAD_LEN + len;
	return b + KH2_FRAME_HEAD_LEN;
}

static void put_u32(struct play *p, u8 type, u32 id, u32 v)
{
	u8 *b = put_frame(p, 4, type, 0, id);

	if (b)
		put_unaligned_be32(v, b);
}

/* The last octets reach the engine with the next delivery */
static void deliver(struct play *p, size_t keep)
{
	size_t n = p->n_wire - min(keep, p->n_wire), done;

	if (!n && keep)
		return;
	done = app_feed(p->h, p->wire, n);
	p->n_wire -= done;
	memmove(p->wire, p->wire + done, p->n_wire);
}

static u32 length(struct play *p)
{
	static const u32 lengths[] = { 0, 1, 5, 20, 21, 255, 1025, 4097, 16384, 16385 };
	u8 c = octet(p);

	return c < 200 ? c % 48 : lengths[c % ARRAY_SIZE(lengths)];
}

static u8 *fill(struct play *p, u8 *b, u32 len)
{
	if (b)
		memset(b, 0x88, len);
	if (b && len && p->in.left)
		b[0] = octet(p);
	return b;
}

/* Pad Length, stream dependency and promised stream are what the first octets are taken for */
static void put_block(struct play *p, u8 type, u32 id, u8 flags, u32 promised)
{
	u32 len = length(p);
	u8 *b = put_frame(p, len, type, flags, id);

	fill(p, b, len);
	if (b && type == KH2_FRAME_PUSH_PROMISE && len >= 5)
		put_unaligned_be32(promised, b + !!(flags & KH2_FLAG_PADDED));
	if (b && flags & KH2_FLAG_PADDED && len > 6)
		b[0] %= 2 * len;
}

static void peer_opens(struct play *p)
{
	u8 flags = octet(p);
	u32 id = p->peer_next;

	/* END_HEADERS in most, END_STREAM in half, the rest as it comes */
	flags = (flags & 0xc0 ? KH2_FLAG_END_HEADERS : 0) | (flags & 0x29);
	p->peer_next += 2;
	if (is_client(p))
		put_block(p, KH2_FRAME_PUSH_PROMISE, stream(p), flags & ~0x21, id);
	else
		put_block(p, KH2_FRAME_HEADERS, id, flags, 0);
}

static void peer_headers(struct play *p)
{
	u32 id = stream(p);

	put_block(p, KH2_FRAME_HEADERS, id, octet(p) & 0x2d, 0);
}

static void peer_continues(struct play *p)
{
	u8 flags = octet(p) & KH2_FLAG_END_HEADERS;
	u32 id = flags ? p->peer_next - 2 : stream(p);

	put_block(p, KH2_FRAME_CONTINUATION, id, flags, 0);
}

static void peer_data(struct play *p)
{
	u32 id = stream(p), len;
	u8 flags = octet(p) & (KH2_FLAG_END_STREAM | KH2_FLAG_PADDED);

	len = length(p);
	fill(p, put_frame(p, len, KH2_FRAME_DATA, flags, id), len);
}

static void peer_window(struct play *p)
{
	u32 id = octet(p) & 1 ? 0 : stream(p);

	put_u32(p, KH2_FRAME_WINDOW_UPDATE, id, value(p));
}

static void peer_rst(struct play *p)
{
	u32 id = stream(p);

	put_u32(p, KH2_FRAME_RST_STREAM, id, value(p));
}

static void peer_settings(struct play *p)
{
	u32 n = octet(p) % 4;
	u8 *b = put_frame(p, 6 * n, KH2_FRAME_SETTINGS, 0, 0);

	for (; b && n; n--, b += 6) {
		put_unaligned_be16(octet(p) % 10, b);
		put_unaligned_be32(value(p), b + 2);
	}
}

static void peer_settings_ack(struct play *p)
{
	put_frame(p, 0, KH2_FRAME_SETTINGS, KH2_FLAG_ACK, 0);
}

static void peer_ping(struct play *p)
{
	u8 flags = octet(p) & KH2_FLAG_ACK;
	u8 *b = put_frame(p, 8, KH2_FRAME_PING, flags, 0);

	if (b)
		memcpy(b, octet(p) & 1 ? "kh2 bye" : "\1\0\0\0\0\0\0", 8);
}

static void peer_goaway(struct play *p)
{
	u32 last = octet(p) & 1 ? KH2_ID_MAX : stream(p);
	u8 *b = put_frame(p, 8, KH2_FRAME_GOAWAY, 0, 0);

	if (!b)
		return;
	put_unaligned_be32(last, b);
	put_unaligned_be32(value(p), b + 4);
}

static void peer_priority(struct play *p)
{
	u32 id = stream(p);
	u8 *b = put_frame(p, 5, KH2_FRAME_PRIORITY, 0, id);

	if (!b)
		return;
	put_unaligned_be32(stream(p) | (u32)(octet(p) & 1) << 31, b);
	b[4] = octet(p);
}

static void peer_priority_update(struct play *p)
{
	u8 *b = put_frame(p, 7, KH2_FRAME_PRIORITY_UPDATE, 0, 0);

	if (!b)
		return;
	put_unaligned_be32(stream(p), b);
	memcpy(b + 4, "u=0", 3);
	b[6] = '0' + octet(p) % 10;
}

/* Any head, any payload */
static void peer_anything(struct play *p)
{
	u8 type = octet(p), flags = octet(p);
	u32 id = stream(p), len = length(p);
	u8 *b = put_frame(p, len, type & 128 ? type : type % 18, flags, id);

	for (u32 i = 0; b && i < len; i++)
		b[i] = i < 16 ? octet(p) : 0;
}

static void peer_octets(struct play *p)
{
	size_t n = min_t(size_t, octet(p), p->in.left);

	if (p->n_wire + n > sizeof(p->wire))
		return;
	memcpy(p->wire + p->n_wire, p->in.p, n);
	p->n_wire += n;
	p->in.p += n;
	p->in.left -= n;
}

/* -- the owner -- */

static u32 block_length(struct play *p)
{
	u8 c = octet(p);

	return c < 240 ? 4 + c % 60 : c < 248 ? 16380 + c % 8 : 33000;
}

/* A block that is not allowed ends the session: seldom */
static bool takes_headers(struct play *p, u32 id)
{
	struct kh2e_stream_info s;

	if (!octet(p))
		return true;
	if (kh2e_stream_info(p->h->e, id, &s))
		return is_client(p) && id == info(p->h).next_stream_id;
	return !s.queued && (s.state == KH2E_STREAM_OPEN || s.state == KH2E_HALF_REMOTE ||
			     s.state == KH2E_RESERVED_LOCAL || s.rst_code >= 0);
}

static void own_headers(struct play *p)
{
	u32 id = stream(p), len = block_length(p);
	u8 flags = octet(p) & (KH2_SQE_END_STREAM | (is_client(p) ? 0 : KH2_SQE_INFORMATIONAL));

	if (takes_headers(p, id))
		app_headers(p->h, id, flags, len);
}

static void own_request(struct play *p)
{
	u32 id = info(p->h).next_stream_id, len = block_length(p);
	u8 c = octet(p);

	if (is_client(p))
		app_headers(p->h, id, c & (KH2_SQE_END_STREAM | KH2_SQE_PRIORITY), len);
	else if (info(p->h).remote.enable_push && takes_headers(p, p->peer_next - 2))
		app_promise(p->h, p->peer_next - 2, id, len);
}

static void own_data(struct play *p)
{
	u8 flags = octet(p) & (KH2_SQE_END_STREAM | KH2_SQE_TRAILERS);
	u32 id = stream(p);

	app_body(p->h, id, flags, octet(p));
}

static void own_file(struct play *p)
{
	u8 flags = octet(p) & (KH2_SQE_END_STREAM | KH2_SQE_TRAILERS);

	app_file(p->h, stream(p), flags);
}

static struct home_src *open_src(struct home *h, u32 nth)
{
	for (struct home_src *s = h->srcs; s; s = s->next)
		if (!s->released && !s->src.eof && !nth--)
			return s;
	return NULL;
}

static void file_grows(struct play *p)
{
	struct home_src *s = open_src(p->h, octet(p) % 4);
	u8 how = octet(p);

	if (s)
		kh2e_src_add(p->h->e, &s->src, (how & 63) * 997, how & 64,
			     how == 255 ? -EIO : 0);
}

static void own_rst(struct play *p)
{
	u32 id = stream(p);

	sub_code(p->h, KH2_OP_RST, id, octet(p) % 16);
}

static void own_release(struct play *p)
{
	sub_op(p->h, KH2_OP_RELEASE, stream(p));
}

static void own_consume(struct play *p)
{
	u32 id = stream(p);

	sub_consume(p->h, id, length(p));
}

static void own_settings(struct play *p)
{
	u16 id = octet(p) % 10;

	sub_setting(p->h, id, value(p));
}

static void own_settings_ack(struct play *p)
{
	sub_op(p->h, KH2_OP_SETTINGS_ACK, 0);
}

static void own_ping(struct play *p)
{
	sub_ping(p->h, 1);
}

static void own_shutdown(struct play *p)
{
	sub_op(p->h, KH2_OP_SHUTDOWN, 0);
}

static void own_priority(struct play *p)
{
	u32 id = stream(p);
	u8 what = octet(p);
	const struct kh2_sqe sqe = {
		.opcode = KH2_OP_PRIORITY, .stream = id, .value = what & 0x1f,
		.flags = what & (KH2_SQE_SILENT | KH2_SQE_INITIAL),
	};

	submit(p->h, &sqe, NULL);
}

static void own_depend(struct play *p)
{
	const struct kh2_sqe sqe = {
		.opcode = KH2_OP_DEPEND, .stream = stream(p), .code = 1 + octet(p),
		.value = stream(p) | (u32)(octet(p) & 1) << 31,
	};

	submit(p->h, &sqe, NULL);
}

/* Fields at random; blocks and sources go other ways, for the model must know of them */
static void own_anything(struct play *p)
{
	static u8 payload[512];
	struct kh2_sqe sqe = {
		.opcode = octet(p) % (__KH2_OP_END + 1), .flags = octet(p), .stream = stream(p),
		.len = value(p) % sizeof(payload), .code = octet(p), .value = value(p),
		.offset = octet(p),
	};
	int err;

	switch (sqe.opcode) {
	case KH2_OP_HEADERS:
	case KH2_OP_PUSH_PROMISE:
	case KH2_OP_DATA:
	case KH2_OP_FILE:
	case KH2_OP_CLOSE:
		return;
	}
	for (size_t i = 0; i < sqe.len && i < 16; i++)
		payload[i] = octet(p);
	err = submit(p->h, &sqe, payload);
	if (!err && sqe.opcode == KH2_OP_MEMORY)
		model_owner_memory(model_of(p->h), sqe.len);
}

static void own_close(struct play *p)
{
	u8 c = octet(p);

	if (c < 16)
		sub_code(p->h, KH2_OP_CLOSE, 0, c);
}

static void own_answers(struct play *p)
{
	app_answer(p->h);
}

/* -- what is around them -- */

static void send_some(struct play *p)
{
	pump_some(p->h, 1 + octet(p) * 100);
}

static void send_all(struct play *p)
{
	pump(p->h);
}

static void send_in_pieces(struct play *p)
{
	p->h->sent_step = octet(p);
	p->h->pull_segs = 1 + octet(p) % 64;
}

static void time_passes(struct play *p)
{
	advance(p->h, octet(p) * 500);
}

static void memory_fails(struct play *p)
{
	p->h->fail_alloc = 1 + octet(p) % 8;
	p->h->fail_alloc_all = octet(p) & 1;
}

static void memory_is_back(struct play *p)
{
	p->h->fail_alloc = 0;
}

static void room_is_short(struct play *p)
{
	p->h->room = octet(p) * 16;
}

static void room_is_back(struct play *p)
{
	p->h->room = UINT64_MAX;
	kh2e_notify(p->h->e);
}

static void limits_change(struct play *p)
{
	p->h->cfg.limits[KH2_L_STALL_MS] = octet(p) * 1000;
	p->h->cfg.limits[KH2_L_IDLE_MS] = octet(p) * 1000;
	kh2e_set_limits(p->h->e, p->h->cfg.limits);
}

static bool wait_for_room(struct home *h)
{
	(void)h;
	return false;
}

typedef void (*step_fn)(struct play *p);

static const step_fn peer_steps[] = {
	peer_opens, peer_opens, peer_opens, peer_opens, peer_headers, peer_continues, peer_data,
	peer_data, peer_data, peer_window, peer_window, peer_rst, peer_settings,
	peer_settings_ack, peer_ping, peer_goaway, peer_priority, peer_priority_update,
	peer_anything, peer_octets,
};

static const step_fn other_steps[] = {
	own_headers, own_headers, own_request, own_request, own_data, own_data, own_file,
	file_grows, own_rst, own_release, own_consume, own_settings, own_settings_ack, own_ping,
	own_shutdown, own_priority, own_anything, own_close, own_answers, own_answers, own_depend,
	send_some, send_all, send_all, send_in_pieces, time_passes, memory_fails, memory_is_back,
	room_is_short, room_is_back, limits_change,
};

/* The top bit: the peer. Its next bit: the last octets of the frame are kept back. */
static void step(struct play *p)
{
	u8 c = octet(p);

	if (!(c & 128)) {
		other_steps[c % ARRAY_SIZE(other_steps)](p);
		return;
	}
	peer_steps[(c & 63) % ARRAY_SIZE(peer_steps)](p);
	deliver(p, c & 64 ? octet(p) : 0);
}

static void peer_begins(struct play *p)
{
	if (!is_client(p)) {
		memcpy(p->wire, KH2_PREFACE, KH2_PREFACE_LEN);
		p->n_wire = KH2_PREFACE_LEN;
	}
	put_frame(p, 0, KH2_FRAME_SETTINGS, 0, 0);
	put_frame(p, 0, KH2_FRAME_SETTINGS, KH2_FLAG_ACK, 0);
	deliver(p, 0);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct play play;
	struct play *p = &play;
	u8 config;

	p->in = (struct in){ data, size };
	p->n_wire = 0;
	config = octet(p);
	app_begin();
	p->h = app_home(config & 1, config >> 1 & 63);
	p->peer_next = config & 1 ? 2 : 1;
	p->h->relieve = wait_for_room;
	if (!(config & 128))
		peer_begins(p);
	while (p->in.left) {
		step(p);
		model_check(model_of(p->h));
	}
	p->h->room = UINT64_MAX;
	deliver(p, 0);
	app_end(p->h);
	return 0;
}
