// SPDX-License-Identifier: GPL-2.0 OR MIT
/* What leaves: header blocks, trailers, padding, and the order among streams. */
#include <stdlib.h>

#include "home.h"

static struct home *wide(u8 padding)
{
	struct home *h = home_prepare(KH2E_SERVER);

	h->cfg.padding = padding;
	home_start(h);
	home_handshake(h);
	feed_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 0x7fffffff);
	feed_window(h, 0, 0x7fff0000);
	forget(h);
	return h;
}

static void answer(struct home *h, u32 id)
{
	feed_headers(h, id, KH2_FLAG_END_STREAM);
	EQ(sub_headers(h, id, 0), 0);
}

static void send_block(size_t len, u8 sqe_flags)
{
	struct home *h = wide(KH2E_PAD_NONE);
	u8 *block = malloc(len + 1);
	size_t pos = 0;
	u8 type = KH2_FRAME_HEADERS;

	for (size_t i = 0; i < len; i++)
		block[i] = home_octet(9, i);
	answer(h, 1);
	feed_headers(h, 3, KH2_FLAG_END_STREAM);
	forget(h);
	sub_data(h, 1, KH2_SQE_END_STREAM, 100000);
	pump_some(h, 100);
	EQ(sub_block(h, 3, sqe_flags, block, len), 0);
	feed_ping(h, 0, 1);
	feed_ping(h, 0, 2);
	pump(h);
	for (;;) {
		struct home_frame f;

		CHECK(next_frame(h, &f));
		if (!pos && f.type != KH2_FRAME_HEADERS)
			continue;
		/* from here on nothing may come between */
		EQ(f.type, type);
		EQ(f.stream, 3);
		EQ(f.len, min_t(size_t, 16384, len - pos));
		CHECK(!memcmp(f.p, block + pos, f.len));
		pos += f.len;
		EQ(f.flags, (pos == len ? KH2_FLAG_END_HEADERS : 0) |
			   (type == KH2_FRAME_HEADERS && (sqe_flags & KH2_SQE_END_STREAM) ?
			    KH2_FLAG_END_STREAM : 0));
		if (pos == len)
			break;
		type = KH2_FRAME_CONTINUATION;
	}
	free(block);
	home_free(h);
}

TEST(block_of_16384_octets_is_one_frame)	{ send_block(16384, 0); }
TEST(block_of_16385_octets_is_continued)	{ send_block(16385, KH2_SQE_END_STREAM); }
TEST(block_of_32768_octets_is_continued)	{ send_block(32768, 0); }
TEST(block_of_100000_octets_is_continued)	{ send_block(100000, KH2_SQE_END_STREAM); }

TEST(block_is_divided_by_the_peers_frame_size)
{
	struct home *h = wide(KH2E_PAD_NONE);
	u8 *block = calloc(1, 40000);

	feed_setting(h, KH2_SETTINGS_MAX_FRAME_SIZE, 30000);
	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	forget(h);
	EQ(sub_block(h, 1, 0, block, 40000), 0);
	EQ(want_frame(h, KH2_FRAME_HEADERS, 0, 1).len, 30000);
	EQ(want_frame(h, KH2_FRAME_CONTINUATION, KH2_FLAG_END_HEADERS, 1).len, 10000);
	free(block);
	home_end(h);
}

TEST(informational_then_final_headers_then_data)
{
	struct home *h = wide(KH2E_PAD_NONE);

	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	forget(h);
	EQ(sub_block(h, 1, 0, "\x08\003103", 5), 0);
	EQ(sub_headers(h, 1, 0), 0);
	sub_data(h, 1, KH2_SQE_END_STREAM, 3);
	EQ(want_frame(h, KH2_FRAME_HEADERS, 4, 1).len, 5);
	want_frame(h, KH2_FRAME_HEADERS, 4, 1);
	want_frame(h, KH2_FRAME_DATA, 1, 1);
	/* a stream ends as its last frame is decided, its octets leave later */
	want_ev(h, KH2_EV_CLOSED, 1, 0);
	EQ(want_ev(h, KH2_EV_TX_DONE, 1, 0)->ev.code, 0);
	home_end(h);
}

