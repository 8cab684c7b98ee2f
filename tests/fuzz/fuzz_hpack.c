// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Two engines, joined, with header compression at both ends as libkh2 does it.  Owners that keep
 * the rules do what they like in any order: neither connection may fail, each block is decoded
 * once, in order, to what was encoded, and the tables stay in step.
 */
#include <stdlib.h>

#include "app.h"
#include "mutate.h"
#include "headers.h"
#include "hpack.h"

const size_t fuzz_prefix;

#define N_EXPECTED	1024
#define N_STREAMS	512	/* identifiers whose bodies are counted */

struct in {
	const u8 *p;
	size_t left;
};

/**
 * struct side - an engine, its owner's tables, and what the other side sent to it
 * @delivered: octets of its output that the other side has
 * @expected: lists that the other side encoded and this one has not decoded
 * @first: of these, @last is behind them
 * @bodies: octets that it queued, by stream
 * @arrived: octets that it was told of, by stream
 * @busy: streams with a source that is not done
 * @reset: streams that its owner ended with RST_STREAM: it sends nothing on them
 */
struct side {
	struct home *h;
	struct kh2i_hpack hpack;
	size_t delivered;
	struct kh2_headers *expected[N_EXPECTED];
	u32 first, last;
	u32 bodies[N_STREAMS];
	u32 arrived[N_STREAMS];
	bool busy[N_STREAMS];
	bool reset[N_STREAMS];
};

struct play {
	struct in in;
	struct side side[2];
	struct kh2_ctx ctx;
	u32 n_blocks;
	u32 n_large;
};

static u8 octet(struct play *p)
{
	if (!p->in.left)
		return 0;
	p->in.left--;
	return *p->in.p++;
}

static bool is_client(const struct side *s)
{
	return s->h->cfg.role == KH2E_CLIENT;
}

static bool is_done(const struct side *s)
{
	return kh2e_phase(s->h->e) == KH2E_DONE;
}

static struct side *other(struct play *p, struct side *s)
{
	return s == &p->side[0] ? &p->side[1] : &p->side[0];
}

/* -- header lists -- */

static void add(struct kh2_headers *h, const char *name, size_t name_len, const char *value,
		size_t value_len, u32 flags)
{
	const struct kh2_nv nv = {
		.name = name, .name_len = name_len, .value = value, .value_len = value_len,
		.flags = flags,
	};

	CHECK(!kh2i_headers_append(h, &nv));
}

/* Fields that come again and new ones; seldom one that needs CONTINUATION */
static struct kh2_headers *some_fields(struct play *p)
{
	static const char *const names[] = {
		":path", "cookie", "x-a", "date", "server", "content-type", "x-b", ":status",
	};
	static char value[17000];
	u32 n = octet(p) % 6;
	struct kh2_headers *h;

	CHECK(!kh2_headers_new(&h));
	for (; n; n--) {
		u8 c = octet(p);
		const char *name = names[c % 8];
		bool large = c >= 250 && n == 1 && p->n_large++ < 4;
		size_t len = large ? sizeof(value) : octet(p) % 64;

		/* octets that the Huffman code makes no shorter */
		memset(value, large ? 1 : 'a' + (c >> 3 & 7), len);
		if (len >= 4 && c & 64)
			put_unaligned_be32(p->n_blocks, value);
		add(h, name, strlen(name), value, len, c & 128 ? KH2_NV_NEVER_INDEX : 0);
	}
	return h;
}

/* The encoder puts those with a colon first */
static const struct kh2_nv *nth_sent(const struct kh2_headers *h, size_t nth)
{
	for (int colon = 1; colon >= 0; colon--)
		for (size_t i = 0; i < h->n; i++)
			if ((h->nv[i].name[0] == ':') == colon && !nth--)
				return &h->nv[i];
	return NULL;
}

