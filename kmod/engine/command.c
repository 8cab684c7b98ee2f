// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Commands of the owner: checked against one table, then carried out. */
#include "core.h"

enum cmd_stream {
	NO_STREAM,
	ONE_STREAM,
	ANY_STREAM,
};

/**
 * struct cmd_rule - what an opcode allows
 * @known: an opcode of ours
 * @flags: KH2_SQE_* that it takes
 * @stream: whether it names a stream
 * @payload: takes @addr and @len as octets
 * @source: takes a source
 * @uses: fields that may differ from zero, USES_*
 * @fits: whether these go together; NULL if they always do
 * @run: carries it out
 */
struct cmd_rule {
	bool known;
	u8 flags;
	enum cmd_stream stream;
	bool payload;
	bool source;
	u8 uses;
	bool (*fits)(const struct kh2_sqe *sqe);
	int (*run)(struct kh2e *e, const struct kh2_sqe *sqe, const u8 *payload,
		   struct kh2e_src *src);
};

#define USES_LEN	BIT(0)
#define USES_OFFSET	BIT(1)
#define USES_CODE	BIT(2)
#define USES_VALUE	BIT(3)
#define USES_FD		BIT(4)
#define USES_ADDR	BIT(5)

#define SETTINGS_LEN_MAX (KH2E_SETTINGS_CAP * sizeof(struct kh2_setting))

/* The owner broke the rules of the channel in a way that cannot be mended. */
static int abi_broken(struct kh2e *e)
{
	kh2e_fail(e, KH2_INTERNAL_ERROR, KH2_C_CONN_ABI);
	return -EPROTO;
}

static int run_nop(struct kh2e *e, const struct kh2_sqe *sqe, const u8 *payload,
		   struct kh2e_src *src)
{
	return 0;
}

/* Fails the connection when it cannot: the block that opens the stream is lost. */
static int open_own(struct kh2e *e, u32 id, struct kh2e_stream **st)
{
	if (!kh2e_by_us(e, id) || id < e->next_id || id > KH2_ID_MAX)
		return abi_broken(e);
	*st = kh2e_stream_add(e, id, false);
	if (!*st) {
		kh2e_fail(e, KH2_INTERNAL_ERROR, KH2_C_CONN_MEMORY);
		return -ENOMEM;
	}
	e->next_id = id + 2;
	return 0;
}

static struct kh2e_depend depend_of(const struct kh2_sqe *sqe)
{
	return (struct kh2e_depend){
		.parent = sqe->value & KH2_ID_MAX,
		.weight = (u16)sqe->code,
		.exclusive = sqe->value & ~KH2_ID_MAX,
	};
}

static int send_headers(struct kh2e *e, const struct kh2e_stream *st, const struct kh2_sqe *sqe,
			const u8 *block)
{
	struct kh2e_frame f = { .type = KH2_FRAME_HEADERS, .stream = sqe->stream };
	struct kh2e_depend on = depend_of(sqe);
	u8 fixed[5];

	/* what ends a stream that is reset is the RST_STREAM behind the block */
	if (sqe->flags & KH2_SQE_END_STREAM && !st->rst_waits)
		f.flags |= KH2_FLAG_END_STREAM;
	/* RFC 9218 2.1.1 */
	if (sqe->flags & KH2_SQE_PRIORITY && !e->remote.no_rfc7540_priorities) {
		f.flags |= KH2_FLAG_PRIORITY;
		kh2e_priority_write(fixed, &on);
	}
	return kh2e_send_block(e, &f, fixed, block, (u32)sqe->len);
}

/* What the peer is told of a stream holds for what we send on it, too. */
static void depend_from_the_start(struct kh2e *e, const struct kh2_sqe *sqe)
{
	struct kh2e_depend on = depend_of(sqe);

	if (sqe->flags & KH2_SQE_PRIORITY && kh2e_sched_by_tree(e, KH2E_RANK_OWNER))
		kh2e_sched_depend(e, sqe->stream, &on);
}

/*
 * A block goes out whatever became of its stream meanwhile: the peer's decoder
 * counts on it. Only what the owner itself could not have meant ends the session.
 */
