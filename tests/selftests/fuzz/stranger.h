/* SPDX-License-Identifier: GPL-2.0 */
/* Somebody without rights. */
#ifndef FUZZ_STRANGER_H
#define FUZZ_STRANGER_H

#include <sched.h>
#include <stdbool.h>
#include <unistd.h>

#define NOBODY		65534

/* Becomes nobody; in a user and network namespace of its own if @apart */
static inline bool become_stranger(bool apart)
{
	if (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
		return false;
	return !apart || !unshare(CLONE_NEWUSER | CLONE_NEWNET);
}

#endif
