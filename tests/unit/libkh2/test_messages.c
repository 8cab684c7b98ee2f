// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Messages between a peer's frames and the application: RFC 9113 8.1, 8.2, 8.5 on a connection. */
#include <string.h>

#include "peer.h"

/* What the callbacks saw, in order */
static char saw[256];
static struct kh2_stream *last;

static void see(const char *what)
{
	strcat(saw, what);
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

static void on_trailers(struct kh2_stream *st, const struct kh2_headers *h, uint8_t flags,
			void *user)
{
	(void)st;
	(void)h;
	(void)flags;
	(void)user;
	see("trailers ");
}

static void on_error(struct kh2_stream *st, int err, uint32_t code, void *user)
{
	(void)st;
	(void)user;
	/* else it goes with the session, at the test's end */
	if (err == KH2_ERR_PROTOCOL && code == KH2_PROTOCOL_ERROR)
		see("malformed ");
}

static void on_close(struct kh2_stream *st, uint32_t code, void *user)
{
	(void)st;
	(void)code;
	(void)user;
	see("close ");
	last = NULL;
}

static const struct kh2_stream_cbs watching = {
	.sz = sizeof(watching),
	.on_data = on_data,
	.on_end = on_end,
	.on_trailers = on_trailers,
	.on_error = on_error,
	.on_close = on_close,
};

static void on_stream(struct kh2_server *srv, struct kh2_stream *st, const struct kh2_headers *h,
		      uint8_t flags, void *user)
{
	(void)srv;
	(void)h;
	(void)flags;
	(void)user;
	see("stream ");
	last = st;
	kh2_stream_set_callbacks(st, &watching, NULL);
}

static const struct kh2_server_cbs server = { .sz = sizeof(server), .on_stream = on_stream };

static struct peer p;
static struct got f;

static void begin(const struct kh2_setting *v, u32 n)
{
	peer_begin(&p, NULL, &server, v, n);
}

static void headers(u8 flags, const void *block, u32 len)
{
	peer_frame(&p, KH2_FRAME_HEADERS, flags | KH2_FLAG_END_HEADERS, 1, block, len);
}

static void data(u8 flags, u32 len)
{
	static const u8 octets[100];

	peer_frame(&p, KH2_FRAME_DATA, flags, 1, octets, len);
}

/* A POST of 5 octets, it says */
static void post_of_5(u8 flags)
{
	static const u8 block[] = {
		0x83, 0x86, 0x84, 0x01, 0x01, 'a', 0x0f, 0x0d, 0x01, '5',
	};

	headers(flags, block, sizeof(block));
}

static void want_reset(const char *seen)
{
	CHECK(peer_find(&p, KH2_FRAME_RST_STREAM, 1, &f));
	EQ(get_unaligned_be32(f.payload), KH2_PROTOCOL_ERROR);
	peer_turn(&p);
	if (strcmp(saw, seen))
		FAIL("saw: %s", saw);
	/* and the connection goes on */
	peer_request(&p, 3, false, KH2_FLAG_END_STREAM);
	peer_turn(&p);
	CHECK(last && kh2_stream_id(last) == 3);
	peer_end(&p);
}

TEST(malformed_request_is_told_400_and_reset)
{
	static const u8 capital[] = { 0x82, 0x86, 0x84, 0x00, 0x01, 'A', 0x01, 'b' };

	begin(NULL, 0);
	headers(KH2_FLAG_END_STREAM, capital, sizeof(capital));
	CHECK(peer_find(&p, KH2_FRAME_HEADERS, 1, &f));
	EQ(f.flags, KH2_FLAG_END_HEADERS);
	EQ(f.len, 1);
	EQ(f.payload[0], 0x8c);		/* :status 400 */
	want_reset("");
}

TEST(malformed_request_of_a_peer_that_takes_no_fields_is_reset)
{
	const struct kh2_setting none = { .id = KH2_SETTINGS_MAX_HEADER_LIST_SIZE, .value = 0 };
	static const u8 capital[] = { 0x82, 0x86, 0x84, 0x00, 0x01, 'A', 0x01, 'b' };

	begin(&none, 1);
	headers(KH2_FLAG_END_STREAM, capital, sizeof(capital));
	want_reset("");
}

TEST(content_length_without_a_body_is_malformed)
{
	begin(NULL, 0);
	post_of_5(KH2_FLAG_END_STREAM);
	want_reset("");
}

TEST(body_shorter_than_content_length_is_malformed)
{
	begin(NULL, 0);
	post_of_5(0);
	data(0, 3);
	data(KH2_FLAG_END_STREAM, 1);
	want_reset("stream data malformed close ");
}

TEST(body_longer_than_content_length_is_malformed)
{
	begin(NULL, 0);
	post_of_5(0);
	data(0, 6);
	want_reset("stream malformed close ");
}

static const u8 trailers[] = { 0x00, 0x01, 'x', 0x01, 'y' };

TEST(body_shorter_than_content_length_before_trailers_is_malformed)
{
	begin(NULL, 0);
	post_of_5(0);
	data(0, 4);
	headers(KH2_FLAG_END_STREAM, trailers, sizeof(trailers));
	want_reset("stream data malformed close ");
}

TEST(body_of_its_content_length_is_fine)
{
	begin(NULL, 0);
	post_of_5(0);
	data(0, 5);
	data(0, 0);
	headers(KH2_FLAG_END_STREAM, trailers, sizeof(trailers));
	peer_turn(&p);
	CHECK(!strcmp(saw, "stream data trailers end "));
	peer_end(&p);
}

TEST(second_block_that_does_not_end_the_request_is_malformed)
{
	begin(NULL, 0);
	post_of_5(0);
	headers(0, trailers, sizeof(trailers));
	want_reset("stream malformed close ");
}

TEST(trailers_with_a_pseudo_header_field_are_malformed)
{
	static const u8 pseudo[] = { 0x82 };

	begin(NULL, 0);
	peer_request(&p, 1, true, 0);
	headers(KH2_FLAG_END_STREAM, pseudo, sizeof(pseudo));
	want_reset("stream malformed close ");
}

static void bad_trailers(const u8 *block, u32 len)
{
	begin(NULL, 0);
	peer_request(&p, 1, true, 0);
	headers(KH2_FLAG_END_STREAM, block, len);
	want_reset("stream malformed close ");
}

TEST(trailers_with_a_field_of_the_connection_are_malformed)
{
	static const u8 block[] = { 0x00, 0x02, 't', 'e', 0x01, 'g' };

	bad_trailers(block, sizeof(block));
}

TEST(trailers_with_a_capital_are_malformed)
{
	static const u8 block[] = { 0x00, 0x01, 'A', 0x01, 'b' };

	bad_trailers(block, sizeof(block));
}

TEST(trailers_with_nul_in_a_value_are_malformed)
{
	static const u8 block[] = { 0x00, 0x01, 'a', 0x03, 'b', '\0', 'c' };

	bad_trailers(block, sizeof(block));
}

/* ---- CONNECT ---- */

static void connect_to(void)
{
	static const u8 block[] = {
		0x02, 0x07, 'C', 'O', 'N', 'N', 'E', 'C', 'T', 0x01, 0x03, 'a', ':', '1',
	};

	begin(NULL, 0);
	headers(0, block, sizeof(block));
	peer_turn(&p);
	CHECK(!strcmp(saw, "stream "));
}

TEST(block_on_a_connected_stream_is_a_stream_error)
{
	connect_to();
	EQ(kh2_respond(last, NULL, NULL), 0);
	data(0, 10);
	headers(KH2_FLAG_END_STREAM, trailers, sizeof(trailers));
	want_reset("stream data malformed close ");
}

TEST(connected_stream_takes_no_trailers)
{
	const struct kh2_respond_opts opts = { .sz = sizeof(opts), .wait_for_trailers = true };

	connect_to();
	EQ(kh2_respond(last, NULL, &opts), -EINVAL);
	EQ(kh2_respond(last, NULL, NULL), 0);
	EQ(kh2_stream_write(last, "ab", 2), 2);
	EQ(kh2_stream_end(last, NULL, 0), 0);
	CHECK(peer_find(&p, KH2_FRAME_HEADERS, 1, &f));
	CHECK(peer_find(&p, KH2_FRAME_DATA, 1, &f));
	EQ(kh2_stream_send_trailers(last, NULL), KH2_ERR_TRAILERS_NOT_READY);
	data(KH2_FLAG_END_STREAM, 3);
	peer_turn(&p);
	CHECK(!strcmp(saw, "stream data end close "));
	peer_end(&p);
}

/* ---- what is sent ---- */

static struct kh2_headers *fields(const char *name, const char *value)
{
	struct kh2_headers *h;

	EQ(kh2_headers_new(&h), 0);
	EQ(kh2_headers_add(h, name, value), 0);
	return h;
}

static void get(void)
{
	begin(NULL, 0);
	peer_request(&p, 1, false, KH2_FLAG_END_STREAM);
	peer_turn(&p);
}

TEST(response_without_a_status_is_200)
{
	struct kh2_headers *h = fields("x", "y");

	get();
	EQ(kh2_respond(last, h, NULL), 0);
	CHECK(peer_find(&p, KH2_FRAME_HEADERS, 1, &f));
	EQ(f.payload[0], 0x88);
	kh2_headers_free(h);
	peer_end(&p);
}

TEST(pseudo_header_fields_are_sent_first)
{
	struct kh2_headers *h = fields("x", "y");

	EQ(kh2_headers_add(h, ":status", "404"), 0);
	get();
	EQ(kh2_respond(last, h, NULL), 0);
	CHECK(peer_find(&p, KH2_FRAME_HEADERS, 1, &f));
	EQ(f.payload[0], 0x8d);
	CHECK(f.len > 1);
	kh2_headers_free(h);
	peer_end(&p);
}

static void want_no_headers(void)
{
	CHECK(!peer_find(&p, KH2_FRAME_HEADERS, 1, &f));
	CHECK(!kh2_session_is_destroyed(p.s));
}

TEST(status_101_is_refused)
{
	struct kh2_headers *h = fields(":status", "101");

	get();
	EQ(kh2_stream_additional_headers(last, h), KH2_ERR_STATUS_INVALID);
	EQ(kh2_respond(last, h, NULL), KH2_ERR_STATUS_INVALID);
	want_no_headers();
	kh2_headers_free(h);
	peer_end(&p);
}

/* What the rules are for is tests/unit/libkh2/test_headers.c; here, that they are asked */
TEST(response_with_other_pseudo_header_fields_is_refused)
{
	static const struct {
		const char *name;
		const char *value;
		int err;
	} bad[] = {
		{ ":path", "/", KH2_ERR_PSEUDO_NOT_ALLOWED },
		{ ":method", "GET", KH2_ERR_PSEUDO_NOT_ALLOWED },
		{ ":what", "1", KH2_ERR_PSEUDO_NOT_ALLOWED },
		{ ":status", "2x0", KH2_ERR_STATUS_INVALID },
		{ ":status", "103", KH2_ERR_STATUS_INVALID },
		{ ":status", "600", KH2_ERR_STATUS_INVALID },
	};
	struct kh2_headers *h;

	get();
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		h = fields(bad[i].name, bad[i].value);
		EQ(kh2_respond(last, h, NULL), bad[i].err);
		kh2_headers_free(h);
	}
	h = fields(":status", "200");
	EQ(kh2_headers_add(h, ":status", "200"), 0);
	EQ(kh2_respond(last, h, NULL), KH2_ERR_PSEUDO_NOT_ALLOWED);
	kh2_headers_free(h);
	want_no_headers();
	EQ(kh2_respond(last, NULL, NULL), 0);
	CHECK(peer_find(&p, KH2_FRAME_HEADERS, 1, &f));
	peer_end(&p);
}

