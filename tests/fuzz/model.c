// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The rules of model.h: order of events, windows, header blocks in order, memory. */
#include <stdlib.h>

#include "model.h"

#define N_STREAMS 256U	/* known at once; those beyond are not watched */

/* What happened on a stream */
enum {
	EV_HEADERS	= 1 << 0,
	EV_END		= 1 << 1,
	EV_RESET	= 1 << 2,
	EV_CLOSED	= 1 << 3,
	EV_TRAILERS	= 1 << 4,
	SENT_HEADERS	= 1 << 5,
	SENT_END	= 1 << 6,
	SENT_RST	= 1 << 7,
};

struct stream {
	u32 id;
	u32 flags;
	s64 window;
};

struct block {
	u32 stream;
	u32 promised;
	u32 len;
	const u8 *p;
};

struct blocks {
	struct block *b;
	size_t n, cap;
};

struct model {
	struct home *h;
	struct stream streams[N_STREAMS];
	u32 n_streams;
	s64 window;
	s64 initial;
	u32 max_frame;
	u32 settings_in, settings_acked, acks_wanted, pings_in, pongs;
	bool in_block, error, idle, orderly;
	u32 block_stream;
	u64 owner_memory;
	u32 checks;
	u8 *in;
	size_t n_in, cap_in, parsed;
	struct blocks sent;
};

static struct stream *stream_of(struct model *m, u32 id, bool make)
{
	u32 at = id * 2654435761U >> 24;

	for (u32 i = 0; i < N_STREAMS; i++, at = (at + 1) % N_STREAMS) {
		struct stream *s = &m->streams[at];

		if (s->id == id)
			return s;
		if (s->id)
			continue;
		if (!make || m->n_streams >= N_STREAMS / 2)
			return NULL;
		m->n_streams++;
		*s = (struct stream){ .id = id, .window = m->initial };
		return s;
	}
	return NULL;
}

/* -- events -- */

/* What may not have been told before, of the stream, and what is told by it */
static const struct {
	bool on_stream;
	u32 not_after;
	u32 tells;
} event_rules[__KH2_EV_END] = {
	[KH2_EV_HEADERS] = { true, EV_END | EV_RESET | EV_CLOSED, EV_HEADERS },
	[KH2_EV_DATA] = { true, EV_END | EV_RESET | EV_CLOSED, 0 },
	[KH2_EV_RESET] = { true, EV_RESET | EV_CLOSED, EV_RESET },
	[KH2_EV_CLOSED] = { true, EV_RESET | EV_CLOSED, EV_CLOSED },
	[KH2_EV_WANT_TRAILERS] = { true, EV_TRAILERS | EV_RESET | EV_CLOSED, EV_TRAILERS },
};

static void on_settings(struct model *m)
{
	struct home_ev *r = &m->h->evs[m->h->n_evs - 1];
	const struct kh2_setting *s = (const void *)r->data;
	s64 initial = m->initial;

	for (u32 i = 0; i < r->ev.len / sizeof(*s); i++) {
		if (s[i].id == KH2_SETTINGS_INITIAL_WINDOW_SIZE)
			initial = s[i].value;
		if (s[i].id == KH2_SETTINGS_MAX_FRAME_SIZE)
			m->max_frame = s[i].value;
	}
	for (u32 i = 0; i < N_STREAMS && initial != m->initial; i++)
		m->streams[i].window += initial - m->initial;
	m->initial = initial;
}

static void on_event(struct home *h, const struct kh2_event *ev)
{
	struct model *m = h->user;
	struct stream *s = NULL;

	/* of what is under way the owner is told still */
	CHECK(!m->error || ev->type == KH2_EV_TX_DONE);
	m->error |= ev->type == KH2_EV_ERROR;
	CHECK(ev->type != KH2_EV_IDLE || !m->idle);
	m->idle |= ev->type == KH2_EV_IDLE;
	if (ev->type == KH2_EV_SETTINGS) {
		on_settings(m);
		m->acks_wanted += !!(ev->flags & KH2_EVF_ACK_WANTED);
	}
	if (!event_rules[ev->type].on_stream || ev->flags & KH2_EVF_DISCARD)
		return;
	CHECK(ev->stream && ev->stream <= KH2_ID_MAX);
	s = stream_of(m, ev->stream, ev->type == KH2_EV_HEADERS);
	if (!s)
		return;
	CHECK(!(s->flags & event_rules[ev->type].not_after));
	s->flags |= event_rules[ev->type].tells;
	if (ev->type == KH2_EV_DATA)
		CHECK(s->flags & EV_HEADERS || h->cfg.role == KH2E_CLIENT);
	if ((ev->type == KH2_EV_DATA || ev->type == KH2_EV_HEADERS) &&
	    ev->flags & KH2_EVF_END_STREAM)
		s->flags |= EV_END;
}

