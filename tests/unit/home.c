// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The mock home: strict about what the engine may do, and helpers to play peer and owner. */
#include <stdio.h>
#include <stdlib.h>

#include "home.h"

#define EV_HEAD sizeof(struct kh2_event)
#define LOOP_CAP 4000000

struct mem_head {
	size_t size;
	u32 kind;
	u32 magic;
};

enum { MEM_OBJ = 1, MEM_OUT = 2 };
#define MEM_MAGIC 0x6b683265

static void *xrealloc(void *p, size_t size)
{
	p = realloc(p, size);
	if (!p)
		abort();
	return p;
}

u8 home_octet(u64 seed, u64 pos)
{
	return (u8)(seed * 37 + pos * 31 + (pos >> 8) * 7);
}

/* -- what the engine asks for -- */

static bool alloc_fails(struct home *h)
{
	h->n_allocs++;
	if (!h->fail_alloc)
		return false;
	if (h->fail_alloc > 1) {
		h->fail_alloc--;
		return false;
	}
	if (!h->fail_alloc_all)
		h->fail_alloc = 0;
	return true;
}

static void *mem_get(struct home *h, size_t size, u32 kind)
{
	struct mem_head *m;

	CHECK(size > 0 && size < (1u << 30));
	if (alloc_fails(h))
		return NULL;
	m = malloc(sizeof(*m) + size);
	if (!m)
		abort();
	*m = (struct mem_head){ size, kind, MEM_MAGIC };
	memset(m + 1, kind == MEM_OBJ ? 0 : 0xa5, size);
	*(kind == MEM_OBJ ? &h->live_mem : &h->live_out) += size;
	h->n_live++;
	h->peak_mem = max(h->peak_mem, h->live_mem + h->live_out);
	return m + 1;
}

static void mem_put(struct home *h, void *ptr, size_t size, u32 kind)
{
	struct mem_head *m = (struct mem_head *)ptr - 1;

	if (!ptr)
		return;
	EQ(m->magic, MEM_MAGIC);
	EQ(m->kind, kind);
	EQ(m->size, size);
	m->magic = 0;
	*(kind == MEM_OBJ ? &h->live_mem : &h->live_out) -= size;
	h->n_live--;
	free(m);
}

static void *op_alloc(void *home, size_t size)
{
	return mem_get(home, size, MEM_OBJ);
}

static void op_free(void *home, void *ptr, size_t size)
{
	mem_put(home, ptr, size, MEM_OBJ);
}

static void *op_out_alloc(void *home, size_t size)
{
	return mem_get(home, size, MEM_OUT);
}

static void op_out_free(void *home, void *ptr, size_t size)
{
	mem_put(home, ptr, size, MEM_OUT);
}

static u64 op_now(void *home)
{
	return ((struct home *)home)->now;
}

static bool op_reserve(void *home, u32 len)
{
	struct home *h = home;

	h->n_reserves++;
	h->reserved = -1;
	if (h->fail_reserve && !--h->fail_reserve)
		return false;
	if (h->room < EV_HEAD + len)
		return false;
	h->reserved = len;
	return true;
}

/* What it wrote last is another octet each time. */
static void peer_writes(struct home *h)
{
	if (h->treacherous && h->in)
		memset(h->in, 0xf0 | (++h->n_writes & 0xf), h->n_in);
}

static bool op_event(void *home, const struct kh2_event *ev, const void *payload)
{
	struct home *h = home;
	struct home_ev *rec;

	if (h->reserved >= 0)
		CHECK(ev->len <= h->reserved);
	else if (h->room < EV_HEAD + ev->len)
		return false;
	h->reserved = -1;
	if (h->room != UINT64_MAX)
		h->room -= EV_HEAD + ev->len;

	CHECK(ev->type > KH2_EV_PAD && ev->type < __KH2_EV_END);
	CHECK(!(ev->flags & ~0x3f));
	CHECK(!ev->len || payload);
	if (h->n_evs == h->cap_evs) {
		h->cap_evs = h->cap_evs * 2 + 16;
		h->evs = xrealloc(h->evs, h->cap_evs * sizeof(*h->evs));
	}
	rec = &h->evs[h->n_evs++];
	rec->ev = *ev;
	rec->data = xrealloc(NULL, ev->len + 1);
	peer_writes(h);
	if (ev->len)
		memcpy(rec->data, payload, ev->len);
	peer_writes(h);
	if (h->on_event)
		h->on_event(h, ev);
	return true;
}

