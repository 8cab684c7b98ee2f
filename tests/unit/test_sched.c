// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The order of DATA: by urgency, by the dependency tree, and who decides which. */
#include <stdio.h>

#include "core.h"
#include "home.h"

#define KIB(n) ((u64)(n) << 10)

/* A server with windows that never shut */
static struct home *wide(void)
{
	struct home *h = home_prepare(KH2E_SERVER);

	h->cfg.limits[KH2_L_STREAMS] = 1000;
	h->cfg.limits[KH2_L_PRIORITY_BURST] = 100000;
	home_start(h);
	home_handshake(h);
	feed_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 0x7fffffff);
	feed_window(h, 0, 0x7fff0000);
	forget(h);
	return h;
}

/* A request, its priority if @weight says so, and the head of its answer */
static void ask(struct home *h, u32 id, u32 parent, u32 weight, bool exclusive)
{
	u8 block[] = { 0, 0, 0, 0, (u8)(weight - 1), 0x82, 0x87, 0x84 };

	put_unaligned_be32(parent | (u32)exclusive << 31, block);
	feed_frame(h, KH2_FRAME_HEADERS,
		   KH2_FLAG_END_STREAM | KH2_FLAG_END_HEADERS | (weight ? KH2_FLAG_PRIORITY : 0),
		   id, weight ? block : block + 5, weight ? 8 : 3);
	EQ(sub_headers(h, id, 0), 0);
}

static void prioritize(struct home *h, u32 id, u32 parent, u32 weight, bool exclusive)
{
	u8 p[5] = { 0, 0, 0, 0, (u8)(weight - 1) };

	put_unaligned_be32(parent | (u32)exclusive << 31, p);
	feed_frame(h, KH2_FRAME_PRIORITY, 0, id, p, 5);
}

static void update(struct home *h, u32 id, const char *value)
{
	u8 p[64];

	put_unaligned_be32(id, p);
	memcpy(p + 4, value, strlen(value));
	feed_frame(h, KH2_FRAME_PRIORITY_UPDATE, 0, 0, p, 4 + strlen(value));
}

/* What the owner read in a request's field */
static void field(struct home *h, u32 id, u32 urgency, bool incremental)
{
	const struct kh2_sqe sqe = {
		.opcode = KH2_OP_PRIORITY, .flags = KH2_SQE_INITIAL, .stream = id,
		.value = urgency | (incremental ? 8 : 0),
	};

	EQ(submit(h, &sqe, NULL), 0);
}

static void override(struct home *h, u32 id, u32 urgency, bool incremental)
{
	const struct kh2_sqe sqe = {
		.opcode = KH2_OP_PRIORITY, .stream = id, .value = urgency | (incremental ? 8 : 0),
	};

	EQ(submit(h, &sqe, NULL), 0);
}

static int depend(struct home *h, u32 id, u32 parent, u32 weight, bool exclusive, u8 flags)
{
	const struct kh2_sqe sqe = {
		.opcode = KH2_OP_DEPEND, .flags = flags, .stream = id, .code = weight,
		.value = parent | (u32)exclusive << 31,
	};

	return submit(h, &sqe, NULL);
}

static void check_place(struct home *h, u32 id, u32 parent, u32 weight)
{
	struct kh2e_stream_info i = sinfo(h, id);

	EQ(i.parent, parent);
	EQ(i.weight, weight);
}

/* Sends @max octets and adds what came of each stream's DATA to @got. */
static void take(struct home *h, u64 max, u64 *got, u32 n)
{
	struct home_frame f;

	for (u64 end = h->n_out + max; h->n_out < end;)
		if (!pump_some(h, end - h->n_out))
			break;
	/* to the end of a frame, and no other is begun */
	while (h->e->out.octets)
		pump_some(h, h->e->out.octets);
	while (next_frame(h, &f)) {
		CHECK(f.stream < n);
		if (f.type == KH2_FRAME_DATA)
			got[f.stream] += f.len;
	}
}

static void sends(struct home *h, u32 id, u64 len)
{
	sub_data(h, id, KH2_SQE_END_STREAM, len);
}

/* Sends all, and holds the order of the streams' last frames against @order, 0 ends it. */
static void check_ends(struct home *h, const u32 *order)
{
	struct home_frame f;

	pump(h);
	while (next_frame(h, &f))
		if (f.type == KH2_FRAME_DATA && (f.flags & KH2_FLAG_END_STREAM))
			EQ(f.stream, *order++);
	EQ(*order, 0);
	forget(h);
}

