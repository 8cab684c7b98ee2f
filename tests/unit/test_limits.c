// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Each limit twice: the attack is stopped with the code and counter said, a healthy edge is not. */
#include "home.h"

/* One act of a kind that has a budget */
static void act(struct home *h, enum kh2_counter why, u32 i)
{
	static const u8 dep[5] = { 0, 0, 0, 0, 15 };
	u32 id = 3 + 2 * i;

	switch (why) {
	case KH2_C_FLOOD_PING:
		feed_ping(h, 0, i);
		break;
	case KH2_C_FLOOD_SETTINGS:
		feed_setting(h, KH2_SETTINGS_MAX_CONCURRENT_STREAMS, i);
		break;
	case KH2_C_FLOOD_PRIORITY:
		feed_frame(h, KH2_FRAME_PRIORITY, 0, 1, dep, 5);
		break;
	case KH2_C_FLOOD_EMPTY_DATA:
		feed_data(h, 1, 0, 0);
		break;
	case KH2_C_FLOOD_WINDOW_UPDATE:
		feed_window(h, 1, 1);
		break;
	case KH2_C_FLOOD_UNKNOWN:
		feed_frame(h, 0xfa, 0, 0, "x", 1);
		break;
	case KH2_C_FLOOD_RESET:
		feed_headers(h, id, 0);
		feed_rst(h, id, KH2_CANCEL);
		if (kh2e_phase(h->e) == KH2E_OPEN)
			EQ(sub_op(h, KH2_OP_RELEASE, id), 0);
		break;
	default:
		FAIL("no such flood");
	}
	pump(h);
}

/* The burst passes, the next one does not */
static void flood(enum kh2_limit burst, enum kh2_counter why, u32 spent)
{
	u32 n = 50;
	struct home *h = home_limited(burst, n + spent);

	feed_headers(h, 1, 0);
	for (u32 i = 0; i < n; i++)
		act(h, why, i);
	want_alive(h);
	EQ(counter(h, why), 0);
	act(h, why, n);
	want_dead(h, KH2_ENHANCE_YOUR_CALM, why);
	home_free(h);
}

/* With patience it passes for ever, and just faster than the rate it does not */
static void refill(enum kh2_limit burst, enum kh2_limit rate, enum kh2_counter why, u32 spent)
{
	struct home *h = home_prepare(KH2E_SERVER);
	u32 i = 0;

	h->cfg.limits[burst] = 20 + spent;
	h->cfg.limits[rate] = 10;
	home_start(h);
	home_handshake(h);
	feed_headers(h, 1, 0);
	h->now += 10 * NSEC_PER_SEC;
	for (; i < 500; i++) {
		act(h, why, i);
		h->now += 100 * NSEC_PER_MSEC;
	}
	want_alive(h);
	for (; i < 1000 && kh2e_phase(h->e) == KH2E_OPEN; i++) {
		act(h, why, i);
		h->now += 80 * NSEC_PER_MSEC;
	}
	want_dead(h, KH2_ENHANCE_YOUR_CALM, why);
	CHECK(i > 510 && i < 700);
	home_free(h);
}

