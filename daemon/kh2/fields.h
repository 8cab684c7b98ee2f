/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Members of an object, as lines "name value" or as JSON. */
#ifndef KH2_CLI_FIELDS_H
#define KH2_CLI_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <libmnl/libmnl.h>

enum field_kind {
	FIELD_U32,
	FIELD_S32,
	FIELD_U64,
	FIELD_STRING,
	FIELD_ADDRESS,		/* struct sockaddr_in or sockaddr_in6 */
	FIELD_NAME,		/* u32 with a name */
	FIELD_CODE,		/* HTTP/2 error code */
	FIELD_ERRNO,		/* positive errno */
	FIELD_SECONDS,		/* ns; shown as seconds in text, as "NAME_ns" in JSON */
	FIELD_VALUES,		/* nest of settings */
	FIELD_COUNTERS,		/* array of u64; only those that are not 0 in text */
	FIELD_LIMITS,		/* array of struct kh2_limit_value */
};

/**
 * struct field - how an attribute is shown
 * @attr: its number
 * @name: member's name
 * @kind: how
 * @word: for FIELD_NAME: name of a number
 */
struct field {
	uint16_t attr;
	const char *name;
	enum field_kind kind;
	const char *(*word)(uint32_t value);
};

/* Shows the attributes that are there, one line or member each; a NULL name ends the list. */
void fields_show(const struct field *list, const struct nlattr **attrs);

/* What comes between is members of @name: further in, or an object of JSON. */
void members_begin(const char *name);
void members_end(void);

/* Address as text in a static buffer; "-" if there is none. */
const char *address_text(const struct nlattr *attr);

/* One counter of an array; 0 if it is absent or too short. */
uint64_t counter_value(const struct nlattr *attr, size_t id);

/* All counters of an array as members or lines. @all: those that are 0 too. */
void counters_show(const struct nlattr *attr, bool all);

#endif /* KH2_CLI_FIELDS_H */
