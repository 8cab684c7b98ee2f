// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The order of DATA by urgency, RFC 9218. */
#include <stdio.h>

#include "sched.h"

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
