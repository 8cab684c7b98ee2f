// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The connection as an object: begin, end, phases, time, and what its parts share. */
#include "core.h"

#define SHUTDOWN_NOTICE_MS 1000

/**
 * kh2e_alloc() - zeroed memory, counted for the session
 * @e: the connection
 * @size: octets
 *
 * Return: the memory, or NULL.
 */
void *kh2e_alloc(struct kh2e *e, size_t size)
{
	void *ptr = e->ops->alloc(e->home, size);

	if (ptr)
		e->memory += size;
	return ptr;
}

/**
 * kh2e_mem_free() - give memory of kh2e_alloc() back
 * @e: the connection
 * @ptr: the memory
 * @size: octets, as asked for
 */
void kh2e_mem_free(struct kh2e *e, void *ptr, size_t size)
{
	e->memory -= size;
	e->ops->free(e->home, ptr, size);
}

/**
 * kh2e_now() - monotonic time
 * @e: the connection
 *
 * Return: ns.
 */
u64 kh2e_now(const struct kh2e *e)
{
	return e->ops->now(e->home);
}

/**
 * kh2e_count() - count something
 * @e: the connection
 * @c: the counter
 * @n: how many
 */
void kh2e_count(struct kh2e *e, enum kh2_counter c, u64 n)
{
	e->counters[c] += n;
}

/**
 * kh2e_reserve() - is there room for an event?
 * @e: the connection
 * @len: octets of payload
 *
 * Return: true if the next event of at most @len octets cannot fail.
 */
bool kh2e_reserve(struct kh2e *e, u32 len)
{
	if (e->ops->reserve(e->home, len))
		return true;
	if (!e->rx.blocked)
		kh2e_count(e, KH2_C_STALL_EVENT_RING, 1);
	e->rx.blocked = true;
	return false;
}

/**
 * kh2e_post() - hand an event to the home
 * @e: the connection
 * @type: enum kh2_ev
 * @flags: KH2_EVF_* bits
 * @stream: stream identifier
 * @code: see enum kh2_ev
 * @arg: see enum kh2_ev
 * @payload: octets
 * @len: of these
 *
 * Return: false if there was no room.
 */
bool kh2e_post(struct kh2e *e, enum kh2_ev type, u16 flags, u32 stream, u32 code, u64 arg,
	       const void *payload, u32 len)
{
	struct kh2_event ev = {
		.type = type,
		.flags = flags,
		.stream = stream,
		.len = len,
		.code = code,
		.arg = arg,
	};

	return e->ops->event(e->home, &ev, payload);
}

/**
 * kh2e_spend() - the peer did something that costs us more than it
 * @e: the connection
 * @class: what it did
 *
 * Return: false, and the connection has failed, if its budget is spent.
 */
bool kh2e_spend(struct kh2e *e, enum kh2e_budget_class class)
{
	const struct kh2e_budget_rule *rule = &kh2e_budget_rules[class];

	if (kh2e_budget_take(&e->budgets[class], e->limits[rule->burst], e->limits[rule->rate],
			     kh2e_now(e)))
		return true;
	kh2e_fail(e, KH2_ENHANCE_YOUR_CALM, rule->why);
	return false;
}

/**
 * kh2e_earn() - useful work refills a budget
 * @e: the connection
 * @class: which
 * @n: tokens
 */
void kh2e_earn(struct kh2e *e, enum kh2e_budget_class class, u32 n)
{
	kh2e_budget_earn(&e->budgets[class], e->limits[kh2e_budget_rules[class].burst], n);
}

/**
 * kh2e_by_us() - is a stream identifier one of ours?
 * @e: the connection
 * @id: stream identifier
 *
 * Return: true for odd ones at a client, even ones at a server (RFC 9113 5.1.1).
 */
bool kh2e_by_us(const struct kh2e *e, u32 id)
{
	return (id & 1) == (e->role == KH2E_CLIENT);
}

/**
 * kh2e_over_memory() - does the session hold more than its limit?
 * @e: the connection
 *
 * Return: true if no new stream may begin.
 */
