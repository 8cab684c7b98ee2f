// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Receive windows that follow the path and the application, on a path that is simulated. */
#include <stdlib.h>

#include "home.h"
#include "window.h"

#define MIB 1048576
#define STREAMS 128

/* What comes of us reaches the peer a round trip later; DATA of the peer is here at once. */
struct due {
	u64 at;
	u8 type;
	u32 stream;
	u32 inc;
	u64 payload;
};

/**
 * struct upload - one body
 * @window: what the peer may send, as far as it knows
 * @sent: octets
 * @read: of these, by the application
 * @pace: octets that it reads in a millisecond
 * @idle: the peer sends nothing
 */
struct upload {
	s64 window;
	u64 sent;
	u64 read;
	u64 pace;
	bool idle;
};

/**
 * struct path - a client that uploads to us
 * @h: we
 * @rtt: ms
 * @rate: octets a millisecond
 * @n: uploads, on streams 1, 3, …
 * @conn: what the peer may send on all
 * @turn: upload that sends first
 * @pings: PINGs of ours
 * @held: most octets that were sent and not read
 */
struct path {
	struct home *h;
	u32 rtt;
	u64 rate;
	u32 n;
	s64 conn;
	u32 turn;
	u32 pings;
	u64 held;
	struct upload up[STREAMS];
	struct due due[8192];
	u32 first, last;
};

#define ALL UINT64_MAX

static struct path *path_prepare(void)
{
	struct path *p = calloc(1, sizeof(*p));

	p->h = home_prepare(KH2E_SERVER);
	kh2e_limits_default(p->h->cfg.limits);
	p->h->cfg.conn_window = 0;
	p->rate = 12500;	/* 100 Mbit/s */
	p->rtt = 50;
	return p;
}

/* SETTINGS are acknowledged a round trip after they were sent. */
static void path_start(struct path *p)
{
	struct home *h = p->h;
	struct home_frame f;

	home_start(h);
	pump(h);
	p->conn = KH2_WINDOW_INITIAL;
	while (next_frame(h, &f))
		if (f.type == KH2_FRAME_WINDOW_UPDATE)
			p->conn += get_unaligned_be32(f.p);
	EQ(p->conn, info(h).local_window);
	h->now += p->rtt * NSEC_PER_MSEC;
	feed(h, KH2_PREFACE, KH2_PREFACE_LEN);
	feed_frame(h, KH2_FRAME_SETTINGS, 0, 0, NULL, 0);
	feed_settings_ack(h);
	forget(h);
}

static struct path *path_new(void)
{
	struct path *p = path_prepare();

	path_start(p);
	return p;
}

static struct upload *upload_begin(struct path *p, u64 pace)
{
	struct upload *u = &p->up[p->n];

	CHECK(p->n < STREAMS);
	feed_headers(p->h, 2 * p->n++ + 1, 0);
	u->window = p->h->cfg.n_settings ? p->h->cfg.settings[0].value : KH2_WINDOW_INITIAL;
	u->pace = pace;
	return u;
}

static u32 id_of(const struct path *p, const struct upload *u)
{
	return 2 * (u32)(u - p->up) + 1;
}

static s32 window_of(struct path *p, const struct upload *u)
{
	return sinfo(p->h, id_of(p, u)).local_window;
}

static void look_at_output(struct path *p)
{
	struct home_frame f;

	pump(p->h);
	while (next_frame(p->h, &f)) {
		struct due *d = &p->due[p->last++ % ARRAY_SIZE(p->due)];

		CHECK(p->last - p->first < ARRAY_SIZE(p->due));
		*d = (struct due){ .at = p->h->now + p->rtt * NSEC_PER_MSEC, .type = f.type,
				   .stream = f.stream };
		if (f.type == KH2_FRAME_WINDOW_UPDATE)
			d->inc = get_unaligned_be32(f.p);
		else if (f.type == KH2_FRAME_PING)
			d->payload = get_unaligned_le64(f.p);
		p->pings += f.type == KH2_FRAME_PING;
	}
}