/* The handshake spent two SETTINGS */
#define BUDGET(name, NAME, spent)						\
TEST(name##_flood_is_stopped_after_the_burst)					\
{										\
	flood(KH2_L_##NAME##_BURST, KH2_C_FLOOD_##NAME, spent);			\
}										\
TEST(name##_budget_refills_with_time)						\
{										\
	refill(KH2_L_##NAME##_BURST, KH2_L_##NAME##_RATE, KH2_C_FLOOD_##NAME, spent); \
}

BUDGET(ping, PING, 0)
BUDGET(settings, SETTINGS, 2)
BUDGET(priority, PRIORITY, 0)
BUDGET(unknown_frame, UNKNOWN, 0)
BUDGET(reset, RESET, 0)

#define KH2_L_EMPTY_DATA_BURST KH2_L_EMPTY_BURST
#define KH2_L_EMPTY_DATA_RATE KH2_L_EMPTY_RATE
#define KH2_L_WINDOW_UPDATE_BURST KH2_L_WINDOW_BURST
#define KH2_L_WINDOW_UPDATE_RATE KH2_L_WINDOW_RATE
BUDGET(empty_data, EMPTY_DATA, 0)
BUDGET(window_update, WINDOW_UPDATE, 0)

TEST(empty_data_that_ends_streams_is_no_flood)
{
	struct home *h = home_limited(KH2_L_EMPTY_BURST, 5);

	for (u32 id = 1; id < 201; id += 2) {
		feed_headers(h, id, 0);
		feed_data(h, id, KH2_FLAG_END_STREAM, 0);
		EQ(sub_headers(h, id, KH2_SQE_END_STREAM), 0);
		pump(h);
	}
	want_alive(h);
	home_free(h);
}

TEST(window_updates_that_data_earned_are_no_flood)
{
	struct home *h = home_limited(KH2_L_WINDOW_BURST, 50);
	u32 n = 0;

	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	EQ(sub_headers(h, 1, 0), 0);
	sub_data(h, 1, KH2_SQE_END_STREAM, 20 << 20);
	/* as nghttp2 and browsers do: both windows, for each DATA frame */
	for (size_t i = 0; i < 20000 && info(h).streams; i++) {
		struct home_frame f;

		pump(h);
		while (next_frame(h, &f)) {
			if (f.type != KH2_FRAME_DATA)
				continue;
			feed_window(h, 1, f.len);
			feed_window(h, 0, f.len);
			n += 2;
		}
		want_alive(h);
	}
	CHECK(n > 2000);
	want_alive(h);
	home_free(h);
}

TEST(resets_are_earned_back_by_streams_that_complete)
{
	struct home *h = home_prepare(KH2E_SERVER);
	u32 id = 1;

	h->cfg.limits[KH2_L_RESET_BURST] = 10;
	h->cfg.limits[KH2_L_RESET_RATE] = 0;
	home_start(h);
	home_handshake(h);
	for (int i = 0; i < 1000; i++, id += 4) {
		feed_headers(h, id, 0);
		feed_rst(h, id, KH2_CANCEL);
		EQ(sub_op(h, KH2_OP_RELEASE, id), 0);
		feed_headers(h, id + 2, KH2_FLAG_END_STREAM);
		EQ(sub_headers(h, id + 2, KH2_SQE_END_STREAM), 0);
		pump(h);
	}
	want_alive(h);
	home_free(h);
}

TEST(rapid_reset_is_stopped_at_bounded_memory)
{
	struct home *h = home_server();
	u32 id = 1;

	for (; id < 40000 && kh2e_phase(h->e) == KH2E_OPEN; id += 2) {
		feed_headers(h, id, KH2_FLAG_END_STREAM);
		feed_rst(h, id, KH2_CANCEL);
	}
	/* those beyond 128 are refused, which costs once more */
	EQ((id - 1) / 2, 128 + 437);
	CHECK(h->peak_mem < 2 << 20);
	EQ(counter(h, KH2_C_FLOOD_RESET), 1);
	home_free(h);
}

/* The last reset ends the connection, and with it the block that was assembled */
TEST(block_that_spends_the_last_reset_is_not_passed_on)
{
	static const u8 block[] = { 0x82, 0x87, 0x84 };
	struct home *h = home_limited(KH2_L_RESET_BURST, 1);

	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	feed_headers(h, 3, KH2_FLAG_END_STREAM);
	want_alive(h);
	h->ev_seen = h->n_evs;
	feed_frame(h, KH2_FRAME_HEADERS, KH2_FLAG_END_STREAM, 3, block, 2);
	feed_frame(h, KH2_FRAME_CONTINUATION, KH2_FLAG_END_HEADERS, 3, block + 2, 1);
	for (size_t i = h->ev_seen; i < h->n_evs; i++)
		CHECK(h->evs[i].ev.type != KH2_EV_HEADERS);
	want_dead(h, KH2_ENHANCE_YOUR_CALM, KH2_C_FLOOD_RESET);
	home_free(h);
}

/* Resets that the peer provokes draw on the same budget (CVE-2025-8671) */
static void provoked(void (*provoke)(struct home *h, u32 id))
{
	struct home *h = home_limited(KH2_L_RESET_BURST, 100);
	u32 id = 1;

	for (; id < 1000 && kh2e_phase(h->e) == KH2E_OPEN; id += 2) {
		feed_headers(h, id, KH2_FLAG_END_STREAM);
		provoke(h, id);
		if (kh2e_phase(h->e) == KH2E_OPEN)
			sub_op(h, KH2_OP_RELEASE, id);
	}
	EQ((id - 1) / 2, 101);
	want_dead(h, KH2_ENHANCE_YOUR_CALM, KH2_C_FLOOD_RESET);
	home_free(h);
}

static void by_window_zero(struct home *h, u32 id)
{
	feed_window(h, id, 0);
}

static void by_window_overflow(struct home *h, u32 id)
{
	feed_window(h, id, 0x7fffffff);
}

static void by_data_after_end(struct home *h, u32 id)
{
	feed_data(h, id, 0, 1);
}

static void by_headers_after_end(struct home *h, u32 id)
{
	feed_headers(h, id, KH2_FLAG_END_STREAM);
}

static void by_priority_size(struct home *h, u32 id)
{
	feed_frame(h, KH2_FRAME_PRIORITY, 0, id, "abc", 3);
}

static void by_self_dependency(struct home *h, u32 id)
{
	u8 p[5] = { 0, 0, 0, 0, 15 };

	put_unaligned_be32(id, p);
	feed_frame(h, KH2_FRAME_PRIORITY, 0, id, p, 5);
}

TEST(resets_provoked_by_window_update_zero_are_stopped)	{ provoked(by_window_zero); }
TEST(resets_provoked_by_window_overflow_are_stopped)	{ provoked(by_window_overflow); }
TEST(resets_provoked_by_data_after_end_are_stopped)	{ provoked(by_data_after_end); }
TEST(resets_provoked_by_headers_after_end_are_stopped)	{ provoked(by_headers_after_end); }
TEST(resets_provoked_by_priority_size_are_stopped)	{ provoked(by_priority_size); }
TEST(resets_provoked_by_self_dependency_are_stopped)	{ provoked(by_self_dependency); }

TEST(refused_streams_are_stopped)
{
	struct home *h = home_prepare(KH2E_SERVER);
	u32 id = 3;

	h->cfg.limits[KH2_L_STREAMS] = 1;
	h->cfg.limits[KH2_L_RESET_BURST] = 100;
	home_start(h);
	home_handshake(h);
	feed_headers(h, 1, 0);
	for (; id < 1000 && kh2e_phase(h->e) == KH2E_OPEN; id += 2) {
		feed_headers(h, id, KH2_FLAG_END_STREAM);
		pump(h);
	}
	want_dead(h, KH2_ENHANCE_YOUR_CALM, KH2_C_FLOOD_RESET);
	CHECK(id < 220);
	home_free(h);
}

TEST(frames_on_streams_the_peer_reset_are_stopped)
{
	struct home *h = home_limited(KH2_L_RESET_BURST, 100);
	u32 n = 0;

	feed_headers(h, 1, 0);
	feed_rst(h, 1, KH2_CANCEL);
	EQ(sub_op(h, KH2_OP_RELEASE, 1), 0);
	for (; n < 20000 && kh2e_phase(h->e) == KH2E_OPEN; n++) {
		feed_data(h, 1, 0, 1);
		pump(h);
	}
	CHECK(kh2e_phase(h->e) == KH2E_DONE);
	home_free(h);
}

TEST(headers_on_a_stream_we_reset_are_stopped)
{
	struct home *h = home_limited(KH2_L_RESET_BURST, 100);
	u32 n = 0;

	feed_headers(h, 1, 0);
	EQ(sub_code(h, KH2_OP_RST, 1, KH2_CANCEL), 0);
	for (; n < 20000 && kh2e_phase(h->e) == KH2E_OPEN; n++) {
		feed_headers(h, 1, 0);
		pump(h);
	}
	want_dead(h, KH2_ENHANCE_YOUR_CALM, KH2_C_FLOOD_RESET);
	home_free(h);
}

TEST(goaway_flood_is_stopped)
{
	struct home *h = home_server();

	for (u32 n = 0; n < 20000 && kh2e_phase(h->e) == KH2E_OPEN; n++)
		feed_goaway(h, 0, KH2_NO_ERROR);
	EQ(kh2e_phase(h->e), KH2E_DONE);
	EQ(find_ev(h, KH2_EV_ERROR, 0)->ev.code, KH2_ENHANCE_YOUR_CALM);
	home_free(h);
}

TEST(header_block_of_one_frame_over_the_limit_is_stopped)
{
	struct home *h = home_limited(KH2_L_BLOCK_OCTETS, 1024);
	static u8 block[1025];

	feed_frame(h, KH2_FRAME_HEADERS, 5, 1, block, 1024);
	want_alive(h);
	feed_frame(h, KH2_FRAME_HEADERS, 5, 3, block, 1025);
	want_dead(h, KH2_ENHANCE_YOUR_CALM, KH2_C_FLOOD_HEADER_BLOCK);
	home_free(h);
}

static void replies(enum kh2_counter why, u32 code, bool ping)
{
	struct home *h = home_prepare(KH2E_SERVER);
	u32 i = 0;

	h->cfg.limits[KH2_L_PING_BURST] = 1000000;
	h->cfg.limits[KH2_L_SETTINGS_BURST] = 1000000;
	h->cfg.limits[KH2_L_REPLIES] = 100;
	home_start(h);
	home_handshake(h);
	for (; i < 100; i++)
		ping ? feed_ping(h, 0, i) : feed_setting(h, 3, i);
	want_alive(h);
	for (; i < 110 && kh2e_phase(h->e) == KH2E_OPEN; i++)
		ping ? feed_ping(h, 0, i) : feed_setting(h, 3, i);
	want_dead(h, code, why);
	CHECK(i <= 102);
	home_free(h);
}

TEST(ping_acks_queued_without_end_are_stopped)
{
	replies(KH2_C_FLOOD_REPLY, KH2_ENHANCE_YOUR_CALM, true);
}

TEST(settings_acks_queued_without_end_are_stopped)
{
	replies(KH2_C_FLOOD_REPLY, KH2_ENHANCE_YOUR_CALM, false);
}

TEST(settings_acks_that_wait_for_the_owner_are_bounded)
{
	struct home *h = home_server();
	u32 i = 0;

	for (; i < 5000 && kh2e_phase(h->e) == KH2E_OPEN; i++)
		feed_setting(h, KH2_SETTINGS_HEADER_TABLE_SIZE, i & 1);
	want_dead(h, KH2_ENHANCE_YOUR_CALM, KH2_C_FLOOD_SETTINGS);
	CHECK(i <= 102);
	home_free(h);
}

TEST(replies_that_are_sent_do_not_count)
{
	struct home *h = home_prepare(KH2E_SERVER);

	h->cfg.limits[KH2_L_PING_BURST] = 1000000;
	h->cfg.limits[KH2_L_REPLIES] = 10;
	home_start(h);
	home_handshake(h);
	for (int i = 0; i < 1000; i++) {
		feed_ping(h, 0, i);
		if (i % 10 == 9)
			pump(h);
	}
	want_alive(h);
	home_free(h);
}

/* -- stalls -- */

static struct home *stalled(u32 window)
{
	struct home *h = home_server();

	feed_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, window);
	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	EQ(sub_headers(h, 1, 0), 0);
	sub_data(h, 1, KH2_SQE_END_STREAM, 1 << 20);
	forget(h);
	return h;
}

TEST(stream_with_its_window_shut_is_ended_after_the_limit)
{
	struct home *h = stalled(0);

	advance(h, 59000);
	want_no_frame(h);
	advance(h, 62000);
	want_rst(h, 1, KH2_CANCEL);
	CHECK(want_ev(h, KH2_EV_TX_DONE, 1, 0)->ev.code);
	want_reset(h, 1, KH2_CANCEL, KH2_C_STREAM_STALLED, KH2_EVF_LOCAL);
	want_alive(h);
	forget(h);
	EQ(sub_op(h, KH2_OP_RELEASE, 1), 0);
	EQ(info(h).streams, 0);
	home_end(h);
}

TEST(stream_whose_window_drips_is_ended_after_the_limit)
{
	struct home *h = stalled(10);
	int s = 0;

	for (; s < 200 && !counter(h, KH2_C_STREAM_STALLED); s++) {
		feed_window(h, 1, 1);
		pump(h);
		advance(h, 1000);
	}
	CHECK(s >= 59 && s <= 122);
	home_free(h);
}

TEST(stream_shut_by_the_connection_window_is_ended_after_the_limit)
{
	struct home *h = stalled(0x7fffffff);

	advance(h, 125000);
	EQ(counter(h, KH2_C_STREAM_STALLED), 1);
	home_free(h);
}

TEST(slow_stream_with_a_frame_a_minute_goes_on)
{
	struct home *h = stalled(0);

	for (int m = 0; m < 30; m++) {
		advance(h, 55000);
		feed_window(h, 1, 16384);
		feed_window(h, 0, 16384);
		pump(h);
	}
	EQ(counter(h, KH2_C_STREAM_STALLED), 0);
	want_alive(h);
	home_free(h);
}

/* A slow link, and an order of the peer's own making: nothing is wrong with the second stream */
TEST(stream_that_waits_for_a_more_urgent_one_is_not_stalled)
{
	struct home *h = stalled(0x7fffffff);
	struct kh2_sqe late = { .opcode = KH2_OP_PRIORITY, .stream = 3, .value = 7 };

	feed_headers(h, 3, KH2_FLAG_END_STREAM);
	EQ(sub_headers(h, 3, 0), 0);
	EQ(submit(h, &late, NULL), 0);
	sub_data(h, 3, KH2_SQE_END_STREAM, 1000);
	for (int s = 0; s < 120; s++) {
		feed_window(h, 0, 5000);
		pump(h);
		advance(h, 1000);
	}
	EQ(counter(h, KH2_C_STREAM_STALLED), 0);
	home_free(h);
}

/* A file is not read before there is a window for it, so nothing of it is queued. */
TEST(file_whose_window_was_never_open_is_ended_after_the_limit)
{
	struct home *h = home_server();
	struct home_src *s;

	feed_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 0);
	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	EQ(sub_headers(h, 1, 0), 0);
	s = sub_file(h, 1, KH2_SQE_END_STREAM);
	s->src.patient = true;
	advance(h, 59000);
	EQ(s->wants, 0);
	EQ(counter(h, KH2_C_STREAM_STALLED), 0);
	advance(h, 20000);
	EQ(counter(h, KH2_C_STREAM_STALLED), 1);
	CHECK(s->released);
	home_free(h);
}

TEST(stream_without_data_may_wait_for_ever)
{
	struct home *h = home_server();

	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	EQ(sub_headers(h, 1, 0), 0);
	forget(h);
	advance(h, 3600 * 1000);
	want_alive(h);
	want_no_frame(h);
	home_free(h);
}

TEST(stall_limit_zero_is_none)
{
	struct home *h = home_limited(KH2_L_STALL_MS, 0);

	feed_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 0);
	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	EQ(sub_headers(h, 1, 0), 0);
	sub_data(h, 1, KH2_SQE_END_STREAM, 100);
	forget(h);
	advance(h, 3600 * 1000);
	want_no_frame(h);
	home_free(h);
}

/* -- bodies that come slowly -- */

/* A request whose body has yet to come */
static struct home *slow_body(void)
{
	struct home *h = home_server();

	feed_headers(h, 1, 0);
	forget(h);
	return h;
}

/* The same, and the owner's answer to it, which has no end either */
static struct home *conversation(void)
{
	struct home *h = slow_body();

	EQ(sub_headers(h, 1, 0), 0);
	forget(h);
	return h;
}

/* @n octets now, and again each @ms, for @minutes; and they are consumed at once */
static void drip(struct home *h, u32 stream, u32 n, u32 ms, u32 minutes)
{
	for (u32 t = 0; t < minutes * 60000 && !counter(h, KH2_C_STREAM_SLOW_BODY); t += ms) {
		feed_data(h, stream, 0, n);
		EQ(sub_consume(h, stream, n), 0);
		pump(h);
		advance(h, ms);
	}
}

TEST(body_that_does_not_come_is_ended_after_the_limit)
{
	struct home *h = slow_body();

	advance(h, 59000);
	want_no_frame(h);
	advance(h, 20000);
	want_rst(h, 1, KH2_CANCEL);
	want_reset(h, 1, KH2_CANCEL, KH2_C_STREAM_SLOW_BODY, KH2_EVF_LOCAL);
	want_alive(h);
	EQ(sub_op(h, KH2_OP_RELEASE, 1), 0);
	EQ(info(h).streams, 0);
	home_end(h);
}

TEST(body_that_drips_is_ended_after_the_limit)
{
	struct home *h = slow_body();
	u64 begun = h->now;

	drip(h, 1, 1, 1000, 10);
	EQ(counter(h, KH2_C_STREAM_SLOW_BODY), 1);
	CHECK(h->now - begun <= 80 * NSEC_PER_SEC);
	want_alive(h);
	home_free(h);
}

TEST(bodies_that_drip_on_many_streams_are_ended_after_the_limit)
{
	struct home *h = home_server();

	for (u32 id = 1; id < 256; id += 2)
		feed_headers(h, id, 0);
	for (u32 s = 0; s < 80; s++) {
		for (u32 id = 1; id < 256; id += 2)
			if (sinfo(h, id).rst_code < 0)
				feed_data(h, id, 0, 1);
		pump(h);
		advance(h, 1000);
	}
	EQ(counter(h, KH2_C_STREAM_SLOW_BODY), 128);
	want_alive(h);
	home_free(h);
}

TEST(answered_stream_whose_body_does_not_end_is_ended_after_the_limit)
{
	struct home *h = home_server();

	feed_headers(h, 1, 0);
	EQ(sub_headers(h, 1, KH2_SQE_END_STREAM), 0);
	forget(h);
	advance(h, 80000);
	want_rst(h, 1, KH2_CANCEL);
	home_free(h);
}

TEST(body_may_take_its_time_once_the_answer_has_begun)
{
	struct home *h = conversation();

	drip(h, 1, 1, 30000, 60);
	advance(h, 3600 * 1000);
	EQ(counter(h, KH2_C_STREAM_SLOW_BODY), 0);
	feed_data(h, 1, KH2_FLAG_END_STREAM, 1);
	want_alive(h);
	home_free(h);
}

TEST(body_that_is_slow_before_the_answer_begins_has_the_whole_time_after_it)
{
	struct home *h = slow_body();

	advance(h, 50000);
	EQ(sub_headers(h, 1, 0), 0);
	advance(h, 50000);
	sub_data(h, 1, KH2_SQE_END_STREAM, 100);
	forget(h);
	advance(h, 50000);
	want_no_frame(h);
	advance(h, 30000);
	want_rst(h, 1, KH2_CANCEL);
	home_free(h);
}

TEST(informational_response_is_no_answer_to_a_slow_body)
{
	struct home *h = slow_body();
	struct home_src *src;

	EQ(sub_headers(h, 1, KH2_SQE_INFORMATIONAL), 0);
	EQ(try_data(h, 1, 0, 1, &src), -EINVAL);
	forget(h);
	advance(h, 80000);
	want_rst(h, 1, KH2_CANCEL);
	want_reset(h, 1, KH2_CANCEL, KH2_C_STREAM_SLOW_BODY, KH2_EVF_LOCAL);
	home_free(h);
}

TEST(answer_behind_an_informational_response_begins_a_conversation)
{
	struct home *h = slow_body();

	EQ(sub_headers(h, 1, KH2_SQE_INFORMATIONAL), 0);
	EQ(sub_headers(h, 1, 0), 0);
	/* that one comes too late takes nothing back */
	EQ(sub_headers(h, 1, KH2_SQE_INFORMATIONAL), 0);
	forget(h);
	advance(h, 3600 * 1000);
	want_no_frame(h);
	home_free(h);
}

TEST(conversation_whose_answer_waits_for_a_window_is_ended_after_the_limit)
{
	struct home *h = conversation();

	sub_data(h, 1, 0, 1 << 20);
	pump(h);
	forget(h);
	advance(h, 80000);
	want_rst(h, 1, KH2_CANCEL);
	EQ(counter(h, KH2_C_STREAM_STALLED), 1);
	EQ(counter(h, KH2_C_STREAM_SLOW_BODY), 0);
	home_free(h);
}

TEST(slow_body_with_the_least_a_minute_goes_on)
{
	struct home *h = slow_body();

	drip(h, 1, 1024, 44000, 60);
	EQ(counter(h, KH2_C_STREAM_SLOW_BODY), 0);
	want_alive(h);
	home_free(h);
}

/* A client may send one body after the other. */
TEST(body_that_waits_for_others_of_its_path_goes_on)
{
	struct home *h = slow_body();

	for (u32 id = 3; id < 100; id += 2)
		feed_headers(h, id, 0);
	drip(h, 3, 2048, 1500, 30);
	EQ(counter(h, KH2_C_STREAM_SLOW_BODY), 0);
	want_alive(h);
	home_free(h);
}

TEST(body_that_the_application_does_not_read_may_wait_for_ever)
{
	struct home *h = slow_body();

	for (u32 n = 0; n < 4; n++)
		feed_data(h, 1, 0, n < 3 ? 16384 : 16383 - 500);
	forget(h);
	advance(h, 3600 * 1000);
	want_no_frame(h);
	/* from then on it is the peer's turn */
	EQ(sub_consume(h, 1, 65035), 0);
	forget(h);
	advance(h, 80000);
	want_rst(h, 1, KH2_CANCEL);
	home_free(h);
}

static bool no_relief(struct home *h)
{
	(void)h;
	return false;
}

TEST(body_for_which_there_is_no_room_may_wait_for_ever)
{
	struct home *h = slow_body();

	h->room = 0;
	h->relieve = no_relief;
	feed_data(h, 1, 0, 1);
	CHECK(kh2e_blocked(h->e));
	advance(h, 3600 * 1000);
	EQ(counter(h, KH2_C_STREAM_SLOW_BODY), 0);
	home_free(h);
}

TEST(owner_lets_a_body_take_its_time)
{
	struct home *h = slow_body();

	EQ(sub_op(h, KH2_OP_PATIENCE, 1), 0);
	EQ(sub_op(h, KH2_OP_PATIENCE, 3), -ENOENT);
	advance(h, 3600 * 1000);
	want_no_frame(h);
	want_alive(h);
	home_end(h);
}

TEST(answer_to_a_client_may_take_its_time)
{
	struct home *h = home_client();

	EQ(sub_headers(h, 1, KH2_SQE_END_STREAM), 0);
	feed_headers(h, 1, 0);
	forget(h);
	advance(h, 3600 * 1000);
	want_no_frame(h);
	home_end(h);
}

TEST(body_limit_zero_is_none)
{
	struct home *h = home_limited(KH2_L_BODY_MS, 0);

	feed_headers(h, 1, 0);
	forget(h);
	advance(h, 3600 * 1000);
	want_no_frame(h);
	home_free(h);
}

/* -- memory, idle, ranges -- */

TEST(streams_are_refused_while_over_the_memory_limit)
{
	struct home *h = home_limited(KH2_L_MEMORY, 1 << 20);
	struct kh2_sqe sqe = { .opcode = KH2_OP_MEMORY, .len = 1 << 20 };

	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	EQ(submit(h, &sqe, NULL), 0);
	feed_headers(h, 3, KH2_FLAG_END_STREAM);
	want_rst(h, 3, KH2_REFUSED_STREAM);
	EQ(counter(h, KH2_C_REFUSED_MEMORY), 1);
	sqe.len = 0;
	EQ(submit(h, &sqe, NULL), 0);
	feed_headers(h, 5, KH2_FLAG_END_STREAM);
	want_no_frame(h);
	want_ev(h, KH2_EV_HEADERS, 1, KH2_EVF_END_STREAM);
	want_ev(h, KH2_EV_HEADERS, 3, KH2_EVF_END_STREAM | KH2_EVF_DISCARD);
	want_ev(h, KH2_EV_HEADERS, 5, KH2_EVF_END_STREAM);
	want_alive(h);
	home_free(h);
}

/* The kernel's allocator gives 2 KiB for the connection itself; beyond, it would be twice that. */
TEST(idle_connection_holds_little)
{
	struct home *h = home_server();
	u64 before = h->live_mem;

	CHECK(before <= 2048 + 64);
	EQ(sub_ping(h, 1), 0);
	EQ(sub_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 5), 0);
	pump(h);
	feed_ping(h, KH2_FLAG_ACK, 1);
	feed_settings_ack(h);
	EQ(h->live_mem, before);
	home_free(h);
}

