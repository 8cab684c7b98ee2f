// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Lines in the combined format and three columns more; what the peer wrote is made harmless. */
#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "access_log.h"

/* Longest line: four fields of the peer, cut to FIELD_MAX and each octet escaped. */
#define FIELD_MAX	512
#define LINE_SIZE	12288

struct line {
	size_t len;
	char buf[LINE_SIZE];
};

static void put(struct line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void put(struct line *l, const char *fmt, ...)
{
	size_t room = sizeof(l->buf) - l->len;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(l->buf + l->len, room, fmt, args);
	va_end(args);
	if (n > 0)
		l->len += (size_t)n < room ? (size_t)n : room - 1;
}

/* What is not printable ASCII, and what could end the quotes, becomes \xHH. */
static void put_escaped(struct line *l, const char *text, size_t len)
{
	for (size_t i = 0; i < len && i < FIELD_MAX; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
			put(l, "\\x%02X", c);
		else
			put(l, "%c", c);
	}
	if (len > FIELD_MAX)
		put(l, "...");
}

static void put_field(struct line *l, const struct kh2_headers *h, const char *name)
{
	size_t len = 0;
	const char *value = h ? kh2_headers_get(h, name, &len) : NULL;

	if (value)
		put_escaped(l, value, len);
	else
		put(l, "-");
}

static void put_peer(struct line *l, const struct kh2_session *s)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	char host[64];

	if (s && !kh2_session_peer_addr(s, &sa, &len) &&
	    !getnameinfo((struct sockaddr *)&sa, len, host, sizeof(host), NULL, 0,
			 NI_NUMERICHOST))
		put(l, "%s", strncmp(host, "::ffff:", 7) ? host : host + 7);
	else
		put(l, "-");
}

static void put_time(struct line *l)
{
	char text[40] = "-";
	time_t now = time(NULL);
	struct tm tm;

	if (localtime_r(&now, &tm))
		strftime(text, sizeof(text), "%d/%b/%Y:%H:%M:%S %z", &tm);
	put(l, " - - [%s] ", text);
}

static void put_end(struct line *l, const struct access_entry *e)
{
	const char *code = e->rst_code ? kh2_code_name(e->rst_code) : "ok";
	const char *backend = "-";

	if (e->session)
		backend = kh2_session_backend(e->session, NULL) == KH2_BACKEND_KERNEL ?
			"kernel" : "user";
	put(l, " %llu.%06llu %s ", (unsigned long long)(e->duration_ns / 1000000000),
	    (unsigned long long)(e->duration_ns % 1000000000 / 1000), backend);
	if (code)
		put(l, "%s\n", code);
	else
		put(l, "0x%x\n", e->rst_code);
}

void access_log_add(struct access_log *log, const struct access_entry *e)
{
	const struct kh2_headers *h = kh2_stream_headers(e->st);
	struct line l;

	l.len = 0;
	put_peer(&l, e->session);
	put_time(&l);
	put(&l, "\"");
	put_field(&l, h, ":method");
	put(&l, " ");
	put_field(&l, h, ":path");
	put(&l, " HTTP/2.0\" %d %llu \"", e->status, (unsigned long long)e->bytes);
	put_field(&l, h, "referer");
	put(&l, "\" \"");
	put_field(&l, h, "user-agent");
	put(&l, "\"");
	put_end(&l, e);

	if (log->len + l.len > sizeof(log->buf))
		access_log_flush(log);
	memcpy(log->buf + log->len, l.buf, l.len);
	log->len += l.len;
}

void access_log_flush(struct access_log *log)
{
	size_t done = 0;
	ssize_t n;

	while (done < log->len) {
		n = write(log->fd, log->buf + done, log->len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;		/* full disk or closed pipe: serving goes on */
		done += (size_t)n;
	}
	log->len = 0;
}
