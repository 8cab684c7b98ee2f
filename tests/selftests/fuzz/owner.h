/* SPDX-License-Identifier: GPL-2.0 */
/* An owner that does anything with its channel, by numbers of a seed. */
#ifndef FUZZ_OWNER_H
#define FUZZ_OWNER_H

#include <stdint.h>

#include "channel.h"
#include "random.h"

/* Lives with sessions of its own until it ends somehow; does not return. */
void owner_run(uint64_t seed) __attribute__((noreturn));
/* Some entries and some mappings of a channel, by who may not be its owner */
void owner_imitate(struct kt_channel *ch, struct random *r);

#endif
