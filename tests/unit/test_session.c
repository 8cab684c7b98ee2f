// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The connection: SETTINGS, PING, GOAWAY, shutdown, and how streams are counted and end. */
#include "home.h"

/* -- SETTINGS -- */

TEST(settings_defaults_hold_at_the_start)
{
	struct home *h = home_new(KH2E_SERVER);
	struct kh2e_info i = info(h);

	EQ(i.remote.header_table_size, 4096);
	EQ(i.remote.enable_push, 1);
	EQ(i.remote.max_concurrent_streams, UINT32_MAX);
	EQ(i.remote.initial_window_size, 65535);
	EQ(i.remote.max_frame_size, 16384);
	EQ(i.remote.max_header_list_size, UINT32_MAX);
	EQ(i.remote.enable_connect_protocol, 0);
	EQ(i.remote.no_rfc7540_priorities, 0);
	EQ(i.local.max_frame_size, 16384);
	EQ(i.local.enable_connect_protocol, 0);
	EQ(i.local.no_rfc7540_priorities, 0);
	EQ(i.settings_pending, 1);
	home_free(h);
}

TEST(peers_settings_are_in_force)
{
	struct home *h = home_server();

	feed_setting(h, KH2_SETTINGS_MAX_FRAME_SIZE, 20000);
	feed_setting(h, KH2_SETTINGS_MAX_CONCURRENT_STREAMS, 7);
	feed_setting(h, KH2_SETTINGS_ENABLE_PUSH, 0);
	feed_setting(h, KH2_SETTINGS_MAX_HEADER_LIST_SIZE, 99);
	feed_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 5);
	feed_setting(h, KH2_SETTINGS_HEADER_TABLE_SIZE, 77);
	EQ(info(h).remote.header_table_size, 77);
	EQ(info(h).remote.max_frame_size, 20000);
	EQ(info(h).remote.max_concurrent_streams, 7);
	EQ(info(h).remote.enable_push, 0);
	EQ(info(h).remote.max_header_list_size, 99);
	EQ(info(h).remote.initial_window_size, 5);
	forget(h);
	home_end(h);
}

TEST(own_settings_take_effect_oldest_first_at_each_ack)
{
	struct home *h = home_server();

	for (u32 i = 1; i <= 3; i++)
		EQ(sub_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, i * 1000), 0);
	for (u32 i = 1; i <= 3; i++)
		want_frame(h, KH2_FRAME_SETTINGS, 0, 0);
	EQ(info(h).settings_pending, 3);
	EQ(info(h).local.initial_window_size, 65535);
	for (u32 i = 1; i <= 3; i++) {
		struct home_ev *r;
		const struct kh2_setting *s;

		feed_settings_ack(h);
		r = want_ev(h, KH2_EV_SETTINGS_ACK, 0, 0);
		EQ(r->ev.len, sizeof(*s));
		s = (void *)r->data;
		EQ(s->id, KH2_SETTINGS_INITIAL_WINDOW_SIZE);
		EQ(s->value, i * 1000);
		EQ(info(h).local.initial_window_size, i * 1000);
	}
	EQ(info(h).settings_pending, 0);
	home_end(h);
}

/* SETTINGS that are refused are not sent, and each acknowledgement makes room for one */
TEST(eleventh_settings_is_refused)
{
	struct home *h = home_server();

	for (u32 i = 0; i < 10; i++) {
		EQ(sub_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, i), 0);
		want_frame(h, KH2_FRAME_SETTINGS, 0, 0);
	}
	EQ(sub_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 11), -EAGAIN);
	want_no_frame(h);
	want_alive(h);
	feed_settings_ack(h);
	EQ(sub_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 11), 0);
	want_frame(h, KH2_FRAME_SETTINGS, 0, 0);
	EQ(sub_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 12), -EAGAIN);
	want_alive(h);
	home_free(h);
}

TEST(settings_beyond_the_limit_that_was_set_are_refused)
{
	struct home *h = home_limited(KH2_L_SETTINGS_OUT, 2);

	EQ(sub_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 1), 0);
	EQ(sub_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 2), 0);
	EQ(sub_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 3), -EAGAIN);
	feed_settings_ack(h);
	EQ(sub_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 3), 0);
	want_alive(h);
	home_free(h);
}

TEST(own_settings_out_of_range_are_refused)
{
	struct home *h = home_server();

	CHECK(sub_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 0x80000000) < 0);
	CHECK(sub_setting(h, KH2_SETTINGS_MAX_FRAME_SIZE, 16383) < 0);
	CHECK(sub_setting(h, KH2_SETTINGS_MAX_FRAME_SIZE, 1 << 24) < 0);
	CHECK(sub_setting(h, KH2_SETTINGS_ENABLE_PUSH, 1) < 0);
	CHECK(sub_setting(h, KH2_SETTINGS_ENABLE_PUSH, 2) < 0);
	CHECK(sub_setting(h, KH2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 2) < 0);
	CHECK(sub_setting(h, KH2_SETTINGS_NO_RFC7540_PRIORITIES, 2) < 0);
	want_no_frame(h);
	want_alive(h);
	/* and the ends of the ranges are taken */
	EQ(sub_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 0x7fffffff), 0);
	EQ(sub_setting(h, KH2_SETTINGS_MAX_FRAME_SIZE, 16384), 0);
	EQ(sub_setting(h, KH2_SETTINGS_MAX_FRAME_SIZE, (1 << 24) - 1), 0);
	EQ(sub_setting(h, KH2_SETTINGS_ENABLE_PUSH, 0), 0);
	want_alive(h);
	home_free(h);
}

