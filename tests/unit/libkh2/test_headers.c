// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Lists of fields, and the rules of RFC 9113 8 about them. */
#include <stdio.h>
#include <string.h>

#include "headers.h"
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
	const struct kh2_nv *nv;
	struct kh2_headers *h;
	size_t n;

	EQ(kh2_headers_new(&h), 0);
	EQ(kh2_headers_add(h, "X-Foo", "Bar"), 0);
	CHECK(!strcmp(kh2_headers_get(h, "x-foo", NULL), "Bar"));
	CHECK(!strcmp(kh2_headers_get(h, "X-FOO", NULL), "Bar"));
	EQ(kh2_headers_set(h, "Y-Foo", "Baz"), 0);
	EQ(kh2_headers_add_int(h, "Z-FOO", 1), 0);
	/* which is what is encoded */
	nv = kh2_headers_raw(h, &n);
	EQ(n, 3);
	CHECK(!memcmp(nv[0].name, "x-foo", 5));
	CHECK(!memcmp(nv[1].name, "y-foo", 5));
	CHECK(!memcmp(nv[2].name, "z-foo", 5));
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
		{ "Keep-Alive", "1" }, { "proxy-connection", "close" }, { "upgrade", "h2c" },
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

/* ---- what a peer may send ---- */

/* One field as it comes out of a block, whatever is in it */
struct raw {
	const char *name;
	size_t name_len;
	const char *value;
	size_t value_len;
};

#define F(name, value) { name, sizeof(name) - 1, value, sizeof(value) - 1 }

static int judge(const struct raw *fields, size_t n, bool extended_connect)
{
	struct kh2i_request req;
	struct kh2_headers *h;
	int err;

	EQ(kh2_headers_new(&h), 0);
	for (size_t i = 0; i < n; i++) {
		struct kh2_nv nv = {
			.name = fields[i].name,
			.value = fields[i].value,
			.name_len = fields[i].name_len,
			.value_len = fields[i].value_len,
		};

		EQ(kh2i_headers_append(h, &nv), 0);
	}
	err = kh2i_rules_request(h, extended_connect, &req);
	kh2_headers_free(h);
	return err;
}

static int judge_all(const struct raw *fields, size_t n)
{
	return judge(fields, n, true);
}

#define JUDGE(...) judge_all((const struct raw[]){ __VA_ARGS__ },			\
			     sizeof((const struct raw[]){ __VA_ARGS__ }) / sizeof(struct raw))
#define MALFORMED(...) EQ(JUDGE(__VA_ARGS__), KH2_ERR_PROTOCOL)
#define FINE(...) EQ(JUDGE(__VA_ARGS__), 0)

#define METHOD_GET F(":method", "GET")
#define HTTPS F(":scheme", "https")
#define ROOT F(":path", "/")
#define AUTHORITY F(":authority", "a")
#define REQUEST METHOD_GET, HTTPS, ROOT

TEST(request_without_method_scheme_or_path_is_malformed)
{
	FINE(REQUEST);
	MALFORMED(HTTPS, ROOT);
	MALFORMED(METHOD_GET, ROOT);
	MALFORMED(METHOD_GET, HTTPS);
	MALFORMED(F(":method", ""), HTTPS, ROOT);
	MALFORMED(F(":method", "G T"), HTTPS, ROOT);
}

TEST(pseudo_header_field_twice_is_malformed)
{
	MALFORMED(REQUEST, METHOD_GET);
	MALFORMED(REQUEST, HTTPS);
	MALFORMED(REQUEST, ROOT);
	MALFORMED(REQUEST, AUTHORITY, AUTHORITY);
}

TEST(pseudo_header_field_after_others_is_malformed)
{
	FINE(REQUEST, AUTHORITY, F("a", "b"));
	MALFORMED(METHOD_GET, HTTPS, F("a", "b"), ROOT);
	MALFORMED(REQUEST, F("a", "b"), AUTHORITY);
}

TEST(unknown_pseudo_header_field_is_malformed)
{
	MALFORMED(REQUEST, F(":what", "1"));
	MALFORMED(REQUEST, F(":status", "200"));
	MALFORMED(REQUEST, F(":", "1"));
	MALFORMED(REQUEST, F(":Path", "/"));
	MALFORMED(REQUEST, F(":protocol", "websocket"));
}

TEST(name_that_is_no_token_is_malformed)
{
	FINE(REQUEST, F("x-0!#$%&'*+-.^_`|~", "b"));
	MALFORMED(REQUEST, F("", "b"));
	for (int c = 0; c < 256; c++) {
		bool token = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			     (c && strchr("!#$%&'*+-.^_`|~", c));
		const char name[2] = { 'x', (char)c };
		const struct raw fields[] = { REQUEST, { name, 2, "b", 1 } };

		EQ(judge(fields, 4, false), token ? 0 : KH2_ERR_PROTOCOL);
	}
}

TEST(value_with_nul_cr_or_lf_is_malformed)
{
	for (int c = 0; c < 256; c++) {
		const char value[3] = { 'x', (char)c, 'y' };
		const struct raw fields[] = { REQUEST, { "a", 1, value, 3 } };
		const struct raw pseudo[] = { REQUEST, { ":authority", 10, value, 3 } };
		bool bad = c == 0 || c == '\r' || c == '\n';

		EQ(judge(fields, 4, false), bad ? KH2_ERR_PROTOCOL : 0);
		if (c != '@')
			EQ(judge(pseudo, 4, false), bad ? KH2_ERR_PROTOCOL : 0);
	}
}

