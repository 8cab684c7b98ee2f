// SPDX-License-Identifier: GPL-2.0 OR MIT
/* kh2d's command line: one argument a line. What is not refused is within its bounds. */
#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "context.h"
#include "tap.h"
#include "../../daemon/kh2d/file_cache.h"
#include "../../daemon/kh2d/options.h"

#define ARGS_MAX 40

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
void fuzz_exit(int status) __attribute__((noreturn));
void fuzz_refuse(int status, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 2, 3)));

static jmp_buf refused;

/* In place of exit(3), and of kh2d's die() */
void fuzz_exit(int status)
{
	longjmp(refused, 1);
}

void fuzz_refuse(int status, const char *fmt, ...)
{
	char line[4096];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	longjmp(refused, 1);
}

static void check(const struct options *o)
{
	CHECK(o->n_listen >= 1 && o->n_listen <= MAX_LISTEN);
	CHECK(!o->root != !o->app && o->app_args);
	CHECK(o->workers >= 1 && o->workers <= MAX_WORKERS);
	CHECK(o->n_limits <= __KH2_L_END);
	CHECK(o->backend <= KH2_BACKEND_USER && o->padding <= KH2E_PAD_ALIGNED);
	CHECK(o->file_cache <= FILE_CACHE_MAX);
	for (size_t i = 0; i < o->n_limits; i++) {
		u32 limits[__KH2_L_END];

		CHECK(o->limits[i].id < __KH2_L_END);
		kh2e_limits_default(limits);
		limits[o->limits[i].id] = o->limits[i].value;
		EQ(kh2e_limits_check(limits, NULL), 0);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct options o;
	static char text[8192], *argv[ARGS_MAX + 3];
	char *line = text, *end;
	int argc = 1;

	if (!freopen("/dev/null", "w", stdout) || size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	argv[0] = "kh2d";
	for (; argc < ARGS_MAX && *line; line = end) {
		argv[argc++] = line;
		end = line + strcspn(line, "\n");
		if (*end)
			*end++ = '\0';
	}
	argv[argc++] = "serve";
	argv[argc] = NULL;
	optind = 0;
	if (!setjmp(refused)) {
		options_parse(&o, argc, argv);
		check(&o);
	}
	for (size_t i = 0; i < MAX_LISTEN; i++)
		free(o.listen[i].host);
	kh2_headers_free(o.headers);
	memset(&o, 0, sizeof(o));
	return 0;
}
