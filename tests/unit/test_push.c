// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Promises: what a server may promise, and what a client may do with it. */
#include "home.h"

static int promise(struct home *h, u32 stream, u32 promised)
{
	struct kh2_sqe sqe = {
		.opcode = KH2_OP_PUSH_PROMISE, .stream = stream, .value = promised, .len = 3,
	};

	return submit(h, &sqe, "\x82\x87\x84");
}

/* A server with a request that waits for its answer */
static struct home *asked(u8 padding)
{
	struct home *h = home_prepare(KH2E_SERVER);

	h->cfg.padding = padding;
	home_start(h);
	home_handshake(h);
	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	forget(h);
	return h;
}

/* The owner broke the rules: that costs it the session */
static void want_broken(struct home *h, int rc)
{
	CHECK(rc < 0);
	want_dead(h, KH2_INTERNAL_ERROR, KH2_C_CONN_ABI);
	home_free(h);
}

TEST(promise_is_sent_and_opens_a_stream)
{
	struct home *h = asked(KH2E_PAD_NONE);
	struct home_frame f;

	EQ(promise(h, 1, 2), 0);
	EQ(sub_headers(h, 2, KH2_SQE_END_STREAM), 0);
	EQ(sub_headers(h, 1, KH2_SQE_END_STREAM), 0);
	f = want_frame(h, KH2_FRAME_PUSH_PROMISE, KH2_FLAG_END_HEADERS, 1);
	EQ(f.len, 7);
	EQ(get_unaligned_be32(f.p), 2);
	want_frame(h, KH2_FRAME_HEADERS, 5, 2);
	want_frame(h, KH2_FRAME_HEADERS, 5, 1);
	forget(h);
	home_end(h);
}

TEST(promise_to_a_peer_that_disabled_push_is_refused)
{
	struct home *h = asked(KH2E_PAD_NONE);

	feed_setting(h, KH2_SETTINGS_ENABLE_PUSH, 0);
	want_ev(h, KH2_EV_SETTINGS, 0, KH2_EVF_ACK_WANTED);
	EQ(sub_op(h, KH2_OP_SETTINGS_ACK, 0), 0);
	forget(h);
	want_broken(h, promise(h, 1, 2));
}

/* The promise may have been encoded before the owner knew */
TEST(promise_that_crosses_the_peers_setting_is_sent)
{
	struct home *h = asked(KH2E_PAD_NONE);

	feed_setting(h, KH2_SETTINGS_ENABLE_PUSH, 0);
	EQ(promise(h, 1, 2), 0);
	EQ(sub_op(h, KH2_OP_SETTINGS_ACK, 0), 0);
	want_frame(h, KH2_FRAME_PUSH_PROMISE, KH2_FLAG_END_HEADERS, 1);
	want_frame(h, KH2_FRAME_SETTINGS, KH2_FLAG_ACK, 0);
	want_alive(h);
	home_free(h);
}

TEST(promise_after_our_end_is_refused)
{
	struct home *h = home_server();

	feed_headers(h, 1, 0);
	EQ(sub_headers(h, 1, KH2_SQE_END_STREAM), 0);
	forget(h);
	want_broken(h, promise(h, 1, 2));
}

TEST(promise_of_an_odd_stream_is_refused)
{
	struct home *h = asked(KH2E_PAD_NONE);

	want_broken(h, promise(h, 1, 3));
}

TEST(promise_of_a_lower_stream_is_refused)
{
	struct home *h = asked(KH2E_PAD_NONE);

	EQ(promise(h, 1, 4), 0);
	forget(h);
	want_broken(h, promise(h, 1, 4));
	h = asked(KH2E_PAD_NONE);
	EQ(promise(h, 1, 4), 0);
	forget(h);
	want_broken(h, promise(h, 1, 2));
}

TEST(promise_on_a_pushed_stream_is_refused)
{
	struct home *h = asked(KH2E_PAD_NONE);

	EQ(promise(h, 1, 2), 0);
	EQ(sub_headers(h, 2, 0), 0);
	forget(h);
	want_broken(h, promise(h, 2, 4));
}

TEST(promise_of_20000_octets_is_continued)
{
	struct home *h = asked(KH2E_PAD_NONE);
	struct kh2_sqe sqe = {
		.opcode = KH2_OP_PUSH_PROMISE, .stream = 1, .value = 2, .len = 20000,
	};
	static u8 block[20000];

	EQ(submit(h, &sqe, block), 0);
	feed_ping(h, 0, 1);
	EQ(want_frame(h, KH2_FRAME_PUSH_PROMISE, 0, 1).len, 16384);
	EQ(want_frame(h, KH2_FRAME_CONTINUATION, KH2_FLAG_END_HEADERS, 1).len, 20000 - 16380);
	want_frame(h, KH2_FRAME_PING, KH2_FLAG_ACK, 0);
	home_free(h);
}

static void want_zeros(const u8 *p, u32 n)
{
	CHECK(n > 0);
	while (n--)
		EQ(p[n], 0);
}

TEST(promise_with_padding_of_zeros)
{
	struct home *h = asked(KH2E_PAD_MAX);
	struct home_frame f;

	EQ(promise(h, 1, 2), 0);
	f = want_frame(h, KH2_FRAME_PUSH_PROMISE, KH2_FLAG_END_HEADERS | KH2_FLAG_PADDED, 1);
	EQ(get_unaligned_be32(f.p + 1), 2);
	EQ(f.len, 1 + 4 + 3 + f.p[0]);
	want_zeros(f.p + 8, f.p[0]);
	home_free(h);
}