TEST(own_enable_connect_protocol_stays_once_it_was_sent)
{
	struct kh2_setting both[] = {
		{ .id = KH2_SETTINGS_ENABLE_CONNECT_PROTOCOL, .value = 1 },
		{ .id = KH2_SETTINGS_ENABLE_CONNECT_PROTOCOL, .value = 0 },
	};
	struct kh2_sqe sqe = { .opcode = KH2_OP_SETTINGS, .len = sizeof(both) };
	struct home *h = home_server();

	EQ(sub_setting(h, KH2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 0), 0);
	EQ(submit(h, &sqe, both), -ERANGE);
	EQ(sub_setting(h, KH2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1), 0);
	EQ(sub_setting(h, KH2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 0), -ERANGE);
	feed_settings_ack(h);
	feed_settings_ack(h);
	EQ(sub_setting(h, KH2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 0), -ERANGE);
	EQ(sub_setting(h, KH2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1), 0);
	want_alive(h);
	forget(h);
	home_end(h);
}

TEST(own_no_rfc7540_priorities_is_of_the_first_settings)
{
	struct home *h = home_server();

	EQ(sub_setting(h, KH2_SETTINGS_NO_RFC7540_PRIORITIES, 1), -ERANGE);
	EQ(sub_setting(h, KH2_SETTINGS_NO_RFC7540_PRIORITIES, 0), 0);
	home_free(h);
	h = home_prepare(KH2E_SERVER);
	h->cfg.settings[h->cfg.n_settings++] = (struct kh2_setting){
		.id = KH2_SETTINGS_NO_RFC7540_PRIORITIES, .value = 1,
	};
	home_start(h);
	EQ(sub_setting(h, KH2_SETTINGS_NO_RFC7540_PRIORITIES, 0), -ERANGE);
	home_handshake(h);
	EQ(sub_setting(h, KH2_SETTINGS_NO_RFC7540_PRIORITIES, 0), -ERANGE);
	EQ(sub_setting(h, KH2_SETTINGS_NO_RFC7540_PRIORITIES, 1), 0);
	home_free(h);
}

TEST(own_settings_acknowledged_just_in_time_are_fine)
{
	struct home *h = home_server();

	EQ(sub_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 5), 0);
	advance(h, 9900);
	feed_settings_ack(h);
	advance(h, 60000);
	want_alive(h);
	home_free(h);
}

TEST(own_settings_time_limit_counts_from_each)
{
	struct home *h = home_server();

	EQ(sub_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 5), 0);
	advance(h, 6000);
	EQ(sub_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 6), 0);
	feed_settings_ack(h);
	advance(h, 9000);
	want_alive(h);
	advance(h, 1100);
	want_dead(h, KH2_SETTINGS_TIMEOUT, KH2_C_CONN_SETTINGS_TIMEOUT);
	home_free(h);
}

TEST(acks_keep_their_order_when_one_waits_for_the_owner)
{
	struct home *h = home_server();

	feed_setting(h, KH2_SETTINGS_HEADER_TABLE_SIZE, 0);
	want_no_frame(h);
	feed_setting(h, KH2_SETTINGS_HEADER_TABLE_SIZE, 100);
	feed_setting(h, KH2_SETTINGS_MAX_FRAME_SIZE, 20000);
	want_no_frame(h);
	want_ev(h, KH2_EV_SETTINGS, 0, KH2_EVF_ACK_WANTED);
	want_ev(h, KH2_EV_SETTINGS, 0, KH2_EVF_ACK_WANTED);
	{
		/* it may not overtake: either the owner acknowledges it, too, or it waits */
		struct home_ev *third = next_ev(h);

		EQ(third->ev.type, KH2_EV_SETTINGS);
		EQ(sub_op(h, KH2_OP_SETTINGS_ACK, 0), 0);
		EQ(sub_op(h, KH2_OP_SETTINGS_ACK, 0), 0);
		if (third->ev.flags & KH2_EVF_ACK_WANTED)
			EQ(sub_op(h, KH2_OP_SETTINGS_ACK, 0), 0);
	}
	for (int i = 0; i < 3; i++)
		want_frame(h, KH2_FRAME_SETTINGS, KH2_FLAG_ACK, 0);
	home_end(h);
}

TEST(ack_of_the_owner_is_in_order_with_its_blocks)
{
	struct home *h = home_server();

	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	feed_headers(h, 3, KH2_FLAG_END_STREAM);
	feed_setting(h, KH2_SETTINGS_HEADER_TABLE_SIZE, 0);
	EQ(sub_headers(h, 1, KH2_SQE_END_STREAM), 0);
	EQ(sub_op(h, KH2_OP_SETTINGS_ACK, 0), 0);
	EQ(sub_headers(h, 3, KH2_SQE_END_STREAM), 0);
	want_frame(h, KH2_FRAME_HEADERS, 5, 1);
	want_frame(h, KH2_FRAME_SETTINGS, KH2_FLAG_ACK, 0);
	want_frame(h, KH2_FRAME_HEADERS, 5, 3);
	forget(h);
	home_end(h);
}