static void arrive(struct path *p)
{
	for (; p->first != p->last; p->first++) {
		const struct due *d = &p->due[p->first % ARRAY_SIZE(p->due)];

		if (d->at > p->h->now)
			return;
		if (d->type == KH2_FRAME_PING)
			feed_ping(p->h, KH2_FLAG_ACK, d->payload);
		else if (d->type == KH2_FRAME_SETTINGS)
			feed_settings_ack(p->h);
		else if (d->stream)
			p->up[d->stream / 2].window += d->inc;
		else
			p->conn += d->inc;
	}
}

/* A frame of DATA, as long as windows and the path allow; 0: none */
static u64 send_one(struct path *p, struct upload *u, u64 room)
{
	static const u8 zeros[16384];
	s64 n = min_t(s64, min(room, sizeof(zeros)), min(u->window, p->conn));

	if (n <= 0 || u->idle)
		return 0;
	feed_frame(p->h, KH2_FRAME_DATA, 0, id_of(p, u), zeros, (size_t)n);
	u->window -= n;
	u->sent += (u64)n;
	p->conn -= n;
	return (u64)n;
}

/* Streams take turns, and what the path takes in a millisecond is shared so. */
static void send_all(struct path *p)
{
	u64 room = p->rate;

	for (u32 quiet = 0; room && quiet < p->n; p->turn = (p->turn + 1) % p->n) {
		u64 n = send_one(p, &p->up[p->turn], min(room, p->rate / p->n + 1));

		quiet = n ? 0 : quiet + 1;
		room -= n;
	}
}

static void read_all(struct path *p)
{
	u64 held = 0;

	for (u32 i = 0; i < p->n; i++) {
		struct upload *u = &p->up[i];
		u64 n = min(u->sent - u->read, u->pace);

		if (n)
			EQ(sub_consume(p->h, 2 * i + 1, n), 0);
		u->read += n;
		held += u->sent - u->read;
	}
	p->held = max(p->held, held);
}

static void run(struct path *p, u32 ms)
{
	while (ms--) {
		p->h->now += NSEC_PER_MSEC;
		look_at_output(p);
		arrive(p);
		send_all(p);
		read_all(p);
	}
	want_alive(p->h);
}

/* Octets that an upload sends in a time */
static u64 sent_in(struct path *p, const struct upload *u, u32 ms)
{
	u64 before = u->sent;

	run(p, ms);
	return u->sent - before;
}

static void path_end(struct path *p)
{
	home_free(p->h);
	free(p);
}

TEST(window_grows_until_the_path_is_full)
{
	struct path *p = path_new();
	const struct upload *u = upload_begin(p, ALL);

	run(p, 400);
	/* eight round trips after it began, nothing but the path holds it back */
	EQ(sent_in(p, u, 500), 500 * p->rate);
	CHECK(counter(p->h, KH2_C_WINDOW_GROWN) >= 4);
	CHECK(window_of(p, u) < 4 * 60 * (s64)p->rate);
	path_end(p);
}

TEST(window_grows_on_a_long_path)
{
	struct path *p = path_prepare();
	const struct upload *u;

	p->rtt = 200;
	path_start(p);
	u = upload_begin(p, ALL);
	run(p, 8 * 200);
	EQ(sent_in(p, u, 1000), 1000 * p->rate);
	path_end(p);
}

TEST(window_does_not_grow_without_need)
{
	struct path *p = path_prepare();
	const struct upload *u;

	p->rtt = 1;
	p->rate = 1000;
	path_start(p);
	u = upload_begin(p, ALL);
	EQ(sent_in(p, u, 2000), 2000 * p->rate);
	EQ(counter(p->h, KH2_C_WINDOW_GROWN), 0);
	CHECK(window_of(p, u) <= KH2_WINDOW_INITIAL);
	path_end(p);
}