static void same_list(const struct kh2_headers *want, const struct kh2_headers *got)
{
	EQ(got->n, want->n);
	for (size_t i = 0; i < got->n; i++) {
		const struct kh2_nv *a = nth_sent(want, i), *b = &got->nv[i];

		EQ(a->name_len, b->name_len);
		EQ(a->value_len, b->value_len);
		CHECK(!memcmp(a->name, b->name, a->name_len));
		CHECK(!memcmp(a->value, b->value, a->value_len));
		/* the encoder thinks some fields sensitive by itself */
		CHECK(!(a->flags & ~b->flags));
	}
}

/* What was encoded must be taken, and is expected at the other side */
static void send_block(struct play *p, struct side *s, u8 op, u32 stream, u32 promised, u8 flags)
{
	struct kh2_headers *h = some_fields(p);
	struct side *to = other(p, s);
	struct kh2_sqe sqe = {
		.opcode = op, .flags = flags, .stream = stream, .value = promised,
	};
	ssize_t len;

	if (to->last - to->first == N_EXPECTED) {
		kh2_headers_free(h);
		return;
	}
	p->n_blocks++;
	len = kh2i_hpack_encode(&s->hpack, &p->ctx, NULL, h);
	CHECK(len > 0);
	sqe.len = (u64)len;
	EQ(submit(s->h, &sqe, p->ctx.scratch), 0);
	model_block(model_of(s->h), stream, promised, p->ctx.scratch, (u32)len);
	to->expected[to->last++ % N_EXPECTED] = h;
}

static void block_arrived(struct side *s, const struct kh2_event *ev, const u8 *block)
{
	static const struct kh2i_list_limits limits = { 1 << 20, 1 << 10 };
	struct kh2_headers *want, *got = NULL;

	CHECK(s->first != s->last);
	want = s->expected[s->first++ % N_EXPECTED];
	if (!(ev->flags & KH2_EVF_DISCARD))
		CHECK(!kh2_headers_new(&got));
	EQ(kh2i_hpack_decode(&s->hpack, block, ev->len, got, &limits), 0);
	if (got)
		same_list(want, got);
	kh2_headers_free(got);
	kh2_headers_free(want);
}

/* -- events: what an owner does at once -- */

static void settings_arrived(struct side *s, const struct kh2_event *ev,
			     const struct kh2_setting *v)
{
	for (u32 i = 0; i < ev->len / sizeof(*v); i++)
		if (v[i].id == KH2_SETTINGS_HEADER_TABLE_SIZE)
			CHECK(!kh2i_hpack_set_deflate(&s->hpack, v[i].value));
	if (ev->flags & KH2_EVF_ACK_WANTED && !is_done(s))
		EQ(sub_op(s->h, KH2_OP_SETTINGS_ACK, 0), 0);
}

static void settings_acked(struct side *s, const struct kh2_event *ev, const struct kh2_setting *v)
{
	for (u32 i = 0; i < ev->len / sizeof(*v); i++)
		if (v[i].id == KH2_SETTINGS_HEADER_TABLE_SIZE)
			CHECK(!kh2i_hpack_set_inflate(&s->hpack, v[i].value));
}

static void data_arrived(struct play *p, struct side *s, const struct kh2_event *ev)
{
	u32 id = ev->stream;

	if (id < N_STREAMS) {
		s->arrived[id] += ev->len;
		CHECK(s->arrived[id] <= other(p, s)->bodies[id]);
		if (ev->flags & KH2_EVF_END_STREAM)
			EQ(s->arrived[id], other(p, s)->bodies[id]);
	}
	if (!is_done(s))
		EQ(sub_consume(s->h, id, ev->len), 0);
}