/* SETTINGS that the owner must acknowledge, and with them more than the peer allowed before */
static void feed_raised(struct home *h, u32 table)
{
	u8 p[18];

	put_unaligned_be16(KH2_SETTINGS_HEADER_TABLE_SIZE, p);
	put_unaligned_be32(table, p + 2);
	put_unaligned_be16(KH2_SETTINGS_INITIAL_WINDOW_SIZE, p + 6);
	put_unaligned_be32(100000, p + 8);
	put_unaligned_be16(KH2_SETTINGS_MAX_FRAME_SIZE, p + 12);
	put_unaligned_be32(30000, p + 14);
	feed_frame(h, KH2_FRAME_SETTINGS, 0, 0, p, sizeof(p));
	want_ev(h, KH2_EV_SETTINGS, 0, KH2_EVF_ACK_WANTED);
}

TEST(no_data_leaves_while_settings_wait_for_the_owner)
{
	struct home *h = home_server();

	feed_window(h, 0, 1000000);
	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	feed_headers(h, 3, KH2_FLAG_END_STREAM);
	forget(h);
	feed_raised(h, 0);
	feed_raised(h, 100);
	EQ(sub_headers(h, 1, 0), 0);
	EQ(sub_headers(h, 3, 0), 0);
	sub_data(h, 1, KH2_SQE_END_STREAM, 90000);
	sub_data(h, 3, KH2_SQE_END_STREAM, 0);
	want_frame(h, KH2_FRAME_HEADERS, KH2_FLAG_END_HEADERS, 1);
	want_frame(h, KH2_FRAME_HEADERS, KH2_FLAG_END_HEADERS, 3);
	want_no_frame(h);
	CHECK(!kh2e_pending(h->e));
	EQ(sub_op(h, KH2_OP_SETTINGS_ACK, 0), 0);
	want_frame(h, KH2_FRAME_SETTINGS, KH2_FLAG_ACK, 0);
	want_no_frame(h);
	EQ(sub_op(h, KH2_OP_SETTINGS_ACK, 0), 0);
	want_frame(h, KH2_FRAME_SETTINGS, KH2_FLAG_ACK, 0);
	want_frame(h, KH2_FRAME_DATA, KH2_FLAG_END_STREAM, 3);
	for (u64 left = 90000; left;) {
		struct home_frame f;

		CHECK(next_frame(h, &f));
		EQ(f.type, KH2_FRAME_DATA);
		left -= f.len;
	}
	forget(h);
	home_end(h);
}

TEST(block_while_settings_wait_for_the_owner_is_cut_small)
{
	static const u8 block[40000];
	struct home *h = home_server();

	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	feed_headers(h, 3, KH2_FLAG_END_STREAM);
	forget(h);
	feed_raised(h, 0);
	EQ(sub_block(h, 1, KH2_SQE_END_STREAM, block, sizeof(block)), 0);
	EQ(sub_op(h, KH2_OP_SETTINGS_ACK, 0), 0);
	EQ(sub_block(h, 3, KH2_SQE_END_STREAM, block, sizeof(block)), 0);
	EQ(want_frame(h, KH2_FRAME_HEADERS, KH2_FLAG_END_STREAM, 1).len, 16384);
	EQ(want_frame(h, KH2_FRAME_CONTINUATION, 0, 1).len, 16384);
	EQ(want_frame(h, KH2_FRAME_CONTINUATION, KH2_FLAG_END_HEADERS, 1).len, 7232);
	want_frame(h, KH2_FRAME_SETTINGS, KH2_FLAG_ACK, 0);
	EQ(want_frame(h, KH2_FRAME_HEADERS, KH2_FLAG_END_STREAM, 3).len, 30000);
	EQ(want_frame(h, KH2_FRAME_CONTINUATION, KH2_FLAG_END_HEADERS, 3).len, 10000);
	forget(h);
	home_end(h);
}

TEST(settings_ack_that_nobody_asked_for_is_refused)
{
	struct home *h = home_server();

	CHECK(sub_op(h, KH2_OP_SETTINGS_ACK, 0) < 0 || kh2e_phase(h->e) == KH2E_DONE);
	home_free(h);
}

TEST(block_before_our_frame_size_setting_uses_the_old_one)
{
	struct home *h = home_server();
	static u8 block[17000];

	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	EQ(sub_block(h, 1, 0, block, sizeof(block)), 0);
	feed_setting(h, KH2_SETTINGS_MAX_FRAME_SIZE, 20000);
	EQ(sub_block(h, 1, 0, block, sizeof(block)), 0);
	EQ(want_frame(h, KH2_FRAME_HEADERS, 0, 1).len, 16384);
	want_frame(h, KH2_FRAME_CONTINUATION, 4, 1);
	want_frame(h, KH2_FRAME_SETTINGS, KH2_FLAG_ACK, 0);
	EQ(want_frame(h, KH2_FRAME_HEADERS, 4, 1).len, 17000);
	home_free(h);
}

/* -- PING -- */

TEST(ping_measures_the_round_trip)
{
	struct home *h = home_server();
	struct home_ev *r;

	EQ(sub_ping(h, 0x1122334455667788), 0);
	EQ(get_unaligned_le64(want_frame(h, KH2_FRAME_PING, 0, 0).p), 0x1122334455667788);
	h->now += 25 * NSEC_PER_MSEC;
	feed_ping(h, KH2_FLAG_ACK, 0x1122334455667788);
	r = want_ev(h, KH2_EV_PING_ACK, 0, 0);
	EQ(r->ev.arg, 25 * NSEC_PER_MSEC);
	EQ(r->ev.len, 8);
	EQ(get_unaligned_le64(r->data), 0x1122334455667788);
	EQ(info(h).rtt, 25 * NSEC_PER_MSEC);
	home_end(h);
}