TEST(memory_that_no_owner_can_hold_is_refused)
{
	struct home *h = home_server();
	struct kh2_sqe sqe = { .opcode = KH2_OP_MEMORY, .len = 1ULL << 32 };
	u64 before = info(h).memory;

	EQ(submit(h, &sqe, NULL), -EINVAL);
	EQ(info(h).memory, before);
	sqe.len--;
	EQ(submit(h, &sqe, NULL), 0);
	EQ(info(h).memory, before + U32_MAX);
	home_free(h);
}

TEST(memory_that_is_held_is_told)
{
	struct home *h = home_server();
	u64 before = info(h).memory;

	for (u32 id = 1; id < 201; id += 2)
		feed_headers(h, id, 0);
	CHECK(info(h).memory > before);
	EQ(info(h).memory, h->live_mem + h->live_out);
	home_free(h);
}

TEST(idle_connection_is_closed_after_the_limit)
{
	struct home *h = home_limited(KH2_L_IDLE_MS, 5000);

	advance(h, 4900);
	want_alive(h);
	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	advance(h, 20000);
	want_alive(h);
	EQ(sub_headers(h, 1, KH2_SQE_END_STREAM), 0);
	forget(h);
	advance(h, 4900);
	EQ(kh2e_phase(h->e), KH2E_OPEN);
	advance(h, 200);
	want_goaway(h, 1, KH2_NO_ERROR);
	EQ(counter(h, KH2_C_CONN_IDLE), 1);
	EQ(kh2e_phase(h->e), KH2E_DONE);
	home_free(h);
}

