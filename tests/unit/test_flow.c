// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Flow control both ways: RFC 9113 5.2 and 6.9. */
#include "home.h"

/* Reads frames that must all be WINDOW_UPDATE; what they add to @stream and to the connection */
static void windows(struct home *h, u32 stream, u64 *of_stream, u64 *of_conn)
{
	struct home_frame f;

	pump(h);
	while (next_frame(h, &f)) {
		u32 inc;

		EQ(f.type, KH2_FRAME_WINDOW_UPDATE);
		EQ(f.len, 4);
		inc = get_unaligned_be32(f.p);
		CHECK(inc && inc <= KH2_ID_MAX);
		CHECK(f.stream == stream || !f.stream);
		*(f.stream ? of_stream : of_conn) += inc;
	}
}

/* Reads frames that must all be DATA on @stream; octets of payload */
static u64 data_of(struct home *h, u32 stream)
{
	struct home_frame f;
	u64 sum = 0;

	pump(h);
	while (next_frame(h, &f)) {
		EQ(f.type, KH2_FRAME_DATA);
		EQ(f.stream, stream);
		sum += f.len;
	}
	return sum;
}

/* A server with a stream that was answered and may send DATA, the peer's windows as given */
static struct home *sender(u32 stream_window, u32 conn_more)
{
	struct home *h = home_server();

	if (stream_window != KH2_WINDOW_INITIAL)
		feed_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, stream_window);
	if (conn_more)
		feed_window(h, 0, conn_more);
	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	EQ(sub_headers(h, 1, 0), 0);
	forget(h);
	return h;
}

TEST(window_is_not_returned_before_data_is_consumed)
{
	struct home *h = home_server();

	feed_headers(h, 1, 0);
	for (int i = 0; i < 3; i++)
		feed_data(h, 1, 0, 16384);
	want_no_frame(h);
	EQ(info(h).local_window, 65535 - 3 * 16384);
	EQ(sinfo(h, 1).local_window, 65535 - 3 * 16384);
	forget(h);
	home_end(h);
}

TEST(window_is_returned_as_data_is_consumed)
{
	struct home *h = home_server();
	u64 st = 0, conn = 0;

	feed_headers(h, 1, 0);
	for (int i = 0; i < 3; i++)
		feed_data(h, 1, 0, 16384);
	EQ(sub_consume(h, 1, 40000), 0);
	windows(h, 1, &st, &conn);
	EQ(st, 40000);
	EQ(conn, 40000);
	EQ(sub_consume(h, 1, 9152), 0);
	windows(h, 1, &st, &conn);
	CHECK(st <= 49152 && conn <= 49152);
	forget(h);
	home_end(h);
}

TEST(window_update_waits_for_half_a_window)
{
	struct home *h = home_server();
	u64 st = 0, conn = 0;

	feed_headers(h, 1, 0);
	feed_data(h, 1, 0, 16384);
	feed_data(h, 1, 0, 16384);
	for (int i = 0; i < 100; i++)
		EQ(sub_consume(h, 1, 10), 0);
	want_no_frame(h);
	EQ(sub_consume(h, 1, 2 * 16384 - 1000), 0);
	windows(h, 1, &st, &conn);
	EQ(st, 32768);
	EQ(conn, 32768);
	forget(h);
	home_end(h);
}

TEST(window_is_never_lost_nor_doubled)
{
	struct home *h = home_server();
	u64 sent = 0, consumed = 0, st = 0, conn = 0;
	u32 rnd = 1;

	feed_headers(h, 1, 0);
	for (int i = 0; i < 3000; i++) {
		u64 room = 65535 + min(st, conn) - sent;
		u64 n;

		rnd = rnd * 1103515245 + 12345;
		n = min_t(u64, rnd >> 18, room);
		if (n) {
			feed_data(h, 1, 0, n);
			sent += n;
		}
		rnd = rnd * 1103515245 + 12345;
		n = min_t(u64, rnd >> 17, sent - consumed);
		if (n)
			EQ(sub_consume(h, 1, n), 0);
		consumed += n;
		windows(h, 1, &st, &conn);
		CHECK(st <= consumed && conn <= consumed);
		CHECK(consumed - st <= 32768 && consumed - conn <= 32768);
	}
	want_alive(h);
	CHECK(sent > 1 << 24);
	EQ(counter(h, KH2_C_RX_DATA), sent);
	forget(h);
	home_end(h);
}