TEST(informational_response_has_a_status_of_its_class)
{
	struct kh2_headers *h = fields("link", "</a>"), *other = fields(":status", "200");

	get();
	EQ(kh2_stream_additional_headers(last, NULL), KH2_ERR_STATUS_INVALID);
	EQ(kh2_stream_additional_headers(last, h), KH2_ERR_STATUS_INVALID);
	EQ(kh2_stream_additional_headers(last, other), KH2_ERR_STATUS_INVALID);
	EQ(kh2_headers_add(h, ":path", "/"), 0);
	EQ(kh2_stream_additional_headers(last, h), KH2_ERR_PSEUDO_NOT_ALLOWED);
	want_no_headers();
	kh2_headers_free(h);
	h = fields(":status", "103");
	EQ(kh2_stream_additional_headers(last, h), 0);
	CHECK(peer_find(&p, KH2_FRAME_HEADERS, 1, &f));
	EQ(f.flags, KH2_FLAG_END_HEADERS);
	kh2_headers_free(other);
	kh2_headers_free(h);
	peer_end(&p);
}

static void on_want_trailers(struct kh2_stream *st, void *user)
{
	(void)st;
	(void)user;
	see("want ");
}

TEST(trailers_to_send_have_no_pseudo_header_fields)
{
	const struct kh2_stream_cbs cbs = { .sz = sizeof(cbs),
					    .on_want_trailers = on_want_trailers };
	const struct kh2_respond_opts opts = { .sz = sizeof(opts), .wait_for_trailers = true };
	struct kh2_headers *h = fields("x", "y"), *bad = fields("x", "y");

	EQ(kh2_headers_add(bad, ":status", "200"), 0);
	get();
	kh2_stream_set_callbacks(last, &cbs, NULL);
	EQ(kh2_respond(last, NULL, &opts), 0);
	EQ(kh2_stream_end(last, "a", 1), 0);
	CHECK(peer_find(&p, KH2_FRAME_HEADERS, 1, &f));
	CHECK(peer_find(&p, KH2_FRAME_DATA, 1, &f));
	EQ(f.flags, 0);
	CHECK(!strcmp(saw, "stream end want "));
	EQ(kh2_stream_send_trailers(last, bad), KH2_ERR_PSEUDO_NOT_ALLOWED);
	want_no_headers();
	EQ(kh2_stream_send_trailers(last, h), 0);
	CHECK(peer_find(&p, KH2_FRAME_HEADERS, 1, &f));
	EQ(f.flags, KH2_FLAG_END_HEADERS | KH2_FLAG_END_STREAM);
	kh2_headers_free(bad);
	kh2_headers_free(h);
	peer_end(&p);
}