TEST(idle_connection_without_a_limit_stays)
{
	struct home *h = home_server();

	advance(h, 24 * 3600 * 1000);
	want_alive(h);
	home_end(h);
}

TEST(header_block_that_is_never_finished_is_ended_in_time)
{
	struct home *h = home_server();

	feed_frame(h, KH2_FRAME_HEADERS, KH2_FLAG_END_STREAM, 1, (const u8 *)"\x82", 1);
	advance(h, 9000);
	want_alive(h);
	advance(h, 2000);
	want_dead(h, KH2_ENHANCE_YOUR_CALM, KH2_C_FLOOD_HEADER_BLOCK);
	home_free(h);
}

TEST(frame_that_is_never_finished_is_ended_in_time)
{
	static const u8 begun[] = { 0, 0, 8, KH2_FRAME_PING, 0, 0, 0, 0, 0, 1, 2, 3 };
	struct home *h = home_server();

	feed(h, begun, sizeof(begun));
	advance(h, 9000);
	want_alive(h);
	feed(h, "4", 1);
	advance(h, 2000);
	want_dead(h, KH2_ENHANCE_YOUR_CALM, KH2_C_CONN_FRAME_TIMEOUT);
	home_free(h);
}

TEST(frame_that_comes_slowly_and_in_time_is_taken)
{
	struct home *h = home_server();

	for (int i = 0; i < 5; i++) {
		feed(h, "\0\0\x08\x06\0\0\0\0\0", 9);
		advance(h, 20000);
		feed(h, "1234", 4);
		advance(h, 9000);
		feed(h, "5678", 4);
	}
	EQ(counter(h, KH2_C_RX_FRAME_PING), 5);
	want_alive(h);
	home_free(h);
}