bool kh2e_over_memory(const struct kh2e *e)
{
	return e->memory + e->owner_memory > e->limits[KH2_L_MEMORY];
}

/**
 * kh2e_phase() - where the connection stands
 * @e: the connection
 *
 * Return: enum kh2e_phase.
 */
enum kh2e_phase kh2e_phase(const struct kh2e *e)
{
	return e->phase;
}

/**
 * kh2e_idle() - is there no stream?
 * @e: the connection
 *
 * Return: true if there is none.
 */
bool kh2e_idle(const struct kh2e *e)
{
	return !e->streams.n;
}

/**
 * kh2e_blocked() - did events wait for room?
 * @e: the connection
 *
 * Return: true if kh2e_recv() stopped short or kh2e_notify() has something left.
 */
bool kh2e_blocked(const struct kh2e *e)
{
	return e->rx.blocked || e->tell_error || e->tell_idle || !list_empty(&e->tell) ||
	       !list_empty(&e->done_srcs);
}

static void drop_streams(struct kh2e *e)
{
	struct kh2e_stream *st;

	for (st = kh2e_stream_walk(e, NULL); st; st = kh2e_stream_walk(e, st))
		kh2e_stream_drop(e, st, -ECONNRESET);
}

static void become_done(struct kh2e *e, u32 code, enum kh2_counter why)
{
	e->phase = KH2E_DONE;
	e->fail_code = code;
	e->fail_why = why;
	e->tell_error = true;
	kh2e_count(e, why, 1);
	drop_streams(e);
	kh2e_block_free(e);
}

/**
 * kh2e_fail() - a connection error (RFC 9113 5.4.1)
 * @e: the connection
 * @code: HTTP/2 code of the GOAWAY
 * @why: counter
 *
 * Nothing is read any more; the home sends what is left and closes.
 */
void kh2e_fail(struct kh2e *e, u32 code, enum kh2_counter why)
{
	if (e->phase == KH2E_DONE)
		return;
	kh2e_goaway_send(e, e->last_peer_id, code, NULL, 0);
	become_done(e, code, why);
}

/**
 * kh2e_abort() - the transport is gone: nothing can be sent any more
 * @e: the connection
 * @why: counter
 *
 * All sources are given back by kh2e_notify().
 */
void kh2e_abort(struct kh2e *e, enum kh2_counter why)
{
	if (e->phase != KH2E_DONE)
		become_done(e, KH2_NO_ERROR, why);
	kh2e_out_drop(e);
}

/**
 * kh2e_check_drained() - has the last stream of a shutdown ended?
 * @e: the connection
 */
void kh2e_check_drained(struct kh2e *e)
{
	if (e->phase != KH2E_DRAINING || e->shutdown != KH2E_SHUTDOWN_FINAL || e->streams.n)
		return;
	e->phase = KH2E_DONE;
	e->tell_idle = true;
}

/* Returns false while there is no room. */
static bool tell_stream(struct kh2e *e, struct kh2e_stream *st)
{
	if (st->told & KH2E_TELL_TRAILERS) {
		if (!kh2e_post(e, KH2_EV_WANT_TRAILERS, 0, st->id, 0, 0, NULL, 0))
			return false;
		st->told &= ~KH2E_TELL_TRAILERS;
	}
	if (st->told & KH2E_TELL_RESET) {
		if (!kh2e_post(e, KH2_EV_RESET, st->reset_local ? KH2_EVF_LOCAL : 0, st->id,
			       st->reset_code, st->reset_why, NULL, 0))
			return false;
		st->told &= ~KH2E_TELL_RESET;
	}
	if (st->told & KH2E_TELL_CLOSED) {
		if (!kh2e_post(e, KH2_EV_CLOSED, 0, st->id, st->reset ? st->reset_code : 0, 0,
			       NULL, 0))
			return false;
		st->told &= ~KH2E_TELL_CLOSED;
	}
	return true;
}

