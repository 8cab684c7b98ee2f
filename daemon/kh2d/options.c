// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Reads the command line and refuses what makes no sense, in one line each. */
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "file_cache.h"
#include "message.h"
#include "options.h"

enum {
	OPT_LISTEN = 256, OPT_CERT, OPT_KEY, OPT_ROOT, OPT_APP, OPT_APP_ARG, OPT_ALLOW_HTTP1,
	OPT_WORKERS, OPT_BACKEND, OPT_ACCESS_LOG, OPT_USER, OPT_LIMIT, OPT_PADDING,
	OPT_SESSION_TIMEOUT, OPT_STOP_TIMEOUT, OPT_HEADER, OPT_HEADER_FIELDS, OPT_FILE_CACHE,
	OPT_LOG_LEVEL, OPT_HELP, OPT_VERSION,
};

static const struct option longopts[] = {
	{ "listen",		required_argument, NULL, OPT_LISTEN },
	{ "cert",		required_argument, NULL, OPT_CERT },
	{ "key",		required_argument, NULL, OPT_KEY },
	{ "root",		required_argument, NULL, OPT_ROOT },
	{ "app",		required_argument, NULL, OPT_APP },
	{ "app-arg",		required_argument, NULL, OPT_APP_ARG },
	{ "allow-http1",	no_argument,	   NULL, OPT_ALLOW_HTTP1 },
	{ "workers",		required_argument, NULL, OPT_WORKERS },
	{ "backend",		required_argument, NULL, OPT_BACKEND },
	{ "access-log",		required_argument, NULL, OPT_ACCESS_LOG },
	{ "user",		required_argument, NULL, OPT_USER },
	{ "limit",		required_argument, NULL, OPT_LIMIT },
	{ "padding",		required_argument, NULL, OPT_PADDING },
	{ "session-timeout",	required_argument, NULL, OPT_SESSION_TIMEOUT },
	{ "stop-timeout",	required_argument, NULL, OPT_STOP_TIMEOUT },
	{ "header",		required_argument, NULL, OPT_HEADER },
	{ "header-fields",	required_argument, NULL, OPT_HEADER_FIELDS },
	{ "file-cache",		required_argument, NULL, OPT_FILE_CACHE },
	{ "log-level",		required_argument, NULL, OPT_LOG_LEVEL },
	{ "help",		no_argument,	   NULL, OPT_HELP },
	{ "version",		no_argument,	   NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 }
};

static const char help[] =
	"usage: kh2d serve --listen ADDR:PORT [--cert FILE [--key FILE]] {--root DIR | --app FILE.so}\n"
	"\n"
	"  --listen ADDR:PORT     where to listen; [v6]:PORT, or :PORT for all addresses; repeatable\n"
	"  --cert FILE            certificate and chain, PEM; without it cleartext HTTP/2\n"
	"  --key FILE             private key, PEM; by default in the certificate's file\n"
	"  --root DIR             serve the files below DIR\n"
	"  --app FILE.so[:ARGS]   serve an application; --app-arg ARGS says the same\n"
	"  --backend WHICH        auto (default), kernel or user\n"
	"  --workers N            threads; default: processors\n"
	"  --access-log FILE      one line a request of --root; - is stdout\n"
	"  --header NAME:VALUE    field for every response of --root; repeatable\n"
	"  --file-cache N         open files of --root that a thread keeps; default 256; 0: none\n"
	"  --user NAME            become this user; default when root: nobody\n"
	"  --limit NAME=VALUE     limit of a session; repeatable; --limit help lists them\n"
	"  --header-fields N      most fields of a request; default 128\n"
	"  --padding HOW          none (default), max or aligned\n"
	"  --session-timeout MS   end sessions without activity; default 0: never\n"
	"  --stop-timeout MS      longest graceful stop; default 10000\n"
	"  --log-level LEVEL      err, warning, info (default) or debug\n"
	"  --help, --version\n"
	"\n"
	"SIGHUP reads certificate and key again and reopens the log; SIGTERM stops gracefully.\n";

static uint32_t parse_number(const char *option, const char *text, uint32_t min, uint32_t max)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text < '0' || *text > '9' || value < min ||
	    value > max)
		die(KH2D_USAGE, "--%s: '%s' is not a number from %u to %u", option, text, min, max);
	return (uint32_t)value;
}

