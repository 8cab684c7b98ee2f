/* SPDX-License-Identifier: GPL-2.0 */
/* A session that must stay as it is, whatever others do. */
#ifndef FUZZ_BYSTANDER_H
#define FUZZ_BYSTANDER_H

#include <stdbool.h>

#include "channel.h"
#include "netlink.h"

struct bystander {
	struct kt_netlink kt;
	struct kt_channel ch;
	uint32_t session;
	int fds[2];
};

/* Begins with a request that nobody answers. */
bool bystander_begin(struct bystander *b);
/* Its connection lives, and its stream is what it was. */
bool bystander_lives(struct bystander *b);
/* Closes what is ours of it, so that a child has none of its descriptors. */
void bystander_forget(struct bystander *b);
void bystander_end(struct bystander *b);

#endif
