// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Octets in and out of a connection of the user backend: OpenSSL, or the plain socket. */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "user.h"

/* What a failed call of OpenSSL means: -EAGAIN, 0 for an orderly end, or an error. */
static ssize_t ssl_result(struct kh2i_conn *c, int saved_errno)
{
	switch (SSL_get_error(c->ssl, 0)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_SYSCALL:
		return saved_errno ? -saved_errno : 0;
	default:
		return -EPROTO;
	}
}

/**
 * kh2i_conn_read() - read
 * @c: connection
 * @buf: where to
 * @len: octets there
 *
 * Return: octets; 0: the peer has ended; -EAGAIN: nothing now; -errno.
 */
ssize_t kh2i_conn_read(struct kh2i_conn *c, void *buf, size_t len)
{
	size_t done;
	ssize_t n;

	if (c->ssl) {
		ERR_clear_error();
		errno = 0;
		if (SSL_read_ex(c->ssl, buf, len, &done))
			return (ssize_t)done;
		return ssl_result(c, errno);
	}
	n = recv(c->watch.fd, buf, len, MSG_DONTWAIT);
	return n < 0 ? -errno : n;
}

/**
 * kh2i_conn_write() - write
 * @c: connection
 * @buf: octets; after -EAGAIN the same again
 * @len: how many, not 0
 *
 * Return: octets taken; -EAGAIN: none now; -errno.
 */
ssize_t kh2i_conn_write(struct kh2i_conn *c, const void *buf, size_t len)
{
	size_t done;
	ssize_t n;

	if (c->ssl) {
		ERR_clear_error();
		errno = 0;
		if (SSL_write_ex(c->ssl, buf, len, &done))
			return (ssize_t)done;
		n = ssl_result(c, errno);
		return n ? n : -EPIPE;
	}
	n = send(c->watch.fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	return n < 0 ? -errno : n;
}

/**
 * kh2i_conn_shutdown() - nothing more will be written
 * @c: connection
 */
void kh2i_conn_shutdown(struct kh2i_conn *c)
{
	if (c->ssl) {
		ERR_clear_error();
		SSL_shutdown(c->ssl);
	}
	shutdown(c->watch.fd, SHUT_WR);
}