TEST(window_stops_growing_at_the_limit)
{
	struct path *p = path_prepare();
	const struct upload *u;

	p->h->cfg.limits[KH2_L_WINDOW_MAX] = 200000;
	p->rate = 200000;
	path_start(p);
	u = upload_begin(p, ALL);
	run(p, 2000);
	CHECK(sent_in(p, u, 1000) <= 200000 * 20);
	CHECK(sent_in(p, u, 1000) >= 200000 * 20 * 3 / 4);
	CHECK(window_of(p, u) <= 200000);
	path_end(p);
}

TEST(window_stops_growing_at_what_memory_allows)
{
	struct path *p = path_prepare();
	struct upload *u;

	p->h->cfg.limits[KH2_L_MEMORY] = MIB;
	p->h->cfg.limits[KH2_L_WINDOW_MAX] = 1 << 30;
	p->rate = 200000;
	path_start(p);
	u = upload_begin(p, ALL);
	run(p, 2000);
	CHECK(window_of(p, u) <= MIB);
	u->pace = 0;
	run(p, 1000);
	CHECK(p->held <= (u64)MIB);
	EQ(window_of(p, u) <= 0 || info(p->h).local_window <= 0, 1);
	path_end(p);
}

TEST(window_does_not_grow_for_a_slow_reader)
{
	struct path *p = path_new();
	const struct upload *u = upload_begin(p, 100);

	run(p, 5000);
	EQ(counter(p->h, KH2_C_WINDOW_GROWN), 0);
	CHECK(p->held <= KH2_WINDOW_INITIAL);
	EQ(u->read, 5000 * 100);
	path_end(p);
}

TEST(window_does_not_grow_for_a_reader_that_stopped)
{
	struct path *p = path_new();
	const struct upload *u = upload_begin(p, 0);

	run(p, 1000);
	EQ(u->sent, KH2_WINDOW_INITIAL);
	EQ(counter(p->h, KH2_C_WINDOW_GROWN), 0);
	path_end(p);
}

TEST(window_does_not_grow_while_the_round_trip_is_unknown)
{
	struct path *p = path_prepare();
	struct upload *u;

	home_start(p->h);
	p->conn = info(p->h).local_window;
	feed(p->h, KH2_PREFACE, KH2_PREFACE_LEN);
	feed_frame(p->h, KH2_FRAME_SETTINGS, 0, 0, NULL, 0);
	forget(p->h);
	u = upload_begin(p, ALL);
	run(p, 1000);
	EQ(counter(p->h, KH2_C_WINDOW_GROWN), 0);
	feed_settings_ack(p->h);
	p->h->n_evs = p->h->ev_seen;
	CHECK(u->sent);
	path_end(p);
}

TEST(window_shrinks_when_the_pace_falls)
{
	struct path *p = path_new();
	struct upload *u = upload_begin(p, ALL);
	s32 large;

	run(p, 1000);
	large = window_of(p, u);
	CHECK(large > 500000);
	u->pace = 200;
	run(p, 20000);
	CHECK(counter(p->h, KH2_C_WINDOW_SHRUNK) > 0);
	p->held = 0;
	run(p, 1000);
	CHECK(p->held <= 2 * KH2_WINDOW_INITIAL);
	u->pace = ALL;
	run(p, 1000);
	EQ(sent_in(p, u, 500), 500 * p->rate);
	path_end(p);
}

TEST(window_that_was_learnt_is_there_from_the_first_data)
{
	struct path *p = path_new();
	struct upload *first = upload_begin(p, ALL);
	const struct upload *second;

	run(p, 1000);
	first->idle = true;
	run(p, 100);
	feed_frame(p->h, KH2_FRAME_DATA, KH2_FLAG_END_STREAM, 1, NULL, 0);
	second = upload_begin(p, ALL);
	run(p, 70);
	EQ(sent_in(p, second, 500), 500 * p->rate);
	path_end(p);
}

TEST(data_that_ends_at_once_asks_for_no_window)
{
	struct path *p = path_new();
	struct upload *u = upload_begin(p, ALL);

	run(p, 1000);
	u->idle = true;
	run(p, 100);
	for (u32 id = 3; id < 23; id += 2) {
		feed_headers(p->h, id, 0);
		feed_data(p->h, id, KH2_FLAG_END_STREAM, 100);
		EQ(sub_consume(p->h, id, 100), 0);
	}
	want_no_frame(p->h);
	path_end(p);
}

