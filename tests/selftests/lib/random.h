/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers that a seed repeats; what the scheduler makes of them is another matter. */
#ifndef KT_RANDOM_H
#define KT_RANDOM_H

#include <stdint.h>

struct random {
	uint64_t state;
};

static inline uint32_t next(struct random *r)
{
	r->state = r->state * 6364136223846793005ULL + 1442695040888963407ULL;
	return r->state >> 33;
}

static inline uint32_t below(struct random *r, uint32_t n)
{
	return next(r) % n;
}

#endif
