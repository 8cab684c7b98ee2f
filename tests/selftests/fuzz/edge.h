/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers that are next to where something changes. */
#ifndef FUZZ_EDGE_H
#define FUZZ_EDGE_H

#include "random.h"

static inline uint64_t edge(struct random *r)
{
	static const uint64_t edges[] = {
		0, 1, 7, 8, 4095, 4096, 4097, 65535, 65536, INT32_MAX, UINT32_MAX, INT64_MAX,
		UINT64_MAX, UINT64_MAX - 4095,
	};
	uint64_t v = edges[below(r, 14)];

	return below(r, 3) ? v : v + below(r, 64) - 32;
}

#endif