TEST(padding_returns_its_window_by_itself)
{
	struct home *h = home_server();
	u8 p[258] = { 255, 'x' };
	u64 st = 0, conn = 0;

	feed_headers(h, 1, 0);
	for (int i = 0; i < 150; i++)
		feed_frame(h, KH2_FRAME_DATA, KH2_FLAG_PADDED, 1, p, 257);
	windows(h, 1, &st, &conn);
	CHECK(st >= 32767 && st <= 150 * 256);
	CHECK(conn >= 32767 && conn <= 150 * 256);
	EQ(counter(h, KH2_C_RX_DATA), 150);
	forget(h);
	home_end(h);
}

TEST(data_of_a_stream_we_reset_returns_the_connection_window)
{
	struct home *h = home_server();
	u64 st = 0, conn = 0;

	feed_headers(h, 1, 0);
	EQ(sub_code(h, KH2_OP_RST, 1, KH2_CANCEL), 0);
	want_rst(h, 1, KH2_CANCEL);
	for (int i = 0; i < 30; i++) {
		feed_data(h, 1, 0, 16384);
		windows(h, 1, &st, &conn);
	}
	EQ(st, 0);
	CHECK(30 * 16384 - conn <= 32768);
	EQ(counter(h, KH2_C_DISCARDED_DATA), 30 * 16384);
	want_alive(h);
	forget(h);
	home_end(h);
}

/* RFC 9113 6.9: a frame that is in error counts all the same, and its octets come back */
static void data_in_error(u32 window, u8 flags, u32 code)
{
	struct home *h = home_prepare(KH2E_SERVER);
	s64 credit = 65535;
	struct home_frame f;

	h->cfg.settings[h->cfg.n_settings++] = (struct kh2_setting){
		.id = KH2_SETTINGS_INITIAL_WINDOW_SIZE, .value = window,
	};
	home_start(h);
	home_handshake(h);
	for (u32 id = 1; id < 100; id += 2) {
		bool reset = false;

		feed_headers(h, id, flags);
		feed_data(h, id, 0, 16384);
		credit -= 16384;
		pump(h);
		while (next_frame(h, &f)) {
			if (f.type == KH2_FRAME_WINDOW_UPDATE && !f.stream)
				credit += get_unaligned_be32(f.p);
			if (f.type == KH2_FRAME_RST_STREAM) {
				EQ(get_unaligned_be32(f.p), code);
				reset = true;
			}
		}
		CHECK(reset);
		EQ(info(h).local_window, credit);
		CHECK(credit > 65535 / 2);
		EQ(sub_op(h, KH2_OP_RELEASE, id), 0);
	}
	want_alive(h);
	home_free(h);
}

TEST(data_past_the_stream_window_returns_the_connection_window)
{
	data_in_error(10, 0, KH2_FLOW_CONTROL_ERROR);
}

TEST(data_after_end_stream_returns_the_connection_window)
{
	data_in_error(65535, KH2_FLAG_END_STREAM, KH2_STREAM_CLOSED);
}

TEST(unconsumed_data_returns_its_window_when_we_reset)
{
	struct home *h = home_server();
	u64 st = 0, conn = 0;

	feed_headers(h, 1, 0);
	for (int i = 0; i < 3; i++)
		feed_data(h, 1, 0, 16384);
	EQ(sub_code(h, KH2_OP_RST, 1, KH2_CANCEL), 0);
	want_window(h, 0, 49152);
	want_rst(h, 1, KH2_CANCEL);
	windows(h, 1, &st, &conn);
	EQ(conn, 0);
	forget(h);
	home_end(h);
}