/* It is not the peer's fault that the event ring has no room. */
TEST(frame_that_waits_for_the_owner_is_not_late)
{
	static const u8 ping[17] = { 0, 0, 8, KH2_FRAME_PING };
	struct home *h = home_server();

	feed(h, ping, 12);
	h->room = 0;
	EQ(kh2e_recv(h->e, ping + 12, 5), 5);
	CHECK(kh2e_blocked(h->e));
	advance(h, 60000);
	want_alive(h);
	h->room = UINT64_MAX;
	EQ(kh2e_recv(h->e, NULL, 0), 0);
	CHECK(!kh2e_blocked(h->e));
	EQ(counter(h, KH2_C_RX_FRAME_PING), 1);
	home_free(h);
}

/* -- what the owner alone can tell -- */

static int blame(struct home *h, u32 why)
{
	struct kh2_sqe sqe = { .opcode = KH2_OP_BLAME, .value = why };

	return submit(h, &sqe, NULL);
}

TEST(header_lists_that_are_refused_draw_on_the_budget_of_resets)
{
	struct home *h = home_limited(KH2_L_RESET_BURST, 50);
	u32 n = 0;

	for (; n < 100 && kh2e_phase(h->e) == KH2E_OPEN; n++) {
		feed_headers(h, 1 + 2 * n, KH2_FLAG_END_STREAM);
		EQ(blame(h, KH2_C_REFUSED_HEADER_LIST), 0);
		if (kh2e_phase(h->e) == KH2E_OPEN)
			EQ(sub_headers(h, 1 + 2 * n, KH2_SQE_END_STREAM), 0);
		pump(h);
	}
	CHECK(n >= 48 && n <= 50);
	EQ(counter(h, KH2_C_REFUSED_HEADER_LIST), n);
	want_dead(h, KH2_ENHANCE_YOUR_CALM, KH2_C_FLOOD_RESET);
	home_free(h);
}

