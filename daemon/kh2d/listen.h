/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Listening sockets, made before privileges go: one for each address and worker. */
#ifndef KH2D_LISTEN_H
#define KH2D_LISTEN_H

#include <stddef.h>
#include <stdint.h>

#include "options.h"

#define ADDRESS_SIZE	80

/**
 * struct listener - the sockets of one address
 * @fds: one for each worker, in a SO_REUSEPORT group if there are several
 * @address: where they really listen, as text
 */
struct listener {
	int fds[MAX_WORKERS];
	char address[ADDRESS_SIZE];
};

/* Binds and listens; exits if it cannot. */
void listener_open(struct listener *l, const struct listen_addr *addr, uint32_t workers);

#endif /* KH2D_LISTEN_H */
