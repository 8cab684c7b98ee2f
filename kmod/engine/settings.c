// SPDX-License-Identifier: GPL-2.0 OR MIT
/* SETTINGS: ranges, synchronisation, and what each parameter does here (RFC 9113 6.5). */
#include "core.h"

/**
 * struct setting_rule - what a parameter may be
 * @known: one that the engine knows
 * @min: least value
 * @max: most
 * @code: HTTP/2 code of a value outside
 * @offset: its place in struct kh2e_settings
 * @initial: value before any SETTINGS
 */
struct setting_rule {
	bool known;
	u32 min;
	u32 max;
	u32 code;
	size_t offset;
	u32 initial;
};

#define SETTING(field, min_, max_, code_, initial_) \
	{ .known = true, .min = (min_), .max = (max_), .code = (code_), .initial = (initial_), \
	  .offset = offsetof(struct kh2e_settings, field) }

static const struct setting_rule setting_rules[] = {
	[KH2_SETTINGS_HEADER_TABLE_SIZE] =
		SETTING(header_table_size, 0, U32_MAX, 0, 4096),
	[KH2_SETTINGS_ENABLE_PUSH] =
		SETTING(enable_push, 0, 1, KH2_PROTOCOL_ERROR, 1),
	[KH2_SETTINGS_MAX_CONCURRENT_STREAMS] =
		SETTING(max_concurrent_streams, 0, U32_MAX, 0, U32_MAX),
	[KH2_SETTINGS_INITIAL_WINDOW_SIZE] =
		SETTING(initial_window_size, 0, KH2_WINDOW_MAX, KH2_FLOW_CONTROL_ERROR,
			KH2_WINDOW_INITIAL),
	[KH2_SETTINGS_MAX_FRAME_SIZE] =
		SETTING(max_frame_size, KH2_FRAME_SIZE_MIN, KH2_FRAME_SIZE_MAX,
			KH2_PROTOCOL_ERROR, KH2_FRAME_SIZE_MIN),
	[KH2_SETTINGS_MAX_HEADER_LIST_SIZE] =
		SETTING(max_header_list_size, 0, U32_MAX, 0, U32_MAX),
	[KH2_SETTINGS_ENABLE_CONNECT_PROTOCOL] =
		SETTING(enable_connect_protocol, 0, 1, KH2_PROTOCOL_ERROR, 0),
	[KH2_SETTINGS_NO_RFC7540_PRIORITIES] =
		SETTING(no_rfc7540_priorities, 0, 1, KH2_PROTOCOL_ERROR, 0),
};

static const struct setting_rule *rule_of(u16 id)
{
	if (id >= ARRAY_SIZE(setting_rules) || !setting_rules[id].known)
		return NULL;
	return &setting_rules[id];
}

static u32 *field_of(struct kh2e_settings *s, const struct setting_rule *rule)
{
	return (u32 *)((u8 *)s + rule->offset);
}

/**
 * kh2e_settings_init() - the values before any SETTINGS
 * @s: filled
 */
void kh2e_settings_init(struct kh2e_settings *s)
{
	for (u16 id = 0; id < ARRAY_SIZE(setting_rules); id++) {
		const struct setting_rule *rule = rule_of(id);

		if (rule)
			*field_of(s, rule) = rule->initial;
	}
}

/**
 * kh2e_settings_check() - hold parameters that we would send against their ranges
 * @s: parameters
 * @n: of these
 * @role: enum kh2e_role of the sender
 * @bad: set to the place of the first bad one; may be NULL
 *
 * A server does not send ENABLE_PUSH other than 0 (RFC 9113 6.5.2). What the
 * engine does not know may be sent; the owner knows what it does.
 *
 * Return: 0, -ERANGE, or -EINVAL for a reserved field or too many.
 */