static int run_headers(struct kh2e *e, const struct kh2_sqe *sqe, const u8 *payload,
		       struct kh2e_src *src)
{
	struct kh2e_stream *st = kh2e_stream_find(e, sqe->stream);
	bool informational = sqe->flags & KH2_SQE_INFORMATIONAL;
	bool end = sqe->flags & KH2_SQE_END_STREAM;
	int err;

	if (!sqe->len || sqe->len > U32_MAX)
		return -EINVAL;
	if (sqe->flags & KH2_SQE_PRIORITY && (st || e->role == KH2E_SERVER))
		return abi_broken(e);
	if (informational && e->role == KH2E_CLIENT)
		return abi_broken(e);
	if (!st && e->role == KH2E_CLIENT) {
		/* RFC 9113 5.1.2; the owner of a server's promises counts by itself */
		if (e->streams.n_active[false] >= e->own_limit)
			return abi_broken(e);
		err = open_own(e, sqe->stream, &st);
		if (err)
			return err;
		depend_from_the_start(e, sqe);
	}
	if (!st || !list_empty(&st->srcs))
		return abi_broken(e);
	if (!st->reset && !kh2e_stream_step(e, st, KH2E_SEND_HEADERS))
		return abi_broken(e);
	err = send_headers(e, st, sqe, payload);
	if (err)
		return err;
	st->headers_sent |= !informational;
	if (end && !st->reset)
		kh2e_stream_step(e, st, KH2E_SEND_END);
	if (st->id > e->goaway_recv_id && kh2e_by_us(e, st->id) && st->state != KH2E_CLOSED) {
		kh2e_stream_reset_by_peer(e, st, KH2_REFUSED_STREAM, KH2_C_REFUSED_SHUTDOWN);
		kh2e_stream_tell(e, st, KH2E_TELL_RESET);
	}
	return 0;
}

/* RFC 9113 8.4 */
static int run_push_promise(struct kh2e *e, const struct kh2_sqe *sqe, const u8 *payload,
			    struct kh2e_src *src)
{
	const struct kh2e_frame f = { .type = KH2_FRAME_PUSH_PROMISE, .stream = sqe->stream };
	struct kh2e_stream *on = kh2e_stream_find(e, sqe->stream), *st;
	u8 promised[4];
	int err;

	if (!sqe->len || sqe->len > U32_MAX - 4)
		return -EINVAL;
	if (e->role != KH2E_SERVER || !on || !on->by_peer)
		return abi_broken(e);
	if (!on->reset && !kh2e_stream_allows(on, KH2E_SEND_DATA))
		return abi_broken(e);
	if (!e->remote.enable_push && !e->acks_wanted)
		return abi_broken(e);
	err = open_own(e, sqe->value, &st);
	if (err)
		return err;
	if (!kh2e_stream_step(e, st, KH2E_SEND_PROMISE))
		return abi_broken(e);
	/* RFC 7540 5.3.5 */
	if (e->sched.tree)
		kh2e_sched_depend(e, st->id, &(struct kh2e_depend){
			.parent = on->id, .weight = KH2E_WEIGHT_DEFAULT });
	put_unaligned_be32(st->id, promised);
	return kh2e_send_block(e, &f, promised, payload, (u32)sqe->len);
}

static bool takes_data(const struct kh2e_stream *st)
{
	return kh2e_stream_allows(st, KH2E_SEND_DATA) && !st->ending;
}

static int run_source(struct kh2e *e, const struct kh2_sqe *sqe, const u8 *payload,
		      struct kh2e_src *src)
{
	struct kh2e_stream *st = kh2e_stream_find(e, sqe->stream);

	if (!st)
		return -ENOENT;
	if (!takes_data(st))
		return -EPIPE;
	/* an end without trailers after all */
	if (st->trailers && (sqe->len || !(sqe->flags & KH2_SQE_END_STREAM)))
		return -EPIPE;
	if (!st->headers_sent)
		return -EINVAL;
	if (e->n_srcs >= KH2E_SRCS_CAP)
		return -ENOBUFS;
	src->end_stream = sqe->flags & KH2_SQE_END_STREAM;
	src->trailers = sqe->flags & KH2_SQE_TRAILERS;
	src->user_data = sqe->user_data;
	kh2e_src_queue(e, st, src);
	return 0;
}

