/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Padding strategies for HEADERS and DATA (RFC 9113 6.1, 10.7). */
#ifndef KH2_ENGINE_PADDING_H
#define KH2_ENGINE_PADDING_H

#include "compat.h"

int kh2e_padding(u8 strategy, u32 len, u32 room);

#endif
