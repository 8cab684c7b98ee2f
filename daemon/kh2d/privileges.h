/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Giving up what is not needed any more. */
#ifndef KH2D_PRIVILEGES_H
#define KH2D_PRIVILEGES_H

#include <stdbool.h>
#include <sys/types.h>

#include "options.h"

/**
 * struct identity - who to become
 * @change: whether to become anyone
 * @name: user's name
 * @uid: user
 * @gid: the user's first group
 */
struct identity {
	bool change;
	const char *name;
	uid_t uid;
	gid_t gid;
};

/* Finds out who --user means: nobody for root that names none. Exits if there is no such user. */
void privileges_find(struct identity *id, const struct options *o);

/* Becomes that user, for good, and sets no_new_privs. Exits if it cannot. */
void privileges_drop(const struct identity *id);

#endif /* KH2D_PRIVILEGES_H */
