/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Tests as functions with a name, each in a process of its own, told in KTAP. */
#ifndef KH2_UNIT_TAP_H
#define KH2_UNIT_TAP_H

#include <stdbool.h>
#include <stddef.h>

typedef void (*tap_fn)(const void *arg);

void tap_add(const char *name, tap_fn fn, const void *arg);
int tap_run(int argc, char **argv);

/* Tells why the test fails and ends it (a fuzzer's version aborts). */
void die(const char *file, int line, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 3, 4)));
void diag(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define FAIL(...) die(__FILE__, __LINE__, __VA_ARGS__)
#define CHECK(cond) do { if (!(cond)) FAIL("%s", #cond); } while (0)
#define EQ(got, want) do {							\
	long long _g = (long long)(got), _w = (long long)(want);		\
	if (_g != _w)								\
		FAIL("%s is %lld (0x%llx), not %s, %lld", #got, _g, _g, #want, _w); \
} while (0)

#define TEST(name)								\
	static void name(void);							\
	static void name##_run(const void *arg) { (void)arg; name(); }		\
	__attribute__((constructor)) static void name##_add(void)		\
	{									\
		tap_add(#name, name##_run, NULL);				\
	}									\
	static void name(void)

#endif
