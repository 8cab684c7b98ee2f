// SPDX-License-Identifier: GPL-2.0 OR MIT
/* kh2 session: lists, shows and ends HTTP/2 connections. */
#include <stdio.h>
#include <string.h>
#include <kh2.h>

#include "cli.h"
#include "fields.h"
#include "names.h"
#include "nl.h"
#include "object.h"

static const struct field fields[] = {
	{ KH2_A_SESSION_ID,		 "id",			 FIELD_U32, NULL },
	{ KH2_A_SESSION_CHANNEL_ID,	 "channel",		 FIELD_U32, NULL },
	{ KH2_A_SESSION_ROLE,		 "role",		 FIELD_NAME, role_name },
	{ KH2_A_SESSION_PHASE,		 "state",		 FIELD_NAME, phase_name },
	{ KH2_A_SESSION_LABEL,		 "label",		 FIELD_STRING, NULL },
	{ KH2_A_SESSION_LOCAL,		 "local",		 FIELD_ADDRESS, NULL },
	{ KH2_A_SESSION_PEER,		 "peer",		 FIELD_ADDRESS, NULL },
	{ KH2_A_SESSION_TLS_VERSION,	 "tls",			 FIELD_NAME, tls_version_name },
	{ KH2_A_SESSION_TLS_CIPHER,	 "cipher",		 FIELD_NAME, tls_cipher_name },
	{ KH2_A_SESSION_PADDING,	 "padding",		 FIELD_NAME, padding_name },
	{ KH2_A_SESSION_PID,		 "pid",			 FIELD_U32, NULL },
	{ KH2_A_SESSION_UID,		 "uid",			 FIELD_U32, NULL },
	{ KH2_A_SESSION_COMM,		 "comm",		 FIELD_STRING, NULL },
	{ KH2_A_SESSION_INODE,		 "inode",		 FIELD_U64, NULL },
	{ KH2_A_SESSION_NETNS,		 "netns",		 FIELD_U64, NULL },
	{ KH2_A_SESSION_AGE,		 "age",			 FIELD_SECONDS, NULL },
	{ KH2_A_SESSION_RTT,		 "rtt",			 FIELD_SECONDS, NULL },
	{ KH2_A_SESSION_STREAMS,	 "streams",		 FIELD_U32, NULL },
	{ KH2_A_SESSION_STREAMS_PEER,	 "streams_peer",	 FIELD_U32, NULL },
	{ KH2_A_SESSION_NEXT_STREAM_ID,	 "next_stream_id",	 FIELD_U32, NULL },
	{ KH2_A_SESSION_LAST_PROC_ID,	 "last_proc_id",	 FIELD_U32, NULL },
	{ KH2_A_SESSION_LOCAL_WINDOW,	 "local_window",	 FIELD_S32, NULL },
	{ KH2_A_SESSION_LOCAL_WINDOW_MAX, "local_window_max",	 FIELD_S32, NULL },
	{ KH2_A_SESSION_RECV_UNACKED,	 "recv_unacked",	 FIELD_U32, NULL },
	{ KH2_A_SESSION_REMOTE_WINDOW,	 "remote_window",	 FIELD_S32, NULL },
	{ KH2_A_SESSION_OUT_FRAMES,	 "out_frames",		 FIELD_U32, NULL },
	{ KH2_A_SESSION_SETTINGS_PENDING, "settings_pending",	 FIELD_U32, NULL },
	{ KH2_A_SESSION_MEMORY,		 "memory",		 FIELD_U64, NULL },
	{ KH2_A_SESSION_LOCAL_SETTINGS,	 "local_settings",	 FIELD_VALUES, NULL },
	{ KH2_A_SESSION_REMOTE_SETTINGS, "remote_settings",	 FIELD_VALUES, NULL },
	{ KH2_A_SESSION_LIMITS,		 "limits",		 FIELD_LIMITS, NULL },
	{ KH2_A_SESSION_COUNTERS,	 "counters",		 FIELD_COUNTERS, NULL },
	{ 0, NULL, 0, NULL }
};

static const char *text_of(const struct nlattr *attr)
{
	static char text[32];
	const char *s;
	size_t i, n;

	if (!attr)
		return "-";
	s = mnl_attr_get_payload(attr);
	n = mnl_attr_get_payload_len(attr);
	for (i = 0; i < n && i < sizeof(text) - 1 && s[i]; i++)
		text[i] = (unsigned char)s[i] < 0x20 || (unsigned char)s[i] >= 0x7f ? '?' : s[i];
	text[i] = '\0';
	return i ? text : "-";
}

static void print_row(const struct nlattr **a)
{
	const char *tls = tls_version_name(nl_u32(a[KH2_A_SESSION_TLS_VERSION]));

	printf("%-6u %-6s %-8s %-8s %-26s ", nl_u32(a[KH2_A_SESSION_ID]),
	       role_name(nl_u32(a[KH2_A_SESSION_ROLE])),
	       phase_name(nl_u32(a[KH2_A_SESSION_PHASE])), tls ? tls : "-",
	       address_text(a[KH2_A_SESSION_LOCAL]));
	printf("%-26s %7u %12llu %12llu %6llus %7u ", address_text(a[KH2_A_SESSION_PEER]),
	       nl_u32(a[KH2_A_SESSION_STREAMS]),
	       (unsigned long long)counter_value(a[KH2_A_SESSION_COUNTERS], KH2_C_RX_OCTETS),
	       (unsigned long long)counter_value(a[KH2_A_SESSION_COUNTERS], KH2_C_TX_OCTETS),
	       (unsigned long long)(nl_u64(a[KH2_A_SESSION_AGE]) / 1000000000),
	       nl_u32(a[KH2_A_SESSION_PID]));
	printf("%s\n", text_of(a[KH2_A_SESSION_COMM]));
}

