/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What sessions need of a backend: commands in, events out, memory for bodies. */
#ifndef KH2I_BACKEND_H
#define KH2I_BACKEND_H

#include "context.h"

typedef struct ssl_st SSL;

/**
 * struct kh2i_attach - a connection that is to become a session
 * @fd: connected socket; the backend's on success
 * @ssl: handshake done, or NULL; the backend's on success
 * @early: octets of HTTP/2 that were read already
 * @early_len: how many
 * @cfg: engine's configuration
 */
struct kh2i_attach {
	int fd;
	SSL *ssl;
	const u8 *early;
	size_t early_len;
	struct kh2e_config cfg;
};

/**
 * struct kh2i_backend - one of two ways to serve a session
 * @kind: enum kh2_backend
 * @init: the context's part of it: sets channel or user; -errno, and they are
 *	not set
 * @exit: frees that, once the sessions have gone; as the next three, does
 *	nothing where there is none
 * @events: hands what has arrived to kh2i_session_event(); returns how many
 * @flush: sends what was submitted
 * @busy: there is more to do without waiting
 * @attach: make the connection a session; sets be_id and be_data. On failure
 *	nothing has happened to it.
 * @submit: queue a command, in order; @payload is copied and becomes
 *	addr/len, or is NULL. A descriptor in it is the backend's in any case,
 *	but for KH2I_SQE_KEPT_OPEN.
 *	Fails with -ENOMEM only; what the engine refuses becomes
 *	KH2_EV_SQE_ERROR.
 * @tx_alloc: memory for a body, to be lent by KH2_OP_DATA, perhaps for fewer
 *	octets than @len was; NULL: none now
 * @tx_free: gives it back, after KH2_EV_TX_DONE or without having lent it
 * @lost: no event of the session will come any more
 * @gone: after KH2_EV_GONE was handled, or to abandon the session; frees be_data
 * @info: a look at the session; -errno
 * @counters: likewise, by enum kh2_counter
 * @stream_info: likewise
 */
struct kh2i_backend {
	enum kh2_backend kind;
	int (*init)(struct kh2_ctx *ctx);
	void (*exit)(struct kh2_ctx *ctx);
	int (*events)(struct kh2_ctx *ctx);
	void (*flush)(struct kh2_ctx *ctx);
	bool (*busy)(const struct kh2_ctx *ctx);
	int (*attach)(struct kh2_session *s, const struct kh2i_attach *at);
	int (*submit)(struct kh2_session *s, struct kh2_sqe *sqe, const void *payload);
	void *(*tx_alloc)(struct kh2_session *s, size_t *len, u64 *addr);
	void (*tx_free)(struct kh2_session *s, u64 addr, size_t len);
	bool (*lost)(const struct kh2_session *s);
	void (*gone)(struct kh2_session *s);
	int (*info)(const struct kh2_session *s, struct kh2e_info *info);
	int (*counters)(const struct kh2_session *s, u64 *out, size_t n);
	int (*stream_info)(const struct kh2_session *s, u32 id, struct kh2e_stream_info *info);
};

extern const struct kh2i_backend kh2i_backend_kernel;
extern const struct kh2i_backend kh2i_backend_user;

/* KH2_OP_FILE, in sqe.flags: a regular file that stays open until its stream has closed. The
 * backend does not close it, and takes the bit out.
 */
#define KH2I_SQE_KEPT_OPEN	(1U << 7)

/* Most octets of one tx_alloc(): four DATA frames that fill their TLS records */
#define KH2I_TX_PIECE	65500U

#endif
