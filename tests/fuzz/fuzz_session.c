// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * All of libkh2 as a server on the user backend: octets of a peer through a socket, and an
 * application that does what 16 octets of the input say, one for each callback.  Callbacks keep
 * their order, and what is sent can be decoded.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server.h"
#include "session.h"
/* not the engine's of this name */
#include "../../daemon/libkh2/stream.h"
#include "mutate.h"
#include "tap.h"

#define N_ACTIONS	16
#define OUT_MAX		(1U << 20)

const size_t fuzz_prefix = 1 + N_ACTIONS;

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* What a stream's callbacks have said */
struct seen {
	struct kh2_stream *st;
	bool paused, ended, trailers, closed;
};

static struct kh2_ctx *ctx;
static struct kh2_server *srv;
static const u8 *actions;
static u32 n_acted, n_open;
static int file;
static u8 out[OUT_MAX];
static size_t n_out;

static u8 next_action(void)
{
	return actions[n_acted++ % N_ACTIONS];
}

/* -- what the application does -- */

static void respond(struct kh2_stream *st, bool end, bool trailers)
{
	const struct kh2_respond_opts opts = {
		.sz = sizeof(opts), .end_stream = end, .wait_for_trailers = trailers,
	};
	struct kh2_headers *h;

	CHECK(!kh2_headers_new(&h));
	kh2_headers_add(h, ":status", n_acted & 1 ? "200" : "404");
	kh2_headers_add_int(h, "x-n", n_acted);
	kh2_respond(st, h, &opts);
	kh2_headers_free(h);
}

static void informational(struct kh2_stream *st)
{
	struct kh2_headers *h;

	CHECK(!kh2_headers_new(&h));
	kh2_headers_add(h, ":status", "103");
	kh2_headers_add(h, "link", "</a>; rel=preload");
	kh2_stream_additional_headers(st, h);
	kh2_headers_free(h);
}

static void send_trailers(struct kh2_stream *st)
{
	struct kh2_headers *h;

	CHECK(!kh2_headers_new(&h));
	kh2_headers_add(h, "x-sum", "1");
	kh2_stream_send_trailers(st, h);
	kh2_headers_free(h);
}

static void on_ping(struct kh2_session *s, int err, uint64_t rtt_ns, const uint8_t *payload,
		    void *arg)
{
}

static void act(struct kh2_stream *st)
{
	static const u8 body[20000] = "octets";
	struct kh2_session *s = kh2_stream_session(st);
	const struct kh2_priority prio = { .urgency = n_acted & 7, .incremental = n_acted & 8 };

	switch (next_action() % 24) {
	case 0:
		respond(st, true, false);
		break;
	case 1:
		respond(st, false, false);
		kh2_stream_end(st, body, 100);
		break;
	case 2:
		respond(st, false, true);
		kh2_stream_end(st, body, sizeof(body));
		break;
	case 3:
		informational(st);
		break;
	case 4:
		kh2_stream_write(st, body, 10);
		break;
	case 5:
		kh2_stream_write(st, body, sizeof(body));
		break;
	case 6:
		kh2_stream_end(st, NULL, 0);
		break;
	case 7:
		kh2_stream_close(st, n_acted & 15);
		break;
	case 8:
		kh2_stream_destroy(st, -EIO);
		break;
	case 9:
		kh2_stream_pause(st);
		break;
	case 10:
		kh2_stream_resume(st);
		break;
	case 11:
		kh2_respond_fd(st, file, NULL, NULL);
		break;
	case 12:
		send_trailers(st);
		break;
	case 13:
		kh2_stream_set_priority(st, &prio);
		break;
	case 14:
		if (s)
			kh2_session_ping(s, NULL, on_ping, NULL);
		break;
	case 15:
		if (s && !(n_acted & 3))
			kh2_session_close(s);
		break;
	case 16:
		if (s && !(n_acted & 7))
			kh2_session_destroy(s, 0, KH2_CANCEL);
		break;
	case 17:
		kh2_respond(st, kh2_stream_headers(st), NULL);
		break;
	}
}

/* -- callbacks -- */

static void on_data(struct kh2_stream *st, const void *buf, size_t len, void *user)
{
	struct seen *seen = user;

	CHECK(len && !seen->ended && !seen->closed);
	act(st);
}

static void on_end(struct kh2_stream *st, void *user)
{
	struct seen *seen = user;

	CHECK(!seen->ended && !seen->closed);
	seen->ended = true;
	act(st);
}

static void on_trailers(struct kh2_stream *st, const struct kh2_headers *h, uint8_t flags,
			void *user)
{
	struct seen *seen = user;
	struct kh2_nv nv;
	size_t i = 0;

	CHECK(!seen->trailers && !seen->ended && !seen->closed);
	seen->trailers = true;
	while (kh2_headers_next(h, NULL, &i, &nv))
		CHECK(nv.name_len && nv.name[0] != ':');
	act(st);
}

