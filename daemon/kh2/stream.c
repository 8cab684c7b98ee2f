// SPDX-License-Identifier: GPL-2.0 OR MIT
/* kh2 stream: lists, shows, resets and orders streams. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <kh2.h>

#include "cli.h"
#include "fields.h"
#include "names.h"
#include "nl.h"
#include "object.h"

static const struct field fields[] = {
	{ KH2_A_STREAM_SESSION_ID,	"session",	 FIELD_U32, NULL },
	{ KH2_A_STREAM_ID,		"id",		 FIELD_U32, NULL },
	{ KH2_A_STREAM_STATE,		"state",	 FIELD_NAME, stream_state_name },
	{ KH2_A_STREAM_URGENCY,		"urgency",	 FIELD_U32, NULL },
	{ KH2_A_STREAM_INCREMENTAL,	"incremental",	 FIELD_U32, NULL },
	{ KH2_A_STREAM_WEIGHT,		"weight",	 FIELD_U32, NULL },
	{ KH2_A_STREAM_PARENT,		"parent",	 FIELD_U32, NULL },
	{ KH2_A_STREAM_SUM_DEPENDENCY_WEIGHT, "sum_dependency_weight", FIELD_U32, NULL },
	{ KH2_A_STREAM_LOCAL_WINDOW,	"local_window",	 FIELD_S32, NULL },
	{ KH2_A_STREAM_REMOTE_WINDOW,	"remote_window", FIELD_S32, NULL },
	{ KH2_A_STREAM_QUEUED,		"queued",	 FIELD_U64, NULL },
	{ KH2_A_STREAM_RX_DATA,		"rx_data",	 FIELD_U64, NULL },
	{ KH2_A_STREAM_TX_DATA,		"tx_data",	 FIELD_U64, NULL },
	{ KH2_A_STREAM_CODE,		"code",		 FIELD_CODE, NULL },
	{ 0, NULL, 0, NULL }
};

/* Sessions whose streams are to be listed. */
struct ids {
	uint32_t *ids;
	size_t n;
};

static void print_row(const struct nlattr **a)
{
	char name[24];

	snprintf(name, sizeof(name), "%u/%u", nl_u32(a[KH2_A_STREAM_SESSION_ID]),
		 nl_u32(a[KH2_A_STREAM_ID]));
	printf("%-14s %-19s %u%-7s %12d %12d %12llu %12llu %12llu\n", name,
	       stream_state_name(nl_u32(a[KH2_A_STREAM_STATE])), nl_u32(a[KH2_A_STREAM_URGENCY]),
	       nl_u32(a[KH2_A_STREAM_INCREMENTAL]) ? ",i" : "",
	       (int)nl_u32(a[KH2_A_STREAM_LOCAL_WINDOW]),
	       (int)nl_u32(a[KH2_A_STREAM_REMOTE_WINDOW]),
	       (unsigned long long)nl_u64(a[KH2_A_STREAM_QUEUED]),
	       (unsigned long long)nl_u64(a[KH2_A_STREAM_RX_DATA]),
	       (unsigned long long)nl_u64(a[KH2_A_STREAM_TX_DATA]));
}

static void print_head(void)
{
	printf("%-14s %-19s %-8s %12s %12s %12s %12s %12s\n", "STREAM", "STATE", "PRIORITY",
	       "LOCAL-WIN", "REMOTE-WIN", "QUEUED", "RX", "TX");
}

static const struct object streams = {
	.singular = "stream",
	.plural = "streams",
	.fields = fields,
	.print_head = print_head,
	.print_row = print_row,
};

static void note_session(const struct nlmsghdr *msg, uint8_t cmd, void *arg)
{
	const struct nlattr *attrs[KH2_A_SESSION_MAX + 1];
	struct ids *list = arg;
	uint32_t *more;

	(void)cmd;
	nl_parse(msg, attrs, KH2_A_SESSION_MAX);
	more = realloc(list->ids, (list->n + 1) * sizeof(*more));
	if (!more)
		die(CLI_FAILURE, "out of memory");
	list->ids = more;
	list->ids[list->n++] = nl_u32(attrs[KH2_A_SESSION_ID]);
}

