// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Names from the lists of the uapi headers. */
#include <linux/kh2_counters.h>
#include <linux/kh2_limits.h>
#include <linux/kh2_nl.h>
#include <linux/tls.h>

#include "names.h"

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

#define COUNTER_NAME(NAME, name, meaning) #name,
#define LIMIT_NAME(NAME, name, def, min, max, meaning) #name,

static const char *pick(const char *const *names, size_t n, size_t i)
{
	return i < n ? names[i] : NULL;
}

static const char *pick_or_unknown(const char *const *names, size_t n, size_t i)
{
	const char *name = pick(names, n, i);

	return name ? name : "unknown";
}

const char *counter_name(size_t id)
{
	static const char *const names[] = { KH2_COUNTERS(COUNTER_NAME) };

	return pick(names, COUNT(names), id);
}

const char *limit_name(uint32_t id)
{
	static const char *const names[] = { KH2_LIMITS(LIMIT_NAME) };

	return pick(names, COUNT(names), id);
}

const char *role_name(uint32_t role)
{
	static const char *const names[] = {
		[KH2_ROLE_SERVER] = "server",
		[KH2_ROLE_CLIENT] = "client",
	};

	return pick_or_unknown(names, COUNT(names), role);
}

const char *phase_name(uint32_t phase)
{
	static const char *const names[] = {
		[KH2_SESSION_PHASE_OPEN] = "open",
		[KH2_SESSION_PHASE_DRAINING] = "draining",
		[KH2_SESSION_PHASE_DONE] = "done",
	};

	return pick_or_unknown(names, COUNT(names), phase);
}

const char *padding_name(uint32_t padding)
{
	static const char *const names[] = {
		[KH2_PADDING_NONE] = "none",
		[KH2_PADDING_MAX] = "max",
		[KH2_PADDING_ALIGNED] = "aligned",
	};

	return pick_or_unknown(names, COUNT(names), padding);
}

const char *stream_state_name(uint32_t state)
{
	static const char *const names[] = {
		[1] = "idle",
		[2] = "open",
		[3] = "reserved-local",
		[4] = "reserved-remote",
		[5] = "half-closed-local",
		[6] = "half-closed-remote",
		[7] = "closed",
	};

	return pick_or_unknown(names, COUNT(names), state);
}

const char *tls_version_name(uint32_t version)
{
	switch (version) {
	case 0:				return NULL;
	case TLS_1_2_VERSION:		return "TLSv1.2";
	case TLS_1_3_VERSION:		return "TLSv1.3";
	default:			return "unknown";
	}
}

const char *tls_cipher_name(uint32_t cipher)
{
	switch (cipher) {
	case TLS_CIPHER_AES_GCM_128:		return "AES-128-GCM";
	case TLS_CIPHER_AES_GCM_256:		return "AES-256-GCM";
	case TLS_CIPHER_AES_CCM_128:		return "AES-128-CCM";
	case TLS_CIPHER_CHACHA20_POLY1305:	return "CHACHA20-POLY1305";
	default:				return "unknown";
	}
}

const char *setting_name(uint16_t attr)
{
	static const char *const names[] = {
		[KH2_A_VALUES_HEADER_TABLE_SIZE] = "header_table_size",
		[KH2_A_VALUES_ENABLE_PUSH] = "enable_push",
		[KH2_A_VALUES_MAX_CONCURRENT_STREAMS] = "max_concurrent_streams",
		[KH2_A_VALUES_INITIAL_WINDOW_SIZE] = "initial_window_size",
		[KH2_A_VALUES_MAX_FRAME_SIZE] = "max_frame_size",
		[KH2_A_VALUES_MAX_HEADER_LIST_SIZE] = "max_header_list_size",
		[KH2_A_VALUES_ENABLE_CONNECT_PROTOCOL] = "enable_connect_protocol",
		[KH2_A_VALUES_NO_RFC7540_PRIORITIES] = "no_rfc7540_priorities",
	};

	return pick(names, COUNT(names), attr);
}
