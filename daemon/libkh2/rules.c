// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Which fields a message may have: RFC 9113 8.2 and 8.3, RFC 8441 4, RFC 9218 4. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "headers.h"
#include "rules.h"

enum pseudo {
	PSEUDO_METHOD	= 1 << 0,
	PSEUDO_SCHEME	= 1 << 1,
	PSEUDO_AUTHORITY = 1 << 2,
	PSEUDO_PATH	= 1 << 3,
	PSEUDO_PROTOCOL	= 1 << 4,
};

static const struct {
	const char *name;
	enum pseudo bit;
} request_pseudos[] = {
	{ ":method", PSEUDO_METHOD },
	{ ":scheme", PSEUDO_SCHEME },
	{ ":authority", PSEUDO_AUTHORITY },
	{ ":path", PSEUDO_PATH },
	{ ":protocol", PSEUDO_PROTOCOL },
};

/* RFC 9113 8.2.2 */
static const char *const connection_fields[] = {
	"connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade",
};

static bool is_tchar(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool nv_is(const struct kh2_nv *nv, const char *name)
{
	return nv->name_len == strlen(name) && !memcmp(nv->name, name, nv->name_len);
}

static bool name_ok(const char *p, size_t len)
{
	if (!len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_tchar((unsigned char)p[i]) || (p[i] >= 'A' && p[i] <= 'Z'))
			return false;
	return true;
}

/* RFC 9113 8.2.1: the least that must be refused */
static bool value_ok(const char *p, size_t len)
{
	if (!len)
		return true;
	if (*p == ' ' || *p == '\t' || p[len - 1] == ' ' || p[len - 1] == '\t')
		return false;
	return !memchr(p, '\0', len) && !memchr(p, '\r', len) && !memchr(p, '\n', len);
}

static bool value_is_caseless(const struct kh2_nv *nv, const char *value)
{
	return nv->value_len == strlen(value) && !strncasecmp(nv->value, value, nv->value_len);
}

static bool is_connection_field(const struct kh2_nv *nv)
{
	for (size_t i = 0; i < sizeof(connection_fields) / sizeof(*connection_fields); i++)
		if (nv_is(nv, connection_fields[i]))
			return true;
	return nv_is(nv, "te") && !value_is_caseless(nv, "trailers");
}

static bool field_ok(const struct kh2_nv *nv)
{
	return name_ok(nv->name, nv->name_len) && value_ok(nv->value, nv->value_len) &&
	       !is_connection_field(nv);
}

/**
 * kh2i_rules_field_to_send() - may a user add this field?
 * @nv: field, name in lower case
 *
 * Return: 0 or KH2_ERR_INVALID_HEADER.
 */
int kh2i_rules_field_to_send(const struct kh2_nv *nv)
{
	bool ok;

	if (nv->name_len && nv->name[0] == ':')
		ok = name_ok(nv->name + 1, nv->name_len - 1) && value_ok(nv->value, nv->value_len);
	else
		ok = field_ok(nv);
	return ok ? 0 : KH2_ERR_INVALID_HEADER;
}

static enum pseudo pseudo_of(const struct kh2_nv *nv)
{
	for (size_t i = 0; i < sizeof(request_pseudos) / sizeof(*request_pseudos); i++)
		if (nv_is(nv, request_pseudos[i].name))
			return request_pseudos[i].bit;
	return 0;
}

static bool is_token(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!is_tchar((unsigned char)p[i]))
			return false;
	return len;
}

/* RFC 9110 8.6: one number, or the same one again */
static bool take_content_length(const struct kh2_nv *nv, int64_t *length)
{
	int64_t v = 0;

	if (!nv->value_len || nv->value_len > 18)
		return false;
	for (size_t i = 0; i < nv->value_len; i++) {
		if (nv->value[i] < '0' || nv->value[i] > '9')
			return false;
		v = 10 * v + (nv->value[i] - '0');
	}
	if (*length >= 0 && *length != v)
		return false;
	*length = v;
	return true;
}

static bool path_ok(const struct kh2_headers *h)
{
	const char *path = kh2_headers_get(h, ":path", NULL);
	const char *scheme = kh2_headers_get(h, ":scheme", NULL);

	if (!*path)
		return false;
	if (strcasecmp(scheme, "http") && strcasecmp(scheme, "https"))
		return true;
	if (!strcmp(path, "*"))
		return !strcmp(kh2_headers_get(h, ":method", NULL), "OPTIONS");
	return *path == '/';
}

/* RFC 9113 8.3.1: no user information, and Host says the same if it is there */
static bool authority_ok(const struct kh2_headers *h)
{
	const char *authority = kh2_headers_get(h, ":authority", NULL);
	struct kh2_nv host;
	size_t i = 0;
	int hosts = 0;

	if (authority && strchr(authority, '@'))
		return false;
	while (kh2_headers_next(h, "host", &i, &host)) {
		if (hosts++)
			return false;
		if (authority && strcasecmp(authority, host.value))
			return false;
	}
	return true;
}

static bool pseudos_ok(const struct kh2_headers *h, unsigned int seen, bool extended_connect,
		       bool *connect)
{
	const unsigned int plain = PSEUDO_METHOD | PSEUDO_SCHEME | PSEUDO_PATH;
	const char *method = kh2_headers_get(h, ":method", NULL);
	bool is_connect;

	if (!(seen & PSEUDO_METHOD) || !is_token(method, strlen(method)))
		return false;
	is_connect = !strcmp(method, "CONNECT");
	if (seen & PSEUDO_PROTOCOL) {
		/* RFC 8441 4 */
		if (!extended_connect || !is_connect || !(seen & PSEUDO_AUTHORITY))
			return false;
	} else if (is_connect) {
		/* RFC 9113 8.5 */
		*connect = true;
		return (seen & (plain | PSEUDO_AUTHORITY)) == (PSEUDO_METHOD | PSEUDO_AUTHORITY) &&
		       *kh2_headers_get(h, ":authority", NULL);
	}
	return (seen & plain) == plain && path_ok(h);
}

