// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Streams from a peer's first frame to on_close: order of callbacks, resets, refusals, memory. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "peer.h"

/* What the callbacks saw, in order */
static char saw[4096];
static struct kh2_stream *last;
static u32 last_code;

static void see(const char *what)
{
	strcat(saw, what);
}

static void on_stream(struct kh2_server *srv, struct kh2_stream *st, const struct kh2_headers *h,
		      uint8_t flags, void *user)
{
	(void)srv;
	(void)h;
	(void)flags;
	(void)user;
	see("stream ");
	last = st;
}

static void on_data(struct kh2_stream *st, const void *buf, size_t len, void *user)
{
	(void)st;
	(void)buf;
	(void)len;
	(void)user;
	see("data ");
}

static void on_end(struct kh2_stream *st, void *user)
{
	(void)st;
	(void)user;
	see("end ");
}

static void on_error(struct kh2_stream *st, int err, uint32_t code, void *user)
{
	(void)st;
	(void)err;
	(void)code;
	(void)user;
	see("error ");
}

static void on_close(struct kh2_stream *st, uint32_t code, void *user)
{
	(void)st;
	(void)user;
	see("close ");
	last = NULL;
	last_code = code;
}

static void close_in_trailers(struct kh2_stream *st, const struct kh2_headers *h, uint8_t flags,
			      void *user)
{
	(void)flags;
	(void)user;
	see("trailers ");
	EQ(kh2_stream_close(st, KH2_CANCEL), 0);
	CHECK(!strcmp(kh2_headers_get(h, "x", NULL), "y"));
}

static const struct kh2_stream_cbs watching = {
	.sz = sizeof(watching),
	.on_data = on_data,
	.on_end = on_end,
	.on_error = on_error,
	.on_close = on_close,
	.on_trailers = close_in_trailers,
};

static void watch(struct kh2_server *srv, struct kh2_stream *st, const struct kh2_headers *h,
		  uint8_t flags, void *user)
{
	on_stream(srv, st, h, flags, user);
	kh2_stream_set_callbacks(st, &watching, NULL);
}

static const struct kh2_server_cbs server = { .sz = sizeof(server), .on_stream = watch };

static const u8 trailers[] = { 0x00, 0x01, 'x', 0x01, 'y' };

TEST(trailers_outlive_the_stream_that_is_closed_in_their_callback)
{
	static struct peer p;

	peer_begin(&p, NULL, &server, NULL, 0);
	peer_request(&p, 1, true, 0);
	peer_frame(&p, KH2_FRAME_HEADERS, KH2_FLAG_END_STREAM | KH2_FLAG_END_HEADERS, 1, trailers,
		   sizeof(trailers));
	peer_turn(&p);
	CHECK(!strcmp(saw, "stream trailers error close "));
	peer_end(&p);
}

TEST(second_block_on_a_refused_stream_is_no_request)
{
	static const u8 no_path[] = { 0x82, 0x86, 0x01, 0x01, 'a' };
	static struct peer p;
	static struct got f;

	peer_begin(&p, NULL, &server, NULL, 0);
	peer_frame(&p, KH2_FRAME_HEADERS, KH2_FLAG_END_HEADERS, 1, no_path, sizeof(no_path));
	peer_request(&p, 1, false, KH2_FLAG_END_STREAM);
	CHECK(peer_find(&p, KH2_FRAME_RST_STREAM, 1, &f));
	EQ(get_unaligned_be32(f.payload), KH2_PROTOCOL_ERROR);
	CHECK(!*saw);
	peer_request(&p, 3, false, KH2_FLAG_END_STREAM);
	peer_turn(&p);
	CHECK(!strcmp(saw, "stream end "));
	peer_end(&p);
}

TEST(answer_431_beyond_the_peers_limit_becomes_a_reset)
{
	const struct kh2_setting tiny = { .id = KH2_SETTINGS_MAX_HEADER_LIST_SIZE, .value = 10 };
	static struct peer p;
	static struct got f;
	u8 block[5 + 200 * 4];
	u32 len = 0;

	peer_begin(&p, NULL, &server, &tiny, 1);
	memcpy(block, (const u8[]){ 0x82, 0x86, 0x84 }, 3);
	for (len = 3; len + 5 < sizeof(block); len += 5)
		memcpy(block + len, (const u8[]){ 0x00, 0x01, 'a', 0x01, 'b' }, 5);
	peer_frame(&p, KH2_FRAME_HEADERS, KH2_FLAG_END_HEADERS | KH2_FLAG_END_STREAM, 1, block,
		   len);
	CHECK(peer_find(&p, KH2_FRAME_RST_STREAM, 1, &f));
	EQ(get_unaligned_be32(f.payload), KH2_ENHANCE_YOUR_CALM);
	CHECK(!*saw);
	peer_end(&p);
}

