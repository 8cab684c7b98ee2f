/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Budgets: how often a peer may do what costs us more than it. */
#ifndef KH2_ENGINE_BUDGET_H
#define KH2_ENGINE_BUDGET_H

#include "compat.h"

enum kh2e_budget_class {
	KH2E_BUDGET_RESET,
	KH2E_BUDGET_PING,
	KH2E_BUDGET_SETTINGS,
	KH2E_BUDGET_PRIORITY,
	KH2E_BUDGET_EMPTY,
	KH2E_BUDGET_WINDOW,
	KH2E_BUDGET_UNKNOWN,
	__KH2E_BUDGETS,
};

/**
 * struct kh2e_budget - a token bucket
 * @tokens: left
 * @stamp: time up to which the refill was counted, ns
 *
 * Packed, for each connection has several.
 */
struct kh2e_budget {
	u32 tokens;
	u64 stamp;
} __packed __aligned(4);

/**
 * struct kh2e_budget_rule - what a class costs and whom it blames
 * @burst: limit that holds the size of the bucket
 * @rate: limit that holds the refill a second
 * @why: counter of the connection error
 * @cost: part of a turn that it takes, see kh2e_recv_some()
 */
struct kh2e_budget_rule {
	enum kh2_limit burst;
	enum kh2_limit rate;
	enum kh2_counter why;
	u32 cost;
};

/* What a turn may cost. A reset takes half: it was a request for nothing. */
#define KH2E_TURN		32U

extern const struct kh2e_budget_rule kh2e_budget_rules[__KH2E_BUDGETS];

void kh2e_budget_init(struct kh2e_budget *b, u32 burst, u64 now);
bool kh2e_budget_take(struct kh2e_budget *b, u32 burst, u32 rate, u64 now);
void kh2e_budget_earn(struct kh2e_budget *b, u32 burst, u32 n);

#endif
