/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The dependency tree of RFC 7540 5.3: who waits for whom, and shares with whom by what weight. */
#ifndef KH2_ENGINE_TREE_H
#define KH2_ENGINE_TREE_H

#include "heap.h"
#include "priority.h"

/* Nodes that are no streams: such as only group others, and streams that ended. */
#define KH2E_TREE_GROUPS	10
#define KH2E_TREE_ENDED		24

/* Who is deeper than this becomes a sibling instead. Bounds the way from a stream to the root. */
#define KH2E_TREE_DEPTH		64

/**
 * struct kh2e_node - a place in the order of sending, with or without a tree
 * @turn: among the siblings while this or a node below can send; without a tree,
 *	among the streams of an urgency. Its tie is the stream identifier, 0 for none.
 * @turns: the same of those below
 * @now: key of the one below that was served last: nobody begins before it
 * @parent: NULL for the root, and outside of a tree
 * @children: those that depend on it
 * @sibling: place among these
 * @sum: weights of @children
 * @weight: 1 to 256
 * @ready: the stream itself can send
 */
struct kh2e_node {
	struct kh2e_heap_node turn;
	struct kh2e_heap turns;
	u64 now;
	struct kh2e_node *parent;
	struct list_head children;
	struct list_head sibling;
	u32 sum;
	u16 weight;
	bool ready;
};

/**
 * struct kh2e_tree - all dependencies of a connection
 * @root: on which all depend
 * @places: for nodes that are no streams: groups, then streams that ended
 * @next_group: which of these is taken when none is free
 * @next_ended: likewise
 */
struct kh2e_tree {
	struct kh2e_node root;
	struct kh2e_node places[KH2E_TREE_GROUPS + KH2E_TREE_ENDED];
	u32 next_group;
	u32 next_ended;
};

/**
 * struct kh2e_depend - what a signal says
 * @parent: stream identifier, 0 for the root
 * @weight: 1 to 256
 * @exclusive: what depended on @parent depends on this one then
 */
struct kh2e_depend {
	u32 parent;
	u16 weight;
	bool exclusive;
};

static inline u32 kh2e_node_id(const struct kh2e_node *n)
{
	return n->turn.tie;
}

void kh2e_node_init(struct kh2e_node *n, u32 id);
void kh2e_tree_init(struct kh2e_tree *t);
void kh2e_tree_join(struct kh2e_tree *t, struct kh2e_node *n);
void kh2e_tree_leave(struct kh2e_tree *t, struct kh2e_node *n);
struct kh2e_node *kh2e_tree_place(struct kh2e_tree *t, u32 id);
struct kh2e_node *kh2e_tree_group(struct kh2e_tree *t, u32 id);
u32 kh2e_tree_depend(struct kh2e_tree *t, struct kh2e_node *n, struct kh2e_node *parent,
		     u16 weight, bool exclusive);
void kh2e_tree_ready(struct kh2e_node *n, bool ready);
struct kh2e_node *kh2e_tree_pick(const struct kh2e_tree *t);
void kh2e_tree_served(struct kh2e_node *n, u32 octets);

#endif
