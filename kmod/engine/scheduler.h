/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The scheduler: which stream's DATA goes next. Documentation/scheduling.rst states the rules. */
#ifndef KH2_ENGINE_SCHEDULER_H
#define KH2_ENGINE_SCHEDULER_H

#include "priority.h"
#include "tree.h"

struct kh2e;
struct kh2e_stream;

/* Where a stream stands */
enum kh2e_sched_place {
	KH2E_SCHED_OUT,		/* it has nothing to send */
	KH2E_SCHED_EMPTY,	/* a frame without octets, which no window holds up */
	KH2E_SCHED_TURN,	/* it waits for its turn */
};

/* Who decided between urgencies and the tree: the higher rank, and within one the later word. */
enum kh2e_sched_rank {
	KH2E_RANK_NONE,
	KH2E_RANK_RFC7540,	/* the peer: PRIORITY, HEADERS with a priority */
	KH2E_RANK_RFC9218,	/* the peer: `priority`, PRIORITY_UPDATE, NO_RFC7540_PRIORITIES */
	KH2E_RANK_OWNER,
};

/**
 * struct kh2e_urgency - streams of one urgency that wait for their turn
 * @turns: those that are not incremental have key 0 and go first, by identifier;
 *	of others it is a clock of octets
 * @now: key of the one that was served last: nobody begins before it
 */
struct kh2e_urgency {
	struct kh2e_heap turns;
	u64 now;
};

/**
 * struct kh2e_sched - the order of a connection's streams
 * @rank: enum kh2e_sched_rank
 * @speaks_rfc9218: the peer does
 * @deaf_to_rfc7540: our first SETTINGS say that the peer need not speak it
 * @tree: NULL: by urgency
 * @empty: streams in KH2E_SCHED_EMPTY
 * @urgencies: while there is no tree
 */
struct kh2e_sched {
	u8 rank;
	bool speaks_rfc9218;
	bool deaf_to_rfc7540;
	struct kh2e_tree *tree;
	struct list_head empty;
	struct kh2e_urgency urgencies[KH2E_URGENCIES];
};

void kh2e_sched_init(struct kh2e *e);
void kh2e_sched_exit(struct kh2e *e);
void kh2e_sched_join(struct kh2e *e, struct kh2e_stream *st);
void kh2e_sched_leave(struct kh2e *e, struct kh2e_stream *st);
void kh2e_sched_update(struct kh2e *e, struct kh2e_stream *st);
void kh2e_sched_remove(struct kh2e *e, struct kh2e_stream *st);
bool kh2e_sched_waits(const struct kh2e_stream *st);
bool kh2e_sched_pending(struct kh2e *e);
struct kh2e_stream *kh2e_sched_pick(struct kh2e *e);
void kh2e_sched_served(struct kh2e *e, struct kh2e_stream *st, u32 octets);
bool kh2e_sched_incremental(const struct kh2e *e, const struct kh2e_stream *st);
void kh2e_sched_by_urgency(struct kh2e *e, enum kh2e_sched_rank rank);
bool kh2e_sched_by_tree(struct kh2e *e, enum kh2e_sched_rank rank);
void kh2e_sched_set(struct kh2e *e, struct kh2e_stream *st, u8 urgency, bool incremental);
u32 kh2e_sched_depend(struct kh2e *e, u32 id, const struct kh2e_depend *on);

#endif