static int dump_session(struct nl *nl, uint32_t session)
{
	struct nlmsghdr *msg = nl_request(nl, KH2_CMD_STREAM_GET, true);

	mnl_attr_put_u32(msg, KH2_A_STREAM_SESSION_ID, session);
	return object_list(nl, msg, &streams);
}

/* All sessions; one that ends meanwhile is no error. */
static int dump_all(struct nl *nl)
{
	struct ids list = { NULL, 0 };
	int err = nl_talk(nl, nl_request(nl, KH2_CMD_SESSION_GET, true), note_session, &list);
	bool interrupted = false;

	for (size_t i = 0; i < list.n && (!err || err == -EINTR); i++) {
		interrupted |= err == -EINTR;
		err = dump_session(nl, list.ids[i]);
		if (err == -ENOENT)
			err = 0;
	}
	free(list.ids);
	return !err && interrupted ? -EINTR : err;
}

static int list(int argc, char **argv)
{
	uint32_t session = argc ? parse_id("session", argv[0]) : 0;
	struct nl *nl;
	int err;

	if (argc)
		no_more(argc - 1, argv + 1);
	nl = nl_open();
	object_list_begin(&streams);
	err = session ? dump_session(nl, session) : dump_all(nl);
	object_list_end(nl, &streams, err);
	nl_close(nl);
	return CLI_OK;
}

/* SESSION/STREAM */
static void parse_stream(int argc, char **argv, uint32_t *session, uint32_t *id)
{
	char *slash;

	if (!argc)
		die(CLI_USAGE, "SESSION/STREAM is needed; kh2 stream list tells them");
	slash = strchr(argv[0], '/');
	if (!slash)
		die(CLI_USAGE, "'%s' is not SESSION/STREAM", argv[0]);
	*slash = '\0';
	*session = parse_id("session", argv[0]);
	*id = parse_id("stream", slash + 1);
}

static int show(int argc, char **argv)
{
	uint32_t session, id;
	struct nlmsghdr *msg;
	struct nl *nl;

	parse_stream(argc, argv, &session, &id);
	no_more(argc - 1, argv + 1);
	nl = nl_open();
	msg = nl_request(nl, KH2_CMD_STREAM_GET, false);
	mnl_attr_put_u32(msg, KH2_A_STREAM_SESSION_ID, session);
	mnl_attr_put_u32(msg, KH2_A_STREAM_ID, id);
	object_get(nl, msg, &streams);
	nl_close(nl);
	return CLI_OK;
}

static int reset(int argc, char **argv)
{
	uint32_t session, id, code = KH2_CANCEL;
	struct nlmsghdr *msg;
	struct nl *nl;

	parse_stream(argc, argv, &session, &id);
	if (argc == 3 && !strcmp(argv[1], "--code"))
		code = parse_code(argv[2]);
	else
		no_more(argc - 1, argv + 1);
	nl = nl_open();
	msg = nl_request(nl, KH2_CMD_STREAM_RESET, false);
	mnl_attr_put_u32(msg, KH2_A_STREAM_SESSION_ID, session);
	mnl_attr_put_u32(msg, KH2_A_STREAM_ID, id);
	mnl_attr_put_u32(msg, KH2_A_STREAM_CODE, code);
	nl_do(nl, msg, NULL, NULL, "cannot reset the stream");
	nl_close(nl);
	object_done(session, id, "reset");
	return CLI_OK;
}

/* What --urgency, --weight and the rest say; what was not said is -1. */
struct priority_args {
	long urgency;
	long weight;
	long parent;
	bool incremental;
	bool exclusive;
};

static long parse_range(const char *option, const char *text, long max)
{
	char *end;
	long v;

	if (!text)
		die(CLI_USAGE, "%s needs a number", option);
	errno = 0;
	v = strtol(text, &end, 10);
	if (errno || *end || end == text || v < 0 || v > max)
		die(CLI_USAGE, "'%s' is no number that %s takes", text, option);
	return v;
}

