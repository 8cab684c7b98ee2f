// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Priority Field Values (RFC 9218 4): a Structured Fields Dictionary (RFC 8941
 * 3.2, 4.2) of which two members are known. It is read in one pass, each octet
 * once, so that it may be in memory that somebody else writes to.
 */
#include "priority.h"

enum value_type {
	VALUE_OTHER,
	VALUE_INTEGER,
	VALUE_BOOLEAN,
};

/**
 * struct value - of a member
 * @type: enum value_type
 * @number: of an integer, as far as it fits; 0 or 1 of a boolean
 */
struct value {
	enum value_type type;
	s32 number;
};

/**
 * struct cursor - where the parser stands
 * @p: next octet to be taken
 * @end: behind the last
 * @c: the octet that is looked at; -1 at the end
 */
struct cursor {
	const u8 *p;
	const u8 *end;
	int c;
};

static int step(struct cursor *at)
{
	at->c = at->p < at->end ? *at->p++ : -1;
	return at->c;
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static bool is_lower(int c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_alpha(int c)
{
	return is_lower(c | 0x20);
}

static bool is_one_of(int c, const char *set)
{
	return c > 0 && strchr(set, c);
}

static void skip(struct cursor *at, const char *set)
{
	while (is_one_of(at->c, set))
		step(at);
}

/* Returns the key if it is of one letter, 0 for a longer one, -1 for none. */
static int read_key(struct cursor *at)
{
	int key = at->c;

	if (!is_lower(key) && key != '*')
		return -1;
	for (step(at); is_lower(at->c) || is_digit(at->c) || is_one_of(at->c, "_-.*"); step(at))
		key = 0;
	return key;
}

/* RFC 8941 4.2.4: at most 15 digits, or 12 and 3 behind the point */
static bool read_number(struct cursor *at, struct value *v)
{
	bool minus = at->c == '-';
	u32 n = 0, whole = 0, part = 0;

	if (minus)
		step(at);
	for (; is_digit(at->c); step(at), whole++)
		n = n > 99999 ? n : 10 * n + (u32)(at->c - '0');
	if (!whole || whole > 15)
		return false;
	v->number = minus ? -(s32)n : (s32)n;
	v->type = VALUE_INTEGER;
	if (at->c != '.')
		return true;
	v->type = VALUE_OTHER;
	while (is_digit(step(at)))
		part++;
	return whole <= 12 && part && part <= 3;
}

static bool read_string(struct cursor *at)
{
	while (step(at) != '"') {
		if (at->c == '\\' && !is_one_of(step(at), "\"\\"))
			return false;
		if (at->c < 0x20 || at->c > 0x7e)
			return false;
	}
	step(at);
	return true;
}

static bool read_bytes(struct cursor *at)
{
	while (step(at) != ':')
		if (!is_alpha(at->c) && !is_digit(at->c) && !is_one_of(at->c, "+/="))
			return false;
	step(at);
	return true;
}

static bool read_token(struct cursor *at)
{
	while (is_alpha(at->c) || is_digit(at->c) || is_one_of(at->c, "!#$%&'*+-.^_`|~:/"))
		step(at);
	return true;
}

static bool read_boolean(struct cursor *at, struct value *v)
{
	int c = step(at);

	if (c != '0' && c != '1')
		return false;
	v->type = VALUE_BOOLEAN;
	v->number = c - '0';
	step(at);
	return true;
}

static bool read_bare_item(struct cursor *at, struct value *v)
{
	v->type = VALUE_OTHER;
	v->number = 0;
	if (is_digit(at->c) || at->c == '-')
		return read_number(at, v);
	if (is_alpha(at->c) || at->c == '*')
		return read_token(at);
	switch (at->c) {
	case '"':
		return read_string(at);
	case ':':
		return read_bytes(at);
	case '?':
		return read_boolean(at, v);
	}
	return false;
}

static bool read_parameters(struct cursor *at)
{
	struct value ignored;

	while (at->c == ';') {
		step(at);
		skip(at, " ");
		if (read_key(at) < 0)
			return false;
		if (at->c != '=')
			continue;
		step(at);
		if (!read_bare_item(at, &ignored))
			return false;
	}
	return true;
}

static bool read_inner_list(struct cursor *at)
{
	struct value ignored;

	for (step(at); skip(at, " "), at->c != ')';) {
		if (!read_bare_item(at, &ignored) || !read_parameters(at))
			return false;
		if (!is_one_of(at->c, " )"))
			return false;
	}
	step(at);
	return true;
}

static bool read_member(struct cursor *at, struct value *v)
{
	if (at->c == '=') {
		step(at);
		v->type = VALUE_OTHER;
		if (at->c == '(' ? !read_inner_list(at) : !read_bare_item(at, v))
			return false;
	} else {
		v->type = VALUE_BOOLEAN;
		v->number = 1;
	}
	return read_parameters(at);
}

/* RFC 9218 4: what is unknown, out of range or of another type is as if it were not there. */
static void note(struct kh2e_priority *out, int key, const struct value *v)
{
	if (key == 'u') {
		out->has_urgency = v->type == VALUE_INTEGER && v->number >= 0 &&
				   v->number < KH2E_URGENCIES;
		out->urgency = out->has_urgency ? (u8)v->number : KH2E_URGENCY_DEFAULT;
	} else if (key == 'i') {
		out->has_incremental = v->type == VALUE_BOOLEAN;
		out->incremental = out->has_incremental && v->number;
	}
}

static bool read_dictionary(struct cursor *at, struct kh2e_priority *out)
{
	struct value v;
	int key;

	step(at);
	skip(at, " ");
	while (at->c >= 0) {
		key = read_key(at);
		if (key < 0 || !read_member(at, &v))
			return false;
		note(out, key, &v);
		skip(at, " \t");
		if (at->c < 0)
			return true;
		if (at->c != ',')
			return false;
		step(at);
		skip(at, " \t");
		if (at->c < 0)
			return false;
	}
	return true;
}

/**
 * kh2e_priority_parse() - read a Priority Field Value
 * @value: its octets
 * @len: how many
 * @out: filled; the defaults where nothing is said
 *
 * Return: false if it is malformed, and then to be ignored as a whole (RFC 8941 4.2).
 */
bool kh2e_priority_parse(const void *value, size_t len, struct kh2e_priority *out)
{
	struct cursor at = { .p = value, .end = (const u8 *)value + len };

	*out = (struct kh2e_priority){ .urgency = KH2E_URGENCY_DEFAULT };
	if (read_dictionary(&at, out))
		return true;
	*out = (struct kh2e_priority){ .urgency = KH2E_URGENCY_DEFAULT };
	return false;
}
