/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What tests of the order of DATA have in common. */
#ifndef KH2_UNIT_SCHED_H
#define KH2_UNIT_SCHED_H

#include "core.h"
#include "home.h"

#define KIB(n) ((u64)(n) << 10)

/* A server with windows that never shut */
struct home *wide(void);
/* A request, its priority if @weight says so, and the head of its answer */
void ask(struct home *h, u32 id, u32 parent, u32 weight, bool exclusive);
void prioritize(struct home *h, u32 id, u32 parent, u32 weight, bool exclusive);
void update(struct home *h, u32 id, const char *value);
/* What the owner read in a request's field */
void field(struct home *h, u32 id, u32 urgency, bool incremental);
void override(struct home *h, u32 id, u32 urgency, bool incremental);
int depend(struct home *h, u32 id, u32 parent, u32 weight, bool exclusive, u8 flags);
void check_place(struct home *h, u32 id, u32 parent, u32 weight);
/* Sends @max octets and adds what came of each stream's DATA to @got. */
void take(struct home *h, u64 max, u64 *got, u32 n);
void sends(struct home *h, u32 id, u64 len);
/* Sends all, and holds the order of the streams' last frames against @order, 0 ends it. */
void check_ends(struct home *h, const u32 *order);

#define ENDS(h, ...) check_ends(h, (const u32[]){ __VA_ARGS__, 0 })

#endif