static bool fields_ok(const struct kh2_headers *h, unsigned int *seen, struct kh2i_request *req)
{
	bool regular = false;

	for (size_t i = 0; i < h->n; i++) {
		const struct kh2_nv *nv = &h->nv[i];

		if (nv->name_len && nv->name[0] == ':') {
			enum pseudo bit = pseudo_of(nv);

			if (regular || !bit || (*seen & bit) ||
			    !value_ok(nv->value, nv->value_len))
				return false;
			*seen |= bit;
			continue;
		}
		regular = true;
		if (!field_ok(nv))
			return false;
		if (nv_is(nv, "content-length") && !take_content_length(nv, &req->content_length))
			return false;
		if (nv_is(nv, "priority"))
			req->has_priority |= kh2i_rules_priority(nv->value, nv->value_len,
								 &req->prio);
	}
	return true;
}

/**
 * kh2i_rules_request() - is a request well formed (RFC 9113 8.1.1, 8.3.1)?
 * @h: its fields as received
 * @extended_connect: SETTINGS_ENABLE_CONNECT_PROTOCOL was sent by us
 * @req: filled in
 *
 * Return: 0 or KH2_ERR_PROTOCOL.
 */
int kh2i_rules_request(const struct kh2_headers *h, bool extended_connect,
		       struct kh2i_request *req)
{
	unsigned int seen = 0;

	memset(req, 0, sizeof(*req));
	req->content_length = -1;
	req->prio.urgency = 3;
	if (!fields_ok(h, &seen, req) || !pseudos_ok(h, seen, extended_connect, &req->connect) ||
	    !authority_ok(h))
		return KH2_ERR_PROTOCOL;
	req->head = !strcmp(kh2_headers_get(h, ":method", NULL), "HEAD");
	return 0;
}

/**
 * kh2i_rules_trailers() - are trailing fields well formed (RFC 9113 8.1)?
 * @h: fields, received or to be sent
 *
 * Return: 0, KH2_ERR_PSEUDO_NOT_ALLOWED or KH2_ERR_INVALID_HEADER.
 */
int kh2i_rules_trailers(const struct kh2_headers *h)
{
	for (size_t i = 0; h && i < h->n; i++) {
		if (h->nv[i].name_len && h->nv[i].name[0] == ':')
			return KH2_ERR_PSEUDO_NOT_ALLOWED;
		if (!field_ok(&h->nv[i]))
			return KH2_ERR_INVALID_HEADER;
	}
	return 0;
}

/**
 * kh2i_rules_status() - status of a response that is to be sent
 * @h: fields, or NULL
 * @first: lowest that is allowed
 * @last: highest
 * @def: without a :status; 0: there must be one
 *
 * Return: status, KH2_ERR_STATUS_INVALID or KH2_ERR_PSEUDO_NOT_ALLOWED.
 */
int kh2i_rules_status(const struct kh2_headers *h, int first, int last, int def)
{
	int status = 0;

	for (size_t i = 0; h && i < h->n; i++) {
		const struct kh2_nv *nv = &h->nv[i];

		if (!nv->name_len || nv->name[0] != ':')
			continue;
		if (!nv_is(nv, ":status") || status)
			return KH2_ERR_PSEUDO_NOT_ALLOWED;
		if (nv->value_len != 3 || strspn(nv->value, "0123456789") != 3)
			return KH2_ERR_STATUS_INVALID;
		status = 100 * (nv->value[0] - '0') + 10 * (nv->value[1] - '0') +
			 (nv->value[2] - '0');
		if (!status)
			return KH2_ERR_STATUS_INVALID;
	}
	if (!status)
		status = def;
	return status >= first && status <= last ? status : KH2_ERR_STATUS_INVALID;
}

/**
 * kh2i_rules_priority() - read a `priority` field (RFC 9218 4, 5)
 * @value: its value
 * @len: octets
 * @prio: members that it names are changed
 *
 * Unknown parameters and malformed ones are passed over.
 *
 * Return: true if anything was named.
 */
bool kh2i_rules_priority(const char *value, size_t len, struct kh2_priority *prio)
{
	const char *end = value + len;
	bool named = false;

	while (value < end) {
		const char *comma = memchr(value, ',', (size_t)(end - value));
		const char *stop = comma ? comma : end;

		while (value < stop && (*value == ' ' || *value == '\t'))
			value++;
		len = (size_t)(stop - value);
		while (len && (value[len - 1] == ' ' || value[len - 1] == '\t'))
			len--;
		if (len == 3 && !memcmp(value, "u=", 2) && value[2] >= '0' && value[2] <= '7') {
			prio->urgency = (uint8_t)(value[2] - '0');
			named = true;
		} else if ((len == 1 && *value == 'i') || (len == 4 && !memcmp(value, "i=?1", 4))) {
			prio->incremental = true;
			named = true;
		} else if (len == 4 && !memcmp(value, "i=?0", 4)) {
			prio->incremental = false;
			named = true;
		}
		value = comma ? comma + 1 : end;
	}
	return named;
}