TEST(unconsumed_data_returns_its_window_on_release)
{
	struct home *h = home_server();
	u64 st = 0, conn = 0;

	feed_headers(h, 1, 0);
	for (int i = 0; i < 3; i++)
		feed_data(h, 1, 0, 16384);
	feed_rst(h, 1, KH2_CANCEL);
	EQ(sub_op(h, KH2_OP_RELEASE, 1), 0);
	windows(h, 1, &st, &conn);
	EQ(st, 0);
	EQ(conn, 49152);
	forget(h);
	home_end(h);
}

TEST(consume_after_reset_does_not_return_window_twice)
{
	struct home *h = home_server();
	u64 st = 0, conn = 0;

	feed_headers(h, 1, 0);
	for (int i = 0; i < 3; i++)
		feed_data(h, 1, 0, 16384);
	sub_code(h, KH2_OP_RST, 1, KH2_CANCEL);
	want_window(h, 0, 49152);
	want_rst(h, 1, KH2_CANCEL);
	sub_consume(h, 1, 49152);
	windows(h, 1, &st, &conn);
	EQ(st, 0);
	EQ(conn, 0);
	EQ(info(h).local_window, 65535);
	home_free(h);
}

/* The owner may learn late that a stream is gone, when the engine knows nothing of it any more */
TEST(late_consume_of_a_reset_stream_takes_nothing_from_others)
{
	struct home *h = home_server();
	u64 st = 0, conn = 0;

	feed_headers(h, 1, 0);
	feed_data(h, 1, 0, 16384);
	EQ(sub_code(h, KH2_OP_RST, 1, KH2_CANCEL), 0);
	for (u32 id = 3; id < 403; id += 2) {
		feed_headers(h, id, KH2_FLAG_END_STREAM);
		EQ(sub_headers(h, id, KH2_SQE_END_STREAM), 0);
		pump(h);
	}
	feed_headers(h, 403, 0);
	feed_data(h, 403, 0, 16384);
	forget(h);
	sub_consume(h, 1, 16384);
	EQ(sub_consume(h, 403, 16384), 0);
	windows(h, 403, &st, &conn);
	CHECK(info(h).local_window <= 65535);
	EQ(conn, 32768);
	want_alive(h);
	home_free(h);
}

TEST(consume_of_more_than_arrived_is_refused)
{
	struct home *h = home_server();

	feed_headers(h, 1, 0);
	feed_data(h, 1, 0, 100);
	CHECK(sub_consume(h, 1, 101) < 0 || kh2e_phase(h->e) == KH2E_DONE);
	CHECK(info(h).local_window <= 65535);
	home_free(h);
}

TEST(consume_after_end_stream_returns_the_connection_window_only)
{
	struct home *h = home_server();
	u64 st = 0, conn = 0;

	feed_headers(h, 1, 0);
	for (int i = 0; i < 3; i++)
		feed_data(h, 1, i == 2 ? KH2_FLAG_END_STREAM : 0, 16384);
	EQ(sub_consume(h, 1, 49152), 0);
	windows(h, 1, &st, &conn);
	EQ(conn, 49152);
	EQ(st, 0);
	forget(h);
	home_end(h);
}

TEST(consume_after_stream_closed_returns_the_connection_window)
{
	struct home *h = home_server();
	u64 st = 0, conn = 0;

	feed_headers(h, 1, 0);
	for (int i = 0; i < 3; i++)
		feed_data(h, 1, i == 2 ? KH2_FLAG_END_STREAM : 0, 16384);
	EQ(sub_headers(h, 1, KH2_SQE_END_STREAM), 0);
	want_frame(h, KH2_FRAME_HEADERS, 5, 1);
	sub_consume(h, 1, 49152);
	sub_op(h, KH2_OP_RELEASE, 1);
	windows(h, 1, &st, &conn);
	EQ(conn, 49152);
	EQ(st, 0);
	home_free(h);
}

TEST(window_of_one_octet_works)
{
	struct home *h = home_prepare(KH2E_SERVER);

	h->cfg.settings[h->cfg.n_settings++] = (struct kh2_setting){
		.id = KH2_SETTINGS_INITIAL_WINDOW_SIZE, .value = 1,
	};
	home_start(h);
	home_handshake(h);
	feed_headers(h, 1, 0);
	for (int i = 0; i < 100; i++) {
		feed_data(h, 1, 0, 1);
		want_no_frame(h);
		EQ(sub_consume(h, 1, 1), 0);
		want_window(h, 1, 1);
	}
	forget(h);
	home_end(h);
}

