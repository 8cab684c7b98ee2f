// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Which fields a message may have: RFC 9113 8.2 and 8.3, RFC 8441 4, RFC 9218 4. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "headers.h"
#include "priority.h"
#include "rules.h"

enum pseudo { METHOD, SCHEME, AUTHORITY, PATH, PROTOCOL, N_PSEUDO };

/**
 * struct found - fields of a request that rules are about, NULL: absent
 * @pseudo: pseudo-header fields
 * @host: the first
 * @hosts: how many
 */
struct found {
	const struct kh2_nv *pseudo[N_PSEUDO];
	const struct kh2_nv *host;
	int hosts;
};

/* What an octet may be part of; TAB and SP are not allowed at the ends of a value. */
enum {
	NAME	= 1 << 0,	/* a field's name: a token without capitals */
	TOKEN	= 1 << 1,
	VALUE	= 1 << 2,
	EDGE	= 1 << 3,	/* first or last of a value */
};

#define V	(VALUE | EDGE)

/* RFC 9110 5.6.2, RFC 9113 8.2.1 */
static const unsigned char classes[256] = {
	[0x01 ... 0x08] = V, ['\t'] = VALUE, [0x0b ... 0x0c] = V, [0x0e ... 0x1f] = V,
	[' '] = VALUE,
	['!'] = V | NAME | TOKEN, ['"'] = V, ['#' ... '\''] = V | NAME | TOKEN,
	['(' ... ')'] = V, ['*' ... '+'] = V | NAME | TOKEN, [','] = V,
	['-' ... '.'] = V | NAME | TOKEN, ['/'] = V, ['0' ... '9'] = V | NAME | TOKEN,
	[':' ... '@'] = V, ['A' ... 'Z'] = V | TOKEN, ['[' ... ']'] = V,
	['^' ... 'z'] = V | NAME | TOKEN, ['{'] = V, ['|'] = V | NAME | TOKEN, ['}'] = V,
	['~'] = V | NAME | TOKEN, [0x7f ... 0xff] = V,
};

#undef V

static bool all_are(const char *p, size_t len, unsigned int class)
{
	for (size_t i = 0; i < len; i++)
		if (!(classes[(unsigned char)p[i]] & class))
			return false;
	return true;
}

static bool nv_is(const struct kh2_nv *nv, const char *name)
{
	return nv->name_len == strlen(name) && !memcmp(nv->name, name, nv->name_len);
}

/* @nv may be NULL: a field that is not there has no value. */
static bool value_is(const struct kh2_nv *nv, const char *value)
{
	return nv && nv->value_len == strlen(value) && !memcmp(nv->value, value, nv->value_len);
}

static bool value_is_caseless(const struct kh2_nv *nv, const char *value)
{
	return nv->value_len == strlen(value) && !strncasecmp(nv->value, value, nv->value_len);
}

static bool name_ok(const char *p, size_t len)
{
	return len && all_are(p, len, NAME);
}

/* RFC 9113 8.2.1: the least that must be refused */
static bool value_ok(const char *p, size_t len)
{
	return !len || (all_are(p, len, VALUE) && (classes[(unsigned char)*p] & EDGE) &&
			(classes[(unsigned char)p[len - 1]] & EDGE));
}

