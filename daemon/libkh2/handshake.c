// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Connections between accept and session: TLS handshakes, bounded in number and time. */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server.h"
#include "session.h"

#define EARLY_MAX 32768

struct kh2i_handshake {
	struct list_head node;
	struct kh2_server *srv;
	struct kh2i_watch watch;
	struct kh2i_timer timer;
	u32 events;
	SSL *ssl;
};

/* Frees all but socket and TLS, which the caller has taken or closed. */
static void handshake_free(struct kh2i_handshake *hs)
{
	struct kh2_server *srv = hs->srv;

	kh2i_watch_del(srv->ctx, &hs->watch);
	kh2i_timer_exit(srv->ctx, &hs->timer);
	list_del(&hs->node);
	srv->n_handshakes--;
	free(hs);
	kh2i_server_check(srv);
}

static void drop(struct kh2i_handshake *hs)
{
	int fd = hs->watch.fd;

	SSL_free(hs->ssl);
	handshake_free(hs);
	close(fd);
}

static void timed_out(struct kh2i_timer *t)
{
	struct kh2i_handshake *hs = container_of(t, struct kh2i_handshake, timer);

	kh2i_log(hs->srv->ctx, KH2_LOG_DEBUG, "TLS handshake took too long");
	drop(hs);
}

static void close_now(struct kh2i_attach *at)
{
	if (at->ssl)
		SSL_free(at->ssl);
	close(at->fd);
}

static void begin_session(struct kh2_server *srv, struct kh2i_attach *at, const char *no_kernel,
			  bool adequate)
{
	struct kh2_session *s;
	int err = kh2i_session_new(srv, at, no_kernel, &s);

	if (err) {
		close_now(at);
		kh2i_server_error(srv, err);
	} else if (!adequate) {
		kh2i_session_fail(s, KH2_ERR_TLS, KH2_INADEQUATE_SECURITY);
	}
}

static void finish(struct kh2i_handshake *hs)
{
	struct kh2i_attach at = { .fd = hs->watch.fd, .ssl = hs->ssl };
	struct kh2_server *srv = hs->srv;
	const char *no_kernel = kh2i_tls_no_kernel(hs->ssl);
	bool adequate = kh2i_tls_is_adequate(hs->ssl);
	bool rest = false;
	u8 *early = NULL;

	if (!kh2i_tls_is_h2(hs->ssl)) {
		drop(hs);
		return;
	}
	/* the server is not to think that its last connection has gone */
	srv->n_handshakes++;
	handshake_free(hs);
	if (!*no_kernel && adequate) {
		early = malloc(EARLY_MAX);
		if (early)
			at.early_len = kh2i_tls_drain(at.ssl, early, EARLY_MAX, &rest);
		at.early = early;
		if (!early || rest)
			no_kernel = "OpenSSL had read part of a record ahead";
	}
	begin_session(srv, &at, adequate ? no_kernel : "TLS below what HTTP/2 asks for", adequate);
	free(early);
	srv->n_handshakes--;
	kh2i_server_check(srv);
}

static void want(struct kh2i_handshake *hs, u32 events)
{
	if (hs->events == events || kh2i_watch_mod(hs->srv->ctx, &hs->watch, events))
		return;
	hs->events = events;
}

static void ready(struct kh2i_watch *w, u32 events)
{
	struct kh2i_handshake *hs = container_of(w, struct kh2i_handshake, watch);
	int ret;

	(void)events;
	ERR_clear_error();
	ret = SSL_do_handshake(hs->ssl);
	if (ret == 1) {
		finish(hs);
		return;
	}
	switch (SSL_get_error(hs->ssl, ret)) {
	case SSL_ERROR_WANT_READ:
		want(hs, EPOLLIN);
		break;
	case SSL_ERROR_WANT_WRITE:
		want(hs, EPOLLOUT);
		break;
	default:
		kh2i_tls_log_errors(hs->srv->ctx, KH2_LOG_DEBUG, "TLS handshake");
		drop(hs);
	}
}

static int start_tls(struct kh2_server *srv, int fd)
{
	struct kh2i_handshake *hs = calloc(1, sizeof(*hs));
	int err = -ENOMEM;

	if (!hs)
		return err;
	hs->srv = srv;
	hs->events = EPOLLIN;
	hs->watch = (struct kh2i_watch){ .fd = fd, .fn = ready };
	hs->ssl = kh2i_tls_accept(srv->tls, fd);
	if (!hs->ssl)
		goto err_free;
	err = kh2i_timer_init(srv->ctx, &hs->timer, timed_out);
	if (err)
		goto err_ssl;
	err = kh2i_watch_add(srv->ctx, &hs->watch, EPOLLIN);
	if (err)
		goto err_timer;
	kh2i_timer_set(srv->ctx, &hs->timer,
		       kh2i_now() + srv->tls->handshake_ms * NSEC_PER_MSEC);
	list_add_tail(&hs->node, &srv->handshakes);
	srv->n_handshakes++;
	return 0;

err_timer:
	kh2i_timer_exit(srv->ctx, &hs->timer);
err_ssl:
	SSL_free(hs->ssl);
err_free:
	free(hs);
	return err;
}

/**
 * kh2i_handshake_start() - a connection was accepted
 * @srv: server
 * @fd: socket; the server's in any case
 *
 * Return: 0 or -errno.
 */
int kh2i_handshake_start(struct kh2_server *srv, int fd)
{
	struct kh2i_attach at = { .fd = fd };
	int err = 0;

	if (srv->tls)
		err = start_tls(srv, fd);
	else
		begin_session(srv, &at, "", true);
	if (err)
		close(fd);
	return err;
}

/**
 * kh2i_handshakes_end() - drop all handshakes of a server
 * @srv: server
 */
void kh2i_handshakes_end(struct kh2_server *srv)
{
	while (!list_empty(&srv->handshakes))
		drop(list_first_entry(&srv->handshakes, struct kh2i_handshake, node));
}
