// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A client's own streams: how many at once, and which extension frames a role may send. */
#include "home.h"

/* The owner went beyond what the peer allows: that costs it the session */
static void want_too_many(struct home *h, u32 id)
{
	CHECK(sub_headers(h, id, KH2_SQE_END_STREAM) < 0);
	want_dead(h, KH2_INTERNAL_ERROR, KH2_C_CONN_ABI);
	home_free(h);
}

static void open_streams(struct home *h, u32 first, u32 n)
{
	for (u32 i = 0; i < n; i++)
		EQ(sub_headers(h, first + 2 * i, i & 1 ? KH2_SQE_END_STREAM : 0), 0);
	want_alive(h);
	forget(h);
}

TEST(client_takes_100_streams_before_the_first_settings)
{
	struct home *h = home_new(KH2E_CLIENT);

	EQ(info(h).remote.max_concurrent_streams, 100);
	open_streams(h, 1, 100);
	want_too_many(h, 201);
}

TEST(client_takes_as_many_streams_as_it_was_told_before_the_first_settings)
{
	struct home *h = home_prepare(KH2E_CLIENT);

	h->cfg.limits[KH2_L_PEER_STREAMS] = 3;
	home_start(h);
	open_streams(h, 1, 3);
	want_too_many(h, 7);
}

TEST(client_limit_absent_from_the_first_settings_is_none)
{
	struct home *h = home_new(KH2E_CLIENT);

	feed_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 1);
	want_ev(h, KH2_EV_SETTINGS, 0, 0);
	EQ(info(h).remote.max_concurrent_streams, U32_MAX);
	open_streams(h, 1, 200);
	/* and absent from later ones it stays */
	feed_setting(h, KH2_SETTINGS_MAX_CONCURRENT_STREAMS, 300);
	EQ(sub_op(h, KH2_OP_SETTINGS_ACK, 0), 0);
	feed_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 2);
	EQ(info(h).remote.max_concurrent_streams, 300);
	open_streams(h, 401, 100);
	want_too_many(h, 601);
}

TEST(client_keeps_to_the_peers_limit)
{
	struct home *h = home_client();

	feed_setting(h, KH2_SETTINGS_MAX_CONCURRENT_STREAMS, 2);
	want_ev(h, KH2_EV_SETTINGS, 0, KH2_EVF_ACK_WANTED);
	EQ(sub_op(h, KH2_OP_SETTINGS_ACK, 0), 0);
	open_streams(h, 1, 2);
	/* ended by both, by the peer's reset, by ours: each makes room */
	feed_headers(h, 3, KH2_FLAG_END_STREAM);
	EQ(sub_headers(h, 5, 0), 0);
	feed_rst(h, 5, KH2_CANCEL);
	EQ(sub_headers(h, 7, 0), 0);
	EQ(sub_code(h, KH2_OP_RST, 7, KH2_CANCEL), 0);
	EQ(sub_headers(h, 9, 0), 0);
	want_alive(h);
	forget(h);
	want_too_many(h, 11);
}

TEST(client_limit_that_is_raised_holds_at_once)
{
	struct home *h = home_client();

	feed_setting(h, KH2_SETTINGS_MAX_CONCURRENT_STREAMS, 1);
	EQ(sub_op(h, KH2_OP_SETTINGS_ACK, 0), 0);
	open_streams(h, 1, 1);
	feed_setting(h, KH2_SETTINGS_MAX_CONCURRENT_STREAMS, 3);
	want_ev(h, KH2_EV_SETTINGS, 0, 0);
	open_streams(h, 3, 2);
	want_too_many(h, 7);
}

TEST(client_limit_of_0_lets_no_stream_begin)
{
	struct home *h = home_client();

	open_streams(h, 1, 1);
	feed_setting(h, KH2_SETTINGS_MAX_CONCURRENT_STREAMS, 0);
	want_ev(h, KH2_EV_SETTINGS, 0, KH2_EVF_ACK_WANTED);
	EQ(sub_op(h, KH2_OP_SETTINGS_ACK, 0), 0);
	/* the one that is open goes on */
	feed_headers(h, 1, 0);
	want_ev(h, KH2_EV_HEADERS, 1, 0);
	sub_data(h, 1, KH2_SQE_END_STREAM, 10);
	want_frame(h, KH2_FRAME_SETTINGS, KH2_FLAG_ACK, 0);
	want_frame(h, KH2_FRAME_DATA, KH2_FLAG_END_STREAM, 1);
	forget(h);
	want_too_many(h, 3);
}

