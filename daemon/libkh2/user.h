/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The user backend's inside: the engine in process. */
#ifndef KH2I_USER_H
#define KH2I_USER_H

#include "backend.h"

/**
 * struct kh2i_events - event records, one behind the other
 * @buf: struct kh2i_record
 * @len: octets used
 * @cap: octets there
 */
struct kh2i_events {
	u8 *buf;
	size_t len;
	size_t cap;
};

/**
 * struct kh2i_user - the user backend of a context
 * @fill: where engines post to
 * @drain: what is being handled
 * @dirty: sessions with something to read, produce or send
 * @blocked: sessions whose events found no room
 * @io: memory for reading and writing, shared
 */
struct kh2i_user {
	struct kh2i_events fill;
	struct kh2i_events drain;
	struct list_head dirty;
	struct list_head blocked;
	u8 *io;
};

/**
 * struct kh2i_conn - one session of the user backend
 * @s: session
 * @ctx: its context
 * @e: engine
 * @watch: its socket
 * @events: what is watched for
 * @ssl: or NULL
 * @timer: engine's deadline, or when waiting for the end ends
 * @linger_ms: how long the end may take once the engine has done
 * @dirty: place in the list
 * @blocked: place in the list
 * @wants: sources that were asked for more
 * @in: octets that the engine had no room for
 * @in_len: how many
 * @out: octets that the socket had no room for
 * @out_pos: of these, written
 * @out_len: how many
 * @read_more: the socket or OpenSSL may have more
 * @ending: the engine has done, @timer runs to the end
 * @lingering: all is sent, waiting for the peer's end
 * @ended: KH2_EV_GONE was posted, or failed to be
 */
struct kh2i_conn {
	struct kh2_session *s;
	struct kh2_ctx *ctx;
	struct kh2e *e;
	struct kh2i_watch watch;
	u32 events;
	SSL *ssl;
	struct kh2i_timer timer;
	u32 linger_ms;
	struct list_head dirty;
	struct list_head blocked;
	struct list_head wants;
	u8 *in;
	size_t in_len;
	u8 *out;
	size_t out_pos;
	size_t out_len;
	bool read_more;
	bool ending;
	bool lingering;
	bool ended;
};

/**
 * struct kh2i_src - a source of the engine: memory, or a file
 * @src: engine's
 * @conn: session
 * @mem: octets, when it is memory
 * @own: @mem is freed with it
 * @want: place in the session's list
 * @watch: descriptor of a file; -1: memory
 * @regular: a regular file: no waiting
 * @kept_open: the descriptor is not ours to close
 * @watching: @watch is in the epoll set
 * @pos: where the file is read next
 * @left: octets to be read; KH2_LEN_EOF: to the end, where there is no size
 * @chunks: octets that were read
 */
struct kh2i_src {
	struct kh2e_src src;
	struct kh2i_conn *conn;
	u8 *mem;
	bool own;
	struct list_head want;
	struct kh2i_watch watch;
	bool regular;
	bool kept_open;
	bool watching;
	u64 pos;
	u64 left;
	struct list_head chunks;
};

/* user_src.c */
int kh2i_src_new(struct kh2i_conn *c, const struct kh2_sqe *sqe, const void *payload,
		 struct kh2i_src **out);
void kh2i_src_free(struct kh2i_src *s);
void kh2i_src_produce(struct kh2i_src *s);
void kh2i_src_copy(struct kh2i_src *s, u64 off, u32 len, u8 *to);

/* user_io.c */
ssize_t kh2i_conn_read(struct kh2i_conn *c, void *buf, size_t len);
ssize_t kh2i_conn_write(struct kh2i_conn *c, const void *buf, size_t len);
void kh2i_conn_shutdown(struct kh2i_conn *c);

/* backend_user.c */
void kh2i_conn_dirty(struct kh2i_conn *c);

#endif
