/* SPDX-License-Identifier: GPL-2.0 */
/* The other end: a connected socket, and HTTP/2 frames written and read by hand. */
#ifndef KT_PEER_H
#define KT_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KT_DATA		0x0
#define KT_HEADERS	0x1
#define KT_RST_STREAM	0x3
#define KT_SETTINGS	0x4
#define KT_PING		0x6
#define KT_GOAWAY	0x7
#define KT_WINDOW	0x8

#define KT_END_STREAM	0x1
#define KT_ACK		0x1
#define KT_END_HEADERS	0x4

struct kt_frame {
	uint32_t len;
	uint8_t type;
	uint8_t flags;
	uint32_t stream;
	uint8_t payload[65536];
};

/* Two ends of a TCP connection over loopback; with kTLS on both if @tls. */
int kt_pair(int fds[2], bool tls);
/* The same, and fds[1] has room for so many octets that it has not read. */
int kt_pair_small(int fds[2], bool tls, int room);
/* Kernel TLS on one end. */
int kt_set_tls(int fd);
int kt_send(int fd, const void *data, size_t n);
int kt_send_frame(int fd, uint8_t type, uint8_t flags, uint32_t stream, const void *payload,
		  uint32_t n);
/* Preface and empty SETTINGS. */
int kt_send_preface(int fd);
/* GET / on a stream. */
int kt_send_get(int fd, uint32_t stream);
int kt_send_window(int fd, uint32_t stream, uint32_t n);
/* A TLS record of another type than data. */
int kt_send_record(int fd, uint8_t type, const void *data, size_t n);

/* 1 and a frame, 0 at the end, negative errno. */
int kt_recv_frame(int fd, struct kt_frame *f, int timeout_ms);
/* Skips to a frame of a type. */
int kt_await_frame(int fd, uint8_t type, struct kt_frame *f, int timeout_ms);

#endif
