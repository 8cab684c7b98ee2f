// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Servers: options, listening sockets, accepting within bounds, and the end. */
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "server.h"
#include "session.h"

#define ACCEPT_BATCH		64
#define PAUSE_NS		(100 * NSEC_PER_MSEC)

/* ---- accepting ---- */

static bool is_full(const struct kh2_server *srv)
{
	if (srv->n_sessions + srv->n_handshakes >= srv->opts.max_sessions)
		return true;
	return srv->tls && srv->n_handshakes >= srv->tls->max_handshakes;
}

static void listeners_watch(struct kh2_server *srv, u32 events)
{
	struct kh2i_listener *l;

	list_for_each_entry(l, &srv->listeners, node)
		kh2i_watch_mod(srv->ctx, &l->watch, events);
}

static void pause_accept(struct kh2_server *srv)
{
	if (srv->paused)
		return;
	srv->paused = true;
	listeners_watch(srv, 0);
}

static void resume_accept(struct kh2_server *srv)
{
	if (!srv->paused || is_full(srv))
		return;
	srv->paused = false;
	listeners_watch(srv, EPOLLIN);
}

static void resume_timer(struct kh2i_timer *t)
{
	resume_accept(container_of(t, struct kh2_server, resume));
}

/**
 * kh2i_server_error() - tell on_error
 * @srv: server
 * @err: error
 */
void kh2i_server_error(struct kh2_server *srv, int err)
{
	if (srv->cbs.on_error)
		srv->cbs.on_error(srv, err, srv->user);
}

/* Out of descriptors or memory: those that exist must end before more can come. */
static void accept_failed(struct kh2_server *srv, int err)
{
	switch (err) {
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		pause_accept(srv);
		kh2i_timer_set(srv->ctx, &srv->resume, kh2i_now() + PAUSE_NS);
		kh2i_log(srv->ctx, KH2_LOG_WARNING, "accept: %s", kh2_strerror(-err));
		kh2i_server_error(srv, -err);
	}
}

static void accept_ready(struct kh2i_watch *w, u32 events)
{
	struct kh2i_listener *l = container_of(w, struct kh2i_listener, watch);
	struct kh2_server *srv = l->srv;

	(void)events;
	for (int i = 0; i < ACCEPT_BATCH && !srv->paused && !srv->closing; i++) {
		int err, one = 1, fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0) {
			accept_failed(srv, errno);
			return;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		err = kh2i_handshake_start(srv, fd);
		if (err)
			kh2i_server_error(srv, err);
		if (is_full(srv))
			pause_accept(srv);
	}
}

/* ---- listening ---- */

static void listener_free(struct kh2i_listener *l)
{
	kh2i_watch_del(l->srv->ctx, &l->watch);
	close(l->watch.fd);
	list_del(&l->node);
	free(l);
}

int kh2_server_listen_fd(struct kh2_server *srv, int fd)
{
	struct kh2i_listener *l;
	int flags, err;

	if (srv->closing)
		return -ESHUTDOWN;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->srv = srv;
	l->watch = (struct kh2i_watch){ .fd = fd, .fn = accept_ready };
	err = kh2i_watch_add(srv->ctx, &l->watch, srv->paused ? 0 : EPOLLIN);
	if (err) {
		free(l);
		return err;
	}
	list_add_tail(&l->node, &srv->listeners);
	return 0;
}

static int open_socket(struct kh2_server *srv, const struct addrinfo *ai)
{
	int one = 1, err, fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int zero = 0;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (srv->opts.reuse_port)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	if (ai->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	if (!bind(fd, ai->ai_addr, ai->ai_addrlen) && !listen(fd, srv->opts.backlog))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static int listen_on(struct kh2_server *srv, const struct addrinfo *ai)
{
	int err, fd = open_socket(srv, ai);

	if (fd < 0)
		return fd;
	err = kh2_server_listen_fd(srv, fd);
	if (err)
		close(fd);
	return err;
}

/* [::] takes IPv4 too; without IPv6 there is 0.0.0.0. */
static int listen_any(struct kh2_server *srv, uint16_t port)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct addrinfo ai = {
		.ai_family = AF_INET6,
		.ai_addr = (struct sockaddr *)&in6,
		.ai_addrlen = sizeof(in6),
	};
	int err = listen_on(srv, &ai);

	if (err != -EAFNOSUPPORT && err != -EADDRNOTAVAIL)
		return err;
	ai.ai_family = AF_INET;
	ai.ai_addr = (struct sockaddr *)&in;
	ai.ai_addrlen = sizeof(in);
	return listen_on(srv, &ai);
}

static int resolve_error(int err)
{
	if (err == EAI_SYSTEM)
		return -errno;
	return err == EAI_MEMORY ? -ENOMEM : -EADDRNOTAVAIL;
}

int kh2_server_listen(struct kh2_server *srv, const char *addr, uint16_t port)
{
	const struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
	};
	struct addrinfo *list;
	char service[8];
	int err;

	if (!addr)
		return listen_any(srv, port);
	snprintf(service, sizeof(service), "%u", port);
	err = getaddrinfo(addr, service, &hints, &list);
	if (err)
		return resolve_error(err);
	err = -EADDRNOTAVAIL;
	for (const struct addrinfo *ai = list; ai; ai = ai->ai_next) {
		err = listen_on(srv, ai);
		if (err)
			break;
	}
	freeaddrinfo(list);
	return err;
}

