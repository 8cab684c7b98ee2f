// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Who decides the order of DATA, and what it is while nobody does. */
#include "sched.h"

/* ---- nobody says anything ---- */

TEST(streams_without_a_word_share_evenly)
{
	struct home *h = wide();
	u64 got[8] = { 0 };

	for (u32 id = 1; id < 8; id += 2)
		ask(h, id, 0, 0, false);
	for (u32 id = 1; id < 8; id += 2)
		sends(h, id, KIB(1024));
	take(h, KIB(1024), got, 8);
	for (u32 id = 1; id < 8; id += 2)
		CHECK(got[id] > KIB(224) && got[id] < KIB(288));
	home_free(h);
}

/* A small answer that comes late does not wait for a large one that is half sent */
TEST(late_small_stream_gets_its_share_at_once)
{
	struct home *h = wide();
	u64 got[4] = { 0 };

	ask(h, 1, 0, 0, false);
	ask(h, 3, 0, 0, false);
	sends(h, 1, KIB(4096));
	take(h, KIB(1024), got, 4);
	EQ(got[3], 0);
	sends(h, 3, KIB(64));
	take(h, KIB(192), got, 4);
	EQ(got[3], KIB(64));
	home_free(h);
}

TEST(end_without_octets_passes_a_shut_connection_window)
{
	struct home *h = home_server();

	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	feed_headers(h, 3, KH2_FLAG_END_STREAM);
	EQ(sub_headers(h, 1, 0), 0);
	EQ(sub_headers(h, 3, 0), 0);
	sub_data(h, 1, KH2_SQE_END_STREAM, 100000);
	pump(h);
	forget(h);
	EQ(info(h).remote_window, 0);
	sub_data(h, 3, KH2_SQE_END_STREAM, 0);
	EQ(want_frame(h, KH2_FRAME_DATA, KH2_FLAG_END_STREAM, 3).len, 0);
	want_no_frame(h);
	home_free(h);
}

/* ---- who decides ---- */

TEST(rfc9218_wins_over_dependencies)
{
	struct home *h = wide();
	u64 memory;

	ask(h, 1, 0, 1, false);
	memory = info(h).memory;
	ask(h, 3, 1, 256, false);
	sends(h, 1, KIB(100));
	sends(h, 3, KIB(100));
	check_place(h, 3, 1, 256);
	field(h, 3, 1, false);
	/* of the tree nothing is left, and what follows is ignored */
	CHECK(!h->e->sched.tree);
	CHECK(info(h).memory < memory + KIB(4));
	check_place(h, 3, 0, 16);
	prioritize(h, 3, 1, 256, true);
	ask(h, 5, 3, 256, false);
	check_place(h, 5, 0, 16);
	sends(h, 5, KIB(100));
	ENDS(h, 3, 1, 5);
	home_end(h);
}

TEST(dependencies_after_rfc9218_are_ignored)
{
	struct home *h = wide();

	ask(h, 1, 0, 0, false);
	update(h, 1, "u=1");
	ask(h, 3, 1, 256, false);
	prioritize(h, 1, 0, 7, true);
	CHECK(!h->e->sched.tree);
	check_place(h, 1, 0, 16);
	home_free(h);
}

TEST(peers_setting_turns_dependencies_off)
{
	struct home *h = home_prepare(KH2E_SERVER);

	home_start(h);
	feed(h, KH2_PREFACE, KH2_PREFACE_LEN);
	feed_setting(h, KH2_SETTINGS_NO_RFC7540_PRIORITIES, 1);
	ask(h, 1, 0, 100, false);
	check_place(h, 1, 0, 16);
	CHECK(!sinfo(h, 1).incremental);
	home_free(h);
}

TEST(our_setting_turns_dependencies_off)
{
	struct home *h = home_prepare(KH2E_SERVER);

	h->cfg.settings[h->cfg.n_settings++] = (struct kh2_setting){
		.id = KH2_SETTINGS_NO_RFC7540_PRIORITIES, .value = 1,
	};
	home_start(h);
	home_handshake(h);
	ask(h, 1, 0, 100, false);
	check_place(h, 1, 0, 16);
	CHECK(sinfo(h, 1).incremental);
	home_free(h);
}

TEST(owner_wins_over_the_peer)
{
	struct home *h = wide();

	ask(h, 1, 0, 0, false);
	ask(h, 3, 0, 0, false);
	EQ(depend(h, 3, 1, 100, false, KH2_SQE_SILENT), 0);
	field(h, 1, 0, false);
	update(h, 3, "u=0");
	check_place(h, 3, 1, 100);
	override(h, 1, 6, false);
	CHECK(!h->e->sched.tree);
	EQ(sinfo(h, 3).urgency, 0);
	prioritize(h, 3, 1, 9, false);
	CHECK(!h->e->sched.tree);
	home_free(h);
}

TEST(want_of_memory_leaves_the_order_as_it_is)
{
	struct home *h = wide();

	ask(h, 1, 0, 0, false);
	ask(h, 3, 0, 0, false);
	sends(h, 1, KIB(100));
	h->fail_alloc = 1;
	prioritize(h, 3, 1, 100, false);
	CHECK(!h->fail_alloc);
	CHECK(!h->e->sched.tree);
	want_alive(h);
	h->fail_alloc = 1;
	EQ(depend(h, 3, 1, 100, false, KH2_SQE_SILENT), -ENOMEM);
	h->fail_alloc = 0;
	prioritize(h, 3, 1, 100, false);
	check_place(h, 3, 1, 100);
	home_free(h);
}

/* The kernel's allocator would give 512 octets for one more than 256 */
TEST(stream_takes_a_quarter_of_a_kib)
{
	struct home *h = wide();
	u64 before;

	ask(h, 1, 0, 0, false);
	before = h->live_mem;
	ask(h, 3, 0, 0, false);
	CHECK(h->live_mem - before <= 256);
	home_free(h);
}
