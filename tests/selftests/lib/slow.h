/* SPDX-License-Identifier: GPL-2.0 */
/* Time limits of the tests: KH2_SLOW, set by the harness, says how much longer a kernel needs. */
#ifndef KT_SLOW_H
#define KT_SLOW_H

#include <stdlib.h>

#include "kselftest_harness.h"

static inline int kt_slow(void)
{
	const char *factor = getenv("KH2_SLOW");

	return factor && atoi(factor) > 0 ? atoi(factor) : 1;
}

/* Milliseconds after which what is waited for does not come any more. */
#define WAIT (5000 * kt_slow())

static inline void kt_scale_limits(void)
{
	struct __fixture_metadata *f;
	struct __test_metadata *t;

	for (f = __fixture_list; f; f = f->next)
		for (t = f->tests; t; t = t->next)
			t->timeout *= kt_slow();
}

/* TEST_HARNESS_MAIN with the limit of each test multiplied. */
#define KT_HARNESS_MAIN						\
	int main(int argc, char **argv)				\
	{							\
		kt_scale_limits();				\
		exit(test_harness_run(argc, argv));		\
	}

#endif