static int run_rst(struct kh2e *e, const struct kh2_sqe *sqe, const u8 *payload,
		   struct kh2e_src *src)
{
	struct kh2e_stream *st = kh2e_stream_find(e, sqe->stream);

	if (!st)
		return -ENOENT;
	if (st->state == KH2E_CLOSED)
		kh2e_stream_release(e, st);
	else
		kh2e_stream_reset_by_owner(e, st, sqe->code);
	return 0;
}

static int run_release(struct kh2e *e, const struct kh2_sqe *sqe, const u8 *payload,
		       struct kh2e_src *src)
{
	struct kh2e_stream *st = kh2e_stream_find(e, sqe->stream);

	/* the peer's RST_STREAM and the owner's may have crossed */
	if (!st)
		return 0;
	if (st->state != KH2E_CLOSED)
		return -EBUSY;
	if (sqe->flags & KH2_SQE_SEEN)
		kh2e_stream_seen(e, st);
	else
		kh2e_stream_release(e, st);
	return 0;
}

static int run_consume(struct kh2e *e, const struct kh2_sqe *sqe, const u8 *payload,
		       struct kh2e_src *src)
{
	struct kh2e_stream *st = kh2e_stream_find(e, sqe->stream);

	if (st && sqe->len > st->unconsumed)
		return st->reset && st->work_done ? 0 : -EINVAL;
	/* the end of the owner's work on a stream that was reset has consumed for it */
	if (!st && sqe->len > e->unconsumed_gone)
		return 0;
	if (st)
		st->unconsumed -= (u32)sqe->len;
	else
		e->unconsumed_gone -= sqe->len;
	kh2e_data_consumed(e, st, (u32)sqe->len);
	return 0;
}

static int run_settings(struct kh2e *e, const struct kh2_sqe *sqe, const u8 *payload,
			struct kh2e_src *src)
{
	struct kh2_setting s[KH2E_SETTINGS_CAP];
	u32 n = (u32)(sqe->len / sizeof(s[0]));
	int err;

	if (sqe->len > SETTINGS_LEN_MAX || sqe->len % sizeof(s[0]))
		return -EINVAL;
	if (n)
		memcpy(s, payload, n * sizeof(s[0]));
	err = kh2e_settings_check(s, n, e->role, NULL);
	return err ?: kh2e_settings_send(e, s, n);
}

static int run_settings_ack(struct kh2e *e, const struct kh2_sqe *sqe, const u8 *payload,
			    struct kh2e_src *src)
{
	return kh2e_settings_ack(e);
}

static int run_ping(struct kh2e *e, const struct kh2_sqe *sqe, const u8 *payload,
		    struct kh2e_src *src)
{
	u8 octets[8];

	if (sqe->flags & KH2_SQE_STAMP)
		put_unaligned_le64(kh2e_now(e), octets);
	else
		memcpy(octets, &sqe->offset, sizeof(octets));
	return kh2e_ping_send(e, octets, false);
}

static int run_goaway(struct kh2e *e, const struct kh2_sqe *sqe, const u8 *payload,
		      struct kh2e_src *src)
{
	u32 last_id = sqe->flags & KH2_SQE_LAST_ID ? sqe->value : e->last_peer_id;

	if (last_id > KH2_ID_MAX || sqe->len > kh2e_settings_frame_max(e) - 8)
		return -EMSGSIZE;
	return kh2e_goaway_send(e, last_id, sqe->code, payload, (u32)sqe->len);
}

static int run_shutdown(struct kh2e *e, const struct kh2_sqe *sqe, const u8 *payload,
			struct kh2e_src *src)
{
	kh2e_shutdown_begin(e);
	return 0;
}

static int run_close(struct kh2e *e, const struct kh2_sqe *sqe, const u8 *payload,
		     struct kh2e_src *src)
{
	kh2e_fail(e, sqe->code,
		  sqe->code == KH2_COMPRESSION_ERROR ? KH2_C_CONN_HPACK : KH2_C_CONN_USER);
	return 0;
}