TEST(trailers_that_nobody_wants_are_none)
{
	const struct kh2_respond_opts opts = { .sz = sizeof(opts), .wait_for_trailers = true };

	get();
	EQ(kh2_respond(last, NULL, &opts), 0);
	EQ(kh2_stream_end(last, "a", 1), 0);
	CHECK(peer_find(&p, KH2_FRAME_DATA, 1, &f));
	EQ(f.flags, 0);
	CHECK(peer_find(&p, KH2_FRAME_DATA, 1, &f));
	EQ(f.flags, KH2_FLAG_END_STREAM);
	EQ(f.len, 0);
	peer_end(&p);
}

TEST(smaller_table_is_said_in_the_next_block)
{
	const struct kh2_setting none = { .id = KH2_SETTINGS_HEADER_TABLE_SIZE, .value = 0 };

	begin(&none, 1);
	peer_request(&p, 1, false, KH2_FLAG_END_STREAM);
	peer_turn(&p);
	EQ(kh2_respond(last, NULL, NULL), 0);
	/* acknowledged before */
	CHECK(peer_find(&p, KH2_FRAME_SETTINGS, 0, &f));
	CHECK(f.flags == KH2_FLAG_ACK || (peer_find(&p, KH2_FRAME_SETTINGS, 0, &f) &&
					  f.flags == KH2_FLAG_ACK));
	CHECK(peer_find(&p, KH2_FRAME_HEADERS, 1, &f));
	EQ(f.payload[0], 0x20);
	EQ(f.payload[1], 0x88);
	peer_end(&p);
}