static void handle(struct play *p, struct side *s, const struct kh2_event *ev, const void *payload)
{
	switch (ev->type) {
	case KH2_EV_HEADERS:
	case KH2_EV_PUSH_PROMISE:
		block_arrived(s, ev, payload);
		break;
	case KH2_EV_SETTINGS:
		settings_arrived(s, ev, payload);
		break;
	case KH2_EV_SETTINGS_ACK:
		settings_acked(s, ev, payload);
		break;
	case KH2_EV_DATA:
		data_arrived(p, s, ev);
		break;
	case KH2_EV_RESET:
		sub_op(s->h, KH2_OP_RELEASE, ev->stream);
		break;
	case KH2_EV_TX_DONE:
		if (ev->stream < N_STREAMS)
			s->busy[ev->stream] = false;
		break;
	case KH2_EV_ERROR:
		FAIL("%s failed: code %u, counter %llu", is_client(s) ? "client" : "server",
		     ev->code, (unsigned long long)ev->arg);
	}
}

static void handle_events(struct play *p, struct side *s, u32 n)
{
	struct home_ev *r;

	while (n-- && (r = next_ev(s->h))) {
		struct kh2_event ev = r->ev;

		handle(p, s, &ev, r->data);
	}
}

/* -- what owners do -- */

static u32 some_stream(struct play *p, struct side *s)
{
	u32 n = octet(p) & 7, id = 0;

	do
		id = next_stream(s->h, id);
	while (id && n--);
	return id;
}

static bool is_busy(const struct side *s, u32 id)
{
	return id >= N_STREAMS || s->busy[id];
}

/* May the owner, who has seen all but the last events, send HEADERS? Reset streams: yes */
static bool takes_headers(const struct side *s, u32 id)
{
	struct kh2e_stream_info i;

	if (is_done(s) || is_busy(s, id) || s->reset[id] || kh2e_stream_info(s->h->e, id, &i))
		return false;
	return i.state == KH2E_STREAM_OPEN || i.state == KH2E_HALF_REMOTE ||
	       i.state == KH2E_RESERVED_LOCAL || i.rst_code >= 0;
}

/* An owner knows a stream by its HEADERS event, so all events come first */
static void do_headers(struct play *p, struct side *s)
{
	u32 id;

	handle_events(p, s, ~0U);
	id = some_stream(p, s);
	if (id && takes_headers(s, id))
		send_block(p, s, KH2_OP_HEADERS, id, 0, octet(p) & KH2_SQE_END_STREAM);
}

/* Of ours: open or half-closed (RFC 9113 5.1.2) */
static u32 n_active(const struct side *s)
{
	struct kh2e_stream_info i;
	u32 n = 0;

	for (u32 id = next_stream(s->h, 0); id; id = next_stream(s->h, id))
		if ((id & 1) == is_client(s) && !kh2e_stream_info(s->h->e, id, &i))
			n += i.state == KH2E_STREAM_OPEN || i.state == KH2E_HALF_LOCAL ||
			     i.state == KH2E_HALF_REMOTE;
	return n;
}

static void do_open(struct play *p, struct side *s)
{
	struct kh2e_info i = info(s->h);
	struct kh2e_stream_info on;
	u32 id;

	if (is_done(s) || i.next_stream_id >= N_STREAMS)
		return;
	if (is_client(s)) {
		if (n_active(s) >= i.remote.max_concurrent_streams)
			return;
		send_block(p, s, KH2_OP_HEADERS, i.next_stream_id, 0,
			   octet(p) & KH2_SQE_END_STREAM);
		return;
	}
	handle_events(p, s, ~0U);
	id = some_stream(p, s);
	if (!id || !(id & 1) || !info(s->h).remote.enable_push || is_done(s) ||
	    id >= N_STREAMS || s->reset[id] || kh2e_stream_info(s->h->e, id, &on))
		return;
	if (on.rst_code >= 0 || on.state == KH2E_STREAM_OPEN || on.state == KH2E_HALF_REMOTE)
		send_block(p, s, KH2_OP_PUSH_PROMISE, id, i.next_stream_id, 0);
}