TEST(header_list_far_over_its_limit_ends_the_connection)
{
	struct home *h = home_server();

	EQ(blame(h, KH2_C_FLOOD_HEADER_LIST), 0);
	want_dead(h, KH2_ENHANCE_YOUR_CALM, KH2_C_FLOOD_HEADER_LIST);
	home_free(h);
}

TEST(owner_can_blame_for_nothing_else)
{
	struct home *h = home_server();

	EQ(blame(h, KH2_C_STREAM_MALFORMED), 0);
	EQ(counter(h, KH2_C_STREAM_MALFORMED), 1);
	for (u32 why = 0; why <= __KH2_C_END; why++)
		if (why != KH2_C_STREAM_MALFORMED && why != KH2_C_REFUSED_HEADER_LIST &&
		    why != KH2_C_FLOOD_HEADER_LIST)
			EQ(blame(h, why), -EINVAL);
	want_alive(h);
	home_free(h);
}

/* -- turns -- */

/* Feeds a turn. Returns octets taken. */
static size_t turn(struct home *h, const u8 *p, size_t len)
{
	size_t n;

	kh2e_recv_turn(h->e);
	n = kh2e_recv_some(h->e, p, len);
	CHECK(!kh2e_blocked(h->e));
	CHECK(n == len || kh2e_recv_turn_over(h->e));
	pump(h);
	return n;
}