/* Index of a word in a list that ends with NULL. */
static uint32_t parse_word(const char *option, const char *text, const char *const *words)
{
	char list[128] = "";
	size_t len = 0;

	for (uint32_t i = 0; words[i]; i++) {
		if (!strcmp(words[i], text))
			return i;
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", i ? ", " : "",
					words[i]);
	}
	die(KH2D_USAGE, "--%s: '%s' is none of %s", option, text, list);
}

static void parse_listen(struct options *o, char *text)
{
	const char *colon = strrchr(text, ':');
	struct listen_addr *l;
	size_t len;

	if (o->n_listen == MAX_LISTEN)
		die(KH2D_USAGE, "--listen: more than %d", MAX_LISTEN);
	l = &o->listen[o->n_listen];
	if (!colon)
		die(KH2D_USAGE, "--listen: '%s' is not ADDR:PORT", text);
	l->text = text;
	l->port = (uint16_t)parse_number("listen", colon + 1, 0, 65535);
	len = (size_t)(colon - text);
	if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	} else if (memchr(text, ':', len)) {
		die(KH2D_USAGE, "--listen: '%s': an IPv6 address is written [ADDR]:PORT", text);
	}
	l->host = NULL;
	if (len) {
		l->host = strndup(text, len);
		if (!l->host)
			die(KH2D_FAILURE, "out of memory");
	}
	o->n_listen++;
}

#define LIMIT_ROW(NAME, name, def, min, max, meaning) { #name, def, min, max, meaning },
static const struct {
	const char *name;
	uint32_t def, min, max;
	const char *meaning;
} limits[] = { KH2_LIMITS(LIMIT_ROW) };

static void list_limits(void)
{
	for (size_t i = 0; i < __KH2_L_END; i++)
		printf("%-24s %10u  %u..%u\n%24s   %s\n", limits[i].name, limits[i].def,
		       limits[i].min, limits[i].max, "", limits[i].meaning);
	exit(KH2D_OK);
}

static void parse_limit(struct options *o, const char *text)
{
	const char *sign = strchr(text, '=');
	size_t at, len;

	if (!strcmp(text, "help"))
		list_limits();
	if (!sign)
		die(KH2D_USAGE, "--limit: '%s' is not NAME=VALUE", text);
	len = (size_t)(sign - text);
	for (uint32_t i = 0; i < __KH2_L_END; i++) {
		if (strlen(limits[i].name) != len || memcmp(limits[i].name, text, len))
			continue;
		for (at = 0; at < o->n_limits && o->limits[at].id != i; at++)
			;
		if (at == o->n_limits)
			o->n_limits++;
		o->limits[at].id = i;
		o->limits[at].value = parse_number("limit", sign + 1, limits[i].min,
						   limits[i].max);
		return;
	}
	die(KH2D_USAGE, "--limit: there is no '%.*s'; --limit help lists them", (int)len, text);
}

/* Fields that the static application says itself */
static bool is_own_field(const char *name)
{
	static const char * const own[] = {
		"accept-ranges", "allow", "content-length", "content-range", "content-type",
		"date", "etag", "last-modified", "location",
	};

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (!strcasecmp(name, own[i]))
			return true;
	return *name == ':';
}

static void parse_header(struct options *o, char *text)
{
	char *colon = strchr(text, ':');
	char *value;
	int err;

	if (!colon || colon == text)
		die(KH2D_USAGE, "--header: '%s' is not NAME:VALUE", text);
	*colon = '\0';
	if (is_own_field(text))
		die(KH2D_USAGE, "--header: '%s' is said by kh2d itself", text);
	value = colon + 1 + strspn(colon + 1, " \t");
	err = kh2_headers_add(o->headers, text, value);
	if (err)
		die(KH2D_USAGE, "--header: '%s': %s", text, kh2_strerror(err));
}

static uint32_t processors(void)
{
	cpu_set_t set;
	int n = 1;

	if (!sched_getaffinity(0, sizeof(set), &set))
		n = CPU_COUNT(&set);
	return n > MAX_WORKERS ? MAX_WORKERS : (uint32_t)n;
}

static void parse_log_level(struct options *o, const char *text)
{
	static const char *const words[] = { "err", "warning", "info", "debug", NULL };
	static const int levels[] = { KH2_LOG_ERR, KH2_LOG_WARNING, KH2_LOG_INFO, KH2_LOG_DEBUG };

	o->log_level = levels[parse_word("log-level", text, words)];
}

