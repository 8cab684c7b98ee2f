// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Decodes paths of strangers. openat2(2) guards the root; this guards what is hidden in it. */
#include <string.h>

#include "target.h"

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes up to the query. Returns the octets, or the negative status: 400 if malformed, or if an
 * octet NUL would come out, 414 if there are too many.
 */
static int decode(char *out, size_t room, const char *raw, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len && raw[i] != '?' && raw[i] != '#'; i++) {
		char c = raw[i];

		if (c == '%') {
			if (i + 2 >= len || hex(raw[i + 1]) < 0 || hex(raw[i + 2]) < 0)
				return -400;
			c = (char)(hex(raw[i + 1]) << 4 | hex(raw[i + 2]));
			i += 2;
		}
		if (!c)
			return -400;
		if (n == room)
			return -414;
		out[n++] = c;
	}
	return (int)n;
}

static bool visible(const char *path)
{
	static const char well_known[] = ".well-known/";
	const char *p = path;

	if (!strncmp(p, well_known, sizeof(well_known) - 1))
		p += sizeof(well_known) - 1;
	while (*p) {
		if (*p == '/' || *p == '.')
			return false;
		p += strcspn(p, "/");
		if (*p)
			p++;
	}
	return true;
}

int target_parse(struct target *t, const char *raw, size_t len)
{
	size_t room = sizeof(t->path) - sizeof(TARGET_INDEX);
	int n;

	if (!len || raw[0] != '/')
		return 400;
	n = decode(t->path, room, raw + 1, len - 1);
	if (n < 0)
		return -n;
	t->path[n] = '\0';
	if (!visible(t->path))
		return 404;
	t->is_index = !n || t->path[n - 1] == '/';
	if (t->is_index)
		memcpy(t->path + n, TARGET_INDEX, sizeof(TARGET_INDEX));
	return 0;
}