static int run_priority(struct kh2e *e, const struct kh2_sqe *sqe, const u8 *payload,
			struct kh2e_src *src)
{
	struct kh2e_stream *st = kh2e_stream_find(e, sqe->stream);
	u8 urgency = sqe->value & 7;
	bool incremental = sqe->value & 8;

	if (sqe->value & ~0xfU)
		return -EINVAL;
	if (!st)
		return -ENOENT;
	if (sqe->flags & KH2_SQE_INITIAL) {
		kh2e_signal_field(e, st, urgency, incremental);
		return 0;
	}
	kh2e_sched_by_urgency(e, KH2E_RANK_OWNER);
	kh2e_sched_set(e, st, urgency, incremental);
	return sqe->flags & KH2_SQE_SILENT ? 0 : kh2e_signal_send_update(e, st);
}

static int run_depend(struct kh2e *e, const struct kh2_sqe *sqe, const u8 *payload,
		      struct kh2e_src *src)
{
	struct kh2e_stream *st = kh2e_stream_find(e, sqe->stream);
	struct kh2e_depend on = depend_of(sqe);

	if (!st)
		return -ENOENT;
	if (!kh2e_sched_by_tree(e, KH2E_RANK_OWNER))
		return -ENOMEM;
	kh2e_sched_depend(e, st->id, &on);
	return sqe->flags & KH2_SQE_SILENT ? 0 : kh2e_signal_send_depend(e, st->id, &on);
}

/* RFC 7838 4, RFC 8336 2: servers. PRIORITY_UPDATE is made of KH2_OP_PRIORITY alone. */
static bool may_send_extension(const struct kh2e *e, u32 type)
{
	return e->role == KH2E_SERVER && (type == KH2_FRAME_ALTSVC || type == KH2_FRAME_ORIGIN);
}

static int run_extension(struct kh2e *e, const struct kh2_sqe *sqe, const u8 *payload,
			 struct kh2e_src *src)
{
	const struct kh2e_frame f = {
		.len = (u32)sqe->len,
		.type = (u8)sqe->value,
		.stream = sqe->stream,
	};

	if (!may_send_extension(e, sqe->value))
		return -EINVAL;
	if (sqe->len > kh2e_settings_frame_max(e))
		return -EMSGSIZE;
	/* RFC 8336 2.1 */
	if (sqe->stream && sqe->value == KH2_FRAME_ORIGIN)
		return -EINVAL;
	if (sqe->stream && kh2e_stream_is_idle(e, sqe->stream))
		return -ENOENT;
	return kh2e_out_frame(e, &f, payload, false);
}

static int run_memory(struct kh2e *e, const struct kh2_sqe *sqe, const u8 *payload,
		      struct kh2e_src *src)
{
	/* Sums of it are shown. */
	if (sqe->len > U32_MAX)
		return -EINVAL;
	e->owner_memory = sqe->len;
	return 0;
}

static int run_blame(struct kh2e *e, const struct kh2_sqe *sqe, const u8 *payload,
		     struct kh2e_src *src)
{
	switch (sqe->value) {
	case KH2_C_STREAM_MALFORMED:
		kh2e_count(e, sqe->value, 1);
		return 0;
	case KH2_C_REFUSED_HEADER_LIST:
		kh2e_count(e, sqe->value, 1);
		/* twice: the answer that refuses it completes the stream, which earns one */
		if (kh2e_spend(e, KH2E_BUDGET_RESET))
			kh2e_spend(e, KH2E_BUDGET_RESET);
		return 0;
	case KH2_C_FLOOD_HEADER_LIST:
		kh2e_fail(e, KH2_ENHANCE_YOUR_CALM, sqe->value);
		return 0;
	default:
		return -EINVAL;
	}
}

static int run_patience(struct kh2e *e, const struct kh2_sqe *sqe, const u8 *payload,
			struct kh2e_src *src)
{
	struct kh2e_stream *st = kh2e_stream_find(e, sqe->stream);

	if (!st)
		return -ENOENT;
	st->may_rest = true;
	return 0;
}

