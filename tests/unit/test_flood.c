// SPDX-License-Identifier: GPL-2.0 OR MIT
/* What costs us work has a budget: beyond it the connection ends, a healthy edge goes on. */
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
