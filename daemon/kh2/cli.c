// SPDX-License-Identifier: GPL-2.0 OR MIT
/* What the commands of kh2 share: messages, tables of commands, arguments. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <kh2.h>

#include "cli.h"

bool cli_json;

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