TEST(connection_window_of_the_config_is_announced)
{
	struct home *h = home_prepare(KH2E_SERVER);

	h->cfg.conn_window = 1 << 20;
	home_start(h);
	want_frame(h, KH2_FRAME_SETTINGS, 0, 0);
	want_window(h, 0, (1 << 20) - 65535);
	want_no_frame(h);
	EQ(info(h).local_window, 1 << 20);
	home_free(h);
}

TEST(own_window_setting_holds_for_open_streams_from_the_ack)
{
	struct home *h = home_server();

	feed_headers(h, 1, 0);
	EQ(sub_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 65536), 0);
	forget(h);
	EQ(sinfo(h, 1).local_window, 65535);
	feed_settings_ack(h);
	EQ(sinfo(h, 1).local_window, 65536);
	forget(h);
	home_end(h);
}

TEST(own_window_lowered_goes_negative_and_comes_back)
{
	struct home *h = home_server();
	u64 st = 0, conn = 0;

	feed_headers(h, 1, 0);
	feed_data(h, 1, 0, 16384);
	EQ(sub_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 1000), 0);
	feed_data(h, 1, 0, 16384);
	feed_settings_ack(h);
	EQ(sinfo(h, 1).local_window, 1000 - 2 * 16384);
	forget(h);
	EQ(sub_consume(h, 1, 2 * 16384), 0);
	windows(h, 1, &st, &conn);
	EQ(st, 2 * 16384);
	EQ(sinfo(h, 1).local_window, 1000);
	feed_data(h, 1, 0, 1000);
	want_alive(h);
	forget(h);
	feed_data(h, 1, 0, 1);
	want_rst(h, 1, KH2_FLOW_CONTROL_ERROR);
	want_reset(h, 1, KH2_FLOW_CONTROL_ERROR, KH2_C_STREAM_WINDOW_EXCEEDED, KH2_EVF_LOCAL);
	home_free(h);
}

/* What was saved up towards half of the old window is more than half of the new one. */
TEST(own_window_lowered_tells_the_credit_that_was_saved_up)
{
	struct home *h = home_server();
	u64 st = 0, conn = 0;

	feed_headers(h, 1, 0);
	feed_data(h, 1, 0, 16384);
	EQ(sub_consume(h, 1, 16384), 0);
	EQ(sub_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 1000), 0);
	forget(h);
	feed_settings_ack(h);
	windows(h, 1, &st, &conn);
	EQ(st, 16384);
	EQ(sinfo(h, 1).local_window, 1000);
	forget(h);
	home_end(h);
}

TEST(send_stops_at_the_windows)
{
	struct home *h = sender(KH2_WINDOW_INITIAL, 0);

	sub_data(h, 1, KH2_SQE_END_STREAM, 100000);
	EQ(data_of(h, 1), 65535);
	EQ(info(h).remote_window, 0);
	feed_window(h, 1, 20000);
	EQ(data_of(h, 1), 0);
	feed_window(h, 0, 10);
	EQ(data_of(h, 1), 10);
	feed_window(h, 0, 50000);
	EQ(data_of(h, 1), 19990);
	feed_window(h, 1, 50000);
	EQ(data_of(h, 1), 100000 - 65535 - 20000);
	forget(h);
	home_end(h);
}

TEST(send_window_of_one_octet_works)
{
	struct home *h = sender(1, 0);

	sub_data(h, 1, KH2_SQE_END_STREAM, 20);
	for (int i = 0; i < 20; i++) {
		struct home_frame f = want_frame(h, KH2_FRAME_DATA, i == 19, 1);

		EQ(f.len, 1);
		want_no_frame(h);
		feed_window(h, 1, 1);
	}
	forget(h);
	home_end(h);
}

