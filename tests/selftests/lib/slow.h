/* SPDX-License-Identifier: GPL-2.0 */
/* Time limits of the tests: KH2_SLOW, set by the harness, says how much longer a kernel needs. */
#ifndef KT_SLOW_H
#define KT_SLOW_H

#include <stdlib.h>

static inline int kt_slow(void)
{
	const char *factor = getenv("KH2_SLOW");

	return factor && atoi(factor) > 0 ? atoi(factor) : 1;
}

/* Milliseconds after which what is waited for does not come any more. */
#define WAIT (5000 * kt_slow())

#endif