TEST(connection_window_is_what_the_session_may_hold)
{
	struct path *p = path_new();

	EQ(info(p->h).local_window, 10485760);
	EQ(info(p->h).local_window_max, 10485760);
	path_end(p);
}

TEST(readers_that_stopped_leave_the_window_to_others)
{
	struct path *p = path_new();
	const struct upload *u;

	for (int i = 0; i < 100; i++)
		upload_begin(p, 0);
	run(p, 600);
	EQ(p->held, 100 * KH2_WINDOW_INITIAL);
	u = upload_begin(p, ALL);
	run(p, 500);
	EQ(sent_in(p, u, 200), 200 * p->rate);
	path_end(p);
}

TEST(reader_that_stops_with_a_large_window_leaves_some_to_others)
{
	struct path *p = path_prepare();
	struct upload *u, *other;

	p->h->cfg.limits[KH2_L_MEMORY] = MIB;
	p->h->cfg.limits[KH2_L_WINDOW_MAX] = MIB * 3 / 4;
	path_start(p);
	u = upload_begin(p, ALL);
	run(p, 1000);
	CHECK(window_of(p, u) > MIB / 2);
	u->pace = 0;
	run(p, 500);
	CHECK(p->held > MIB / 2ULL);
	p->rate = 1000;
	other = upload_begin(p, ALL);
	run(p, 500);
	EQ(sent_in(p, other, 1000), 1000 * p->rate);
	CHECK(p->held <= (u64)MIB);
	path_end(p);
}

/* The bound of memory holds, whatever it is that is not read. */
TEST(unread_octets_never_pass_the_memory_of_the_session)
{
	struct path *p = path_prepare();
	struct upload *u;

	p->h->cfg.limits[KH2_L_MEMORY] = 2 * MIB;
	path_start(p);
	u = upload_begin(p, ALL);
	run(p, 1000);
	u->pace = 0;
	for (int i = 0; i < 100; i++)
		upload_begin(p, 0);
	run(p, 800);
	CHECK(p->held <= 2ULL * MIB);
	CHECK(p->held >= 2ULL * MIB - 16384);
	for (u32 i = 0; i < p->n; i++)
		p->up[i].pace = ALL;
	CHECK(sent_in(p, &p->up[50], 800) > 50000);
	path_end(p);
}

TEST(uploads_side_by_side_get_the_same)
{
	struct path *p = path_new();
	u64 least = ALL, most = 0, sum = 0;

	for (int i = 0; i < 8; i++)
		upload_begin(p, ALL);
	run(p, 1000);
	for (u32 i = 0; i < 8; i++) {
		p->up[i].sent -= p->up[i].read;
		p->up[i].read = 0;
	}
	run(p, 1000);
	for (u32 i = 0; i < 8; i++) {
		least = min(least, p->up[i].sent);
		most = max(most, p->up[i].sent);
		sum += p->up[i].sent;
	}
	EQ(sum, 1000 * p->rate);
	CHECK(least * 10 >= most * 9);
	path_end(p);
}

/* The first has all the memory; others ask for their share, and get it. */
TEST(window_of_one_gives_way_to_others)
{
	struct path *p = path_prepare();
	struct upload *first;

	p->rate = 10000;
	p->h->cfg.limits[KH2_L_MEMORY] = MIB;
	path_start(p);
	first = upload_begin(p, ALL);
	run(p, 1000);
	CHECK(window_of(p, first) > MIB / 2);
	for (int i = 0; i < 3; i++)
		upload_begin(p, ALL);
	run(p, 1500);
	CHECK(counter(p->h, KH2_C_WINDOW_SHRUNK) > 0);
	for (u32 i = 0; i < 4; i++) {
		u64 n = sent_in(p, &p->up[i], 500);

		CHECK(n >= 500 * p->rate / 4 * 8 / 10);
		CHECK(n <= 500 * p->rate / 4 * 12 / 10);
	}
	path_end(p);
}

