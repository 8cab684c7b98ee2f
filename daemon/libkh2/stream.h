/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* A stream's inside. */
#ifndef KH2I_STREAM_H
#define KH2I_STREAM_H

#include "backend.h"
#include "headers.h"
#include "rules.h"

/**
 * struct kh2i_tx - transmit memory lent to the backend, or about to be
 * @node: in the session's list
 * @stream: that it belongs to, a reference; NULL for none
 * @addr: the backend's address of the memory
 * @mem: the memory
 * @size: octets of it
 * @len: of these in use
 * @copied: memory of ours that is copied when it is given to the backend
 * @file: no memory, but a file: only its end is told
 */
struct kh2i_tx {
	struct list_head node;
	struct kh2_stream *stream;
	u64 addr;
	u8 *mem;
	u32 size;
	u32 len;
	bool copied;
	bool file;
};

/* What a piece costs beside its octets: the note of it here and that of the engine, about */
#define KH2I_TX_MEMORY 384

/* Octets that wait, with room for @size: for transmit memory, or for the application to read */
struct kh2i_octets {
	struct list_head node;
	size_t pos;
	size_t len;
	size_t size;
	u8 octets[];
};

/**
 * struct kh2_stream - one request and its response
 * @node: in the session's list
 * @next: in the session's bucket
 * @refs: references
 * @id: identifier
 * @session: NULL once destroyed
 * @headers: of the request
 * @req: what the rules found in it
 * @cbs: the user's, or NULL
 * @user: for these
 * @prio: in force
 * @responded: the final response was sent
 * @drop_body: the response has no body: what is written for one is dropped
 * @wait_trailers: the body's end is not the end of our side
 * @trailers_ready: KH2_EV_WANT_TRAILERS came
 * @trailers_sent: they were
 * @ended: the application has ended the body
 * @end_sent: and the backend knows
 * @local_closed: END_STREAM was submitted
 * @remote_closed: the peer's END_STREAM was taken up
 * @rst_sent: KH2_OP_RST was submitted
 * @want_drain: kh2_stream_write() took less than all
 * @paused: on_data is not wanted
 * @aborted: for kh2_stream_is_aborted()
 * @closing: ended in the engine; on_close waits for the application to read
 * @destroyed: on_close has been called
 * @counted: reset by the peer and counted against its limit until the last
 *	reference goes, in this session, which is referenced
 * @err: for on_error, together with @rst_code
 * @rst_code: HTTP/2 code; -1: not ended
 * @received: octets of the body
 * @queued: octets written and not yet told as sent
 * @held: transmit memory that they hold, octets
 * @n_lent: pieces of it that are with the backend
 * @tail: a piece that is not yet, for there may be more to go into it
 * @tail_node: in the context's list of streams whose @tail is due
 * @out: struct kh2i_octets that wait for transmit memory
 * @in: struct kh2i_octets not yet read by the application
 * @in_end: the end comes behind @in
 * @trailers: received, come behind @in
 * @trailers_flags: for on_trailers
 * @credit: octets consumed and not yet told
 * @credit_node: in the context's list of such streams
 * @todo: on_drain, resuming and the like
 * @timer: idle timeout
 * @timeout_ms: 0: off
 * @active_at: time of the last activity
 * @octets: of bodies, sent and received, when the timer last looked
 */
struct kh2_stream {
	struct list_head node;
	struct kh2_stream *next;
	u32 refs;
	u32 id;
	struct kh2_session *session;
	struct kh2_headers *headers;
	struct kh2i_request req;
	const struct kh2_stream_cbs *cbs;
	void *user;
	struct kh2_priority prio;
	bool responded;
	bool drop_body;
	bool wait_trailers;
	bool trailers_ready;
	bool trailers_sent;
	bool ended;
	bool end_sent;
	bool local_closed;
	bool remote_closed;
	bool rst_sent;
	bool want_drain;
	bool paused;
	bool aborted;
	bool closing;
	bool destroyed;
	struct kh2_session *counted;
	int err;
	s64 rst_code;
	u64 received;
	size_t queued;
	size_t held;
	u32 n_lent;
	struct kh2i_tx *tail;
	struct list_head tail_node;
	struct list_head out;
	struct list_head in;
	bool in_end;
	struct kh2_headers *trailers;
	u8 trailers_flags;
	u32 credit;
	struct list_head credit_node;
	struct kh2i_todo todo;
	struct kh2i_timer timer;
	u32 timeout_ms;
	u64 active_at;
	u64 octets;
};

/* What a stream and its fields cost, about */
#define KH2I_STREAM_MEMORY	((s64)(sizeof(struct kh2_stream) + sizeof(struct kh2_headers)))

/* Does the user's structure, of whatever size, have the callback? */
#define KH2I_CB(cbs, member) \
	((cbs) && (cbs)->sz >= offsetof(__typeof__(*(cbs)), member) + sizeof((cbs)->member) && \
	 (cbs)->member)

int kh2i_stream_new(struct kh2_session *s, u32 id, struct kh2_headers *h,
		    const struct kh2i_request *req, struct kh2_stream **out);
bool kh2i_stream_open(const struct kh2_stream *st);
void kh2i_stream_initial_priority(struct kh2_stream *st, const struct kh2_priority *prio);
struct kh2_priority kh2i_priority_of(const struct kh2_event *ev);
void kh2i_stream_touch(struct kh2_stream *st);
void kh2i_stream_reset(struct kh2_stream *st, int err, u32 code);
void kh2i_stream_finish(struct kh2_stream *st, int err, s64 code);
void kh2i_stream_release(struct kh2_session *s, u32 id);
int kh2i_stream_patience(struct kh2_stream *st);
struct kh2i_octets *kh2i_octets_new(struct kh2_session *s, const void *buf, size_t len,
				    size_t size);
void kh2i_octets_free(struct kh2_session *s, struct kh2i_octets *o);

/* stream_in.c: what arrives */
void kh2i_stream_data(struct kh2_stream *st, const void *buf, u32 len, bool end);
void kh2i_stream_trailers(struct kh2_stream *st, struct kh2_headers *h, u8 flags);
void kh2i_stream_remote_end(struct kh2_stream *st);
void kh2i_stream_deliver(struct kh2_stream *st);
void kh2i_stream_in_free(struct kh2_stream *st);
void kh2i_stream_credit(struct kh2_stream *st, u32 len);
void kh2i_streams_credit(struct kh2_ctx *ctx);

/* stream_out.c: what is sent */
void kh2i_tx_done(struct kh2_session *s, struct kh2i_tx *tx, int err);
void kh2i_tx_forget(struct kh2_session *s);
void kh2i_tails_send(struct kh2_ctx *ctx);
void kh2i_stream_out_free(struct kh2_stream *st);
void kh2i_stream_want_trailers(struct kh2_stream *st);
int kh2i_stream_submit_end(struct kh2_stream *st);
int kh2i_stream_submit(struct kh2_stream *st, struct kh2_sqe *sqe, const void *payload);
int kh2i_tx_new(struct kh2_stream *st, struct kh2i_tx **out);
void kh2i_tx_free(struct kh2_session *s, struct kh2i_tx *tx);

#endif
