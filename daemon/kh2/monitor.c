// SPDX-License-Identifier: GPL-2.0 OR MIT
/* kh2 monitor: a line for each session that begins or ends. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "fields.h"
#include "json.h"
#include "names.h"
#include "nl.h"

/* A newer module may have a reason that we know by its number alone. */
static const char *reason_name(uint32_t id)
{
	static char number[24];
	const char *name = counter_name(id);

	if (name)
		return name;
	snprintf(number, sizeof(number), "reason %u", id);
	return number;
}

static const struct field fields[] = {
	{ KH2_A_SESSION_ID,		"id",		FIELD_U32, NULL },
	{ KH2_A_SESSION_CHANNEL_ID,	"channel",	FIELD_U32, NULL },
	{ KH2_A_SESSION_ROLE,		"role",		FIELD_NAME, role_name },
	{ KH2_A_SESSION_LABEL,		"label",	FIELD_STRING, NULL },
	{ KH2_A_SESSION_LOCAL,		"local",	FIELD_ADDRESS, NULL },
	{ KH2_A_SESSION_PEER,		"peer",		FIELD_ADDRESS, NULL },
	{ KH2_A_SESSION_INODE,		"inode",	FIELD_U64, NULL },
	{ KH2_A_SESSION_NETNS,		"netns",	FIELD_U64, NULL },
	{ KH2_A_SESSION_PID,		"pid",		FIELD_U32, NULL },
	{ KH2_A_SESSION_UID,		"uid",		FIELD_U32, NULL },
	{ KH2_A_SESSION_COMM,		"comm",		FIELD_STRING, NULL },
	{ KH2_A_SESSION_AGE,		"age",		FIELD_SECONDS, NULL },
	{ KH2_A_SESSION_REASON,		"reason",	FIELD_NAME, reason_name },
	{ KH2_A_SESSION_ERROR,		"error",	FIELD_ERRNO, NULL },
	{ KH2_A_SESSION_COUNTERS,	"counters",	FIELD_COUNTERS, NULL },
	{ 0, NULL, 0, NULL }
};

static const char *now_text(void)
{
	static char text[40];
	struct timespec ts;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &ts);
	localtime_r(&ts.tv_sec, &tm);
	n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, sizeof(text) - n, ".%03ld", ts.tv_nsec / 1000000);
	return text;
}

static void show_end(const struct nlattr **a)
{
	const struct nlattr *why = a[KH2_A_SESSION_REASON];
	const char *reason = why ? reason_name(nl_u32(why)) : NULL;
	int error = (int)nl_u32(a[KH2_A_SESSION_ERROR]);

	printf(" after %.3f s: ", (double)nl_u64(a[KH2_A_SESSION_AGE]) / 1e9);
	if (reason && error)
		printf("%s (%s)", reason, strerror(error));
	else if (error)
		fputs(strerror(error), stdout);
	else
		fputs(reason ? reason : "in order", stdout);
}

static void show_line(const char *event, const struct nlattr **a, bool gone)
{
	printf("%s %s %u %s %s ", now_text(), event, nl_u32(a[KH2_A_SESSION_ID]),
	       role_name(nl_u32(a[KH2_A_SESSION_ROLE])), address_text(a[KH2_A_SESSION_LOCAL]));
	printf("%s pid %u", address_text(a[KH2_A_SESSION_PEER]), nl_u32(a[KH2_A_SESSION_PID]));
	if (gone)
		show_end(a);
	putchar('\n');
	fflush(stdout);
}

static void show(const struct nlmsghdr *msg, uint8_t cmd, void *arg)
{
	const struct nlattr *attrs[KH2_A_SESSION_MAX + 1];
	bool gone = cmd == KH2_CMD_SESSION_GONE_NTF;
	const char *event = gone ? "session-gone" : "session-new";

	(void)arg;
	if (!gone && cmd != KH2_CMD_SESSION_NEW_NTF)
		return;
	nl_parse(msg, attrs, KH2_A_SESSION_MAX);
	if (!cli_json)
		return show_line(event, attrs, gone);
	json_object_begin(NULL);
	json_string("event", event);
	json_string("time", now_text());
	fields_show(fields, attrs);
	json_object_end();
	json_newline();
}

int monitor_main(int argc, char **argv)
{
	struct nl *nl;
	int err;

	if (argc && (!strcmp(argv[0], "--help") || !strcmp(argv[0], "help"))) {
		fputs("usage: kh2 monitor\n\n"
		      "One line for each session that begins or ends, until interrupted;\n"
		      "with --json one object a line.\n", stdout);
		return CLI_OK;
	}
	no_more(argc, argv);
	nl = nl_open();
	nl_subscribe(nl);
	fputs("kh2: listening\n", stderr);
	for (;;) {
		err = nl_receive(nl, show, NULL);
		if (err == -ENOBUFS)
			fputs("kh2: events were lost\n", stderr);
		else if (err && err != -EINTR)
			nl_die(nl, "cannot receive events", err);
	}
}
