// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The scheduler: which stream's DATA goes next. By urgency (RFC 9218), or by
 * the dependency tree (RFC 7540 5.3); who decides which is in enum kh2e_sched_rank.
 */
#include "core.h"

/* Clocks of incremental streams begin here: 0 is for those that are not. */
#define FIRST_TICK 1

/**
 * kh2e_sched_init() - nothing is to be sent, and nobody has said how
 * @e: the connection
 */
void kh2e_sched_init(struct kh2e *e)
{
	INIT_LIST_HEAD(&e->sched.empty);
	for (int i = 0; i < KH2E_URGENCIES; i++)
		e->sched.urgencies[i].now = FIRST_TICK;
}

static void free_tree(struct kh2e *e)
{
	if (e->sched.tree)
		kh2e_mem_free(e, e->sched.tree, sizeof(*e->sched.tree));
	e->sched.tree = NULL;
}

/**
 * kh2e_sched_exit() - free what the scheduler holds
 * @e: the connection
 */
void kh2e_sched_exit(struct kh2e *e)
{
	free_tree(e);
}

/**
 * kh2e_sched_join() - a stream begins
 * @e: the connection
 * @st: the stream
 */
void kh2e_sched_join(struct kh2e *e, struct kh2e_stream *st)
{
	kh2e_node_init(&st->node, st->id);
	INIT_LIST_HEAD(&st->empty);
	st->urgency = KH2E_URGENCY_DEFAULT;
	if (e->sched.tree)
		kh2e_tree_join(e->sched.tree, &st->node);
}

/**
 * kh2e_sched_leave() - a stream is about to be freed
 * @e: the connection
 * @st: the stream
 */
void kh2e_sched_leave(struct kh2e *e, struct kh2e_stream *st)
{
	kh2e_sched_remove(e, st);
	if (e->sched.tree)
		kh2e_tree_leave(e->sched.tree, &st->node);
}

/**
 * kh2e_sched_incremental() - does a stream share its turn?
 * @e: the connection
 * @st: the stream
 *
 * A client that speaks RFC 9218 and says nothing of a stream means its
 * defaults. One that does not speak it expects HTTP/2 to multiplex.
 *
 * Return: true if so.
 */
bool kh2e_sched_incremental(const struct kh2e *e, const struct kh2e_stream *st)
{
	return st->prioritized ? st->incremental : !e->sched.speaks_rfc9218;
}

static void take_turn(struct kh2e *e, struct kh2e_stream *st)
{
	struct kh2e_urgency *u = &e->sched.urgencies[st->urgency];
	struct kh2e_heap_node *turn = &st->node.turn;

	if (e->sched.tree) {
		kh2e_tree_ready(&st->node, true);
		return;
	}
	turn->key = kh2e_sched_incremental(e, st) ? max(turn->key, u->now) : 0;
	kh2e_heap_insert(&u->turns, turn);
}

static void leave_turn(struct kh2e *e, struct kh2e_stream *st)
{
	if (e->sched.tree)
		kh2e_tree_ready(&st->node, false);
	else
		kh2e_heap_remove(&e->sched.urgencies[st->urgency].turns, &st->node.turn);
}

static void put(struct kh2e *e, struct kh2e_stream *st, enum kh2e_sched_place place)
{
	if (st->place == place)
		return;
	if (st->place == KH2E_SCHED_EMPTY)
		list_del_init(&st->empty);
	else if (st->place == KH2E_SCHED_TURN)
		leave_turn(e, st);
	st->place = place;
	if (place == KH2E_SCHED_EMPTY)
		list_add_tail(&st->empty, &e->sched.empty);
	else if (place == KH2E_SCHED_TURN)
		take_turn(e, st);
}

/**
 * kh2e_sched_remove() - a stream has nothing to send
 * @e: the connection
 * @st: the stream
 */
void kh2e_sched_remove(struct kh2e *e, struct kh2e_stream *st)
{
	put(e, st, KH2E_SCHED_OUT);
}

