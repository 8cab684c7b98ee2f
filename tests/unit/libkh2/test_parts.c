// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Settings as octets, codes by name, header compression, the transmit area, timers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hpack.h"
#include "headers.h"
#include "tap.h"
#include "tx_area.h"

TEST(settings_pack_is_what_http2_settings_carries)
{
	static const uint8_t want[] = { 0, 2, 0, 0, 0, 0 };	/* base64 AAIAAAAA */
	struct kh2_settings s = { .sz = sizeof(s), .present = KH2_SET_ENABLE_PUSH }, back;
	uint8_t buf[6];

	EQ(kh2_settings_pack(&s, buf, sizeof(buf)), 6);
	CHECK(!memcmp(buf, want, 6));
	EQ(kh2_settings_pack(&s, buf, 5), -ENOSPC);
	EQ(kh2_settings_unpack(&back, buf, 6), 0);
	EQ(back.present, KH2_SET_ENABLE_PUSH);
	CHECK(!back.enable_push);
	EQ(kh2_settings_unpack(&back, buf, 5), -EBADMSG);
}

TEST(settings_out_of_range_are_refused)
{
	struct kh2_settings s = {
		.sz = sizeof(s),
		.present = KH2_SET_INITIAL_WINDOW_SIZE,
		.initial_window_size = 0x80000000U,
	};
	uint8_t buf[6];

	EQ(kh2_settings_pack(&s, buf, sizeof(buf)), -ERANGE);
	s.present = KH2_SET_MAX_FRAME_SIZE;
	s.max_frame_size = 16383;
	EQ(kh2_settings_pack(&s, buf, sizeof(buf)), -ERANGE);
}

TEST(settings_default_caps_the_header_list)
{
	struct kh2_settings s;

	kh2_settings_default(&s);
	EQ(s.max_header_list_size, 65535);
	EQ(s.initial_window_size, 65535);
}

TEST(code_has_a_name_and_is_found_by_it)
{
	uint32_t code;

	CHECK(!strcmp(kh2_code_name(7), "REFUSED_STREAM"));
	CHECK(!kh2_code_name(14));
	EQ(kh2_code_parse("http-1-1-required", &code), 0);
	EQ(code, 13);
	EQ(kh2_code_parse("0x10", &code), 0);
	EQ(code, 16);
	EQ(kh2_code_parse("refused", &code), -EINVAL);
	EQ(kh2_code_parse("7x", &code), -EINVAL);
	CHECK(strlen(kh2_strerror(-EPIPE)) && strlen(kh2_strerror(-12345)));
}

static const struct kh2i_list_limits wide = { .max_octets = 65535, .max_fields = 128 };

TEST(block_over_its_limits_leaves_the_table_in_step)
{
	struct kh2i_hpack sender, receiver;
	struct kh2i_list_limits narrow = { .max_octets = 65535, .max_fields = 1 };
	struct kh2_headers *h, *got;
	struct kh2_ctx ctx = { 0 };
	ssize_t len;

	EQ(kh2i_hpack_init(&sender, 4096), 0);
	EQ(kh2i_hpack_init(&receiver, 4096), 0);
	EQ(kh2_headers_new(&h), 0);
	EQ(kh2_headers_add(h, "first", "1"), 0);
	EQ(kh2_headers_add(h, "second", "2"), 0);
	for (int i = 0; i < 2; i++) {
		EQ(kh2_headers_new(&got), 0);
		len = kh2i_hpack_encode(&sender, &ctx, NULL, h);
		CHECK(len > 0);
		EQ(kh2i_hpack_decode(&receiver, ctx.scratch, (size_t)len, got,
				     i ? &wide : &narrow), i ? 0 : -EMSGSIZE);
		EQ(got->n, i ? 2 : 1);
		kh2_headers_free(got);
	}
	EQ(len, 2);	/* both from the table */
	kh2_headers_free(h);
	kh2i_hpack_exit(&sender);
	kh2i_hpack_exit(&receiver);
	free(ctx.scratch);
}

