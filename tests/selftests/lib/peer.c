// SPDX-License-Identifier: GPL-2.0
/* A peer by hand: sockets in pairs, kernel TLS with keys that both ends know, frames. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"
#include "seal.h"

#ifndef SOL_TLS
#define SOL_TLS 282
#endif

int kt_set_tls(int fd)
{
	const struct tls12_crypto_info_aes_gcm_128 *keys = &kt_keys;

	if (setsockopt(fd, SOL_TCP, TCP_ULP, "tls", sizeof("tls")) ||
	    setsockopt(fd, SOL_TLS, TLS_TX, keys, sizeof(*keys)) ||
	    setsockopt(fd, SOL_TLS, TLS_RX, keys, sizeof(*keys)))
		return -errno;
	return 0;
}

int kt_pair_small(int fds[2], bool tls, int room)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	socklen_t n = sizeof(addr);
	int err = 0, one = 1;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (void *)&addr, sizeof(addr)) || listen(listener, 1) ||
	    getsockname(listener, (void *)&addr, &n))
		return -errno;
	fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (room && setsockopt(fds[1], SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)))
		return -errno;
	if (connect(fds[1], (void *)&addr, sizeof(addr)))
		return -errno;
	fds[0] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	close(listener);
	setsockopt(fds[1], SOL_TCP, TCP_NODELAY, &one, sizeof(one));
	if (tls)
		err = kt_set_tls(fds[0]) ?: kt_set_tls(fds[1]);
	return err;
}

int kt_pair(int fds[2], bool tls)
{
	return kt_pair_small(fds, tls, 0);
}

int kt_send(int fd, const void *data, size_t n)
{
	const uint8_t *p = data;

	while (n) {
		ssize_t part = send(fd, p, n, MSG_NOSIGNAL);

		if (part < 0)
			return -errno;
		p += part;
		n -= part;
	}
	return 0;
}

int kt_send_frame(int fd, uint8_t type, uint8_t flags, uint32_t stream, const void *payload,
		  uint32_t n)
{
	uint8_t buf[9 + 65536] = {
		n >> 16, n >> 8, n, type, flags, stream >> 24, stream >> 16, stream >> 8, stream,
	};

	if (n)
		memcpy(buf + 9, payload, n);
	return kt_send(fd, buf, 9 + n);
}

int kt_send_preface(int fd)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

	return kt_send(fd, preface, sizeof(preface) - 1) ?:
	       kt_send_frame(fd, KT_SETTINGS, 0, 0, NULL, 0);
}

int kt_send_get(int fd, uint32_t stream)
{
	/* RFC 7541 appendix A: GET, http, / */
	static const uint8_t block[] = { 0x82, 0x86, 0x84 };

	return kt_send_frame(fd, KT_HEADERS, KT_END_STREAM | KT_END_HEADERS, stream, block,
			     sizeof(block));
}

int kt_send_window(int fd, uint32_t stream, uint32_t n)
{
	uint8_t inc[4] = { n >> 24, n >> 16, n >> 8, n };

	return kt_send_frame(fd, KT_WINDOW, 0, stream, inc, sizeof(inc));
}

int kt_send_record(int fd, uint8_t type, const void *data, size_t n)
{
	char control[CMSG_SPACE(1)] = { 0 };
	struct iovec iov = { .iov_base = (void *)data, .iov_len = n };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_TLS;
	cmsg->cmsg_type = TLS_SET_RECORD_TYPE;
	cmsg->cmsg_len = CMSG_LEN(1);
	*CMSG_DATA(cmsg) = type;
	return sendmsg(fd, &msg, MSG_NOSIGNAL) == (ssize_t)n ? 0 : -errno;
}

static int recv_all(int fd, uint8_t *p, size_t n, int timeout_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	while (n) {
		ssize_t part;

		if (poll(&pfd, 1, timeout_ms) <= 0)
			return -ETIMEDOUT;
		part = recv(fd, p, n, 0);
		/* kTLS reports a record that is not data as EIO */
		if (part < 0 && errno == EIO)
			return 0;
		if (part <= 0)
			return part ? -errno : 0;
		p += part;
		n -= part;
	}
	return 1;
}

int kt_recv_frame(int fd, struct kt_frame *f, int timeout_ms)
{
	uint8_t head[9];
	int ret = recv_all(fd, head, sizeof(head), timeout_ms);

	if (ret <= 0)
		return ret;
	f->len = head[0] << 16 | head[1] << 8 | head[2];
	f->type = head[3];
	f->flags = head[4];
	f->stream = (uint32_t)head[5] << 24 | head[6] << 16 | head[7] << 8 | head[8];
	if (f->len > sizeof(f->payload))
		return -EMSGSIZE;
	return f->len ? recv_all(fd, f->payload, f->len, timeout_ms) : 1;
}

int kt_await_frame(int fd, uint8_t type, struct kt_frame *f, int timeout_ms)
{
	int ret;

	do {
		ret = kt_recv_frame(fd, f, timeout_ms);
	} while (ret == 1 && f->type != type);
	return ret;
}