TEST(small_pieces_are_gathered_and_none_is_lost)
{
	struct home *h = home_server();
	struct home_frame f;
	u32 octets = 0, frames = 0;
	bool end = false;

	answer(h, 1);
	forget(h);
	for (int i = 0; i < 100; i++)
		sub_data(h, 1, 0, 1);
	sub_data(h, 1, KH2_SQE_END_STREAM, 0);
	pump(h);
	while (next_frame(h, &f)) {
		CHECK(!end);
		octets += f.len;
		end = f.flags & KH2_FLAG_END_STREAM;
		frames++;
	}
	EQ(octets, 100);
	CHECK(end);
	CHECK(frames <= 8);
	forget(h);
	home_end(h);
}

TEST(end_without_trailers_may_follow_a_body_that_wants_them)
{
	struct home *h = home_server();

	answer(h, 1);
	forget(h);
	sub_data(h, 1, KH2_SQE_TRAILERS, 10);
	want_frame(h, KH2_FRAME_DATA, 0, 1);
	EQ(find_ev(h, KH2_EV_WANT_TRAILERS, 1)->ev.stream, 1);
	sub_data(h, 1, KH2_SQE_END_STREAM, 0);
	EQ(want_frame(h, KH2_FRAME_DATA, KH2_FLAG_END_STREAM, 1).len, 0);
	want_alive(h);
	forget(h);
	home_end(h);
}

TEST(trailers_are_wanted_when_all_was_framed_and_end_the_stream)
{
	struct home *h = wide(KH2E_PAD_NONE);

	answer(h, 1);
	forget(h);
	sub_data(h, 1, 0, 10);
	sub_data(h, 1, KH2_SQE_TRAILERS, 20);
	pump(h);
	CHECK(find_ev(h, KH2_EV_WANT_TRAILERS, 1));
	EQ(sub_block(h, 1, KH2_SQE_END_STREAM, "\x00\x01x\x01y", 5), 0);
	EQ(want_frame(h, KH2_FRAME_DATA, 0, 1).len, 30);
	EQ(want_frame(h, KH2_FRAME_HEADERS, 5, 1).len, 5);
	CHECK(find_ev(h, KH2_EV_CLOSED, 1));
	EQ(counter(h, KH2_C_STREAMS_COMPLETED), 1);
	home_end(h);
}

TEST(trailers_of_an_empty_body_are_wanted)
{
	struct home *h = wide(KH2E_PAD_NONE);

	answer(h, 1);
	forget(h);
	sub_data(h, 1, KH2_SQE_TRAILERS, 0);
	pump(h);
	CHECK(find_ev(h, KH2_EV_WANT_TRAILERS, 1));
	EQ(sub_block(h, 1, KH2_SQE_END_STREAM, "\x00\x01x\x01y", 5), 0);
	forget(h);
	EQ(counter(h, KH2_C_STREAMS_COMPLETED), 1);
	home_end(h);
}

TEST(headers_while_data_waits_are_refused)
{
	struct home *h = home_server();

	feed_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 0);
	answer(h, 1);
	sub_data(h, 1, 0, 10);
	forget(h);
	CHECK(sub_headers(h, 1, KH2_SQE_END_STREAM) < 0 || kh2e_phase(h->e) == KH2E_DONE);
	home_free(h);
}

TEST(block_for_a_stream_that_the_peer_reset_is_sent_all_the_same)
{
	struct home *h = wide(KH2E_PAD_NONE);

	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	feed_rst(h, 1, KH2_CANCEL);
	forget(h);
	EQ(sub_headers(h, 1, KH2_SQE_END_STREAM), 0);
	want_frame(h, KH2_FRAME_HEADERS, 5, 1);
	EQ(sub_op(h, KH2_OP_RELEASE, 1), 0);
	want_alive(h);
	home_free(h);
}

TEST(data_for_a_stream_that_the_peer_reset_is_dropped)
{
	struct home *h = wide(KH2E_PAD_NONE);
	struct home_src *s;

	answer(h, 1);
	feed_rst(h, 1, KH2_CANCEL);
	forget(h);
	if (!try_data(h, 1, KH2_SQE_END_STREAM, 1000, &s)) {
		struct home_ev *r = find_ev(h, KH2_EV_TX_DONE, 1);

		CHECK(r);
		CHECK(r->ev.code);
	}
	CHECK(s->released);
	want_no_frame(h);
	want_alive(h);
	home_free(h);
}

TEST(queued_data_is_dropped_at_the_peers_reset_and_told)
{
	struct home *h = wide(KH2E_PAD_NONE);
	struct home_src *s;

	answer(h, 1);
	forget(h);
	/* the windows are open: it was only not sent yet */
	s = sub_data(h, 1, KH2_SQE_END_STREAM, 1000);
	feed_rst(h, 1, KH2_CANCEL);
	want_no_frame(h);
	CHECK(s->released);
	h->ev_seen = 0;
	CHECK(find_ev(h, KH2_EV_TX_DONE, 1)->ev.code > 0);
	home_free(h);
}

