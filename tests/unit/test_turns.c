// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Turns: how much of what one peer sends is taken at a time. */
#include "home.h"

/* Feeds a turn. Returns octets taken. */
static size_t turn(struct home *h, const u8 *p, size_t len)
{
	size_t n;

	kh2e_recv_turn(h->e);
	n = kh2e_recv_some(h->e, p, len);
	CHECK(!kh2e_blocked(h->e));
	CHECK(n == len || kh2e_recv_turn_over(h->e));
	pump(h);
	return n;
}

TEST(flood_ends_a_turn_before_its_octets_end)
{
	static u8 pings[17 * 100];
	struct home *h = home_server();
	size_t at = 0, turns = 0;

	for (size_t i = 0; i < 100; i++)
		memcpy(pings + 17 * i, "\0\0\x08\x06\0\0\0\0\0", 9);
	while (at < sizeof(pings)) {
		size_t n = turn(h, pings + at, sizeof(pings) - at);

		CHECK(n && n <= sizeof(pings) / 2);
		at += n;
		turns++;
	}
	CHECK(turns > 1 && turns < 20);
	EQ(counter(h, KH2_C_RX_FRAME_PING), 100);
	EQ(counter(h, KH2_C_TX_FRAME_PING), 100);
	want_alive(h);
	home_free(h);
}

/* One without payload needs no more octets: what follows may never come. */
TEST(turn_does_not_end_within_a_frame)
{
	static const u8 empty[9] = { 0, 0, 0, KH2_FRAME_HEADERS, 5, 0, 0, 0, 9 };
	struct home *h = home_limited(KH2_L_RESET_BURST, 50);
	u32 id = 1;

	for (; id < 9; id += 2) {
		feed_headers(h, id, KH2_FLAG_END_STREAM);
		feed_rst(h, id, KH2_CANCEL);
	}
	forget(h);
	EQ(turn(h, empty, sizeof(empty)), sizeof(empty));
	CHECK(kh2e_recv_turn_over(h->e));
	EQ(counter(h, KH2_C_STREAMS_OPENED), 5);
	home_free(h);
}

/* Feeds requests without bodies that lie together. Returns how many the first turn took. */
static u32 requests_of_a_turn(struct home *h, u32 *id, u32 n)
{
	static const u8 head[9] = { 0, 0, 1, KH2_FRAME_HEADERS, 5 };
	u8 octets[10 * 64] = { 0 };
	u64 before = counter(h, KH2_C_STREAMS_OPENED);
	u32 taken = 0;

	for (u32 i = 0; i < n; i++) {
		memcpy(octets + 10 * i, head, sizeof(head));
		octets[10 * i + 7] = (u8)((*id + 2 * i) >> 8);
		octets[10 * i + 8] = (u8)(*id + 2 * i);
		octets[10 * i + 9] = 0x82;
	}
	for (size_t at = 0; at < 10 * n;) {
		at += turn(h, octets + at, 10 * n - at);
		taken = taken ?: (u32)(counter(h, KH2_C_STREAMS_OPENED) - before);
	}
	forget(h);
	*id += 2 * n;
	return taken;
}

static void answer_all(struct home *h, u32 from, u32 to)
{
	for (; from < to; from += 2)
		EQ(sub_headers(h, from, KH2_SQE_END_STREAM), 0);
	pump(h);
	forget(h);
}

TEST(requests_are_taken_together_once_some_were_answered)
{
	struct home *h = home_server();
	u32 id = 1;

	CHECK(requests_of_a_turn(h, &id, 10) <= 3);
	answer_all(h, 1, id);
	CHECK(requests_of_a_turn(h, &id, 30) >= 5);
	answer_all(h, 21, id);
	CHECK(requests_of_a_turn(h, &id, 40) >= 31);
	want_alive(h);
	home_free(h);
}

TEST(requests_that_come_to_nothing_are_taken_one_by_one)
{
	struct home *h = home_server();
	u32 id = 1;

	requests_of_a_turn(h, &id, 40);
	answer_all(h, 1, id);
	EQ(requests_of_a_turn(h, &id, 6), 6);
	for (u32 i = id - 12; i < id; i += 2)
		feed_rst(h, i, KH2_CANCEL);
	EQ(requests_of_a_turn(h, &id, 6), 1);
	want_alive(h);
	home_free(h);
}

/* PRIORITY frames of two streams in turn, each exclusively on the other. Returns how many go into
 * a turn; if others depend on these two, they take these from each other.
 */
static u32 dependencies_of_a_turn(struct home *h)
{
	static u8 octets[14 * 64];
	size_t n;

	for (size_t i = 0; i < 64; i++) {
		memcpy(octets + 14 * i, "\0\0\5\2\0\0\0\0\0\x80\0\0\0\x0f", 14);
		octets[14 * i + 8] = i % 2 ? 3 : 1;
		octets[14 * i + 12] = i % 2 ? 1 : 3;
	}
	n = turn(h, octets, sizeof(octets));
	EQ(n % 14, 0);
	return (u32)(n / 14);
}

TEST(dependencies_that_move_many_streams_take_more_turns)
{
	static const u8 first[5] = { 0x80, 0, 0, 0, 15 };
	struct home *h = home_server();

	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	feed_headers(h, 3, KH2_FLAG_END_STREAM);
	forget(h);
	EQ(dependencies_of_a_turn(h), 32);
	for (u32 id = 5; id < 256; id += 2)
		feed_headers(h, id, KH2_FLAG_END_STREAM);
	feed_frame(h, KH2_FRAME_PRIORITY, 0, 1, first, sizeof(first));
	feed_frame(h, KH2_FRAME_PRIORITY, 0, 3, first, sizeof(first));
	forget(h);
	CHECK(dependencies_of_a_turn(h) <= 11);
	want_alive(h);
	home_free(h);
}

TEST(data_takes_no_turns)
{
	static u8 data[9 + 1000];
	struct home *h = home_server();

	feed_headers(h, 1, 0);
	memcpy(data, "\0\x03\xe8\0\0\0\0\0\1", 9);
	for (int i = 0; i < 60; i++) {
		EQ(kh2e_recv_some(h->e, data, sizeof(data)), sizeof(data));
		CHECK(!kh2e_recv_turn_over(h->e));
	}
	home_free(h);
}