static void parse_option(struct options *o, int opt, char *arg)
{
	static const char *const backends[] = { "auto", "kernel", "user", NULL };
	static const char *const paddings[] = { "none", "max", "aligned", NULL };

	switch (opt) {
	case OPT_LISTEN:
		return parse_listen(o, arg);
	case OPT_CERT:
		o->cert = arg;
		return;
	case OPT_KEY:
		o->key = arg;
		return;
	case OPT_ROOT:
		o->root = arg;
		return;
	case OPT_APP:
		o->app = arg;
		return;
	case OPT_APP_ARG:
		o->app_args = arg;
		return;
	case OPT_ALLOW_HTTP1:
		die(KH2D_USAGE, "--allow-http1: this version serves HTTP/2 only");
	case OPT_WORKERS:
		o->workers = parse_number("workers", arg, 1, MAX_WORKERS);
		return;
	case OPT_BACKEND:
		o->backend = parse_word("backend", arg, backends);
		return;
	case OPT_ACCESS_LOG:
		o->access_log = arg;
		return;
	case OPT_USER:
		o->user = arg;
		return;
	case OPT_LIMIT:
		return parse_limit(o, arg);
	case OPT_PADDING:
		o->padding = parse_word("padding", arg, paddings);
		return;
	case OPT_SESSION_TIMEOUT:
		o->session_timeout_ms = parse_number("session-timeout", arg, 0, 86400000);
		return;
	case OPT_STOP_TIMEOUT:
		o->stop_timeout_ms = parse_number("stop-timeout", arg, 0, 86400000);
		return;
	case OPT_HEADER:
		return parse_header(o, arg);
	case OPT_HEADER_FIELDS:
		o->header_fields = parse_number("header-fields", arg, 4, 65535);
		return;
	case OPT_FILE_CACHE:
		o->file_cache = parse_number("file-cache", arg, 0, FILE_CACHE_MAX);
		return;
	case OPT_LOG_LEVEL:
		return parse_log_level(o, arg);
	}
}

/* ARGS behind FILE.so and a colon, as kh2_app.h says. */
static void split_app(struct options *o)
{
	char *colon = o->app ? strchr(o->app, ':') : NULL;

	if (colon && o->app_args)
		die(KH2D_USAGE, "--app-arg: --app has arguments already");
	if (colon) {
		*colon = '\0';
		o->app_args = colon + 1;
	}
	if (o->app_args && !o->app)
		die(KH2D_USAGE, "--app-arg: there is no --app");
	if (!o->app_args)
		o->app_args = "";
}

static void check_together(struct options *o)
{
	if (!o->n_listen)
		die(KH2D_USAGE, "--listen ADDR:PORT is needed; kh2d --help tells more");
	if (!o->root == !o->app)
		die(KH2D_USAGE, "one of --root DIR and --app FILE.so is needed");
	if (o->key && !o->cert)
		die(KH2D_USAGE, "--key: there is no --cert");
	if (o->access_log && o->app)
		die(KH2D_USAGE, "--access-log: an application keeps its own log");
}

void options_parse(struct options *o, int argc, char **argv)
{
	int opt;

	memset(o, 0, sizeof(*o));
	o->workers = processors();
	o->stop_timeout_ms = 10000;
	o->file_cache = FILE_CACHE_DEFAULT;
	o->log_level = KH2_LOG_INFO;
	if (kh2_headers_new(&o->headers))
		die(KH2D_FAILURE, "out of memory");

	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":", longopts, NULL)) != -1) {
		switch (opt) {
		case OPT_HELP:
			fputs(help, stdout);
			exit(KH2D_OK);
		case OPT_VERSION:
			printf("kh2d %s\n", kh2_version());
			exit(KH2D_OK);
		case ':':
			die(KH2D_USAGE, "%s: needs a value", argv[optind - 1]);
		case '?':
			die(KH2D_USAGE, "%s: no such option; kh2d --help lists them",
			    argv[optind - 1]);
		default:
			parse_option(o, opt, optarg);
		}
	}
	if (optind == argc)
		die(KH2D_USAGE, "a command is needed: kh2d serve; kh2d --help tells more");
	if (strcmp(argv[optind], "serve"))
		die(KH2D_USAGE, "'%s': no such command; kh2d --help tells more", argv[optind]);
	if (optind + 1 < argc)
		die(KH2D_USAGE, "'%s': not an option", argv[optind + 1]);
	split_app(o);
	check_together(o);
}
