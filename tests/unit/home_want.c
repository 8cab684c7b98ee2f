// SPDX-License-Identifier: GPL-2.0 OR MIT
/* What tests expect of the engine: frames that were sent, events that were told. */
#include "home.h"

bool next_frame(struct home *h, struct home_frame *f)
{
	size_t left = h->n_out - h->out_seen;
	const u8 *b;

	if (!left)
		return false;
	b = h->out + h->out_seen;
	if (left >= KH2_PREFACE_LEN && !memcmp(b, KH2_PREFACE, KH2_PREFACE_LEN)) {
		EQ(h->cfg.role, KH2E_CLIENT);
		EQ(h->out_seen, 0);
		h->out_seen += KH2_PREFACE_LEN;
		return next_frame(h, f);
	}
	CHECK(left >= KH2_FRAME_HEAD_LEN);
	f->len = (u32)b[0] << 16 | (u32)b[1] << 8 | b[2];
	f->type = b[3];
	f->flags = b[4];
	f->stream = get_unaligned_be32(b + 5);
	f->p = b + KH2_FRAME_HEAD_LEN;
	CHECK(left >= KH2_FRAME_HEAD_LEN + f->len);
	h->out_seen += KH2_FRAME_HEAD_LEN + f->len;
	return true;
}

struct home_frame want_frame(struct home *h, u8 type, u8 flags, u32 stream)
{
	struct home_frame f;

	pump(h);
	if (!next_frame(h, &f))
		FAIL("no frame, where type %u flags 0x%x stream %u was expected",
		     type, flags, stream);
	if (f.type != type || f.flags != flags || f.stream != stream)
		FAIL("frame type %u flags 0x%x stream %u len %u, not type %u flags 0x%x stream %u",
		     f.type, f.flags, f.stream, f.len, type, flags, stream);
	return f;
}

void want_rst(struct home *h, u32 stream, u32 code)
{
	struct home_frame f = want_frame(h, KH2_FRAME_RST_STREAM, 0, stream);

	EQ(f.len, 4);
	EQ(get_unaligned_be32(f.p), code);
}

void want_goaway(struct home *h, u32 last, u32 code)
{
	struct home_frame f = want_frame(h, KH2_FRAME_GOAWAY, 0, 0);

	CHECK(f.len >= 8);
	EQ(get_unaligned_be32(f.p), last);
	EQ(get_unaligned_be32(f.p + 4), code);
}

void want_window(struct home *h, u32 stream, u32 inc)
{
	struct home_frame f = want_frame(h, KH2_FRAME_WINDOW_UPDATE, 0, stream);

	EQ(f.len, 4);
	EQ(get_unaligned_be32(f.p), inc);
}

void want_no_frame(struct home *h)
{
	struct home_frame f;

	pump(h);
	if (next_frame(h, &f))
		FAIL("frame type %u flags 0x%x stream %u len %u, where none was expected",
		     f.type, f.flags, f.stream, f.len);
}

const char *ev_name(u16 type)
{
	static const char *const names[__KH2_EV_END] = {
		"pad", "settings", "settings_ack", "headers", "push_promise", "data", "reset",
		"closed", "tx_done", "want_trailers", "ping", "ping_ack", "goaway", "priority",
		"extension", "sqe_error", "idle", "error", "gone",
	};

	return type < __KH2_EV_END && names[type] ? names[type] : "?";
}

struct home_ev *next_ev(struct home *h)
{
	return h->ev_seen < h->n_evs ? &h->evs[h->ev_seen++] : NULL;
}

struct home_ev *want_ev(struct home *h, u16 type, u32 stream, u16 flags)
{
	struct home_ev *r = next_ev(h);

	if (!r)
		FAIL("no event, where %s stream %u was expected", ev_name(type), stream);
	if (r->ev.type != type || r->ev.stream != stream || r->ev.flags != flags)
		FAIL("event %s stream %u flags 0x%x code %u arg %llu, not %s stream %u flags 0x%x",
		     ev_name(r->ev.type), r->ev.stream, r->ev.flags, r->ev.code,
		     (unsigned long long)r->ev.arg, ev_name(type), stream, flags);
	return r;
}

/* The next event of this kind, others on the way forgotten; NULL if there is none */
struct home_ev *find_ev(struct home *h, u16 type, u32 stream)
{
	struct home_ev *r;

	while ((r = next_ev(h)))
		if (r->ev.type == type && r->ev.stream == stream)
			return r;
	return NULL;
}

void want_reset(struct home *h, u32 stream, u32 code, enum kh2_counter why, u16 flags)
{
	struct home_ev *r = want_ev(h, KH2_EV_RESET, stream, flags);

	EQ(r->ev.code, code);
	EQ(r->ev.arg, why);
}

void want_no_ev(struct home *h)
{
	struct home_ev *r = next_ev(h);

	if (r)
		FAIL("event %s stream %u flags 0x%x code %u arg %llu, where none was expected",
		     ev_name(r->ev.type), r->ev.stream, r->ev.flags, r->ev.code,
		     (unsigned long long)r->ev.arg);
}

/* The connection failed: said to the owner, counted, and GOAWAY is the last frame */
void want_dead(struct home *h, u32 code, enum kh2_counter why)
{
	struct home_ev *r = NULL, *i;
	struct home_frame f, last = { .type = 0xff };

	kh2e_notify(h->e);
	while ((i = next_ev(h)))
		if (i->ev.type == KH2_EV_ERROR) {
			CHECK(!r);
			r = i;
		}
	if (!r)
		FAIL("no error event, where code %u was expected", code);
	EQ(r->ev.arg, why);
	EQ(r->ev.code, code);
	EQ(counter(h, why), 1);
	EQ(kh2e_phase(h->e), KH2E_DONE);
	pump(h);
	while (next_frame(h, &f))
		last = f;
	EQ(last.type, KH2_FRAME_GOAWAY);
	EQ(get_unaligned_be32(last.p + 4), code);
	EQ(kh2e_pending(h->e), 0);
}

void want_alive(struct home *h)
{
	for (size_t i = 0; i < h->n_evs; i++)
		if (h->evs[i].ev.type == KH2_EV_ERROR)
			FAIL("the connection failed, code %u, counter %llu", h->evs[i].ev.code,
			     (unsigned long long)h->evs[i].ev.arg);
	EQ(kh2e_phase(h->e), KH2E_OPEN);
}

/* What was said and sent so far does not matter */
void forget(struct home *h)
{
	pump(h);
	h->ev_seen = h->n_evs;
	h->out_seen = h->n_out;
}

u64 counter(struct home *h, enum kh2_counter c)
{
	return kh2e_counters(h->e)[c];
}

struct kh2e_info info(struct home *h)
{
	struct kh2e_info i;

	kh2e_info(h->e, &i);
	return i;
}

struct kh2e_stream_info sinfo(struct home *h, u32 id)
{
	struct kh2e_stream_info i;

	EQ(kh2e_stream_info(h->e, id, &i), 0);
	return i;
}

/* The lowest identifier above the one before, 0 to begin; 0 if there is none. */
u32 next_stream(struct home *h, u32 after)
{
	u32 id;

	return kh2e_stream_ids(h->e, after, &id, 1) ? id : 0;
}
