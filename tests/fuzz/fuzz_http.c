// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What libkh2 and kh2d read of requests: a header block as octets, decoded, held against the rules
 * of RFC 9113 8 by a second reading, and then path, range, conditions and date as kh2d takes them.
 */
#include <stdlib.h>
#include <stdio.h>

#include "context.h"
#include "headers.h"
#include "hpack.h"
#include "rules.h"
#include "tap.h"
#include "../../daemon/kh2d/conditional.h"
#include "../../daemon/kh2d/mime.h"
#include "../../daemon/kh2d/range.h"
#include "../../daemon/kh2d/target.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static size_t count(const struct kh2_headers *h, const char *name)
{
	struct kh2_nv nv;
	size_t i = 0, n = 0;

	while (kh2_headers_next(h, name, &i, &nv))
		n++;
	return n;
}

static bool has_ctl(const struct kh2_nv *nv)
{
	for (size_t i = 0; i < nv->value_len; i++)
		if (!nv->value[i] || nv->value[i] == '\r' || nv->value[i] == '\n')
			return true;
	return false;
}

/* RFC 9113 8.2, read once more: what no message may have */
static void check_fields(const struct kh2_headers *h)
{
	static const char *const refused[] = {
		"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade",
	};

	for (size_t i = 0; i < h->n; i++) {
		CHECK(h->nv[i].name_len);
		CHECK(!has_ctl(&h->nv[i]));
		for (size_t k = 0; k < h->nv[i].name_len; k++)
			CHECK((u8)h->nv[i].name[k] > ' ' && (u8)h->nv[i].name[k] < 0x7f &&
			      !(h->nv[i].name[k] >= 'A' && h->nv[i].name[k] <= 'Z'));
	}
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		EQ(count(h, refused[i]), 0);
}

static void check_request(const struct kh2_headers *h, const struct kh2i_request *req)
{
	/* what goes through a tunnel is no content (RFC 9110 9.3.6) */
	const char *length = req->tunnel ? NULL : kh2_headers_get(h, "content-length", NULL);

	check_fields(h);
	EQ(count(h, ":method"), 1);
	EQ(count(h, ":status"), 0);
	CHECK(count(h, ":path") <= 1 && count(h, ":scheme") <= 1 && count(h, ":authority") <= 1);
	CHECK(count(h, "host") <= 1);
	if (!req->connect)
		CHECK(count(h, ":path") == 1 && count(h, ":scheme") == 1);
	EQ(req->content_length >= 0, !!length);
	if (length)
		EQ(req->content_length, atoll(length));
	CHECK(req->prio.urgency <= 7);
}

/* What a path becomes stays below the root, and is a string */
static void read_path(const struct kh2_headers *h)
{
	static struct target t;
	size_t len;
	const char *path = kh2_headers_get(h, ":path", &len);
	int status;

	if (!path)
		return;
	status = target_parse(&t, path, len);
	CHECK(status == 0 || status == 400 || status == 404 || status == 414);
	if (status)
		return;
	CHECK(strnlen(t.path, sizeof(t.path)) < sizeof(t.path));
	CHECK(*t.path && *t.path != '/');
	CHECK(strncmp(t.path, "..", 2) && !strstr(t.path, "/.") && !strstr(t.path, "//"));
	CHECK(t.path[0] != '.' || !strncmp(t.path, ".well-known/", 12));
	CHECK(mime_type(t.path));
}

static void read_range(const struct kh2_headers *h)
{
	static const u64 sizes[] = { 0, 1, 1000, 1ULL << 62 };
	const char *value = kh2_headers_get(h, "range", NULL);

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		u64 off = ~0ULL, len = ~0ULL;

		if (range_parse(value, sizes[i], &off, &len) != RANGE_PART)
			continue;
		CHECK(value);
		CHECK(len && off < sizes[i] && len <= sizes[i] - off);
	}
}