static void on_event(struct kh2_stream *st, void *user)
{
	CHECK(!((struct seen *)user)->closed);
	act(st);
}

static void on_error(struct kh2_stream *st, int err, uint32_t code, void *user)
{
	CHECK(!((struct seen *)user)->closed);
	act(st);
}

static void on_close(struct kh2_stream *st, uint32_t rst_code, void *user)
{
	struct seen *seen = user;

	CHECK(!seen->closed);
	seen->closed = true;
	act(st);
	n_open--;
	free(seen);
}

static const struct kh2_stream_cbs stream_cbs = {
	.sz = sizeof(stream_cbs), .on_data = on_data, .on_end = on_end,
	.on_trailers = on_trailers, .on_aborted = on_event, .on_error = on_error,
	.on_close = on_close, .on_drain = on_event, .on_want_trailers = on_event,
};

static void on_stream(struct kh2_server *server, struct kh2_stream *st,
		      const struct kh2_headers *h, uint8_t flags, void *user)
{
	struct seen *seen = calloc(1, sizeof(*seen));

	CHECK(kh2_headers_get(h, ":method", NULL));
	seen->st = st;
	n_open++;
	kh2_stream_set_callbacks(st, &stream_cbs, seen);
	act(st);
}

static const struct kh2_server_cbs server_cbs = {
	.sz = sizeof(server_cbs), .on_stream = on_stream,
};

/* -- the peer -- */

static void receive(int fd)
{
	static u8 drop[65536];
	ssize_t n;

	while (n_out < OUT_MAX && (n = recv(fd, out + n_out, OUT_MAX - n_out, MSG_DONTWAIT)) > 0)
		n_out += (size_t)n;
	while (n_out == OUT_MAX && recv(fd, drop, sizeof(drop), MSG_DONTWAIT) > 0)
		;
}

static void turn(int fd)
{
	for (int idle = 0; idle < 2;) {
		idle = kh2_ctx_dispatch(ctx, 0) > 0 ? 0 : idle + 1;
		receive(fd);
	}
}

/* Frames are whole, and their header blocks are what a decoder takes */
static void read_output(void)
{
	static const struct kh2i_list_limits limits = { 1 << 20, 1 << 10 };
	struct kh2i_hpack hp;
	size_t at = 0;

	CHECK(!kh2i_hpack_init(&hp, 4096));
	CHECK(!kh2i_hpack_set_inflate(&hp, 1 << 24));
	while (n_out - at >= KH2_FRAME_HEAD_LEN) {
		const u8 *p = out + at;
		u32 len = get_unaligned_be32(p) >> 8;
		u32 pad = p[4] & KH2_FLAG_PADDED ? 1 : 0;
		struct kh2_headers *h;

		if (n_out - at - KH2_FRAME_HEAD_LEN < len)
			break;
		at += KH2_FRAME_HEAD_LEN + len;
		CHECK(p[3] <= KH2_FRAME_WINDOW_UPDATE && !pad);
		if (p[3] != KH2_FRAME_HEADERS)
			continue;
		CHECK(p[4] & KH2_FLAG_END_HEADERS);
		CHECK(!kh2_headers_new(&h));
		EQ(kh2i_hpack_decode(&hp, p + KH2_FRAME_HEAD_LEN, len, h, &limits), 0);
		kh2_headers_free(h);
	}
	kh2i_hpack_exit(&hp);
}

static void no_log(int level, const char *line, void *user)
{
}

static void begin(void)
{
	const struct kh2_ctx_opts opts = {
		.sz = sizeof(opts), .backend = KH2_BACKEND_USER, .log = no_log,
	};
	const struct kh2_server_opts server = { .sz = sizeof(server) };

	EQ(kh2_ctx_new(&ctx, &opts), 0);
	EQ(kh2_server_new(ctx, &server, &server_cbs, NULL, &srv), 0);
	file = memfd_create("body", MFD_CLOEXEC);
	CHECK(file >= 0 && !ftruncate(file, 50000));
}

static int count_session(struct kh2_session *s, void *arg)
{
	++*(u32 *)arg;
	return 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u32 n_sessions = 0;
	int pair[2];

	if (size < fuzz_prefix)
		return 0;
	if (!ctx)
		begin();
	n_out = 0;
	n_acted = 0;
	actions = data + 1;
	CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair));
	EQ(kh2i_handshake_start(srv, pair[0]), 0);
	for (size_t at = fuzz_prefix; at < size;) {
		size_t n = min_t(size_t, size - at, 1 + data[0] * 16U);

		if (send(pair[1], data + at, n, MSG_NOSIGNAL) < 0)
			break;
		at += n;
		turn(pair[1]);
	}
	close(pair[1]);
	for (int i = 0; i < 100 && (n_open || i < 3); i++)
		kh2_ctx_dispatch(ctx, 0);
	read_output();
	EQ(n_open, 0);
	kh2_server_for_each_session(srv, count_session, &n_sessions);
	EQ(n_sessions, 0);
	return 0;
}