TEST(pings_of_the_same_payload_come_back_in_order)
{
	struct home *h = home_server();

	EQ(sub_ping(h, 1), 0);
	h->now += 10 * NSEC_PER_MSEC;
	EQ(sub_ping(h, 1), 0);
	h->now += 10 * NSEC_PER_MSEC;
	feed_ping(h, KH2_FLAG_ACK, 1);
	feed_ping(h, KH2_FLAG_ACK, 1);
	EQ(want_ev(h, KH2_EV_PING_ACK, 0, 0)->ev.arg, 20 * NSEC_PER_MSEC);
	EQ(want_ev(h, KH2_EV_PING_ACK, 0, 0)->ev.arg, 10 * NSEC_PER_MSEC);
	forget(h);
	home_end(h);
}

TEST(ping_stamped_by_the_engine)
{
	struct home *h = home_server();
	struct kh2_sqe sqe = { .opcode = KH2_OP_PING, .flags = KH2_SQE_STAMP };
	u64 stamp;

	EQ(submit(h, &sqe, NULL), 0);
	stamp = get_unaligned_le64(want_frame(h, KH2_FRAME_PING, 0, 0).p);
	EQ(stamp, h->now);
	feed_ping(h, KH2_FLAG_ACK, stamp);
	want_ev(h, KH2_EV_PING_ACK, 0, 0);
	home_end(h);
}

/* A PING that is refused is not sent, and each answer makes room for one */
TEST(eleventh_ping_is_refused)
{
	struct home *h = home_server();

	for (int i = 0; i < 10; i++) {
		EQ(sub_ping(h, i), 0);
		want_frame(h, KH2_FRAME_PING, 0, 0);
	}
	EQ(sub_ping(h, 11), -EAGAIN);
	want_no_frame(h);
	want_alive(h);
	/* one that answers nothing makes none */
	feed_ping(h, KH2_FLAG_ACK, 77);
	EQ(sub_ping(h, 11), -EAGAIN);
	feed_ping(h, KH2_FLAG_ACK, 0);
	EQ(sub_ping(h, 11), 0);
	want_frame(h, KH2_FRAME_PING, 0, 0);
	EQ(sub_ping(h, 12), -EAGAIN);
	home_free(h);
}

TEST(pings_beyond_the_limit_that_was_set_are_refused)
{
	struct home *h = home_limited(KH2_L_PINGS_OUT, 64);

	for (int i = 0; i < 64; i++)
		EQ(sub_ping(h, i), 0);
	EQ(sub_ping(h, 64), -EAGAIN);
	feed_ping(h, KH2_FLAG_ACK, 63);
	EQ(sub_ping(h, 64), 0);
	want_alive(h);
	home_free(h);
}

TEST(ping_that_is_never_answered_costs_no_session)
{
	struct home *h = home_server();

	EQ(sub_ping(h, 1), 0);
	forget(h);
	advance(h, 24 * 3600 * 1000);
	kh2e_tick(h->e);
	want_alive(h);
	feed_ping(h, KH2_FLAG_ACK, 1);
	want_ev(h, KH2_EV_PING_ACK, 0, 0);
	home_end(h);
}

/* Its own PING is one too many: it names the last stream without waiting for a round trip */
TEST(shutdown_while_pings_are_outstanding_goes_on)
{
	struct home *h = home_limited(KH2_L_PINGS_OUT, 1);

	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	EQ(sub_ping(h, 1), 0);
	forget(h);
	EQ(sub_op(h, KH2_OP_SHUTDOWN, 0), 0);
	want_goaway(h, 0x7fffffff, KH2_NO_ERROR);
	want_goaway(h, 1, KH2_NO_ERROR);
	EQ(sub_headers(h, 1, KH2_SQE_END_STREAM), 0);
	pump(h);
	EQ(kh2e_phase(h->e), KH2E_DONE);
	home_free(h);
}

/* -- GOAWAY and shutdown -- */

static void close_stream(struct home *h, u32 id)
{
	EQ(sub_headers(h, id, KH2_SQE_END_STREAM), 0);
}

TEST(shutdown_after_the_peers_goaway_needs_no_notice)
{
	struct home *h = home_server();

	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	feed_goaway(h, 0, KH2_NO_ERROR);
	forget(h);
	EQ(sub_op(h, KH2_OP_SHUTDOWN, 0), 0);
	want_goaway(h, 1, KH2_NO_ERROR);
	want_no_frame(h);
	close_stream(h, 1);
	pump(h);
	EQ(kh2e_phase(h->e), KH2E_DONE);
	forget(h);
	home_end(h);
}

TEST(shutdown_that_the_last_stream_ends_ignores_what_is_behind_it)
{
	static const u8 octets[] = {
		0, 0, 0, KH2_FRAME_DATA, KH2_FLAG_END_STREAM, 0, 0, 0, 1,
		0, 0, 0, KH2_FRAME_SETTINGS, 0, 0, 0, 0, 0,	/* and so the turn is over */
		0, 0, 8, KH2_FRAME_PING, 0, 0, 0, 0, 0,		1, 2, 3, 4, 5, 6, 7, 8,
	};
	struct home *h = home_server();

	feed_headers(h, 1, 0);
	close_stream(h, 1);
	feed_goaway(h, 0, KH2_NO_ERROR);
	EQ(sub_op(h, KH2_OP_SHUTDOWN, 0), 0);
	pump(h);
	EQ(kh2e_phase(h->e), KH2E_DRAINING);
	EQ(feed(h, octets, sizeof(octets)), sizeof(octets));
	EQ(kh2e_phase(h->e), KH2E_DONE);
	home_free(h);
}