TEST(block_far_over_its_limits_is_not_decoded)
{
	const struct kh2i_list_limits few = { .max_octets = 65535, .max_fields = 16 };
	struct kh2i_hpack receiver;
	struct kh2_headers *got;
	u8 block[16 * KH2I_LIST_FAR + 1];

	memset(block, 0x82, sizeof(block));
	EQ(kh2i_hpack_init(&receiver, 4096), 0);
	EQ(kh2_headers_new(&got), 0);
	EQ(kh2i_hpack_decode(&receiver, block, 16, got, &few), 0);
	EQ(kh2i_hpack_decode(&receiver, block, sizeof(block) - 1, got, &few), -EMSGSIZE);
	EQ(kh2i_hpack_decode(&receiver, block, sizeof(block), got, &few), -E2BIG);
	EQ(kh2i_hpack_decode(&receiver, block, sizeof(block), NULL, &few), -E2BIG);
	kh2i_hpack_exit(&receiver);
	kh2_headers_free(got);
}

TEST(block_without_fields_is_not_empty)
{
	struct kh2i_hpack sender, receiver;
	struct kh2_headers *got;
	struct kh2_ctx ctx = { 0 };
	ssize_t len;

	EQ(kh2i_hpack_init(&sender, 4096), 0);
	EQ(kh2i_hpack_init(&receiver, 4096), 0);
	EQ(kh2_headers_new(&got), 0);
	len = kh2i_hpack_encode(&sender, &ctx, NULL, NULL);
	CHECK(len > 0);
	EQ(kh2i_hpack_decode(&receiver, ctx.scratch, (size_t)len, got, &wide), 0);
	EQ(got->n, 0);
	kh2_headers_free(got);
	kh2i_hpack_exit(&sender);
	kh2i_hpack_exit(&receiver);
	free(ctx.scratch);
}

TEST(block_that_is_cut_or_wrong_is_an_error)
{
	static const u8 cut[] = { 0x40, 0x03, 'f' }, wrong[] = { 0xff, 0xff, 0xff, 0xff, 0xff };
	struct kh2i_hpack receiver;
	struct kh2_headers *got;

	EQ(kh2i_hpack_init(&receiver, 4096), 0);
	EQ(kh2_headers_new(&got), 0);
	EQ(kh2i_hpack_decode(&receiver, cut, sizeof(cut), got, &wide), KH2_ERR_PROTOCOL);
	kh2i_hpack_exit(&receiver);
	EQ(kh2i_hpack_init(&receiver, 4096), 0);
	EQ(kh2i_hpack_decode(&receiver, wrong, sizeof(wrong), got, &wide), KH2_ERR_PROTOCOL);
	kh2i_hpack_exit(&receiver);
	kh2_headers_free(got);
}

TEST(block_without_the_size_of_a_smaller_table_is_an_error)
{
	static const u8 get[] = { 0x82 }, said[] = { 0x20, 0x82 }, too_much[] = { 0x21, 0x82 };
	struct kh2i_hpack receiver;
	struct kh2_headers *got;

	EQ(kh2_headers_new(&got), 0);
	EQ(kh2i_hpack_init(&receiver, 4096), 0);
	EQ(kh2i_hpack_set_inflate(&receiver, 0), 0);
	EQ(kh2i_hpack_decode(&receiver, get, sizeof(get), got, &wide), KH2_ERR_PROTOCOL);
	kh2i_hpack_exit(&receiver);
	EQ(kh2i_hpack_init(&receiver, 4096), 0);
	EQ(kh2i_hpack_set_inflate(&receiver, 0), 0);
	EQ(kh2i_hpack_decode(&receiver, too_much, sizeof(too_much), got, &wide), KH2_ERR_PROTOCOL);
	kh2i_hpack_exit(&receiver);
	EQ(kh2i_hpack_init(&receiver, 4096), 0);
	EQ(kh2i_hpack_set_inflate(&receiver, 0), 0);
	EQ(kh2i_hpack_decode(&receiver, said, sizeof(said), got, &wide), 0);
	EQ(kh2i_hpack_decode(&receiver, get, sizeof(get), got, &wide), 0);
	kh2i_hpack_exit(&receiver);
	kh2_headers_free(got);
}

/* Pages for @len octets, for one who has none yet */
static void *alloc(struct kh2i_tx_area *a, size_t len, u64 *addr)
{
	size_t got = len;
	void *mem = kh2i_tx_area_alloc(a, 0, &got, addr);

	CHECK(!mem || got == len);
	return mem;
}

#define TX_PAGES 128