TEST(client_streams_that_the_peer_will_not_process_make_room)
{
	struct home *h = home_client();

	feed_setting(h, KH2_SETTINGS_MAX_CONCURRENT_STREAMS, 2);
	EQ(sub_op(h, KH2_OP_SETTINGS_ACK, 0), 0);
	open_streams(h, 1, 2);
	feed_goaway(h, 0, KH2_NO_ERROR);
	want_ev(h, KH2_EV_GOAWAY, 0, 0);
	want_reset(h, 1, KH2_REFUSED_STREAM, KH2_C_REFUSED_SHUTDOWN, 0);
	want_reset(h, 3, KH2_REFUSED_STREAM, KH2_C_REFUSED_SHUTDOWN, 0);
	/* what was encoded before is sent, and told as refused */
	EQ(sub_headers(h, 5, KH2_SQE_END_STREAM), 0);
	want_frame(h, KH2_FRAME_HEADERS, 5, 5);
	want_reset(h, 5, KH2_REFUSED_STREAM, KH2_C_REFUSED_SHUTDOWN, 0);
	home_free(h);
}

TEST(origin_on_a_stream_is_refused)
{
	struct kh2_sqe sqe = {
		.opcode = KH2_OP_EXTENSION, .stream = 1, .value = KH2_FRAME_ORIGIN, .len = 5,
	};
	struct home *h = home_server();

	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	forget(h);
	EQ(submit(h, &sqe, "\0\3abc"), -EINVAL);
	want_no_frame(h);
	sqe.value = KH2_FRAME_ALTSVC;
	EQ(submit(h, &sqe, "\0\0abc"), 0);
	EQ(want_frame(h, KH2_FRAME_ALTSVC, 0, 1).len, 5);
	home_free(h);
}

TEST(client_sends_no_altsvc_and_no_origin)
{
	struct kh2_sqe sqe = {
		.opcode = KH2_OP_EXTENSION, .value = KH2_FRAME_ORIGIN, .len = 5,
	};
	struct home *h = home_client();

	EQ(submit(h, &sqe, "\0\3abc"), -EINVAL);
	sqe.value = KH2_FRAME_ALTSVC;
	EQ(submit(h, &sqe, "\0\1ah2"), -EINVAL);
	home_end(h);
}

/* It could name any stream, on any stream: KH2_OP_PRIORITY is the way */
TEST(client_sends_no_priority_update_of_its_own_making)
{
	struct kh2_sqe sqe = {
		.opcode = KH2_OP_EXTENSION, .value = KH2_FRAME_PRIORITY_UPDATE, .len = 7,
	};
	struct home *h = home_client();

	EQ(sub_headers(h, 1, 0), 0);
	forget(h);
	EQ(submit(h, &sqe, "\0\0\0\1u=1"), -EINVAL);
	sqe.stream = 1;
	EQ(submit(h, &sqe, "\0\0\0\1u=1"), -EINVAL);
	want_no_frame(h);
	home_free(h);
}

TEST(server_sends_no_priority_update)
{
	struct kh2_sqe sqe = {
		.opcode = KH2_OP_EXTENSION, .value = KH2_FRAME_PRIORITY_UPDATE, .len = 7,
	};
	struct home *h = home_server();

	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	forget(h);
	EQ(submit(h, &sqe, "\0\0\0\1u=1"), -EINVAL);
	sqe = (struct kh2_sqe){ .opcode = KH2_OP_PRIORITY, .stream = 1, .value = 1 };
	EQ(submit(h, &sqe, NULL), 0);
	want_no_frame(h);
	EQ(sinfo(h, 1).urgency, 1);
	home_free(h);
}

/* On a plain socket over loopback, the pages that were received may be the sender's own. */
static void check_what_is_passed_on(u8 type, const void *frame, u32 len)
{
	struct home *h = home_client();
	struct home_ev *r;

	h->treacherous = true;
	feed_frame(h, type, 0, 0, frame, len);
	r = want_ev(h, KH2_EV_EXTENSION, 0, 0);
	EQ(r->ev.len, len);
	EQ(memcmp(r->data, frame, len), 0);
	home_end(h);
}

TEST(extension_frame_is_passed_on_as_it_was_checked)
{
	static const u8 altsvc[] = "\0\1ah2";
	u8 origins[500] = { 0x01, 0xf2 };

	check_what_is_passed_on(KH2_FRAME_ALTSVC, altsvc, sizeof(altsvc) - 1);
	check_what_is_passed_on(KH2_FRAME_ORIGIN, origins, sizeof(origins));
}

TEST(ping_is_answered_as_it_is_told)
{
	struct home *h = home_server();
	struct home_ev *r;

	h->treacherous = true;
	feed_ping(h, 0, 0x1122334455667788);
	r = want_ev(h, KH2_EV_PING, 0, 0);
	EQ(memcmp(want_frame(h, KH2_FRAME_PING, KH2_FLAG_ACK, 0).p, r->data, 8), 0);
	EQ(get_unaligned_le64(r->data), 0x1122334455667788);
	home_end(h);
}