static void do_body(struct play *p, struct side *s)
{
	static const u32 sizes[] = { 0, 1, 100, 1000, 3000, 17000 };
	u32 id = some_stream(p, s), len = sizes[octet(p) % ARRAY_SIZE(sizes)];
	u8 flags = octet(p) & KH2_SQE_END_STREAM;

	if (!id || is_busy(s, id) || try_data(s->h, id, flags, len, NULL))
		return;
	s->bodies[id] += len;
	s->busy[id] = true;
}

static void do_rst(struct play *p, struct side *s)
{
	u32 id = some_stream(p, s);

	if (!id)
		return;
	sub_code(s->h, KH2_OP_RST, id, octet(p) & 1 ? KH2_CANCEL : KH2_NO_ERROR);
	if (id < N_STREAMS)
		s->reset[id] = true;
}

static void do_table(struct play *p, struct side *s)
{
	static const u32 sizes[] = { 0, 31, 100, 1000, 4096, 4097, 8192, 65536 };

	sub_setting(s->h, KH2_SETTINGS_HEADER_TABLE_SIZE, sizes[octet(p) % ARRAY_SIZE(sizes)]);
}

/* Two values at once: the encoder must tell the smaller, too (RFC 7541 4.2) */
static void do_table_twice(struct play *p, struct side *s)
{
	const struct kh2_setting v[] = {
		{ .id = KH2_SETTINGS_HEADER_TABLE_SIZE, .value = octet(p) * 16 },
		{ .id = KH2_SETTINGS_HEADER_TABLE_SIZE, .value = octet(p) * 16 },
	};
	const struct kh2_sqe sqe = { .opcode = KH2_OP_SETTINGS, .len = sizeof(v) };

	submit(s->h, &sqe, v);
}

static void do_window(struct play *p, struct side *s)
{
	static const u32 sizes[] = { 0, 1, 20, 1000, 65535, 1 << 20 };

	sub_setting(s->h, KH2_SETTINGS_INITIAL_WINDOW_SIZE,
		    sizes[octet(p) % ARRAY_SIZE(sizes)]);
}

static void do_other_setting(struct play *p, struct side *s)
{
	static const u32 sizes[] = { 16384, 16385, 20000, 65536 };
	u8 c = octet(p);

	if (c & 2)
		sub_setting(s->h, KH2_SETTINGS_MAX_FRAME_SIZE, sizes[c >> 2 & 3]);
	else if (is_client(s))
		sub_setting(s->h, KH2_SETTINGS_ENABLE_PUSH, c & 1);
}

static void do_ping(struct play *p, struct side *s)
{
	sub_ping(s->h, octet(p));
}

static void do_shutdown(struct play *p, struct side *s)
{
	if (!(octet(p) & 15))
		sub_op(s->h, KH2_OP_SHUTDOWN, 0);
}

static void do_priority(struct play *p, struct side *s)
{
	const struct kh2_sqe sqe = {
		.opcode = KH2_OP_PRIORITY, .stream = some_stream(p, s), .value = octet(p) & 15,
	};

	submit(s->h, &sqe, NULL);
}

static void do_handle(struct play *p, struct side *s)
{
	handle_events(p, s, 1 + octet(p) % 8);
}

/* -- what lies between them -- */

static void deliver(struct play *p, struct side *s, size_t max)
{
	size_t n = min(max, s->h->n_out - s->delivered);
	struct side *to = other(p, s);

	if (n)
		s->delivered += app_feed(to->h, s->h->out + s->delivered, n);
}

static void do_send(struct play *p, struct side *s)
{
	pump_some(s->h, 1 + octet(p) * 200);
	deliver(p, s, SIZE_MAX);
}

static void do_send_all(struct play *p, struct side *s)
{
	pump(s->h);
	deliver(p, s, octet(p) & 1 ? SIZE_MAX : 1 + octet(p));
}

