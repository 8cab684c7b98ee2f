// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Showing one session or stream, listing many, and saying that something was done to one. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include "cli.h"
#include "json.h"
#include "object.h"

_Static_assert((int)KH2_A_STREAM_MAX <= (int)KH2_A_SESSION_MAX,
	       "sessions have the most attributes");

static void show(const struct nlmsghdr *msg, const struct object *object, bool row)
{
	const struct nlattr *attrs[KH2_A_SESSION_MAX + 1];

	nl_parse(msg, attrs, KH2_A_SESSION_MAX);
	if (cli_json)
		json_object_begin(NULL);
	else if (row)
		return object->print_row(attrs);
	fields_show(object->fields, attrs);
	if (cli_json)
		json_object_end();
}

static void show_all(const struct nlmsghdr *msg, uint8_t cmd, void *arg)
{
	(void)cmd;
	show(msg, arg, false);
}

static void show_row(const struct nlmsghdr *msg, uint8_t cmd, void *arg)
{
	(void)cmd;
	show(msg, arg, true);
}

void object_get(struct nl *nl, struct nlmsghdr *request, const struct object *object)
{
	char what[64];

	snprintf(what, sizeof(what), "cannot show the %s", object->singular);
	nl_do(nl, request, show_all, (void *)object, what);
	if (cli_json)
		json_newline();
}

void object_list_begin(const struct object *object)
{
	if (cli_json)
		json_array_begin(NULL);
	else
		object->print_head();
}

int object_list(struct nl *nl, struct nlmsghdr *request, const struct object *object)
{
	return nl_talk(nl, request, show_row, (void *)object);
}

void object_list_end(const struct nl *nl, const struct object *object, int err)
{
	char what[64];

	snprintf(what, sizeof(what), "cannot list %s", object->plural);
	if (cli_json) {
		json_array_end();
		json_newline();
	}
	if (err == -EINTR)
		fprintf(stderr, "kh2: %s came or went meanwhile: the list may not be whole\n",
			object->plural);
	else if (err)
		nl_die(nl, what, err);
}

void object_done(uint32_t session, uint32_t stream, const char *what)
{
	if (!cli_json)
		return;
	json_object_begin(NULL);
	json_uint("session", session);
	if (stream)
		json_uint("stream", stream);
	json_string("done", what);
	json_object_end();
	json_newline();
}