static enum kh2e_sched_place place_of(const struct kh2e *e, const struct kh2e_stream *st)
{
	u32 limit = min(kh2e_send_data_limit(e), kh2e_send_window_room(&st->send));

	if (!kh2e_stream_allows(st, KH2E_SEND_DATA) || !kh2e_src_ready(st, limit))
		return KH2E_SCHED_OUT;
	return st->queued ? KH2E_SCHED_TURN : KH2E_SCHED_EMPTY;
}

/**
 * kh2e_sched_update() - something changed that decides whether a stream can send
 * @e: the connection
 * @st: the stream
 */
void kh2e_sched_update(struct kh2e *e, struct kh2e_stream *st)
{
	kh2e_src_ask(e, st);
	put(e, st, place_of(e, st));
}

/**
 * kh2e_sched_waits() - does a stream wait for others only?
 * @st: the stream
 *
 * Return: true if it could send were it its turn.
 */
bool kh2e_sched_waits(const struct kh2e_stream *st)
{
	return st->place != KH2E_SCHED_OUT;
}

static struct kh2e_stream *stream_of(const struct kh2e_heap_node *turn)
{
	return container_of(turn, struct kh2e_stream, node.turn);
}

static struct kh2e_stream *pick_turn(const struct kh2e_sched *s)
{
	const struct kh2e_node *n;

	if (s->tree) {
		n = kh2e_tree_pick(s->tree);
		return n ? stream_of(&n->turn) : NULL;
	}
	for (int i = 0; i < KH2E_URGENCIES; i++)
		if (s->urgencies[i].turns.first)
			return stream_of(s->urgencies[i].turns.first);
	return NULL;
}

/**
 * kh2e_sched_pick() - the stream whose turn it is
 * @e: the connection
 *
 * None while SETTINGS of the peer wait for the owner: the windows that we count
 * are as these have it, and the peer may have its own from our acknowledgement on.
 *
 * Return: the stream, or NULL.
 */
struct kh2e_stream *kh2e_sched_pick(struct kh2e *e)
{
	if (e->acks_wanted)
		return NULL;
	if (!list_empty(&e->sched.empty))
		return list_first_entry(&e->sched.empty, struct kh2e_stream, empty);
	return kh2e_send_window_room(&e->send) ? pick_turn(&e->sched) : NULL;
}

/**
 * kh2e_sched_pending() - is there a stream that can send now?
 * @e: the connection
 *
 * Return: true if so.
 */
bool kh2e_sched_pending(struct kh2e *e)
{
	return kh2e_sched_pick(e);
}

/* Its clock goes on, so that others of its urgency have their turn. */
static void count_turn(struct kh2e *e, struct kh2e_stream *st, u32 octets)
{
	struct kh2e_urgency *u = &e->sched.urgencies[st->urgency];
	struct kh2e_heap_node *turn = &st->node.turn;

	if (e->sched.tree) {
		kh2e_tree_served(&st->node, octets);
	} else if (turn->key) {
		kh2e_heap_remove(&u->turns, turn);
		u->now = turn->key;
		turn->key += octets;
		kh2e_heap_insert(&u->turns, turn);
	}
}

/**
 * kh2e_sched_served() - a stream has sent a frame
 * @e: the connection
 * @st: the stream
 * @octets: of it
 */
void kh2e_sched_served(struct kh2e *e, struct kh2e_stream *st, u32 octets)
{
	if (st->place == KH2E_SCHED_TURN)
		count_turn(e, st, octets);
	kh2e_sched_update(e, st);
}

static void pause_turns(struct kh2e *e)
{
	struct kh2e_stream *st;

	for (st = kh2e_stream_walk(e, NULL); st; st = kh2e_stream_walk(e, st))
		if (st->place == KH2E_SCHED_TURN)
			leave_turn(e, st);
}

static void resume_turns(struct kh2e *e)
{
	struct kh2e_stream *st;

	for (st = kh2e_stream_walk(e, NULL); st; st = kh2e_stream_walk(e, st))
		if (st->place == KH2E_SCHED_TURN)
			take_turn(e, st);
}

