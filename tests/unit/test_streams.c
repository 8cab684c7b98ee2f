// SPDX-License-Identifier: GPL-2.0 OR MIT
/* How streams are counted, end, and are reset. */
#include "home.h"

TEST(client_and_server_stream_ids)
{
	struct home *h = home_client();

	EQ(info(h).next_stream_id, 1);
	EQ(sub_headers(h, 1, KH2_SQE_END_STREAM), 0);
	EQ(info(h).next_stream_id, 3);
	EQ(sub_headers(h, 7, KH2_SQE_END_STREAM), 0);
	EQ(info(h).next_stream_id, 9);
	EQ(sinfo(h, 7).state, KH2E_HALF_LOCAL);
	home_free(h);
	h = home_server();
	EQ(info(h).next_stream_id, 2);
	feed_headers(h, 5, 0);
	EQ(info(h).last_proc_id, 5);
	EQ(sinfo(h, 5).state, KH2E_STREAM_OPEN);
	feed_data(h, 5, KH2_FLAG_END_STREAM, 1);
	EQ(sinfo(h, 5).state, KH2E_HALF_REMOTE);
	home_free(h);
}

/* However many are asked for at once */
TEST(streams_can_be_walked_by_id)
{
	struct home *h = home_server();
	u32 ids[64];

	for (u32 i = 1; i < 100; i += 2)
		feed_headers(h, i, KH2_FLAG_END_STREAM);
	EQ(info(h).streams, 50);
	for (u32 room = 1; room <= ARRAY_SIZE(ids); room++) {
		u32 last = 0, n;

		while ((n = kh2e_stream_ids(h->e, last, ids, room))) {
			CHECK(n <= room);
			for (u32 i = 0; i < n; i++) {
				EQ(ids[i], last ? last + 2 : 1);
				last = ids[i];
			}
		}
		EQ(last, 99);
	}
	home_free(h);
}

static struct home *limited(u32 streams)
{
	return home_limited(KH2_L_STREAMS, streams);
}

TEST(stream_reset_by_peer_counts_until_released)
{
	struct home *h = limited(2);

	feed_headers(h, 1, 0);
	feed_headers(h, 3, 0);
	feed_rst(h, 1, KH2_CANCEL);
	feed_rst(h, 3, KH2_CANCEL);
	EQ(info(h).streams_peer, 2);
	feed_headers(h, 5, 0);
	want_rst(h, 5, KH2_REFUSED_STREAM);
	EQ(sub_op(h, KH2_OP_RELEASE, 1), 0);
	EQ(info(h).streams_peer, 1);
	feed_headers(h, 7, 0);
	want_no_frame(h);
	feed_headers(h, 9, 0);
	want_rst(h, 9, KH2_REFUSED_STREAM);
	EQ(counter(h, KH2_C_REFUSED_CONCURRENCY), 2);
	forget(h);
	home_end(h);
}

TEST(stream_that_completes_stops_counting)
{
	struct home *h = limited(1);

	for (u32 id = 1; id < 2000; id += 2) {
		feed_headers(h, id, KH2_FLAG_END_STREAM);
		close_stream(h, id);
		want_frame(h, KH2_FRAME_HEADERS, 5, id);
	}
	EQ(counter(h, KH2_C_REFUSED_CONCURRENCY), 0);
	EQ(counter(h, KH2_C_STREAMS_COMPLETED), 1000);
	EQ(info(h).streams, 0);
	forget(h);
	home_end(h);
}

TEST(stream_that_ends_within_the_same_octets_stops_counting)
{
	struct home *h = limited(1);
	static const u8 octets[] = {
		0, 0, 0, 0, 1, 0, 0, 0, 1,			/* DATA, END_STREAM */
		0, 0, 3, 1, 5, 0, 0, 0, 3, 0x82, 0x87, 0x84,	/* HEADERS of the next */
	};

	feed_headers(h, 1, 0);
	close_stream(h, 1);
	forget(h);
	feed(h, octets, sizeof(octets));
	EQ(counter(h, KH2_C_REFUSED_CONCURRENCY), 0);
	EQ(info(h).streams_peer, 1);
	forget(h);
	home_end(h);
}

TEST(stream_reset_by_the_owner_stops_counting)
{
	struct home *h = limited(1);

	for (u32 id = 1; id < 200; id += 2) {
		feed_headers(h, id, KH2_FLAG_END_STREAM);
		EQ(sub_code(h, KH2_OP_RST, id, KH2_CANCEL), 0);
		want_rst(h, id, KH2_CANCEL);
	}
	EQ(counter(h, KH2_C_REFUSED_CONCURRENCY), 0);
	EQ(info(h).streams, 0);
	forget(h);
	home_end(h);
}