/* Octets of the connection's window that the server gave back so far */
static u32 window_updates(struct peer *p, u32 stream)
{
	static struct got f;
	u32 sum = 0;

	peer_turn(p);
	while (peer_read(p, &f))
		if (f.type == KH2_FRAME_WINDOW_UPDATE && f.stream == stream)
			sum += get_unaligned_be32(f.payload);
	return sum;
}

TEST(octets_of_a_reset_stream_are_given_back_once)
{
	const struct kh2_server_opts opts = { .sz = sizeof(opts), .conn_window = 65535 };
	static u8 body[16384];
	static struct peer p;
	u32 sent = 0, back = 0;

	peer_begin(&p, &opts, &server, NULL, 0);
	for (u32 id = 1; id < 40; id += 2) {
		peer_request(&p, id, true, 0);
		peer_turn(&p);
		kh2_stream_pause(last);
		peer_frame(&p, KH2_FRAME_DATA, 0, id, body, sizeof(body));
		peer_turn(&p);
		EQ(kh2_stream_close(last, KH2_CANCEL), 0);
		peer_frame(&p, KH2_FRAME_DATA, 0, id, body, 100);
		sent += sizeof(body) + 100;
		back += window_updates(&p, 0);
		CHECK(back <= sent);
	}
	CHECK(sent - back < 65535);
	peer_end(&p);
}

static void finish_unread(struct peer *p)
{
	peer_begin(p, NULL, &server, NULL, 0);
	peer_request(p, 1, true, 0);
	peer_turn(p);
	kh2_stream_pause(last);
	EQ(kh2_respond(last, NULL, NULL), 0);
	EQ(kh2_stream_end(last, "ok", 2), 0);
	peer_frame(p, KH2_FRAME_DATA, KH2_FLAG_END_STREAM, 1, "body", 4);
	peer_turn(p);
	CHECK(!strcmp(saw, "stream "));
}

TEST(shutdown_waits_for_the_application_to_read)
{
	static struct peer p;
	static struct got f;

	finish_unread(&p);
	kh2_server_shutdown(p.srv);
	peer_turn(&p);
	while (peer_read(&p, &f))
		if (f.type == KH2_FRAME_PING)
			peer_frame(&p, KH2_FRAME_PING, KH2_FLAG_ACK, 0, f.payload, 8);
	peer_turn(&p);
	CHECK(!strcmp(saw, "stream "));
	CHECK(!kh2_session_is_destroyed(p.s));
	kh2_stream_resume(last);
	peer_turn(&p);
	CHECK(!strcmp(saw, "stream data end close "));
	EQ(last_code, 0);
	CHECK(kh2_session_is_destroyed(p.s));
	peer_end(&p);
}

TEST(stream_that_ended_well_is_no_failure_of_its_session)
{
	static struct peer p;

	finish_unread(&p);
	EQ(kh2_session_destroy(p.s, 0, KH2_NO_ERROR), 0);
	peer_turn(&p);
	shutdown(p.fd, SHUT_WR);
	peer_turn(&p);
	CHECK(!strcmp(saw, "stream close "));
	EQ(last_code, 0);
	peer_end(&p);
}

TEST(destroying_a_stream_that_waits_for_its_reader_ends_it)
{
	static struct peer p;

	finish_unread(&p);
	EQ(kh2_stream_destroy(last, -EIO), 0);
	peer_turn(&p);
	CHECK(!strcmp(saw, "stream close "));
	peer_end(&p);
}

TEST(stream_counts_until_its_last_reference_goes)
{
	const struct kh2_limit_value one = { .id = KH2_L_STREAMS, .value = 1 };
	const struct kh2_server_opts opts = { .sz = sizeof(opts), .limits = &one, .n_limits = 1 };
	u8 cancel[4] = { 0, 0, 0, KH2_CANCEL };
	struct kh2_stream *held;
	static struct peer p;
	static struct got f;

	peer_begin(&p, &opts, &server, NULL, 0);
	peer_request(&p, 1, true, 0);
	peer_turn(&p);
	held = kh2_stream_get(last);
	peer_frame(&p, KH2_FRAME_RST_STREAM, 0, 1, cancel, 4);
	peer_turn(&p);
	CHECK(!last);
	peer_request(&p, 3, true, 0);
	CHECK(peer_find(&p, KH2_FRAME_RST_STREAM, 3, &f));
	EQ(get_unaligned_be32(f.payload), KH2_REFUSED_STREAM);
	kh2_stream_put(held);
	peer_request(&p, 5, true, 0);
	peer_turn(&p);
	CHECK(last);
	held = kh2_stream_get(last);
	peer_end(&p);
	kh2_stream_put(held);
}

