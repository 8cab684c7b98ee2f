// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A JSON emitter that knows whether a comma is due. */
#include <stdio.h>

#include "json.h"

#define MAX_DEPTH	16

static bool has_member[MAX_DEPTH];
static unsigned int depth;

static void put_string(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void member(const char *key)
{
	if (has_member[depth])
		putchar(',');
	has_member[depth] = depth > 0;
	if (key) {
		put_string(key);
		putchar(':');
	}
}

static void begin(const char *key, char c)
{
	member(key);
	putchar(c);
	if (depth < MAX_DEPTH - 1)
		depth++;
	has_member[depth] = false;
}

static void end(char c)
{
	putchar(c);
	if (depth)
		depth--;
}

void json_object_begin(const char *key)
{
	begin(key, '{');
}

void json_object_end(void)
{
	end('}');
}

void json_array_begin(const char *key)
{
	begin(key, '[');
}

void json_array_end(void)
{
	end(']');
}

void json_uint(const char *key, uint64_t value)
{
	member(key);
	printf("%llu", (unsigned long long)value);
}

void json_int(const char *key, int64_t value)
{
	member(key);
	printf("%lld", (long long)value);
}

void json_null(const char *key)
{
	member(key);
	fputs("null", stdout);
}

void json_string(const char *key, const char *value)
{
	member(key);
	put_string(value);
}

void json_newline(void)
{
	putchar('\n');
	fflush(stdout);
}