static void cut_tree(struct kh2e *e)
{
	struct kh2e_stream *st;

	for (st = kh2e_stream_walk(e, NULL); st; st = kh2e_stream_walk(e, st))
		kh2e_node_init(&st->node, st->id);
	free_tree(e);
}

/**
 * kh2e_sched_by_urgency() - somebody speaks of urgencies
 * @e: the connection
 * @rank: who
 *
 * At most once for each rank are all streams put in order anew, but for the
 * owner, whose own affair it is.
 * Who has a higher rank may have decided otherwise.
 */
void kh2e_sched_by_urgency(struct kh2e *e, enum kh2e_sched_rank rank)
{
	bool speaks = e->sched.speaks_rfc9218 || rank == KH2E_RANK_RFC9218;
	bool heeded = rank >= e->sched.rank, cut = heeded && e->sched.tree;

	if (heeded)
		e->sched.rank = rank;
	if (cut || speaks != e->sched.speaks_rfc9218) {
		pause_turns(e);
		e->sched.speaks_rfc9218 = speaks;
		if (cut)
			cut_tree(e);
		resume_turns(e);
	}
}

/**
 * kh2e_sched_by_tree() - somebody speaks of dependencies
 * @e: the connection
 * @rank: who
 *
 * Return: false if somebody of a higher rank has decided otherwise, or for want of memory.
 */
bool kh2e_sched_by_tree(struct kh2e *e, enum kh2e_sched_rank rank)
{
	struct kh2e_stream *st;
	struct kh2e_tree *t;

	if (rank < e->sched.rank || (e->sched.deaf_to_rfc7540 && rank == KH2E_RANK_RFC7540))
		return false;
	t = e->sched.tree;
	if (!t) {
		t = kh2e_alloc(e, sizeof(*t));
		if (!t)
			return false;
		kh2e_tree_init(t);
		pause_turns(e);
		e->sched.tree = t;
		for (st = kh2e_stream_walk(e, NULL); st; st = kh2e_stream_walk(e, st))
			kh2e_tree_join(t, &st->node);
		resume_turns(e);
	}
	e->sched.rank = rank;
	return true;
}

/**
 * kh2e_sched_set() - a stream has this urgency from now on
 * @e: the connection
 * @st: the stream
 * @urgency: 0 to 7
 * @incremental: it shares its turn
 */
void kh2e_sched_set(struct kh2e *e, struct kh2e_stream *st, u8 urgency, bool incremental)
{
	enum kh2e_sched_place place = st->place;

	put(e, st, KH2E_SCHED_OUT);
	/* the clock of another urgency says nothing in this one */
	if (!e->sched.tree && st->urgency != urgency)
		st->node.turn.key = 0;
	st->urgency = urgency;
	st->incremental = incremental;
	st->prioritized = true;
	put(e, st, place);
}

static struct kh2e_node *node_of(struct kh2e *e, u32 id)
{
	struct kh2e_stream *st;

	if (!id)
		return &e->sched.tree->root;
	st = kh2e_stream_find(e, id);
	return st ? &st->node : kh2e_tree_place(e->sched.tree, id);
}

/**
 * kh2e_sched_depend() - a stream depends on another from now on
 * @e: the connection, by tree
 * @id: the stream; if it is idle it becomes a node that others may depend on, if
 *	it is forgotten nothing happens
 * @on: what was said; an unknown parent gives the default priority (RFC 7540
 *	5.3.1)
 *
 * Return: how many other nodes had to move for it.
 */
u32 kh2e_sched_depend(struct kh2e *e, u32 id, const struct kh2e_depend *on)
{
	struct kh2e_node *parent, *n = node_of(e, id);

	if (!n && !kh2e_stream_is_idle(e, id))
		return 0;
	if (!n)
		n = kh2e_tree_group(e->sched.tree, id);
	parent = node_of(e, on->parent);
	if (parent == n)
		return 0;
	if (parent)
		return kh2e_tree_depend(e->sched.tree, n, parent, on->weight, on->exclusive);
	return kh2e_tree_depend(e->sched.tree, n, &e->sched.tree->root, KH2E_WEIGHT_DEFAULT,
				false);
}
