/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What sessions and streams have in common: one is shown, many are listed. */
#ifndef KH2_CLI_OBJECT_H
#define KH2_CLI_OBJECT_H

#include <stdint.h>

#include "fields.h"
#include "nl.h"

/**
 * struct object - how things of a kind are told
 * @singular: what one is called
 * @plural: what many are called
 * @fields: all that may be told of one
 * @print_head: prints the first line of a list
 * @print_row: prints one of them as another
 */
struct object {
	const char *singular;
	const char *plural;
	const struct field *fields;
	void (*print_head)(void);
	void (*print_row)(const struct nlattr **attrs);
};

/* Sends a request for one and shows it; exits as nl_die() does if that fails. */
void object_get(struct nl *nl, struct nlmsghdr *request, const struct object *object);

/* What stands before a list. */
void object_list_begin(const struct object *object);

/* Sends a request for many, each of which becomes a row, or all of it as JSON; as nl_talk(). */
int object_list(struct nl *nl, struct nlmsghdr *request, const struct object *object);

/* What stands behind a list; @err is what object_list() said: exits as nl_die() if it failed. */
void object_list_end(const struct nl *nl, const struct object *object, int err);

/* For JSON: a command was carried out. @stream is 0 if it was the session's. */
void object_done(uint32_t session, uint32_t stream, const char *what);

#endif /* KH2_CLI_OBJECT_H */
