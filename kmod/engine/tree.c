// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The dependency tree of RFC 7540 5.3. A stream goes before those that depend on it; siblings share
 * by weight: each has a clock that runs the slower the more it weighs, and the one
 * whose clock is behind goes next. All of it is bounded: places for nodes that
 * are no streams, and the depth. Taking turns costs the depth times the logarithm of
 * the siblings; a change of dependencies may look at each node below what it moves.
 */
#include "tree.h"

/**
 * kh2e_node_init() - a node outside of any tree
 * @n: the node
 * @id: stream identifier, 0 for none
 */
void kh2e_node_init(struct kh2e_node *n, u32 id)
{
	memset(n, 0, sizeof(*n));
	n->turn.tie = id;
	n->weight = KH2E_WEIGHT_DEFAULT;
	INIT_LIST_HEAD(&n->children);
	INIT_LIST_HEAD(&n->sibling);
}

/**
 * kh2e_tree_init() - an empty tree
 * @t: the tree
 */
void kh2e_tree_init(struct kh2e_tree *t)
{
	memset(t, 0, sizeof(*t));
	kh2e_node_init(&t->root, 0);
	for (u32 i = 0; i < ARRAY_SIZE(t->places); i++)
		kh2e_node_init(&t->places[i], 0);
}

static bool can_send(const struct kh2e_node *n)
{
	return n->ready || n->turns.first;
}

/* Something can send here now: all on the way to the root wait for their turn. */
static void raise(struct kh2e_node *n)
{
	for (; n->parent && !kh2e_heap_holds(&n->turn); n = n->parent) {
		n->turn.key = max(n->turn.key, n->parent->now);
		kh2e_heap_insert(&n->parent->turns, &n->turn);
	}
}

/* Nothing can any more, here and above as far as that holds. */
static void lower(struct kh2e_node *n)
{
	for (; n->parent && !can_send(n) && kh2e_heap_holds(&n->turn); n = n->parent)
		kh2e_heap_remove(&n->parent->turns, &n->turn);
}

static void link_below(struct kh2e_node *parent, struct kh2e_node *n, u16 weight)
{
	n->parent = parent;
	n->weight = weight;
	/* the clock of another place says nothing here */
	n->turn.key = parent->now;
	list_add_tail(&n->sibling, &parent->children);
	parent->sum += weight;
	if (can_send(n))
		raise(n);
}

static void unlink_node(struct kh2e_node *n)
{
	struct kh2e_node *parent = n->parent;

	if (kh2e_heap_holds(&n->turn))
		kh2e_heap_remove(&parent->turns, &n->turn);
	list_del_init(&n->sibling);
	parent->sum -= n->weight;
	n->parent = NULL;
	lower(parent);
}

static struct kh2e_node *first_child(struct kh2e_node *n)
{
	return list_first_entry_or_null(&n->children, struct kh2e_node, sibling);
}

/* Returns how many. */
static u32 move_children(struct kh2e_node *to, struct kh2e_node *from)
{
	struct kh2e_node *child, *next;
	u32 n = 0;

	list_for_each_entry_safe(child, next, &from->children, sibling) {
		if (child == to)
			continue;
		unlink_node(child);
		link_below(to, child, child->weight);
		n++;
	}
	return n;
}

/* RFC 7540 5.3.4: those that depended on it share its weight in proportion to theirs. */
static void remove_node(struct kh2e_node *n)
{
	struct kh2e_node *child, *next, *parent = n->parent;
	u32 sum = n->sum;

	list_for_each_entry_safe(child, next, &n->children, sibling) {
		u32 weight = (u32)child->weight * n->weight / sum;

		unlink_node(child);
		link_below(parent, child, (u16)max(weight, 1U));
	}
	unlink_node(n);
	kh2e_node_init(n, 0);
}

/* @n takes the place of @old, which is free then. */
static void replace_node(struct kh2e_node *n, struct kh2e_node *old)
{
	struct kh2e_node *parent = old->parent;
	u16 weight = old->weight;

	unlink_node(old);
	link_below(parent, n, weight);
	move_children(n, old);
	kh2e_node_init(old, 0);
}

static struct kh2e_node *find_place(struct kh2e_node *places, u32 n, u32 id)
{
	for (u32 i = 0; i < n; i++)
		if (kh2e_node_id(&places[i]) == id)
			return &places[i];
	return NULL;
}

/* One that is free, or else the one that was taken the longest ago. */
static struct kh2e_node *take_place(struct kh2e_node *places, u32 n, u32 *next, u32 id)
{
	struct kh2e_node *place = find_place(places, n, 0);

	if (!place) {
		place = &places[*next];
		*next = (*next + 1) % n;
		remove_node(place);
	}
	kh2e_node_init(place, id);
	return place;
}

/**
 * kh2e_tree_place() - find a node that is no stream
 * @t: the tree
 * @id: stream identifier, not 0
 *
 * Return: the node, or NULL.
 */
struct kh2e_node *kh2e_tree_place(struct kh2e_tree *t, u32 id)
{
	return find_place(t->places, ARRAY_SIZE(t->places), id);
}

