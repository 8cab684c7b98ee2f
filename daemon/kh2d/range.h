/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The Range field, RFC 9110 14. */
#ifndef KH2D_RANGE_H
#define KH2D_RANGE_H

#include <stdint.h>

enum range_verdict {
	RANGE_WHOLE,		/* no range, several, or none that we understand: ignore it */
	RANGE_PART,
	RANGE_UNSATISFIABLE,
};

/**
 * range_parse() - what part of a representation is asked for
 * @value: of the Range field, or NULL
 * @size: octets of the whole
 * @offset: first octet of the part, if there is one
 * @length: its octets, at least one
 *
 * Several ranges are answered with the whole, as RFC 9110 14.2 allows.
 *
 * Return: what to answer with.
 */
enum range_verdict range_parse(const char *value, uint64_t size, uint64_t *offset,
			       uint64_t *length);

#endif /* KH2D_RANGE_H */