TEST(shutdown_says_goaway_twice_and_lets_streams_end)
{
	struct home *h = home_server();
	struct home_frame f;

	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	forget(h);
	EQ(sub_op(h, KH2_OP_SHUTDOWN, 0), 0);
	EQ(kh2e_phase(h->e), KH2E_DRAINING);
	want_goaway(h, 0x7fffffff, KH2_NO_ERROR);
	f = want_frame(h, KH2_FRAME_PING, 0, 0);
	/* requests on their way still count */
	feed_headers(h, 3, KH2_FLAG_END_STREAM);
	want_ev(h, KH2_EV_HEADERS, 3, KH2_EVF_END_STREAM);
	feed_frame(h, KH2_FRAME_PING, KH2_FLAG_ACK, 0, f.p, 8);
	want_no_ev(h);		/* the ping is the engine's own */
	want_goaway(h, 3, KH2_NO_ERROR);
	/* and later ones not */
	feed_headers(h, 5, KH2_FLAG_END_STREAM);
	want_ev(h, KH2_EV_HEADERS, 5, KH2_EVF_END_STREAM | KH2_EVF_DISCARD);
	want_no_frame(h);
	EQ(counter(h, KH2_C_REFUSED_SHUTDOWN), 1);
	close_stream(h, 1);
	want_frame(h, KH2_FRAME_HEADERS, 5, 1);
	EQ(kh2e_phase(h->e), KH2E_DRAINING);
	close_stream(h, 3);
	want_frame(h, KH2_FRAME_HEADERS, 5, 3);
	pump(h);
	CHECK(find_ev(h, KH2_EV_IDLE, 0));
	EQ(kh2e_phase(h->e), KH2E_DONE);
	home_end(h);
}

TEST(shutdown_of_an_idle_connection_ends_it)
{
	struct home *h = home_server();
	struct home_frame f;

	EQ(sub_op(h, KH2_OP_SHUTDOWN, 0), 0);
	want_goaway(h, 0x7fffffff, KH2_NO_ERROR);
	f = want_frame(h, KH2_FRAME_PING, 0, 0);
	feed_frame(h, KH2_FRAME_PING, KH2_FLAG_ACK, 0, f.p, 8);
	want_goaway(h, 0, KH2_NO_ERROR);
	want_ev(h, KH2_EV_IDLE, 0, 0);
	EQ(kh2e_phase(h->e), KH2E_DONE);
	home_end(h);
}

TEST(shutdown_does_not_wait_for_a_silent_peer)
{
	struct home *h = home_server();

	EQ(sub_op(h, KH2_OP_SHUTDOWN, 0), 0);
	forget(h);
	advance(h, 60000);
	want_goaway(h, 0, KH2_NO_ERROR);
	h->ev_seen = 0;
	CHECK(find_ev(h, KH2_EV_IDLE, 0));
	EQ(kh2e_phase(h->e), KH2E_DONE);
	home_end(h);
}

TEST(shutdown_decodes_blocks_of_new_streams_and_returns_window_of_their_data)
{
	struct home *h = home_server();
	struct home_frame f;

	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	EQ(sub_op(h, KH2_OP_SHUTDOWN, 0), 0);
	want_goaway(h, 0x7fffffff, KH2_NO_ERROR);
	f = want_frame(h, KH2_FRAME_PING, 0, 0);
	feed_frame(h, KH2_FRAME_PING, KH2_FLAG_ACK, 0, f.p, 8);
	forget(h);
	feed_headers(h, 3, 0);
	want_ev(h, KH2_EV_HEADERS, 3, KH2_EVF_DISCARD);
	for (int i = 0; i < 10; i++) {
		feed_data(h, 3, 0, 16384);
		forget(h);
	}
	feed_rst(h, 3, KH2_CANCEL);
	feed_window(h, 3, 5);
	CHECK(kh2e_phase(h->e) == KH2E_DRAINING);
	CHECK(info(h).local_window > 30000);
	home_free(h);
}

TEST(close_sends_goaway_and_is_done)
{
	struct home *h = home_server();

	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	forget(h);
	EQ(sub_code(h, KH2_OP_CLOSE, 0, KH2_INADEQUATE_SECURITY), 0);
	EQ(kh2e_phase(h->e), KH2E_DONE);
	want_goaway(h, 1, KH2_INADEQUATE_SECURITY);
	feed_ping(h, 0, 1);
	feed_headers(h, 3, KH2_FLAG_END_STREAM);
	want_no_frame(h);
	home_free(h);
}

TEST(fail_by_the_home_sends_goaway)
{
	struct home *h = home_server();

	kh2e_fail(h->e, KH2_COMPRESSION_ERROR, KH2_C_CONN_HPACK);
	want_dead(h, KH2_COMPRESSION_ERROR, KH2_C_CONN_HPACK);
	kh2e_fail(h->e, KH2_INTERNAL_ERROR, KH2_C_CONN_MEMORY);
	home_end(h);
}