/**
 * kh2e_tree_group() - a node for a stream that is not open, which others may depend on
 * @t: the tree
 * @id: stream identifier, without a node
 *
 * Return: the node, of default priority.
 */
struct kh2e_node *kh2e_tree_group(struct kh2e_tree *t, u32 id)
{
	struct kh2e_node *n = take_place(t->places, KH2E_TREE_GROUPS, &t->next_group, id);

	link_below(&t->root, n, KH2E_WEIGHT_DEFAULT);
	return n;
}

/**
 * kh2e_tree_join() - a stream comes
 * @t: the tree
 * @n: its node, outside of any tree
 *
 * If something is known of its identifier it takes that place.
 */
void kh2e_tree_join(struct kh2e_tree *t, struct kh2e_node *n)
{
	struct kh2e_node *place = kh2e_tree_place(t, kh2e_node_id(n));

	if (place)
		replace_node(n, place);
	else
		link_below(&t->root, n, n->weight);
}

/**
 * kh2e_tree_leave() - a stream goes
 * @t: the tree
 * @n: its node, not ready; outside of the tree on return
 *
 * Its place is kept for a while, others may still depend on it (RFC 7540 5.3.4).
 */
void kh2e_tree_leave(struct kh2e_tree *t, struct kh2e_node *n)
{
	struct kh2e_node *place = take_place(t->places + KH2E_TREE_GROUPS, KH2E_TREE_ENDED,
					     &t->next_ended, kh2e_node_id(n));

	replace_node(place, n);
}

static u32 depth_of(const struct kh2e_node *n)
{
	u32 depth = 0;

	for (; n->parent; n = n->parent)
		depth++;
	return depth;
}

static bool is_below(const struct kh2e_node *n, const struct kh2e_node *top)
{
	while (n && n != top)
		n = n->parent;
	return n;
}

/* Levels from @top down to the lowest, its own counted. */
static u32 height_of(struct kh2e_node *top)
{
	struct kh2e_node *n = top;
	u32 depth = 1, most = 1;

	for (;;) {
		if (first_child(n)) {
			n = first_child(n);
			depth++;
			most = max(most, depth);
			continue;
		}
		while (n != top && list_is_last(&n->sibling, &n->parent->children)) {
			n = n->parent;
			depth--;
		}
		if (n == top)
			return most;
		n = list_next_entry(n, sibling);
	}
}

/**
 * kh2e_tree_depend() - a node comes to depend on another
 * @t: the tree
 * @n: the node
 * @parent: the other, not @n
 * @weight: 1 to 256
 * @exclusive: what depended on @parent depends on @n then
 *
 * If @parent depends on @n it takes the place of @n first (RFC 7540 5.3.3), so
 * no loop can come of it. Where the tree would become too deep @n depends on
 * one further up instead, and is not exclusive.
 *
 * Return: how many other nodes had to move for it.
 */
u32 kh2e_tree_depend(struct kh2e_tree *t, struct kh2e_node *n, struct kh2e_node *parent,
		     u16 weight, bool exclusive)
{
	u32 height, moved = 0;

	if (is_below(parent, n)) {
		struct kh2e_node *above = n->parent;

		unlink_node(parent);
		link_below(above, parent, parent->weight);
		moved++;
	}
	unlink_node(n);
	height = height_of(n);
	if (exclusive && depth_of(parent) + max(height, height_of(parent)) > KH2E_TREE_DEPTH)
		exclusive = false;
	while (depth_of(parent) + height > KH2E_TREE_DEPTH)
		parent = parent->parent;
	if (exclusive)
		moved += move_children(n, parent);
	link_below(parent, n, weight);
	return moved;
}

/**
 * kh2e_tree_ready() - a stream has something to send, or has not any more
 * @n: its node
 * @ready: which
 */
void kh2e_tree_ready(struct kh2e_node *n, bool ready)
{
	n->ready = ready;
	if (ready)
		raise(n);
	else
		lower(n);
}

/**
 * kh2e_tree_pick() - whose turn it is
 * @t: the tree
 *
 * Return: the node of a stream, or NULL.
 */
struct kh2e_node *kh2e_tree_pick(const struct kh2e_tree *t)
{
	const struct kh2e_node *n = &t->root;

	while (n->turns.first) {
		n = container_of(n->turns.first, struct kh2e_node, turn);
		if (n->ready)
			return (struct kh2e_node *)n;
	}
	return NULL;
}

/**
 * kh2e_tree_served() - a stream has sent
 * @n: its node, ready
 * @octets: how many, at most 2^24
 */
void kh2e_tree_served(struct kh2e_node *n, u32 octets)
{
	for (; n->parent; n = n->parent) {
		struct kh2e_node *parent = n->parent;

		kh2e_heap_remove(&parent->turns, &n->turn);
		parent->now = max(parent->now, n->turn.key);
		n->turn.key += div_u64((u64)octets * KH2E_WEIGHT_MAX, n->weight);
		kh2e_heap_insert(&parent->turns, &n->turn);
	}
}
