// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The peer as tests play it: frames that the engine is fed. */
#include <stdlib.h>

#include "home.h"

size_t feed(struct home *h, const void *buf, size_t len)
{
	const u8 *p = buf;
	size_t done = 0;

	while (done < len) {
		size_t n = h->chunk ? min(h->chunk, len - done) : len - done;
		/* of its own size, so that the sanitizer sees a step beyond */
		u8 *copy = home_realloc(NULL, n);
		size_t got;

		memcpy(copy, p + done, n);
		h->in = copy;
		h->n_in = n;
		got = kh2e_recv(h->e, copy, n);
		h->in = NULL;
		free(copy);
		CHECK(got <= n);
		done += got;
		if (got == n)
			continue;
		CHECK(kh2e_blocked(h->e));
		if (!h->relieve)
			FAIL("recv took %zu of %zu octets", got, n);
		if (!h->relieve(h))
			break;
	}
	return done;
}

static void put_head(u8 *b, u32 len, u8 type, u8 flags, u32 stream)
{
	b[0] = len >> 16;
	b[1] = len >> 8;
	b[2] = len;
	b[3] = type;
	b[4] = flags;
	put_unaligned_be32(stream, b + 5);
}

void feed_frame(struct home *h, u8 type, u8 flags, u32 stream, const void *p, size_t len)
{
	u8 *b = home_realloc(NULL, KH2_FRAME_HEAD_LEN + len);

	put_head(b, len, type, flags, stream);
	if (len)
		memcpy(b + KH2_FRAME_HEAD_LEN, p, len);
	feed(h, b, KH2_FRAME_HEAD_LEN + len);
	free(b);
}

/* GET https://a/ , or with the client's role the answer 200 */
void feed_headers(struct home *h, u32 stream, u8 flags)
{
	static const u8 get[] = { 0x82, 0x87, 0x84, 0x41, 0x01, 'a' };
	static const u8 ok[] = { 0x88 };
	bool server = h->cfg.role == KH2E_SERVER;

	feed_frame(h, KH2_FRAME_HEADERS, flags | KH2_FLAG_END_HEADERS, stream,
		   server ? get : ok, server ? sizeof(get) : sizeof(ok));
}

void feed_data(struct home *h, u32 stream, u8 flags, size_t len)
{
	u8 *b = home_realloc(NULL, len + 1);

	for (size_t i = 0; i < len; i++)
		b[i] = home_octet(stream, i);
	feed_frame(h, KH2_FRAME_DATA, flags, stream, b, len);
	free(b);
}

void feed_u32(struct home *h, u8 type, u32 stream, u32 value)
{
	u8 b[4];

	put_unaligned_be32(value, b);
	feed_frame(h, type, 0, stream, b, sizeof(b));
}

void feed_window(struct home *h, u32 stream, u32 inc)
{
	feed_u32(h, KH2_FRAME_WINDOW_UPDATE, stream, inc);
}

void feed_rst(struct home *h, u32 stream, u32 code)
{
	feed_u32(h, KH2_FRAME_RST_STREAM, stream, code);
}

void feed_setting(struct home *h, u16 id, u32 value)
{
	u8 b[6];

	put_unaligned_be16(id, b);
	put_unaligned_be32(value, b + 2);
	feed_frame(h, KH2_FRAME_SETTINGS, 0, 0, b, sizeof(b));
}

void feed_settings_ack(struct home *h)
{
	feed_frame(h, KH2_FRAME_SETTINGS, KH2_FLAG_ACK, 0, NULL, 0);
}

void feed_ping(struct home *h, u8 flags, u64 payload)
{
	u8 b[8];

	put_unaligned_le64(payload, b);
	feed_frame(h, KH2_FRAME_PING, flags, 0, b, sizeof(b));
}

void feed_goaway(struct home *h, u32 last, u32 code)
{
	u8 b[8];

	put_unaligned_be32(last, b);
	put_unaligned_be32(code, b + 4);
	feed_frame(h, KH2_FRAME_GOAWAY, 0, 0, b, sizeof(b));
}
