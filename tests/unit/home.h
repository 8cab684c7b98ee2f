/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* A home for the engine that records all it is told, keeps accounts, and can refuse. */
#ifndef KH2_UNIT_HOME_H
#define KH2_UNIT_HOME_H

#include "engine.h"
#include "tap.h"

struct home_ev {
	struct kh2_event ev;
	u8 *data;
};

/* A source whose octet at position p is home_octet(seed, p). */
struct home_src {
	struct kh2e_src src;
	struct home_src *next;
	u64 seed;
	unsigned int wants;
	bool released;
};

struct home_frame {
	u32 len;
	u8 type;
	u8 flags;
	u32 stream;
	const u8 *p;
};

/**
 * struct home - one engine and what is around it
 * @evs: events told so far; @ev_seen of them were looked at
 * @out: octets sent so far; @out_seen of them were looked at
 * @handed: segments pulled and not sent, from @handed_first on
 * @chunk: feed() gives so many octets a call; 0: all at once
 * @pull_max: octets a kh2e_pull(); @pull_segs: segments
 * @sent_step: octets a kh2e_sent(); 0: all
 * @room: octets that the event ring still takes; the head of an event counts
 * @reserved: payload that was reserved, -1: none
 * @fail_alloc: the so-manieth allocation from now fails; 0: none
 * @fail_alloc_all: those after it, too
 * @fail_reserve: the so-manieth reserve() from now refuses
 * @answers: pump() has the owner answer each local KH2_EV_RESET that was told, up to @answered
 * @treacherous: the peer writes to what it has sent, while the home takes an event of it
 * @relieve: called when an event had no room; false: give up. Without it feed() fails the test
 * @on_frame: sees each frame as the engine reads its head or frames it; may be NULL
 * @on_event: sees each event; may be NULL
 * @plain: octets of sources are sent as zeros, for speed
 * @user: for the two
 * @in: what the engine is being given, @n_in octets, which were written to @n_writes times
 */
struct home {
	struct kh2e *e;
	struct kh2e_config cfg;
	u64 now;
	struct home_ev *evs;
	size_t n_evs, cap_evs, ev_seen;
	u8 *out;
	size_t n_out, cap_out, out_seen;
	struct kh2e_seg *handed;
	size_t n_handed, cap_handed, handed_first;
	struct home_src *srcs;
	u32 n_srcs;
	size_t chunk, pull_max, sent_step;
	int pull_segs;
	u64 room;
	s64 reserved;
	u64 fail_alloc, n_allocs;
	u64 fail_reserve, n_reserves;
	bool fail_alloc_all;
	bool answers;
	size_t answered;
	bool treacherous;
	u8 *in;
	size_t n_in;
	u32 n_writes;
	bool (*relieve)(struct home *h);
	u64 live_mem, live_out, n_live, peak_mem;
	u64 frames_rx, frames_tx;
	void (*on_frame)(struct home *h, bool sent, const struct home_frame *f);
	void (*on_event)(struct home *h, const struct kh2_event *ev);
	bool plain;
	void *user;
};

struct home *home_prepare(u8 role);
int home_try_start(struct home *h);
void home_start(struct home *h);
struct home *home_new(u8 role);
struct home *home_server(void);
struct home *home_limited(enum kh2_limit limit, u32 value);
struct home *home_client(void);
void home_handshake(struct home *h);
bool pump_some(struct home *h, size_t max);
void pump(struct home *h);
void advance(struct home *h, u64 ms);
void home_free(struct home *h);
void home_end(struct home *h);
u8 home_octet(u64 seed, u64 pos);
void *home_realloc(void *p, size_t size);

/* home_peer.c: the peer */
size_t feed(struct home *h, const void *buf, size_t len);
void feed_frame(struct home *h, u8 type, u8 flags, u32 stream, const void *p, size_t len);
void feed_headers(struct home *h, u32 stream, u8 flags);
void feed_data(struct home *h, u32 stream, u8 flags, size_t len);
void feed_u32(struct home *h, u8 type, u32 stream, u32 value);
void feed_window(struct home *h, u32 stream, u32 inc);
void feed_rst(struct home *h, u32 stream, u32 code);
void feed_setting(struct home *h, u16 id, u32 value);
void feed_settings_ack(struct home *h);
void feed_ping(struct home *h, u8 flags, u64 payload);
void feed_goaway(struct home *h, u32 last, u32 code);

/* home_owner.c: the owner */
int submit(struct home *h, const struct kh2_sqe *sqe, const void *payload);
int sub_headers(struct home *h, u32 stream, u8 flags);
/* An answer without a body */
void close_stream(struct home *h, u32 id);
int sub_block(struct home *h, u32 stream, u8 flags, const void *p, size_t len);
struct home_src *sub_data(struct home *h, u32 stream, u8 flags, u64 len);
int try_data(struct home *h, u32 stream, u8 flags, u64 len, struct home_src **out);
struct home_src *sub_file(struct home *h, u32 stream, u8 flags);
int sub_code(struct home *h, u8 op, u32 stream, u32 code);
int sub_op(struct home *h, u8 op, u32 stream);
int sub_consume(struct home *h, u32 stream, u64 len);
int sub_setting(struct home *h, u16 id, u32 value);
int sub_ping(struct home *h, u64 payload);

/* home_want.c: what came of it */
bool next_frame(struct home *h, struct home_frame *f);
struct home_frame want_frame(struct home *h, u8 type, u8 flags, u32 stream);
void want_rst(struct home *h, u32 stream, u32 code);
void want_goaway(struct home *h, u32 last, u32 code);
void want_window(struct home *h, u32 stream, u32 inc);
void want_no_frame(struct home *h);
struct home_ev *next_ev(struct home *h);
struct home_ev *want_ev(struct home *h, u16 type, u32 stream, u16 flags);
struct home_ev *find_ev(struct home *h, u16 type, u32 stream);
void want_reset(struct home *h, u32 stream, u32 code, enum kh2_counter why, u16 flags);
void want_no_ev(struct home *h);
void want_dead(struct home *h, u32 code, enum kh2_counter why);
void want_alive(struct home *h);
void forget(struct home *h);
u64 counter(struct home *h, enum kh2_counter c);
struct kh2e_info info(struct home *h);
struct kh2e_stream_info sinfo(struct home *h, u32 id);
u32 next_stream(struct home *h, u32 after);
const char *ev_name(u16 type);

#endif
