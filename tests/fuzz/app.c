// SPDX-License-Identifier: GPL-2.0 OR MIT
/* An owner that answers what it is asked, and tells the model what it did. */
#include <stdlib.h>

#include "app.h"

#define BLOCK_MAX 40000U

void app_begin(void)
{
#ifdef KH2_FUZZ_ARENA_H
	arena_reset();
#endif
}

/*
 * bits of @config: 0-1 padding, 2 few streams, 3 small windows, 4 small pieces, 5 small limits,
 * 6 windows that are tuned
 */
struct home *app_home(u8 role, u8 config)
{
	struct home *h = home_prepare(role);

	h->answers = false;
	model_new(h);
	h->plain = true;
	h->cfg.padding = min(config & 3, KH2E_PAD_ALIGNED);
	if (config & 4)
		h->cfg.limits[KH2_L_STREAMS] = 2;
	if (config & 8)
		h->cfg.settings[h->cfg.n_settings++] = (struct kh2_setting){
			.id = KH2_SETTINGS_INITIAL_WINDOW_SIZE, .value = 20,
		};
	if (config & 16)
		h->pull_max = 33;
	if (config & 32) {
		h->cfg.limits[KH2_L_RESET_BURST] = 3;
		h->cfg.limits[KH2_L_REPLIES] = 10;
		h->cfg.limits[KH2_L_BLOCK_OCTETS] = 1024;
		h->cfg.limits[KH2_L_MEMORY] = 65536;
	}
	if (config & 64) {
		h->cfg.conn_window = 0;
		h->cfg.limits[KH2_L_WINDOW_MAX] = 1 << 20;
	}
	home_start(h);
	if (role == KH2E_CLIENT) {
		app_headers(h, 1, KH2_SQE_END_STREAM, 6);
		app_headers(h, 3, 0, 6);
		app_body(h, 3, KH2_SQE_END_STREAM, 2);
	}
	return h;
}

size_t app_feed(struct home *h, const void *p, size_t n)
{
	size_t done = feed(h, p, n);

	model_input(model_of(h), p, done);
	return done;
}

/* No two blocks of a connection are the same */
static const u8 *block_octets(struct home *h, u32 len)
{
	static u8 block[BLOCK_MAX];

	put_unaligned_be32(++h->n_srcs, block);
	CHECK(len <= BLOCK_MAX);
	return block;
}

int app_headers(struct home *h, u32 stream, u8 flags, u32 len)
{
	struct kh2_sqe sqe = {
		.opcode = KH2_OP_HEADERS, .flags = flags, .stream = stream, .len = len,
	};
	const u8 *p = block_octets(h, len);
	int err;

	if (flags & KH2_SQE_PRIORITY) {
		sqe.value = (stream - 1) / 4;
		sqe.code = 1 + stream % 256;
	}
	err = submit(h, &sqe, p);
	if (!err)
		model_block(model_of(h), stream, 0, p, len);
	return err;
}

int app_promise(struct home *h, u32 stream, u32 promised, u32 len)
{
	const struct kh2_sqe sqe = {
		.opcode = KH2_OP_PUSH_PROMISE, .stream = stream, .len = len, .value = promised,
	};
	const u8 *p = block_octets(h, len);
	int err = submit(h, &sqe, p);

	if (!err)
		model_block(model_of(h), stream, promised, p, len);
	return err;
}

int app_body(struct home *h, u32 stream, u8 flags, u8 size)
{
	static const u32 sizes[16] = {
		0, 1, 70, 300, 300, 1000, 5000, 16375, 16376, 33000, 70000, 70, 19, 20, 21, 600,
	};

	return try_data(h, stream, flags, sizes[size % 16], NULL);
}

struct home_src *app_file(struct home *h, u32 stream, u8 flags)
{
	struct home_src *s = calloc(1, sizeof(*s));
	const struct kh2_sqe sqe = {
		.opcode = KH2_OP_FILE, .stream = stream, .flags = flags, .len = KH2_LEN_EOF,
		.user_data = 0xf000 + ++h->n_srcs,
	};

	s->next = h->srcs;
	h->srcs = s;
	s->src.stream = stream;
	s->src.notify = true;
	s->src.patient = h->n_srcs & 1;
	INIT_LIST_HEAD(&s->src.node);
	s->released = kh2e_submit(h->e, &sqe, NULL, &s->src);
	return s;
}

static void answer_headers(struct home *h, const struct kh2_event *ev)
{
	if (h->cfg.role == KH2E_CLIENT || ev->flags & KH2_EVF_DISCARD)
		return;
	switch (ev->stream / 2 % 4) {
	case 0:
		app_headers(h, ev->stream, KH2_SQE_END_STREAM, 4);
		break;
	case 1:
		app_headers(h, ev->stream, 0, 5);
		app_body(h, ev->stream, KH2_SQE_TRAILERS, 9);
		break;
	case 2:
		app_headers(h, ev->stream, 0, 20);
		app_body(h, ev->stream, KH2_SQE_END_STREAM, 2);
		break;
	default:
		sub_code(h, KH2_OP_RST, ev->stream, KH2_CANCEL);
	}
}

/* Looks at each event once, as libkh2 would */
void app_answer(struct home *h)
{
	struct home_ev *r;

	while ((r = next_ev(h))) {
		struct kh2_event ev = r->ev;

		switch (ev.type) {
		case KH2_EV_HEADERS:
			answer_headers(h, &ev);
			break;
		case KH2_EV_DATA:
			sub_consume(h, ev.stream, ev.len);
			break;
		case KH2_EV_RESET:
			sub_op(h, KH2_OP_RELEASE, ev.stream);
			break;
		case KH2_EV_WANT_TRAILERS:
			app_headers(h, ev.stream, KH2_SQE_END_STREAM, 4);
			break;
		case KH2_EV_SETTINGS:
			if (ev.flags & KH2_EVF_ACK_WANTED)
				sub_op(h, KH2_OP_SETTINGS_ACK, 0);
			break;
		}
	}
}

/* Nothing is withheld any more: everything must come to its end */
void app_end(struct home *h)
{
	struct model *m = model_of(h);

	h->room = UINT64_MAX;
	h->fail_alloc = 0;
	h->pull_segs = 16;
	h->pull_max = 1 << 20;
	h->sent_step = 0;
	kh2e_recv(h->e, NULL, 0);
	pump(h);
	model_check_end(m);
	home_free(h);
	model_free(m);
}