TEST(failure_drops_sources_and_tells)
{
	struct home *h = home_server();
	struct home_src *s;

	feed_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 0);
	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	EQ(sub_headers(h, 1, 0), 0);
	s = sub_data(h, 1, KH2_SQE_END_STREAM, 1000);
	forget(h);
	feed_window(h, 0, 0);
	want_dead(h, KH2_PROTOCOL_ERROR, KH2_C_CONN_WINDOW_ZERO);
	kh2e_notify(h->e);
	home_free(h);
	(void)s;
}

TEST(goaway_by_the_owner_shuts_nothing)
{
	struct home *h = home_server();
	struct kh2_sqe sqe = {
		.opcode = KH2_OP_GOAWAY, .code = KH2_NO_ERROR, .len = 3,
	};
	struct home_frame f;

	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	forget(h);
	EQ(submit(h, &sqe, "bye"), 0);
	f = want_frame(h, KH2_FRAME_GOAWAY, 0, 0);
	EQ(f.len, 11);
	EQ(get_unaligned_be32(f.p), 1);
	CHECK(!memcmp(f.p + 8, "bye", 3));
	close_stream(h, 1);
	want_frame(h, KH2_FRAME_HEADERS, 5, 1);
	want_alive(h);
	forget(h);
	home_end(h);
}

TEST(goaway_by_the_owner_never_raises_the_last_stream)
{
	struct kh2_sqe sqe = {
		.opcode = KH2_OP_GOAWAY, .flags = KH2_SQE_LAST_ID, .value = 1,
	};
	struct home *h = home_server();

	feed_headers(h, 1, 0);
	feed_headers(h, 3, 0);
	forget(h);
	EQ(submit(h, &sqe, NULL), 0);
	want_goaway(h, 1, KH2_NO_ERROR);
	sqe.value = 3;
	EQ(submit(h, &sqe, NULL), 0);
	want_goaway(h, 1, KH2_NO_ERROR);
	EQ(sub_code(h, KH2_OP_CLOSE, 0, KH2_INTERNAL_ERROR), 0);
	want_goaway(h, 1, KH2_INTERNAL_ERROR);
	home_free(h);
}

TEST(goaway_ends_the_streams_that_the_peer_will_not_process)
{
	struct home *h = home_client();

	for (u32 id = 1; id < 9; id += 2)
		EQ(sub_headers(h, id, 0), 0);
	forget(h);
	feed_goaway(h, 3, KH2_NO_ERROR);
	want_ev(h, KH2_EV_GOAWAY, 3, 0);
	want_reset(h, 5, KH2_REFUSED_STREAM, KH2_C_REFUSED_SHUTDOWN, 0);
	want_reset(h, 7, KH2_REFUSED_STREAM, KH2_C_REFUSED_SHUTDOWN, 0);
	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	want_ev(h, KH2_EV_HEADERS, 1, KH2_EVF_END_STREAM);
	home_free(h);
}

TEST(client_opens_no_stream_after_goaway)
{
	struct home *h = home_client();

	EQ(sub_headers(h, 1, 0), 0);
	feed_goaway(h, 1, KH2_NO_ERROR);
	forget(h);
	CHECK(sub_headers(h, 3, KH2_SQE_END_STREAM) != 0 || find_ev(h, KH2_EV_RESET, 3));
	home_free(h);
}

TEST(input_after_the_end_is_ignored)
{
	struct home *h = home_server();

	feed_window(h, 0, 0);
	want_dead(h, KH2_PROTOCOL_ERROR, KH2_C_CONN_WINDOW_ZERO);
	for (int i = 0; i < 10; i++) {
		feed_headers(h, 1 + 2 * i, 0);
		feed_window(h, 0, 0);
		feed_data(h, 1, 0, 100);
	}
	home_end(h);
}

/* -- streams -- */

TEST(client_and_server_stream_ids)
{
	struct home *h = home_client();

	EQ(info(h).next_stream_id, 1);
	EQ(sub_headers(h, 1, KH2_SQE_END_STREAM), 0);
	EQ(info(h).next_stream_id, 3);
	EQ(sub_headers(h, 7, KH2_SQE_END_STREAM), 0);
	EQ(info(h).next_stream_id, 9);
	EQ(sinfo(h, 7).state, KH2E_HALF_LOCAL);
	home_free(h);
	h = home_server();
	EQ(info(h).next_stream_id, 2);
	feed_headers(h, 5, 0);
	EQ(info(h).last_proc_id, 5);
	EQ(sinfo(h, 5).state, KH2E_STREAM_OPEN);
	feed_data(h, 5, KH2_FLAG_END_STREAM, 1);
	EQ(sinfo(h, 5).state, KH2E_HALF_REMOTE);
	home_free(h);
}

/* However many are asked for at once */
TEST(streams_can_be_walked_by_id)
{
	struct home *h = home_server();
	u32 ids[64];

	for (u32 i = 1; i < 100; i += 2)
		feed_headers(h, i, KH2_FLAG_END_STREAM);
	EQ(info(h).streams, 50);
	for (u32 room = 1; room <= ARRAY_SIZE(ids); room++) {
		u32 last = 0, n;

		while ((n = kh2e_stream_ids(h->e, last, ids, room))) {
			CHECK(n <= room);
			for (u32 i = 0; i < n; i++) {
				EQ(ids[i], last ? last + 2 : 1);
				last = ids[i];
			}
		}
		EQ(last, 99);
	}
	home_free(h);
}

