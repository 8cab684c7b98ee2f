/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* A session's inside. */
#ifndef KH2I_SESSION_H
#define KH2I_SESSION_H

#include "backend.h"
#include "hpack.h"

/* user_data of submissions whose failure is no news, or is the session's end */
#define KH2I_UD_IGNORE	0
#define KH2I_UD_FATAL	1
/* Others are told by their low bits: a failure of a stream or a PING, or a struct kh2i_tx. */
#define KH2I_UD_STREAM(id)	((u64)(id) << 3 | 2)
#define KH2I_UD_IS_STREAM(ud)	(((ud) & 7) == 2)
#define KH2I_UD_STREAM_ID(ud)	((u32)((ud) >> 3))
#define KH2I_UD_PING(ping)	((u64)(uintptr_t)(ping) | 3)
#define KH2I_UD_IS_PING(ud)	(((ud) & 7) == 3)
#define KH2I_UD_PTR(ud)		((void *)(uintptr_t)((ud) & ~7ULL))

/* A PING that is under way, in the order of sending */
struct kh2i_ping {
	struct list_head node;
	kh2_ping_fn cb;
	void *arg;
	u8 payload[8];
};

/**
 * struct kh2_session - one connection
 * @node: in the context's list
 * @server_node: in the server's list
 * @refs: references
 * @id: for users
 * @ctx: context; NULL once destroyed
 * @server: that made it
 * @be: backend
 * @be_id: the backend's number of it
 * @be_data: the backend's
 * @why: why not the kernel
 * @tls: over TLS
 * @closing: shutting down gracefully
 * @idle: the engine has no stream left, and takes no other
 * @destroyed: no operation works any more
 * @gone: KH2_EV_GONE was handled
 * @err: for on_error
 * @code: for on_error
 * @cbs: callbacks
 * @user: for these
 * @hpack: both tables
 * @told: SETTINGS that we sent, acknowledged or not
 * @local: SETTINGS in force at us
 * @remote: SETTINGS in force at the peer
 * @last_request: highest stream whose first header block has come
 * @n_settings_out: SETTINGS of ours that wait for their ACK
 * @pings: struct kh2i_ping
 * @n_pings: of these
 * @max_pings: most at once
 * @streams: struct kh2_stream, by age
 * @buckets: the same, by id
 * @n_buckets: a power of two
 * @n_streams: how many
 * @txs: struct kh2i_tx, lent memory
 * @timer: idle timeout
 * @timeout_ms: 0: off
 * @active_at: time of the last activity
 * @octets: sent and received, when the timer last looked
 * @todo: ends the session when its backend cannot tell, or did not hear of it
 * @memory: octets held on its behalf here
 * @memory_told: of these, as the engine knows
 * @max_streams: the limit that is enforced
 * @max_pairs: most fields of a block
 * @max_list: most octets of a header list, also before the peer has acknowledged it
 * @high_water: of streams' queues
 * @local_addr: own address
 * @peer_addr: the peer's
 * @local_len: octets of @local_addr
 * @peer_len: octets of @peer_addr
 */
struct kh2_session {
	struct list_head node;
	struct list_head server_node;
	u32 refs;
	u64 id;
	struct kh2_ctx *ctx;
	struct kh2_server *server;
	const struct kh2i_backend *be;
	u32 be_id;
	void *be_data;
	const char *why;
	bool tls;
	bool closing;
	bool idle;
	bool destroyed;
	bool gone;
	int err;
	u32 code;
	struct kh2_session_cbs cbs;
	void *user;
	struct kh2i_hpack hpack;
	struct kh2_settings told;
	struct kh2_settings local;
	struct kh2_settings remote;
	u32 last_request;
	u32 n_settings_out;
	struct list_head pings;
	u32 n_pings;
	u32 max_pings;
	struct list_head streams;
	struct kh2_stream **buckets;
	u32 n_buckets;
	u32 n_streams;
	struct list_head txs;
	struct kh2i_timer timer;
	u32 timeout_ms;
	u64 active_at;
	u64 octets;
	struct kh2i_todo todo;
	s64 memory;
	s64 memory_told;
	u32 max_streams;
	u32 max_pairs;
	u32 max_list;
	u32 high_water;
	struct sockaddr_storage local_addr;
	struct sockaddr_storage peer_addr;
	socklen_t local_len;
	socklen_t peer_len;
};

int kh2i_session_new(struct kh2_server *srv, struct kh2i_attach *at, const char *no_kernel,
		     struct kh2_session **out);
/* event.c */
void kh2i_session_event(struct kh2_session *s, const struct kh2_event *ev, const void *payload);

/* session.c */
void kh2i_session_gone(struct kh2_session *s, int err);
void kh2i_session_blame(struct kh2_session *s, enum kh2_counter why);
void kh2i_session_fail(struct kh2_session *s, int err, u32 code);
int kh2i_session_submit(struct kh2_session *s, struct kh2_sqe *sqe, const void *payload);
int kh2i_session_send_block(struct kh2_session *s, u32 stream, u8 flags,
			    const struct kh2_headers *h, const struct kh2_nv *extra);
void kh2i_session_check_idle(struct kh2_session *s);
void kh2i_session_touch(struct kh2_session *s);
void kh2i_session_memory(struct kh2_session *s, s64 octets);
bool kh2i_session_open(const struct kh2_session *s);
struct kh2_stream *kh2i_session_find(const struct kh2_session *s, u32 id);
int kh2i_session_link(struct kh2_session *s, struct kh2_stream *st);
void kh2i_session_unlink(struct kh2_session *s, struct kh2_stream *st);

/* request.c */
void kh2i_request_block(struct kh2_session *s, const struct kh2_event *ev, const u8 *block);

/* settings.c */
void kh2i_settings_apply(struct kh2_settings *out, const struct kh2_setting *v, u32 n);
int kh2i_settings_list(const struct kh2_settings *s, struct kh2_setting *v, u32 max);
void kh2i_settings_initial(struct kh2_settings *out);

#endif
