/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The engine as its homes see it: bytes and commands in, events and segments of output out. */
#ifndef KH2_ENGINE_ENGINE_H
#define KH2_ENGINE_ENGINE_H

#include "compat.h"
#include "proto.h"

/*
 * One engine is one HTTP/2 connection, in either role. It does no I/O, takes
 * no lock, reads no clock: the home calls it with its own lock held, from one
 * context at a time, and serves it through struct kh2e_ops. No op may call
 * back into the engine.
 *
 * A home's loop:
 *	kh2e_recv()	with what the socket gave; less is consumed than was
 *			given when an event had no room, see kh2e_blocked()
 *	kh2e_submit()	for each command of the owner
 *	kh2e_pull() / kh2e_sent()	until nothing more comes or the socket is full
 *	kh2e_notify()	when room for events came back
 *	kh2e_tick()	when kh2e_deadline() has passed
 *
 * Events of what the peer sent keep its order, however its octets were split.
 * Events of our own doing (KH2_EV_CLOSED, KH2_EV_TX_DONE, a local
 * KH2_EV_RESET, and the like) come at the end of the call that caused them, or
 * by kh2e_notify(); KH2_EV_CLOSED may come before the KH2_EV_TX_DONE of what is
 * framed and not yet sent.
 *
 * And when kh2e_phase() is KH2E_DONE and nothing is left to pull: close.
 */
struct kh2e;

enum kh2e_role {
	KH2E_SERVER,
	KH2E_CLIENT,
};

/* RFC 7540 10.7, and the strategies of the API: how frames are padded. */
enum kh2e_padding {
	KH2E_PAD_NONE,
	KH2E_PAD_MAX,		/* as much as a frame can hold, 255 octets at most */
	KH2E_PAD_ALIGNED,	/* payload and head a multiple of 8 */
};

enum kh2e_phase {
	KH2E_OPEN,	/* frames are read and sent */
	KH2E_DRAINING,	/* in shutdown: streams end, none begin */
	KH2E_DONE,	/* send what is left (GOAWAY), then close; input is ignored */
};

/**
 * struct kh2e_src - a source of octets for DATA, embedded in an object of the home
 * @node: engine's, links the sources of a stream
 * @avail: octets that may be framed now and are not yet
 * @off: position of the next octet to be framed; the home sets where it begins
 * @inflight: segments handed out and not yet sent
 * @eof: nothing will be added to @avail
 * @end_stream: END_STREAM goes with the last octet
 * @trailers: KH2_EV_WANT_TRAILERS when the last octet was framed
 * @notify: KH2_EV_TX_DONE when the last octet was sent
 * @wanted: the home was asked for more by src_want and has not answered
 * @patient: more is certain to come without waiting for a stranger (a file);
 *	DATA frames short of their full size wait for it
 * @framed: no more will be framed (engine's)
 * @status: negative errno if the source failed or was dropped
 * @stream: stream it belongs to
 * @user_data: for KH2_EV_TX_DONE
 * @held: octets of memory that it costs, counted for the session; the home sets
 *	what it costs from the start, kh2e_src_hold() changes it
 *
 * Octets are addressed [@off, @off + @avail). A buffer has everything in
 * @avail and @eof from the start; a file begins with none.
 */
struct kh2e_src {
	struct list_head node;
	u64 avail;
	u64 off;
	u32 inflight;
	bool eof;
	bool end_stream;
	bool trailers;
	bool notify;
	bool wanted;
	bool patient;
	bool framed;
	int status;
	u32 stream;
	u64 user_data;
	u64 held;
};

/**
 * struct kh2e_seg - a piece of output
 * @bytes: octets of the engine's own (frame heads, control frames, header
 *	blocks), in memory of out_alloc; NULL for octets of a source
 * @src: the source, when @bytes is NULL
 * @off: position within the source
 * @len: octets
 */
struct kh2e_seg {
	const u8 *bytes;
	struct kh2e_src *src;
	u64 off;
	u32 len;
};

/**
 * struct kh2e_ops - what the engine needs of its home
 * @alloc: zeroed memory or NULL
 * @free: gives back memory of @alloc, with the size it was asked for
 * @out_alloc: memory for octets to be sent, or NULL; not zeroed. The home may
 *	make it of pages that a socket can hold.
 * @out_free: gives back memory of @out_alloc; the engine never writes again
 *	to octets that it handed out by kh2e_pull()
 * @now: monotonic time, ns
 * @reserve: true if the next event() of at most @len octets of payload cannot
 *	fail. Called within kh2e_recv() alone; a reservation ends with the next
 *	event(), the next reserve(), or the return of kh2e_recv().
 * @event: takes an event, payload of ev->len octets included; the home fills
 *	in session and size. Returns false if there is no room (never after
 *	reserve()).
 * @src_want: the stream could send more than the source has; the home
 *	produces outside of this call and tells by kh2e_src_add(). May be NULL
 *	where all sources are whole from the start.
 * @src_release: the engine has done with the source and will not touch it
 * @frame: observes each frame, received or sent; may be NULL
 */
struct kh2e_ops {
	void *(*alloc)(void *home, size_t size);
	void (*free)(void *home, void *ptr, size_t size);
	void *(*out_alloc)(void *home, size_t size);
	void (*out_free)(void *home, void *ptr, size_t size);
	u64 (*now)(void *home);
	bool (*reserve)(void *home, u32 len);
	bool (*event)(void *home, const struct kh2_event *ev, const void *payload);
	void (*src_want)(void *home, struct kh2e_src *src);
	void (*src_release)(void *home, struct kh2e_src *src);
	void (*frame)(void *home, bool sent, u32 len, u8 type, u8 flags, u32 stream);
};

