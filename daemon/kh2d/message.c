// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Lines on stderr: whole, printable, one write each, so that threads do not mix theirs. */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "message.h"
#include "throttle.h"

static void vsay(const char *fmt, va_list args)
{
	static const char prefix[] = "kh2d: ";
	char line[1024];
	size_t len = sizeof(prefix) - 1, room;
	int n;

	memcpy(line, prefix, len);
	room = sizeof(line) - len - 1;
	n = vsnprintf(line + len, room, fmt, args);
	if (n < 0)
		return;
	if ((size_t)n >= room)
		n = (int)room - 1;
	for (size_t i = len; i < len + (size_t)n; i++)
		if ((unsigned char)line[i] < 0x20 || (unsigned char)line[i] >= 0x7f)
			line[i] = '?';
	len += (size_t)n;
	line[len++] = '\n';
	if (write(STDERR_FILENO, line, len) < 0)
		return;		/* nobody is left to be told */
}

void say(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsay(fmt, args);
	va_end(args);
}

void say_sparingly(const char *fmt, ...)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static struct throttle throttle;
	unsigned int left_out;
	struct timespec now;
	char line[1024];
	va_list args;
	bool pass;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	/* The clock is read under the lock: no line is older than the one before. */
	pthread_mutex_lock(&lock);
	clock_gettime(CLOCK_MONOTONIC, &now);
	pass = throttle_pass(&throttle, line,
			     (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec, &left_out);
	if (left_out)
		say("%u lines like these left out", left_out);
	if (pass)
		say("%s", line);
	pthread_mutex_unlock(&lock);
}

void die(enum kh2d_status status, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsay(fmt, args);
	va_end(args);
	/* Worker threads may run: no handlers of exit(3). */
	_exit(status);
}
