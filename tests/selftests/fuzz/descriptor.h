/* SPDX-License-Identifier: GPL-2.0 */
/* Descriptors where they do not belong. */
#ifndef FUZZ_DESCRIPTOR_H
#define FUZZ_DESCRIPTOR_H

#include "channel.h"
#include "netlink.h"
#include "random.h"

/* An attach that cannot be; @attached is a socket that is already. Returns what the kernel says. */
int attach_oddly(struct kt_netlink *kt, struct kt_channel *ch, int attached, struct random *r);
/* Somebody else, with rights or without, gets the channel while its owner goes on or ends. */
void pass_channel(struct kt_channel *ch, struct random *r);
/* A socket of another network namespace, connected to a listener there */
void attach_from_elsewhere(struct kt_channel *ch);

#endif