static void op_src_want(void *home, struct kh2e_src *src)
{
	struct home_src *s = container_of(src, struct home_src, src);

	(void)home;
	CHECK(!s->released);
	CHECK(!src->eof);
	s->wants++;
}

static void op_src_release(void *home, struct kh2e_src *src)
{
	struct home_src *s = container_of(src, struct home_src, src);

	(void)home;
	CHECK(!s->released);
	EQ(src->inflight, 0);
	s->released = true;
}

static void op_frame(void *home, bool sent, u32 len, u8 type, u8 flags, u32 stream)
{
	const struct home_frame f = { .len = len, .type = type, .flags = flags, .stream = stream };
	struct home *h = home;

	CHECK(len <= KH2_FRAME_SIZE_MAX);
	if (sent)
		h->frames_tx++;
	else
		h->frames_rx++;
	if (h->on_frame)
		h->on_frame(h, sent, &f);
}

static const struct kh2e_ops home_ops = {
	.alloc = op_alloc,
	.free = op_free,
	.out_alloc = op_out_alloc,
	.out_free = op_out_free,
	.now = op_now,
	.reserve = op_reserve,
	.event = op_event,
	.src_want = op_src_want,
	.src_release = op_src_release,
	.frame = op_frame,
};

/* -- life -- */

/* The default settings, the smallest windows, and none that grows: change cfg, then home_start() */
struct home *home_prepare(u8 role)
{
	struct home *h = calloc(1, sizeof(*h));

	if (!h)
		abort();
	EQ(kh2e_config_init(&h->cfg, role), 0);
	h->cfg.n_settings = 0;
	h->cfg.conn_window = KH2_WINDOW_INITIAL;
	h->cfg.limits[KH2_L_WINDOW_MAX] = 0;
	h->now = 5 * NSEC_PER_SEC;
	h->room = UINT64_MAX;
	h->reserved = -1;
	h->pull_max = 1 << 20;
	h->pull_segs = 16;
	h->answers = true;
	return h;
}

int home_try_start(struct home *h)
{
	return kh2e_new(&h->e, &home_ops, h, &h->cfg);
}

void home_start(struct home *h)
{
	EQ(home_try_start(h), 0);
}

struct home *home_new(u8 role)
{
	struct home *h = home_prepare(role);

	home_start(h);
	return h;
}

/* Both sides' SETTINGS said and acknowledged, nothing of it left to look at */
void home_handshake(struct home *h)
{
	if (h->cfg.role == KH2E_SERVER)
		feed(h, KH2_PREFACE, KH2_PREFACE_LEN);
	feed_frame(h, KH2_FRAME_SETTINGS, 0, 0, NULL, 0);
	feed_settings_ack(h);
	pump(h);
	want_alive(h);
	forget(h);
}

struct home *home_server(void)
{
	struct home *h = home_new(KH2E_SERVER);

	home_handshake(h);
	return h;
}

/* A server with a limit of its own, behind the handshake */
struct home *home_limited(enum kh2_limit limit, u32 value)
{
	struct home *h = home_prepare(KH2E_SERVER);

	h->cfg.limits[limit] = value;
	home_start(h);
	home_handshake(h);
	return h;
}

struct home *home_client(void)
{
	struct home *h = home_new(KH2E_CLIENT);

	home_handshake(h);
	return h;
}

/* Frees the engine; all it took must have come back */
void home_free(struct home *h)
{
	struct home_src *s, *next;

	if (h->e)
		kh2e_free(h->e);
	EQ(h->live_mem, 0);
	EQ(h->live_out, 0);
	EQ(h->n_live, 0);
	for (s = h->srcs; s; s = next) {
		CHECK(s->released);
		next = s->next;
		free(s);
	}
	for (size_t i = 0; i < h->n_evs; i++)
		free(h->evs[i].data);
	free(h->evs);
	free(h->out);
	free(h->handed);
	free(h);
}