/* -- frames, as they are decided -- */

static void data_sent(struct model *m, const struct home_frame *f)
{
	struct stream *s = stream_of(m, f->stream, false);

	if (f->len)
		CHECK(f->len <= m->window);
	m->window -= f->len;
	if (!s)
		return;
	CHECK(s->flags & SENT_HEADERS);
	CHECK(!(s->flags & (SENT_END | SENT_RST | EV_RESET)));
	if (f->len)
		CHECK(f->len <= s->window);
	s->window -= f->len;
	if (f->flags & KH2_FLAG_END_STREAM)
		s->flags |= SENT_END;
}

/* The event that says so may wait for room */
static bool is_reset(struct model *m, u32 id)
{
	struct kh2e_stream_info s;

	return !kh2e_stream_info(m->h->e, id, &s) && s.rst_code >= 0;
}

static void headers_sent(struct model *m, const struct home_frame *f)
{
	struct stream *s = stream_of(m, f->stream, true);

	if (!s)
		return;
	/* RFC 9113 5.4.2 */
	CHECK(!m->orderly || !(s->flags & SENT_RST));
	/* a block that crosses a reset is sent for its place in the order */
	CHECK(!(s->flags & SENT_END) || is_reset(m, f->stream));
	s->flags |= SENT_HEADERS;
	if (f->flags & KH2_FLAG_END_STREAM)
		s->flags |= SENT_END;
}

static void frame_sent(struct model *m, const struct home_frame *f)
{
	struct stream *s;

	CHECK(f->len <= m->max_frame || f->len <= KH2_FRAME_SIZE_MIN);
	/* the peer may count by its old SETTINGS still */
	CHECK(!m->acks_wanted || (f->type != KH2_FRAME_DATA && f->len <= KH2_FRAME_SIZE_MIN));
	CHECK(m->in_block == (f->type == KH2_FRAME_CONTINUATION));
	CHECK(!m->in_block || f->stream == m->block_stream);
	switch (f->type) {
	case KH2_FRAME_DATA:
		data_sent(m, f);
		break;
	case KH2_FRAME_HEADERS:
		headers_sent(m, f);
		break;
	case KH2_FRAME_RST_STREAM:
		s = stream_of(m, f->stream, false);
		if (s)
			s->flags |= SENT_RST;
		break;
	case KH2_FRAME_SETTINGS:
		if (!(f->flags & KH2_FLAG_ACK))
			break;
		CHECK(++m->settings_acked <= m->settings_in);
		m->acks_wanted -= !!m->acks_wanted;
		break;
	case KH2_FRAME_PING:
		if (f->flags & KH2_FLAG_ACK)
			CHECK(++m->pongs <= m->pings_in);
		break;
	}
	if (f->type == KH2_FRAME_HEADERS || f->type == KH2_FRAME_PUSH_PROMISE || m->in_block) {
		m->in_block = !(f->flags & KH2_FLAG_END_HEADERS);
		m->block_stream = f->stream;
	}
}

static void on_frame(struct home *h, bool sent, const struct home_frame *f)
{
	struct model *m = h->user;

	if (sent) {
		frame_sent(m, f);
		return;
	}
	m->settings_in += f->type == KH2_FRAME_SETTINGS && !(f->flags & KH2_FLAG_ACK);
	m->pings_in += f->type == KH2_FRAME_PING && !(f->flags & KH2_FLAG_ACK);
}

/* -- octets -- */

/* The whole frame at @at, or false */
static bool frame_at(const u8 *p, size_t n, size_t at, struct home_frame *f)
{
	if (!p || n - at < KH2_FRAME_HEAD_LEN)
		return false;
	p += at;
	f->len = (u32)p[0] << 16 | (u32)p[1] << 8 | p[2];
	f->type = p[3];
	f->flags = p[4];
	f->stream = get_unaligned_be32(p + 5) & KH2_ID_MAX;
	f->p = p + KH2_FRAME_HEAD_LEN;
	return n - at - KH2_FRAME_HEAD_LEN >= f->len;
}

static size_t preface_len(const u8 *p, size_t n)
{
	return n >= KH2_PREFACE_LEN && !memcmp(p, KH2_PREFACE, KH2_PREFACE_LEN) ?
		KH2_PREFACE_LEN : 0;
}

static void credit(struct model *m, const struct home_frame *f)
{
	u32 n = f->len == 4 ? get_unaligned_be32(f->p) & KH2_ID_MAX : 0;
	struct stream *s;

	if (!f->stream) {
		m->window += n;
		return;
	}
	s = stream_of(m, f->stream, false);
	if (s)
		s->window += n;
}

