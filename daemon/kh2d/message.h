/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What kh2d tells on stderr, and with which status it exits. */
#ifndef KH2D_MESSAGE_H
#define KH2D_MESSAGE_H

/* Exit statuses, documented in kh2d(8). */
enum kh2d_status {
	KH2D_OK		= 0,
	KH2D_FAILURE	= 1,	/* anything that has no status of its own */
	KH2D_USAGE	= 2,	/* options */
	KH2D_FILE	= 3,	/* a file is missing or unusable */
	KH2D_ADDRESS	= 4,	/* cannot listen there */
	KH2D_MODULE	= 5,	/* --backend kernel without the module */
	KH2D_PERMISSION	= 6,	/* a right is missing */
};

/* One line, prefixed with the program's name, in one write; control octets become '?'. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * As say(), for what peers can cause and all workers meet at the same time: some
 * of it is left out, as throttle.h says, and how much is told with the next line.
 */
void say_sparingly(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* say(), then exit with a status. */
void die(enum kh2d_status status, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), noreturn));

#endif /* KH2D_MESSAGE_H */