static bool dependency_fits(const struct kh2_sqe *sqe)
{
	return sqe->code && sqe->code <= KH2E_WEIGHT_MAX &&
	       (sqe->value & KH2_ID_MAX) != sqe->stream;
}

static bool headers_fit(const struct kh2_sqe *sqe)
{
	/* RFC 9113 8.1 */
	if (sqe->flags & KH2_SQE_INFORMATIONAL && sqe->flags & KH2_SQE_END_STREAM)
		return false;
	if (sqe->flags & KH2_SQE_PRIORITY)
		return dependency_fits(sqe);
	return !sqe->code && !sqe->value;
}

static const struct cmd_rule cmd_rules[__KH2_OP_END] = {
	[KH2_OP_NOP] = { .known = true, .run = run_nop },
	[KH2_OP_HEADERS] = {
		.known = true,
		.flags = KH2_SQE_END_STREAM | KH2_SQE_PRIORITY | KH2_SQE_INFORMATIONAL,
		.stream = ONE_STREAM, .payload = true, .uses = USES_CODE | USES_VALUE,
		.fits = headers_fit, .run = run_headers,
	},
	[KH2_OP_PUSH_PROMISE] = {
		.known = true, .stream = ONE_STREAM, .payload = true, .uses = USES_VALUE,
		.run = run_push_promise,
	},
	[KH2_OP_DATA] = {
		.known = true, .flags = KH2_SQE_END_STREAM | KH2_SQE_TRAILERS | KH2_SQE_COPY |
			 KH2_SQE_NOTIFY,
		.stream = ONE_STREAM, .source = true, .uses = USES_LEN | USES_ADDR,
		.run = run_source,
	},
	[KH2_OP_FILE] = {
		.known = true, .flags = KH2_SQE_END_STREAM | KH2_SQE_TRAILERS,
		.stream = ONE_STREAM, .source = true,
		.uses = USES_LEN | USES_OFFSET | USES_FD, .run = run_source,
	},
	[KH2_OP_RST] = {
		.known = true, .stream = ONE_STREAM, .uses = USES_CODE, .run = run_rst,
	},
	[KH2_OP_RELEASE] = {
		.known = true, .flags = KH2_SQE_SEEN, .stream = ONE_STREAM, .run = run_release,
	},
	[KH2_OP_CONSUME] = {
		.known = true, .stream = ONE_STREAM, .uses = USES_LEN, .run = run_consume,
	},
	[KH2_OP_SETTINGS] = { .known = true, .payload = true, .run = run_settings },
	[KH2_OP_SETTINGS_ACK] = { .known = true, .run = run_settings_ack },
	[KH2_OP_PING] = {
		.known = true, .flags = KH2_SQE_STAMP, .uses = USES_OFFSET, .run = run_ping,
	},
	[KH2_OP_GOAWAY] = {
		.known = true, .flags = KH2_SQE_LAST_ID, .payload = true,
		.uses = USES_CODE | USES_VALUE, .run = run_goaway,
	},
	[KH2_OP_SHUTDOWN] = { .known = true, .run = run_shutdown },
	[KH2_OP_CLOSE] = { .known = true, .uses = USES_CODE, .run = run_close },
	[KH2_OP_PRIORITY] = {
		.known = true, .flags = KH2_SQE_SILENT | KH2_SQE_INITIAL,
		.stream = ONE_STREAM, .uses = USES_VALUE, .run = run_priority,
	},
	[KH2_OP_EXTENSION] = {
		.known = true, .stream = ANY_STREAM, .payload = true, .uses = USES_VALUE,
		.run = run_extension,
	},
	[KH2_OP_MEMORY] = { .known = true, .uses = USES_LEN, .run = run_memory },
	[KH2_OP_DEPEND] = {
		.known = true, .flags = KH2_SQE_SILENT, .stream = ONE_STREAM,
		.uses = USES_CODE | USES_VALUE, .fits = dependency_fits, .run = run_depend,
	},
	[KH2_OP_BLAME] = { .known = true, .uses = USES_VALUE, .run = run_blame },
	[KH2_OP_PATIENCE] = { .known = true, .stream = ONE_STREAM, .run = run_patience },
};