#define KH2E_SETTINGS_CAP 16

/**
 * struct kh2e_config - how a connection begins
 * @role: enum kh2e_role
 * @padding: enum kh2e_padding
 * @n_settings: entries in @settings
 * @settings: our first SETTINGS; MAX_CONCURRENT_STREAMS is added from the
 *	limits (servers) if it is not among them. With INITIAL_WINDOW_SIZE
 *	among them windows of streams are of that size; else they are tuned.
 * @conn_window: receive window of the connection, octets; at least 65,535;
 *	0: what KH2_L_MEMORY allows
 * @limits: by enum kh2_limit; kh2e_limits_default() fills it
 */
struct kh2e_config {
	u8 role;
	u8 padding;
	u16 n_settings;
	struct kh2_setting settings[KH2E_SETTINGS_CAP];
	u32 conn_window;
	u32 limits[__KH2_L_END];
};

/* Values in force at one side; unlimited is U32_MAX. */
struct kh2e_settings {
	u32 header_table_size;
	u32 enable_push;
	u32 max_concurrent_streams;
	u32 initial_window_size;
	u32 max_frame_size;
	u32 max_header_list_size;
	u32 enable_connect_protocol;
	u32 no_rfc7540_priorities;
};

/* nghttp2's numbers, which the API shows */
enum kh2e_stream_state {
	KH2E_IDLE		= 1,
	KH2E_STREAM_OPEN	= 2,
	KH2E_RESERVED_LOCAL	= 3,
	KH2E_RESERVED_REMOTE	= 4,
	KH2E_HALF_LOCAL		= 5,
	KH2E_HALF_REMOTE	= 6,
	KH2E_CLOSED		= 7,
};

/* What a look at a connection tells */
struct kh2e_info {
	u8 role;
	u8 phase;
	u32 streams;		/* stream objects held */
	u32 streams_peer;	/* of these, counted against the limit */
	u32 next_stream_id;
	u32 last_proc_id;
	s32 local_window;	/* what the peer may still send */
	s32 local_window_max;
	u32 recv_unacked;	/* received since the last WINDOW_UPDATE */
	s32 remote_window;	/* what we may still send */
	u32 out_frames;		/* frames queued */
	u32 settings_pending;
	u64 memory;
	u64 rtt;		/* ns; 0: not measured */
	struct kh2e_settings local;
	struct kh2e_settings remote;
};

struct kh2e_stream_info {
	u32 id;
	u8 state;		/* enum kh2e_stream_state */
	u8 urgency;
	bool incremental;
	u16 weight;		/* 1 to 256 */
	u32 parent;		/* stream identifier, 0 for none */
	u32 sum_dependency_weight; /* of those that depend on it */
	s32 local_window;
	s32 remote_window;
	u64 queued;		/* octets that wait to be framed */
	u64 rx_data;
	u64 tx_data;
	s64 rst_code;		/* -1: none */
};

void kh2e_limits_default(u32 limits[__KH2_L_END]);
int kh2e_limits_check(const u32 limits[__KH2_L_END], u32 *bad);
int kh2e_settings_check(const struct kh2_setting *s, u32 n, u8 role, u32 *bad);
int kh2e_config_init(struct kh2e_config *cfg, u8 role);

int kh2e_new(struct kh2e **out, const struct kh2e_ops *ops, void *home,
	     const struct kh2e_config *cfg);
void kh2e_free(struct kh2e *e);

size_t kh2e_recv(struct kh2e *e, const u8 *buf, size_t len);
size_t kh2e_recv_some(struct kh2e *e, const u8 *buf, size_t len);
void kh2e_recv_turn(struct kh2e *e);
bool kh2e_recv_turn_over(const struct kh2e *e);
bool kh2e_blocked(const struct kh2e *e);
int kh2e_submit_check(const struct kh2_sqe *sqe);
void kh2e_submit_failed(struct kh2e *e, const struct kh2_sqe *sqe);
bool kh2e_submit_takes_payload(u8 opcode);
int kh2e_submit(struct kh2e *e, const struct kh2_sqe *sqe, const void *payload,
		struct kh2e_src *src);
int kh2e_pull(struct kh2e *e, struct kh2e_seg *segs, int n_segs, size_t max);
bool kh2e_pending(struct kh2e *e);
void kh2e_sent(struct kh2e *e, size_t n);
void kh2e_src_hold(struct kh2e *e, struct kh2e_src *src, s64 octets);
bool kh2e_memory_scarce(const struct kh2e *e);
void kh2e_src_add(struct kh2e *e, struct kh2e_src *src, u64 n, bool eof, int status);
bool kh2e_notify(struct kh2e *e);
u64 kh2e_deadline(const struct kh2e *e);
void kh2e_tick(struct kh2e *e);
void kh2e_fail(struct kh2e *e, u32 code, enum kh2_counter why);
void kh2e_abort(struct kh2e *e, enum kh2_counter why);
int kh2e_reset(struct kh2e *e, u32 id, u32 code);
enum kh2e_phase kh2e_phase(const struct kh2e *e);
bool kh2e_idle(const struct kh2e *e);

void kh2e_count(struct kh2e *e, enum kh2_counter c, u64 n);
void kh2e_set_limits(struct kh2e *e, const u32 limits[__KH2_L_END]);
const u64 *kh2e_counters(const struct kh2e *e);
enum kh2_counter kh2e_fail_why(const struct kh2e *e);
void kh2e_info(const struct kh2e *e, struct kh2e_info *info);
int kh2e_stream_info(const struct kh2e *e, u32 id, struct kh2e_stream_info *info);
u32 kh2e_stream_ids(const struct kh2e *e, u32 after, u32 *ids, u32 n);

#endif
