// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The connection: PING, GOAWAY, shutdown and the end. */
#include "home.h"

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

TEST(shutdown_whose_last_octets_are_lost_has_failed)
{
	struct home *h = home_server();
	struct home_frame f;

	EQ(sub_op(h, KH2_OP_SHUTDOWN, 0), 0);
	want_goaway(h, 0x7fffffff, KH2_NO_ERROR);
	f = want_frame(h, KH2_FRAME_PING, 0, 0);
	feed_frame(h, KH2_FRAME_PING, KH2_FLAG_ACK, 0, f.p, 8);
	EQ(kh2e_phase(h->e), KH2E_DONE);
	EQ(kh2e_fail_why(h->e), __KH2_C_END);
	kh2e_abort(h->e, KH2_C_CONN_TRANSPORT);
	kh2e_abort(h->e, KH2_C_CONN_MEMORY);	/* too late to be the reason */
	EQ(kh2e_fail_why(h->e), KH2_C_CONN_TRANSPORT);
	EQ(counter(h, KH2_C_CONN_TRANSPORT), 1);
	EQ(counter(h, KH2_C_CONN_MEMORY), 0);
	want_ev(h, KH2_EV_IDLE, 0, 0);
	want_no_ev(h);
	want_no_frame(h);
	home_free(h);
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