TEST(block_with_padding_of_zeros)
{
	struct home *h = asked(KH2E_PAD_MAX);
	struct home_frame f;

	EQ(sub_block(h, 1, 0, "\x88", 1), 0);
	f = want_frame(h, KH2_FRAME_HEADERS, KH2_FLAG_END_HEADERS | KH2_FLAG_PADDED, 1);
	EQ(f.len, 1 + 1 + f.p[0]);
	want_zeros(f.p + 2, f.p[0]);
	home_free(h);
}

/* DATA that the promise is there for is not framed yet */
TEST(promise_goes_before_queued_data)
{
	struct home *h = asked(KH2E_PAD_NONE);

	EQ(sub_headers(h, 1, 0), 0);
	sub_data(h, 1, KH2_SQE_END_STREAM, 1000);
	EQ(promise(h, 1, 2), 0);
	want_frame(h, KH2_FRAME_HEADERS, 4, 1);
	want_frame(h, KH2_FRAME_PUSH_PROMISE, KH2_FLAG_END_HEADERS, 1);
	want_frame(h, KH2_FRAME_DATA, KH2_FLAG_END_STREAM, 1);
	home_free(h);
}

TEST(data_on_a_promise_before_its_headers_is_refused)
{
	struct home *h = asked(KH2E_PAD_NONE);

	EQ(promise(h, 1, 2), 0);
	forget(h);
	EQ(try_data(h, 2, KH2_SQE_END_STREAM, 10, NULL), -EPIPE);
	want_no_frame(h);
	EQ(sub_headers(h, 2, 0), 0);
	sub_data(h, 2, KH2_SQE_END_STREAM, 10);
	want_frame(h, KH2_FRAME_HEADERS, 4, 2);
	want_frame(h, KH2_FRAME_DATA, KH2_FLAG_END_STREAM, 2);
	home_free(h);
}

/* -- as the client sees it -- */

static void feed_promise(struct home *h, u32 stream, u32 promised)
{
	u8 p[7] = { 0, 0, 0, (u8)promised, 0x82, 0x87, 0x84 };

	feed_frame(h, KH2_FRAME_PUSH_PROMISE, KH2_FLAG_END_HEADERS, stream, p, sizeof(p));
}

static struct home *promised(void)
{
	struct home *h = home_client();

	EQ(sub_headers(h, 1, KH2_SQE_END_STREAM), 0);
	feed_promise(h, 1, 2);
	EQ(want_ev(h, KH2_EV_PUSH_PROMISE, 1, 0)->ev.code, 2);
	EQ(sinfo(h, 2).state, KH2E_RESERVED_REMOTE);
	forget(h);
	return h;
}

TEST(client_answers_a_promise_and_fails)
{
	struct home *h = promised();

	want_broken(h, sub_headers(h, 2, KH2_SQE_END_STREAM));
}

TEST(client_sends_data_on_a_promise_and_is_refused)
{
	struct home *h = promised();

	EQ(try_data(h, 2, KH2_SQE_END_STREAM, 10, NULL), -EPIPE);
	feed_headers(h, 2, 0);
	EQ(sinfo(h, 2).state, KH2E_HALF_LOCAL);
	EQ(try_data(h, 2, KH2_SQE_END_STREAM, 10, NULL), -EPIPE);
	want_no_frame(h);
	want_alive(h);
	home_free(h);
}

/* Of our limit as they end, and of the limit of promises as they are released */
TEST(pushed_streams_that_end_make_room_for_others)
{
	struct home *h = home_prepare(KH2E_CLIENT);

	h->cfg.limits[KH2_L_STREAMS] = 2;
	h->cfg.settings[h->cfg.n_settings++] = (struct kh2_setting){
		.id = KH2_SETTINGS_MAX_CONCURRENT_STREAMS, .value = 1,
	};
	home_start(h);
	home_handshake(h);
	EQ(sub_headers(h, 1, KH2_SQE_END_STREAM), 0);
	for (u32 id = 2; id < 60; id += 2) {
		feed_promise(h, 1, id);
		feed_headers(h, id, 0);
		if (id % 4)
			feed_data(h, id, KH2_FLAG_END_STREAM, 0);
		else
			EQ(sub_code(h, KH2_OP_RST, id, KH2_CANCEL), 0);
		want_alive(h);
	}
	EQ(counter(h, KH2_C_REFUSED_CONCURRENCY), 0);
	EQ(info(h).streams_peer, 0);
	home_free(h);
}

TEST(promises_without_end_are_stopped)
{
	struct home *h = promised();
	u32 id = 4;

	for (; id < 40000 && kh2e_phase(h->e) == KH2E_OPEN; id += 2) {
		u8 p[7] = { 0, 0, (u8)(id >> 8), (u8)id, 0x82, 0x87, 0x84 };

		feed_frame(h, KH2_FRAME_PUSH_PROMISE, KH2_FLAG_END_HEADERS, 1, p, sizeof(p));
		pump(h);
	}
	want_dead(h, KH2_ENHANCE_YOUR_CALM, KH2_C_FLOOD_RESET);
	CHECK(h->peak_mem < 1 << 20);
	home_free(h);
}