static bool tell_streams(struct kh2e *e)
{
	struct kh2e_stream *st, *next;

	list_for_each_entry_safe(st, next, &e->tell, tell) {
		if (!tell_stream(e, st))
			return false;
		list_del_init(&st->tell);
		kh2e_stream_maybe_free(e, st);
	}
	return true;
}

static bool tell_sources(struct kh2e *e)
{
	struct kh2e_src *src, *next;

	list_for_each_entry_safe(src, next, &e->done_srcs, node) {
		if (src->notify && !kh2e_post(e, KH2_EV_TX_DONE, 0, src->stream, -src->status,
					      src->user_data, NULL, 0))
			return false;
		list_del_init(&src->node);
		e->ops->src_release(e->home, src);
	}
	return true;
}

/**
 * kh2e_notify() - post events that waited for room, free what waited for them
 * @e: the connection
 *
 * The only place, but for KH2_OP_RELEASE, where streams are freed.
 *
 * Return: true if none is left.
 */
bool kh2e_notify(struct kh2e *e)
{
	if (!tell_sources(e) || !tell_streams(e))
		return false;
	if (e->tell_error) {
		if (!kh2e_post(e, KH2_EV_ERROR, 0, 0, e->fail_code, e->fail_why, NULL, 0))
			return false;
		e->tell_error = false;
	}
	if (e->tell_idle) {
		if (!kh2e_post(e, KH2_EV_IDLE, 0, 0, 0, 0, NULL, 0))
			return false;
		e->tell_idle = false;
	}
	return true;
}

/**
 * kh2e_config_init() - the defaults
 * @cfg: filled
 * @role: enum kh2e_role
 *
 * Return: 0, or -EINVAL for an unknown role.
 */
int kh2e_config_init(struct kh2e_config *cfg, u8 role)
{
	if (role != KH2E_SERVER && role != KH2E_CLIENT)
		return -EINVAL;
	memset(cfg, 0, sizeof(*cfg));
	cfg->role = role;
	cfg->conn_window = KH2_WINDOW_INITIAL;
	kh2e_limits_default(cfg->limits);
	return 0;
}

static int config_check(const struct kh2e_config *cfg)
{
	if (cfg->role > KH2E_CLIENT || cfg->padding > KH2E_PAD_ALIGNED)
		return -EINVAL;
	if (cfg->n_settings >= KH2E_SETTINGS_CAP)
		return -EINVAL;
	if (cfg->conn_window < KH2_WINDOW_INITIAL || cfg->conn_window > KH2_WINDOW_MAX)
		return -ERANGE;
	if (kh2e_settings_check(cfg->settings, cfg->n_settings, cfg->role, NULL))
		return -ERANGE;
	return kh2e_limits_check(cfg->limits, NULL);
}

static void init_lists(struct kh2e *e)
{
	INIT_LIST_HEAD(&e->out.items);
	INIT_LIST_HEAD(&e->tell);
	INIT_LIST_HEAD(&e->done_srcs);
	for (int i = 0; i < KH2E_URGENCIES; i++)
		INIT_LIST_HEAD(&e->ready[i]);
}

static void init_state(struct kh2e *e, const struct kh2e_config *cfg)
{
	u64 now = kh2e_now(e);

	e->role = cfg->role;
	e->padding = cfg->padding;
	memcpy(e->limits, cfg->limits, sizeof(e->limits));
	kh2e_settings_init(&e->local);
	kh2e_settings_init(&e->remote);
	kh2e_send_window_init(&e->send, KH2_WINDOW_INITIAL);
	kh2e_recv_window_init(&e->recv, KH2_WINDOW_INITIAL);
	e->rx.state = cfg->role == KH2E_SERVER ? KH2E_RX_PREFACE : KH2E_RX_HEAD;
	e->next_id = cfg->role == KH2E_SERVER ? 2 : 1;
	e->goaway_told_id = KH2_ID_MAX;
	e->goaway_sent_id = KH2_ID_MAX;
	e->goaway_recv_id = KH2_ID_MAX;
	e->begun = now;
	e->idle_since = now;
	e->stall_scan = now;
	for (int i = 0; i < __KH2E_BUDGETS; i++)
		kh2e_budget_init(&e->budgets[i], e->limits[kh2e_budget_rules[i].burst], now);
}

