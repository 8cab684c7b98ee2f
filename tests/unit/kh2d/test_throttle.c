// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The log: which lines are written, which are left out and counted. */
#include <stdio.h>
#include <string.h>

#include "tap.h"
#include "throttle.h"

#define SECOND	1000000000ULL
#define START	(500 * SECOND)

static unsigned int left_out;

/* A line that is unlike all others */
static bool pass_new(struct throttle *t, uint64_t now_ns)
{
	static unsigned int number;
	char line[32];

	snprintf(line, sizeof(line), "line %u", number++);
	return throttle_pass(t, line, now_ns, &left_out);
}

static bool pass(struct throttle *t, const char *line, uint64_t now_ns)
{
	return throttle_pass(t, line, now_ns, &left_out);
}

TEST(repeated_line_is_left_out_for_a_second)
{
	struct throttle t = { 0 };

	CHECK(pass(&t, "same", START));
	CHECK(!pass(&t, "same", START));
	CHECK(!pass(&t, "same", START + SECOND - 1));
	EQ(left_out, 0);
	CHECK(pass(&t, "same", START + SECOND));
	EQ(left_out, 2);
}

TEST(repeated_line_is_written_hours_later)
{
	struct throttle t = { 0 };

	CHECK(pass(&t, "same", START));
	CHECK(pass(&t, "same", START + 3600 * SECOND));
	EQ(left_out, 0);
}

TEST(line_is_written_again_after_another)
{
	struct throttle t = { 0 };

	CHECK(pass(&t, "one", START));
	CHECK(pass(&t, "two", START));
	CHECK(pass(&t, "one", START));
}

TEST(lines_over_the_rate_are_left_out_and_counted)
{
	struct throttle t = { 0 };

	for (int i = 0; i < THROTTLE_LINES; i++)
		CHECK(pass_new(&t, START + (uint64_t)i));
	for (int i = 0; i < 5; i++)
		CHECK(!pass_new(&t, START + SECOND / 2));
	EQ(left_out, 0);
	CHECK(pass_new(&t, START + SECOND));
	EQ(left_out, 5);
	CHECK(pass_new(&t, START + SECOND));
	EQ(left_out, 0);
}

TEST(rate_is_that_of_each_second)
{
	struct throttle t = { 0 };

	for (uint64_t s = 0; s < 3; s++) {
		for (int i = 0; i < THROTTLE_LINES; i++)
			CHECK(pass_new(&t, START + s * SECOND));
		CHECK(!pass_new(&t, START + s * SECOND));
	}
}

TEST(line_that_was_left_out_is_no_repeat_later)
{
	struct throttle t = { 0 };

	for (int i = 0; i < THROTTLE_LINES; i++)
		CHECK(pass_new(&t, START));
	CHECK(!pass(&t, "dropped", START));
	CHECK(pass(&t, "dropped", START + SECOND));
	EQ(left_out, 1);
}

TEST(second_begins_with_a_line_not_with_the_clock)
{
	struct throttle t = { 0 };

	CHECK(pass(&t, "same", START));
	CHECK(pass(&t, "same", START + 3 * SECOND / 2));
	CHECK(!pass(&t, "same", START + 2 * SECOND));
	CHECK(pass(&t, "same", START + 5 * SECOND / 2));
	EQ(left_out, 1);
}

TEST(long_lines_and_empty_ones_are_lines)
{
	struct throttle t = { 0 };
	char line[2000];

	CHECK(pass(&t, "", 0));
	CHECK(!pass(&t, "", 0));
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	CHECK(pass(&t, line, 0));
	CHECK(!pass(&t, line, 0));
}
