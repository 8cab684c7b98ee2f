// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Reads the command line and refuses what makes no sense, in one line each. */
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "file_cache.h"
#include "message.h"
#include "options.h"

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
	"  --handshake-timeout MS longest TLS handshake; default 10000\n"
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

/**
 * struct option_rule - an option of the command line
 * @name: what follows the two dashes
 * @parse: reads its value
 * @alone: it has none
 * @at: place of its field in struct options, where @parse is one of those for many
 * @min: least number
 * @max: largest number
 * @words: words that it takes, ending with NULL
 */
struct option_rule {
	const char *name;
	void (*parse)(struct options *o, const struct option_rule *rule, char *arg);
	bool alone;
	size_t at;
	uint32_t min;
	uint32_t max;
	const char *const *words;
};

static void parse_listen(struct options *o, const struct option_rule *rule, char *text)
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
	l->port = (uint16_t)parse_number(rule->name, colon + 1, 0, 65535);
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

static void parse_limit(struct options *o, const struct option_rule *rule, char *text)
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
		o->limits[at].value = parse_number(rule->name, sign + 1, limits[i].min,
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

static void parse_header(struct options *o, const struct option_rule *rule, char *text)
{
	char *colon = strchr(text, ':');
	char *value;
	int err;

	(void)rule;
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

static void put(struct options *o, const struct option_rule *rule, const void *value, size_t n)
{
	memcpy((char *)o + rule->at, value, n);
}

static void take_text(struct options *o, const struct option_rule *rule, char *arg)
{
	put(o, rule, &arg, sizeof(arg));
}

static void take_number(struct options *o, const struct option_rule *rule, char *arg)
{
	uint32_t number = parse_number(rule->name, arg, rule->min, rule->max);

	put(o, rule, &number, sizeof(number));
}

static void take_word(struct options *o, const struct option_rule *rule, char *arg)
{
	uint32_t index = parse_word(rule->name, arg, rule->words);

	put(o, rule, &index, sizeof(index));
}

static void take_log_level(struct options *o, const struct option_rule *rule, char *arg)
{
	static const int levels[] = { KH2_LOG_ERR, KH2_LOG_WARNING, KH2_LOG_INFO, KH2_LOG_DEBUG };

	o->log_level = levels[parse_word(rule->name, arg, rule->words)];
}

static void refuse_http1(struct options *o, const struct option_rule *rule, char *arg)
{
	(void)o;
	(void)arg;
	die(KH2D_USAGE, "--%s: this version serves HTTP/2 only", rule->name);
}

static void tell_help(struct options *o, const struct option_rule *rule, char *arg)
{
	(void)o;
	(void)rule;
	(void)arg;
	fputs(help, stdout);
	exit(KH2D_OK);
}

static void tell_version(struct options *o, const struct option_rule *rule, char *arg)
{
	(void)o;
	(void)rule;
	(void)arg;
	printf("kh2d %s\n", kh2_version());
	exit(KH2D_OK);
}

static const char *const backends[] = { "auto", "kernel", "user", NULL };
static const char *const paddings[] = { "none", "max", "aligned", NULL };
static const char *const log_levels[] = { "err", "warning", "info", "debug", NULL };

#define TEXT(name_, field) \
	{ .name = (name_), .parse = take_text, .at = offsetof(struct options, field) }
#define NUMBER(name_, field, min_, max_) \
	{ .name = (name_), .parse = take_number, .at = offsetof(struct options, field), \
	  .min = (min_), .max = (max_) }
#define WORD(name_, field, words_) \
	{ .name = (name_), .parse = take_word, .at = offsetof(struct options, field), \
	  .words = (words_) }

static const struct option_rule rules[] = {
	{ .name = "listen", .parse = parse_listen },
	TEXT("cert", cert),
	TEXT("key", key),
	TEXT("root", root),
	TEXT("app", app),
	TEXT("app-arg", app_args),
	{ .name = "allow-http1", .parse = refuse_http1, .alone = true },
	NUMBER("workers", workers, 1, MAX_WORKERS),
	WORD("backend", backend, backends),
	TEXT("access-log", access_log),
	TEXT("user", user),
	{ .name = "limit", .parse = parse_limit },
	WORD("padding", padding, paddings),
	NUMBER("handshake-timeout", handshake_timeout_ms, 1, 86400000),
	NUMBER("session-timeout", session_timeout_ms, 0, 86400000),
	NUMBER("stop-timeout", stop_timeout_ms, 0, 86400000),
	{ .name = "header", .parse = parse_header },
	NUMBER("header-fields", header_fields, 4, 65535),
	NUMBER("file-cache", file_cache, 0, FILE_CACHE_MAX),
	{ .name = "log-level", .parse = take_log_level, .words = log_levels },
	{ .name = "help", .parse = tell_help, .alone = true },
	{ .name = "version", .parse = tell_version, .alone = true },
};

#define N_RULES (sizeof(rules) / sizeof(*rules))

/* Values of getopt_long() that are no characters: which rule it is */
#define OPT_FIRST 256

static void fill_longopts(struct option longopts[N_RULES + 1])
{
	memset(longopts, 0, (N_RULES + 1) * sizeof(*longopts));
	for (size_t i = 0; i < N_RULES; i++)
		longopts[i] = (struct option){
			.name = rules[i].name,
			.has_arg = rules[i].alone ? no_argument : required_argument,
			.val = OPT_FIRST + (int)i,
		};
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
	if (o->root && o->app)
		die(KH2D_USAGE, "--root and --app exclude each other");
	if (!o->root && !o->app)
		die(KH2D_USAGE, "one of --root DIR and --app FILE.so is needed");
	if (o->key && !o->cert)
		die(KH2D_USAGE, "--key: there is no --cert");
	if (o->access_log && o->app)
		die(KH2D_USAGE, "--access-log: an application keeps its own log");
}

void options_parse(struct options *o, int argc, char **argv)
{
	struct option longopts[N_RULES + 1];
	int opt;

	memset(o, 0, sizeof(*o));
	o->workers = processors();
	o->stop_timeout_ms = 10000;
	o->file_cache = FILE_CACHE_DEFAULT;
	o->log_level = KH2_LOG_INFO;
	if (kh2_headers_new(&o->headers))
		die(KH2D_FAILURE, "out of memory");

	opterr = 0;
	fill_longopts(longopts);
	while ((opt = getopt_long(argc, argv, ":", longopts, NULL)) != -1) {
		if (opt == ':')
			die(KH2D_USAGE, "%s: needs a value", argv[optind - 1]);
		if (opt == '?')
			die(KH2D_USAGE, "%s: no such option; kh2d --help lists them",
			    argv[optind - 1]);
		rules[opt - OPT_FIRST].parse(o, &rules[opt - OPT_FIRST], optarg);
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
