// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Sessions: how long they last, how they end, and what servers tell of that. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"

#define MS	NSEC_PER_MSEC

static u8 octets[1 << 20];
static u64 closed_at, timed_out_at;

static void on_close(struct kh2_session *s, void *user)
{
	(void)s;
	(void)user;
	closed_at = kh2i_now();
}

static void on_timeout(struct kh2_session *s, void *user)
{
	(void)s;
	(void)user;
	timed_out_at = kh2i_now();
}

static const struct kh2_session_cbs session = {
	.sz = sizeof(session),
	.on_close = on_close,
	.on_timeout = on_timeout,
};

/* Dispatches for a while, or until *when is set. */
static void dispatch_until(struct peer *p, u64 ms, const u64 *when)
{
	u64 end = kh2i_now() + ms * MS;

	while (!*when && kh2i_now() < end)
		kh2_ctx_dispatch(p->ctx, 10);
}

static void answer_much(struct kh2_server *srv, struct kh2_stream *st,
			const struct kh2_headers *h, uint8_t flags, void *user)
{
	(void)srv;
	(void)h;
	(void)flags;
	(void)user;
	kh2_respond(st, NULL, NULL);
	kh2_stream_end(st, octets, sizeof(octets));
}

static const struct kh2_server_cbs much = { .sz = sizeof(much), .on_stream = answer_much };

TEST(failed_connection_ends_although_its_peer_does_not_read)
{
	const struct kh2_setting wide = { .id = KH2_SETTINGS_INITIAL_WINDOW_SIZE,
					  .value = KH2_WINDOW_MAX };
	const struct kh2_limit_value linger = { .id = KH2_L_LINGER_MS, .value = 200 };
	const struct kh2_server_opts opts = { .sz = sizeof(opts), .limits = &linger,
					      .n_limits = 1 };
	static struct peer p;
	u8 more[4];
	u64 begun;

	peer_begin(&p, &opts, &much, &wide, 1);
	kh2_session_set_callbacks(p.s, &session, NULL);
	put_unaligned_be32(1 << 30, more);
	peer_frame(&p, KH2_FRAME_WINDOW_UPDATE, 0, 0, more, 4);
	peer_request(&p, 1, false, KH2_FLAG_END_STREAM);
	peer_turn(&p);
	begun = kh2i_now();
	peer_frame(&p, KH2_FRAME_DATA, 0, 0, "x", 1);
	dispatch_until(&p, 5000, &closed_at);
	CHECK(closed_at);
	CHECK(closed_at - begun >= 190 * MS);
	peer_end(&p);
}