int kh2e_settings_check(const struct kh2_setting *s, u32 n, u8 role, u32 *bad)
{
	int err = n > KH2E_SETTINGS_CAP ? -EINVAL : 0;

	for (u32 i = 0; i < n && !err; i++) {
		const struct setting_rule *rule = rule_of(s[i].id);

		if (s[i].__reserved)
			err = -EINVAL;
		else if (rule && (s[i].value < rule->min || s[i].value > rule->max))
			err = -ERANGE;
		else if (role == KH2E_SERVER && s[i].id == KH2_SETTINGS_ENABLE_PUSH && s[i].value)
			err = -ERANGE;
		if (err && bad)
			*bad = i;
	}
	return err;
}

/* RFC 9113 6.9.2: a change moves the window of every stream, below zero perhaps. */
static void shift_send_windows(struct kh2e *e, s64 delta)
{
	struct kh2e_stream *st;

	for (st = kh2e_stream_walk(e, NULL); st; st = kh2e_stream_walk(e, st)) {
		if (st->state == KH2E_CLOSED)
			continue;
		if (!kh2e_send_window_shift(&st->send, delta)) {
			kh2e_fail(e, KH2_FLOW_CONTROL_ERROR, KH2_C_CONN_WINDOW_OVERFLOW);
			return;
		}
		kh2e_sched_update(e, st);
	}
}

static void shift_recv_windows(struct kh2e *e, u32 old, u32 value)
{
	struct kh2e_stream *st;

	for (st = kh2e_stream_walk(e, NULL); st; st = kh2e_stream_walk(e, st)) {
		if (kh2e_stream_receives(st)) {
			e->recv_sizes -= st->recv.size;
			e->recv_sizes += value;
		}
		kh2e_recv_window_shift(&st->recv, (s64)value - old, value);
		/* what was saved up may be more than half of a window that shrank */
		kh2e_data_credit(e, st);
	}
}

/* Parameters that change what the owner may encode or send next */
static bool concerns_owner(const struct kh2e *e, u16 id, u32 old, u32 value)
{
	switch (id) {
	case KH2_SETTINGS_HEADER_TABLE_SIZE:
	case KH2_SETTINGS_ENABLE_PUSH:
		return value != old;
	case KH2_SETTINGS_MAX_CONCURRENT_STREAMS:
		return value < old && e->role == KH2E_CLIENT;
	default:
		return false;
	}
}

/* One parameter of the peer takes effect. True if userspace must acknowledge. */
static bool apply_remote(struct kh2e *e, u16 id, u32 value)
{
	const struct setting_rule *rule = rule_of(id);
	u32 *field = field_of(&e->remote, rule), old = *field;

	*field = value;
	if (id == KH2_SETTINGS_INITIAL_WINDOW_SIZE)
		shift_send_windows(e, (s64)value - old);
	if (id == KH2_SETTINGS_MAX_CONCURRENT_STREAMS)
		e->own_limit = max(e->own_limit, value);
	/* of a server it says only what it will not heed */
	if (id == KH2_SETTINGS_NO_RFC7540_PRIORITIES && value && e->role == KH2E_SERVER)
		kh2e_sched_by_urgency(e, KH2E_RANK_RFC9218);
	return concerns_owner(e, id, old, value);
}

/* Without the parameter in the first SETTINGS there is no limit (RFC 9113 6.5.2). */
static void begin_remote(struct kh2e *e, const struct kh2_setting *known, u32 n)
{
	if (e->rx.settings_seen)
		return;
	e->rx.settings_seen = true;
	for (u32 i = 0; i < n; i++)
		if (known[i].id == KH2_SETTINGS_MAX_CONCURRENT_STREAMS)
			return;
	apply_remote(e, KH2_SETTINGS_MAX_CONCURRENT_STREAMS,
		     setting_rules[KH2_SETTINGS_MAX_CONCURRENT_STREAMS].initial);
}

