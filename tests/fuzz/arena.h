/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Memory for one execution at a time, for builds that count executions: included before all else,
 * it takes the place of malloc(3). The sanitized builds do without.
 */
#ifndef KH2_FUZZ_ARENA_H
#define KH2_FUZZ_ARENA_H

#include <stdlib.h>
#include <string.h>

void arena_reset(void);
void *arena_alloc(size_t size);
void *arena_zalloc(size_t n, size_t size);
void *arena_realloc(void *p, size_t size);

static inline void arena_free(void *p)
{
	(void)p;
}

#define malloc(size)		arena_alloc(size)
#define calloc(n, size)		arena_zalloc(n, size)
#define realloc(p, size)	arena_realloc(p, size)
#define free(p)			arena_free(p)

#endif