#define ENDS(h, ...) check_ends(h, (const u32[]){ __VA_ARGS__, 0 })

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

/* ---- RFC 9218 ---- */

TEST(urgencies_go_in_order)
{
	struct home *h = wide();

	for (u32 id = 1; id < 10; id += 2) {
		ask(h, id, 0, 0, false);
		sends(h, id, KIB(100));
	}
	field(h, 1, 7, false);
	field(h, 3, 4, true);
	field(h, 5, 0, false);
	field(h, 7, 2, true);
	ENDS(h, 5, 7, 9, 3, 1);
	home_end(h);
}

TEST(streams_not_incremental_go_one_by_one_in_order_of_requests)
{
	struct home *h = wide();

	for (u32 id = 1; id < 8; id += 2) {
		ask(h, id, 0, 0, false);
		field(h, id, 3, false);
	}
	forget(h);
	for (u32 id = 7; id < 8; id -= 2)
		sends(h, id, KIB(200));
	ENDS(h, 1, 3, 5, 7);
	home_end(h);
}

TEST(streams_not_incremental_go_before_incremental_ones)
{
	struct home *h = wide();
	u64 got[8] = { 0 };

	for (u32 id = 1; id < 8; id += 2) {
		ask(h, id, 0, 0, false);
		field(h, id, 3, id != 5);
		sends(h, id, KIB(100));
	}
	take(h, KIB(99), got, 8);
	EQ(got[1] + got[3] + got[7], 0);
	CHECK(got[5] > KIB(90));
	take(h, KIB(150), got, 8);
	EQ(got[5], KIB(100));
	CHECK(got[1] && got[3] && got[7]);
	home_free(h);
}

/* Stated in Documentation/scheduling.rst: a lower urgency has what the higher ones leave */
TEST(lower_urgency_waits_while_a_higher_one_can_send)
{
	struct home *h = wide();
	struct home_src *file;
	u64 got[4] = { 0 };

	ask(h, 1, 0, 0, false);
	ask(h, 3, 0, 0, false);
	field(h, 1, 1, false);
	field(h, 3, 5, false);
	file = sub_file(h, 1, KH2_SQE_END_STREAM);
	sends(h, 3, KIB(400));
	kh2e_src_add(h->e, &file->src, KIB(100), false, 0);
	take(h, KIB(80), got, 4);
	EQ(got[3], 0);
	take(h, KIB(200), got, 4);
	CHECK(got[3] > KIB(100));		/* the file has nothing now */
	kh2e_src_add(h->e, &file->src, KIB(100), true, 0);
	take(h, KIB(60), got, 4);
	CHECK(got[1] > KIB(140));
	home_free(h);
}

TEST(client_that_speaks_rfc9218_means_its_defaults)
{
	struct home *h = wide();

	for (u32 id = 1; id < 8; id += 2) {
		ask(h, id, 0, 0, false);
		sends(h, id, KIB(100));
	}
	CHECK(sinfo(h, 1).incremental);
	field(h, 7, 5, true);
	CHECK(!sinfo(h, 1).incremental);
	ENDS(h, 1, 3, 5, 7);
	home_end(h);
}

TEST(update_reorders_while_data_is_sent)
{
	struct home *h = wide();
	u64 got[6] = { 0 };

	for (u32 id = 1; id < 6; id += 2) {
		ask(h, id, 0, 0, false);
		field(h, id, 3, true);
		sends(h, id, KIB(300));
	}
	take(h, KIB(200), got, 6);
	h->ev_seen = h->n_evs;
	update(h, 5, "u=0");
	want_ev(h, KH2_EV_PRIORITY, 5, KH2_EVF_URGENCY);
	EQ(sinfo(h, 5).urgency, 0);
	CHECK(!sinfo(h, 5).incremental);
	memset(got, 0, 4 * sizeof(*got));
	take(h, KIB(200), got, 6);
	EQ(got[1] + got[3], 0);
	update(h, 5, "u=7, i");
	take(h, KIB(400), got, 6);
	CHECK(got[5] < KIB(290));
	forget(h);
	home_end(h);
}

