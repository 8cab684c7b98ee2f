// SPDX-License-Identifier: GPL-2.0 OR MIT
/* What fails ends the process, as fuzzers want it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tap.h"

void diag(const char *fmt, ...)
{
	(void)fmt;
}

void die(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "%s:%d: ", file, line);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	abort();
}