/* -- padding -- */

static void padded(u8 strategy, u64 body)
{
	struct home *h = wide(strategy);
	struct home_frame f;
	u64 data = 0, flow = 0;
	bool any = false;

	answer(h, 1);
	sub_data(h, 1, KH2_SQE_END_STREAM, body);
	pump(h);
	while (next_frame(h, &f)) {
		u32 pad = 0;

		CHECK(f.len <= 16384);
		if (f.flags & KH2_FLAG_PADDED) {
			any = true;
			CHECK(f.len >= 1);
			pad = f.p[0] + 1;
			CHECK(pad <= f.len);
			for (u32 i = f.len - pad + 1; i < f.len; i++)
				EQ(f.p[i], 0);
		}
		if (strategy == KH2E_PAD_ALIGNED && f.len < 16000)
			EQ((f.len + KH2_FRAME_HEAD_LEN) % 8, 0);
		if (f.type == KH2_FRAME_DATA) {
			for (u64 i = 0; i < f.len - pad; i++)
				EQ(f.p[i + !!pad], home_octet(1, data + i));
			data += f.len - pad;
			flow += f.len;
		} else if (pad) {
			EQ(f.p[1], 0x88);
			EQ(f.len - pad, 1);
		}
	}
	EQ(data, body);
	EQ(any, strategy != KH2E_PAD_NONE);
	EQ(info(h).remote_window, 0x7fff0000 + 65535 - flow);
	EQ(counter(h, KH2_C_TX_DATA), body);
	forget(h);
	home_end(h);
}

TEST(padding_none)			{ padded(KH2E_PAD_NONE, 100000); }
TEST(padding_max_small_body)		{ padded(KH2E_PAD_MAX, 10); }
TEST(padding_max_large_body)		{ padded(KH2E_PAD_MAX, 100000); }
TEST(padding_aligned_small_body)	{ padded(KH2E_PAD_ALIGNED, 10); }
TEST(padding_aligned_large_body)	{ padded(KH2E_PAD_ALIGNED, 100003); }

static void padding_in_window(u8 strategy, u32 window)
{
	struct home *h = wide(strategy);
	struct home_frame f;
	u64 flow = 0;

	feed_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, window);
	answer(h, 1);
	forget(h);
	sub_data(h, 1, KH2_SQE_END_STREAM, 1000);
	for (int i = 0; i < 2000 && info(h).streams; i++) {
		pump(h);
		while (next_frame(h, &f))
			flow += f.len;
		CHECK(flow <= (u64)window * (i + 1));
		feed_window(h, 1, window);
	}
	pump(h);
	EQ(counter(h, KH2_C_TX_DATA), 1000);
	home_free(h);
}

TEST(padding_max_keeps_within_a_window_of_1)		{ padding_in_window(KH2E_PAD_MAX, 1); }
TEST(padding_max_keeps_within_a_window_of_2)		{ padding_in_window(KH2E_PAD_MAX, 2); }
TEST(padding_max_keeps_within_a_window_of_100)		{ padding_in_window(KH2E_PAD_MAX, 100); }
TEST(padding_aligned_keeps_within_a_window_of_1)	{ padding_in_window(KH2E_PAD_ALIGNED, 1); }
TEST(padding_aligned_keeps_within_a_window_of_9)	{ padding_in_window(KH2E_PAD_ALIGNED, 9); }

/* -- order -- */

static void set_priority(struct home *h, u32 id, u32 urgency, bool incremental)
{
	struct kh2_sqe sqe = {
		.opcode = KH2_OP_PRIORITY, .stream = id, .value = urgency | (incremental ? 8 : 0),
	};

	EQ(submit(h, &sqe, NULL), 0);
}

TEST(incremental_streams_share_evenly)
{
	struct home *h = wide(KH2E_PAD_NONE);
	u64 got[9] = { 0 };
	struct home_frame f;

	for (u32 id = 1; id < 9; id += 2) {
		answer(h, id);
		set_priority(h, id, 3, true);
	}
	forget(h);
	for (u32 id = 1; id < 9; id += 2)
		sub_data(h, id, KH2_SQE_END_STREAM, 500000);
	pump(h);
	while (next_frame(h, &f)) {
		u64 least = ~0ULL, most = 0;

		got[f.stream] += f.len;
		for (u32 id = 1; id < 9; id += 2) {
			least = min(least, got[id]);
			most = max(most, got[id]);
		}
		CHECK(most - least <= 2 * 16384);
	}
	for (u32 id = 1; id < 9; id += 2)
		EQ(got[id], 500000);
	forget(h);
	home_end(h);
}

