// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Limits of memory, time and number, and what values they may have. */
#include "home.h"

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