TEST(send_window_negative_after_setting_comes_back)
{
	struct home *h = sender(KH2_WINDOW_INITIAL, 1000000);

	sub_data(h, 1, KH2_SQE_END_STREAM, 100000);
	EQ(data_of(h, 1), 65535);
	feed_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 10);
	EQ(sinfo(h, 1).remote_window, 10 - 65535);
	want_frame(h, KH2_FRAME_SETTINGS, KH2_FLAG_ACK, 0);
	feed_window(h, 1, 65525);
	EQ(data_of(h, 1), 0);
	feed_window(h, 1, 1);
	EQ(data_of(h, 1), 1);
	feed_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 0);
	want_frame(h, KH2_FRAME_SETTINGS, KH2_FLAG_ACK, 0);
	feed_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 20);
	want_frame(h, KH2_FRAME_SETTINGS, KH2_FLAG_ACK, 0);
	EQ(data_of(h, 1), 10);
	forget(h);
	home_free(h);
}

/* CVE-2026-21714: what was queued for the stream is freed with it */
TEST(window_overflow_frees_what_was_queued)
{
	struct home *h = home_server();
	struct home_src *data, *file;
	u64 mem, live;

	feed_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 0);
	forget(h);
	mem = h->live_mem;
	live = h->n_live;
	for (u32 id = 1; id < 200; id += 2) {
		feed_headers(h, id, KH2_FLAG_END_STREAM);
		EQ(sub_headers(h, id, 0), 0);
		data = sub_data(h, id, 0, 100000);
		file = sub_file(h, id, KH2_SQE_END_STREAM);
		kh2e_src_hold(h->e, &file->src, 50000);
		forget(h);
		feed_window(h, id, 0x7fffffff);
		feed_window(h, id, 1);
		want_rst(h, id, KH2_FLOW_CONTROL_ERROR);
		CHECK(data->released && file->released);
		EQ(sub_op(h, KH2_OP_RELEASE, id), 0);
		forget(h);
	}
	EQ(info(h).streams, 0);
	EQ(h->live_mem, mem);
	EQ(h->n_live, live);
	want_alive(h);
	home_free(h);
}

TEST(setting_that_shuts_the_window_while_data_waits_is_honoured)
{
	struct home *h = sender(KH2_WINDOW_INITIAL, 1000000);
	struct home_frame f;
	u64 before = 0;

	sub_data(h, 1, KH2_SQE_END_STREAM, 200000);
	pump_some(h, 20000);
	feed_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 0);
	pump(h);
	while (next_frame(h, &f))
		if (f.type == KH2_FRAME_DATA)
			before += f.len;
	CHECK(before <= 65535);
	EQ(sinfo(h, 1).remote_window, -(s64)before);
	home_free(h);
}

TEST(setting_opens_the_windows_of_all_streams)
{
	struct home *h = home_server();
	struct home_frame f;
	u64 sum = 0;

	feed_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 0);
	for (u32 id = 1; id < 20; id += 2) {
		feed_headers(h, id, KH2_FLAG_END_STREAM);
		EQ(sub_headers(h, id, 0), 0);
		sub_data(h, id, KH2_SQE_END_STREAM, 100);
	}
	forget(h);
	want_no_frame(h);
	feed_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 100);
	pump(h);
	while (next_frame(h, &f))
		if (f.type == KH2_FRAME_DATA)
			sum += f.len;
	EQ(sum, 1000);
	EQ(counter(h, KH2_C_STREAMS_COMPLETED), 10);
	forget(h);
	home_end(h);
}

TEST(empty_end_of_stream_needs_no_window)
{
	struct home *h = sender(0, 0);

	sub_data(h, 1, KH2_SQE_END_STREAM, 0);
	EQ(want_frame(h, KH2_FRAME_DATA, KH2_FLAG_END_STREAM, 1).len, 0);
	forget(h);
	home_end(h);
}

TEST(empty_end_of_stream_after_the_window_is_used_up)
{
	struct home *h = sender(10, 0);

	sub_data(h, 1, 0, 10);
	EQ(want_frame(h, KH2_FRAME_DATA, 0, 1).len, 10);
	sub_data(h, 1, KH2_SQE_END_STREAM, 0);
	EQ(want_frame(h, KH2_FRAME_DATA, KH2_FLAG_END_STREAM, 1).len, 0);
	forget(h);
	home_end(h);
}

