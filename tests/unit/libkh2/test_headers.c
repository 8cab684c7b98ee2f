// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Lists of fields, and the rules of RFC 9113 8 about them. */
#include <stdio.h>
#include <string.h>

#include "rules.h"
#include "tap.h"

static struct kh2_headers *list(const char *const (*fields)[2], size_t n)
{
	struct kh2_headers *h;

	EQ(kh2_headers_new(&h), 0);
	for (size_t i = 0; i < n; i++)
		EQ(kh2_headers_add(h, fields[i][0], fields[i][1]), 0);
	return h;
}

#define LIST(fields) list(fields, sizeof(fields) / sizeof((fields)[0]))

TEST(header_names_become_small)
{
	struct kh2_headers *h;

	EQ(kh2_headers_new(&h), 0);
	EQ(kh2_headers_add(h, "X-Foo", "Bar"), 0);
	CHECK(!strcmp(kh2_headers_get(h, "x-foo", NULL), "Bar"));
	CHECK(!strcmp(kh2_headers_get(h, "X-FOO", NULL), "Bar"));
	kh2_headers_free(h);
}

TEST(header_may_repeat_and_be_replaced)
{
	static const char *const fields[][2] = {
		{ "a", "1" }, { "b", "2" }, { "A", "3" },
	};
	struct kh2_headers *h = LIST(fields);
	struct kh2_nv nv;
	size_t i = 0, n;

	CHECK(kh2_headers_next(h, "a", &i, &nv) && !strcmp(nv.value, "1"));
	CHECK(kh2_headers_next(h, "a", &i, &nv) && !strcmp(nv.value, "3"));
	CHECK(!kh2_headers_next(h, "a", &i, &nv));
	EQ(kh2_headers_set(h, "a", "4"), 0);
	kh2_headers_raw(h, &n);
	EQ(n, 2);
	CHECK(!strcmp(kh2_headers_get(h, "a", NULL), "4"));
	EQ(kh2_headers_remove(h, "B"), 1);
	kh2_headers_free(h);
}

TEST(header_list_grows_and_is_copied)
{
	struct kh2_headers *h, *copy;
	char name[16], value[2048];
	size_t n;

	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	EQ(kh2_headers_new(&h), 0);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		EQ(kh2_headers_add(h, name, value), 0);
	}
	EQ(kh2_headers_copy(&copy, h), 0);
	kh2_headers_free(h);
	kh2_headers_raw(copy, &n);
	EQ(n, 100);
	CHECK(!strcmp(kh2_headers_get(copy, "n77", NULL), value));
	kh2_headers_free(copy);
}

TEST(header_that_is_forbidden_is_refused_and_leaves_no_trace)
{
	static const char *const bad[][2] = {
		{ "", "x" }, { "a b", "x" }, { "a", "x\r\n" }, { "a", " x" }, { "a", "x\t" },
		{ "connection", "close" }, { "te", "gzip" }, { "transfer-encoding", "chunked" },
		{ "a:", "x" }, { ":", "x" },
	};
	struct kh2_headers *h;
	size_t n;

	EQ(kh2_headers_new(&h), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		EQ(kh2_headers_add(h, bad[i][0], bad[i][1]), KH2_ERR_INVALID_HEADER);
	kh2_headers_raw(h, &n);
	EQ(n, 0);
	EQ(kh2_headers_add(h, "te", "trailers"), 0);
	EQ(kh2_headers_add(h, "te", "Trailers"), 0);
	kh2_headers_free(h);
}

#define GET { ":method", "GET" }, { ":scheme", "https" }, { ":path", "/" }

TEST(request_tells_length_and_priority)
{
	static const char *const fields[][2] = {
		GET, { "content-length", "12" }, { "priority", "u=1, i" },
	};
	struct kh2_headers *h = LIST(fields);
	struct kh2i_request req;

	EQ(kh2i_rules_request(h, false, &req), 0);
	EQ(req.content_length, 12);
	CHECK(req.has_priority && req.prio.urgency == 1 && req.prio.incremental);
	kh2_headers_free(h);
}

TEST(extended_connect_needs_our_setting)
{
	static const char *const fields[][2] = {
		{ ":method", "CONNECT" }, { ":scheme", "https" }, { ":path", "/" },
		{ ":authority", "x" }, { ":protocol", "websocket" },
	};
	struct kh2_headers *h = LIST(fields);
	struct kh2i_request req;

	EQ(kh2i_rules_request(h, false, &req), KH2_ERR_PROTOCOL);
	EQ(kh2i_rules_request(h, true, &req), 0);
	CHECK(!req.connect);
	kh2_headers_free(h);
}

TEST(content_length_that_overflows_is_malformed)
{
	static const char *const fields[][2] = {
		GET, { "content-length", "99999999999999999999" },
	};
	struct kh2_headers *h = LIST(fields);
	struct kh2i_request req;

	EQ(kh2i_rules_request(h, false, &req), KH2_ERR_PROTOCOL);
	kh2_headers_free(h);
}

TEST(priority_field_passes_over_what_it_does_not_know)
{
	struct kh2_priority prio = { .urgency = 3 };

	CHECK(!kh2i_rules_priority("x=1, u=9, i=2", 13, &prio));
	EQ(prio.urgency, 3);
	CHECK(kh2i_rules_priority(" u=7 ,x, i=?1", 13, &prio));
	EQ(prio.urgency, 7);
	CHECK(prio.incremental);
	CHECK(kh2i_rules_priority("i=?0", 4, &prio));
	CHECK(!prio.incremental);
}

TEST(status_must_be_of_the_class_that_is_asked_for)
{
	static const char *const ok[][2] = { { ":status", "103" } };
	static const char *const twice[][2] = { { ":status", "200" }, { ":status", "200" } };
	static const char *const other[][2] = { { ":path", "/" } };
	static const char *const odd[][2] = { { ":status", "2x0" } };
	struct kh2_headers *h = LIST(ok);

	EQ(kh2i_rules_status(NULL, 200, 599, 200), 200);
	EQ(kh2i_rules_status(h, 100, 199, 0), 103);
	EQ(kh2i_rules_status(h, 200, 599, 200), KH2_ERR_STATUS_INVALID);
	kh2_headers_free(h);
	h = LIST(twice);
	EQ(kh2i_rules_status(h, 200, 599, 200), KH2_ERR_PSEUDO_NOT_ALLOWED);
	kh2_headers_free(h);
	h = LIST(other);
	EQ(kh2i_rules_status(h, 200, 599, 200), KH2_ERR_PSEUDO_NOT_ALLOWED);
	kh2_headers_free(h);
	h = LIST(odd);
	EQ(kh2i_rules_status(h, 200, 599, 200), KH2_ERR_STATUS_INVALID);
	kh2_headers_free(h);
}