static struct home *limited(u32 streams)
{
	return home_limited(KH2_L_STREAMS, streams);
}

TEST(stream_reset_by_peer_counts_until_released)
{
	struct home *h = limited(2);

	feed_headers(h, 1, 0);
	feed_headers(h, 3, 0);
	feed_rst(h, 1, KH2_CANCEL);
	feed_rst(h, 3, KH2_CANCEL);
	EQ(info(h).streams_peer, 2);
	feed_headers(h, 5, 0);
	want_rst(h, 5, KH2_REFUSED_STREAM);
	EQ(sub_op(h, KH2_OP_RELEASE, 1), 0);
	EQ(info(h).streams_peer, 1);
	feed_headers(h, 7, 0);
	want_no_frame(h);
	feed_headers(h, 9, 0);
	want_rst(h, 9, KH2_REFUSED_STREAM);
	EQ(counter(h, KH2_C_REFUSED_CONCURRENCY), 2);
	forget(h);
	home_end(h);
}

TEST(stream_that_completes_stops_counting)
{
	struct home *h = limited(1);

	for (u32 id = 1; id < 2000; id += 2) {
		feed_headers(h, id, KH2_FLAG_END_STREAM);
		close_stream(h, id);
		want_frame(h, KH2_FRAME_HEADERS, 5, id);
	}
	EQ(counter(h, KH2_C_REFUSED_CONCURRENCY), 0);
	EQ(counter(h, KH2_C_STREAMS_COMPLETED), 1000);
	EQ(info(h).streams, 0);
	forget(h);
	home_end(h);
}

TEST(stream_that_ends_within_the_same_octets_stops_counting)
{
	struct home *h = limited(1);
	static const u8 octets[] = {
		0, 0, 0, 0, 1, 0, 0, 0, 1,			/* DATA, END_STREAM */
		0, 0, 3, 1, 5, 0, 0, 0, 3, 0x82, 0x87, 0x84,	/* HEADERS of the next */
	};

	feed_headers(h, 1, 0);
	close_stream(h, 1);
	forget(h);
	feed(h, octets, sizeof(octets));
	EQ(counter(h, KH2_C_REFUSED_CONCURRENCY), 0);
	EQ(info(h).streams_peer, 1);
	forget(h);
	home_end(h);
}

TEST(stream_reset_by_the_owner_stops_counting)
{
	struct home *h = limited(1);

	for (u32 id = 1; id < 200; id += 2) {
		feed_headers(h, id, KH2_FLAG_END_STREAM);
		EQ(sub_code(h, KH2_OP_RST, id, KH2_CANCEL), 0);
		want_rst(h, id, KH2_CANCEL);
	}
	EQ(counter(h, KH2_C_REFUSED_CONCURRENCY), 0);
	EQ(info(h).streams, 0);
	forget(h);
	home_end(h);
}

TEST(answer_before_the_request_ends_then_rst_no_error)
{
	struct home *h = home_server();

	feed_headers(h, 1, 0);
	close_stream(h, 1);
	want_frame(h, KH2_FRAME_HEADERS, 5, 1);
	EQ(sinfo(h, 1).state, KH2E_HALF_LOCAL);
	EQ(sub_code(h, KH2_OP_RST, 1, KH2_NO_ERROR), 0);
	want_rst(h, 1, KH2_NO_ERROR);
	feed_data(h, 1, KH2_FLAG_END_STREAM, 100);
	want_no_frame(h);
	want_alive(h);
	forget(h);
	home_end(h);
}

/* Only so many ends are remembered, and by their number, not by time */
TEST(frame_for_a_stream_long_gone_is_answered_by_rst)
{
	struct home *h = home_server();
	u32 id;

	for (id = 1; id < 2 * 70; id += 2) {
		feed_headers(h, id, 0);
		EQ(sub_code(h, KH2_OP_RST, id, KH2_CANCEL), 0);
	}
	advance(h, 100000);
	forget(h);
	feed_data(h, id - 2, 0, 1);
	want_no_frame(h);
	feed_data(h, 1, 0, 1);
	want_rst(h, 1, KH2_STREAM_CLOSED);
	want_alive(h);
	home_free(h);
}

TEST(stream_objects_are_freed)
{
	struct home *h = home_server();
	u64 live = 0;

	for (u32 id = 1; id < 20001; id += 2) {
		feed_headers(h, id, id & 2 ? KH2_FLAG_END_STREAM : 0);
		switch ((id / 2) % 3) {
		case 0:
			feed_rst(h, id, KH2_CANCEL);
			EQ(sub_op(h, KH2_OP_RELEASE, id), 0);
			break;
		case 1:
			EQ(sub_code(h, KH2_OP_RST, id, KH2_CANCEL), 0);
			break;
		default:
			if (!(id & 2))
				feed_data(h, id, KH2_FLAG_END_STREAM, 0);
			close_stream(h, id);
		}
		forget(h);
		h->now += NSEC_PER_SEC;
		EQ(info(h).streams, 0);
		if (id == 2001)
			live = h->n_live;
	}
	EQ(h->n_live, live);
	want_alive(h);
	home_end(h);
}