TEST(window_that_the_owner_chose_stays)
{
	struct path *p = path_prepare();
	const struct upload *u;

	p->h->cfg.settings[p->h->cfg.n_settings++] = (struct kh2_setting){
		.id = KH2_SETTINGS_INITIAL_WINDOW_SIZE, .value = 100000,
	};
	path_start(p);
	u = upload_begin(p, ALL);
	run(p, 2000);
	EQ(counter(p->h, KH2_C_WINDOW_GROWN), 0);
	EQ(counter(p->h, KH2_C_PING_PROBES), 0);
	CHECK(window_of(p, u) <= 100000);
	CHECK(sent_in(p, u, 1000) <= 20 * 100000);
	path_end(p);
}

TEST(window_that_had_grown_obeys_a_setting)
{
	struct path *p = path_new();
	struct upload *u = upload_begin(p, ALL);

	run(p, 1000);
	CHECK(window_of(p, u) > 500000);
	EQ(sub_setting(p->h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 20000), 0);
	run(p, p->rtt + 1);
	u->window -= KH2_WINDOW_INITIAL - 20000;
	run(p, 500);
	CHECK(window_of(p, u) <= 20000);
	CHECK(sent_in(p, u, 1000) <= 20 * 20000);
	CHECK(sent_in(p, u, 1000) >= 10 * 20000);
	path_end(p);
}

TEST(setting_that_would_widen_a_window_too_far_is_refused)
{
	struct path *p = path_new();
	struct upload *u = upload_begin(p, ALL);
	s32 before;

	run(p, 1000);
	CHECK(window_of(p, u) > 500000);
	EQ(sub_setting(p->h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 0x7fffffff), -ERANGE);
	run(p, p->rtt + 1);
	want_alive(p->h);
	/* what is refused changes nothing, and what is sent ends the growth */
	u->pace = 0;
	before = window_of(p, u);
	EQ(sub_setting(p->h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 0x7f000000), 0);
	run(p, p->rtt + 1);
	CHECK(window_of(p, u) > before);
	want_alive(p->h);
	path_end(p);
}

TEST(connection_window_that_the_owner_chose_stays)
{
	struct path *p = path_prepare();

	p->h->cfg.conn_window = 200000;
	path_start(p);
	for (int i = 0; i < 4; i++)
		upload_begin(p, 0);
	run(p, 1000);
	EQ(p->held, 200000);
	EQ(info(p->h).local_window_max, 200000);
	path_end(p);
}

TEST(memory_that_is_raised_opens_the_connection_window)
{
	struct path *p = path_prepare();
	u32 limits[__KH2_L_END];

	p->h->cfg.limits[KH2_L_MEMORY] = 200000;
	path_start(p);
	for (int i = 0; i < 4; i++)
		upload_begin(p, 0);
	run(p, 500);
	EQ(p->held, 200000);
	memcpy(limits, p->h->cfg.limits, sizeof(limits));
	limits[KH2_L_MEMORY] = 400000;
	kh2e_set_limits(p->h->e, limits);
	run(p, 500);
	EQ(p->held, 4 * KH2_WINDOW_INITIAL);
	limits[KH2_L_MEMORY] = 100000;
	kh2e_set_limits(p->h->e, limits);
	for (u32 i = 0; i < 4; i++)
		p->up[i].pace = 1000;
	run(p, 500);
	p->held = 0;
	run(p, 500);
	CHECK(p->held <= 100000);
	path_end(p);
}

TEST(probes_are_few_and_only_while_data_flows)
{
	struct path *p = path_new();
	struct upload *u = upload_begin(p, ALL);

	run(p, 2000);
	CHECK(p->pings >= 1 && p->pings <= 8);
	EQ(p->pings, counter(p->h, KH2_C_PING_PROBES));
	p->rate = 500;
	p->pings = 0;
	run(p, 25000);
	CHECK(p->pings >= 2 && p->pings <= 4);
	u->idle = true;
	p->pings = 0;
	run(p, 25000);
	EQ(p->pings, 0);
	CHECK(info(p->h).rtt / NSEC_PER_MSEC - 50 <= 1);
	path_end(p);
}

