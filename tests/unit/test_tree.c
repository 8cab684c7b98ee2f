// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The order of DATA by dependencies and weights, RFC 7540 5.3. */
#include "sched.h"

TEST(weights_share_two_to_one)
{
	struct home *h = wide();
	u64 got[6] = { 0 };

	ask(h, 1, 0, 200, false);
	ask(h, 3, 0, 100, false);
	ask(h, 5, 0, 20, false);
	for (u32 id = 1; id < 6; id += 2)
		sends(h, id, KIB(32768));
	take(h, KIB(16384), got, 6);
	CHECK(got[1] * 100 / got[3] >= 195 && got[1] * 100 / got[3] <= 205);
	CHECK(got[3] * 100 / got[5] >= 480 && got[3] * 100 / got[5] <= 520);
	home_free(h);
}

TEST(parent_goes_before_its_dependents)
{
	struct home *h = wide();

	ask(h, 1, 0, 16, false);
	ask(h, 3, 1, 16, false);
	ask(h, 5, 3, 256, false);
	ask(h, 7, 1, 16, false);
	forget(h);
	for (u32 id = 7; id < 8; id -= 2)
		sends(h, id, KIB(100));
	EQ(sinfo(h, 1).sum_dependency_weight, 32);
	EQ(sinfo(h, 3).sum_dependency_weight, 256);
	ENDS(h, 1, 3, 7, 5);
	home_end(h);
}

/* RFC 7540 5.3.1: dependents have what the parent leaves */
TEST(dependents_go_while_the_parent_cannot)
{
	struct home *h = wide();
	struct home_src *file;
	u64 got[4] = { 0 };

	ask(h, 1, 0, 16, false);
	ask(h, 3, 1, 16, false);
	file = sub_file(h, 1, KH2_SQE_END_STREAM);
	sends(h, 3, KIB(4096));
	take(h, KIB(200), got, 4);
	CHECK(got[3] > KIB(100));
	kh2e_src_add(h->e, &file->src, KIB(100), true, 0);
	take(h, KIB(160), got, 4);
	EQ(got[1], KIB(100));
	home_free(h);
}

/* The share of a subtree is its root's, however many are in it */
TEST(weight_is_of_the_whole_subtree)
{
	struct home *h = wide();
	u64 got[12] = { 0 };

	prioritize(h, 101, 0, 100, false);
	prioritize(h, 103, 0, 100, false);
	ask(h, 1, 101, 16, false);
	for (u32 id = 3; id < 12; id += 2)
		ask(h, id, 103, 16, false);
	for (u32 id = 1; id < 12; id += 2)
		sends(h, id, KIB(4096));
	take(h, KIB(4096), got, 12);
	CHECK(got[1] > KIB(1900) && got[1] < KIB(2200));
	for (u32 id = 3; id < 12; id += 2)
		CHECK(got[id] > KIB(350) && got[id] < KIB(480));
	home_free(h);
}

TEST(exclusive_takes_over_the_dependents)
{
	struct home *h = wide();

	ask(h, 1, 0, 16, false);
	ask(h, 3, 1, 10, false);
	ask(h, 5, 1, 20, false);
	ask(h, 7, 1, 30, true);
	check_place(h, 7, 1, 30);
	check_place(h, 3, 7, 10);
	check_place(h, 5, 7, 20);
	EQ(sinfo(h, 1).sum_dependency_weight, 30);
	EQ(sinfo(h, 7).sum_dependency_weight, 30);
	prioritize(h, 5, 0, 16, true);
	check_place(h, 1, 5, 16);
	check_place(h, 5, 0, 16);
	home_free(h);
}

/* RFC 7540 5.3.3, figures 5 and 6: A=1 B=3 C=5 D=7 E=9 F=11 */
static struct home *figure(void)
{
	struct home *h = wide();

	ask(h, 1, 0, 16, false);
	ask(h, 3, 1, 17, false);
	ask(h, 5, 1, 18, false);
	ask(h, 7, 5, 19, false);
	ask(h, 9, 5, 20, false);
	ask(h, 11, 7, 21, false);
	return h;
}

TEST(stream_moved_under_its_own_dependent_makes_no_loop)
{
	struct home *h = figure();

	prioritize(h, 1, 7, 16, false);
	check_place(h, 7, 0, 19);
	check_place(h, 1, 7, 16);
	check_place(h, 11, 7, 21);
	check_place(h, 5, 1, 18);
	check_place(h, 9, 5, 20);
	for (u32 id = 1; id < 12; id += 2)
		sends(h, id, KIB(50));
	ENDS(h, 7, 11, 1, 5, 3, 9);
	home_end(h);
}