/* RFC 9113 8.2.2 */
static bool is_connection_field(const struct kh2_nv *nv)
{
	switch (nv->name_len) {
	case 2:
		return nv_is(nv, "te") && !value_is_caseless(nv, "trailers");
	case 7:
		return nv_is(nv, "upgrade");
	case 10:
		return nv_is(nv, "connection") || nv_is(nv, "keep-alive");
	case 16:
		return nv_is(nv, "proxy-connection");
	case 17:
		return nv_is(nv, "transfer-encoding");
	default:
		return false;
	}
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

/* N_PSEUDO: none of a request. */
static enum pseudo pseudo_of(const struct kh2_nv *nv)
{
	switch (nv->name_len) {
	case 5:
		return nv_is(nv, ":path") ? PATH : N_PSEUDO;
	case 7:
		return nv_is(nv, ":method") ? METHOD : nv_is(nv, ":scheme") ? SCHEME : N_PSEUDO;
	case 9:
		return nv_is(nv, ":protocol") ? PROTOCOL : N_PSEUDO;
	case 10:
		return nv_is(nv, ":authority") ? AUTHORITY : N_PSEUDO;
	default:
		return N_PSEUDO;
	}
}

static bool is_token(const char *p, size_t len)
{
	return len && all_are(p, len, TOKEN);
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

static bool path_ok(const struct found *found)
{
	const struct kh2_nv *path = found->pseudo[PATH];

	if (!path->value_len)
		return false;
	if (!value_is_caseless(found->pseudo[SCHEME], "http") &&
	    !value_is_caseless(found->pseudo[SCHEME], "https"))
		return true;
	if (value_is(path, "*"))
		return value_is(found->pseudo[METHOD], "OPTIONS");
	return *path->value == '/';
}

/* RFC 9113 8.3.1: no user information, and Host says the same if it is there */
static bool authority_ok(const struct found *found)
{
	const struct kh2_nv *authority = found->pseudo[AUTHORITY];

	if (found->hosts > 1)
		return false;
	if (!authority)
		return true;
	if (authority->value_len && memchr(authority->value, '@', authority->value_len))
		return false;
	return !found->host || !strcasecmp(authority->value, found->host->value);
}

static bool pseudos_ok(const struct found *found, bool extended_connect, bool *connect)
{
	const struct kh2_nv *const *p = found->pseudo;
	bool is_connect;

	if (!p[METHOD] || !is_token(p[METHOD]->value, p[METHOD]->value_len))
		return false;
	is_connect = value_is(p[METHOD], "CONNECT");
	if (p[PROTOCOL]) {
		/* RFC 8441 4 */
		if (!extended_connect || !is_connect || !p[AUTHORITY])
			return false;
	} else if (is_connect) {
		/* RFC 9113 8.5 */
		*connect = true;
		return !p[SCHEME] && !p[PATH] && p[AUTHORITY] && p[AUTHORITY]->value_len;
	}
	return p[SCHEME] && p[PATH] && path_ok(found);
}

/* Fields that say more than their octets. */
static bool take_field(const struct kh2_nv *nv, struct found *found, struct kh2i_request *req)
{
	switch (nv->name_len) {
	case 4:
		if (nv_is(nv, "host") && !found->hosts++)
			found->host = nv;
		return true;
	case 8:
		if (nv_is(nv, "priority"))
			req->has_priority |= kh2i_rules_priority(nv->value, nv->value_len,
								 &req->prio);
		return true;
	case 14:
		return !nv_is(nv, "content-length") ||
		       take_content_length(nv, &req->content_length);
	default:
		return true;
	}
}

static bool fields_ok(const struct kh2_headers *h, struct found *found, struct kh2i_request *req)
{
	bool regular = false;

	for (size_t i = 0; i < h->n; i++) {
		const struct kh2_nv *nv = &h->nv[i];

		if (nv->name_len && nv->name[0] == ':') {
			enum pseudo which = pseudo_of(nv);

			if (regular || which == N_PSEUDO || found->pseudo[which] ||
			    !value_ok(nv->value, nv->value_len))
				return false;
			found->pseudo[which] = nv;
			continue;
		}
		regular = true;
		if (!field_ok(nv) || !take_field(nv, found, req))
			return false;
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
	struct found found = { 0 };

	memset(req, 0, sizeof(*req));
	req->content_length = -1;
	req->prio.urgency = 3;
	if (!fields_ok(h, &found, req) || !pseudos_ok(&found, extended_connect, &req->connect) ||
	    !authority_ok(&found))
		return KH2_ERR_PROTOCOL;
	req->head = value_is(found.pseudo[METHOD], "HEAD");
	req->tunnel = value_is(found.pseudo[METHOD], "CONNECT");
	/* what goes through a tunnel is no content (RFC 9110 9.3.6) */
	if (req->tunnel)
		req->content_length = -1;
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
 * Members that are unknown or out of range are passed over, a value that is malformed as a whole.
 *
 * Return: true if anything was named.
 */
bool kh2i_rules_priority(const char *value, size_t len, struct kh2_priority *prio)
{
	struct kh2e_priority said;

	if (!kh2e_priority_parse(value, len, &said))
		return false;
	if (said.has_urgency)
		prio->urgency = said.urgency;
	if (said.has_incremental)
		prio->incremental = said.incremental;
	return said.has_urgency || said.has_incremental;
}
