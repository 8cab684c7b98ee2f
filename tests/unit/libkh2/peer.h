/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* A server of the user backend in this process, and a raw peer of it behind a socket. */
#ifndef KH2_UNIT_PEER_H
#define KH2_UNIT_PEER_H

#include "server.h"
#include "session.h"
/* not the engine's of this name */
#include "../../../daemon/libkh2/stream.h"
#include "tap.h"

/**
 * struct peer - one connection, both ends
 * @ctx: the server's context
 * @srv: server
 * @fd: the peer's end
 * @s: session, with a reference
 * @in: octets that were read and are no whole frame yet
 * @len: of these
 */
struct peer {
	struct kh2_ctx *ctx;
	struct kh2_server *srv;
	int fd;
	struct kh2_session *s;
	u8 in[1 << 17];
	size_t len;
};

/* A frame that the server sent */
struct got {
	u32 len;
	u8 type;
	u8 flags;
	u32 stream;
	u8 payload[16384];
};

void peer_begin(struct peer *p, const struct kh2_server_opts *opts,
		const struct kh2_server_cbs *cbs, const struct kh2_setting *v, u32 n);
void peer_end(struct peer *p);
void peer_frame(struct peer *p, u8 type, u8 flags, u32 stream, const void *payload, u32 len);
void peer_request(struct peer *p, u32 stream, bool post, u8 flags);
void peer_turn(struct peer *p);
bool peer_read(struct peer *p, struct got *f);
bool peer_find(struct peer *p, u8 type, u32 stream, struct got *f);

#endif
