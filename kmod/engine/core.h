/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The engine's inside: the connection object and what its parts ask of each other. */
#ifndef KH2_ENGINE_CORE_H
#define KH2_ENGINE_CORE_H

#include "budget.h"
#include "engine.h"
#include "padding.h"
#include "scheduler.h"
#include "stream.h"
#include "window.h"

/**
 * struct kh2e_frame - head of a frame (RFC 9113 4.1)
 * @len: octets of payload
 * @type: enum kh2_frame_type
 * @flags: KH2_FLAG_* bits
 * @stream: stream identifier
 */
struct kh2e_frame {
	u32 len;
	u8 type;
	u8 flags;
	u32 stream;
};

enum kh2e_rx_state {
	KH2E_RX_PREFACE,	/* the client's 24 octets */
	KH2E_RX_HEAD,		/* the 9 octets of a frame's head */
	KH2E_RX_BODY,		/* a payload that is handled whole */
	KH2E_RX_PAD_LENGTH,	/* of DATA */
	KH2E_RX_DATA,		/* payload of DATA, passed on as it comes */
	KH2E_RX_SKIP,		/* padding, and payloads of no interest */
	__KH2E_RX_STATES,
};

/**
 * struct kh2e_rx - where the parser stands
 * @state: enum kh2e_rx_state
 * @blocked: an event found no room
 * @settings_seen: the peer's first SETTINGS arrived
 * @discard: payload of DATA goes to nobody
 * @spent: what this turn has cost, KH2E_TURN at the most
 * @trust: requests that came to something; each that came to nothing halves it
 * @frame: the frame being read
 * @head: octets of the preface or a head, as far as they came
 * @have: octets in @head or @body
 * @left: octets of DATA or padding to come
 * @pad: octets of padding behind the DATA
 * @since: when the first octets of @body came, ns; there is none of DATA
 * @body: payload, when it came in pieces
 */
struct kh2e_rx {
	u8 state;
	bool blocked;
	bool settings_seen;
	bool discard;
	u8 spent;
	u8 trust;
	struct kh2e_frame frame;
	u8 head[KH2_PREFACE_LEN];
	u32 have;
	union {
		struct {
			u32 left;
			u32 pad;
		};
		u64 since;
	};
	u8 *body;
};

/**
 * struct kh2e_block - a header block under assembly (RFC 9113 4.3)
 * @active: CONTINUATION must follow
 * @frame: the HEADERS or PUSH_PROMISE that began it
 * @promised: of PUSH_PROMISE
 * @n_frames: CONTINUATION frames so far
 * @prio: KH2_PRIO_* of HEADERS
 * @since: when it began, ns
 * @buf: octets so far, NULL while the block is within one frame
 * @len: of these
 * @cap: size of @buf
 */
struct kh2e_block {
	bool active;
	struct kh2e_frame frame;
	u32 promised;
	u32 n_frames;
	u64 prio;
	u64 since;
	u8 *buf;
	u32 len;
	u32 cap;
};

/**
 * struct kh2e_item - output that is decided: octets, then octets of a source, if any
 * @node: place in the queue
 * @src: the source, or NULL
 * @off: position within @src
 * @data_len: octets in @data
 * @len: octets in all
 * @sent: of these
 * @cap: room in @data
 * @replies: replies among them, see KH2_L_REPLIES
 * @frames: frames that begin in it
 * @data: octets
 */
struct kh2e_item {
	struct list_head node;
	struct kh2e_src *src;
	u64 off;
	u32 data_len;
	u32 len;
	u32 sent;
	u32 cap;
	u16 replies;
	u16 frames;
	u8 data[];
};

/**
 * struct kh2e_out - the output queue
 * @items: struct kh2e_item, first to be sent first
 * @octets: in @items, not yet sent
 * @n_items: in @items
 * @replies: in @items
 * @frames: in @items
 */