static void do_room(struct play *p, struct side *s)
{
	u8 c = octet(p);

	s->h->room = c & 1 ? UINT64_MAX : c * 32;
	if (c & 1)
		kh2e_notify(s->h->e);
}

static void do_time(struct play *p, struct side *s)
{
	u64 ms = octet(p) & 3;

	for (int i = 0; i < 2; i++)
		advance(p->side[i].h, ms);
	(void)s;
}

static void (*const steps[])(struct play *p, struct side *s) = {
	do_open, do_open, do_open, do_headers, do_headers, do_headers, do_body, do_body, do_rst,
	do_table, do_table_twice, do_window, do_other_setting, do_ping, do_shutdown, do_priority,
	do_handle, do_handle, do_handle, do_send, do_send, do_send_all, do_send_all, do_room,
	do_time,
};

static bool no_room(struct home *h)
{
	(void)h;
	return false;
}

/* What two owners may do so often here that it would look like an attack */
static const u8 generous[] = {
	KH2_L_RESET_BURST, KH2_L_PING_BURST, KH2_L_SETTINGS_BURST, KH2_L_WINDOW_BURST,
	KH2_L_EMPTY_BURST,
};

static void begin(struct play *p, u8 config)
{
	for (int i = 0; i < 2; i++) {
		struct side *s = &p->side[i];

		memset(s, 0, sizeof(*s));
		s->h = home_prepare(i ? KH2E_CLIENT : KH2E_SERVER);
		s->h->answers = false;
		model_orderly(model_new(s->h));
		s->h->plain = true;
		s->h->relieve = no_room;
		s->h->cfg.padding = min(config & 3, KH2E_PAD_ALIGNED);
		if (config & 4)
			s->h->cfg.limits[KH2_L_STREAMS] = 2;
		for (size_t k = 0; k < ARRAY_SIZE(generous); k++)
			s->h->cfg.limits[generous[k]] = 1000000;
		home_start(s->h);
		CHECK(!kh2i_hpack_init(&s->hpack, config & 8 ? 16384 : 4096));
	}
}

/* Until nothing moves any more: then all that was sent has arrived, but for a side at its end */
static void settle(struct play *p)
{
	for (int i = 0; i < 2; i++) {
		p->side[i].h->room = UINT64_MAX;
		kh2e_recv(p->side[i].h->e, NULL, 0);
	}
	for (bool moved = true; moved;) {
		moved = false;
		for (int i = 0; i < 2; i++) {
			struct side *s = &p->side[i];
			size_t seen = s->h->ev_seen;

			handle_events(p, s, ~0U);
			pump(s->h);
			moved |= s->h->ev_seen != seen || s->delivered != s->h->n_out;
			deliver(p, s, SIZE_MAX);
		}
	}
}

static void check_in_step(struct play *p)
{
	bool end = is_done(&p->side[0]) || is_done(&p->side[1]);

	for (int i = 0; i < 2; i++) {
		struct side *s = &p->side[i], *to = other(p, s);

		if (end)
			continue;
		EQ(s->first, s->last);
		EQ(kh2i_hpack_deflate_size(&s->hpack), kh2i_hpack_inflate_size(&to->hpack));
	}
}

static void end(struct play *p)
{
	for (int i = 0; i < 2; i++) {
		struct side *s = &p->side[i];

		while (s->first != s->last)
			kh2_headers_free(s->expected[s->first++ % N_EXPECTED]);
		kh2i_hpack_exit(&s->hpack);
		app_end(s->h);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct play play;
	struct play *p = &play;

	p->in = (struct in){ data, size };
	p->n_large = 0;
	app_begin();
	begin(p, octet(p));
	while (p->in.left) {
		u8 c = octet(p);
		struct side *s = &p->side[c >> 7];

		steps[(c & 127) % ARRAY_SIZE(steps)](p, s);
		model_check(model_of(s->h));
	}
	settle(p);
	check_in_step(p);
	end(p);
	return 0;
}
