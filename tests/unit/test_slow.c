// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Peers that are slow: streams that stall, bodies that drip, frames that are never finished. */
#include "home.h"

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