TEST(connection_window_is_shared_and_others_wait)
{
	struct home *h = sender(1000000, 0);
	struct home_frame f;
	u64 sum = 0;

	feed_headers(h, 3, KH2_FLAG_END_STREAM);
	EQ(sub_headers(h, 3, 0), 0);
	forget(h);
	sub_data(h, 1, KH2_SQE_END_STREAM, 60000);
	sub_data(h, 3, KH2_SQE_END_STREAM, 60000);
	pump(h);
	while (next_frame(h, &f))
		sum += f.len;
	EQ(sum, 65535);
	feed_window(h, 0, 100000);
	pump(h);
	while (next_frame(h, &f))
		sum += f.len;
	EQ(sum, 120000);
	forget(h);
	home_end(h);
}

TEST(bulk_data_frames_fill_a_tls_record)
{
	struct home *h = sender(0x7fffffff, 0x7fff0000);
	u64 left = 1 << 20;
	struct home_frame f;

	sub_data(h, 1, KH2_SQE_END_STREAM, left);
	pump(h);
	while (next_frame(h, &f)) {
		EQ(f.type, KH2_FRAME_DATA);
		EQ(f.len, min_t(u64, left, 16375));
		left -= f.len;
		EQ(f.flags, left ? 0 : KH2_FLAG_END_STREAM);
	}
	EQ(left, 0);
	forget(h);
	home_end(h);
}

static void send_body(size_t pull_max, int segs, size_t step)
{
	struct home *h = sender(0x7fffffff, 0x7fff0000);
	u64 pos = 0, sizes[] = { 1, 70000, 16375, 0, 16376, 5 };
	u32 part = 0;
	u64 in_part = 0;
	struct home_frame f;

	h->pull_max = pull_max;
	h->pull_segs = segs;
	h->sent_step = step;
	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++)
		sub_data(h, 1, i == ARRAY_SIZE(sizes) - 1 ? KH2_SQE_END_STREAM : 0, sizes[i]);
	pump(h);
	while (next_frame(h, &f)) {
		EQ(f.type, KH2_FRAME_DATA);
		for (u32 i = 0; i < f.len; i++) {
			while (part < ARRAY_SIZE(sizes) && in_part == sizes[part]) {
				part++;
				in_part = 0;
			}
			CHECK(part < ARRAY_SIZE(sizes));
			EQ(f.p[i], home_octet(part + 1, in_part));
			in_part++;
		}
		pos += f.len;
		EQ(f.flags & KH2_FLAG_END_STREAM, pos == 1 + 70000 + 16375 + 16376 + 5);
	}
	EQ(pos, 1 + 70000 + 16375 + 16376 + 5);
	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++)
		EQ(find_ev(h, KH2_EV_TX_DONE, 1)->ev.code, 0);
	forget(h);
	home_end(h);
}

TEST(body_is_whole_when_all_is_sent_at_once)	{ send_body(1 << 20, 64, 0); }
TEST(body_is_whole_when_sent_in_small_steps)	{ send_body(1 << 20, 64, 7); }
TEST(body_is_whole_when_sent_octet_by_octet)	{ send_body(1 << 20, 64, 1); }
TEST(body_is_whole_with_four_segments_a_pull)	{ send_body(1 << 20, 4, 0); }
TEST(body_is_whole_with_small_pulls)		{ send_body(1000, 4, 0); }
TEST(body_is_whole_with_tiny_pulls)		{ send_body(10, 64, 3); }
TEST(body_is_whole_with_pulls_of_one_octet)	{ send_body(1, 64, 0); }