/* RFC 9113 4.3.1: from the acknowledgement of ours on, and not before */
TEST(smaller_table_of_ours_is_asked_of_the_next_block)
{
	const struct kh2_settings small = {
		.sz = sizeof(small), .present = KH2_SET_HEADER_TABLE_SIZE, .header_table_size = 0,
	};

	begin(NULL, 0);
	EQ(kh2_session_settings(p.s, &small), 0);
	peer_request(&p, 1, false, KH2_FLAG_END_STREAM);
	peer_turn(&p);
	CHECK(last && kh2_stream_id(last) == 1);
	peer_frame(&p, KH2_FRAME_SETTINGS, KH2_FLAG_ACK, 0, NULL, 0);
	peer_request(&p, 3, false, KH2_FLAG_END_STREAM);
	CHECK(peer_find(&p, KH2_FRAME_GOAWAY, 0, &f));
	EQ(get_unaligned_be32(f.payload + 4), KH2_COMPRESSION_ERROR);
	CHECK(!strncmp(saw, "stream end ", 11) && !strstr(saw + 1, "stream"));
	peer_end(&p);
}

/* CONNECT with :protocol: a WebSocket */
static void websocket(u32 stream)
{
	static const u8 block[] = {
		0x02, 0x07, 'C', 'O', 'N', 'N', 'E', 'C', 'T', 0x86, 0x84, 0x01, 0x01, 'a',
		0x00, 0x09, ':', 'p', 'r', 'o', 't', 'o', 'c', 'o', 'l', 0x01, 'w',
	};

	peer_frame(&p, KH2_FRAME_HEADERS, KH2_FLAG_END_HEADERS, stream, block, sizeof(block));
}