TEST(stream_moved_exclusively_under_its_own_dependent)
{
	struct home *h = figure();

	prioritize(h, 1, 7, 16, true);
	check_place(h, 7, 0, 19);
	check_place(h, 1, 7, 16);
	check_place(h, 11, 1, 21);
	check_place(h, 3, 1, 17);
	check_place(h, 5, 1, 18);
	EQ(sinfo(h, 7).sum_dependency_weight, 16);
	EQ(sinfo(h, 1).sum_dependency_weight, 21 + 17 + 18);
	home_free(h);
}

TEST(unknown_parent_gives_the_default_priority)
{
	struct home *h = wide();

	ask(h, 1, 0, 16, false);
	ask(h, 3, 77, 200, true);
	check_place(h, 3, 0, 16);
	check_place(h, 1, 0, 16);
	home_free(h);
}

/* RFC 7540 5.3.4 */
TEST(dependents_of_what_is_forgotten_share_its_weight)
{
	struct home *h = wide();

	ask(h, 1, 0, 60, false);
	ask(h, 3, 1, 10, false);
	ask(h, 5, 1, 20, false);
	sub_code(h, KH2_OP_RST, 1, KH2_CANCEL);
	pump(h);
	/* it is remembered for a while */
	check_place(h, 3, 1, 10);
	for (u32 id = 7; id < 7 + 2 * KH2E_TREE_ENDED; id += 2) {
		ask(h, id, 0, 16, false);
		sub_code(h, KH2_OP_RST, id, KH2_CANCEL);
		pump(h);
	}
	check_place(h, 3, 0, 20);
	check_place(h, 5, 0, 40);
	home_free(h);
}

TEST(group_that_opens_keeps_its_place)
{
	struct home *h = wide();

	prioritize(h, 5, 0, 200, false);
	prioritize(h, 7, 5, 100, false);
	ask(h, 1, 7, 16, false);
	check_place(h, 1, 7, 16);
	ask(h, 5, 0, 0, false);
	check_place(h, 5, 0, 200);
	EQ(sinfo(h, 5).sum_dependency_weight, 100);
	ask(h, 7, 5, 50, false);
	check_place(h, 7, 5, 50);
	check_place(h, 1, 7, 16);
	home_free(h);
}

TEST(groups_are_bounded)
{
	struct home *h = wide();
	u64 memory = 0;

	ask(h, 1, 0, 16, false);
	for (u32 i = 0; i < 5000; i++) {
		prioritize(h, 1001 + 2 * i, i % 3 ? 1001 + 2 * (i - 1) : 1, 1 + i % 256, i % 2);
		if (i == 20)
			memory = info(h).memory;
	}
	EQ(info(h).memory, memory);
	CHECK(memory < KIB(64));
	want_alive(h);
	home_free(h);
}

TEST(priority_of_a_stream_that_is_forgotten_does_nothing)
{
	struct home *h = wide();

	for (u32 id = 1; id < 201; id += 2) {
		ask(h, id, 0, 16, false);
		sub_code(h, KH2_OP_RST, id, KH2_CANCEL);
		pump(h);
	}
	ask(h, 201, 0, 16, false);
	prioritize(h, 1, 0, 200, true);
	check_place(h, 201, 0, 16);
	home_free(h);
}

static u32 depth(struct home *h, u32 id)
{
	u32 n = 0;

	for (; id; id = sinfo(h, id).parent)
		n++;
	return n;
}

TEST(tree_is_no_deeper_than_its_bound)
{
	struct home *h = wide();
	u32 most = 0;

	for (u32 id = 1; id < 401; id += 2)
		ask(h, id, id > 1 ? id - 2 : 0, 16, id % 4 == 1);
	for (u32 id = 1; id < 401; id += 2)
		prioritize(h, id, (id * 7) % 400 | 1, 16, true);
	for (u32 id = 401; id < 601; id += 2)
		ask(h, id, 0, 16, true);
	for (u32 id = 1; id < 601; id += 2)
		most = max(most, depth(h, id));
	CHECK(most <= KH2E_TREE_DEPTH);
	CHECK(most > KH2E_TREE_DEPTH / 2);
	for (u32 id = 1; id < 601; id += 2)
		sends(h, id, 100);
	forget(h);
	home_end(h);
}

/* Whatever a peer says, every stream ends and nothing is left of the heaps */
TEST(random_dependencies_keep_the_tree_whole)
{
	struct home *h = wide();
	u64 got[200] = { 0 }, seed = 1, sum = 0;

	for (u32 id = 1; id < 200; id += 2) {
		ask(h, id, 0, 16, false);
		sends(h, id, 1000 + id * 50);
		sum += 1000 + id * 50;
	}
	for (int i = 0; i < 5000; i++) {
		u32 id, on;

		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		id = (seed >> 33) % 120 | 1;
		on = (seed >> 45) % 220 | 1;
		if (id != on)
			prioritize(h, id, on, 1 + (seed >> 20) % 256, seed >> 60 & 1);
		if (i % 100 == 0)
			take(h, 3000, got, 200);
	}
	while (h->e->sched.tree && kh2e_pending(h->e))
		take(h, KIB(64), got, 200);
	for (u32 id = 1; id < 200; id += 2) {
		EQ(got[id], 1000 + id * 50);
		sum -= got[id];
	}
	EQ(sum, 0);
	CHECK(!h->e->sched.tree->root.turns.first);
	forget(h);
	home_end(h);
}