static void apply_local(struct kh2e *e, u16 id, u32 value)
{
	const struct setting_rule *rule = rule_of(id);
	u32 old;

	if (!rule)
		return;
	old = *field_of(&e->local, rule);
	*field_of(&e->local, rule) = value;
	if (id == KH2_SETTINGS_INITIAL_WINDOW_SIZE)
		shift_recv_windows(e, old, value);
	if (id == KH2_SETTINGS_MAX_CONCURRENT_STREAMS)
		kh2e_signal_lowered(e);
}

static void send_ack(struct kh2e *e)
{
	const struct kh2e_frame f = { .type = KH2_FRAME_SETTINGS, .flags = KH2_FLAG_ACK };

	kh2e_out_frame(e, &f, NULL, true);
}

/* RFC 9113 6.5.3: our oldest SETTINGS take effect. */
static struct kh2e_settings_out *oldest(const struct kh2e *e)
{
	return list_first_entry(&e->settings_out, struct kh2e_settings_out, node);
}

static void forget(struct kh2e *e, struct kh2e_settings_out *out)
{
	list_del(&out->node);
	e->n_settings_out--;
	kh2e_mem_free(e, out, sizeof(*out));
}

static void recv_ack(struct kh2e *e)
{
	struct kh2e_settings_out *out;

	if (!e->n_settings_out) {
		kh2e_fail(e, KH2_PROTOCOL_ERROR, KH2_C_CONN_SETTINGS_ACK);
		return;
	}
	out = oldest(e);
	kh2e_rtt_sample(e, out->since);
	for (u32 i = 0; i < out->n; i++)
		apply_local(e, out->s[i].id, out->s[i].value);
	kh2e_post(e, KH2_EV_SETTINGS_ACK, 0, 0, 0, 0, out->s, out->n * sizeof(out->s[0]));
	forget(e, out);
}

static struct kh2_setting read_setting(const u8 *p)
{
	return (struct kh2_setting){
		.id = get_unaligned_be16(p),
		.value = get_unaligned_be32(p + 2),
	};
}

static bool check_remote(struct kh2e *e, struct kh2_setting s)
{
	const struct setting_rule *rule = rule_of(s.id);

	if (s.value < rule->min || s.value > rule->max)
		kh2e_fail(e, rule->code, KH2_C_CONN_SETTINGS_VALUE);
	/* RFC 9113 6.5.2: a client must not accept a server that enables push */
	else if (s.id == KH2_SETTINGS_ENABLE_PUSH && s.value && e->role == KH2E_CLIENT)
		kh2e_fail(e, KH2_PROTOCOL_ERROR, KH2_C_CONN_SETTINGS_VALUE);
	/* RFC 8441 3: a server cannot take it back; of a client it means nothing */
	else if (s.id == KH2_SETTINGS_ENABLE_CONNECT_PROTOCOL && e->role == KH2E_CLIENT &&
		 s.value < e->remote.enable_connect_protocol)
		kh2e_fail(e, KH2_PROTOCOL_ERROR, KH2_C_CONN_SETTINGS_VALUE);
	/* RFC 9218 2.1: it stays as the first SETTINGS have it */
	else if (s.id == KH2_SETTINGS_NO_RFC7540_PRIORITIES && e->rx.settings_seen &&
		 s.value != e->remote.no_rfc7540_priorities)
		kh2e_fail(e, KH2_PROTOCOL_ERROR, KH2_C_CONN_SETTINGS_VALUE);
	return e->phase != KH2E_DONE;
}

/*
 * The event carries what the engine knows, each parameter once, with its last
 * value; but of HEADER_TABLE_SIZE also the smallest, before the last: the
 * encoder must tell the peer of it (RFC 7541 4.2).
 */
