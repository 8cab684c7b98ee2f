// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Sends every request's body back, no faster than the client reads it. */
#include <stdlib.h>
#include <string.h>
#include <kh2_app.h>

/* What kh2_stream_write() did not take; while there is some, the stream is paused. */
struct rest {
	size_t len;
	char octets[];
};

static void on_data(struct kh2_stream *st, const void *buf, size_t len, void *user)
{
	ssize_t n = kh2_stream_write(st, buf, len);
	size_t left = n > 0 ? len - (size_t)n : len;
	struct rest *rest = left ? malloc(sizeof(*rest) + left) : NULL;

	if (rest) {
		rest->len = left;
		memcpy(rest->octets, (const char *)buf + len - left, left);
		kh2_stream_set_user(st, rest);
		kh2_stream_pause(st);
	} else if (left) {
		kh2_stream_close(st, KH2_INTERNAL_ERROR);
	}
}

static void on_drain(struct kh2_stream *st, void *user)
{
	struct rest *rest = user;

	kh2_stream_set_user(st, NULL);
	kh2_stream_resume(st);
	on_data(st, rest->octets, rest->len, NULL);
	free(rest);
}

static void on_end(struct kh2_stream *st, void *user)
{
	kh2_stream_end(st, NULL, 0);
}

static void on_close(struct kh2_stream *st, uint32_t code, void *user)
{
	free(user);
}

static const struct kh2_stream_cbs stream_cbs = {
	.sz = sizeof(stream_cbs),
	.on_data = on_data, .on_drain = on_drain, .on_end = on_end, .on_close = on_close,
};

static void on_stream(struct kh2_server *srv, struct kh2_stream *st, const struct kh2_headers *h,
		      uint8_t flags, void *user)
{
	kh2_stream_set_callbacks(st, &stream_cbs, NULL);
	kh2_respond(st, NULL, NULL);
}

static const struct kh2_server_cbs cbs = { .sz = sizeof(cbs), .on_stream = on_stream };

const struct kh2_app kh2_app = {
	.sz = sizeof(kh2_app), .abi = KH2_APP_ABI, .name = "echo", .cbs = &cbs,
};
