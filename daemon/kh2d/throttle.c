// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Lets lines through, a second at a time. */
#include <stdio.h>
#include <string.h>

#include "throttle.h"

#define SECOND_NS	1000000000U

/* What the last second left is forgotten with it: a line is new again. */
static unsigned int begin_second(struct throttle *t, uint64_t now_ns)
{
	unsigned int left_out = t->left_out;

	*t = (struct throttle){ .since_ns = now_ns };
	return left_out;
}

bool throttle_pass(struct throttle *t, const char *line, uint64_t now_ns, unsigned int *left_out)
{
	*left_out = 0;
	if (!t->passed || now_ns - t->since_ns >= SECOND_NS)
		*left_out = begin_second(t, now_ns);
	if (t->passed == THROTTLE_LINES ||
	    (t->passed && !strncmp(t->last, line, sizeof(t->last) - 1))) {
		t->left_out++;
		return false;
	}
	snprintf(t->last, sizeof(t->last), "%s", line);
	t->passed++;
	return true;
}
