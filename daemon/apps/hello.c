// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Answers every request with a greeting. */
#include <string.h>

#include <kh2_app.h>

static const char greeting[] = "Hello, HTTP/2!\n";

/* One list for all answers of a worker: what a worker has is its own. */
static int hello_init(struct kh2_ctx *ctx, struct kh2_server *srv, const char *args, void **user)
{
	struct kh2_headers *h;
	int err = kh2_headers_new(&h);

	if (err)
		return err;
	kh2_headers_add(h, ":status", "200");
	kh2_headers_add(h, "content-type", "text/plain");
	kh2_headers_add_int(h, "content-length", sizeof(greeting) - 1);
	*user = h;
	return 0;
}

static void hello_exit(void *user)
{
	kh2_headers_free(user);
}

static void on_stream(struct kh2_server *srv, struct kh2_stream *st, const struct kh2_headers *h,
		      uint8_t flags, void *user)
{
	if (kh2_respond(st, user, NULL) || kh2_stream_end(st, greeting, sizeof(greeting) - 1))
		kh2_stream_close(st, KH2_INTERNAL_ERROR);
}

static const struct kh2_server_cbs cbs = {
	.sz = sizeof(cbs),
	.on_stream = on_stream,
};

const struct kh2_app kh2_app = {
	.sz = sizeof(kh2_app),
	.abi = KH2_APP_ABI,
	.name = "hello",
	.init = hello_init,
	.cbs = &cbs,
	.exit = hello_exit,
};
