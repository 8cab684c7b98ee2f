// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The owner as tests play it: commands and sources that the engine is given. */
#include <stdlib.h>

#include "home.h"

int submit(struct home *h, const struct kh2_sqe *sqe, const void *payload)
{
	return kh2e_submit(h->e, sqe, payload, NULL);
}

int sub_block(struct home *h, u32 stream, u8 flags, const void *p, size_t len)
{
	struct kh2_sqe sqe = {
		.opcode = KH2_OP_HEADERS, .flags = flags, .stream = stream, .len = len,
	};

	return submit(h, &sqe, p);
}

int sub_headers(struct home *h, u32 stream, u8 flags)
{
	static const u8 get[] = { 0x82, 0x87, 0x84, 0x41, 0x01, 'a' };
	static const u8 ok[] = { 0x88 };
	bool client = h->cfg.role == KH2E_CLIENT;

	return sub_block(h, stream, flags, client ? get : ok, client ? sizeof(get) : sizeof(ok));
}

void close_stream(struct home *h, u32 id)
{
	EQ(sub_headers(h, id, KH2_SQE_END_STREAM), 0);
}

static struct home_src *src_new(struct home *h)
{
	struct home_src *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	s->seed = ++h->n_srcs;
	s->next = h->srcs;
	h->srcs = s;
	return s;
}

static int src_submit(struct home *h, struct home_src *s, const struct kh2_sqe *sqe)
{
	int rc;

	s->src.stream = sqe->stream;
	s->src.user_data = sqe->user_data;
	s->src.end_stream = sqe->flags & KH2_SQE_END_STREAM;
	s->src.trailers = sqe->flags & KH2_SQE_TRAILERS;
	s->src.notify = true;
	INIT_LIST_HEAD(&s->src.node);
	rc = kh2e_submit(h->e, sqe, NULL, &s->src);
	if (rc)			/* refused: it stays the home's */
		s->released = true;
	return rc;
}

int try_data(struct home *h, u32 stream, u8 flags, u64 len, struct home_src **out)
{
	struct home_src *s = src_new(h);
	struct kh2_sqe sqe = {
		.opcode = KH2_OP_DATA, .flags = flags, .stream = stream, .len = len,
		.user_data = 0xd000 + s->seed,
	};

	s->src.avail = len;
	s->src.eof = true;
	if (out)
		*out = s;
	return src_submit(h, s, &sqe);
}

struct home_src *sub_data(struct home *h, u32 stream, u8 flags, u64 len)
{
	struct home_src *s;

	EQ(try_data(h, stream, flags, len, &s), 0);
	return s;
}

/* A source that has nothing yet: kh2e_src_add() as the test likes */
struct home_src *sub_file(struct home *h, u32 stream, u8 flags)
{
	struct home_src *s = src_new(h);
	struct kh2_sqe sqe = {
		.opcode = KH2_OP_FILE, .flags = flags, .stream = stream, .len = KH2_LEN_EOF,
		.user_data = 0xf000 + s->seed,
	};

	EQ(src_submit(h, s, &sqe), 0);
	return s;
}

int sub_code(struct home *h, u8 op, u32 stream, u32 code)
{
	struct kh2_sqe sqe = { .opcode = op, .stream = stream, .code = code };

	return submit(h, &sqe, NULL);
}

int sub_op(struct home *h, u8 op, u32 stream)
{
	return sub_code(h, op, stream, 0);
}

int sub_consume(struct home *h, u32 stream, u64 len)
{
	struct kh2_sqe sqe = { .opcode = KH2_OP_CONSUME, .stream = stream, .len = len };

	return submit(h, &sqe, NULL);
}

int sub_setting(struct home *h, u16 id, u32 value)
{
	struct kh2_setting s = { .id = id, .value = value };
	struct kh2_sqe sqe = { .opcode = KH2_OP_SETTINGS, .len = sizeof(s) };

	return submit(h, &sqe, &s);
}

int sub_ping(struct home *h, u64 payload)
{
	struct kh2_sqe sqe = { .opcode = KH2_OP_PING, .offset = payload };

	return submit(h, &sqe, NULL);
}
