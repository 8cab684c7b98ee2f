/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* A server's inside: listening sockets, handshakes, sessions. */
#ifndef KH2I_SERVER_H
#define KH2I_SERVER_H

#include "context.h"
#include "tls.h"

struct kh2i_listener {
	struct list_head node;
	struct kh2i_watch watch;
	struct kh2_server *srv;
};

/**
 * struct kh2_server - what accepts
 * @node: in the context's list
 * @ctx: context
 * @opts: defaults filled in
 * @cfg: engine's configuration of each session
 * @max_list: largest header list that is taken, octets
 * @cbs: callbacks
 * @user: for these
 * @tls: or NULL
 * @listeners: struct kh2i_listener
 * @handshakes: struct kh2i_handshake
 * @n_handshakes: of these
 * @sessions: struct kh2_session
 * @n_sessions: of these
 * @resume: timer that ends a pause in accepting
 * @paused: not accepting: too many connections, or out of descriptors
 * @closing: kh2_server_close() was called
 * @told: on_close was told
 * @todo: tells on_close
 */
struct kh2_server {
	struct list_head node;
	struct kh2_ctx *ctx;
	struct kh2_server_opts opts;
	struct kh2e_config cfg;
	u32 max_list;
	struct kh2_server_cbs cbs;
	void *user;
	struct kh2i_tls *tls;
	struct list_head listeners;
	struct list_head handshakes;
	u32 n_handshakes;
	struct list_head sessions;
	u32 n_sessions;
	struct kh2i_timer resume;
	bool paused;
	bool closing;
	bool told;
	struct kh2i_todo todo;
};

void kh2i_server_session_gone(struct kh2_server *srv);
void kh2i_server_error(struct kh2_server *srv, int err);
void kh2i_server_check(struct kh2_server *srv);

/* handshake.c */
int kh2i_handshake_start(struct kh2_server *srv, int fd);
void kh2i_handshakes_end(struct kh2_server *srv);

#endif
