// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A heap that is emptied as a whole before each execution. */
#include <sys/mman.h>

#include "arena.h"

#define ARENA_SIZE	(512UL << 20)
#define ALIGN		16UL

struct head {
	size_t size;
	size_t unused;
};

static char *arena, *pos, *last;

void arena_reset(void)
{
	if (!arena) {
		arena = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (arena == MAP_FAILED)
			abort();
	}
	pos = arena;
	last = NULL;
}

void *arena_alloc(size_t size)
{
	struct head *h = (struct head *)pos;
	size_t room = (size + ALIGN - 1) & ~(ALIGN - 1);

	if (ARENA_SIZE - (size_t)(pos - arena) < sizeof(*h) + room)
		abort();
	h->size = size;
	last = pos + sizeof(*h);
	pos = last + room;
	return last;
}

void *arena_zalloc(size_t n, size_t size)
{
	return memset(arena_alloc(n * size), 0, n * size);
}

/* What was taken last grows where it is. */
void *arena_realloc(void *p, size_t size)
{
	size_t old = p ? ((struct head *)p - 1)->size : 0;
	void *new;

	if (p && p == last) {
		pos = last - sizeof(struct head);
		return arena_alloc(size);
	}
	if (size <= old)
		return p;
	new = arena_alloc(size);
	if (old)
		memcpy(new, p, old);
	return new;
}