/* The same, and nothing was said that the test did not look at */
void home_end(struct home *h)
{
	pump(h);
	want_no_frame(h);
	want_no_ev(h);
	home_free(h);
}

/* -- the peer -- */

size_t feed(struct home *h, const void *buf, size_t len)
{
	const u8 *p = buf;
	size_t done = 0;

	while (done < len) {
		size_t n = h->chunk ? min(h->chunk, len - done) : len - done;
		/* of its own size, so that the sanitizer sees a step beyond */
		u8 *copy = xrealloc(NULL, n);
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
	u8 *b = xrealloc(NULL, KH2_FRAME_HEAD_LEN + len);

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
	u8 *b = xrealloc(NULL, len + 1);

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

/* -- the socket -- */

static void capture(struct home *h, const struct kh2e_seg *seg, u64 skip, size_t n)
{
	if (h->n_out + n > h->cap_out) {
		h->cap_out = (h->n_out + n) * 2;
		h->out = xrealloc(h->out, h->cap_out);
	}
	if (seg->bytes) {
		memcpy(h->out + h->n_out, seg->bytes + skip, n);
	} else {
		struct home_src *s = container_of(seg->src, struct home_src, src);

		CHECK(!s->released);
		if (h->plain)
			memset(h->out + h->n_out, 0, n);
		for (size_t i = 0; i < n && !h->plain; i++)
			h->out[h->n_out + i] = home_octet(s->seed, seg->off + skip + i);
	}
	h->n_out += n;
}

/* Octets are taken at the time of sending: until then their memory must live. */
static void send_handed(struct home *h)
{
	while (h->handed_first < h->n_handed) {
		struct kh2e_seg *seg = &h->handed[h->handed_first];
		size_t step = h->sent_step ? min_t(size_t, h->sent_step, seg->len) : seg->len;

		capture(h, seg, 0, step);
		if (seg->bytes)
			seg->bytes += step;
		seg->off += step;
		seg->len -= step;
		if (!seg->len)
			h->handed_first++;
		kh2e_sent(h->e, step);
	}
	h->handed_first = 0;
	h->n_handed = 0;
}

bool pump_some(struct home *h, size_t max)
{
	struct kh2e_seg segs[64];
	size_t total = 0;
	int n;

	CHECK(h->pull_segs <= 64);
	n = kh2e_pull(h->e, segs, h->pull_segs, max);
	CHECK(n >= 0 && n <= h->pull_segs);
	for (int i = 0; i < n; i++) {
		CHECK(segs[i].len);
		CHECK(!segs[i].bytes == !!segs[i].src);
		total += segs[i].len;
		if (h->n_handed == h->cap_handed) {
			h->cap_handed = h->cap_handed * 2 + 64;
			h->handed = xrealloc(h->handed, h->cap_handed * sizeof(*h->handed));
		}
		h->handed[h->n_handed++] = segs[i];
	}
	CHECK(total <= max);
	send_handed(h);
	return n > 0;
}

static void answer_resets(struct home *h)
{
	struct kh2_sqe seen = { .opcode = KH2_OP_RELEASE, .flags = KH2_SQE_SEEN };

	for (; h->answers && h->answered < h->n_evs; h->answered++) {
		const struct kh2_event *ev = &h->evs[h->answered].ev;

		seen.stream = ev->stream;
		if (ev->type == KH2_EV_RESET && ev->flags & KH2_EVF_LOCAL)
			submit(h, &seen, NULL);
	}
}

void pump(struct home *h)
{
	int loops = 0;

	answer_resets(h);

	while (pump_some(h, h->pull_max))
		CHECK(loops++ < LOOP_CAP);
}

/* Time passes, stopping at each deadline on the way */
void advance(struct home *h, u64 ms)
{
	u64 end = h->now + ms * NSEC_PER_MSEC;
	int loops = 0;

	while (kh2e_deadline(h->e) <= end) {
		h->now = max(h->now, kh2e_deadline(h->e));
		kh2e_tick(h->e);
		CHECK(loops++ < 100000);
	}
	h->now = end;
}

/* -- the owner -- */

int submit(struct home *h, const struct kh2_sqe *sqe, const void *payload)
{
	return kh2e_submit(h->e, sqe, payload, NULL);
}

int sub_block(struct home *h, u32 stream, u8 flags, const void *p, size_t len)
{
	struct kh2_sqe sqe = {
		.opcode = KH2_OP_HEADERS, .flags = flags, .stream = stream, .len = len,
	};

	return submit(h, &sqe, p);
}

int sub_headers(struct home *h, u32 stream, u8 flags)
{
	static const u8 get[] = { 0x82, 0x87, 0x84, 0x41, 0x01, 'a' };
	static const u8 ok[] = { 0x88 };
	bool client = h->cfg.role == KH2E_CLIENT;

	return sub_block(h, stream, flags, client ? get : ok, client ? sizeof(get) : sizeof(ok));
}

static struct home_src *src_new(struct home *h)
{
	struct home_src *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	s->seed = ++h->n_srcs;
	s->next = h->srcs;
	h->srcs = s;
	return s;
}

static int src_submit(struct home *h, struct home_src *s, const struct kh2_sqe *sqe)
{
	int rc;

	s->src.stream = sqe->stream;
	s->src.user_data = sqe->user_data;
	s->src.end_stream = sqe->flags & KH2_SQE_END_STREAM;
	s->src.trailers = sqe->flags & KH2_SQE_TRAILERS;
	s->src.notify = true;
	INIT_LIST_HEAD(&s->src.node);
	rc = kh2e_submit(h->e, sqe, NULL, &s->src);
	if (rc)			/* refused: it stays the home's */
		s->released = true;
	return rc;
}

int try_data(struct home *h, u32 stream, u8 flags, u64 len, struct home_src **out)
{
	struct home_src *s = src_new(h);
	struct kh2_sqe sqe = {
		.opcode = KH2_OP_DATA, .flags = flags, .stream = stream, .len = len,
		.user_data = 0xd000 + s->seed,
	};

	s->src.avail = len;
	s->src.eof = true;
	if (out)
		*out = s;
	return src_submit(h, s, &sqe);
}

struct home_src *sub_data(struct home *h, u32 stream, u8 flags, u64 len)
{
	struct home_src *s;

	EQ(try_data(h, stream, flags, len, &s), 0);
	return s;
}

/* A source that has nothing yet: kh2e_src_add() as the test likes */
struct home_src *sub_file(struct home *h, u32 stream, u8 flags)
{
	struct home_src *s = src_new(h);
	struct kh2_sqe sqe = {
		.opcode = KH2_OP_FILE, .flags = flags, .stream = stream, .len = KH2_LEN_EOF,
		.user_data = 0xf000 + s->seed,
	};

	EQ(src_submit(h, s, &sqe), 0);
	return s;
}

int sub_code(struct home *h, u8 op, u32 stream, u32 code)
{
	struct kh2_sqe sqe = { .opcode = op, .stream = stream, .code = code };

	return submit(h, &sqe, NULL);
}

int sub_op(struct home *h, u8 op, u32 stream)
{
	return sub_code(h, op, stream, 0);
}

int sub_consume(struct home *h, u32 stream, u64 len)
{
	struct kh2_sqe sqe = { .opcode = KH2_OP_CONSUME, .stream = stream, .len = len };

	return submit(h, &sqe, NULL);
}

int sub_setting(struct home *h, u16 id, u32 value)
{
	struct kh2_setting s = { .id = id, .value = value };
	struct kh2_sqe sqe = { .opcode = KH2_OP_SETTINGS, .len = sizeof(s) };

	return submit(h, &sqe, &s);
}

int sub_ping(struct home *h, u64 payload)
{
	struct kh2_sqe sqe = { .opcode = KH2_OP_PING, .offset = payload };

	return submit(h, &sqe, NULL);
}

/* -- what came of it -- */

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
