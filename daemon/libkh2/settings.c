// SPDX-License-Identifier: GPL-2.0 OR MIT
/* SETTINGS as users see them, as the engine takes them, and as octets. */
#include <errno.h>

#include "session.h"

static const struct {
	u16 id;
	u32 bit;
} ids[] = {
	{ KH2_SETTINGS_HEADER_TABLE_SIZE, KH2_SET_HEADER_TABLE_SIZE },
	{ KH2_SETTINGS_ENABLE_PUSH, KH2_SET_ENABLE_PUSH },
	{ KH2_SETTINGS_MAX_CONCURRENT_STREAMS, KH2_SET_MAX_CONCURRENT_STREAMS },
	{ KH2_SETTINGS_INITIAL_WINDOW_SIZE, KH2_SET_INITIAL_WINDOW_SIZE },
	{ KH2_SETTINGS_MAX_FRAME_SIZE, KH2_SET_MAX_FRAME_SIZE },
	{ KH2_SETTINGS_MAX_HEADER_LIST_SIZE, KH2_SET_MAX_HEADER_LIST_SIZE },
	{ KH2_SETTINGS_ENABLE_CONNECT_PROTOCOL, KH2_SET_ENABLE_CONNECT_PROTOCOL },
	{ KH2_SETTINGS_NO_RFC7540_PRIORITIES, KH2_SET_NO_RFC7540_PRIORITIES },
};

static u32 value_of(const struct kh2_settings *s, u16 id)
{
	switch (id) {
	case KH2_SETTINGS_HEADER_TABLE_SIZE:
		return s->header_table_size;
	case KH2_SETTINGS_ENABLE_PUSH:
		return s->enable_push;
	case KH2_SETTINGS_MAX_CONCURRENT_STREAMS:
		return s->max_concurrent_streams;
	case KH2_SETTINGS_INITIAL_WINDOW_SIZE:
		return s->initial_window_size;
	case KH2_SETTINGS_MAX_FRAME_SIZE:
		return s->max_frame_size;
	case KH2_SETTINGS_MAX_HEADER_LIST_SIZE:
		return s->max_header_list_size;
	case KH2_SETTINGS_ENABLE_CONNECT_PROTOCOL:
		return s->enable_connect_protocol;
	default:
		return s->no_rfc7540_priorities;
	}
}

static void apply_one(struct kh2_settings *s, u16 id, u32 v)
{
	switch (id) {
	case KH2_SETTINGS_HEADER_TABLE_SIZE:
		s->header_table_size = v;
		break;
	case KH2_SETTINGS_ENABLE_PUSH:
		s->enable_push = v;
		break;
	case KH2_SETTINGS_MAX_CONCURRENT_STREAMS:
		s->max_concurrent_streams = v;
		break;
	case KH2_SETTINGS_INITIAL_WINDOW_SIZE:
		s->initial_window_size = v;
		break;
	case KH2_SETTINGS_MAX_FRAME_SIZE:
		s->max_frame_size = v;
		break;
	case KH2_SETTINGS_MAX_HEADER_LIST_SIZE:
		s->max_header_list_size = v;
		break;
	case KH2_SETTINGS_ENABLE_CONNECT_PROTOCOL:
		s->enable_connect_protocol = v;
		break;
	case KH2_SETTINGS_NO_RFC7540_PRIORITIES:
		s->no_rfc7540_priorities = v;
		break;
	}
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		if (ids[i].id == id)
			s->present |= ids[i].bit;
}

/**
 * kh2i_settings_initial() - the values of RFC 9113 6.5.2 before any SETTINGS
 * @out: filled in, nothing present
 */
void kh2i_settings_initial(struct kh2_settings *out)
{
	*out = (struct kh2_settings){
		.sz = sizeof(*out),
		.header_table_size = 4096,
		.max_concurrent_streams = UINT32_MAX,
		.initial_window_size = KH2_WINDOW_INITIAL,
		.max_frame_size = KH2_FRAME_SIZE_MIN,
		.max_header_list_size = UINT32_MAX,
		.enable_push = true,
	};
}

void kh2_settings_default(struct kh2_settings *out)
{
	kh2i_settings_initial(out);
	out->max_header_list_size = 65535;
	out->present = KH2_SET_MAX_HEADER_LIST_SIZE;
}

/**
 * kh2i_settings_apply() - take over parameters, in order
 * @out: changed, and what was named becomes present
 * @v: parameters
 * @n: how many
 */
void kh2i_settings_apply(struct kh2_settings *out, const struct kh2_setting *v, u32 n)
{
	for (u32 i = 0; i < n; i++)
		apply_one(out, v[i].id, v[i].value);
}

/**
 * kh2i_settings_list() - settings as parameters
 * @s: settings
 * @v: filled with those that are present
 * @max: room in @v
 *
 * Return: how many, -ENOSPC or -ERANGE.
 */
int kh2i_settings_list(const struct kh2_settings *s, struct kh2_setting *v, u32 max)
{
	struct kh2_settings own;
	u32 n = 0;

	KH2I_OPTS_COPY(own, s);
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		if (!(own.present & ids[i].bit))
			continue;
		if (n == max)
			return -ENOSPC;
		v[n++] = (struct kh2_setting){
			.id = ids[i].id,
			.value = value_of(&own, ids[i].id),
		};
	}
	return kh2e_settings_check(v, n, KH2E_CLIENT, NULL) ? -ERANGE : (int)n;
}

ssize_t kh2_settings_pack(const struct kh2_settings *s, uint8_t *buf, size_t len)
{
	struct kh2_setting v[ARRAY_SIZE(ids)];
	int n = kh2i_settings_list(s, v, ARRAY_SIZE(ids));

	if (n < 0)
		return n;
	if (len < 6 * (size_t)n)
		return -ENOSPC;
	for (int i = 0; i < n; i++, buf += 6) {
		put_unaligned_be16(v[i].id, buf);
		put_unaligned_be32(v[i].value, buf + 2);
	}
	return 6 * n;
}

int kh2_settings_unpack(struct kh2_settings *out, const void *buf, size_t len)
{
	const u8 *p = buf;

	if (len % 6)
		return -EBADMSG;
	kh2i_settings_initial(out);
	for (; len; p += 6, len -= 6) {
		struct kh2_setting v = {
			.id = get_unaligned_be16(p),
			.value = get_unaligned_be32(p + 2),
		};

		if (kh2e_settings_check(&v, 1, KH2E_CLIENT, NULL))
			return -ERANGE;
		kh2i_settings_apply(out, &v, 1);
	}
	return 0;
}
