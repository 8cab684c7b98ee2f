// SPDX-License-Identifier: GPL-2.0 OR MIT
/* SETTINGS: what is in force when, and how they are acknowledged. */
#include "home.h"

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
