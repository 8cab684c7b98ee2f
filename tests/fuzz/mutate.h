/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef KH2_FUZZ_MUTATE_H
#define KH2_FUZZ_MUTATE_H

#include <stddef.h>

/* Octets before those of the peer; 0: the input is not of frames */
extern const size_t fuzz_prefix;

#endif