/* RFC 9113 4.3: nobody wants the stream, and its block is decoded all the same */
TEST(bad_block_of_a_refused_stream_fails_the_connection)
{
	const struct kh2_limit_value one = { .id = KH2_L_STREAMS, .value = 1 };
	const struct kh2_server_opts opts = { .sz = sizeof(opts), .limits = &one, .n_limits = 1 };
	static const u8 index_zero[] = { 0x80 };
	static struct peer p;
	static struct got f;

	peer_begin(&p, &opts, &server, NULL, 0);
	peer_request(&p, 1, true, 0);
	peer_request(&p, 3, true, 0);
	CHECK(peer_find(&p, KH2_FRAME_RST_STREAM, 3, &f));
	EQ(get_unaligned_be32(f.payload), KH2_REFUSED_STREAM);
	peer_frame(&p, KH2_FRAME_HEADERS, KH2_FLAG_END_HEADERS, 5, index_zero,
		   sizeof(index_zero));
	CHECK(peer_find(&p, KH2_FRAME_GOAWAY, 0, &f));
	EQ(get_unaligned_be32(f.payload + 4), KH2_COMPRESSION_ERROR);
	peer_end(&p);
}

TEST(priority_update_before_its_request_is_kept)
{
	static const u8 update[] = { 0, 0, 0, 3, 'u', '=', '1' };
	struct kh2_priority prio;
	static struct peer p;

	peer_begin(&p, NULL, &server, NULL, 0);
	peer_frame(&p, KH2_FRAME_PRIORITY_UPDATE, 0, 0, update, sizeof(update));
	peer_request(&p, 1, true, 0);
	peer_turn(&p);
	kh2_stream_get_priority(last, &prio);
	EQ(prio.urgency, 3);
	peer_request(&p, 3, true, 0);
	peer_turn(&p);
	kh2_stream_get_priority(last, &prio);
	EQ(prio.urgency, 1);
	CHECK(!prio.incremental);
	peer_end(&p);
}

static void check_priority(struct kh2_stream *st, u8 urgency, bool incremental)
{
	struct kh2_stream_state state;
	struct kh2_priority prio;

	kh2_stream_get_priority(st, &prio);
	EQ(prio.urgency, urgency);
	EQ(prio.incremental, incremental);
	EQ(kh2_stream_state(st, &state, sizeof(state)), 0);
	EQ(state.urgency, urgency);
	EQ(state.incremental, incremental);
}

/* RFC 9218 8: it changes what it names */
TEST(priority_field_of_the_response_overrides_the_clients)
{
	static const u8 update[] = { 0, 0, 0, 1, 'u', '=', '6', ',', 'i' };
	struct kh2_headers *h;
	static struct peer p;

	peer_begin(&p, NULL, &server, NULL, 0);
	peer_request(&p, 1, true, 0);
	peer_turn(&p);
	peer_frame(&p, KH2_FRAME_PRIORITY_UPDATE, 0, 0, update, sizeof(update));
	peer_turn(&p);
	check_priority(last, 6, true);
	EQ(kh2_headers_new(&h), 0);
	EQ(kh2_headers_add(h, "priority", "u=1"), 0);
	EQ(kh2_respond(last, h, NULL), 0);
	kh2_headers_free(h);
	peer_turn(&p);
	check_priority(last, 1, true);
	peer_end(&p);
}

TEST(dependencies_are_shown_and_sent)
{
	struct kh2_prio_opts opts = { .sz = sizeof(opts), .weight = 100 };
	struct kh2_stream_state state;
	struct kh2_stream *first;
	static struct peer p;
	struct got f;

	peer_begin(&p, NULL, &server, NULL, 0);
	peer_request(&p, 1, true, 0);
	peer_turn(&p);
	first = last;
	peer_request(&p, 3, true, 0);
	peer_turn(&p);
	EQ(kh2_stream_state(last, &state, sizeof(state)), 0);
	EQ(state.weight, 16);
	opts.parent = 1;
	EQ(kh2_stream_priority(last, &opts), 0);
	peer_turn(&p);
	CHECK(peer_find(&p, KH2_FRAME_PRIORITY, 3, &f));
	EQ(get_unaligned_be32(f.payload), 1);
	EQ(f.payload[4], 99);
	EQ(kh2_stream_state(last, &state, sizeof(state)), 0);
	EQ(state.weight, 100);
	EQ(state.parent, 1);
	EQ(kh2_stream_state(first, &state, sizeof(state)), 0);
	EQ(state.sum_dependency_weight, 100);
	opts.silent = true;
	opts.parent = 3;
	EQ(kh2_stream_priority(first, &opts), 0);
	peer_turn(&p);
	EQ(kh2_stream_state(first, &state, sizeof(state)), 0);
	EQ(state.parent, 3);
	CHECK(!peer_find(&p, KH2_FRAME_PRIORITY, 1, &f));
	EQ(kh2_stream_priority(first, &(struct kh2_prio_opts){ .sz = sizeof(opts), .weight = 257 }),
	   -ERANGE);
	opts.parent = 1;
	EQ(kh2_stream_priority(first, &opts), -EINVAL);
	peer_end(&p);
}