TEST(flood_ends_a_turn_before_its_octets_end)
{
	static u8 pings[17 * 100];
	struct home *h = home_server();
	size_t at = 0, turns = 0;

	for (size_t i = 0; i < 100; i++)
		memcpy(pings + 17 * i, "\0\0\x08\x06\0\0\0\0\0", 9);
	while (at < sizeof(pings)) {
		size_t n = turn(h, pings + at, sizeof(pings) - at);

		CHECK(n && n <= sizeof(pings) / 2);
		at += n;
		turns++;
	}
	CHECK(turns > 1 && turns < 20);
	EQ(counter(h, KH2_C_RX_FRAME_PING), 100);
	EQ(counter(h, KH2_C_TX_FRAME_PING), 100);
	want_alive(h);
	home_free(h);
}

/* One without payload needs no more octets: what follows may never come. */
TEST(turn_does_not_end_within_a_frame)
{
	static const u8 empty[9] = { 0, 0, 0, KH2_FRAME_HEADERS, 5, 0, 0, 0, 9 };
	struct home *h = home_limited(KH2_L_RESET_BURST, 50);
	u32 id = 1;

	for (; id < 9; id += 2) {
		feed_headers(h, id, KH2_FLAG_END_STREAM);
		feed_rst(h, id, KH2_CANCEL);
	}
	forget(h);
	EQ(turn(h, empty, sizeof(empty)), sizeof(empty));
	CHECK(kh2e_recv_turn_over(h->e));
	EQ(counter(h, KH2_C_STREAMS_OPENED), 5);
	home_free(h);
}

/* Feeds requests without bodies that lie together. Returns how many the first turn took. */
static u32 requests_of_a_turn(struct home *h, u32 *id, u32 n)
{
	static const u8 head[9] = { 0, 0, 1, KH2_FRAME_HEADERS, 5 };
	u8 octets[10 * 64] = { 0 };
	u64 before = counter(h, KH2_C_STREAMS_OPENED);
	u32 taken = 0;

	for (u32 i = 0; i < n; i++) {
		memcpy(octets + 10 * i, head, sizeof(head));
		octets[10 * i + 7] = (u8)((*id + 2 * i) >> 8);
		octets[10 * i + 8] = (u8)(*id + 2 * i);
		octets[10 * i + 9] = 0x82;
	}
	for (size_t at = 0; at < 10 * n;) {
		at += turn(h, octets + at, 10 * n - at);
		taken = taken ?: (u32)(counter(h, KH2_C_STREAMS_OPENED) - before);
	}
	forget(h);
	*id += 2 * n;
	return taken;
}

static void answer_all(struct home *h, u32 from, u32 to)
{
	for (; from < to; from += 2)
		EQ(sub_headers(h, from, KH2_SQE_END_STREAM), 0);
	pump(h);
	forget(h);
}

TEST(requests_are_taken_together_once_some_were_answered)
{
	struct home *h = home_server();
	u32 id = 1;

	CHECK(requests_of_a_turn(h, &id, 10) <= 3);
	answer_all(h, 1, id);
	CHECK(requests_of_a_turn(h, &id, 30) >= 5);
	answer_all(h, 21, id);
	CHECK(requests_of_a_turn(h, &id, 40) >= 31);
	want_alive(h);
	home_free(h);
}

TEST(requests_that_come_to_nothing_are_taken_one_by_one)
{
	struct home *h = home_server();
	u32 id = 1;

	requests_of_a_turn(h, &id, 40);
	answer_all(h, 1, id);
	EQ(requests_of_a_turn(h, &id, 6), 6);
	for (u32 i = id - 12; i < id; i += 2)
		feed_rst(h, i, KH2_CANCEL);
	EQ(requests_of_a_turn(h, &id, 6), 1);
	want_alive(h);
	home_free(h);
}

/* PRIORITY frames of two streams in turn, each exclusively on the other. Returns how many go into
 * a turn; if others depend on these two, they take these from each other.
 */
