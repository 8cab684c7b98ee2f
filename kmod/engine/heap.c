// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A heap of nodes embedded in others: the least key first, any node can leave. */
#include "heap.h"

static bool before(const struct kh2e_heap_node *a, const struct kh2e_heap_node *b)
{
	return a->key != b->key ? a->key < b->key : a->tie < b->tie;
}

static void point(struct kh2e_heap_node **link, struct kh2e_heap_node *n)
{
	*link = n;
	if (n)
		n->link = link;
}

/* Two trees become one; neither has a next. */
static struct kh2e_heap_node *merge(struct kh2e_heap_node *a, struct kh2e_heap_node *b)
{
	struct kh2e_heap_node *top = before(b, a) ? b : a, *below = top == a ? b : a;

	point(&below->next, top->child);
	point(&top->child, below);
	return top;
}

/* Pairs from the left, then all of these from the right: that keeps the cost down. */
static struct kh2e_heap_node *merge_all(struct kh2e_heap_node *n)
{
	struct kh2e_heap_node *pairs = NULL, *all = NULL, *next;

	for (; n; n = next) {
		struct kh2e_heap_node *second = n->next;

		next = second ? second->next : NULL;
		n->next = NULL;
		if (second) {
			second->next = NULL;
			n = merge(n, second);
		}
		n->next = pairs;
		pairs = n;
	}
	for (; pairs; pairs = next) {
		next = pairs->next;
		pairs->next = NULL;
		all = all ? merge(all, pairs) : pairs;
	}
	return all;
}

/**
 * kh2e_heap_insert() - put a node into a heap
 * @h: the heap
 * @n: the node, in no heap, key and tie set
 */
void kh2e_heap_insert(struct kh2e_heap *h, struct kh2e_heap_node *n)
{
	n->child = NULL;
	n->next = NULL;
	point(&h->first, h->first ? merge(h->first, n) : n);
}

/**
 * kh2e_heap_remove() - take a node out of its heap
 * @h: the heap
 * @n: the node
 */
void kh2e_heap_remove(struct kh2e_heap *h, struct kh2e_heap_node *n)
{
	struct kh2e_heap_node *below = merge_all(n->child);

	point(n->link, n->next);
	n->link = NULL;
	if (below)
		point(&h->first, h->first ? merge(h->first, below) : below);
}
