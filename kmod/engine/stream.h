/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* A stream: its states (RFC 9113 5.1), its windows, its place in the connection. */
#ifndef KH2_ENGINE_STREAM_H
#define KH2_ENGINE_STREAM_H

#include "engine.h"
#include "scheduler.h"
#include "window.h"

/* What can happen to a stream, as far as its state goes */
enum kh2e_stream_event {
	KH2E_RECV_HEADERS,
	KH2E_RECV_PROMISE,
	KH2E_RECV_DATA,
	KH2E_RECV_END,
	KH2E_RECV_RST,
	KH2E_SEND_HEADERS,
	KH2E_SEND_PROMISE,
	KH2E_SEND_DATA,
	KH2E_SEND_END,
	KH2E_SEND_RST,
	__KH2E_STREAM_EVENTS,
};

/* Events that wait for room, see kh2e_notify() */
#define KH2E_TELL_RESET		BIT(0)
#define KH2E_TELL_TRAILERS	BIT(1)
#define KH2E_TELL_CLOSED	BIT(2)

/**
 * struct kh2e_mark - how far a stream was when it last went on; all modulo 2^32
 * @ms: when that was
 * @data: octets of its DATA
 * @conn: octets of DATA of the connection
 */
struct kh2e_mark {
	u32 ms;
	u32 data;
	u32 conn;
};

/**
 * struct kh2e_stream - one stream, from its first frame until nobody needs it
 * @next: next in the bucket of the stream table
 * @node: place in the order of sending
 * @empty: place in the scheduler in KH2E_SCHED_EMPTY
 * @tell: place in the list of streams with events that wait for room
 * @srcs: sources queued, in order
 * @id: stream identifier
 * @state: enum kh2e_stream_state
 * @told: KH2E_TELL_* that wait
 * @place: enum kh2e_sched_place
 * @urgency: RFC 9218, 0 is first
 * @incremental: shares its turn with others of its urgency
 * @prioritized: somebody said so, else see kh2e_sched_incremental()
 * @updated: by PRIORITY_UPDATE
 * @by_peer: opened by the peer
 * @counted: counts against the peer's limit
 * @work_done: the owner's work on it has ended
 * @headers_sent: a header block of ours went out that was no informational response
 * @ending: a source that ends our side was queued
 * @trailers: a source that wants trailers was queued, nothing but the end may follow it
 * @may_rest: its body may come as slowly as it likes
 * @rst_waits: our RST_STREAM is sent when the owner knows of it
 * @reset: ended by RST_STREAM, or by GOAWAY
 * @reset_local: ended by our RST_STREAM
 * @reset_why: enum kh2_counter for the event
 * @reset_code: HTTP/2 code of the RST_STREAM
 * @send: what we may send
 * @recv: what the peer may send
 * @unconsumed: octets delivered and not consumed
 * @queued: octets in @srcs that may be framed now
 * @rx_data: octets of DATA delivered
 * @tx_data: octets of DATA framed
 * @sent: the last full frame's progress with data waiting; @tx_data, KH2_C_TX_DATA
 * @body: the last progress of what the peer sends; @rx_data, KH2_C_RX_DATA
 */
struct kh2e_stream {
	struct kh2e_stream *next;
	struct kh2e_node node;
	struct list_head empty;
	struct list_head tell;
	struct list_head srcs;
	u32 id;
	u8 state;
	u8 told;
	u8 place;
	u8 urgency;
	bool incremental;
	bool prioritized;
	bool updated;
	bool by_peer;
	bool counted;
	bool work_done;
	bool headers_sent;
	bool ending;
	bool trailers : 1;
	bool may_rest : 1;
	bool rst_waits : 1;
	bool reset;
	bool reset_local;
	u8 reset_why;
	u32 reset_code;
	struct kh2e_send_window send;
	struct kh2e_recv_window recv;
	u32 unconsumed;
	u64 queued;
	u64 rx_data;
	u64 tx_data;
	struct kh2e_mark sent;
	struct kh2e_mark body;
};