TEST(answer_before_the_request_ends_then_rst_no_error)
{
	struct home *h = home_server();

	feed_headers(h, 1, 0);
	close_stream(h, 1);
	want_frame(h, KH2_FRAME_HEADERS, 5, 1);
	EQ(sinfo(h, 1).state, KH2E_HALF_LOCAL);
	EQ(sub_code(h, KH2_OP_RST, 1, KH2_NO_ERROR), 0);
	want_rst(h, 1, KH2_NO_ERROR);
	feed_data(h, 1, KH2_FLAG_END_STREAM, 100);
	want_no_frame(h);
	want_alive(h);
	forget(h);
	home_end(h);
}

/* Only so many ends are remembered, and by their number, not by time */
TEST(frame_for_a_stream_long_gone_is_answered_by_rst)
{
	struct home *h = home_server();
	u32 id;

	for (id = 1; id < 2 * 70; id += 2) {
		feed_headers(h, id, 0);
		EQ(sub_code(h, KH2_OP_RST, id, KH2_CANCEL), 0);
	}
	advance(h, 100000);
	forget(h);
	feed_data(h, id - 2, 0, 1);
	want_no_frame(h);
	feed_data(h, 1, 0, 1);
	want_rst(h, 1, KH2_STREAM_CLOSED);
	want_alive(h);
	home_free(h);
}

TEST(stream_objects_are_freed)
{
	struct home *h = home_server();
	u64 live = 0;

	for (u32 id = 1; id < 20001; id += 2) {
		feed_headers(h, id, id & 2 ? KH2_FLAG_END_STREAM : 0);
		switch ((id / 2) % 3) {
		case 0:
			feed_rst(h, id, KH2_CANCEL);
			EQ(sub_op(h, KH2_OP_RELEASE, id), 0);
			break;
		case 1:
			EQ(sub_code(h, KH2_OP_RST, id, KH2_CANCEL), 0);
			break;
		default:
			if (!(id & 2))
				feed_data(h, id, KH2_FLAG_END_STREAM, 0);
			close_stream(h, id);
		}
		forget(h);
		h->now += NSEC_PER_SEC;
		EQ(info(h).streams, 0);
		if (id == 2001)
			live = h->n_live;
	}
	EQ(h->n_live, live);
	want_alive(h);
	home_end(h);
}

TEST(closed_event_comes_once_for_each_stream)
{
	struct home *h = home_server();

	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	feed_headers(h, 3, 0);
	forget(h);
	close_stream(h, 1);
	pump(h);
	want_ev(h, KH2_EV_CLOSED, 1, 0);
	close_stream(h, 3);
	pump(h);
	want_no_ev(h);
	feed_data(h, 3, KH2_FLAG_END_STREAM, 0);
	want_ev(h, KH2_EV_DATA, 3, KH2_EVF_END_STREAM);
	want_ev(h, KH2_EV_CLOSED, 3, 0);
	want_no_ev(h);
	forget(h);
	home_end(h);
}

TEST(idle_is_told_by_kh2e_idle)
{
	struct home *h = home_server();

	CHECK(kh2e_idle(h->e));
	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	CHECK(!kh2e_idle(h->e));
	close_stream(h, 1);
	forget(h);
	CHECK(kh2e_idle(h->e));
	home_end(h);
}

/* -- our RST_STREAM and what the owner does not know yet (RFC 9113 5.4.2) -- */

/* Its window was to grow by nothing, and the owner has not heard of that */
static struct home *reset_unseen(void)
{
	struct home *h = home_server();

	feed_headers(h, 1, 0);
	forget(h);
	h->answers = false;
	feed_window(h, 1, 0);
	want_reset(h, 1, KH2_PROTOCOL_ERROR, KH2_C_STREAM_WINDOW_ZERO, KH2_EVF_LOCAL);
	want_no_frame(h);
	return h;
}

static int seen(struct home *h, u32 stream)
{
	const struct kh2_sqe sqe = {
		.opcode = KH2_OP_RELEASE, .flags = KH2_SQE_SEEN, .stream = stream,
	};

	return submit(h, &sqe, NULL);
}

TEST(block_submitted_before_a_reset_is_known_goes_before_it)
{
	const struct kh2_sqe promise = {
		.opcode = KH2_OP_PUSH_PROMISE, .stream = 1, .value = 2, .len = 3,
	};
	struct home *h = reset_unseen();

	EQ(submit(h, &promise, "\x82\x87\x84"), 0);
	EQ(sub_headers(h, 1, KH2_SQE_END_STREAM), 0);
	want_frame(h, KH2_FRAME_PUSH_PROMISE, KH2_FLAG_END_HEADERS, 1);
	/* what ends the stream is yet to come */
	want_frame(h, KH2_FRAME_HEADERS, KH2_FLAG_END_HEADERS, 1);
	EQ(seen(h, 1), 0);
	want_rst(h, 1, KH2_PROTOCOL_ERROR);
	/* its work goes on, and so does the stream's count */
	EQ(info(h).streams_peer, 1);
	EQ(seen(h, 1), 0);
	EQ(sub_op(h, KH2_OP_RELEASE, 1), 0);
	EQ(info(h).streams_peer, 0);
	EQ(seen(h, 1), 0);
	want_no_frame(h);
	want_alive(h);
	home_free(h);
}