static bool fields_fit(const struct cmd_rule *rule, const struct kh2_sqe *sqe)
{
	u8 uses = rule->uses | (rule->payload ? USES_LEN | USES_ADDR : 0);

	return (uses & USES_LEN || !sqe->len) && (uses & USES_ADDR || !sqe->addr) &&
	       (uses & USES_OFFSET || !sqe->offset) && (uses & USES_CODE || !sqe->code) &&
	       (uses & USES_VALUE || !sqe->value) && (uses & USES_FD || !sqe->fd);
}

static bool stream_fits(const struct cmd_rule *rule, u32 stream)
{
	if (stream > KH2_ID_MAX)
		return false;
	return rule->stream == ANY_STREAM || (rule->stream == ONE_STREAM) == !!stream;
}

/**
 * kh2e_submit_check() - is an entry well formed?
 * @sqe: a copy that nobody else can change
 *
 * Return: 0 or -EINVAL.
 */
int kh2e_submit_check(const struct kh2_sqe *sqe)
{
	const struct cmd_rule *rule;

	if (sqe->opcode >= __KH2_OP_END)
		return -EINVAL;
	rule = &cmd_rules[sqe->opcode];
	if (!rule->known || sqe->flags & ~rule->flags || sqe->__reserved0 || sqe->__reserved1)
		return -EINVAL;
	if (!stream_fits(rule, sqe->stream) || !fields_fit(rule, sqe) ||
	    (rule->fits && !rule->fits(sqe)))
		return -EINVAL;
	if (sqe->flags & KH2_SQE_END_STREAM && sqe->flags & KH2_SQE_TRAILERS)
		return -EINVAL;
	return 0;
}

/**
 * kh2e_submit_takes_payload() - are @addr and @len octets for kh2e_submit()?
 * @opcode: enum kh2_op, checked
 *
 * Return: true for header blocks, settings, debug data, extension frames.
 */
bool kh2e_submit_takes_payload(u8 opcode)
{
	return cmd_rules[opcode].payload;
}

/**
 * kh2e_submit_failed() - a command was refused, of which the owner was told
 * @e: the connection
 * @sqe: the entry, perhaps malformed
 *
 * A part of a body that is lost ends its stream: the owner may have queued the rest already, and
 * the peer would take that for the whole (RFC 9113 8.1). A stream that takes no DATA lost none.
 */
void kh2e_submit_failed(struct kh2e *e, const struct kh2_sqe *sqe)
{
	struct kh2e_stream *st;

	if (sqe->opcode >= __KH2_OP_END || !cmd_rules[sqe->opcode].source)
		return;
	st = kh2e_stream_find(e, sqe->stream);
	if (!st || !takes_data(st) || e->phase == KH2E_DONE)
		return;
	kh2e_reset(e, sqe->stream, KH2_INTERNAL_ERROR);
	kh2e_notify(e);
}

/**
 * kh2e_submit() - carry out a command
 * @e: the connection
 * @sqe: a copy that nobody else can change
 * @payload: sqe->len octets, for opcodes that take them; copied
 * @src: for KH2_OP_DATA and KH2_OP_FILE, with @avail, @off, @eof, @notify set
 *	by the home; the engine's from now on unless an error is returned
 *
 * Return: 0; -EINVAL for a malformed entry; -ENOENT for a stream that is not
 * there; -EPIPE for one that takes no DATA any more; -EAGAIN over a limit;
 * -ENOBUFS for too many sources;
 * -EPROTO if the owner broke a rule that costs it the session; -ESHUTDOWN when
 * the connection is at its end; -ENOMEM.
 */
int kh2e_submit(struct kh2e *e, const struct kh2_sqe *sqe, const void *payload,
		struct kh2e_src *src)
{
	int err = kh2e_submit_check(sqe);

	if (err)
		return err;
	if (cmd_rules[sqe->opcode].source && WARN_ON_ONCE(!src))
		return -EINVAL;
	if (e->phase == KH2E_DONE)
		return -ESHUTDOWN;
	err = cmd_rules[sqe->opcode].run(e, sqe, payload, src);
	kh2e_notify(e);
	return err;
}