static void read_conditions(const struct kh2_headers *h)
{
	const char *date = kh2_headers_get(h, "if-modified-since", NULL);
	char again[HTTP_DATE_SIZE];
	time_t t, t2;

	(void)precondition_check(h, "\"3e8-1\"", 1000000000);
	(void)if_range_holds(h, "\"3e8-1\"", 1000000000);
	if (!date || !http_date_parse(date, &t))
		return;
	http_date(t, again);
	CHECK(strlen(again) < sizeof(again));
	/* years beyond four digits have no HTTP date */
	if (t >= 0 && t < 253402300800LL)
		CHECK(http_date_parse(again, &t2) && t2 == t);
}

/* What an application may be told it may also send on, but for what is not its to say */
static void copy(const struct kh2_headers *h)
{
	struct kh2_headers *a, *b;

	CHECK(!kh2_headers_copy(&a, h));
	CHECK(!kh2_headers_new(&b));
	EQ(a->n, h->n);
	for (size_t i = 0; i < h->n; i++) {
		struct kh2_nv nv = h->nv[i];

		nv.flags &= KH2_NV_NEVER_INDEX;
		EQ(kh2_headers_add_nv(b, &nv), 0);
	}
	EQ(b->n, h->n);
	for (size_t i = 0; i < h->n; i += 2) {
		kh2_headers_remove(a, h->nv[i].name);
		EQ(count(a, h->nv[i].name), 0);
		/* the only value of "te" */
		EQ(kh2_headers_set(b, h->nv[i].name, "trailers"), 0);
		EQ(count(b, h->nv[i].name), 1);
	}
	kh2_headers_free(a);
	kh2_headers_free(b);
}

static void read_list(const struct kh2_headers *h, u8 config)
{
	struct kh2i_request req;

	if (!kh2i_rules_trailers(h)) {
		check_fields(h);
		for (size_t i = 0; i < h->n; i++)
			CHECK(h->nv[i].name[0] != ':');
	}
	(void)kh2i_rules_status(h, 100, 999, 0);
	if (kh2i_rules_request(h, config & 1, &req))
		return;
	check_request(h, &req);
	copy(h);
	read_path(h);
	read_range(h);
	read_conditions(h);
}

/* Lines "name: value" in place of HPACK, so that mutation finds its way */
static void from_lines(struct kh2_headers *h, const u8 *p, size_t size)
{
	const u8 *end = p + size;

	while (p < end) {
		const u8 *stop = memchr(p, '\n', (size_t)(end - p)) ?: end;
		const u8 *colon = stop - p > 1 ? memchr(p + 1, ':', (size_t)(stop - p - 1)) : NULL;
		const struct kh2_nv nv = {
			.name = (const char *)p,
			.name_len = (size_t)((colon ?: stop) - p),
			.value = (const char *)(colon ? colon + 1 : stop),
			.value_len = colon ? (size_t)(stop - colon - 1) : 0,
		};

		CHECK(!kh2i_headers_append(h, &nv));
		p = stop + 1;
	}
}

static bool from_blocks(struct kh2_headers **h, const u8 *p, size_t size, u8 config)
{
	static const struct kh2i_list_limits limits = { 65535, 128 };
	struct kh2i_hpack hp;
	int err = 0;

	CHECK(!kh2i_hpack_init(&hp, 4096));
	if (config & 2)
		kh2i_hpack_set_inflate(&hp, config * 64U);
	/* two blocks, so that the second finds a table */
	for (int i = 0; i < 2 && !err; i++) {
		size_t n = i ? size : size / 2;

		kh2_headers_free(*h);
		CHECK(!kh2_headers_new(h));
		err = kh2i_hpack_decode(&hp, p, n, *h, &limits);
		CHECK(!err || err == -EMSGSIZE || err == KH2_ERR_PROTOCOL);
		CHECK((*h)->n <= limits.max_fields);
		CHECK(kh2i_hpack_list_size(NULL, *h) <= limits.max_octets);
		p += n;
		size -= n;
	}
	kh2i_hpack_exit(&hp);
	return !err || err == -EMSGSIZE;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct kh2_headers *h;
	bool ok = true;

	if (!size)
		return 0;
	CHECK(!kh2_headers_new(&h));
	if (data[0] & 128)
		ok = from_blocks(&h, data + 1, size - 1, data[0]);
	else
		from_lines(h, data + 1, size - 1);
	if (ok)
		read_list(h, data[0]);
	kh2_headers_free(h);
	return 0;
}
