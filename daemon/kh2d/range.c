// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Reads a single byte range. */
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "range.h"

/* Decimal number at *s; more than fits counts as the largest. False if there is no digit. */
static bool read_number(const char **s, uint64_t *out)
{
	const char *p = *s;
	uint64_t n = 0;

	if (*p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		uint64_t digit = (uint64_t)(*p - '0');

		n = n > (UINT64_MAX - digit) / 10 ? UINT64_MAX : n * 10 + digit;
	}
	*s = p;
	*out = n;
	return true;
}

/* "-N": the last N octets. */
static enum range_verdict suffix(const char *p, uint64_t size, uint64_t *offset, uint64_t *length)
{
	uint64_t n;

	if (!read_number(&p, &n) || *p)
		return RANGE_WHOLE;
	if (!n || !size)
		return RANGE_UNSATISFIABLE;
	*length = n < size ? n : size;
	*offset = size - *length;
	return RANGE_PART;
}

enum range_verdict range_parse(const char *value, uint64_t size, uint64_t *offset,
			       uint64_t *length)
{
	uint64_t first, last = UINT64_MAX;
	const char *p = value;

	if (!p || strncasecmp(p, "bytes=", 6))
		return RANGE_WHOLE;
	p += 6;
	p += strspn(p, " \t");
	if (*p == '-')
		return suffix(p + 1, size, offset, length);
	if (!read_number(&p, &first) || *p++ != '-')
		return RANGE_WHOLE;
	if (*p && (!read_number(&p, &last) || last < first))
		return RANGE_WHOLE;
	if (*p)
		return RANGE_WHOLE;
	if (first >= size)
		return RANGE_UNSATISFIABLE;
	*offset = first;
	*length = (last < size ? last + 1 : size) - first;
	return RANGE_PART;
}