static bool has_setting(const struct kh2e_config *cfg, u16 id)
{
	for (u32 i = 0; i < cfg->n_settings; i++)
		if (cfg->settings[i].id == id)
			return true;
	return false;
}

/* RFC 9113 3.4: the client's octets, and SETTINGS from both. */
static int send_preface(struct kh2e *e, const struct kh2e_config *cfg)
{
	struct kh2_setting s[KH2E_SETTINGS_CAP];
	u32 n = cfg->n_settings;
	int err;

	if (e->role == KH2E_CLIENT) {
		u8 *p = kh2e_out_bytes(e, KH2_PREFACE_LEN);

		if (!p)
			return -ENOMEM;
		memcpy(p, KH2_PREFACE, KH2_PREFACE_LEN);
	}
	memcpy(s, cfg->settings, n * sizeof(*s));
	if (e->role == KH2E_SERVER && !has_setting(cfg, KH2_SETTINGS_MAX_CONCURRENT_STREAMS))
		s[n++] = (struct kh2_setting){ .id = KH2_SETTINGS_MAX_CONCURRENT_STREAMS,
					       .value = e->limits[KH2_L_STREAMS] };
	err = kh2e_settings_send(e, s, n);
	if (err)
		return err;
	if (cfg->conn_window == KH2_WINDOW_INITIAL)
		return 0;
	kh2e_recv_window_init(&e->recv, cfg->conn_window);
	kh2e_out_window_update(e, 0, cfg->conn_window - KH2_WINDOW_INITIAL);
	return e->phase == KH2E_DONE ? -ENOMEM : 0;
}

/**
 * kh2e_new() - begin a connection
 * @out: set to it
 * @ops: what it needs of its home; outlives it
 * @home: passed to @ops
 * @cfg: how it begins; not kept
 *
 * Return: 0, -EINVAL or -ERANGE for a bad @cfg, -ENOMEM.
 */
