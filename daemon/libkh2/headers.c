// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Lists of fields: what users fill and what they are given. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "headers.h"
#include "rules.h"

struct kh2i_chunk {
	struct kh2i_chunk *next;
	char octets[];
};

int kh2_headers_new(struct kh2_headers **out)
{
	struct kh2_headers *h = malloc(sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->nv = h->nv0;
	h->n = 0;
	h->cap = KH2I_HEADERS_NV;
	h->pos = 0;
	h->room = KH2I_HEADERS_BUF;
	h->buf = h->buf0;
	h->chunks = NULL;
	*out = h;
	return 0;
}

void kh2_headers_free(struct kh2_headers *h)
{
	struct kh2i_chunk *chunk;

	if (!h)
		return;
	while ((chunk = h->chunks)) {
		h->chunks = chunk->next;
		free(chunk);
	}
	if (h->nv != h->nv0)
		free(h->nv);
	free(h);
}

static char *take_room(struct kh2_headers *h, size_t len)
{
	char *p;

	if (h->room - h->pos < len) {
		size_t room = len > KH2I_HEADERS_CHUNK ? len : KH2I_HEADERS_CHUNK;
		struct kh2i_chunk *chunk = malloc(sizeof(*chunk) + room);

		if (!chunk)
			return NULL;
		chunk->next = h->chunks;
		h->chunks = chunk;
		h->buf = chunk->octets;
		h->room = room;
		h->pos = 0;
	}
	p = h->buf + h->pos;
	h->pos += len;
	return p;
}

static int grow(struct kh2_headers *h)
{
	struct kh2_nv *nv;

	if (h->n < h->cap)
		return 0;
	nv = malloc(2 * h->cap * sizeof(*nv));
	if (!nv)
		return -ENOMEM;
	memcpy(nv, h->nv, h->n * sizeof(*nv));
	if (h->nv != h->nv0)
		free(h->nv);
	h->nv = nv;
	h->cap *= 2;
	return 0;
}

int kh2i_headers_append(struct kh2_headers *h, const struct kh2_nv *nv)
{
	char *p;

	if (grow(h))
		return -ENOMEM;
	p = take_room(h, nv->name_len + nv->value_len + 2);
	if (!p)
		return -ENOMEM;
	h->nv[h->n] = *nv;
	h->nv[h->n].name = p;
	memcpy(p, nv->name, nv->name_len);
	p += nv->name_len;
	*p++ = '\0';
	h->nv[h->n].value = p;
	if (nv->value_len)
		memcpy(p, nv->value, nv->value_len);
	p[nv->value_len] = '\0';
	h->n++;
	return 0;
}

int kh2_headers_copy(struct kh2_headers **copy, const struct kh2_headers *h)
{
	struct kh2_headers *c;

	if (kh2_headers_new(&c))
		return -ENOMEM;
	for (size_t i = 0; i < h->n; i++) {
		if (kh2i_headers_append(c, &h->nv[i])) {
			kh2_headers_free(c);
			return -ENOMEM;
		}
	}
	*copy = c;
	return 0;
}

static void lower(char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] >= 'A' && p[i] <= 'Z')
			p[i] += 'a' - 'A';
}

int kh2_headers_add_nv(struct kh2_headers *h, const struct kh2_nv *nv)
{
	size_t pos = h->pos, n = h->n;
	struct kh2_nv *added;
	int err;

	if (nv->flags & ~KH2_NV_NEVER_INDEX)
		return -EINVAL;
	err = kh2i_headers_append(h, nv);
	if (err)
		return err;
	added = &h->nv[n];
	lower((char *)added->name, added->name_len);
	err = kh2i_rules_field_to_send(added);
	if (err) {
		h->n = n;
		if (h->pos > pos)
			h->pos = pos;
	}
	return err;
}

int kh2_headers_add(struct kh2_headers *h, const char *name, const char *value)
{
	struct kh2_nv nv = {
		.name = name,
		.value = value,
		.name_len = strlen(name),
		.value_len = strlen(value),
	};

	return kh2_headers_add_nv(h, &nv);
}

int kh2_headers_add_int(struct kh2_headers *h, const char *name, int64_t value)
{
	uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
	struct kh2_nv nv = { .name = name, .name_len = strlen(name) };
	char s[20], *p = s + sizeof(s);

	do {
		*--p = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (value < 0)
		*--p = '-';
	nv.value = p;
	nv.value_len = (size_t)(s + sizeof(s) - p);
	return kh2_headers_add_nv(h, &nv);
}

/* Names in lists are in lower case. */
static bool is_named(const struct kh2_nv *nv, const char *name, size_t len)
{
	if (nv->name_len != len)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = name[i];

		if (c >= 'A' && c <= 'Z')
			c += 'a' - 'A';
		if (c != nv->name[i])
			return false;
	}
	return true;
}

int kh2_headers_remove(struct kh2_headers *h, const char *name)
{
	size_t kept = 0, len = strlen(name), n = h->n;

	for (size_t i = 0; i < n; i++)
		if (!is_named(&h->nv[i], name, len))
			h->nv[kept++] = h->nv[i];
	h->n = kept;
	return (int)(n - kept);
}

int kh2_headers_set(struct kh2_headers *h, const char *name, const char *value)
{
	size_t n = h->n;
	struct kh2_nv nv;
	int err = kh2_headers_add(h, name, value);

	if (err)
		return err;
	nv = h->nv[n];
	h->n = n;
	kh2_headers_remove(h, nv.name);
	h->nv[h->n++] = nv;
	return 0;
}

const char *kh2_headers_get(const struct kh2_headers *h, const char *name, size_t *len)
{
	size_t name_len = strlen(name);

	for (size_t i = 0; i < h->n; i++) {
		if (!is_named(&h->nv[i], name, name_len))
			continue;
		if (len)
			*len = h->nv[i].value_len;
		return h->nv[i].value;
	}
	return NULL;
}

bool kh2_headers_next(const struct kh2_headers *h, const char *name, size_t *i,
		      struct kh2_nv *nv)
{
	size_t len = name ? strlen(name) : 0;

	while (*i < h->n) {
		const struct kh2_nv *at = &h->nv[(*i)++];

		if (name && !is_named(at, name, len))
			continue;
		*nv = *at;
		return true;
	}
	return false;
}

const struct kh2_nv *kh2_headers_raw(const struct kh2_headers *h, size_t *n)
{
	*n = h->n;
	return h->nv;
}
