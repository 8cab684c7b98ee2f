/* SPDX-License-Identifier: GPL-2.0 */
/* Netlink messages that are nearly requests. */
#ifndef FUZZ_MESSAGE_H
#define FUZZ_MESSAGE_H

#include <stdint.h>

#include "netlink.h"
#include "random.h"

/* What requests are about */
struct targets {
	uint32_t session;
	int channel;
	int socket;
};

/* Sends one, and drops what is answered. */
void send_anything(struct kt_netlink *kt, struct random *r, const struct targets *t);

#endif
