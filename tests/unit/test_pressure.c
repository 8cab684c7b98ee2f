// SPDX-License-Identifier: GPL-2.0 OR MIT
/* No room for events, no memory: at every place of one long exchange. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>

#include "home.h"

/* What the exchange came to, as text */
struct story {
	char *received;		/* events that input caused, in order */
	char *others[4096];	/* the rest, sorted */
	size_t n_others;
	u8 *out;
	size_t n_out;
	int refused;		/* submissions that failed */
	u64 n_allocs;
	u64 n_reserves;
};

static void tried(struct story *s, int rc)
{
	s->refused += rc < 0;
}

/* Room came back: events that wait are told */
static void breathe(struct home *h)
{
	for (int i = 0; i < 1000 && !kh2e_notify(h->e); i++) {
		if (h->relieve)
			h->relieve(h);
	}
	pump(h);
}

static void source(struct story *s, struct home *h, u32 id, u8 flags, u64 len)
{
	tried(s, try_data(h, id, flags, len, NULL));
	breathe(h);
}

static void file(struct story *s, struct home *h, u32 id, u8 flags)
{
	struct home_src *f = calloc(1, sizeof(*f));
	struct kh2_sqe sqe = {
		.opcode = KH2_OP_FILE, .flags = flags, .stream = id, .len = KH2_LEN_EOF,
	};

	f->seed = ++h->n_srcs;
	f->next = h->srcs;
	h->srcs = f;
	f->src.stream = id;
	f->src.end_stream = flags & KH2_SQE_END_STREAM;
	f->src.notify = true;
	INIT_LIST_HEAD(&f->src.node);
	if (kh2e_submit(h->e, &sqe, NULL, &f->src)) {
		f->released = true;
		s->refused++;
		return;
	}
	for (int i = 0; i < 4 && !f->released; i++) {
		pump(h);
		if (!f->released)
			kh2e_src_add(h->e, &f->src, 5000, i == 3, 0);
		breathe(h);
	}
	/* the owner's close of the file */
	if (!f->released)
		pump(h);
}

static void open_up(struct story *s, struct home *h)
{
	static const u8 prio[5] = { 0, 0, 0, 3, 200 };

	feed(h, KH2_PREFACE, KH2_PREFACE_LEN);
	feed_frame(h, KH2_FRAME_SETTINGS, 0, 0, NULL, 0);
	feed_settings_ack(h);
	feed_setting(h, KH2_SETTINGS_HEADER_TABLE_SIZE, 100);
	tried(s, sub_op(h, KH2_OP_SETTINGS_ACK, 0));
	feed_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 10000);
	breathe(h);
	feed_ping(h, 0, 0x1234);
	feed_frame(h, KH2_FRAME_PRIORITY, 0, 9, prio, 5);
	feed_frame(h, 0xfa, 3, 0, "unknown", 7);
	feed_frame(h, KH2_FRAME_PRIORITY_UPDATE, 0, 0, "\0\0\0\x03u=1", 7);
	breathe(h);
}

static void requests(struct story *s, struct home *h)
{
	static u8 block[12000];

	feed_frame(h, KH2_FRAME_HEADERS, 0, 1, block, 5000);
	feed_frame(h, KH2_FRAME_CONTINUATION, 0, 1, block, 0);
	feed_frame(h, KH2_FRAME_CONTINUATION, KH2_FLAG_END_HEADERS, 1, block, 12000);
	feed_data(h, 1, 0, 16384);
	feed_frame(h, KH2_FRAME_DATA, KH2_FLAG_PADDED, 1, "\x05hello\0\0\0\0\0", 11);
	feed_headers(h, 3, KH2_FLAG_END_STREAM);
	feed_headers(h, 5, 0);
	feed_data(h, 5, 0, 10000);
	feed_headers(h, 7, KH2_FLAG_END_STREAM);
	feed_headers(h, 9, 0);
	feed_headers(h, 11, KH2_FLAG_END_STREAM);	/* refused */
	breathe(h);
	feed_rst(h, 5, KH2_CANCEL);
	tried(s, sub_op(h, KH2_OP_RELEASE, 5));
	feed_data(h, 1, KH2_FLAG_END_STREAM, 16000);
	tried(s, sub_consume(h, 1, 16384 + 5));
	tried(s, sub_consume(h, 1, 16000));
	feed_data(h, 7, 0, 10);				/* half-closed */
	tried(s, sub_op(h, KH2_OP_RELEASE, 7));
	feed_headers(h, 9, KH2_FLAG_END_STREAM);	/* trailers */
	breathe(h);
}