static u32 collect(struct kh2_setting *list, u32 n, struct kh2_setting s)
{
	struct kh2_setting *first = NULL, *last = NULL;

	for (u32 i = 0; i < n; i++) {
		if (list[i].id != s.id)
			continue;
		first = first ?: &list[i];
		last = &list[i];
	}
	if (last && (s.id != KH2_SETTINGS_HEADER_TABLE_SIZE || last != first ||
		     s.value <= first->value)) {
		if (last != first && last->value < first->value)
			first->value = last->value;
		last->value = s.value;
		return n;
	}
	list[n] = s;
	return n + 1;
}

static bool read_remote(struct kh2e *e, const u8 *payload, u32 n, struct kh2_setting *known,
			u32 *n_known)
{
	*n_known = 0;
	for (u32 i = 0; i < n; i++) {
		struct kh2_setting s = read_setting(payload + 6 * i);

		if (!rule_of(s.id))
			continue;
		if (!check_remote(e, s))
			return false;
		*n_known = collect(known, *n_known, s);
	}
	return true;
}

static void acknowledge(struct kh2e *e, bool by_owner)
{
	if (!by_owner)
		send_ack(e);
	else if (++e->acks_wanted > e->limits[KH2_L_REPLIES])
		kh2e_fail(e, KH2_ENHANCE_YOUR_CALM, KH2_C_FLOOD_REPLY);
}

/**
 * kh2e_settings_recv() - SETTINGS, or the acknowledgement of ours
 * @e: the connection
 * @f: the frame
 * @payload: its octets
 *
 * A parameter that comes again and again takes effect once, with its last
 * value: each change of a window walks all streams.
 */
void kh2e_settings_recv(struct kh2e *e, const struct kh2e_frame *f, const u8 *payload)
{
	struct kh2_setting known[ARRAY_SIZE(setting_rules) + 1];
	/* acknowledgements keep the order of what they answer */
	bool by_owner = e->acks_wanted;
	u32 n;

	if (!kh2e_spend(e, KH2E_BUDGET_SETTINGS))
		return;
	if (f->flags & KH2_FLAG_ACK) {
		recv_ack(e);
		return;
	}
	if (!read_remote(e, payload, f->len / 6, known, &n))
		return;
	begin_remote(e, known, n);
	for (u32 i = 0; i < n && e->phase != KH2E_DONE; i++)
		by_owner |= apply_remote(e, known[i].id, known[i].value);
	if (e->phase == KH2E_DONE)
		return;
	kh2e_post(e, KH2_EV_SETTINGS, by_owner ? KH2_EVF_ACK_WANTED : 0, 0, 0, 0,
		  known, n * sizeof(known[0]));
	acknowledge(e, by_owner);
}

/**
 * kh2e_settings_ack() - the owner has applied the oldest SETTINGS that waited for it
 * @e: the connection
 *
 * Return: 0, or -EINVAL if none waits.
 */
int kh2e_settings_ack(struct kh2e *e)
{
	if (!e->acks_wanted)
		return -EINVAL;
	e->acks_wanted--;
	if (!e->acks_wanted)
		e->own_limit = e->remote.max_concurrent_streams;
	send_ack(e);
	return 0;
}

/**
 * kh2e_settings_frame_max() - payload of a frame that we send at the most
 * @e: the connection
 *
 * While SETTINGS of the peer wait for the owner, the peer may count by what was
 * before them or by what they say: every peer takes what RFC 9113 4.2 has as the least.
 *
 * Return: octets.
 */
u32 kh2e_settings_frame_max(const struct kh2e *e)
{
	return e->acks_wanted ? KH2_FRAME_SIZE_MIN : e->remote.max_frame_size;
}

static const struct kh2_setting *find_last(const struct kh2_setting *s, u32 n, u16 id)
{
	while (n--)
		if (s[n].id == id)
			return &s[n];
	return NULL;
}

/* The value that we sent last, acknowledged or not */
static u32 told(const struct kh2e *e, u16 id)
{
	const struct kh2_setting *last = NULL;
	const struct kh2e_settings_out *out;

	list_for_each_entry(out, &e->settings_out, node)
		last = find_last(out->s, out->n, id) ?: last;
	return last ? last->value : *(const u32 *)((const u8 *)&e->local + rule_of(id)->offset);
}

