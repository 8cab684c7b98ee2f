// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Runs the tests one by one, each in a child so that a crash is one failure. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#define TIME_LIMIT_S 120

struct test {
	const char *name;
	tap_fn fn;
	const void *arg;
};

static struct test *tests;
static size_t n_tests;

void tap_add(const char *name, tap_fn fn, const void *arg)
{
	tests = realloc(tests, (n_tests + 1) * sizeof(*tests));
	if (!tests)
		abort();
	tests[n_tests++] = (struct test){ name, fn, arg };
}

void diag(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("# ", stdout);
	vprintf(fmt, ap);
	putchar('\n');
	va_end(ap);
}

void die(const char *file, int line, const char *fmt, ...)
{
	const char *base = strrchr(file, '/');
	va_list ap;

	va_start(ap, fmt);
	printf("# %s:%d: ", base ? base + 1 : file, line);
	vprintf(fmt, ap);
	putchar('\n');
	va_end(ap);
	fflush(stdout);
	_exit(1);
}

static bool run_one(const struct test *t, bool fork_it)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork_it ? fork() : 0;
	if (pid < 0)
		return false;
	if (!pid) {
		if (fork_it)
			alarm(TIME_LIMIT_S);
		t->fn(t->arg);
		fflush(stdout);
		if (!fork_it)
			return true;
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		return false;
	if (WIFSIGNALED(status))
		diag("%s: killed by signal %d", t->name, WTERMSIG(status));
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

/* unit [-l] [-1] [PART-OF-A-NAME...]: -l lists, -1 runs in this process, for a debugger */
int tap_run(int argc, char **argv)
{
	size_t n = 0, failed = 0;
	bool list = false, fork_it = true;
	int first = 1;

	for (; first < argc && argv[first][0] == '-'; first++) {
		list |= !strcmp(argv[first], "-l");
		fork_it &= !!strcmp(argv[first], "-1");
	}
	for (size_t i = 0; i < n_tests; i++) {
		bool chosen = first >= argc;

		for (int a = first; a < argc; a++)
			chosen |= !!strstr(tests[i].name, argv[a]);
		if (chosen)
			tests[n++] = tests[i];
	}
	if (list) {
		for (size_t i = 0; i < n; i++)
			puts(tests[i].name);
		return 0;
	}
	printf("KTAP version 1\n1..%zu\n", n);
	for (size_t i = 0; i < n; i++) {
		bool ok = run_one(&tests[i], fork_it);

		failed += !ok;
		printf("%s %zu %s\n", ok ? "ok" : "not ok", i + 1, tests[i].name);
	}
	fflush(stdout);
	return failed ? 1 : 0;
}