/* How a stream that is forgotten had ended */
enum kh2e_ended {
	KH2E_ENDED_UNKNOWN,
	KH2E_ENDED_BOTH,	/* END_STREAM both ways */
	KH2E_ENDED_BY_PEER,	/* its RST_STREAM */
	KH2E_ENDED_BY_US,	/* our RST_STREAM */
	KH2E_ENDED_UNUSED,	/* passed over: a higher one was opened (RFC 9113 5.1.1) */
};

#define KH2E_ENDED_CAP 64

/**
 * struct kh2e_stream_table - the streams of a connection
 * @buckets: chains by identifier
 * @n_buckets: a power of two
 * @n: streams held
 * @n_peer: of these, opened by the peer and not done
 * @n_active: open or half-closed, ours and the peer's (RFC 9113 5.1.2)
 * @ended_id: the streams that were forgotten last
 * @ended_how: enum kh2e_ended of these
 * @ended_pos: where the next goes
 * @forgotten: highest of the peer's streams that is no longer among them
 */
struct kh2e_stream_table {
	struct kh2e_stream **buckets;
	u32 n_buckets;
	u32 n;
	u32 n_peer;
	u32 n_active[2];	/* by @by_peer */
	u32 ended_id[KH2E_ENDED_CAP];
	u8 ended_how[KH2E_ENDED_CAP];
	u32 ended_pos;
	u32 forgotten;
};

int kh2e_streams_init(struct kh2e *e);
void kh2e_streams_exit(struct kh2e *e);
struct kh2e_stream *kh2e_stream_find(const struct kh2e *e, u32 id);
struct kh2e_stream *kh2e_stream_add(struct kh2e *e, u32 id, bool by_peer);
struct kh2e_stream *kh2e_stream_walk(const struct kh2e *e, const struct kh2e_stream *after);
void kh2e_stream_mark_sent(const struct kh2e *e, struct kh2e_stream *st, u64 now);
void kh2e_stream_mark_body(const struct kh2e *e, struct kh2e_stream *st, u64 now);
bool kh2e_stream_allows(const struct kh2e_stream *st, enum kh2e_stream_event ev);
bool kh2e_stream_receives(const struct kh2e_stream *st);
bool kh2e_stream_step(struct kh2e *e, struct kh2e_stream *st, enum kh2e_stream_event ev);
enum kh2e_ended kh2e_stream_ended(const struct kh2e *e, u32 id);
void kh2e_stream_remember(struct kh2e *e, u32 id, enum kh2e_ended how);
bool kh2e_stream_after_end(struct kh2e *e, u32 id, const struct kh2e_stream *st);
bool kh2e_stream_is_idle(const struct kh2e *e, u32 id);
void kh2e_stream_reset(struct kh2e *e, struct kh2e_stream *st, u32 code, enum kh2_counter why);
void kh2e_stream_fail(struct kh2e *e, struct kh2e_stream *st, enum kh2_counter why);
void kh2e_stream_reset_by_owner(struct kh2e *e, struct kh2e_stream *st, u32 code);
void kh2e_stream_reset_by_peer(struct kh2e *e, struct kh2e_stream *st, u32 code,
			       enum kh2_counter why);
void kh2e_stream_refuse(struct kh2e *e, u32 id, u32 code, enum kh2_counter why);
void kh2e_stream_drop(struct kh2e *e, struct kh2e_stream *st, int status);
void kh2e_stream_maybe_free(struct kh2e *e, struct kh2e_stream *st);
void kh2e_stream_seen(struct kh2e *e, struct kh2e_stream *st);
void kh2e_stream_release(struct kh2e *e, struct kh2e_stream *st);
void kh2e_stream_tell(struct kh2e *e, struct kh2e_stream *st, u8 what);

#endif