/* The clock of the old urgency must not hold it up in the new one */
TEST(stream_of_another_urgency_shares_from_now_on)
{
	struct home *h = wide();
	u64 got[4] = { 0 };

	ask(h, 1, 0, 0, false);
	ask(h, 3, 0, 0, false);
	field(h, 1, 3, true);
	sends(h, 1, KIB(8192));
	take(h, KIB(2048), got, 4);
	field(h, 3, 2, true);
	sends(h, 3, KIB(2048));
	update(h, 1, "u=2, i");
	memset(got, 0, sizeof(got));
	take(h, KIB(1024), got, 4);
	CHECK(got[1] > KIB(400) && got[3] > KIB(400));
	home_free(h);
}

TEST(update_before_the_request_is_applied_when_it_opens)
{
	struct home *h = wide();
	struct home_ev *ev;

	update(h, 3, "u=1,i");
	want_no_ev(h);
	ask(h, 1, 0, 0, false);
	EQ(sinfo(h, 1).urgency, 3);
	want_ev(h, KH2_EV_HEADERS, 1, KH2_EVF_END_STREAM);
	ask(h, 3, 0, 0, false);
	ev = want_ev(h, KH2_EV_HEADERS, 3, KH2_EVF_END_STREAM | KH2_EVF_URGENCY);
	EQ(KH2_PRIO_URGENCY(ev->ev.arg), 1);
	EQ(KH2_PRIO_INCREMENTAL(ev->ev.arg), 1);
	field(h, 3, 6, false);
	EQ(sinfo(h, 3).urgency, 1);
	CHECK(sinfo(h, 3).incremental);
	home_free(h);
}

TEST(update_overrides_the_field_that_the_owner_reads_later)
{
	struct home *h = wide();

	ask(h, 1, 0, 0, false);
	update(h, 1, "u=1");
	field(h, 1, 6, true);
	EQ(sinfo(h, 1).urgency, 1);
	override(h, 1, 5, false);
	EQ(sinfo(h, 1).urgency, 5);
	home_free(h);
}

TEST(malformed_update_is_ignored)
{
	struct home *h = wide();

	ask(h, 1, 0, 0, false);
	update(h, 1, "u=1");
	update(h, 1, "u=2,,");
	EQ(sinfo(h, 1).urgency, 1);
	want_alive(h);
	home_free(h);
}

TEST(update_of_a_stream_that_ended_is_ignored)
{
	struct home *h = wide();

	ask(h, 1, 0, 0, false);
	sends(h, 1, 1);
	pump(h);
	ask(h, 5, 0, 0, false);
	update(h, 1, "u=1");
	update(h, 3, "u=1");	/* passed over */
	update(h, 1, "u=1");
	want_alive(h);
	EQ(h->e->early.n, 0);
	home_free(h);
}

/* RFC 9218 7.1 */
TEST(updates_of_more_streams_than_may_be_open_fail)
{
	struct home *h = home_limited(KH2_L_STREAMS, 4);

	feed_headers(h, 1, 0);
	forget(h);
	for (u32 id = 3; id < 9; id += 2)
		update(h, id, "u=1");
	update(h, 3, "u=2");
	want_alive(h);
	update(h, 9, "u=1");
	want_dead(h, KH2_PROTOCOL_ERROR, KH2_C_CONN_PRIORITY_UPDATE);
	home_free(h);
}

TEST(updates_of_streams_that_were_passed_over_count_no_more)
{
	struct home *h = home_limited(KH2_L_STREAMS, 4);

	for (u32 id = 1; id < 2000; id += 10) {
		for (u32 i = 0; i < 4; i++)
			update(h, id + 2 * i, "u=1");
		feed_headers(h, id + 8, 0);
		sub_code(h, KH2_OP_RST, id + 8, KH2_CANCEL);
		pump(h);
	}
	want_alive(h);
	home_free(h);
}

/* Four were told of while eight were allowed; then only @n are. */
static struct home *early_and_lowered(u32 n)
{
	struct home *h = home_limited(KH2_L_STREAMS, 200);
	u64 memory;

	memory = info(h).memory;
	for (u32 id = 7; id <= 7; id -= 2)
		update(h, id, "u=1");
	EQ(sub_setting(h, KH2_SETTINGS_MAX_CONCURRENT_STREAMS, n), 0);
	pump(h);
	feed_settings_ack(h);
	CHECK(info(h).memory <= memory + 8 * n);
	forget(h);
	return h;
}