void model_input(struct model *m, const void *p, size_t n)
{
	struct home_frame f;

	if (!n)
		return;
	if (m->n_in + n > m->cap_in) {
		m->cap_in = 2 * (m->n_in + n) + 512;
		m->in = realloc(m->in, m->cap_in);
	}
	memcpy(m->in + m->n_in, p, n);
	m->n_in += n;
	if (!m->parsed && m->h->cfg.role == KH2E_SERVER) {
		m->parsed = preface_len(m->in, m->n_in);
		if (!m->parsed)
			return;
	}
	while (frame_at(m->in, m->n_in, m->parsed, &f)) {
		if (f.type == KH2_FRAME_WINDOW_UPDATE)
			credit(m, &f);
		m->parsed += KH2_FRAME_HEAD_LEN + f.len;
	}
}

/* Adds octets to the last block, which may lie in pieces */
static void blocks_append(struct blocks *l, const u8 *p, u32 n)
{
	struct block *b = &l->b[l->n - 1];
	u8 *whole = malloc(b->len + n + 1);

	memcpy(whole, b->p, b->len);
	memcpy(whole + b->len, p, n);
	free((void *)b->p);
	b->p = whole;
	b->len += n;
}

static void blocks_add(struct blocks *l, u32 stream, u32 promised, const u8 *p, u32 n)
{
	if (l->n == l->cap) {
		l->cap = 2 * l->cap + 16;
		l->b = realloc(l->b, l->cap * sizeof(*l->b));
	}
	l->b[l->n++] = (struct block){ .stream = stream, .promised = promised,
				       .p = malloc(1) };
	blocks_append(l, p, n);
}

static void blocks_free(struct blocks *l)
{
	for (size_t i = 0; i < l->n; i++)
		free((void *)l->b[i].p);
	free(l->b);
}

/* The fragment within a HEADERS or PUSH_PROMISE frame; false if it is malformed */
static bool fragment(const struct home_frame *f, u32 *at, u32 *n)
{
	u32 fixed = f->type == KH2_FRAME_PUSH_PROMISE ? 4 : f->flags & KH2_FLAG_PRIORITY ? 5 : 0;
	u32 pad = 0;

	*at = 0;
	if (f->flags & KH2_FLAG_PADDED) {
		if (!f->len)
			return false;
		pad = f->p[0];
		*at = 1;
	}
	*at += fixed;
	if (*at + pad > f->len)
		return false;
	*n = f->len - *at - pad;
	return true;
}

/* Header blocks that are whole within octets, as far as these are well formed */
static void blocks_in(struct blocks *l, const u8 *p, size_t n)
{
	size_t pos = preface_len(p, n);
	bool open = false;
	struct home_frame f;
	u32 at, len;

	for (; frame_at(p, n, pos, &f); pos += KH2_FRAME_HEAD_LEN + f.len) {
		bool continues = f.type == KH2_FRAME_CONTINUATION;

		if (open != continues)
			break;
		if (continues) {
			blocks_append(l, f.p, f.len);
		} else if (f.type == KH2_FRAME_HEADERS || f.type == KH2_FRAME_PUSH_PROMISE) {
			if (!fragment(&f, &at, &len))
				break;
			blocks_add(l, f.stream, f.type == KH2_FRAME_PUSH_PROMISE ?
				   get_unaligned_be32(f.p + at - 4) & KH2_ID_MAX : 0,
				   f.p + at, len);
		} else {
			continue;
		}
		open = !(f.flags & KH2_FLAG_END_HEADERS);
	}
	if (open)
		free((void *)l->b[--l->n].p);
}

static void same_block(const struct block *a, u32 stream, u32 promised, const u8 *p, u32 len)
{
	EQ(a->stream, stream);
	EQ(a->promised, promised);
	EQ(a->len, len);
	CHECK(!len || !memcmp(a->p, p, len));
}

/* Each block that came was passed on once, in order, until the connection failed */
static void check_blocks_in(struct model *m)
{
	struct home *h = m->h;
	struct blocks want = { 0 };
	size_t n = 0;

	blocks_in(&want, m->in, m->n_in);
	for (size_t i = 0; i < h->n_evs; i++) {
		const struct kh2_event *ev = &h->evs[i].ev;

		if (ev->type != KH2_EV_HEADERS && ev->type != KH2_EV_PUSH_PROMISE)
			continue;
		CHECK(n < want.n);
		same_block(&want.b[n++], ev->stream,
			   ev->type == KH2_EV_PUSH_PROMISE ? ev->code : 0, h->evs[i].data, ev->len);
	}
	CHECK(n == want.n || kh2e_phase(h->e) == KH2E_DONE);
	blocks_free(&want);
}