TEST(extended_connect_is_malformed_until_it_was_offered)
{
	const struct kh2_settings offer = {
		.sz = sizeof(offer), .present = KH2_SET_ENABLE_CONNECT_PROTOCOL,
		.enable_connect_protocol = true,
	};

	begin(NULL, 0);
	websocket(1);
	CHECK(peer_find(&p, KH2_FRAME_RST_STREAM, 1, &f));
	EQ(get_unaligned_be32(f.payload), KH2_PROTOCOL_ERROR);
	CHECK(!*saw);
	EQ(kh2_session_settings(p.s, &offer), 0);
	CHECK(peer_find(&p, KH2_FRAME_SETTINGS, 0, &f));
	peer_frame(&p, KH2_FRAME_SETTINGS, KH2_FLAG_ACK, 0, NULL, 0);
	websocket(3);
	CHECK(!peer_find(&p, KH2_FRAME_RST_STREAM, 3, &f));
	CHECK(last && kh2_stream_id(last) == 3);
	peer_end(&p);
}

TEST(settings_that_cannot_be_taken_back_are_refused)
{
	struct kh2_settings s = { .sz = sizeof(s), .present = KH2_SET_ENABLE_CONNECT_PROTOCOL };

	begin(NULL, 0);
	EQ(kh2_session_settings(p.s, &s), 0);
	s.enable_connect_protocol = true;
	EQ(kh2_session_settings(p.s, &s), 0);
	s.enable_connect_protocol = false;
	EQ(kh2_session_settings(p.s, &s), -EINVAL);
	s.present = KH2_SET_NO_RFC7540_PRIORITIES;
	EQ(kh2_session_settings(p.s, &s), 0);
	s.no_rfc7540_priorities = true;
	EQ(kh2_session_settings(p.s, &s), -EINVAL);
	peer_turn(&p);
	CHECK(!kh2_session_is_destroyed(p.s));
	peer_end(&p);
}
