/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Validators and preconditions, RFC 9110 8.8 and 13. */
#ifndef KH2D_CONDITIONAL_H
#define KH2D_CONDITIONAL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <time.h>
#include <kh2.h>

#define ETAG_SIZE	48
#define HTTP_DATE_SIZE	32

enum precondition {
	PRECONDITION_OK,
	PRECONDITION_NOT_MODIFIED,	/* 304 */
	PRECONDITION_FAILED,		/* 412 */
};

/* IMF-fixdate, RFC 9110 5.6.7. */
void http_date(time_t t, char out[HTTP_DATE_SIZE]);

/* Reads any of the three forms of RFC 9110 5.6.7; false if it is none. */
bool http_date_parse(const char *text, time_t *t);

/* Strong entity tag of a file: its size and its time of change in nanoseconds. */
void etag_of(const struct stat *stat, char out[ETAG_SIZE]);

/* Evaluates If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since in their order. */
enum precondition precondition_check(const struct kh2_headers *h, const char *etag,
				     time_t modified);

/* Whether If-Range, if there is one, lets a Range stand. */
bool if_range_holds(const struct kh2_headers *h, const char *etag, time_t modified);

#endif /* KH2D_CONDITIONAL_H */