static void print_head(void)
{
	printf("%-6s %-6s %-8s %-8s %-26s %-26s %7s %12s %12s %7s %7s %s\n", "ID", "ROLE", "STATE",
	       "TLS", "LOCAL", "PEER", "STREAMS", "RX", "TX", "AGE", "PID", "COMM");
}

static const struct object sessions = {
	.singular = "session",
	.plural = "sessions",
	.fields = fields,
	.print_head = print_head,
	.print_row = print_row,
};

static int list(int argc, char **argv)
{
	struct nl *nl = nl_open();

	no_more(argc, argv);
	object_list_begin(&sessions);
	object_list_end(nl, &sessions,
			object_list(nl, nl_request(nl, KH2_CMD_SESSION_GET, true), &sessions));
	nl_close(nl);
	return CLI_OK;
}

static const char *need_id(int argc, char **argv)
{
	if (!argc)
		die(CLI_USAGE, "the number of a session is needed; kh2 session list tells them");
	return argv[0];
}

static int show(int argc, char **argv)
{
	uint32_t id = parse_id("session", need_id(argc, argv));
	struct nl *nl = nl_open();
	struct nlmsghdr *msg;

	no_more(argc - 1, argv + 1);
	msg = nl_request(nl, KH2_CMD_SESSION_GET, false);
	mnl_attr_put_u32(msg, KH2_A_SESSION_ID, id);
	object_get(nl, msg, &sessions);
	nl_close(nl);
	return CLI_OK;
}

/* Options of close and goaway. */
struct ending {
	uint32_t code;
	bool has_code;
	bool now;
	uint32_t last_id;
	bool has_last_id;
	const char *debug;
};

static void parse_ending(struct ending *e, int argc, char **argv, bool goaway)
{
	memset(e, 0, sizeof(*e));
	for (int i = 0; i < argc; i++) {
		bool more = i + 1 < argc;

		if (!strcmp(argv[i], "--code") && more) {
			e->code = parse_code(argv[++i]);
			e->has_code = true;
		} else if (!goaway && !strcmp(argv[i], "--now")) {
			e->now = true;
		} else if (goaway && !strcmp(argv[i], "--last-id") && more) {
			e->last_id = parse_id("stream", argv[++i]);
			e->has_last_id = true;
		} else if (goaway && !strcmp(argv[i], "--debug") && more) {
			e->debug = argv[++i];
		} else {
			die(CLI_USAGE, "'%s': not expected here, or without its value; "
			    "--help tells more", argv[i]);
		}
	}
	if (e->debug && strlen(e->debug) > 1024)
		die(CLI_USAGE, "--debug: more than 1024 octets");
}

/* A code says that something is wrong: then nothing is waited for. */
static int close_session(int argc, char **argv)
{
	uint32_t id = parse_id("session", need_id(argc, argv));
	struct nlmsghdr *msg;
	struct ending e;
	struct nl *nl;

	parse_ending(&e, argc - 1, argv + 1, false);
	nl = nl_open();
	msg = nl_request(nl, KH2_CMD_SESSION_CLOSE, false);
	mnl_attr_put_u32(msg, KH2_A_SESSION_ID, id);
	if (e.has_code)
		mnl_attr_put_u32(msg, KH2_A_SESSION_CODE, e.code);
	else if (!e.now)
		mnl_attr_put(msg, KH2_A_SESSION_GRACEFUL, 0, NULL);
	nl_do(nl, msg, NULL, NULL, "cannot close the session");
	nl_close(nl);
	object_done(id, 0, "close");
	return CLI_OK;
}

static int goaway(int argc, char **argv)
{
	uint32_t id = parse_id("session", need_id(argc, argv));
	struct nlmsghdr *msg;
	struct ending e;
	struct nl *nl;

	parse_ending(&e, argc - 1, argv + 1, true);
	nl = nl_open();
	msg = nl_request(nl, KH2_CMD_SESSION_GOAWAY, false);
	mnl_attr_put_u32(msg, KH2_A_SESSION_ID, id);
	mnl_attr_put_u32(msg, KH2_A_SESSION_CODE, e.code);
	if (e.has_last_id)
		mnl_attr_put_u32(msg, KH2_A_SESSION_LAST_ID, e.last_id);
	if (e.debug)
		mnl_attr_put(msg, KH2_A_SESSION_DEBUG, strlen(e.debug), e.debug);
	nl_do(nl, msg, NULL, NULL, "cannot send GOAWAY");
	nl_close(nl);
	object_done(id, 0, "goaway");
	return CLI_OK;
}

static const char help[] =
	"usage: kh2 session [list | show ID | close ID ... | goaway ID ...]\n"
	"\n"
	"  list                                 all sessions of the network namespace\n"
	"  show ID                              all that is known of one\n"
	"  close ID [--now] [--code CODE]       GOAWAY, and end when its streams have\n"
	"                                       ended; with --now or --code at once\n"
	"  goaway ID [--code CODE] [--last-id N] [--debug TEXT]\n"
	"                                       GOAWAY; nothing is closed\n"
	"\n"
	"CODE is a name or number of RFC 9113 7. Sessions of others need CAP_NET_ADMIN.\n";

static const struct command commands[] = {
	{ "list",	list,		help },
	{ "show",	show,		help },
	{ "close",	close_session,	help },
	{ "goaway",	goaway,		help },
	{ NULL, NULL, NULL }
};

int session_main(int argc, char **argv)
{
	return command_run(commands, help, argc, argv);
}
