/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* A heap of nodes embedded in others: the least key first, any node can leave. */
#ifndef KH2_ENGINE_HEAP_H
#define KH2_ENGINE_HEAP_H

#include "compat.h"

/**
 * struct kh2e_heap_node - a place in a heap
 * @child: first of those below
 * @next: next below the same
 * @link: what points to this one; NULL while it is in no heap
 * @key: the least is first; not to be changed while in a heap
 * @tie: the least is first among equal keys
 */
struct kh2e_heap_node {
	struct kh2e_heap_node *child;
	struct kh2e_heap_node *next;
	struct kh2e_heap_node **link;
	u64 key;
	u32 tie;
};

/* A pairing heap: insertion takes constant time, removal O(log n), amortised. */
struct kh2e_heap {
	struct kh2e_heap_node *first;
};

void kh2e_heap_insert(struct kh2e_heap *h, struct kh2e_heap_node *n);
void kh2e_heap_remove(struct kh2e_heap *h, struct kh2e_heap_node *n);

static inline bool kh2e_heap_holds(const struct kh2e_heap_node *n)
{
	return n->link;
}

#endif