int kh2_server_address(const struct kh2_server *srv, size_t i, struct sockaddr_storage *addr,
		       socklen_t *len)
{
	const struct kh2i_listener *l;

	list_for_each_entry(l, &srv->listeners, node) {
		if (i--)
			continue;
		*len = sizeof(*addr);
		return getsockname(l->watch.fd, (struct sockaddr *)addr, len) ? -errno : 0;
	}
	return -ENOENT;
}

/* ---- options ---- */

static void opts_defaults(struct kh2_server_opts *o)
{
	if (!o->max_deflate_table)
		o->max_deflate_table = 4096;
	if (!o->max_header_pairs)
		o->max_header_pairs = 128;
	if (o->max_header_pairs < 4)
		o->max_header_pairs = 4;
	if (!o->max_sessions)
		o->max_sessions = 16384;
	if (!o->write_high_water)
		o->write_high_water = 256 << 10;
	if (!o->backlog)
		o->backlog = 4096;
}

/* What is advertised is what is enforced. */
static int config_streams(struct kh2_server *srv, const struct kh2_settings *settings)
{
	const struct kh2_server_opts *o = &srv->opts;
	u32 *limit = &srv->cfg.limits[KH2_L_STREAMS];

	if (!(settings->present & KH2_SET_MAX_CONCURRENT_STREAMS))
		return 0;
	for (size_t i = 0; i < o->n_limits; i++)
		if (o->limits[i].id == KH2_L_STREAMS && *limit != settings->max_concurrent_streams)
			return -EINVAL;
	*limit = settings->max_concurrent_streams;
	return 0;
}

static int config_settings(struct kh2_server *srv)
{
	struct kh2e_config *cfg = &srv->cfg;
	struct kh2_settings settings;
	int err, n;

	if (srv->opts.settings)
		KH2I_OPTS_COPY(settings, srv->opts.settings);
	else
		kh2_settings_default(&settings);
	n = kh2i_settings_list(&settings, cfg->settings, KH2E_SETTINGS_CAP - 1);
	if (n < 0)
		return n;
	cfg->n_settings = (u16)n;
	err = config_streams(srv, &settings);
	if (err)
		return err;
	if (kh2e_settings_check(cfg->settings, (u32)n, KH2E_SERVER, NULL))
		return -EINVAL;
	srv->max_list = settings.present & KH2_SET_MAX_HEADER_LIST_SIZE ?
			settings.max_header_list_size : 65535;
	return 0;
}

static int config_init(struct kh2_server *srv)
{
	const struct kh2_server_opts *o = &srv->opts;
	struct kh2e_config *cfg = &srv->cfg;
	int err = kh2e_config_init(cfg, KH2E_SERVER);

	if (err)
		return err;
	for (size_t i = 0; i < o->n_limits; i++) {
		if (o->limits[i].id >= __KH2_L_END)
			return -EINVAL;
		cfg->limits[o->limits[i].id] = o->limits[i].value;
	}
	if (o->conn_window &&
	    (o->conn_window < KH2_WINDOW_INITIAL || o->conn_window > KH2_WINDOW_MAX))
		return -ERANGE;
	if (o->padding > KH2_PADDING_ALIGNED)
		return -EINVAL;
	cfg->padding = (u8)o->padding;
	cfg->conn_window = o->conn_window;
	err = config_settings(srv);
	if (err)
		return err;
	return kh2e_limits_check(cfg->limits, NULL) ? -ERANGE : 0;
}

/* ---- begin and end ---- */

static void tell_close(struct kh2i_todo *t)
{
	struct kh2_server *srv = container_of(t, struct kh2_server, todo);

	if (srv->told || srv->n_sessions || srv->n_handshakes)
		return;
	srv->told = true;
	if (srv->cbs.on_close)
		srv->cbs.on_close(srv, srv->user);
}

/**
 * kh2i_server_check() - a connection has ended: accept again, or tell that it was the last
 * @srv: server
 */
void kh2i_server_check(struct kh2_server *srv)
{
	if (srv->closing && !srv->n_sessions && !srv->n_handshakes)
		kh2i_todo_add(srv->ctx, &srv->todo);
	else if (!srv->resume.slot)
		resume_accept(srv);
}

