// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Takes every request's body in and answers with its length: for uploads under test. That of a
 * request for /slow is taken in a little at a time.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <kh2_app.h>

/* The count is kept where the pointer would be: there is nothing to free. */
static void on_data(struct kh2_stream *st, const void *buf, size_t len, void *user)
{
	kh2_stream_set_user(st, (void *)((uintptr_t)user + len));
}

static void on_end(struct kh2_stream *st, void *user)
{
	char answer[32];
	int n = snprintf(answer, sizeof(answer), "%ju\n", (uintmax_t)(uintptr_t)user);

	if (kh2_respond(st, NULL, NULL) || kh2_stream_end(st, answer, (size_t)n))
		kh2_stream_close(st, KH2_INTERNAL_ERROR);
}

static const struct kh2_stream_cbs stream_cbs = {
	.sz = sizeof(stream_cbs),
	.on_data = on_data,
	.on_end = on_end,
};

/* What a slow reader waits before it takes a piece, while none come */
#define PIECE_MS	500

static void slow_on_data(struct kh2_stream *st, const void *buf, size_t len, void *user)
{
	on_data(st, buf, len, user);
	kh2_stream_pause(st);
}

static void slow_on_timeout(struct kh2_stream *st, void *user)
{
	kh2_stream_resume(st);
}

static const struct kh2_stream_cbs slow_cbs = {
	.sz = sizeof(slow_cbs),
	.on_data = slow_on_data,
	.on_end = on_end,
	.on_timeout = slow_on_timeout,
};

static void on_stream(struct kh2_server *srv, struct kh2_stream *st, const struct kh2_headers *h,
		      uint8_t flags, void *user)
{
	const char *path = kh2_headers_get(h, ":path", NULL);

	if (!path || strcmp(path, "/slow")) {
		kh2_stream_set_callbacks(st, &stream_cbs, NULL);
		return;
	}
	kh2_stream_set_callbacks(st, &slow_cbs, NULL);
	kh2_stream_set_timeout(st, PIECE_MS);
}

static const struct kh2_server_cbs cbs = { .sz = sizeof(cbs), .on_stream = on_stream };

const struct kh2_app kh2_app = {
	.sz = sizeof(kh2_app),
	.abi = KH2_APP_ABI,
	.name = "discard",
	.cbs = &cbs,
};
