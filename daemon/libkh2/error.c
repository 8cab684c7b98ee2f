// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Errors and HTTP/2 codes in words, and the library's version. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto.h"
#include "kh2.h"

#define STR2(x) #x
#define STR(x) STR2(x)

static const struct {
	int err;
	const char *words;
} errors[] = {
	{ KH2_ERR_SESSION, "session failed" },
	{ KH2_ERR_STREAM, "stream was reset" },
	{ KH2_ERR_PROTOCOL, "peer broke the protocol" },
	{ KH2_ERR_INTERNAL, "internal error" },
	{ KH2_ERR_SESSION_CLOSED, "session is closed" },
	{ KH2_ERR_STREAM_CLOSED, "stream is closed" },
	{ KH2_ERR_INVALID_HEADER, "invalid header field" },
	{ KH2_ERR_PSEUDO_NOT_ALLOWED, "pseudo-header field not allowed" },
	{ KH2_ERR_STATUS_INVALID, "invalid status" },
	{ KH2_ERR_HEADERS_SENT, "response was sent already" },
	{ KH2_ERR_HEADERS_NOT_SENT, "response was not sent yet" },
	{ KH2_ERR_TRAILERS_NOT_READY, "not the time for trailers" },
	{ KH2_ERR_NOT_CLIENT, "not a client" },
	{ KH2_ERR_NOT_SERVER, "not a server" },
	{ KH2_ERR_PING_LIMIT, "too many PINGs not acknowledged" },
	{ KH2_ERR_PING_CANCEL, "session ended before PING came back" },
	{ KH2_ERR_NOT_REGULAR_FILE, "not a regular file" },
	{ KH2_ERR_TLS, "TLS failed" },
	{ KH2_ERR_TIMEOUT, "peer took too long" },
};

static const char *const code_names[] = {
	[KH2_NO_ERROR]			= "NO_ERROR",
	[KH2_PROTOCOL_ERROR]		= "PROTOCOL_ERROR",
	[KH2_INTERNAL_ERROR]		= "INTERNAL_ERROR",
	[KH2_FLOW_CONTROL_ERROR]	= "FLOW_CONTROL_ERROR",
	[KH2_SETTINGS_TIMEOUT]		= "SETTINGS_TIMEOUT",
	[KH2_STREAM_CLOSED]		= "STREAM_CLOSED",
	[KH2_FRAME_SIZE_ERROR]		= "FRAME_SIZE_ERROR",
	[KH2_REFUSED_STREAM]		= "REFUSED_STREAM",
	[KH2_CANCEL]			= "CANCEL",
	[KH2_COMPRESSION_ERROR]		= "COMPRESSION_ERROR",
	[KH2_CONNECT_ERROR]		= "CONNECT_ERROR",
	[KH2_ENHANCE_YOUR_CALM]		= "ENHANCE_YOUR_CALM",
	[KH2_INADEQUATE_SECURITY]	= "INADEQUATE_SECURITY",
	[KH2_HTTP_1_1_REQUIRED]		= "HTTP_1_1_REQUIRED",
};

#define N_CODES (sizeof(code_names) / sizeof(*code_names))

const char *kh2_version(void)
{
	return STR(KH2_VERSION_MAJOR) "." STR(KH2_VERSION_MINOR) "." STR(KH2_VERSION_PATCH);
}

const char *kh2_strerror(int err)
{
	const char *words;

	if (!err)
		return "no error";
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (errors[i].err == err)
			return errors[i].words;
	words = err < 0 && err > -4096 ? strerrordesc_np(-err) : NULL;
	return words ? words : "unknown error";
}

const char *kh2_code_name(uint32_t code)
{
	return code < N_CODES ? code_names[code] : NULL;
}

static bool same_name(const char *s, const char *name)
{
	for (; *s && *name; s++, name++)
		if (toupper((unsigned char)*s) != *name && !(*s == '-' && *name == '_'))
			return false;
	return *s == *name;
}

int kh2_code_parse(const char *s, uint32_t *code)
{
	unsigned long v;
	char *end;

	for (uint32_t i = 0; i < N_CODES; i++) {
		if (same_name(s, code_names[i])) {
			*code = i;
			return 0;
		}
	}
	if (!isdigit((unsigned char)*s))
		return -EINVAL;
	errno = 0;
	v = strtoul(s, &end, 0);
	if (errno || *end || v > UINT32_MAX)
		return -EINVAL;
	*code = (uint32_t)v;
	return 0;
}