static u32 dependencies_of_a_turn(struct home *h)
{
	static u8 octets[14 * 64];
	size_t n;

	for (size_t i = 0; i < 64; i++) {
		memcpy(octets + 14 * i, "\0\0\5\2\0\0\0\0\0\x80\0\0\0\x0f", 14);
		octets[14 * i + 8] = i % 2 ? 3 : 1;
		octets[14 * i + 12] = i % 2 ? 1 : 3;
	}
	n = turn(h, octets, sizeof(octets));
	EQ(n % 14, 0);
	return (u32)(n / 14);
}

TEST(dependencies_that_move_many_streams_take_more_turns)
{
	static const u8 first[5] = { 0x80, 0, 0, 0, 15 };
	struct home *h = home_server();

	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	feed_headers(h, 3, KH2_FLAG_END_STREAM);
	forget(h);
	EQ(dependencies_of_a_turn(h), 32);
	for (u32 id = 5; id < 256; id += 2)
		feed_headers(h, id, KH2_FLAG_END_STREAM);
	feed_frame(h, KH2_FRAME_PRIORITY, 0, 1, first, sizeof(first));
	feed_frame(h, KH2_FRAME_PRIORITY, 0, 3, first, sizeof(first));
	forget(h);
	CHECK(dependencies_of_a_turn(h) <= 11);
	want_alive(h);
	home_free(h);
}

TEST(data_takes_no_turns)
{
	static u8 data[9 + 1000];
	struct home *h = home_server();

	feed_headers(h, 1, 0);
	memcpy(data, "\0\x03\xe8\0\0\0\0\0\1", 9);
	for (int i = 0; i < 60; i++) {
		EQ(kh2e_recv_some(h->e, data, sizeof(data)), sizeof(data));
		CHECK(!kh2e_recv_turn_over(h->e));
	}
	home_free(h);
}

/* -- memory of sources -- */

TEST(memory_of_sources_counts_until_they_are_given_back)
{
	struct home *h = home_limited(KH2_L_MEMORY, 1 << 20);
	u64 before = info(h).memory;
	struct home_src *s;

	feed_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 0);
	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	EQ(sub_headers(h, 1, 0), 0);
	s = sub_file(h, 1, KH2_SQE_END_STREAM);
	forget(h);
	kh2e_src_hold(h->e, &s->src, 1 << 19);
	CHECK(kh2e_memory_scarce(h->e));
	CHECK(info(h).memory >= before + (1 << 19));
	feed_headers(h, 3, KH2_FLAG_END_STREAM);
	EQ(counter(h, KH2_C_REFUSED_MEMORY), 0);
	kh2e_src_hold(h->e, &s->src, 1 << 19);
	feed_headers(h, 5, KH2_FLAG_END_STREAM);
	EQ(counter(h, KH2_C_REFUSED_MEMORY), 1);
	kh2e_src_hold(h->e, &s->src, -(1 << 19));
	feed_rst(h, 1, KH2_CANCEL);
	CHECK(s->released);
	CHECK(info(h).memory < before + 10000);
	CHECK(!kh2e_memory_scarce(h->e));
	home_free(h);
}

TEST(continuations_of_a_flood_do_not_grow_memory)
{
	struct home *h = home_prepare(KH2E_SERVER);
	static u8 block[16384];

	h->cfg.limits[KH2_L_BLOCK_FRAMES] = 1024;
	h->cfg.limits[KH2_L_BLOCK_OCTETS] = 65536;
	home_start(h);
	home_handshake(h);
	feed_frame(h, KH2_FRAME_HEADERS, 0, 1, block, sizeof(block));
	for (int i = 0; i < 100; i++)
		feed_frame(h, KH2_FRAME_CONTINUATION, 0, 1, block, sizeof(block));
	want_dead(h, KH2_ENHANCE_YOUR_CALM, KH2_C_FLOOD_HEADER_BLOCK);
	CHECK(h->peak_mem < 400000);
	home_free(h);
}

TEST(limits_out_of_range_are_refused)
{
	u32 l[__KH2_L_END], bad;

	kh2e_limits_default(l);
	EQ(kh2e_limits_check(l, &bad), 0);
	l[KH2_L_STREAMS] = 0;
	CHECK(kh2e_limits_check(l, &bad) < 0);
	EQ(bad, KH2_L_STREAMS);
	kh2e_limits_default(l);
	l[KH2_L_LINGER_MS] = 600001;
	CHECK(kh2e_limits_check(l, &bad) < 0);
	EQ(bad, KH2_L_LINGER_MS);
}

TEST(engine_with_bad_config_is_refused)
{
	struct home *h = home_prepare(KH2E_SERVER);
	struct kh2e_config good = h->cfg;
	static const struct kh2e_ops none;

	h->cfg.limits[KH2_L_STREAMS] = 0;
	CHECK(kh2e_new(&h->e, &none, h, &h->cfg) < 0);
	h->cfg = good;
	h->cfg.role = 7;
	CHECK(kh2e_new(&h->e, &none, h, &h->cfg) < 0);
	h->cfg = good;
	h->cfg.conn_window = 65534;
	CHECK(kh2e_new(&h->e, &none, h, &h->cfg) < 0);
	h->cfg.conn_window = 0x80000000;
	CHECK(kh2e_new(&h->e, &none, h, &h->cfg) < 0);
	h->cfg = good;
	h->cfg.n_settings = KH2E_SETTINGS_CAP + 1;
	CHECK(kh2e_new(&h->e, &none, h, &h->cfg) < 0);
	h->cfg = good;
	h->cfg.padding = 9;
	CHECK(kh2e_new(&h->e, &none, h, &h->cfg) < 0);
	h->cfg = good;
	h->cfg.n_settings = 1;
	h->cfg.settings[0] = (struct kh2_setting){ .id = 5, .value = 1 };
	CHECK(kh2e_new(&h->e, &none, h, &h->cfg) < 0);
	h->cfg = good;
	home_start(h);
	home_free(h);
}
