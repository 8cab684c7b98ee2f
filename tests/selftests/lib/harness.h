/* SPDX-License-Identifier: GPL-2.0 */
/* kselftest's harness, with the limits of tests as slow.h says. */
#ifndef KT_HARNESS_H
#define KT_HARNESS_H

#include "kselftest_harness.h"
#include "slow.h"

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
