// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The limit of the benchmark: sendfile() over TCP or kTLS with no HTTP, and a client to read it.
 *
 *	raw serve PORT FILE [CERT KEY]
 *	raw get PORT TLS TURNS BODIES SIZE
 *
 * The client sends one message a turn, which asks for BODIES of SIZE octets; the server calls
 * sendfile() once for each body.
 */
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#define CIPHER "TLS_AES_128_GCM_SHA256"

struct turn {
	uint32_t bodies;
	uint32_t size;
};

/* @ssl is NULL on plain TCP. */
struct conn {
	int fd;
	SSL *ssl;
};

static void __attribute__((noreturn)) die_tls(const char *what)
{
	ERR_print_errors_fp(stderr);
	errx(1, "%s", what);
}

static ssize_t conn_read(const struct conn *conn, void *buf, size_t len)
{
	int n;

	if (!conn->ssl)
		return read(conn->fd, buf, len);
	n = SSL_read(conn->ssl, buf, len);
	return n > 0 ? n : 0;
}

static ssize_t conn_write(const struct conn *conn, const void *buf, size_t len)
{
	return conn->ssl ? SSL_write(conn->ssl, buf, len) : write(conn->fd, buf, len);
}

static SSL_CTX *tls_context(const SSL_METHOD *method)
{
	SSL_CTX *ctx = SSL_CTX_new(method);

	if (!ctx || !SSL_CTX_set_ciphersuites(ctx, CIPHER) ||
	    !SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION))
		die_tls("TLS context");
	return ctx;
}

static SSL_CTX *server_context(const char *cert, const char *key)
{
	SSL_CTX *ctx = tls_context(TLS_server_method());

	SSL_CTX_set_options(ctx, SSL_OP_ENABLE_KTLS);
	if (SSL_CTX_use_certificate_file(ctx, cert, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		die_tls("certificate");
	return ctx;
}

static SSL *tls_over(SSL_CTX *ctx, int fd)
{
	SSL *ssl = SSL_new(ctx);

	if (!ssl || !SSL_set_fd(ssl, fd))
		die_tls("TLS connection");
	return ssl;
}

static void send_body(const struct conn *conn, int file, size_t size)
{
	off_t offset = 0;

	while ((size_t)offset < size)
		if (sendfile(conn->fd, file, &offset, size - offset) <= 0)
			err(1, "sendfile");
}

static void serve_one(int fd, int file, SSL_CTX *ctx)
{
	struct conn conn = { .fd = fd };
	struct turn turn;

	if (ctx) {
		conn.ssl = tls_over(ctx, fd);
		if (SSL_accept(conn.ssl) != 1)
			die_tls("handshake");
		if (!BIO_get_ktls_send(SSL_get_wbio(conn.ssl)))
			errx(1, "no kTLS");
	}
	while (conn_read(&conn, &turn, sizeof(turn)) == sizeof(turn))
		while (turn.bodies--)
			send_body(&conn, file, turn.size);
	SSL_free(conn.ssl);
	close(fd);
}

static int serve(int port, const char *path, SSL_CTX *ctx)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };
	int sock = socket(AF_INET, SOCK_STREAM, 0);
	int file = open(path, O_RDONLY);
	int fd, on = 1;

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (file < 0)
		err(1, "%s", path);
	setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (bind(sock, (struct sockaddr *)&addr, sizeof(addr)) || listen(sock, 8))
		err(1, "port %d", port);
	while ((fd = accept(sock, NULL, NULL)) >= 0)
		serve_one(fd, file, ctx);
	err(1, "accept");
}

static void read_bodies(const struct conn *conn, size_t left)
{
	static char buf[65536];
	ssize_t n;

	for (; left; left -= n) {
		n = conn_read(conn, buf, left < sizeof(buf) ? left : sizeof(buf));
		if (n <= 0)
			errx(1, "connection lost");
	}
}

static int get(int port, int tls, unsigned long turns, struct turn turn)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct conn conn = { .fd = socket(AF_INET, SOCK_STREAM, 0) };
	int on = 1;

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(conn.fd, (struct sockaddr *)&addr, sizeof(addr)))
		err(1, "connect");
	setsockopt(conn.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (tls) {
		conn.ssl = tls_over(tls_context(TLS_client_method()), conn.fd);
		if (SSL_connect(conn.ssl) != 1)
			die_tls("handshake");
	}
	while (turns--) {
		if (conn_write(&conn, &turn, sizeof(turn)) != sizeof(turn))
			err(1, "write");
		read_bodies(&conn, (size_t)turn.bodies * turn.size);
	}
	if (conn.ssl)
		SSL_shutdown(conn.ssl);
	return 0;
}

int main(int argc, char **argv)
{
	struct turn turn;

	signal(SIGPIPE, SIG_IGN);
	if ((argc == 4 || argc == 6) && !strcmp(argv[1], "serve"))
		return serve(atoi(argv[2]), argv[3],
			     argc == 6 ? server_context(argv[4], argv[5]) : NULL);
	if (argc == 7 && !strcmp(argv[1], "get")) {
		turn.bodies = atoi(argv[5]);
		turn.size = atoi(argv[6]);
		return get(atoi(argv[2]), atoi(argv[3]), strtoul(argv[4], NULL, 10), turn);
	}
	errx(2, "usage: raw serve PORT FILE [CERT KEY] | raw get PORT TLS TURNS BODIES SIZE");
}
