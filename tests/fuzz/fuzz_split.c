// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The same octets whole and in pieces: the same events and the same output. */
#include <stdlib.h>

#include "app.h"
#include "mutate.h"

const size_t fuzz_prefix = 2;

/* Told when the engine gets to it, at the end of a call: their place among the others is free */
static bool by_input(u16 type)
{
	return type != KH2_EV_RESET && type != KH2_EV_CLOSED && type != KH2_EV_TX_DONE &&
	       type != KH2_EV_WANT_TRAILERS && type != KH2_EV_IDLE && type != KH2_EV_ERROR;
}

static int by_event(const void *a, const void *b)
{
	return memcmp(&((const struct home_ev *)a)->ev, &((const struct home_ev *)b)->ev,
		      sizeof(struct kh2_event));
}

/* A copy of the events of one sort; DATA of one stream run together */
static size_t pick(struct home *h, bool input, struct home_ev *out)
{
	size_t n = 0;

	for (size_t i = 0; i < h->n_evs; i++) {
		struct home_ev r = h->evs[i], *last = n ? &out[n - 1] : NULL;

		if (by_input(r.ev.type) != input)
			continue;
		if (r.ev.type == KH2_EV_PING_ACK)
			r.ev.arg = 0;
		if (last && r.ev.type == KH2_EV_DATA && last->ev.type == KH2_EV_DATA &&
		    last->ev.stream == r.ev.stream && !(last->ev.flags & KH2_EVF_END_STREAM)) {
			last->data = realloc(last->data, last->ev.len + r.ev.len + 1);
			memcpy(last->data + last->ev.len, r.data, r.ev.len);
			last->ev.len += r.ev.len;
			last->ev.flags |= r.ev.flags;
			continue;
		}
		r.data = malloc(r.ev.len + 1);
		memcpy(r.data, h->evs[i].data, r.ev.len);
		out[n++] = r;
	}
	return n;
}

static void same_events(struct home *a, struct home *b, bool input)
{
	struct home_ev *x = calloc(a->n_evs + 1, sizeof(*x));
	struct home_ev *y = calloc(b->n_evs + 1, sizeof(*y));
	size_t n = pick(a, input, x), m = pick(b, input, y);

	if (!input) {
		qsort(x, n, sizeof(*x), by_event);
		qsort(y, m, sizeof(*y), by_event);
	}
	for (size_t i = 0; i < min(n, m); i++) {
		EQ(x[i].ev.type, y[i].ev.type);
		EQ(x[i].ev.stream, y[i].ev.stream);
		CHECK(!memcmp(&x[i].ev, &y[i].ev, sizeof(x[i].ev)));
		CHECK(!memcmp(x[i].data, y[i].data, x[i].ev.len));
	}
	EQ(n, m);
	for (size_t i = 0; i < n; i++) {
		free(x[i].data);
		free(y[i].data);
	}
	free(x);
	free(y);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct home *whole, *parts;

	if (size < 3)
		return 0;
	app_begin();
	whole = app_home(data[0] & 1, data[0] >> 1);
	parts = app_home(data[0] & 1, data[0] >> 1);
	parts->chunk = data[1] % 16 + 1;
	app_feed(whole, data + 2, size - 2);
	app_feed(parts, data + 2, size - 2);
	pump(whole);
	pump(parts);
	same_events(whole, parts, true);
	same_events(whole, parts, false);
	EQ(whole->n_out, parts->n_out);
	CHECK(!whole->n_out || !memcmp(whole->out, parts->out, whole->n_out));
	EQ(kh2e_phase(whole->e), kh2e_phase(parts->e));
	app_end(whole);
	app_end(parts);
	return 0;
}