TEST(owner_sets_dependencies_and_tells_the_peer)
{
	struct home *h = wide();
	struct home_frame f;
	u64 got[4] = { 0 };

	ask(h, 1, 0, 0, false);
	ask(h, 3, 0, 0, false);
	field(h, 1, 0, false);
	pump(h);
	forget(h);
	EQ(depend(h, 1, 0, 10, false, KH2_SQE_SILENT), 0);
	want_no_frame(h);
	EQ(depend(h, 3, 0, 30, true, 0), 0);
	f = want_frame(h, KH2_FRAME_PRIORITY, 0, 3);
	EQ(get_unaligned_be32(f.p), 1U << 31);
	EQ(f.p[4], 29);
	EQ(depend(h, 3, 0, 30, false, KH2_SQE_SILENT), 0);
	EQ(depend(h, 1, 0, 10, false, KH2_SQE_SILENT), 0);
	sends(h, 1, KIB(4096));
	sends(h, 3, KIB(4096));
	take(h, KIB(4096), got, 4);
	CHECK(got[3] * 10 / got[1] >= 29 && got[3] * 10 / got[1] <= 31);
	EQ(depend(h, 1, 1, 10, false, 0), -EINVAL);
	EQ(depend(h, 1, 0, 0, false, 0), -EINVAL);
	EQ(depend(h, 1, 0, 257, false, 0), -EINVAL);
	EQ(depend(h, 5, 0, 1, false, 0), -ENOENT);
	home_free(h);
}

TEST(client_request_takes_its_place_at_once)
{
	struct kh2_sqe sqe = {
		.opcode = KH2_OP_HEADERS, .flags = KH2_SQE_PRIORITY, .stream = 1, .len = 1,
		.code = 30,
	};
	struct home *h = home_client();

	EQ(submit(h, &sqe, "\x83"), 0);
	sqe.stream = 3;
	sqe.code = 256;
	sqe.value = 1U << 31;
	EQ(submit(h, &sqe, "\x83"), 0);
	check_place(h, 1, 3, 30);
	check_place(h, 3, 0, 256);
	sends(h, 1, 1000);
	want_alive(h);
	/* trailers say none */
	EQ(submit(h, &sqe, "\x83"), -EPROTO);
	home_free(h);
}

TEST(client_request_with_a_priority_is_padded)
{
	const struct kh2_sqe sqe = {
		.opcode = KH2_OP_HEADERS, .flags = KH2_SQE_PRIORITY, .stream = 1, .len = 6,
		.code = 16,
	};
	struct home *h = home_prepare(KH2E_CLIENT);
	struct home_frame f;

	h->cfg.padding = KH2E_PAD_ALIGNED;
	home_start(h);
	home_handshake(h);
	EQ(submit(h, &sqe, "\x82\x87\x84\x41\1a"), 0);
	f = want_frame(h, KH2_FRAME_HEADERS,
		       KH2_FLAG_END_HEADERS | KH2_FLAG_PADDED | KH2_FLAG_PRIORITY, 1);
	EQ((9 + f.len) % 8, 0);
	EQ(f.len, 1 + 5 + 6 + f.p[0]);
	EQ(memcmp(f.p + 1, "\0\0\0\0\x0f\x82\x87\x84\x41\1a", 11), 0);
	home_free(h);
}

TEST(peer_that_ignores_dependencies_is_told_none)
{
	struct home *h = wide();

	ask(h, 1, 0, 0, false);
	pump(h);
	forget(h);
	EQ(depend(h, 1, 0, 10, false, 0), 0);
	want_frame(h, KH2_FRAME_PRIORITY, 0, 1);
	home_free(h);

	h = home_prepare(KH2E_SERVER);
	home_start(h);
	feed(h, KH2_PREFACE, KH2_PREFACE_LEN);
	feed_setting(h, KH2_SETTINGS_NO_RFC7540_PRIORITIES, 1);
	ask(h, 1, 0, 0, false);
	pump(h);
	forget(h);
	EQ(depend(h, 1, 0, 10, false, 0), 0);
	want_no_frame(h);
	home_free(h);
}

TEST(promised_stream_depends_on_its_request)
{
	struct home *h = wide();
	const struct kh2_sqe promise = {
		.opcode = KH2_OP_PUSH_PROMISE, .stream = 1, .value = 2, .len = 3,
	};

	ask(h, 1, 0, 30, false);
	EQ(submit(h, &promise, "\x82\x87\x84"), 0);
	check_place(h, 2, 1, 16);
	EQ(depend(h, 2, 0, 100, false, KH2_SQE_SILENT), 0);
	check_place(h, 2, 0, 100);
	home_free(h);
}
