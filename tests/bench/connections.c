// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Connections that are open and idle: makes them, has each answer one request, and keeps them.
 *
 *	connections open PORT TLS NUMBER PATH
 *	connections accept PORT
 *
 * "open" prints "ready" when all stand, and stays until its input ends. What TLS keeps in this
 * process is freed: its socket is all that a connection costs the client. "accept" takes
 * connections, reads what each sends first, and does no more: what the sockets alone cost.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#define CIPHER "TLS_AES_128_GCM_SHA256"
#define SOURCES 8	/* addresses that connections come from, 127.0.0.2 and on */
#define FRAME_HEAD 9

enum { DATA = 0, HEADERS = 1, SETTINGS = 4 };
enum { END_STREAM = 1, ACK = 1 };

static const uint8_t preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
static const uint8_t settings_ack[FRAME_HEAD] = { 0, 0, 0, SETTINGS, ACK };

/* @ssl is NULL on plain TCP. */
struct conn {
	int fd;
	SSL *ssl;
};

static void die(const char *what)
{
	ERR_print_errors_fp(stderr);
	err(1, "%s", what);
}

static void conn_write(const struct conn *conn, const void *buf, size_t len)
{
	ssize_t n = conn->ssl ? SSL_write(conn->ssl, buf, len) : write(conn->fd, buf, len);

	if (n != (ssize_t)len)
		die("write");
}

static void conn_read(const struct conn *conn, uint8_t *buf, size_t len)
{
	while (len) {
		ssize_t n = conn->ssl ? SSL_read(conn->ssl, buf, len) : read(conn->fd, buf, len);

		if (n <= 0)
			die("read");
		buf += n;
		len -= n;
	}
}

/* GET, with fields that go into the server's table as a browser's do (RFC 7541 6.2.1). */
static size_t put_request(uint8_t *out, const char *path, bool tls)
{
	size_t n = strlen(path), len = 4 + n + 11;
	uint8_t *p = out;

	*p++ = len >> 16;
	*p++ = len >> 8;
	*p++ = len;
	memcpy(p, "\1\5\0\0\0\1", 6);
	p += 6;
	*p++ = 0x82;
	*p++ = tls ? 0x87 : 0x86;
	*p++ = 0x44;
	*p++ = n;
	p = mempcpy(p, path, n);
	p = mempcpy(p, "\x41\x09localhost", 11);
	return p - out;
}

/* Until the answer has ended and SETTINGS were acknowledged both ways. */
static void read_answer(const struct conn *conn)
{
	bool ended = false, settings = false, acked = false;
	static uint8_t payload[1 << 16];
	uint8_t head[FRAME_HEAD];

	while (!ended || !settings || !acked) {
		size_t len;

		conn_read(conn, head, sizeof(head));
		len = head[0] << 16 | head[1] << 8 | head[2];
		if (len > sizeof(payload))
			errx(1, "a frame of %zu octets", len);
		conn_read(conn, payload, len);
		if (head[3] == SETTINGS && head[4] & ACK) {
			acked = true;
		} else if (head[3] == SETTINGS) {
			settings = true;
			conn_write(conn, settings_ack, sizeof(settings_ack));
		} else if (head[3] == DATA || head[3] == HEADERS) {
			ended = ended || head[4] & END_STREAM;
		}
	}
}

static SSL *handshake(SSL_CTX *ctx, int fd)
{
	SSL *ssl = SSL_new(ctx);

	if (!ssl || !SSL_set_fd(ssl, fd) ||
	    SSL_set_alpn_protos(ssl, (const uint8_t *)"\2h2", 3) || SSL_connect(ssl) != 1)
		die("TLS");
	return ssl;
}

static int open_one(int port, unsigned int number, SSL_CTX *ctx, const char *path)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	const struct linger reset = { .l_onoff = 1 };
	struct conn conn = { .fd = socket(AF_INET, SOCK_STREAM, 0) };
	uint8_t request[512];
	int on = 1;

	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + number % SOURCES);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(conn.fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (conn.fd < 0 || bind(conn.fd, (struct sockaddr *)&from, sizeof(from)) ||
	    connect(conn.fd, (struct sockaddr *)&to, sizeof(to)))
		die("connect");
	setsockopt(conn.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	/* No TIME_WAIT is to be left for the next who is measured. */
	setsockopt(conn.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (ctx)
		conn.ssl = handshake(ctx, conn.fd);
	conn_write(&conn, preface, sizeof(preface) - 1);
	if (path) {
		conn_write(&conn, request, put_request(request, path, ctx));
		read_answer(&conn);
	}
	SSL_free(conn.ssl);
	return conn.fd;
}

static void open_all(int port, bool tls, unsigned int n, const char *path)
{
	SSL_CTX *ctx = tls ? SSL_CTX_new(TLS_client_method()) : NULL;
	struct pollfd *fds = calloc(n + 1, sizeof(*fds));

	if (tls && (!ctx || !SSL_CTX_set_ciphersuites(ctx, CIPHER) ||
		    !SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION)))
		die("TLS context");
	for (unsigned int i = 0; i < n; i++) {
		fds[i].fd = open_one(port, i, ctx, *path ? path : NULL);
		fds[i].events = POLLRDHUP;
	}
	if (write(1, "ready\n", 6) != 6)
		exit(1);
	fds[n] = (struct pollfd){ .events = POLLIN };
	poll(fds, n + 1, -1);
	for (unsigned int i = 0; i < n; i++)
		if (fds[i].revents)
			errx(1, "connection %u of %u was ended by the server", i, n);
}

static void accept_all(int port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };
	int sock = socket(AF_INET, SOCK_STREAM, 0), epoll = epoll_create1(0), on = 1, fd;
	struct epoll_event ev = { .events = EPOLLIN };
	char buf[256];

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(sock, (struct sockaddr *)&addr, sizeof(addr)) || listen(sock, 128))
		err(1, "port %d", port);
	while ((fd = accept(sock, NULL, NULL)) >= 0) {
		if (read(fd, buf, sizeof(buf)) <= 0)
			errx(1, "a connection that sends nothing");
		/* All servers wait for theirs so. */
		epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev);
	}
	err(1, "accept");
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (argc == 6 && !strcmp(argv[1], "open"))
		open_all(atoi(argv[2]), atoi(argv[3]), atoi(argv[4]), argv[5]);
	else if (argc == 3 && !strcmp(argv[1], "accept"))
		accept_all(atoi(argv[2]));
	else
		errx(2, "usage: connections open PORT TLS NUMBER PATH | accept PORT");
	return 0;
}
