// SPDX-License-Identifier: GPL-2.0 OR MIT
/* kh2: looks at sessions, streams and counters of the module, and acts on them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

static const char help[] =
	"usage: kh2 [-j|--json] COMMAND [ARGS]\n"
	"\n"
	"  session list|show|close|goaway   HTTP/2 connections that the module serves\n"
	"  stream list|show|reset|priority  their streams\n"
	"  stats                            counters over all sessions\n"
	"  monitor                          sessions as they begin and end\n"
	"  version                          versions of all parts\n"
	"\n"
	"kh2 COMMAND --help tells more.\n";

static const struct command commands[] = {
	{ "session",	session_main,	NULL },
	{ "stream",	stream_main,	NULL },
	{ "stats",	stats_main,	NULL },
	{ "monitor",	monitor_main,	NULL },
	{ "version",	version_main,	NULL },
	{ NULL, NULL, NULL }
};

/* -j may stand anywhere, as people write it. */
static int take_json(int argc, char **argv)
{
	int n = 0;

	for (int i = 0; i < argc; i++) {
		if (!strcmp(argv[i], "-j") || !strcmp(argv[i], "--json"))
			cli_json = true;
		else
			argv[n++] = argv[i];
	}
	return n;
}

int main(int argc, char **argv)
{
	int status;

	argc = take_json(argc - 1, argv + 1);
	argv++;
	if (!argc) {
		fputs(help, stderr);
		return CLI_USAGE;
	}
	if (!strcmp(argv[0], "--version"))
		return version_main(0, NULL);
	status = command_run(commands, help, argc, argv);
	if (fflush(stdout) || ferror(stdout))
		die(CLI_FAILURE, "cannot write: %s", strerror(errno));
	return status;
}