struct kh2e_out {
	struct list_head items;
	u64 octets;
	u32 n_items;
	u32 replies;
	u32 frames;
};

/**
 * struct kh2e_early - PRIORITY_UPDATE of streams that are not open yet
 * @list: NULL while there was none
 * @cap: entries in @list
 * @n: of these, used
 * @dropped: highest stream of which one was forgotten for want of room
 */
struct kh2e_early {
	struct kh2e_early_prio {
		u32 id;
		u8 urgency;
		bool incremental;
	} *list;
	u16 cap;
	u16 n;
	u32 dropped;
};

/* Sources that a session may hold, and that a frame may take from. */
#define KH2E_SRCS_CAP		16384
#define KH2E_FRAME_SRCS		16

/* SETTINGS of ours that the peer has not acknowledged */
struct kh2e_settings_out {
	struct list_head node;
	struct kh2_setting s[KH2E_SETTINGS_CAP];
	u32 n;
	u64 since;
};

struct kh2e_ping_out {
	struct list_head node;
	u8 payload[8];
	u64 since;
	bool own;	/* the engine's, for the shutdown */
};

/**
 * struct kh2e_rtt - round trips, all ns
 * @last: the last one that was measured; 0: none was
 * @least: the shortest since @since
 * @before: the shortest in the time before that; 0: there was none
 * @since: when @least began
 * @taken: when @last was measured, or a probe was sent
 * @probe: payload of the PING of ours that is on its way
 * @probing: when it was sent; 0: none is
 */
struct kh2e_rtt {
	u64 last;
	u64 least;
	u64 before;
	u64 since;
	u64 taken;
	u8 probe[8];
	u64 probing;
};

enum kh2e_shutdown {
	KH2E_SHUTDOWN_NONE,
	KH2E_SHUTDOWN_NOTICE,	/* GOAWAY 2^31-1 sent, its PING not back */
	KH2E_SHUTDOWN_FINAL,	/* the last stream was named */
};

/* One HTTP/2 connection. All of it is guarded by the home's lock. */
struct kh2e {
	const struct kh2e_ops *ops;
	void *home;
	u8 role;
	u8 padding;
	u8 phase;
	u8 shutdown;
	bool recv_auto : 1;	/* the size of @recv is what the session may hold */
	bool recv_tuned : 1;	/* so are those of streams; else they are as set */
	bool settings_begun : 1;	/* our first SETTINGS are sent */
	bool tell_error : 1;
	bool tell_idle : 1;
	bool goaway_seen : 1;	/* the peer's */
	u8 n_settings_out;
	u8 n_pings_out;
	u8 fail_why;		/* enum kh2_counter */
	struct kh2e_rx rx;
	struct kh2e_block block;
	struct kh2e_out out;
	struct kh2e_stream_table streams;
	struct kh2e_sched sched;
	struct kh2e_early early;
	struct list_head tell;			/* streams with events that wait */
	struct list_head done_srcs;		/* sources to be given back */
	u32 n_srcs;				/* sources held */
	struct kh2e_send_window send;
	struct kh2e_recv_window recv;
	u32 recv_learnt;	/* size that a stream's window came to last */
	u32 n_receivers;	/* streams that the peer may send DATA on */
	u64 recv_sizes;		/* of their windows */
	u64 unread;		/* delivered, not consumed */
	u64 unconsumed_gone;	/* of these, on streams that are forgotten */
	struct kh2e_settings local;
	struct kh2e_settings remote;
	struct list_head settings_out;		/* struct kh2e_settings_out, oldest first */
	u32 acks_wanted;	/* SETTINGS of the peer that userspace will acknowledge */
	u32 own_limit;		/* streams of ours at once, as far as the owner may know */
	struct list_head pings_out;		/* struct kh2e_ping_out, oldest first */
	u32 next_id;		/* of the next stream that we open */
	u32 last_peer_id;	/* highest that the peer opened or promised */
	u32 last_proc_id;
	u32 goaway_told_id;	/* last stream in our GOAWAY; never rises */
	u32 goaway_sent_id;	/* streams above it are not taken */
	u32 goaway_recv_id;
	u32 fail_code;
	u32 limits[__KH2_L_END];
	u64 begun;
	u64 idle_since;
	u64 scanned;
	u64 shutdown_since;
	struct kh2e_rtt rtt;
	u64 memory;
	u64 owner_memory;
	struct kh2e_budget budgets[__KH2E_BUDGETS];
	u64 counters[__KH2_C_END];
};