TEST(value_with_space_at_an_end_is_malformed)
{
	FINE(REQUEST, F("a", ""));
	FINE(REQUEST, F("a", "b c\td"));
	MALFORMED(REQUEST, F("a", " b"));
	MALFORMED(REQUEST, F("a", "b "));
	MALFORMED(REQUEST, F("a", "\tb"));
	MALFORMED(REQUEST, F("a", "b\t"));
	MALFORMED(REQUEST, F("a", " "));
	MALFORMED(METHOD_GET, HTTPS, F(":path", "/ "));
}

TEST(field_specific_to_a_connection_is_malformed)
{
	MALFORMED(REQUEST, F("connection", "close"));
	MALFORMED(REQUEST, F("proxy-connection", "close"));
	MALFORMED(REQUEST, F("keep-alive", "1"));
	MALFORMED(REQUEST, F("transfer-encoding", "chunked"));
	MALFORMED(REQUEST, F("upgrade", "h2c"));
	FINE(REQUEST, F("connections", "close"));
}

TEST(te_other_than_trailers_is_malformed)
{
	FINE(REQUEST, F("te", "trailers"));
	FINE(REQUEST, F("te", "Trailers"));
	MALFORMED(REQUEST, F("te", "gzip"));
	MALFORMED(REQUEST, F("te", "trailers, gzip"));
	MALFORMED(REQUEST, F("te", ""));
}

TEST(host_that_differs_from_authority_is_malformed)
{
	FINE(REQUEST, F("host", "a"));
	FINE(REQUEST, F(":authority", "Example.org"), F("host", "example.ORG"));
	MALFORMED(REQUEST, AUTHORITY, F("host", "b"));
	MALFORMED(REQUEST, AUTHORITY, F("host", ""));
	MALFORMED(REQUEST, F("host", "a"), F("host", "a"));
}

TEST(authority_with_user_information_is_malformed)
{
	FINE(REQUEST, F(":authority", "a:8443"));
	MALFORMED(REQUEST, F(":authority", "user@a"));
	MALFORMED(REQUEST, F(":authority", "user:secret@a"));
}

TEST(path_that_is_empty_or_relative_is_malformed)
{
	MALFORMED(METHOD_GET, HTTPS, F(":path", ""));
	MALFORMED(METHOD_GET, F(":scheme", "http"), F(":path", "a"));
	MALFORMED(METHOD_GET, F(":scheme", "HTTPS"), F(":path", "?a"));
	FINE(METHOD_GET, HTTPS, F(":path", "/?a"));
	FINE(METHOD_GET, F(":scheme", "urn"), F(":path", "a:b"));
	MALFORMED(METHOD_GET, F(":scheme", "urn"), F(":path", ""));
}

TEST(path_asterisk_is_for_options_alone)
{
	FINE(F(":method", "OPTIONS"), HTTPS, F(":path", "*"));
	FINE(F(":method", "OPTIONS"), HTTPS, ROOT);
	MALFORMED(METHOD_GET, HTTPS, F(":path", "*"));
	MALFORMED(F(":method", "OPTIONS"), HTTPS, F(":path", "*a"));
}

#define CONNECT F(":method", "CONNECT")
#define WEBSOCKET F(":protocol", "websocket")

TEST(connect_has_an_authority_and_no_scheme_nor_path)
{
	FINE(CONNECT, F(":authority", "a:443"));
	MALFORMED(CONNECT);
	MALFORMED(CONNECT, F(":authority", ""));
	MALFORMED(CONNECT, AUTHORITY, HTTPS);
	MALFORMED(CONNECT, AUTHORITY, ROOT);
	MALFORMED(CONNECT, AUTHORITY, HTTPS, ROOT);
}

TEST(extended_connect_needs_scheme_and_path)
{
	FINE(CONNECT, HTTPS, ROOT, AUTHORITY, WEBSOCKET);
	MALFORMED(CONNECT, AUTHORITY, WEBSOCKET);
	MALFORMED(CONNECT, AUTHORITY, HTTPS, WEBSOCKET);
	MALFORMED(CONNECT, AUTHORITY, ROOT, WEBSOCKET);
	MALFORMED(CONNECT, HTTPS, ROOT, WEBSOCKET);
	MALFORMED(METHOD_GET, HTTPS, ROOT, AUTHORITY, WEBSOCKET);
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
	CHECK(req.tunnel);
	kh2_headers_free(h);
}

TEST(content_length_that_is_no_number_or_two_is_malformed)
{
	FINE(REQUEST, F("content-length", "0"));
	FINE(REQUEST, F("content-length", "5"), F("content-length", "5"));
	MALFORMED(REQUEST, F("content-length", "5"), F("content-length", "6"));
	MALFORMED(REQUEST, F("content-length", ""));
	MALFORMED(REQUEST, F("content-length", "-1"));
	MALFORMED(REQUEST, F("content-length", "+1"));
	MALFORMED(REQUEST, F("content-length", "1, 1"));
	MALFORMED(REQUEST, F("content-length", "0x1"));
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
