// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A hostile peer and a hostile owner by turns, with memory and room failing at will. */
#include <stdlib.h>

#include "app.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

struct in {
	const u8 *p;
	size_t left;
};

static u8 octet(struct in *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->p++;
}

static u32 id(struct in *in)
{
	return octet(in) % 24;
}

static bool wait_for_room(struct home *h)
{
	h->room = h->room == UINT64_MAX ? h->room : h->room + 100000;
	kh2e_notify(h->e);
	return true;
}

static struct home_src *open_src(struct home *h, u32 nth)
{
	for (struct home_src *s = h->srcs; s; s = s->next)
		if (!s->released && !s->src.eof && !nth--)
			return s;
	return NULL;
}

static void any_sqe(struct home *h, struct in *in)
{
	static u8 payload[256 * sizeof(struct kh2_setting)];
	struct kh2_sqe sqe = {
		.opcode = octet(in), .flags = octet(in), .stream = id(in), .len = octet(in),
		.code = octet(in), .value = octet(in), .offset = octet(in),
	};

	if (sqe.opcode == KH2_OP_DATA || sqe.opcode == KH2_OP_FILE)
		return;
	for (size_t i = 0; i < sqe.len && i < sizeof(payload); i++)
		payload[i] = i < 16 ? octet(in) : 0;
	submit(h, &sqe, payload);
}

static void grow_source(struct home *h, struct in *in)
{
	struct home_src *s = open_src(h, octet(in) % 4);
	u8 how = octet(in);

	if (s)
		kh2e_src_add(h->e, &s->src, (how & 63) * 997, how & 64, how & 128 ? -EIO : 0);
}

static void new_file(struct home *h, struct in *in)
{
	struct home_src *s = calloc(1, sizeof(*s));
	u8 flags = octet(in) & (KH2_SQE_END_STREAM | KH2_SQE_TRAILERS);
	struct kh2_sqe sqe = { .opcode = KH2_OP_FILE, .stream = id(in), .flags = flags };

	s->next = h->srcs;
	h->srcs = s;
	s->src.stream = sqe.stream;
	s->src.notify = true;
	INIT_LIST_HEAD(&s->src.node);
	if (kh2e_submit(h->e, &sqe, NULL, &s->src))
		s->released = true;
}

static void peer(struct home *h, struct in *in)
{
	size_t n = min_t(size_t, octet(in), in->left);

	feed(h, in->p, n);
	in->p += n;
	in->left -= n;
}

static void step(struct home *h, struct in *in)
{
	u32 stream;

	switch (octet(in) % 20) {
	case 0:
		peer(h, in);
		break;
	case 1:
		stream = id(in);
		sub_headers(h, stream, octet(in) & KH2_SQE_END_STREAM);
		break;
	case 2:
		stream = id(in);
		try_data(h, stream, KH2_SQE_END_STREAM, octet(in) * 301, NULL);
		break;
	case 3:
		pump_some(h, 1 + octet(in) * 100);
		break;
	case 4:
		sub_code(h, KH2_OP_RST, id(in), KH2_CANCEL);
		break;
	case 5:
		sub_op(h, KH2_OP_RELEASE, id(in));
		break;
	case 6:
		stream = id(in);
		sub_consume(h, stream, octet(in) * 64);
		break;
	case 7:
		app_answer(h);
		break;
	case 8:
		any_sqe(h, in);
		break;
	case 9:
		advance(h, octet(in) * 500);
		break;
	case 10:
		h->fail_alloc = 1 + octet(in) % 8;
		h->fail_alloc_all = octet(in) & 1;
		break;
	case 11:
		h->fail_alloc = 0;
		break;
	case 12:
		h->room = octet(in) * 16;
		break;
	case 13:
		h->room = UINT64_MAX;
		kh2e_notify(h->e);
		break;
	case 14:
		grow_source(h, in);
		break;
	case 15:
		new_file(h, in);
		break;
	case 16:
		h->sent_step = octet(in);
		h->pull_segs = 1 + octet(in) % 64;
		break;
	case 17:
		sub_op(h, KH2_OP_SHUTDOWN, 0);
		break;
	case 18:
		stream = id(in);
		try_data(h, stream, KH2_SQE_TRAILERS, octet(in), NULL);
		break;
	default:
		pump(h);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct in in = { data, size };
	u8 config = octet(&in);
	struct home *h = app_home(config & 1, config >> 1);

	h->relieve = wait_for_room;
	while (in.left)
		step(h, &in);
	h->room = UINT64_MAX;
	h->fail_alloc = 0;
	h->pull_segs = 16;
	kh2e_notify(h->e);
	pump(h);
	app_check(h);
	home_free(h);
	return 0;
}
