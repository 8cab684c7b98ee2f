// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A raw peer: see peer.h. */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

static void send_all(struct peer *p, const void *octets, size_t len)
{
	const u8 *at = octets;

	while (len) {
		ssize_t n = send(p->fd, at, len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0)
			n = 0;
		at += n;
		len -= (size_t)n;
		if (len)
			kh2_ctx_dispatch(p->ctx, 0);
	}
}

void peer_frame(struct peer *p, u8 type, u8 flags, u32 stream, const void *payload, u32 len)
{
	u8 head[9] = { (u8)(len >> 16), (u8)(len >> 8), (u8)len, type, flags };

	put_unaligned_be32(stream, head + 5);
	send_all(p, head, sizeof(head));
	send_all(p, payload, len);
}

void peer_request(struct peer *p, u32 stream, bool post, u8 flags)
{
	const u8 block[] = { post ? 0x83 : 0x82, 0x86, 0x84, 0x01, 0x01, 'a' };

	peer_frame(p, KH2_FRAME_HEADERS, flags | KH2_FLAG_END_HEADERS, stream, block,
		   sizeof(block));
}

/* Lets the server do all that it can without waiting. */
void peer_turn(struct peer *p)
{
	for (int idle = 0; idle < 3;)
		idle = kh2_ctx_dispatch(p->ctx, 0) > 0 ? 0 : idle + 1;
}

static void receive(struct peer *p)
{
	ssize_t n = recv(p->fd, p->in + p->len, sizeof(p->in) - p->len, MSG_DONTWAIT);

	if (n > 0)
		p->len += (size_t)n;
}

/* The next frame, if it has come. */
bool peer_read(struct peer *p, struct got *f)
{
	u32 len;

	receive(p);
	if (p->len < 9)
		return false;
	len = get_unaligned_be32(p->in) >> 8;
	CHECK(len <= sizeof(f->payload));
	if (p->len < 9 + len)
		return false;
	*f = (struct got){ .len = len, .type = p->in[3], .flags = p->in[4],
			   .stream = get_unaligned_be32(p->in + 5) };
	memcpy(f->payload, p->in + 9, len);
	p->len -= 9 + len;
	memmove(p->in, p->in + 9 + len, p->len);
	return true;
}

/* Skips to a frame of a type on a stream. */
bool peer_find(struct peer *p, u8 type, u32 stream, struct got *f)
{
	peer_turn(p);
	while (peer_read(p, f))
		if (f->type == type && f->stream == stream)
			return true;
	return false;
}

static int keep_session(struct kh2_session *s, void *arg)
{
	struct peer *p = arg;

	p->s = kh2_session_get(s);
	return 0;
}

void peer_begin(struct peer *p, const struct kh2_server_opts *opts,
		const struct kh2_server_cbs *cbs, const struct kh2_setting *v, u32 n)
{
	const struct kh2_ctx_opts ctx_opts = { .sz = sizeof(ctx_opts),
					       .backend = KH2_BACKEND_USER };
	u8 settings[6 * 8];
	int pair[2];

	memset(p, 0, sizeof(*p));
	EQ(kh2_ctx_new(&p->ctx, &ctx_opts), 0);
	EQ(kh2_server_new(p->ctx, opts, cbs, p, &p->srv), 0);
	EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	p->fd = pair[1];
	EQ(kh2i_handshake_start(p->srv, pair[0]), 0);
	kh2_server_for_each_session(p->srv, keep_session, p);
	CHECK(p->s);
	for (u32 i = 0; i < n; i++) {
		put_unaligned_be16(v[i].id, settings + 6 * i);
		put_unaligned_be32(v[i].value, settings + 6 * i + 2);
	}
	send_all(p, preface, sizeof(preface) - 1);
	peer_frame(p, KH2_FRAME_SETTINGS, 0, 0, settings, 6 * n);
	peer_frame(p, KH2_FRAME_SETTINGS, KH2_FLAG_ACK, 0, NULL, 0);
	peer_turn(p);
}

void peer_end(struct peer *p)
{
	close(p->fd);
	kh2_server_free(p->srv);
	kh2_ctx_free(p->ctx);
	kh2_session_put(p->s);
}