TEST(closed_event_comes_once_for_each_stream)
{
	struct home *h = home_server();

	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	feed_headers(h, 3, 0);
	forget(h);
	close_stream(h, 1);
	pump(h);
	want_ev(h, KH2_EV_CLOSED, 1, 0);
	close_stream(h, 3);
	pump(h);
	want_no_ev(h);
	feed_data(h, 3, KH2_FLAG_END_STREAM, 0);
	want_ev(h, KH2_EV_DATA, 3, KH2_EVF_END_STREAM);
	want_ev(h, KH2_EV_CLOSED, 3, 0);
	want_no_ev(h);
	forget(h);
	home_end(h);
}

TEST(idle_is_told_by_kh2e_idle)
{
	struct home *h = home_server();

	CHECK(kh2e_idle(h->e));
	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	CHECK(!kh2e_idle(h->e));
	close_stream(h, 1);
	forget(h);
	CHECK(kh2e_idle(h->e));
	home_end(h);
}

/* -- our RST_STREAM and what the owner does not know yet (RFC 9113 5.4.2) -- */

/* Its window was to grow by nothing, and the owner has not heard of that */
static struct home *reset_unseen(void)
{
	struct home *h = home_server();

	feed_headers(h, 1, 0);
	forget(h);
	h->answers = false;
	feed_window(h, 1, 0);
	want_reset(h, 1, KH2_PROTOCOL_ERROR, KH2_C_STREAM_WINDOW_ZERO, KH2_EVF_LOCAL);
	want_no_frame(h);
	return h;
}

static int seen(struct home *h, u32 stream)
{
	const struct kh2_sqe sqe = {
		.opcode = KH2_OP_RELEASE, .flags = KH2_SQE_SEEN, .stream = stream,
	};

	return submit(h, &sqe, NULL);
}

TEST(block_submitted_before_a_reset_is_known_goes_before_it)
{
	const struct kh2_sqe promise = {
		.opcode = KH2_OP_PUSH_PROMISE, .stream = 1, .value = 2, .len = 3,
	};
	struct home *h = reset_unseen();

	EQ(submit(h, &promise, "\x82\x87\x84"), 0);
	EQ(sub_headers(h, 1, KH2_SQE_END_STREAM), 0);
	want_frame(h, KH2_FRAME_PUSH_PROMISE, KH2_FLAG_END_HEADERS, 1);
	/* what ends the stream is yet to come */
	want_frame(h, KH2_FRAME_HEADERS, KH2_FLAG_END_HEADERS, 1);
	EQ(seen(h, 1), 0);
	want_rst(h, 1, KH2_PROTOCOL_ERROR);
	/* its work goes on, and so does the stream's count */
	EQ(info(h).streams_peer, 1);
	EQ(seen(h, 1), 0);
	EQ(sub_op(h, KH2_OP_RELEASE, 1), 0);
	EQ(info(h).streams_peer, 0);
	EQ(seen(h, 1), 0);
	want_no_frame(h);
	want_alive(h);
	home_free(h);
}

TEST(rst_stream_waits_no_longer_than_for_the_release)
{
	struct home *h = reset_unseen();

	feed_data(h, 1, KH2_FLAG_END_STREAM, 10);
	EQ(sub_op(h, KH2_OP_RELEASE, 1), 0);
	want_rst(h, 1, KH2_PROTOCOL_ERROR);
	home_end(h);
}

TEST(rst_stream_that_waits_is_not_sent_when_the_peer_sends_its_own)
{
	struct home *h = reset_unseen();

	feed_rst(h, 1, KH2_CANCEL);
	EQ(seen(h, 1), 0);
	EQ(sub_op(h, KH2_OP_RELEASE, 1), 0);
	home_end(h);
}

TEST(stream_reset_by_a_third_is_told_to_the_owner_and_costs_nobody_his_budget)
{
	struct home *h = home_server();

	feed_headers(h, 1, 0);
	forget(h);
	h->answers = false;
	EQ(kh2e_reset(h->e, 3, KH2_CANCEL), -ENOENT);
	EQ(kh2e_reset(h->e, 1, KH2_CANCEL), 0);
	EQ(kh2e_reset(h->e, 1, KH2_CANCEL), -ENOENT);
	pump(h);
	want_reset(h, 1, KH2_CANCEL, KH2_C_STREAMS_RESET_BY_US, KH2_EVF_LOCAL);
	/* the owner answered before it knew */
	EQ(sub_headers(h, 1, KH2_SQE_END_STREAM), 0);
	want_frame(h, KH2_FRAME_HEADERS, KH2_FLAG_END_HEADERS, 1);
	EQ(seen(h, 1), 0);
	want_rst(h, 1, KH2_CANCEL);
	EQ(sub_op(h, KH2_OP_RELEASE, 1), 0);
	EQ(counter(h, KH2_C_STREAMS_RESET_BY_US), 1);
	want_alive(h);
	home_free(h);
}

TEST(rst_stream_does_not_wait_where_our_side_has_ended)
{
	struct home *h = home_client();

	EQ(sub_headers(h, 1, KH2_SQE_END_STREAM), 0);
	forget(h);
	h->answers = false;
	feed_window(h, 1, 0);
	want_rst(h, 1, KH2_PROTOCOL_ERROR);
	home_free(h);
}

TEST(stream_that_lives_cannot_be_seen_reset)
{
	struct home *h = home_server();

	feed_headers(h, 1, 0);
	forget(h);
	EQ(seen(h, 1), -EBUSY);
	home_end(h);
}