TEST(body_of_a_source_that_grows)
{
	struct home *h = sender(0x7fffffff, 0x7fff0000);
	struct home_src *s = sub_file(h, 1, KH2_SQE_END_STREAM);
	u64 sum = 0;

	pump(h);
	CHECK(s->wants);
	want_no_frame(h);
	for (int i = 1; i <= 10; i++) {
		unsigned int wants = s->wants;

		kh2e_src_add(h->e, &s->src, i * 1000, i == 10, 0);
		sum += data_of(h, 1);
		if (i < 10)
			CHECK(s->wants > wants);
	}
	EQ(sum, 55000);
	EQ(counter(h, KH2_C_STREAMS_COMPLETED), 1);
	EQ(find_ev(h, KH2_EV_TX_DONE, 1)->ev.code, 0);
	forget(h);
	home_end(h);
}

TEST(source_that_ends_without_more_octets_still_ends_the_stream)
{
	struct home *h = sender(0x7fffffff, 0);
	struct home_src *s = sub_file(h, 1, KH2_SQE_END_STREAM);

	pump(h);
	kh2e_src_add(h->e, &s->src, 100, false, 0);
	EQ(want_frame(h, KH2_FRAME_DATA, 0, 1).len, 100);
	kh2e_src_add(h->e, &s->src, 0, true, 0);
	EQ(want_frame(h, KH2_FRAME_DATA, KH2_FLAG_END_STREAM, 1).len, 0);
	forget(h);
	home_end(h);
}

TEST(source_that_fails_resets_the_stream)
{
	struct home *h = sender(0x7fffffff, 0);
	struct home_src *s = sub_file(h, 1, KH2_SQE_END_STREAM);

	pump(h);
	kh2e_src_add(h->e, &s->src, 0, false, -EIO);
	want_rst(h, 1, KH2_INTERNAL_ERROR);
	EQ(counter(h, KH2_C_STREAM_SOURCE), 1);
	EQ(find_ev(h, KH2_EV_TX_DONE, 1)->ev.code, EIO);
	want_alive(h);
	home_free(h);
}

/* The fault is ours: no number of them is a flood of the peer's. */
TEST(sources_that_fail_spend_none_of_the_peers_resets)
{
	struct home *h = home_limited(KH2_L_RESET_BURST, 1);

	for (u32 id = 1; id < 20; id += 2) {
		struct home_src *s;

		feed_headers(h, id, KH2_FLAG_END_STREAM);
		EQ(sub_headers(h, id, 0), 0);
		s = sub_file(h, id, KH2_SQE_END_STREAM);
		pump(h);
		kh2e_src_add(h->e, &s->src, 0, false, -EIO);
		pump(h);
	}
	EQ(counter(h, KH2_C_STREAM_SOURCE), 10);
	want_alive(h);
	home_free(h);
}

TEST(source_is_not_asked_while_the_window_is_shut)
{
	struct home *h = sender(0, 0);
	struct home_src *s = sub_file(h, 1, KH2_SQE_END_STREAM);

	pump(h);
	kh2e_src_add(h->e, &s->src, 1000, false, 0);
	pump(h);
	CHECK(s->wants <= 1);
	feed_window(h, 1, 10);
	EQ(data_of(h, 1), 10);
	CHECK(s->wants <= 1);
	home_free(h);
}

TEST(reset_gives_back_sources_that_are_handed_out_only_after_sending)
{
	struct home *h = sender(0x7fffffff, 0x10000);
	struct home_src *s = sub_data(h, 1, KH2_SQE_END_STREAM, 60000);
	struct kh2e_seg segs[4];
	size_t total = 0;
	int n;

	n = kh2e_pull(h->e, segs, 4, 30000);
	CHECK(n > 0);
	for (int i = 0; i < n; i++)
		total += segs[i].len;
	feed_rst(h, 1, KH2_CANCEL);
	CHECK(!s->released);
	kh2e_sent(h->e, total);
	sub_op(h, KH2_OP_RELEASE, 1);
	/* the frame that was cut must go on, else the connection is out of step */
	while ((n = kh2e_pull(h->e, segs, 4, 30000)) > 0) {
		size_t more = 0;

		for (int i = 0; i < n; i++)
			more += segs[i].len;
		total += more;
		kh2e_sent(h->e, more);
	}
	CHECK(s->released);
	CHECK(total % (16375 + 9) == 0);
	EQ(find_ev(h, KH2_EV_TX_DONE, 1)->ev.code != 0, 1);
	home_free(h);
}