/* engine.c, event.c */
void *kh2e_alloc(struct kh2e *e, size_t size);
void kh2e_mem_free(struct kh2e *e, void *ptr, size_t size);
u64 kh2e_now(const struct kh2e *e);
bool kh2e_post(struct kh2e *e, enum kh2_ev type, u16 flags, u32 stream, u32 code, u64 arg,
	       const void *payload, u32 len);
bool kh2e_reserve(struct kh2e *e, u32 len);
bool kh2e_spend(struct kh2e *e, enum kh2e_budget_class class);
void kh2e_earn(struct kh2e *e, enum kh2e_budget_class class, u32 n);
bool kh2e_by_us(const struct kh2e *e, u32 id);
u32 kh2e_conn_window(const u32 limits[__KH2_L_END]);
bool kh2e_over_memory(const struct kh2e *e);
void kh2e_check_drained(struct kh2e *e);

/* frame.c */
void kh2e_frame_get(struct kh2e_frame *f, const u8 head[KH2_FRAME_HEAD_LEN]);
void kh2e_frame_put(u8 head[KH2_FRAME_HEAD_LEN], const struct kh2e_frame *f);
bool kh2e_frame_check(struct kh2e *e, const struct kh2e_frame *f);
bool kh2e_frame_handle(struct kh2e *e, const struct kh2e_frame *f, const u8 *payload);
u32 kh2e_frame_event_room(const struct kh2e *e, const struct kh2e_frame *f);
bool kh2e_frame_is_skipped(const struct kh2e *e, const struct kh2e_frame *f);
bool kh2e_frame_is_fragment(const struct kh2e_frame *f);
u32 kh2e_frame_fixed(const struct kh2e_frame *f);
void kh2e_frame_count(struct kh2e *e, bool sent, const struct kh2e_frame *f);

/* recv.c */
void kh2e_recv_cost(struct kh2e *e, u32 cost);
void kh2e_recv_trust(struct kh2e *e);
void kh2e_recv_distrust(struct kh2e *e);

/* block.c */
void kh2e_block_begin(struct kh2e *e, const struct kh2e_frame *f, const u8 *payload);
void kh2e_block_continue(struct kh2e *e, const struct kh2e_frame *f, const u8 *payload);
void kh2e_block_free(struct kh2e *e);
u64 kh2e_priority_read(const u8 octets[5]);
void kh2e_priority_write(u8 octets[5], const struct kh2e_depend *on);

/* data.c */
bool kh2e_data_begin(struct kh2e *e, const struct kh2e_frame *f, u32 pad_octets);
bool kh2e_data_piece(struct kh2e *e, const u8 *data, u32 n, bool last);
void kh2e_data_end(struct kh2e *e);
void kh2e_data_credit(struct kh2e *e, struct kh2e_stream *st);
void kh2e_data_consumed(struct kh2e *e, struct kh2e_stream *st, u32 n);
void kh2e_data_unread(struct kh2e *e, u32 n);

/* settings.c */
void kh2e_settings_init(struct kh2e_settings *s);
void kh2e_settings_recv(struct kh2e *e, const struct kh2e_frame *f, const u8 *payload);
int kh2e_settings_send(struct kh2e *e, const struct kh2_setting *s, u32 n);
int kh2e_settings_ack(struct kh2e *e);
u32 kh2e_settings_frame_max(const struct kh2e *e);
u64 kh2e_settings_since(const struct kh2e *e);
void kh2e_settings_drop(struct kh2e *e);