/* Each block that was submitted left once, in order */
static void check_blocks_out(struct model *m)
{
	struct home *h = m->h;
	struct blocks got = { 0 };

	blocks_in(&got, h->out, h->n_out);
	EQ(got.n, m->sent.n);
	for (size_t i = 0; i < got.n; i++)
		same_block(&got.b[i], m->sent.b[i].stream, m->sent.b[i].promised,
			   m->sent.b[i].p, m->sent.b[i].len);
	blocks_free(&got);
}

void model_block(struct model *m, u32 stream, u32 promised, const void *p, u32 len)
{
	blocks_add(&m->sent, stream, promised, p, len);
}

void model_owner_memory(struct model *m, u64 octets)
{
	m->owner_memory = octets;
}

/* -- the whole -- */

void model_orderly(struct model *m)
{
	m->orderly = true;
}

struct model *model_new(struct home *h)
{
	struct model *m = calloc(1, sizeof(*m));

	m->h = h;
	m->window = KH2_WINDOW_INITIAL;
	m->initial = KH2_WINDOW_INITIAL;
	m->max_frame = KH2_FRAME_SIZE_MIN;
	h->user = m;
	h->on_frame = on_frame;
	h->on_event = on_event;
	return m;
}

struct model *model_of(struct home *h)
{
	return h->user;
}

void model_free(struct model *m)
{
	blocks_free(&m->sent);
	free(m->in);
	free(m);
}

static void check_streams(struct model *m, const struct kh2e_info *i)
{
	struct kh2e_stream_info s;
	u32 n = 0;

	for (u32 id = next_stream(m->h, 0); id; id = next_stream(m->h, id), n++) {
		EQ(kh2e_stream_info(m->h->e, id, &s), 0);
		CHECK(s.state >= KH2E_IDLE && s.state <= KH2E_CLOSED);
		CHECK(s.remote_window >= -KH2_WINDOW_MAX);
		CHECK(s.urgency < 8);
	}
	EQ(n, i->streams);
	CHECK(i->streams_peer <= i->streams);
}

void model_check(struct model *m)
{
	struct home *h = m->h;
	struct kh2e_info i = info(h);

	EQ(i.memory, h->live_mem + h->live_out + m->owner_memory);
	CHECK(i.streams_peer <= h->cfg.limits[KH2_L_STREAMS]);
	CHECK(i.local_window <= i.local_window_max);
	if (kh2e_phase(h->e) != KH2E_DONE)
		EQ(i.remote_window, m->window);
	/* what costs more, now and then */
	if (i.streams <= 64 && !(m->checks++ & 7))
		check_streams(m, &i);
}

/* Flow-controlled octets that came: a frame counts as a whole once its Pad Length is read */
static u64 data_in(const struct model *m)
{
	size_t pos = preface_len(m->in, m->n_in);
	struct home_frame f;
	u64 sum = 0;

	for (; frame_at(m->in, m->n_in, pos, &f); pos += KH2_FRAME_HEAD_LEN + f.len)
		if (f.type == KH2_FRAME_DATA)
			sum += f.len;
	if (m->n_in - pos < KH2_FRAME_HEAD_LEN || f.type != KH2_FRAME_DATA)
		return sum;
	pos += KH2_FRAME_HEAD_LEN + !!(f.flags & KH2_FLAG_PADDED);
	return pos <= m->n_in ? sum + f.len : sum;
}

/* All WINDOW_UPDATEs of the connection, and that the frames are whole */
static u64 read_output(struct model *m)
{
	struct home *h = m->h;
	struct home_frame f;
	u64 credit = 0;

	h->out_seen = 0;
	while (next_frame(h, &f)) {
		CHECK(f.type <= KH2_FRAME_CONTINUATION || f.type == KH2_FRAME_ALTSVC ||
		      f.type == KH2_FRAME_ORIGIN || f.type == KH2_FRAME_PRIORITY_UPDATE);
		if (f.type != KH2_FRAME_WINDOW_UPDATE)
			continue;
		EQ(f.len, 4);
		CHECK(get_unaligned_be32(f.p) >= 1 && get_unaligned_be32(f.p) <= KH2_WINDOW_MAX);
		if (!f.stream)
			credit += get_unaligned_be32(f.p);
	}
	return credit;
}

void model_check_end(struct model *m)
{
	struct home *h = m->h;
	u64 window;

	model_check(m);
	check_blocks_in(m);
	/* what was queued is dropped, in the midst of a frame, too */
	if (counter(h, KH2_C_CONN_MEMORY))
		return;
	EQ(kh2e_pending(h->e), 0);
	window = KH2_WINDOW_INITIAL + read_output(m) - data_in(m);
	if (kh2e_phase(h->e) != KH2E_DONE)
		EQ(info(h).local_window, window);
	check_blocks_out(m);
	CHECK(!m->in_block);
}