TEST(probe_that_is_not_answered_is_the_last)
{
	struct path *p = path_prepare();
	struct upload *u;

	path_start(p);
	u = upload_begin(p, ALL);
	for (int i = 0; i < 100; i++) {
		p->h->now += 20 * NSEC_PER_MSEC;
		feed_data(p->h, 1, 0, 16384);
		EQ(sub_consume(p->h, 1, 16384), 0);
		EQ(counter(p->h, KH2_C_PING_PROBES) <= 1, 1);
	}
	CHECK(!u->sent);
	path_end(p);
}

/* A PING of the owner's is told, the engine's own is not. */
TEST(probe_makes_no_event)
{
	struct path *p = path_new();

	upload_begin(p, ALL);
	run(p, 1000);
	EQ(sub_ping(p->h, 77), 0);
	run(p, 1000);
	CHECK(p->pings > 1);
	for (size_t i = 0, n = 0; i < p->h->n_evs; i++) {
		n += p->h->evs[i].ev.type == KH2_EV_PING_ACK;
		CHECK(n <= 1);
	}
	path_end(p);
}

TEST(window_follows_a_path_that_became_longer)
{
	struct path *p = path_prepare();
	const struct upload *u;

	p->rtt = 5;
	p->rate = 1000;
	path_start(p);
	u = upload_begin(p, ALL);
	run(p, 1000);
	p->rtt = 300;
	run(p, 70000);
	EQ(sent_in(p, u, 1000), 1000 * p->rate);
	path_end(p);
}

TEST(window_of_the_largest_size_does_not_overflow)
{
	struct kh2e_recv_window w;
	u64 now = 1;

	kh2e_recv_window_init(&w, KH2_WINDOW_INITIAL);
	kh2e_recv_window_begin(&w, now, 0);
	for (int i = 0; i < 100; i++) {
		now += (i % 2 + 1) * NSEC_PER_SEC;
		kh2e_recv_window_tune(&w, KH2_WINDOW_MAX, now, 3600 * NSEC_PER_SEC,
				      KH2_WINDOW_INITIAL, KH2_WINDOW_MAX);
		kh2e_recv_window_tune(&w, KH2_WINDOW_MAX, now, U64_MAX,
				      KH2_WINDOW_INITIAL, KH2_WINDOW_MAX);
	}
	EQ(w.size, KH2_WINDOW_MAX);
	EQ(kh2e_recv_window_credit(&w, 0), KH2_WINDOW_MAX - KH2_WINDOW_INITIAL);
	EQ(w.left, KH2_WINDOW_MAX);
	EQ(kh2e_recv_window_credit(&w, 0), 0);
	EQ(kh2e_recv_window_credit(&w, ~0ULL >> 1), 0);
	EQ(kh2e_recv_window_share(&w, ~0ULL >> 1), 0);
	CHECK(!kh2e_recv_window_take(&w, 0x80000000));
	CHECK(kh2e_recv_window_take(&w, KH2_WINDOW_MAX));
	EQ(kh2e_recv_window_share(&w, KH2_WINDOW_MAX), 0);
	EQ(kh2e_recv_window_share(&w, 0), KH2_WINDOW_MAX);
}

/* Streams that are not read hold nearly all: the rest still goes round. */
TEST(connection_window_that_is_nearly_held_goes_round)
{
	struct kh2e_recv_window w;

	kh2e_recv_window_init(&w, 1000000);
	CHECK(kh2e_recv_window_take(&w, 1000000));
	EQ(kh2e_recv_window_share(&w, 999999), 1);
	for (int i = 0; i < 100; i++) {
		CHECK(kh2e_recv_window_take(&w, 1));
		EQ(kh2e_recv_window_share(&w, 1000000), 0);
		EQ(kh2e_recv_window_share(&w, 999999), 1);
	}
}