/**
 * kh2i_server_session_gone() - a session has left the list
 * @srv: server
 */
void kh2i_server_session_gone(struct kh2_server *srv)
{
	srv->n_sessions--;
	kh2i_server_check(srv);
}

int kh2_server_new(struct kh2_ctx *ctx, const struct kh2_server_opts *opts,
		   const struct kh2_server_cbs *cbs, void *user, struct kh2_server **out)
{
	struct kh2_server *srv = calloc(1, sizeof(*srv));
	int err;

	if (!srv)
		return -ENOMEM;
	srv->ctx = ctx;
	KH2I_OPTS_COPY(srv->opts, opts);
	opts_defaults(&srv->opts);
	INIT_LIST_HEAD(&srv->listeners);
	INIT_LIST_HEAD(&srv->handshakes);
	INIT_LIST_HEAD(&srv->sessions);
	kh2i_todo_init(&srv->todo, tell_close);
	err = config_init(srv);
	if (!err)
		err = kh2i_timer_init(ctx, &srv->resume, resume_timer);
	if (err) {
		free(srv);
		return err;
	}
	/* they were taken over, and need not live on */
	srv->opts.settings = NULL;
	srv->opts.limits = NULL;
	srv->opts.n_limits = 0;
	kh2_server_set_callbacks(srv, cbs, user);
	list_add_tail(&srv->node, &ctx->servers);
	*out = srv;
	return 0;
}

int kh2_secure_server_new(struct kh2_ctx *ctx, const struct kh2_server_opts *opts,
			  const struct kh2_tls_opts *tls_opts, const struct kh2_server_cbs *cbs,
			  void *user, struct kh2_server **out)
{
	struct kh2_tls_opts own;
	struct kh2i_tls *tls;
	int err;

	KH2I_OPTS_COPY(own, tls_opts);
	err = kh2i_tls_new(ctx, &own, &tls);
	if (err)
		return err;
	err = kh2_server_new(ctx, opts, cbs, user, out);
	if (err)
		kh2i_tls_free(tls);
	else
		(*out)->tls = tls;
	return err;
}

void kh2_server_free(struct kh2_server *srv)
{
	if (!srv)
		return;
	srv->closing = true;
	memset(&srv->cbs, 0, sizeof(srv->cbs));
	kh2i_handshakes_end(srv);
	while (!list_empty(&srv->listeners))
		listener_free(list_first_entry(&srv->listeners, struct kh2i_listener, node));
	while (!list_empty(&srv->sessions)) {
		struct kh2_session *s = list_first_entry(&srv->sessions, struct kh2_session,
							 server_node);

		list_del(&s->server_node);
		s->server = NULL;
		kh2_session_destroy(s, 0, KH2_NO_ERROR);
	}
	kh2i_todo_del(&srv->todo);
	kh2i_timer_exit(srv->ctx, &srv->resume);
	list_del(&srv->node);
	kh2i_tls_free(srv->tls);
	free(srv);
}

void kh2_server_set_callbacks(struct kh2_server *srv, const struct kh2_server_cbs *cbs,
			      void *user)
{
	KH2I_OPTS_COPY(srv->cbs, cbs);
	srv->user = user;
}

int kh2_server_reload(struct kh2_server *srv, const char *cert_file, const char *key_file)
{
	if (!srv->tls)
		return -EOPNOTSUPP;
	return kh2i_tls_reload(srv->ctx, srv->tls, cert_file, key_file);
}

void kh2_server_set_timeout(struct kh2_server *srv, uint32_t timeout_ms)
{
	srv->opts.timeout_ms = timeout_ms;
}

void kh2_server_close(struct kh2_server *srv)
{
	if (srv->closing)
		return;
	srv->closing = true;
	while (!list_empty(&srv->listeners))
		listener_free(list_first_entry(&srv->listeners, struct kh2i_listener, node));
	kh2i_server_check(srv);
}

static int close_session(struct kh2_session *s, void *arg)
{
	(void)arg;
	kh2_session_close(s);
	return 0;
}

void kh2_server_shutdown(struct kh2_server *srv)
{
	kh2i_handshakes_end(srv);
	kh2_server_close(srv);
	kh2_server_for_each_session(srv, close_session, NULL);
}

int kh2_server_for_each_session(struct kh2_server *srv,
				int (*fn)(struct kh2_session *s, void *arg), void *arg)
{
	struct kh2_session *s, *next;
	int ret = 0;

	/* sessions leave the list in dispatch only, and fn cannot dispatch */
	list_for_each_entry_safe(s, next, &srv->sessions, server_node) {
		ret = fn(s, arg);
		if (ret)
			break;
	}
	return ret;
}

struct kh2_ctx *kh2_server_ctx(const struct kh2_server *srv)
{
	return srv->ctx;
}
