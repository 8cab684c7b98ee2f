/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Vectors of tests/vectors (its README tells the format), run against the engine. */
#ifndef KH2_UNIT_VEC_H
#define KH2_UNIT_VEC_H

void vec_add_all(const char *text);

#endif