static void parse_priority(int argc, char **argv, struct priority_args *args)
{
	bool by_urgency, by_tree;

	*args = (struct priority_args){ -1, -1, -1, false, false };
	for (int i = 0; i < argc; i++) {
		const char *next = i + 1 < argc ? argv[i + 1] : NULL;

		if (!strcmp(argv[i], "--incremental"))
			args->incremental = true;
		else if (!strcmp(argv[i], "--exclusive"))
			args->exclusive = true;
		else if (!strcmp(argv[i], "--urgency"))
			args->urgency = parse_range(argv[i++], next, 7);
		else if (!strcmp(argv[i], "--weight"))
			args->weight = parse_range(argv[i++], next, 256);
		else if (!strcmp(argv[i], "--parent"))
			args->parent = parse_range(argv[i++], next, 0x7fffffff);
		else
			no_more(argc - i, argv + i);
	}
	by_urgency = args->urgency >= 0;
	by_tree = args->weight >= 0 || args->parent >= 0 || args->exclusive;
	if (by_urgency == by_tree)
		die(CLI_USAGE, "either --urgency, or --weight and --parent, must be given");
	if (args->incremental && !by_urgency)
		die(CLI_USAGE, "--incremental goes with --urgency");
	if (!args->weight)
		die(CLI_USAGE, "a weight is 1 to 256");
}

static void put_priority(struct nlmsghdr *msg, const struct priority_args *args)
{
	if (args->urgency >= 0) {
		mnl_attr_put_u32(msg, KH2_A_STREAM_URGENCY, (uint32_t)args->urgency);
		mnl_attr_put_u32(msg, KH2_A_STREAM_INCREMENTAL, args->incremental);
		return;
	}
	mnl_attr_put_u32(msg, KH2_A_STREAM_WEIGHT, args->weight < 0 ? 16 : (uint32_t)args->weight);
	mnl_attr_put_u32(msg, KH2_A_STREAM_PARENT, args->parent < 0 ? 0 : (uint32_t)args->parent);
	if (args->exclusive)
		mnl_attr_put(msg, KH2_A_STREAM_EXCLUSIVE, 0, NULL);
}

static int priority(int argc, char **argv)
{
	struct priority_args args;
	uint32_t session, id;
	struct nlmsghdr *msg;
	struct nl *nl;

	parse_stream(argc, argv, &session, &id);
	parse_priority(argc - 1, argv + 1, &args);
	nl = nl_open();
	msg = nl_request(nl, KH2_CMD_STREAM_SET, false);
	mnl_attr_put_u32(msg, KH2_A_STREAM_SESSION_ID, session);
	mnl_attr_put_u32(msg, KH2_A_STREAM_ID, id);
	put_priority(msg, &args);
	nl_do(nl, msg, NULL, NULL, "cannot set the priority");
	nl_close(nl);
	object_done(session, id, "priority");
	return CLI_OK;
}

static const char help[] =
	"usage: kh2 stream [list [SESSION] | show SESSION/STREAM | reset SESSION/STREAM ...\n"
	"                  | priority SESSION/STREAM ...]\n"
	"\n"
	"  list [SESSION]                       streams of a session, or of all\n"
	"  show SESSION/STREAM                  all that is known of one\n"
	"  reset SESSION/STREAM [--code CODE]   RST_STREAM, by default with CANCEL\n"
	"  priority SESSION/STREAM --urgency N [--incremental]\n"
	"  priority SESSION/STREAM [--weight N] [--parent STREAM] [--exclusive]\n"
	"                                       its turn among the others from now on\n"
	"\n"
	"CODE is a name or number of RFC 9113 7. Sessions of others need CAP_NET_ADMIN.\n";

static const struct command commands[] = {
	{ "list",	list,	help },
	{ "show",	show,	help },
	{ "reset",	reset,	help },
	{ "priority",	priority, help },
	{ NULL, NULL, NULL }
};

int stream_main(int argc, char **argv)
{
	return command_run(commands, help, argc, argv);
}