/* extension.c */
void kh2e_altsvc_recv(struct kh2e *e, const struct kh2e_frame *f, const u8 *payload);
void kh2e_origin_recv(struct kh2e *e, const struct kh2e_frame *f, const u8 *payload);

/* output.c */
u8 *kh2e_out_bytes(struct kh2e *e, u32 len);
u8 *kh2e_out_begin(struct kh2e *e, const struct kh2e_frame *f, u32 extra);
int kh2e_out_frame(struct kh2e *e, const struct kh2e_frame *f, const void *payload, bool reply);
int kh2e_out_src(struct kh2e *e, struct kh2e_src *src, u32 len);
void kh2e_out_rst(struct kh2e *e, u32 stream, u32 code);
void kh2e_out_window_update(struct kh2e *e, u32 stream, u32 increment);
int kh2e_out_goaway(struct kh2e *e, u32 last_id, u32 code, const void *debug, u32 len);
void kh2e_out_drop(struct kh2e *e);

/* send_block.c */
int kh2e_send_block(struct kh2e *e, const struct kh2e_frame *head, const u8 *fixed,
		    const u8 *block, u32 len);

/* signal.c */
void kh2e_signal_exit(struct kh2e *e);
void kh2e_signal_lowered(struct kh2e *e);
void kh2e_signal_headers(struct kh2e *e, struct kh2e_stream *st);
bool kh2e_signal_opened(struct kh2e *e, struct kh2e_stream *st);
void kh2e_signal_field(struct kh2e *e, struct kh2e_stream *st, u8 urgency, bool incremental);
int kh2e_signal_send_depend(struct kh2e *e, u32 id, const struct kh2e_depend *on);
int kh2e_signal_send_update(struct kh2e *e, const struct kh2e_stream *st);
u64 kh2e_signal_arg(const struct kh2e_stream *st);
void kh2e_priority_recv(struct kh2e *e, const struct kh2e_frame *f, const u8 *payload);
void kh2e_priority_update_recv(struct kh2e *e, const struct kh2e_frame *f, const u8 *payload);

/* source.c */
void kh2e_src_queue(struct kh2e *e, struct kh2e_stream *st, struct kh2e_src *src);
void kh2e_src_finish(struct kh2e *e, struct kh2e_src *src, int status);
void kh2e_src_done(struct kh2e *e, struct kh2e_src *src);
void kh2e_src_ask(struct kh2e *e, struct kh2e_stream *st);
void kh2e_src_settle(struct kh2e *e, struct kh2e_stream *st);
bool kh2e_src_ready(const struct kh2e_stream *st, u32 limit);
u32 kh2e_src_plan(const struct kh2e_stream *st, u32 limit, bool *end);

/* send_data.c */
bool kh2e_send_data(struct kh2e *e);
u32 kh2e_send_data_limit(const struct kh2e *e);

/* ping.c */
void kh2e_ping_recv(struct kh2e *e, const struct kh2e_frame *f, const u8 *payload);
int kh2e_ping_send(struct kh2e *e, const u8 payload[8], bool own);
void kh2e_ping_drop(struct kh2e *e);

/* rtt.c */
void kh2e_rtt_sample(struct kh2e *e, u64 since);
u64 kh2e_rtt_least(const struct kh2e *e);
void kh2e_rtt_probe(struct kh2e *e, u64 now, bool wanted);
bool kh2e_rtt_is_probe(struct kh2e *e, const u8 payload[8]);

/* goaway.c */
void kh2e_goaway_recv(struct kh2e *e, const struct kh2e_frame *f, const u8 *payload);
int kh2e_goaway_send(struct kh2e *e, u32 last_id, u32 code, const void *debug, u32 len);
void kh2e_shutdown_begin(struct kh2e *e);
void kh2e_shutdown_final(struct kh2e *e);

#endif