/*
 * RFC 8441 3: extended CONNECT stays once it was offered. RFC 9218 2.1: the
 * first SETTINGS say whether priorities of RFC 7540 count, and that stays.
 */
static bool takes_back(const struct kh2e *e, const struct kh2_setting *s, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		const struct kh2_setting *same = find_last(s, i, s[i].id);

		if (s[i].id == KH2_SETTINGS_ENABLE_CONNECT_PROTOCOL &&
		    s[i].value < (same ? same->value : told(e, s[i].id)))
			return true;
		if (s[i].id == KH2_SETTINGS_NO_RFC7540_PRIORITIES && e->settings_begun &&
		    s[i].value != told(e, s[i].id))
			return true;
	}
	return false;
}

/*
 * RFC 9113 6.9.2: a setting moves windows that have grown beyond the last one, too,
 * and no window may pass 2^31-1.
 */
static bool too_wide(const struct kh2e *e, u32 value)
{
	s64 delta = (s64)value - e->local.initial_window_size;
	const struct kh2e_stream *st;

	for (st = kh2e_stream_walk(e, NULL); st; st = kh2e_stream_walk(e, st))
		if (max_t(s64, st->recv.left, st->recv.size) + delta > KH2_WINDOW_MAX)
			return true;
	return false;
}

/**
 * kh2e_settings_send() - send SETTINGS; they take effect when acknowledged
 * @e: the connection
 * @s: parameters, checked
 * @n: of these
 *
 * Who sets windows of streams is not to find them changed: they are tuned no more.
 *
 * Return: 0, -EAGAIN if too many are not acknowledged, -ERANGE if a parameter
 * cannot change any more, or not so far, -ENOMEM.
 */
int kh2e_settings_send(struct kh2e *e, const struct kh2_setting *s, u32 n)
{
	const struct kh2e_frame f = { .len = 6 * n, .type = KH2_FRAME_SETTINGS };
	const struct kh2_setting *window = find_last(s, n, KH2_SETTINGS_INITIAL_WINDOW_SIZE);
	struct kh2e_settings_out *out;
	u8 payload[6 * KH2E_SETTINGS_CAP];
	int err;

	if (e->n_settings_out >= e->limits[KH2_L_SETTINGS_OUT])
		return -EAGAIN;
	if (takes_back(e, s, n) || (window && too_wide(e, window->value)))
		return -ERANGE;
	for (u32 i = 0; i < n; i++) {
		put_unaligned_be16(s[i].id, payload + 6 * i);
		put_unaligned_be32(s[i].value, payload + 6 * i + 2);
	}
	out = kh2e_alloc(e, sizeof(*out));
	if (!out)
		return -ENOMEM;
	err = kh2e_out_frame(e, &f, payload, false);
	if (err) {
		kh2e_mem_free(e, out, sizeof(*out));
		return err;
	}
	memcpy(out->s, s, n * sizeof(*s));
	out->n = n;
	out->since = kh2e_now(e);
	list_add_tail(&out->node, &e->settings_out);
	e->n_settings_out++;
	e->settings_begun = true;
	e->recv_tuned &= !window;
	return 0;
}

/**
 * kh2e_settings_since() - when the oldest SETTINGS were sent that wait for their ACK
 * @e: the connection, with such
 *
 * Return: monotonic time, ns.
 */
u64 kh2e_settings_since(const struct kh2e *e)
{
	return oldest(e)->since;
}

/**
 * kh2e_settings_drop() - forget the SETTINGS that wait for their ACK
 * @e: the connection
 */
void kh2e_settings_drop(struct kh2e *e)
{
	while (!list_empty(&e->settings_out))
		forget(e, oldest(e));
}