TEST(tx_area_gives_out_all_pages_once)
{
	static u8 base[TX_PAGES * KH2I_TX_PAGE];
	struct kh2i_tx_area a;
	u64 addr[TX_PAGES];
	int n = 0;

	EQ(kh2i_tx_area_init(&a, base, sizeof(base)), 0);
	while (alloc(&a, 100, &addr[n]))
		n++;
	EQ(n, 96);	/* a quarter is for what is copied at once */
	for (int i = 1; i < n; i++)
		EQ(addr[i] - addr[i - 1], KH2I_TX_PAGE);
	for (int i = 10; i < 30; i++)
		kh2i_tx_area_free(&a, addr[i], 100);
	CHECK(alloc(&a, 2 * KH2I_TX_PAGE - 1, &addr[n]) == base + addr[10]);
	kh2i_tx_area_exit(&a);
}

TEST(tx_area_has_some_for_who_has_none)
{
	static u8 base[TX_PAGES * KH2I_TX_PAGE];
	u32 held[15] = { 0 };
	struct kh2i_tx_area a;
	size_t len;
	u64 addr;

	EQ(kh2i_tx_area_init(&a, base, sizeof(base)), 0);
	for (int i = 0; i < 15; i++) {
		/* as much as it gets, and it gives nothing back */
		while (len = 65500, kh2i_tx_area_alloc(&a, held[i], &len, &addr))
			held[i] += kh2i_tx_area_pages(len);
		CHECK(held[i]);
	}
	CHECK(held[0] >= 8 && held[0] <= 12);
	kh2i_tx_area_exit(&a);
}

TEST(tx_area_gives_fewer_where_they_do_not_lie_together)
{
	static u8 base[TX_PAGES * KH2I_TX_PAGE];
	struct kh2i_tx_area a;
	u64 addr[TX_PAGES];
	size_t len = 65500;
	int n = 0;

	EQ(kh2i_tx_area_init(&a, base, sizeof(base)), 0);
	while (alloc(&a, 1, &addr[n]))
		n++;
	for (int i = 0; i < n; i += 2)
		kh2i_tx_area_free(&a, addr[i], 1);
	CHECK(kh2i_tx_area_alloc(&a, 0, &len, &addr[n]));
	EQ(len, KH2I_TX_PAGE);
	kh2i_tx_area_exit(&a);
}

TEST(tx_area_too_small_for_a_header_block_is_refused)
{
	static u8 base[96 * KH2I_TX_PAGE];
	struct kh2i_tx_area a;
	u64 addr;

	EQ(kh2i_tx_area_init(&a, base, 70 * KH2I_TX_PAGE), -EINVAL);
	EQ(kh2i_tx_area_init(&a, base, 72 * KH2I_TX_PAGE), 0);
	CHECK(kh2i_tx_area_brief(&a, 65536 + 4096, &addr));
	kh2i_tx_area_exit(&a);
}

TEST(tx_area_brief_part_ends_before_the_pages)
{
	static u8 base[TX_PAGES * KH2I_TX_PAGE];
	struct kh2i_tx_area a;
	u64 addr, last = 0;

	EQ(kh2i_tx_area_init(&a, base, sizeof(base)), 0);
	while (kh2i_tx_area_brief(&a, 1000, &addr))
		last = addr;
	CHECK(last + 1000 <= sizeof(base) / 4);
	kh2i_tx_area_brief_reset(&a);
	CHECK(kh2i_tx_area_brief(&a, 1000, &addr) && !addr);
	kh2i_tx_area_exit(&a);
}

static u64 fired[8];
static int n_fired;

static void fire(struct kh2i_timer *t)
{
	fired[n_fired++] = t->at;
}

TEST(timers_fire_in_order_and_not_when_stopped)
{
	static const u64 at[] = { 5, 3, 8, 1, 4, 2 };
	struct kh2i_timer t[6];
	struct kh2_ctx ctx = { 0 };

	for (int i = 0; i < 6; i++) {
		EQ(kh2i_timer_init(&ctx, &t[i], fire), 0);
		kh2i_timer_set(&ctx, &t[i], at[i]);
	}
	kh2i_timer_stop(&ctx, &t[4]);
	kh2i_timer_set(&ctx, &t[2], UINT64_MAX - 1);
	kh2i_timer_set(&ctx, &t[0], 1);
	kh2i_timers_run(&ctx);
	EQ(n_fired, 4);
	for (int i = 1; i < n_fired; i++)
		CHECK(fired[i - 1] <= fired[i]);
	EQ(ctx.n_heap, 1);
	for (int i = 0; i < 6; i++)
		kh2i_timer_exit(&ctx, &t[i]);
	free(ctx.heap);
}
