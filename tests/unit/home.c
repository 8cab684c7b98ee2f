// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The mock home: strict about what the engine may do, and what a socket does with its output. */
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

void *home_realloc(void *p, size_t size)
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
		h->evs = home_realloc(h->evs, h->cap_evs * sizeof(*h->evs));
	}
	rec = &h->evs[h->n_evs++];
	rec->ev = *ev;
	rec->data = home_realloc(NULL, ev->len + 1);
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

/* -- the socket -- */

static void capture(struct home *h, const struct kh2e_seg *seg, u64 skip, size_t n)
{
	if (h->n_out + n > h->cap_out) {
		h->cap_out = (h->n_out + n) * 2;
		h->out = home_realloc(h->out, h->cap_out);
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
			h->handed = home_realloc(h->handed, h->cap_handed * sizeof(*h->handed));
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