static void answers(struct story *s, struct home *h)
{
	static u8 block[20000];

	tried(s, sub_block(h, 1, 0, block, sizeof(block)));
	source(s, h, 1, 0, 9000);
	source(s, h, 1, KH2_SQE_TRAILERS, 8000);
	feed_window(h, 0, 100000);
	feed_window(h, 1, 100000);
	breathe(h);
	tried(s, sub_block(h, 1, KH2_SQE_END_STREAM, block, 10));
	tried(s, sub_headers(h, 3, 0));
	feed_window(h, 3, 100000);
	file(s, h, 3, KH2_SQE_END_STREAM);
	tried(s, sub_headers(h, 9, 0));
	source(s, h, 9, KH2_SQE_END_STREAM, 50000);
	breathe(h);
	tried(s, sub_code(h, KH2_OP_RST, 9, KH2_INTERNAL_ERROR));
	feed_headers(h, 13, 0);
	feed_window(h, 13, 0);				/* an error of the stream */
	tried(s, sub_op(h, KH2_OP_RELEASE, 13));
	breathe(h);
}

static void wind_up(struct story *s, struct home *h)
{
	struct kh2_sqe sqe = { .opcode = KH2_OP_GOAWAY, .len = 5 };
	u64 ping = 0;

	tried(s, sub_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 70000));
	tried(s, sub_ping(h, 99));
	breathe(h);
	feed_settings_ack(h);
	feed_ping(h, KH2_FLAG_ACK, 99);
	feed_goaway(h, 0, KH2_NO_ERROR);
	tried(s, submit(h, &sqe, "hello"));
	feed_headers(h, 15, KH2_FLAG_END_STREAM);
	tried(s, sub_op(h, KH2_OP_SHUTDOWN, 0));
	breathe(h);
	for (size_t i = 0; i + 17 <= h->n_out; i++)	/* the engine's own PING */
		if (!memcmp(h->out + i, "\0\0\x08\x06\0\0\0\0\0", 9))
			ping = get_unaligned_le64(h->out + i + 9);
	feed_ping(h, KH2_FLAG_ACK, ping);
	feed_headers(h, 17, KH2_FLAG_END_STREAM);
	tried(s, sub_headers(h, 15, KH2_SQE_END_STREAM));
	breathe(h);
}