TEST(lower_urgency_goes_first)
{
	struct home *h = wide(KH2E_PAD_NONE);
	struct home_frame f;
	u32 last = 0;

	for (u32 id = 1; id < 17; id += 2) {
		answer(h, id);
		set_priority(h, id, 7 - (id - 1) / 2, id & 2);
	}
	forget(h);
	for (u32 id = 1; id < 17; id += 2)
		sub_data(h, id, KH2_SQE_END_STREAM, 100000);
	pump(h);
	while (next_frame(h, &f)) {
		CHECK(!last || f.stream <= last);
		last = f.stream;
	}
	EQ(last, 1);
	forget(h);
	home_end(h);
}

TEST(urgent_stream_overtakes_queued_bulk)
{
	struct home *h = wide(KH2E_PAD_NONE);
	struct home_frame f;

	answer(h, 1);
	answer(h, 3);
	set_priority(h, 3, 0, false);
	forget(h);
	sub_data(h, 1, KH2_SQE_END_STREAM, 1 << 20);
	pump_some(h, 40000);
	h->out_seen = h->n_out;	/* perhaps within a frame: look at whole runs below */
	sub_data(h, 3, KH2_SQE_END_STREAM, 100);
	h->out_seen = 0;
	{
		u64 bulk = 0;

		pump(h);
		while (next_frame(h, &f) && !(f.type == KH2_FRAME_DATA && f.stream == 3))
			bulk += f.type == KH2_FRAME_DATA ? f.len : 0;
		CHECK(bulk <= 5 * 16384);
	}
	home_free(h);
}

TEST(shut_stream_does_not_hold_up_others)
{
	struct home *h = wide(KH2E_PAD_NONE);

	feed_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 10);
	answer(h, 1);
	answer(h, 3);
	set_priority(h, 1, 0, false);
	forget(h);
	sub_data(h, 1, KH2_SQE_END_STREAM, 1000);
	sub_data(h, 3, KH2_SQE_END_STREAM, 10);
	EQ(want_frame(h, KH2_FRAME_DATA, 0, 1).len, 10);
	EQ(want_frame(h, KH2_FRAME_DATA, 1, 3).len, 10);
	CHECK(counter(h, KH2_C_STALL_STREAM_WINDOW) >= 1);
	home_free(h);
}

TEST(starved_source_does_not_hold_up_others)
{
	struct home *h = wide(KH2E_PAD_NONE);

	answer(h, 1);
	answer(h, 3);
	set_priority(h, 1, 0, false);
	forget(h);
	sub_file(h, 1, KH2_SQE_END_STREAM);
	sub_data(h, 3, KH2_SQE_END_STREAM, 10);
	EQ(want_frame(h, KH2_FRAME_DATA, 1, 3).len, 10);
	home_free(h);
}

TEST(replies_overtake_queued_data)
{
	struct home *h = wide(KH2E_PAD_NONE);
	struct home_frame f;
	u64 bulk = 0;

	answer(h, 1);
	sub_data(h, 1, KH2_SQE_END_STREAM, 1 << 20);
	pump_some(h, 40000);
	feed_ping(h, 0, 7);
	pump(h);
	while (next_frame(h, &f) && f.type != KH2_FRAME_PING)
		bulk += f.len;
	EQ(f.type, KH2_FRAME_PING);
	CHECK(bulk <= 5 * 16384);
	home_free(h);
}

TEST(small_answers_leave_together)
{
	struct home *h = wide(KH2E_PAD_NONE);
	struct kh2e_seg segs[64];
	size_t total = 0;
	int n;

	for (u32 id = 1; id < 21; id += 2) {
		answer(h, id);
		sub_data(h, id, KH2_SQE_END_STREAM, 100);
	}
	n = kh2e_pull(h->e, segs, 64, 1 << 20);
	for (int i = 0; i < n; i++)
		total += segs[i].len;
	CHECK(total >= 10 * (9 + 1 + 9 + 100));
	kh2e_sent(h->e, total);
	forget(h);
	home_end(h);
}
