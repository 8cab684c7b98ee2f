// SPDX-License-Identifier: GPL-2.0 OR MIT
/* kh2 stats: counters of the network namespace, over live and dead sessions. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "fields.h"
#include "json.h"
#include "nl.h"

static const struct field fields[] = {
	{ KH2_A_STATS_SESSIONS,		"sessions",		FIELD_U32, NULL },
	{ KH2_A_STATS_SESSIONS_TOTAL,	"sessions_total",	FIELD_U64, NULL },
	{ KH2_A_STATS_CHANNELS,		"channels",		FIELD_U32, NULL },
	{ KH2_A_STATS_CHANNELS_TOTAL,	"channels_total",	FIELD_U64, NULL },
	{ KH2_A_STATS_MEMORY,		"memory",		FIELD_U64, NULL },
	{ 0, NULL, 0, NULL }
};

static void show(const struct nlmsghdr *msg, uint8_t cmd, void *arg)
{
	const struct nlattr *attrs[KH2_A_STATS_MAX + 1];
	const bool *nonzero = arg;

	(void)cmd;
	nl_parse(msg, attrs, KH2_A_STATS_MAX);
	if (cli_json)
		json_object_begin(NULL);
	fields_show(fields, attrs);
	if (attrs[KH2_A_STATS_COUNTERS]) {
		members_begin("counters");
		counters_show(attrs[KH2_A_STATS_COUNTERS], !*nonzero);
		members_end();
	}
	if (cli_json) {
		json_object_end();
		json_newline();
	}
}

int stats_main(int argc, char **argv)
{
	bool nonzero = false;
	struct nl *nl;

	if (argc && (!strcmp(argv[0], "--help") || !strcmp(argv[0], "help"))) {
		fputs("usage: kh2 stats [--nonzero]\n\n"
		      "Counters over all sessions of the network namespace, those that have\n"
		      "ended included. They are explained in the header linux/kh2_counters.h and\n"
		      "in Documentation/counters.rst of the sources, which is not installed.\n",
		      stdout);
		return CLI_OK;
	}
	if (argc && !strcmp(argv[0], "--nonzero")) {
		nonzero = true;
		argc--;
		argv++;
	}
	no_more(argc, argv);
	nl = nl_open();
	nl_do(nl, nl_request(nl, KH2_CMD_STATS_GET, false), show, &nonzero,
	      "cannot read the counters");
	nl_close(nl);
	return CLI_OK;
}
