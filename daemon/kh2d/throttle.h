/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Which lines are written of those that peers cause: so many a second, none twice in a row. */
#ifndef KH2D_THROTTLE_H
#define KH2D_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

#define THROTTLE_LINES		10	/* a second */

/**
 * struct throttle - what was let through lately; all zero at first
 * @since_ns: when the second began, with the first line let through in it
 * @passed: lines let through in it
 * @left_out: lines left out in it
 * @last: line let through last
 */
struct throttle {
	uint64_t since_ns;
	unsigned int passed;
	unsigned int left_out;
	char last[512];
};

/*
 * Whether @line is to be written at @now_ns. Within a second, lines over
 * THROTTLE_LINES are left out, and those like the one before. @left_out becomes
 * how many were since the last second began, which is to be told first; 0 if not
 * yet.
 */
bool throttle_pass(struct throttle *t, const char *line, uint64_t now_ns, unsigned int *left_out);

#endif /* KH2D_THROTTLE_H */
