/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Priorities: their ranges, and the values of the field `priority` and of PRIORITY_UPDATE. */
#ifndef KH2_ENGINE_PRIORITY_H
#define KH2_ENGINE_PRIORITY_H

#include "compat.h"

#define KH2E_URGENCIES		8
#define KH2E_URGENCY_DEFAULT	3	/* RFC 9218 4.1 */

#define KH2E_WEIGHT_DEFAULT	16	/* RFC 7540 5.3.5 */
#define KH2E_WEIGHT_MAX		256

/**
 * struct kh2e_priority - what a value says
 * @urgency: 0 is first
 * @incremental: shares its turn with others of its urgency
 * @has_urgency: @urgency was named
 * @has_incremental: @incremental was named
 */
struct kh2e_priority {
	u8 urgency;
	bool incremental;
	bool has_urgency;
	bool has_incremental;
};

bool kh2e_priority_parse(const void *value, size_t len, struct kh2e_priority *out);

#endif