static bool by_input(u16 type)
{
	return type != KH2_EV_RESET && type != KH2_EV_CLOSED && type != KH2_EV_TX_DONE &&
	       type != KH2_EV_WANT_TRAILERS && type != KH2_EV_IDLE && type != KH2_EV_ERROR;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static u32 sum(const u8 *p, size_t n, u32 from)
{
	while (n--)
		from = from * 31 + *p++;
	return from;
}

static void tell(struct story *s, struct home *h)
{
	size_t size = 0;
	FILE *f = open_memstream(&s->received, &size);

	for (size_t i = 0; i < h->n_evs; i++) {
		struct kh2_event ev = h->evs[i].ev;
		u32 crc = sum(h->evs[i].data, ev.len, 0);
		char *line;

		while (ev.type == KH2_EV_DATA && i + 1 < h->n_evs) {
			size_t j = i + 1;

			/* pieces of one frame may have others' ends between */
			while (j < h->n_evs && !by_input(h->evs[j].ev.type))
				j++;
			if (j != i + 1 || h->evs[j].ev.type != KH2_EV_DATA ||
			    h->evs[j].ev.stream != ev.stream)
				break;
			crc = sum(h->evs[j].data, h->evs[j].ev.len, crc);
			ev.len += h->evs[j].ev.len;
			ev.flags |= h->evs[j].ev.flags;
			i = j;
		}
		if (asprintf(&line, "%s %u 0x%x len %u code %u arg %llu sum %x\n",
			     ev_name(ev.type), ev.stream, ev.flags, ev.len, ev.code,
			     (unsigned long long)ev.arg, crc) < 0)
			abort();
		if (by_input(ev.type)) {
			fputs(line, f);
			free(line);
		} else {
			CHECK(s->n_others < ARRAY_SIZE(s->others));
			s->others[s->n_others++] = line;
		}
	}
	fclose(f);
	qsort(s->others, s->n_others, sizeof(s->others[0]), by_text);
	s->out = malloc(h->n_out + 1);
	memcpy(s->out, h->out, h->n_out);
	s->n_out = h->n_out;
	s->n_allocs = h->n_allocs;
	s->n_reserves = h->n_reserves;
}

static struct home *stage(void)
{
	struct home *h = home_prepare(KH2E_SERVER);

	h->cfg.limits[KH2_L_STREAMS] = 5;
	return h;
}

/* The whole exchange; false if the engine could not even be made */
static bool play(struct story *s, struct home *h)
{
	open_up(s, h);
	requests(s, h);
	answers(s, h);
	wind_up(s, h);
	h->relieve = NULL;
	h->room = UINT64_MAX;
	breathe(h);
	tell(s, h);
	return true;
}

static void story_free(struct story *s)
{
	for (size_t i = 0; i < s->n_others; i++)
		free(s->others[i]);
	free(s->received);
	free(s->out);
	memset(s, 0, sizeof(*s));
}

static void same(const struct story *a, const struct story *b, const char *how, u64 n)
{
	if (strcmp(a->received, b->received)) {
		diag("without:\n%s", a->received);
		diag("with:\n%s", b->received);
		FAIL("events differ: %s %llu", how, (unsigned long long)n);
	}
	for (size_t i = 0; i < max(a->n_others, b->n_others); i++) {
		const char *x = i < a->n_others ? a->others[i] : "(none)\n";
		const char *y = i < b->n_others ? b->others[i] : "(none)\n";

		if (strcmp(x, y)) {
			diag("without:\n%s", x);
			diag("with:\n%s", y);
			FAIL("what others see differs: %s %llu", how, (unsigned long long)n);
		}
	}
	EQ(b->refused, a->refused);
}

static void reference(struct story *s)
{
	struct home *h = stage();

	home_start(h);
	play(s, h);
	EQ(kh2e_phase(h->e), KH2E_DONE);
	EQ(s->refused, 0);
	home_free(h);
}

TEST(long_exchange_ends_well)
{
	static struct story s;

	reference(&s);
	CHECK(strstr(s.received, "goaway"));
	story_free(&s);
}

static bool try_again(struct home *h)
{
	pump(h);
	kh2e_notify(h->e);
	return true;
}

TEST(reserve_refused_once_at_every_place_loses_nothing)
{
	static struct story want, got;

	reference(&want);
	CHECK(want.n_reserves > 20);
	for (u64 n = 1; n <= want.n_reserves; n++) {
		struct home *h = stage();

		home_start(h);
		h->relieve = try_again;
		h->fail_reserve = n;
		play(&got, h);
		same(&want, &got, "refused", n);
		EQ(got.n_out, want.n_out);
		CHECK(!memcmp(got.out, want.out, got.n_out));
		home_free(h);
		story_free(&got);
	}
	story_free(&want);
}

/* The ring drains a little at a time */
static bool drip(struct home *h)
{
	h->room += 1 + h->room / 8;
	CHECK(h->room < 1 << 20);
	kh2e_notify(h->e);
	return true;
}

static bool drain(struct home *h)
{
	h->room = max_t(u64, h->room, 70000);
	kh2e_notify(h->e);
	return true;
}

TEST(event_ring_full_most_of_the_time_loses_nothing)
{
	static struct story want, got;

	reference(&want);
	for (u64 room = 0; room < 70000; room += 997) {
		struct home *h = stage();

		home_start(h);
		h->relieve = room & 1 ? drip : drain;
		h->room = room;
		play(&got, h);
		same(&want, &got, "room", room);
		home_free(h);
		story_free(&got);
	}
	story_free(&want);
}

TEST(events_that_wait_are_told_by_notify_once)
{
	struct home *h = home_server();

	for (u32 id = 1; id < 21; id += 2)
		feed_headers(h, id, KH2_FLAG_END_STREAM);
	forget(h);
	h->room = 0;
	for (u32 id = 1; id < 21; id += 2) {
		EQ(sub_headers(h, id, 0), 0);
		sub_data(h, id, KH2_SQE_END_STREAM, 100);
	}
	pump(h);
	want_no_ev(h);
	CHECK(!kh2e_notify(h->e));
	CHECK(kh2e_blocked(h->e));
	h->room = 100 * sizeof(struct kh2_event);
	CHECK(kh2e_notify(h->e));
	CHECK(!kh2e_blocked(h->e));
	h->room = UINT64_MAX;
	{
		u32 done = 0, closed = 0;
		struct home_ev *r;

		while ((r = next_ev(h))) {
			done += r->ev.type == KH2_EV_TX_DONE;
			closed += r->ev.type == KH2_EV_CLOSED;
		}
		EQ(done, 10);
		EQ(closed, 10);
	}
	forget(h);
	home_end(h);
}

TEST(output_goes_on_while_events_have_no_room)
{
	struct home *h = home_server();

	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	EQ(sub_headers(h, 1, 0), 0);
	forget(h);
	h->room = 0;
	sub_data(h, 1, 0, 30000);
	EQ(want_frame(h, KH2_FRAME_DATA, 0, 1).len, 16375);
	h->room = UINT64_MAX;
	kh2e_notify(h->e);
	forget(h);
	home_end(h);
}

TEST(reset_takes_back_the_wish_for_trailers_that_waited_for_room)
{
	struct home *h = home_server();

	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	EQ(sub_headers(h, 1, 0), 0);
	forget(h);
	h->room = 0;
	sub_data(h, 1, KH2_SQE_TRAILERS, 10);
	pump(h);
	h->room = UINT64_MAX;
	feed_rst(h, 1, KH2_CANCEL);
	want_reset(h, 1, KH2_CANCEL, KH2_C_STREAMS_RESET_BY_PEER, 0);
	want_ev(h, KH2_EV_TX_DONE, 1, 0);
	want_no_ev(h);
	forget(h);
	home_end(h);
}

/* -- memory -- */

static void without_memory(bool all)
{
	static struct story want, got;
	u64 total;

	reference(&want);
	total = want.n_allocs;
	CHECK(total > 20);
	for (u64 n = 1; n <= total; n++) {
		struct home *h = stage();
		bool visible;

		h->fail_alloc = n;
		h->fail_alloc_all = all;
		{
			int rc = home_try_start(h);

			if (rc) {
				EQ(rc, -ENOMEM);
				CHECK(!h->e);
				home_free(h);
				continue;
			}
		}
		h->relieve = try_again;
		play(&got, h);
		visible = got.refused || counter(h, KH2_C_CONN_MEMORY) ||
			  counter(h, KH2_C_REFUSED_MEMORY);
		if (!visible)
			same(&want, &got, "allocation", n);
		if (counter(h, KH2_C_CONN_MEMORY)) {
			bool told = false;

			EQ(kh2e_phase(h->e), KH2E_DONE);
			for (size_t i = 0; i < h->n_evs; i++)
				told |= h->evs[i].ev.type == KH2_EV_ERROR;
			CHECK(told);
		}
		home_free(h);
		story_free(&got);
	}
	story_free(&want);
}

TEST(allocation_that_fails_once_at_every_place_is_survived)	{ without_memory(false); }
TEST(allocations_that_fail_from_every_place_on_are_survived)	{ without_memory(true); }

TEST(abort_gives_everything_back_and_sends_nothing)
{
	struct home *h = home_server();
	struct kh2e_seg segs[8];
	struct home_src *s;

	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	EQ(sub_headers(h, 1, 0), 0);
	s = sub_data(h, 1, KH2_SQE_END_STREAM, 100000);
	CHECK(kh2e_pull(h->e, segs, 8, 30000) > 0);
	kh2e_abort(h->e, KH2_C_CONN_TRANSPORT);
	kh2e_notify(h->e);
	CHECK(s->released);
	EQ(kh2e_phase(h->e), KH2E_DONE);
	CHECK(!kh2e_pending(h->e));
	CHECK(find_ev(h, KH2_EV_TX_DONE, 1)->ev.code);
	EQ(find_ev(h, KH2_EV_ERROR, 0)->ev.arg, KH2_C_CONN_TRANSPORT);
	feed_headers(h, 3, 0);
	kh2e_tick(h->e);
	want_no_frame(h);
	home_free(h);
}

/* A peer that stops reading: nothing is lost, and nothing grows */
TEST(peer_that_reads_nothing_cannot_make_us_hold_more)
{
	struct home *h = home_server();
	u32 id = 1;

	feed_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 0);
	for (; id < 20000 && kh2e_phase(h->e) == KH2E_OPEN; id += 2) {
		struct home_ev *r;

		feed_headers(h, id, KH2_FLAG_END_STREAM);
		while ((r = next_ev(h)))
			if (r->ev.type == KH2_EV_HEADERS && !(r->ev.flags & KH2_EVF_DISCARD)) {
				EQ(sub_headers(h, r->ev.stream, 0), 0);
				sub_data(h, r->ev.stream, KH2_SQE_END_STREAM, 1000);
			}
	}
	EQ(kh2e_phase(h->e), KH2E_DONE);
	CHECK(h->peak_mem < 1 << 20);
	home_free(h);
}
