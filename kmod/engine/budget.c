// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Budgets: how often a peer may do what costs us more than it. */
#include "budget.h"

const struct kh2e_budget_rule kh2e_budget_rules[__KH2E_BUDGETS] = {
	[KH2E_BUDGET_RESET]	= { KH2_L_RESET_BURST, KH2_L_RESET_RATE,
				    KH2_C_FLOOD_RESET, KH2E_TURN / 2 },
	[KH2E_BUDGET_PING]	= { KH2_L_PING_BURST, KH2_L_PING_RATE,
				    KH2_C_FLOOD_PING, 2 },
	[KH2E_BUDGET_SETTINGS]	= { KH2_L_SETTINGS_BURST, KH2_L_SETTINGS_RATE,
				    KH2_C_FLOOD_SETTINGS, KH2E_TURN },
	[KH2E_BUDGET_PRIORITY]	= { KH2_L_PRIORITY_BURST, KH2_L_PRIORITY_RATE,
				    KH2_C_FLOOD_PRIORITY, 1 },
	[KH2E_BUDGET_EMPTY]	= { KH2_L_EMPTY_BURST, KH2_L_EMPTY_RATE,
				    KH2_C_FLOOD_EMPTY_DATA, 1 },
	[KH2E_BUDGET_WINDOW]	= { KH2_L_WINDOW_BURST, KH2_L_WINDOW_RATE,
				    KH2_C_FLOOD_WINDOW_UPDATE, 1 },
	[KH2E_BUDGET_UNKNOWN]	= { KH2_L_UNKNOWN_BURST, KH2_L_UNKNOWN_RATE,
				    KH2_C_FLOOD_UNKNOWN, 1 },
};

/**
 * kh2e_budget_init() - begin with a full bucket
 * @b: the bucket
 * @burst: tokens
 * @now: ns
 */
void kh2e_budget_init(struct kh2e_budget *b, u32 burst, u64 now)
{
	b->tokens = burst;
	b->stamp = now;
}

static void budget_refill(struct kh2e_budget *b, u32 burst, u32 rate, u64 now)
{
	u64 step, grown;

	if (!rate)
		return;
	step = div_u64(NSEC_PER_SEC, rate);
	if (now < b->stamp + step)
		return;
	grown = div64_u64(now - b->stamp, step);
	b->stamp += grown * step;
	kh2e_budget_earn(b, burst, (u32)min_t(u64, grown, burst));
}

/**
 * kh2e_budget_take() - take one token
 * @b: the bucket
 * @burst: its size
 * @rate: tokens that grow back a second
 * @now: ns
 *
 * Return: false if there is none left.
 */
bool kh2e_budget_take(struct kh2e_budget *b, u32 burst, u32 rate, u64 now)
{
	budget_refill(b, burst, rate, now);
	if (!b->tokens)
		return false;
	b->tokens--;
	return true;
}

/**
 * kh2e_budget_earn() - tokens for useful work
 * @b: the bucket
 * @burst: its size
 * @n: tokens
 */
void kh2e_budget_earn(struct kh2e_budget *b, u32 burst, u32 n)
{
	b->tokens = (u32)min_t(u64, (u64)b->tokens + n, burst);
}
