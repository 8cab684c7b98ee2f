/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The access log: one line a request. */
#ifndef KH2D_ACCESS_LOG_H
#define KH2D_ACCESS_LOG_H

#include <stdint.h>
#include <kh2.h>

/**
 * struct access_log - one worker's lines that wait to be written
 * @fd: the file, shared by the workers; append only; -1: no log
 * @len: octets in @buf, whole lines
 * @buf: lines
 */
struct access_log {
	int fd;
	size_t len;
	char buf[32768];
};

/**
 * struct access_entry - a request that has ended
 * @st: its stream
 * @session: its session, or NULL
 * @status: of the answer
 * @rst_code: how the stream ended; 0: well
 * @bytes: octets of the answer's body
 * @duration_ns: from the request to the end of the stream
 */
struct access_entry {
	const struct kh2_stream *st;
	const struct kh2_session *session;
	int status;
	uint32_t rst_code;
	uint64_t bytes;
	uint64_t duration_ns;
};

/* Adds a line; the lines before it may be written to make room. */
void access_log_add(struct access_log *log, const struct access_entry *entry);

/* Writes what waits. */
void access_log_flush(struct access_log *log);

#endif /* KH2D_ACCESS_LOG_H */
