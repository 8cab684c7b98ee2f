// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Limits: the defaults and ranges of uapi/linux/kh2_limits.h. */
#include "engine.h"

struct limit_range {
	u32 def;
	u32 min;
	u32 max;
};

#define LIMIT_RANGE(NAME, name, def_, min_, max_, meaning) \
	[KH2_L_##NAME] = { .def = (def_), .min = (min_), .max = (max_) },
static const struct limit_range limit_ranges[__KH2_L_END] = { KH2_LIMITS(LIMIT_RANGE) };

/**
 * kh2e_limits_default() - the defaults of uapi/linux/kh2_limits.h
 * @limits: filled, by enum kh2_limit
 */
void kh2e_limits_default(u32 limits[__KH2_L_END])
{
	for (int i = 0; i < __KH2_L_END; i++)
		limits[i] = limit_ranges[i].def;
}

/**
 * kh2e_limits_check() - hold limits against their ranges
 * @limits: by enum kh2_limit
 * @bad: set to the first that is out of range; may be NULL
 *
 * Return: 0 or -ERANGE.
 */
int kh2e_limits_check(const u32 limits[__KH2_L_END], u32 *bad)
{
	for (u32 i = 0; i < __KH2_L_END; i++) {
		if (limits[i] >= limit_ranges[i].min && limits[i] <= limit_ranges[i].max)
			continue;
		if (bad)
			*bad = i;
		return -ERANGE;
	}
	return 0;
}
