// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Bodies in small pieces, either way: what they cost, and that they arrive. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "peer.h"

#define PIECES 20000

static struct kh2_stream *stream;
static size_t received;

static void on_data(struct kh2_stream *st, const void *buf, size_t len, void *user)
{
	(void)st;
	(void)user;
	for (size_t i = 0; i < len; i++)
		EQ(((const u8 *)buf)[i], (received + i) % 251);
	received += len;
}

static const struct kh2_stream_cbs cbs = { .sz = sizeof(cbs), .on_data = on_data };

static void on_stream(struct kh2_server *srv, struct kh2_stream *st, const struct kh2_headers *h,
		      uint8_t flags, void *user)
{
	(void)srv;
	(void)h;
	(void)flags;
	(void)user;
	stream = st;
	kh2_stream_set_callbacks(st, &cbs, NULL);
	EQ(kh2_respond(st, NULL, NULL), 0);
}

static const struct kh2_server_cbs server = { .sz = sizeof(server), .on_stream = on_stream };

static u32 count(const struct list_head *head)
{
	u32 n = 0;

	for (const struct list_head *at = head->next; at != head; at = at->next)
		n++;
	return n;
}

/* Writes one octet a turn. */
static void write_pieces(struct peer *p)
{
	for (u32 i = 0; i < PIECES; i++) {
		u8 octet = i % 251;

		EQ(kh2_stream_write(stream, &octet, 1), 1);
		kh2_ctx_dispatch(p->ctx, 0);
	}
}

TEST(octets_written_one_by_one_share_memory)
{
	const struct kh2_setting shut = { .id = KH2_SETTINGS_INITIAL_WINDOW_SIZE, .value = 0 };
	static struct peer p;
	static struct got f;
	u8 more[4];
	u32 got = 0;

	peer_begin(&p, NULL, &server, &shut, 1);
	peer_request(&p, 1, false, KH2_FLAG_END_STREAM);
	peer_turn(&p);
	write_pieces(&p);
	EQ(kh2_stream_queued(stream), PIECES);
	CHECK(count(&p.s->txs) <= 16);
	CHECK(p.s->memory < 5 * PIECES);
	EQ(kh2_stream_end(stream, NULL, 0), 0);
	put_unaligned_be32(2 * PIECES, more);
	peer_frame(&p, KH2_FRAME_WINDOW_UPDATE, 0, 1, more, 4);
	do {
		CHECK(peer_find(&p, KH2_FRAME_DATA, 1, &f));
		for (u32 i = 0; i < f.len; i++)
			EQ(f.payload[i], (got + i) % 251);
		got += f.len;
	} while (!(f.flags & KH2_FLAG_END_STREAM));
	EQ(got, PIECES);
	EQ(count(&p.s->txs), 0);
	peer_end(&p);
}

TEST(octets_written_in_one_turn_go_in_one_frame)
{
	static struct peer p;
	static struct got f;

	peer_begin(&p, NULL, &server, NULL, 0);
	peer_request(&p, 1, false, KH2_FLAG_END_STREAM);
	peer_turn(&p);
	EQ(kh2_stream_write(stream, "a", 1), 1);
	EQ(kh2_stream_write(stream, "bc", 2), 2);
	EQ(kh2_stream_end(stream, "d", 1), 0);
	CHECK(peer_find(&p, KH2_FRAME_DATA, 1, &f));
	EQ(f.len, 4);
	CHECK(f.flags & KH2_FLAG_END_STREAM);
	CHECK(!memcmp(f.payload, "abcd", 4));
	peer_end(&p);
}

TEST(octets_that_nobody_reads_share_memory)
{
	static struct peer p;

	peer_begin(&p, NULL, &server, NULL, 0);
	peer_request(&p, 1, true, 0);
	peer_turn(&p);
	kh2_stream_pause(stream);
	for (u32 i = 0; i < PIECES; i++) {
		u8 octet = i % 251;

		peer_frame(&p, KH2_FRAME_DATA, 0, 1, &octet, 1);
		if (i % 100 == 0)
			peer_turn(&p);
	}
	peer_turn(&p);
	CHECK(count(&stream->in) <= PIECES / 1000);
	CHECK(p.s->memory < 3 * PIECES);
	kh2_stream_resume(stream);
	peer_turn(&p);
	EQ(received, PIECES);
	peer_end(&p);
}

static int pipe_ends[2];

static void answer_pipe(struct kh2_server *srv, struct kh2_stream *st,
			const struct kh2_headers *h, uint8_t flags, void *user)
{
	(void)srv;
	(void)h;
	(void)flags;
	(void)user;
	EQ(kh2_respond_fd(st, pipe_ends[0], NULL, NULL), 0);
}

TEST(pipe_that_another_has_emptied_is_waited_for_again)
{
	const struct kh2_server_cbs cbs = { .sz = sizeof(cbs), .on_stream = answer_pipe };
	const u8 cancel[4] = { 0, 0, 0, KH2_CANCEL };
	static struct peer p;
	static struct got f;
	u32 served;

	EQ(pipe2(pipe_ends, O_NONBLOCK), 0);
	peer_begin(&p, NULL, &cbs, NULL, 0);
	peer_request(&p, 1, false, KH2_FLAG_END_STREAM);
	peer_request(&p, 3, false, KH2_FLAG_END_STREAM);
	peer_turn(&p);
	/* both are woken, and one of them finds nothing */
	EQ(write(pipe_ends[1], "a", 1), 1);
	peer_turn(&p);
	do
		CHECK(peer_read(&p, &f));
	while (f.type != KH2_FRAME_DATA);
	served = f.stream;
	peer_frame(&p, KH2_FRAME_RST_STREAM, 0, served, cancel, 4);
	peer_turn(&p);
	EQ(write(pipe_ends[1], "b", 1), 1);
	CHECK(peer_find(&p, KH2_FRAME_DATA, 4 - served, &f));
	peer_end(&p);
}