TEST(updates_of_streams_that_are_allowed_no_more_take_no_memory)
{
	struct home *h = early_and_lowered(0);

	/* what was allowed is no fault when it is said again, and what never was is one */
	update(h, 7, "u=2");
	want_alive(h);
	update(h, 9, "u=2");
	want_dead(h, KH2_PROTOCOL_ERROR, KH2_C_CONN_PRIORITY_UPDATE);
	home_free(h);
}

TEST(lowered_limit_keeps_the_updates_of_the_first_streams)
{
	struct home *h = early_and_lowered(2);

	for (u32 id = 1; id < 8; id += 2) {
		ask(h, id, 0, 0, false);
		EQ(sinfo(h, id).urgency, id <= 3 ? 1 : 3);
		EQ(sub_code(h, KH2_OP_RST, id, KH2_CANCEL), 0);
		pump(h);
	}
	want_alive(h);
	home_free(h);
}

TEST(lowered_limit_without_memory_forgets_updates)
{
	struct home *h = home_limited(KH2_L_STREAMS, 200);

	update(h, 1, "u=1");
	h->cfg.limits[KH2_L_STREAMS] = 100;
	h->fail_alloc = 1;
	kh2e_set_limits(h->e, h->cfg.limits);
	EQ(h->fail_alloc, 0);
	ask(h, 1, 0, 0, false);
	EQ(sinfo(h, 1).urgency, 3);
	want_alive(h);
	home_free(h);
}

/* Before our SETTINGS are acknowledged the peer knows no limit, but memory has one */
TEST(updates_before_the_settings_ack_take_bounded_memory)
{
	struct home *h = home_prepare(KH2E_SERVER);
	u64 memory;

	home_start(h);
	feed(h, KH2_PREFACE, KH2_PREFACE_LEN);
	feed_frame(h, KH2_FRAME_SETTINGS, 0, 0, NULL, 0);
	memory = info(h).memory;
	for (u32 id = 1; id < 1001; id += 2)
		update(h, id, "u=1");
	want_alive(h);
	CHECK(info(h).memory <= memory + 128 * 8 + 200);
	feed_headers(h, 1, 0);
	EQ(sinfo(h, 1).urgency, 1);
	feed_headers(h, 999, 0);
	EQ(sinfo(h, 999).urgency, 3);
	home_free(h);
}

TEST(client_tells_urgency_by_priority_update)
{
	struct home *h = home_client();
	struct kh2_sqe sqe = { .opcode = KH2_OP_PRIORITY, .stream = 1, .value = 8 | 5 };
	struct home_frame f;

	EQ(sub_headers(h, 1, 0), 0);
	pump(h);
	forget(h);
	EQ(submit(h, &sqe, NULL), 0);
	f = want_frame(h, KH2_FRAME_PRIORITY_UPDATE, 0, 0);
	EQ(f.len, 9);
	CHECK(!memcmp(f.p, "\0\0\0\1u=5,i", 9));
	sqe.value = 0;
	EQ(submit(h, &sqe, NULL), 0);
	f = want_frame(h, KH2_FRAME_PRIORITY_UPDATE, 0, 0);
	EQ(f.len, 7);
	CHECK(!memcmp(f.p, "\0\0\0\1u=0", 7));
	sqe.flags = KH2_SQE_SILENT;
	EQ(submit(h, &sqe, NULL), 0);
	want_no_frame(h);
	home_free(h);
}

static int tell_urgency(struct home *h, u32 id)
{
	const struct kh2_sqe sqe = { .opcode = KH2_OP_PRIORITY, .stream = id, .value = 1 };

	return submit(h, &sqe, NULL);
}

static void want_update(struct home *h, const char *octets)
{
	struct home_frame f = want_frame(h, KH2_FRAME_PRIORITY_UPDATE, 0, 0);

	EQ(f.len, 7);
	CHECK(!memcmp(f.p, octets, 7));
}

/* RFC 9218 7.1: so those that are idle never count with those that are active */
TEST(client_updates_no_idle_stream)
{
	struct home *h = home_client();

	EQ(tell_urgency(h, 1), -ENOENT);
	EQ(tell_urgency(h, 2), -ENOENT);
	EQ(tell_urgency(h, KH2_ID_MAX), -ENOENT);
	EQ(tell_urgency(h, 0), -EINVAL);
	want_no_frame(h);
	want_alive(h);
	home_end(h);
}

