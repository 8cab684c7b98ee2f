// SPDX-License-Identifier: GPL-2.0 OR MIT
/* An owner that answers what it is asked, and what must hold whatever the input. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "app.h"

void diag(const char *fmt, ...)
{
	(void)fmt;
}

void die(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "%s:%d: ", file, line);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	abort();
}

/* bits of @config: 0-1 padding, 2 few streams, 3 small windows, 4 small pieces, 5 small limits */
struct home *app_home(u8 role, u8 config)
{
	struct home *h = home_prepare(role);

	h->cfg.padding = min(config & 3, KH2E_PAD_ALIGNED);
	if (config & 4)
		h->cfg.limits[KH2_L_STREAMS] = 2;
	if (config & 8)
		h->cfg.settings[h->cfg.n_settings++] = (struct kh2_setting){
			.id = KH2_SETTINGS_INITIAL_WINDOW_SIZE, .value = 20,
		};
	if (config & 16)
		h->pull_max = 33;
	if (config & 32) {
		h->cfg.limits[KH2_L_RESET_BURST] = 3;
		h->cfg.limits[KH2_L_REPLIES] = 10;
		h->cfg.limits[KH2_L_BLOCK_OCTETS] = 1024;
		h->cfg.limits[KH2_L_MEMORY] = 65536;
	}
	home_start(h);
	if (role == KH2E_CLIENT) {
		sub_headers(h, 1, KH2_SQE_END_STREAM);
		sub_headers(h, 3, 0);
		try_data(h, 3, KH2_SQE_END_STREAM, 300, NULL);
	}
	return h;
}

static void answer_headers(struct home *h, const struct kh2_event *ev)
{
	if (h->cfg.role == KH2E_CLIENT || ev->flags & KH2_EVF_DISCARD)
		return;
	switch (ev->stream / 2 % 4) {
	case 0:
		sub_headers(h, ev->stream, KH2_SQE_END_STREAM);
		break;
	case 1:
		sub_headers(h, ev->stream, 0);
		try_data(h, ev->stream, KH2_SQE_TRAILERS, 100000, NULL);
		break;
	case 2:
		sub_headers(h, ev->stream, 0);
		try_data(h, ev->stream, KH2_SQE_END_STREAM, 70, NULL);
		break;
	default:
		sub_code(h, KH2_OP_RST, ev->stream, KH2_CANCEL);
	}
}

/* Looks at each event once, as libkh2 would */
void app_answer(struct home *h)
{
	struct home_ev *r;

	while ((r = next_ev(h))) {
		struct kh2_event ev = r->ev;

		switch (ev.type) {
		case KH2_EV_HEADERS:
			answer_headers(h, &ev);
			break;
		case KH2_EV_DATA:
			sub_consume(h, ev.stream, ev.len);
			break;
		case KH2_EV_RESET:
			sub_op(h, KH2_OP_RELEASE, ev.stream);
			break;
		case KH2_EV_WANT_TRAILERS:
			sub_headers(h, ev.stream, KH2_SQE_END_STREAM);
			break;
		case KH2_EV_SETTINGS:
			if (ev.flags & KH2_EVF_ACK_WANTED)
				sub_op(h, KH2_OP_SETTINGS_ACK, 0);
			break;
		}
	}
}

void app_check(struct home *h)
{
	struct kh2e_info i = info(h);
	struct home_frame f;
	u32 errors = 0;

	CHECK(i.local_window <= i.local_window_max);
	CHECK(i.memory >= h->live_mem + h->live_out);	/* KH2_OP_MEMORY adds to it */
	CHECK(i.memory < 32 << 20);
	for (size_t n = 0; n < h->n_evs; n++)
		errors += h->evs[n].ev.type == KH2_EV_ERROR;
	CHECK(errors <= 1);
	if (counter(h, KH2_C_CONN_MEMORY))
		return;		/* what was queued is dropped, in the midst of a frame, too */
	/* what was sent is whole frames */
	h->out_seen = 0;
	while (next_frame(h, &f)) {
		CHECK(f.len <= 1 << 24);
		CHECK(f.type <= KH2_FRAME_CONTINUATION || f.type == KH2_FRAME_ALTSVC ||
		      f.type == KH2_FRAME_ORIGIN || f.type == KH2_FRAME_PRIORITY_UPDATE);
	}
}