int kh2e_new(struct kh2e **out, const struct kh2e_ops *ops, void *home,
	     const struct kh2e_config *cfg)
{
	int err = config_check(cfg);
	struct kh2e *e;

	if (err)
		return err;
	e = ops->alloc(home, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->ops = ops;
	e->home = home;
	e->memory = sizeof(*e);
	init_lists(e);
	init_state(e, cfg);
	err = kh2e_streams_init(e);
	if (!err)
		err = send_preface(e, cfg);
	if (err) {
		kh2e_free(e);
		return err;
	}
	*out = e;
	return 0;
}

static void release_sources(struct kh2e *e)
{
	struct kh2e_src *src, *next;

	list_for_each_entry_safe(src, next, &e->done_srcs, node) {
		list_del_init(&src->node);
		e->ops->src_release(e->home, src);
	}
}

/**
 * kh2e_free() - end a connection; no event comes of it
 * @e: the connection; all sources are given back
 */
void kh2e_free(struct kh2e *e)
{
	struct kh2e_stream *st, *next;

	if (e->streams.buckets)
		drop_streams(e);
	kh2e_out_drop(e);
	release_sources(e);
	for (u32 i = 0; e->streams.buckets && i < e->streams.n_buckets; i++) {
		for (st = e->streams.buckets[i]; st; st = next) {
			next = st->next;
			kh2e_mem_free(e, st, sizeof(*st));
		}
	}
	kh2e_streams_exit(e);
	kh2e_block_free(e);
	if (e->rx.body)
		kh2e_mem_free(e, e->rx.body, e->rx.frame.len);
	WARN_ON_ONCE(e->memory != sizeof(*e));
	e->ops->free(e->home, e, sizeof(*e));
}

static u64 after_ms(u64 since, u32 ms)
{
	return since + ms * NSEC_PER_MSEC;
}

/**
 * kh2e_deadline() - when kh2e_tick() is to be called
 * @e: the connection
 *
 * Return: monotonic time, ns; U64_MAX for never.
 */
u64 kh2e_deadline(const struct kh2e *e)
{
	const u32 *limits = e->limits;
	u64 t = ~0ULL;

	if (e->phase == KH2E_DONE)
		return t;
	if (!e->rx.settings_seen)
		t = min(t, after_ms(e->begun, limits[KH2_L_PREFACE_MS]));
	if (e->n_settings_out)
		t = min(t, after_ms(e->settings_out[0].since, limits[KH2_L_SETTINGS_ACK_MS]));
	if (e->shutdown == KH2E_SHUTDOWN_NOTICE)
		t = min(t, after_ms(e->shutdown_since, SHUTDOWN_NOTICE_MS));
	if (e->streams.n && limits[KH2_L_STALL_MS])
		t = min(t, after_ms(e->stall_scan, limits[KH2_L_STALL_MS] / 4 + 1));
	if (!e->streams.n && limits[KH2_L_IDLE_MS])
		t = min(t, after_ms(e->idle_since, limits[KH2_L_IDLE_MS]));
	return t;
}

/* A full frame was sent: of the stream, or of others while its turn was yet to come */
static bool made_progress(const struct kh2e *e, const struct kh2e_stream *st)
{
	if (st->tx_data - st->stall_data >= KH2_DATA_BULK)
		return true;
	return !list_empty(&st->ready) &&
	       e->counters[KH2_C_TX_DATA] - st->stall_conn >= KH2_DATA_BULK;
}

/* A stream that has data and made no progress within the limit */
static bool is_stalled(struct kh2e *e, struct kh2e_stream *st, u64 now)
{
	if (st->state == KH2E_CLOSED || !st->queued || made_progress(e, st)) {
		kh2e_stream_mark_progress(e, st, now);
		return false;
	}
	return now >= after_ms(st->stall_since, e->limits[KH2_L_STALL_MS]);
}

static void scan_stalled(struct kh2e *e, u64 now)
{
	struct kh2e_stream *st;

	e->stall_scan = now;
	for (st = kh2e_stream_walk(e, NULL); st && e->phase != KH2E_DONE;
	     st = kh2e_stream_walk(e, st))
		if (is_stalled(e, st, now))
			kh2e_stream_reset(e, st, KH2_CANCEL, KH2_C_STREAM_STALLED);
}

/**
 * kh2e_tick() - time passed
 * @e: the connection
 */
void kh2e_tick(struct kh2e *e)
{
	const u32 *limits = e->limits;
	u64 now = kh2e_now(e);

	if (e->phase != KH2E_DONE && !e->rx.settings_seen &&
	    now >= after_ms(e->begun, limits[KH2_L_PREFACE_MS]))
		kh2e_fail(e, KH2_PROTOCOL_ERROR, KH2_C_CONN_PREFACE_TIMEOUT);
	if (e->n_settings_out &&
	    now >= after_ms(e->settings_out[0].since, limits[KH2_L_SETTINGS_ACK_MS]))
		kh2e_fail(e, KH2_SETTINGS_TIMEOUT, KH2_C_CONN_SETTINGS_TIMEOUT);
	if (e->phase != KH2E_DONE && e->shutdown == KH2E_SHUTDOWN_NOTICE &&
	    now >= after_ms(e->shutdown_since, SHUTDOWN_NOTICE_MS))
		kh2e_shutdown_final(e);
	if (e->phase != KH2E_DONE && e->streams.n && limits[KH2_L_STALL_MS] &&
	    now >= after_ms(e->stall_scan, limits[KH2_L_STALL_MS] / 4 + 1))
		scan_stalled(e, now);
	if (!e->streams.n && limits[KH2_L_IDLE_MS] &&
	    now >= after_ms(e->idle_since, limits[KH2_L_IDLE_MS]))
		kh2e_fail(e, KH2_NO_ERROR, KH2_C_CONN_IDLE);
	kh2e_notify(e);
}
