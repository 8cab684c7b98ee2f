/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What the commands of kh2 share: statuses, messages, options, output. */
#ifndef KH2_CLI_H
#define KH2_CLI_H

#include <stdbool.h>
#include <stdint.h>

/* Exit statuses, documented in kh2(8). */
enum cli_status {
	CLI_OK		= 0,
	CLI_FAILURE	= 1,
	CLI_USAGE	= 2,
	CLI_NO_MODULE	= 3,
	CLI_PERMISSION	= 4,
};

/* -j was given: JSON instead of text. */
extern bool cli_json;

/* One line on stderr, then exit. */
void die(enum cli_status status, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), noreturn));

/**
 * struct command - a command, or a group of commands
 * @name: word
 * @run: given the words behind it; returns the exit status
 * @help: usage, its first line being the command's form
 */
struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
};

/*
 * Runs the command of a table (ending with a NULL name) that argv[0] names;
 * NULL: its first. Answers --help and "help" by @help.
 */
int command_run(const struct command *table, const char *help, int argc, char **argv);

/* Number of a session or stream; exits if it is none. @what names it. */
uint32_t parse_id(const char *what, const char *text);

/* An HTTP/2 error code by name or number; exits if it is none. */
uint32_t parse_code(const char *text);

/* Exits with usage words if there are more arguments. */
void no_more(int argc, char **argv);

int session_main(int argc, char **argv);
int stream_main(int argc, char **argv);
int stats_main(int argc, char **argv);
int monitor_main(int argc, char **argv);
int version_main(int argc, char **argv);

#endif /* KH2_CLI_H */