TEST(rst_stream_waits_no_longer_than_for_the_release)
{
	struct home *h = reset_unseen();

	feed_data(h, 1, KH2_FLAG_END_STREAM, 10);
	EQ(sub_op(h, KH2_OP_RELEASE, 1), 0);
	want_rst(h, 1, KH2_PROTOCOL_ERROR);
	home_end(h);
}

TEST(rst_stream_that_waits_is_not_sent_when_the_peer_sends_its_own)
{
	struct home *h = reset_unseen();

	feed_rst(h, 1, KH2_CANCEL);
	EQ(seen(h, 1), 0);
	EQ(sub_op(h, KH2_OP_RELEASE, 1), 0);
	home_end(h);
}

TEST(stream_reset_by_a_third_is_told_to_the_owner_and_costs_nobody_his_budget)
{
	struct home *h = home_server();

	feed_headers(h, 1, 0);
	forget(h);
	h->answers = false;
	EQ(kh2e_reset(h->e, 3, KH2_CANCEL), -ENOENT);
	EQ(kh2e_reset(h->e, 1, KH2_CANCEL), 0);
	EQ(kh2e_reset(h->e, 1, KH2_CANCEL), -ENOENT);
	pump(h);
	want_reset(h, 1, KH2_CANCEL, KH2_C_STREAMS_RESET_BY_US, KH2_EVF_LOCAL);
	/* the owner answered before it knew */
	EQ(sub_headers(h, 1, KH2_SQE_END_STREAM), 0);
	want_frame(h, KH2_FRAME_HEADERS, KH2_FLAG_END_HEADERS, 1);
	EQ(seen(h, 1), 0);
	want_rst(h, 1, KH2_CANCEL);
	EQ(sub_op(h, KH2_OP_RELEASE, 1), 0);
	EQ(counter(h, KH2_C_STREAMS_RESET_BY_US), 1);
	want_alive(h);
	home_free(h);
}

TEST(part_of_a_body_that_is_lost_ends_its_stream)
{
	const struct kh2_sqe lost = { .opcode = KH2_OP_DATA, .stream = 1, .len = 10 };
	const struct kh2_sqe ended = { .opcode = KH2_OP_DATA, .stream = 3, .len = 10 };
	const struct kh2_sqe nowhere = { .opcode = KH2_OP_FILE, .stream = 9, .len = 10 };
	const struct kh2_sqe other = { .opcode = KH2_OP_PING };
	struct home *h = home_server();

	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	EQ(sub_headers(h, 1, 0), 0);
	forget(h);
	h->answers = false;
	/* nothing is lost of what is no body, and of streams that are not there or have ended */
	kh2e_submit_failed(h->e, &other);
	kh2e_submit_failed(h->e, &nowhere);
	feed_headers(h, 3, KH2_FLAG_END_STREAM);
	EQ(sub_headers(h, 3, KH2_SQE_END_STREAM), 0);
	forget(h);
	kh2e_submit_failed(h->e, &ended);
	pump(h);
	want_no_frame(h);
	kh2e_submit_failed(h->e, &lost);
	pump(h);
	want_reset(h, 1, KH2_INTERNAL_ERROR, KH2_C_STREAMS_RESET_BY_US, KH2_EVF_LOCAL);
	/* the rest of it, and trailers, were under way */
	EQ(try_data(h, 1, KH2_SQE_END_STREAM, 10, NULL), -EPIPE);
	EQ(sub_headers(h, 1, KH2_SQE_END_STREAM), 0);
	want_frame(h, KH2_FRAME_HEADERS, KH2_FLAG_END_HEADERS, 1);
	EQ(seen(h, 1), 0);
	want_rst(h, 1, KH2_INTERNAL_ERROR);
	want_alive(h);
	home_free(h);
}

TEST(rst_stream_does_not_wait_where_our_side_has_ended)
{
	struct home *h = home_client();

	EQ(sub_headers(h, 1, KH2_SQE_END_STREAM), 0);
	forget(h);
	h->answers = false;
	feed_window(h, 1, 0);
	want_rst(h, 1, KH2_PROTOCOL_ERROR);
	home_free(h);
}

TEST(stream_that_lives_cannot_be_seen_reset)
{
	struct home *h = home_server();

	feed_headers(h, 1, 0);
	forget(h);
	EQ(seen(h, 1), -EBUSY);
	home_end(h);
}
