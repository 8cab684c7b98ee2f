// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The connection as an object: begin, end, phases, and what its parts share. */
#include "core.h"

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
 * kh2e_spend() - the peer did something that costs us more than it
 * @e: the connection
 * @class: what it did
 *
 * Return: false, and the connection has failed, if its budget is spent.
 */
bool kh2e_spend(struct kh2e *e, enum kh2e_budget_class class)
{
	const struct kh2e_budget_rule *rule = &kh2e_budget_rules[class];

	kh2e_recv_cost(e, rule->cost);
	if (class == KH2E_BUDGET_RESET)
		kh2e_recv_distrust(e);
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
 * kh2e_memory_scarce() - does the session hold a good part of its limit?
 * @e: the connection
 *
 * Return: true if what can be had later should not be kept ready.
 */
bool kh2e_memory_scarce(const struct kh2e *e)
{
	return e->memory + e->owner_memory > e->limits[KH2_L_MEMORY] / 4;
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

static void drop_streams(struct kh2e *e)
{
	struct kh2e_stream *st;

	for (st = kh2e_stream_walk(e, NULL); st; st = kh2e_stream_walk(e, st))
		kh2e_stream_drop(e, st, -ECONNRESET);
}

static void blame(struct kh2e *e, enum kh2_counter why)
{
	BUILD_BUG_ON(__KH2_C_END > 255);
	e->fail_why = (u8)why;
	kh2e_count(e, why, 1);
}

static void become_done(struct kh2e *e, u32 code, enum kh2_counter why)
{
	e->phase = KH2E_DONE;
	e->fail_code = code;
	e->tell_error = true;
	blame(e, why);
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
	else if (e->fail_why == __KH2_C_END)	/* an end in order, but not to its end */
		blame(e, why);
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
	kh2e_limits_default(cfg->limits);
	return 0;
}

static int config_check(const struct kh2e_config *cfg)
{
	if (cfg->role > KH2E_CLIENT || cfg->padding > KH2E_PAD_ALIGNED)
		return -EINVAL;
	if (cfg->n_settings >= KH2E_SETTINGS_CAP)
		return -EINVAL;
	if ((cfg->conn_window && cfg->conn_window < KH2_WINDOW_INITIAL) ||
	    cfg->conn_window > KH2_WINDOW_MAX)
		return -ERANGE;
	if (kh2e_settings_check(cfg->settings, cfg->n_settings, cfg->role, NULL))
		return -ERANGE;
	return kh2e_limits_check(cfg->limits, NULL);
}

/**
 * kh2e_conn_window() - the connection's window, where nobody chose one
 * @limits: by enum kh2_limit
 *
 * All that the session may hold: what holds a stream back is its own window.
 *
 * Return: octets.
 */
u32 kh2e_conn_window(const u32 limits[__KH2_L_END])
{
	return max_t(u32, limits[KH2_L_MEMORY], KH2_WINDOW_INITIAL);
}

static bool has_setting(const struct kh2e_config *cfg, u16 id)
{
	for (u32 i = 0; i < cfg->n_settings; i++)
		if (cfg->settings[i].id == id)
			return true;
	return false;
}

static void init_lists(struct kh2e *e)
{
	INIT_LIST_HEAD(&e->out.items);
	INIT_LIST_HEAD(&e->tell);
	INIT_LIST_HEAD(&e->done_srcs);
	INIT_LIST_HEAD(&e->settings_out);
	INIT_LIST_HEAD(&e->pings_out);
	kh2e_sched_init(e);
}

static void init_state(struct kh2e *e, const struct kh2e_config *cfg)
{
	u64 now = kh2e_now(e);

	e->role = cfg->role;
	e->padding = cfg->padding;
	memcpy(e->limits, cfg->limits, sizeof(e->limits));
	kh2e_settings_init(&e->local);
	kh2e_settings_init(&e->remote);
	if (cfg->role == KH2E_CLIENT)
		e->remote.max_concurrent_streams = cfg->limits[KH2_L_PEER_STREAMS];
	e->own_limit = e->remote.max_concurrent_streams;
	kh2e_send_window_init(&e->send, KH2_WINDOW_INITIAL);
	kh2e_recv_window_init(&e->recv, KH2_WINDOW_INITIAL);
	e->recv_auto = !cfg->conn_window;
	e->recv_tuned = !has_setting(cfg, KH2_SETTINGS_INITIAL_WINDOW_SIZE);
	e->rx.state = cfg->role == KH2E_SERVER ? KH2E_RX_PREFACE : KH2E_RX_HEAD;
	e->next_id = cfg->role == KH2E_SERVER ? 2 : 1;
	e->fail_why = __KH2_C_END;
	e->goaway_told_id = KH2_ID_MAX;
	e->goaway_sent_id = KH2_ID_MAX;
	e->goaway_recv_id = KH2_ID_MAX;
	e->begun = now;
	e->idle_since = now;
	e->scanned = now;
	for (int i = 0; i < __KH2E_BUDGETS; i++)
		kh2e_budget_init(&e->budgets[i], e->limits[kh2e_budget_rules[i].burst], now);
}

/* RFC 9113 3.4: the client's octets, and SETTINGS from both. */
static int send_preface(struct kh2e *e, const struct kh2e_config *cfg)
{
	u32 window = cfg->conn_window ?: kh2e_conn_window(cfg->limits);
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
	for (u32 i = 0; i < n; i++)
		if (s[i].id == KH2_SETTINGS_NO_RFC7540_PRIORITIES)
			e->sched.deaf_to_rfc7540 = s[i].value;
	if (e->role == KH2E_SERVER && !has_setting(cfg, KH2_SETTINGS_MAX_CONCURRENT_STREAMS))
		s[n++] = (struct kh2_setting){ .id = KH2_SETTINGS_MAX_CONCURRENT_STREAMS,
					       .value = e->limits[KH2_L_STREAMS] };
	err = kh2e_settings_send(e, s, n);
	if (err)
		return err;
	if (window == KH2_WINDOW_INITIAL)
		return 0;
	kh2e_recv_window_init(&e->recv, window);
	kh2e_out_window_update(e, 0, window - KH2_WINDOW_INITIAL);
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

	list_for_each_entry_safe(src, next, &e->done_srcs, node)
		kh2e_src_done(e, src);
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
	kh2e_sched_exit(e);
	kh2e_signal_exit(e);
	kh2e_block_free(e);
	if (e->rx.body)
		kh2e_mem_free(e, e->rx.body, e->rx.frame.len);
	kh2e_settings_drop(e);
	kh2e_ping_drop(e);
	WARN_ON_ONCE(e->memory != sizeof(*e));
	e->ops->free(e->home, e, sizeof(*e));
}
