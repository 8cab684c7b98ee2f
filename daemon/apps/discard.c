// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Takes every request's body in and answers with its length: for uploads under test. */
#include <stdint.h>
#include <stdio.h>

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

static void on_stream(struct kh2_server *srv, struct kh2_stream *st, const struct kh2_headers *h,
		      uint8_t flags, void *user)
{
	kh2_stream_set_callbacks(st, &stream_cbs, NULL);
}

static const struct kh2_server_cbs cbs = { .sz = sizeof(cbs), .on_stream = on_stream };

const struct kh2_app kh2_app = {
	.sz = sizeof(kh2_app),
	.abi = KH2_APP_ABI,
	.name = "discard",
	.cbs = &cbs,
};
