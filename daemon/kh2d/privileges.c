// SPDX-License-Identifier: GPL-2.0 OR MIT
/* From root to a user without rights, before any octet of a peer is read. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "message.h"
#include "privileges.h"

void privileges_find(struct identity *id, const struct options *o)
{
	const struct passwd *pw;

	memset(id, 0, sizeof(*id));
	if (!o->user && geteuid())
		return;
	id->name = o->user ? o->user : "nobody";
	pw = getpwnam(id->name);
	if (!pw)
		die(KH2D_USAGE, "--user: there is no user '%s'", id->name);
	id->uid = pw->pw_uid;
	id->gid = pw->pw_gid;
	id->change = id->uid != geteuid() || id->gid != getegid();
	if (id->change && geteuid())
		die(KH2D_PERMISSION, "--user %s: only root can become another user", id->name);
}

void privileges_drop(const struct identity *id)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		die(KH2D_PERMISSION, "no_new_privs: %s", strerror(errno));
	if (!id->change)
		return;
	if (setgroups(0, NULL) || setresgid(id->gid, id->gid, id->gid) ||
	    setresuid(id->uid, id->uid, id->uid))
		die(KH2D_PERMISSION, "cannot become user %s: %s", id->name, strerror(errno));
	if (id->uid && !setuid(0))
		die(KH2D_PERMISSION, "user %s can become root again", id->name);
}
