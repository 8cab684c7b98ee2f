// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Entity tags, HTTP dates, and the order in which preconditions count (RFC 9110 13.2.2). */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "conditional.h"

static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
static const char months[12][4] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
};

void http_date(time_t t, char out[HTTP_DATE_SIZE])
{
	struct tm tm;

	if (!gmtime_r(&t, &tm) || tm.tm_year < -1900 || tm.tm_year > 9999 - 1900) {
		t = 0;
		gmtime_r(&t, &tm);
	}
	snprintf(out, HTTP_DATE_SIZE, "%s, %02u %s %04u %02u:%02u:%02u GMT",
		 days[tm.tm_wday % 7], (unsigned int)tm.tm_mday % 100, months[tm.tm_mon % 12],
		 (unsigned int)(tm.tm_year + 1900) % 10000, (unsigned int)tm.tm_hour % 100,
		 (unsigned int)tm.tm_min % 100, (unsigned int)tm.tm_sec % 100);
}

/* The locale is always C: kh2d never calls setlocale(3). */
bool http_date_parse(const char *text, time_t *t)
{
	static const char *const forms[] = {
		"%a, %d %b %Y %H:%M:%S GMT",	/* IMF-fixdate */
		"%A, %d-%b-%y %H:%M:%S GMT",	/* RFC 850 */
		"%a %b %d %H:%M:%S %Y",		/* asctime */
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = { 0 };
		const char *end = strptime(text, forms[i], &tm);

		if (!end || *end)
			continue;
		*t = timegm(&tm);
		return true;
	}
	return false;
}

void etag_of(const struct stat *stat, char out[ETAG_SIZE])
{
	uint64_t ns = (uint64_t)stat->st_mtim.tv_sec * 1000000000U +
		      (uint64_t)stat->st_mtim.tv_nsec;

	snprintf(out, ETAG_SIZE, "\"%llx-%llx\"", (unsigned long long)stat->st_size,
		 (unsigned long long)ns);
}

/* Next entity tag of a list; @weak: its W/ was taken off. Returns what is behind it, or NULL. */
static const char *next_tag(const char *p, const char **tag, size_t *len, bool *weak)
{
	const char *end;

	p += strspn(p, " \t,");
	*weak = p[0] == 'W' && p[1] == '/';
	if (*weak)
		p += 2;
	if (*p != '"')
		return NULL;
	end = strchr(p + 1, '"');
	if (!end)
		return NULL;
	*tag = p;
	*len = (size_t)(end + 1 - p);
	return end + 1;
}

/* Whether a list holds "*" or our tag; the strong comparison leaves weak ones out. */
static bool list_matches(const char *list, const char *etag, bool strong)
{
	const char *tag;
	size_t len;
	bool weak;

	if (list[strspn(list, " \t")] == '*')
		return true;
	while ((list = next_tag(list, &tag, &len, &weak)))
		if (!(strong && weak) && len == strlen(etag) && !memcmp(tag, etag, len))
			return true;
	return false;
}

/* As list_matches(), over all fields of a name. @present: whether there is one. */
static bool field_matches(const struct kh2_headers *h, const char *name, const char *etag,
			  bool strong, bool *present)
{
	struct kh2_nv nv;
	size_t pos = 0;

	*present = false;
	while (kh2_headers_next(h, name, &pos, &nv)) {
		*present = true;
		if (list_matches(nv.value, etag, strong))
			return true;
	}
	return false;
}

enum precondition precondition_check(const struct kh2_headers *h, const char *etag, time_t modified)
{
	bool present, matches;
	const char *date;
	time_t since;

	matches = field_matches(h, "if-match", etag, true, &present);
	if (present && !matches)
		return PRECONDITION_FAILED;
	if (!present) {
		date = kh2_headers_get(h, "if-unmodified-since", NULL);
		if (date && http_date_parse(date, &since) && modified > since)
			return PRECONDITION_FAILED;
	}
	matches = field_matches(h, "if-none-match", etag, false, &present);
	if (present)
		return matches ? PRECONDITION_NOT_MODIFIED : PRECONDITION_OK;
	date = kh2_headers_get(h, "if-modified-since", NULL);
	if (date && http_date_parse(date, &since) && modified <= since)
		return PRECONDITION_NOT_MODIFIED;
	return PRECONDITION_OK;
}

bool if_range_holds(const struct kh2_headers *h, const char *etag, time_t modified)
{
	const char *value = kh2_headers_get(h, "if-range", NULL);
	time_t date;

	if (!value)
		return true;
	if (*value == '"')
		return !strcmp(value, etag);
	return http_date_parse(value, &date) && date == modified;
}