TEST(client_updates_the_highest_stream_there_can_be)
{
	struct home *h = home_client();

	EQ(sub_headers(h, KH2_ID_MAX, KH2_SQE_END_STREAM), 0);
	forget(h);
	EQ(tell_urgency(h, 0xffffffff), -EINVAL);
	want_no_frame(h);
	EQ(tell_urgency(h, KH2_ID_MAX), 0);
	want_update(h, "\x7f\xff\xff\xffu=1");
	home_free(h);
}

/* On which the server may send something yet: promised, then half-closed (local) */
TEST(client_updates_a_promised_stream)
{
	static const u8 promise[] = { 0, 0, 0, 2, 0x82, 0x87, 0x84 };
	struct home *h = home_client();

	EQ(sub_headers(h, 1, KH2_SQE_END_STREAM), 0);
	feed_frame(h, KH2_FRAME_PUSH_PROMISE, KH2_FLAG_END_HEADERS, 1, promise, sizeof(promise));
	forget(h);
	EQ(sinfo(h, 2).state, KH2E_RESERVED_REMOTE);
	EQ(tell_urgency(h, 2), 0);
	want_update(h, "\0\0\0\2u=1");
	feed_headers(h, 2, 0);
	EQ(sinfo(h, 2).state, KH2E_HALF_LOCAL);
	EQ(tell_urgency(h, 2), 0);
	want_update(h, "\0\0\0\2u=1");
	home_free(h);
}

TEST(client_does_not_update_a_stream_whose_answer_has_ended)
{
	struct home *h = home_client();

	EQ(sub_headers(h, 1, 0), 0);
	EQ(sub_headers(h, 3, 0), 0);
	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	feed_rst(h, 3, KH2_CANCEL);
	forget(h);
	EQ(sinfo(h, 1).state, KH2E_HALF_REMOTE);
	EQ(tell_urgency(h, 1), 0);
	EQ(tell_urgency(h, 3), 0);
	want_no_frame(h);
	EQ(sinfo(h, 1).urgency, 1);
	home_free(h);
}

/* ---- values ---- */

static void value(const char *text, bool good, u8 urgency, bool incremental)
{
	struct kh2e_priority p;

	if (kh2e_priority_parse(text, strlen(text), &p) != good)
		FAIL("'%s' is %s", text, good ? "well formed" : "malformed");
	if (p.urgency != urgency || p.incremental != incremental)
		FAIL("'%s' gives u=%u, i=%d", text, p.urgency, p.incremental);
}

TEST(priority_values_that_are_well_formed)
{
	value("", true, 3, false);
	value("u=0", true, 0, false);
	value("u=7, i", true, 7, true);
	value("i,u=1", true, 1, true);
	value("  u=2 \t,\ti=?1  ", true, 2, true);
	value("i=?0", true, 3, false);
	value("u=1;x=2;y, i;z=\"a\\\"b\"", true, 1, true);
	value("u=1, u=5", true, 5, false);
	value("u=1, u=a", true, 3, false);
	value("i, i=?0", true, 3, false);
	value("*k=*t/x:y, a.b-c_d*=:aGk=:, l=(1 \"x\" tok ?0);p, u=4", true, 4, false);
	value("l=(), m=( 1  2 ), u=6", true, 6, false);
	value("d=-12.125, u=6", true, 6, false);
}

TEST(priority_members_that_are_odd_are_passed_over)
{
	value("u=8", true, 3, false);
	value("u=-1, i", true, 3, true);
	value("u=999999999999999", true, 3, false);
	value("u=1.0", true, 3, false);
	value("u, i=1", true, 3, false);
	value("u=\"1\", i=(?1)", true, 3, false);
	value("urgency=1, ii", true, 3, false);
	value("U=1", false, 3, false);
}

TEST(priority_values_that_are_malformed)
{
	static const char *const bad[] = {
		",", "u=1,", "u=1,,i", "=1", "u=", "u= 1", "u=1 i", "u=1;", "u=1;=2", "i=?2", "i=?",
		"u=1000000000000000", "u=1.", "u=1.1234", "u=-", "x=\"", "x=\"a", "x=\"\\a\"",
		"x=:", "x=:a!:", "x=(1", "x=(1,2)", "x=(1\"a\")", "u=1\n", "\tu=1",
		"x=\x80", "x=@1",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		value(bad[i], false, 3, false);
	value("u=1\0", true, 1, false);
	CHECK(!kh2e_priority_parse("u=1\0", 4, &(struct kh2e_priority){ 0 }));
}

/* ---- RFC 7540 5.3 ---- */

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
