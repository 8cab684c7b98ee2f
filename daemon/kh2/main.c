// SPDX-License-Identifier: GPL-2.0 OR MIT
/* kh2: looks at sessions, streams and counters of the module, and acts on them. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <kh2.h>

#include "cli.h"

bool cli_json;

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

void die(enum cli_status status, const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	fputs("kh2: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	exit(status);
}

static bool is_help(const char *word)
{
	return !strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help");
}

int command_run(const struct command *table, const char *usage, int argc, char **argv)
{
	const struct command *c = table;

	if (argc && is_help(argv[0])) {
		fputs(usage, stdout);
		return CLI_OK;
	}
	if (argc) {
		while (c->name && strcmp(c->name, argv[0]))
			c++;
		if (!c->name)
			die(CLI_USAGE, "'%s': no such %s; --help lists them", argv[0],
			    *argv[0] == '-' ? "option" : "command");
		argc--;
		argv++;
	}
	if (c->help && argc && is_help(argv[0])) {
		fputs(c->help, stdout);
		return CLI_OK;
	}
	return c->run(argc, argv);
}

uint32_t parse_id(const char *what, const char *text)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *text < '0' || *text > '9' || *end || !value || value > UINT32_MAX)
		die(CLI_USAGE, "'%s' is no number of a %s", text, what);
	return (uint32_t)value;
}

uint32_t parse_code(const char *text)
{
	uint32_t code;

	if (kh2_code_parse(text, &code))
		die(CLI_USAGE, "'%s' is no HTTP/2 error code", text);
	return code;
}

void no_more(int argc, char **argv)
{
	if (argc)
		die(CLI_USAGE, "'%s': not expected here; --help tells more", argv[0]);
}

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
