// SPDX-License-Identifier: GPL-2.0 OR MIT
/* One way to show what netlink says, for people and for programs. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <kh2.h>

#include "cli.h"
#include "fields.h"
#include "json.h"
#include "names.h"
#include "nl.h"

#define UNLIMITED	0xffffffffU
#define VALUE_COLUMN	28	/* as text; no name reaches it, at any depth */

/* Of lines: members of a member stand below its name, further in. */
static int indent = 2;

static void put_name(const char *name)
{
	printf("%*s%-*s", indent, "", VALUE_COLUMN - indent, name);
}

void members_begin(const char *name)
{
	if (cli_json) {
		json_object_begin(name);
		return;
	}
	printf("%*s%s\n", indent, "", name);
	indent += 2;
}

void members_end(void)
{
	if (cli_json)
		json_object_end();
	else
		indent -= 2;
}

/* Names of processes and labels come from others: nothing of them may steer a terminal. */
static void put_clean(const char *s)
{
	for (; *s; s++)
		putchar((unsigned char)*s < 0x20 || (unsigned char)*s >= 0x7f ? '?' : *s);
}

static void show_string(const char *name, const char *value)
{
	if (cli_json) {
		json_string(name, value);
		return;
	}
	put_name(name);
	put_clean(value);
	putchar('\n');
}

static void show_uint(const char *name, uint64_t value)
{
	if (cli_json) {
		json_uint(name, value);
		return;
	}
	put_name(name);
	printf("%llu\n", (unsigned long long)value);
}

static void show_int(const char *name, int32_t value)
{
	if (cli_json) {
		json_int(name, value);
		return;
	}
	put_name(name);
	printf("%d\n", value);
}

static void show_seconds(const char *name, uint64_t ns)
{
	char key[32];

	if (cli_json) {
		snprintf(key, sizeof(key), "%s_ns", name);
		json_uint(key, ns);
		return;
	}
	put_name(name);
	printf("%llu.%06llu s\n", (unsigned long long)(ns / 1000000000),
	       (unsigned long long)(ns % 1000000000 / 1000));
}

static void show_code(const char *name, uint32_t code)
{
	const char *word = kh2_code_name(code);

	if (word)
		show_string(name, word);
	else
		show_uint(name, code);
}

const char *address_text(const struct nlattr *attr)
{
	static char text[INET6_ADDRSTRLEN + 16];
	char host[INET6_ADDRSTRLEN] = "?";
	struct sockaddr_storage sa = { 0 };
	size_t len;

	if (!attr)
		return "-";
	len = mnl_attr_get_payload_len(attr);
	memcpy(&sa, mnl_attr_get_payload(attr), len < sizeof(sa) ? len : sizeof(sa));
	if (sa.ss_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)&sa;

		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		snprintf(text, sizeof(text), "%s:%u", host, ntohs(in->sin_port));
	} else if (sa.ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)&sa;

		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
			snprintf(text, sizeof(text), "%s:%u", host + 7, ntohs(in6->sin6_port));
		else
			snprintf(text, sizeof(text), "[%s]:%u", host, ntohs(in6->sin6_port));
	} else {
		return "-";
	}
	return text;
}

static void show_values(const char *name, const struct nlattr *nest)
{
	const struct nlattr *attrs[KH2_A_VALUES_MAX + 1];

	nl_parse_nested(nest, attrs, KH2_A_VALUES_MAX);
	members_begin(name);
	for (uint16_t i = 1; i <= KH2_A_VALUES_MAX; i++) {
		if (!attrs[i])
			continue;
		if (nl_u32(attrs[i]) != UNLIMITED)
			show_uint(setting_name(i), nl_u32(attrs[i]));
		else if (cli_json)
			json_null(setting_name(i));
		else
			show_string(setting_name(i), "unlimited");
	}
	members_end();
}

uint64_t counter_value(const struct nlattr *attr, size_t id)
{
	const unsigned char *data;
	uint64_t value = 0;

	if (!attr || mnl_attr_get_payload_len(attr) < (id + 1) * sizeof(value))
		return 0;
	data = mnl_attr_get_payload(attr);
	memcpy(&value, data + id * sizeof(value), sizeof(value));
	return value;
}

void counters_show(const struct nlattr *attr, bool all)
{
	size_t n = mnl_attr_get_payload_len(attr) / sizeof(uint64_t);

	for (size_t id = 0; id < n && counter_name(id); id++)
		if (all || counter_value(attr, id))
			show_uint(counter_name(id), counter_value(attr, id));
}

static void show_counters(const char *name, const struct nlattr *attr)
{
	members_begin(name);
	counters_show(attr, cli_json);
	members_end();
}

static void show_limits(const char *name, const struct nlattr *attr)
{
	const unsigned char *data = mnl_attr_get_payload(attr);
	struct kh2_limit_value limit;
	size_t n = mnl_attr_get_payload_len(attr) / sizeof(limit);

	members_begin(name);
	for (size_t i = 0; i < n; i++) {
		memcpy(&limit, data + i * sizeof(limit), sizeof(limit));
		if (limit_name(limit.id))
			show_uint(limit_name(limit.id), limit.value);
	}
	members_end();
}

static void show_text(const char *name, const struct nlattr *attr)
{
	char text[256];

	snprintf(text, sizeof(text), "%.*s", (int)mnl_attr_get_payload_len(attr),
		 (const char *)mnl_attr_get_payload(attr));
	show_string(name, text);
}

static void show(const struct field *f, const struct nlattr *attr)
{
	const char *word;

	switch (f->kind) {
	case FIELD_U32:
	case FIELD_U64:
		return show_uint(f->name, nl_u64(attr));
	case FIELD_S32:
		return show_int(f->name, (int32_t)nl_u32(attr));
	case FIELD_STRING:
		return show_text(f->name, attr);
	case FIELD_ADDRESS:
		return show_string(f->name, address_text(attr));
	case FIELD_NAME:
		word = f->word(nl_u32(attr));
		return show_string(f->name, word ? word : "-");
	case FIELD_CODE:
		return show_code(f->name, nl_u32(attr));
	case FIELD_ERRNO:
		return show_string(f->name, nl_u32(attr) ? strerror((int)nl_u32(attr)) : "none");
	case FIELD_SECONDS:
		return show_seconds(f->name, nl_u64(attr));
	case FIELD_VALUES:
		return show_values(f->name, attr);
	case FIELD_COUNTERS:
		return show_counters(f->name, attr);
	case FIELD_LIMITS:
		return show_limits(f->name, attr);
	}
}

void fields_show(const struct field *list, const struct nlattr **attrs)
{
	for (; list->name; list++)
		if (attrs[list->attr])
			show(list, attrs[list->attr]);
}
