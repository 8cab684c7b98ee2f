// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Sessions: how long they last, how they end, and what servers tell of that. */
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"

#define MS	NSEC_PER_MSEC

static u8 octets[1 << 20];
static u64 closed_at, timed_out_at;

static void on_close(struct kh2_session *s, void *user)
{
	(void)s;
	(void)user;
	closed_at = kh2i_now();
}

static void on_timeout(struct kh2_session *s, void *user)
{
	(void)s;
	(void)user;
	timed_out_at = kh2i_now();
}

static const struct kh2_session_cbs session = {
	.sz = sizeof(session),
	.on_close = on_close,
	.on_timeout = on_timeout,
};

/* Dispatches for a while, or until *when is set. */
static void dispatch_until(struct peer *p, u64 ms, const u64 *when)
{
	u64 end = kh2i_now() + ms * MS;

	while (!*when && kh2i_now() < end)
		kh2_ctx_dispatch(p->ctx, 10);
}

static void answer_much(struct kh2_server *srv, struct kh2_stream *st,
			const struct kh2_headers *h, uint8_t flags, void *user)
{
	(void)srv;
	(void)h;
	(void)flags;
	(void)user;
	kh2_respond(st, NULL, NULL);
	kh2_stream_end(st, octets, sizeof(octets));
}

static const struct kh2_server_cbs much = { .sz = sizeof(much), .on_stream = answer_much };

TEST(failed_connection_ends_although_its_peer_does_not_read)
{
	const struct kh2_setting wide = { .id = KH2_SETTINGS_INITIAL_WINDOW_SIZE,
					  .value = KH2_WINDOW_MAX };
	const struct kh2_limit_value linger = { .id = KH2_L_LINGER_MS, .value = 200 };
	const struct kh2_server_opts opts = { .sz = sizeof(opts), .limits = &linger,
					      .n_limits = 1 };
	static struct peer p;
	u8 more[4];
	u64 begun;

	peer_begin(&p, &opts, &much, &wide, 1);
	kh2_session_set_callbacks(p.s, &session, NULL);
	put_unaligned_be32(1 << 30, more);
	peer_frame(&p, KH2_FRAME_WINDOW_UPDATE, 0, 0, more, 4);
	peer_request(&p, 1, false, KH2_FLAG_END_STREAM);
	peer_turn(&p);
	begun = kh2i_now();
	peer_frame(&p, KH2_FRAME_DATA, 0, 0, "x", 1);
	dispatch_until(&p, 5000, &closed_at);
	CHECK(closed_at);
	CHECK(closed_at - begun >= 190 * MS);
	peer_end(&p);
}

#define TIMEOUT_MS 1000000

/* Reads some, so that more is sent. */
static void read_some(struct peer *p)
{
	u8 some[65536];

	for (int i = 0; i < 10; i++) {
		CHECK(recv(p->fd, some, sizeof(some), MSG_DONTWAIT) > 0);
		peer_turn(p);
	}
}

/* As if the time had passed */
static void pass_time(struct kh2i_timer *t, u64 *active_at)
{
	*active_at -= 2ULL * TIMEOUT_MS * MS;
	t->fn(t);
}

static void on_stream_timeout(struct kh2_stream *st, void *user)
{
	(void)st;
	(void)user;
	timed_out_at = kh2i_now();
}

static const struct kh2_stream_cbs stream = {
	.sz = sizeof(stream),
	.on_timeout = on_stream_timeout,
};

/* A file of many octets: the application hears nothing of it until its end. */
static void answer_file(struct kh2_server *srv, struct kh2_stream *st,
			const struct kh2_headers *h, uint8_t flags, void *user)
{
	FILE *f = tmpfile();

	(void)srv;
	(void)h;
	(void)flags;
	(void)user;
	CHECK(f && !ftruncate(fileno(f), 1 << 30));
	kh2_stream_set_callbacks(st, &stream, NULL);
	kh2_stream_set_timeout(st, TIMEOUT_MS);
	EQ(kh2_respond_fd(st, fileno(f), NULL, NULL), 0);
	fclose(f);
}

static void begin_file(struct peer *p)
{
	const struct kh2_setting wide = { .id = KH2_SETTINGS_INITIAL_WINDOW_SIZE,
					  .value = KH2_WINDOW_MAX };
	const struct kh2_server_cbs cbs = { .sz = sizeof(cbs), .on_stream = answer_file };
	u8 more[4];

	peer_begin(p, NULL, &cbs, &wide, 1);
	put_unaligned_be32(1 << 30, more);
	peer_frame(p, KH2_FRAME_WINDOW_UPDATE, 0, 0, more, 4);
}

TEST(session_that_sends_is_not_idle)
{
	static struct peer p;

	begin_file(&p);
	kh2_session_set_callbacks(p.s, &session, NULL);
	EQ(kh2_session_set_timeout(p.s, TIMEOUT_MS), 0);
	peer_request(&p, 1, false, KH2_FLAG_END_STREAM);
	for (int i = 0; i < 3; i++) {
		peer_turn(&p);
		read_some(&p);
		pass_time(&p.s->timer, &p.s->active_at);
		EQ(timed_out_at, 0);
	}
	pass_time(&p.s->timer, &p.s->active_at);
	CHECK(timed_out_at);
	peer_end(&p);
}

TEST(stream_that_sends_is_not_idle)
{
	struct kh2_stream *st;
	static struct peer p;

	begin_file(&p);
	peer_request(&p, 1, false, KH2_FLAG_END_STREAM);
	peer_turn(&p);
	st = kh2_session_find_stream(p.s, 1);
	CHECK(st);
	for (int i = 0; i < 3; i++) {
		read_some(&p);
		pass_time(&st->timer, &st->active_at);
		EQ(timed_out_at, 0);
	}
	pass_time(&st->timer, &st->active_at);
	CHECK(timed_out_at);
	peer_end(&p);
}

/* ---- PING, SETTINGS ---- */

static int answered, cancelled, refused;
static u8 answer_payload[8];

static void on_pong(struct kh2_session *s, int err, uint64_t rtt_ns, const uint8_t payload[8],
		    void *arg)
{
	(void)s;
	EQ((uintptr_t)arg, 7);
	if (!err) {
		CHECK(rtt_ns);
		memcpy(answer_payload, payload, 8);
		answered++;
	} else if (err == KH2_ERR_PING_CANCEL) {
		cancelled++;
	} else {
		EQ(err, KH2_ERR_PING_LIMIT);
		refused++;
	}
}

static int ping(struct peer *p, u8 first)
{
	const u8 payload[8] = { first };

	return kh2_session_ping(p->s, payload, on_pong, (void *)7);
}

TEST(eleventh_ping_is_refused)
{
	static const u8 fourth[8] = { 4 };
	static struct peer p;
	static struct got f;

	peer_begin(&p, NULL, &much, NULL, 0);
	for (u8 i = 1; i <= 10; i++) {
		EQ(ping(&p, i), 0);
		CHECK(peer_find(&p, KH2_FRAME_PING, 0, &f));
		EQ(f.payload[0], i);
	}
	EQ(ping(&p, 11), KH2_ERR_PING_LIMIT);
	CHECK(!peer_find(&p, KH2_FRAME_PING, 0, &f));
	EQ(answered + cancelled + refused, 0);
	peer_frame(&p, KH2_FRAME_PING, KH2_FLAG_ACK, 0, fourth, 8);
	peer_turn(&p);
	EQ(answered, 1);
	EQ(answer_payload[0], 4);
	EQ(ping(&p, 11), 0);
	CHECK(peer_find(&p, KH2_FRAME_PING, 0, &f));
	EQ(ping(&p, 12), KH2_ERR_PING_LIMIT);
	/* each callback runs once, at the end if not before */
	peer_end(&p);
	EQ(answered, 1);
	EQ(cancelled, 10);
	EQ(refused, 0);
}

TEST(pings_are_refused_beyond_the_limit_of_the_server)
{
	const struct kh2_limit_value two = { .id = KH2_L_PINGS_OUT, .value = 2 };
	const struct kh2_server_opts opts = { .sz = sizeof(opts), .limits = &two, .n_limits = 1 };
	static struct peer p;

	peer_begin(&p, &opts, &much, NULL, 0);
	EQ(kh2_session_ping(p.s, NULL, NULL, NULL), -EINVAL);
	EQ(ping(&p, 1), 0);
	EQ(kh2_session_ping(p.s, NULL, on_pong, (void *)7), 0);
	EQ(ping(&p, 3), KH2_ERR_PING_LIMIT);
	EQ(kh2_session_ping(p.s, NULL, on_pong, (void *)7), KH2_ERR_PING_LIMIT);
	EQ(kh2_session_destroy(p.s, 0, KH2_NO_ERROR), 0);
	EQ(ping(&p, 4), KH2_ERR_SESSION_CLOSED);
	peer_end(&p);
	EQ(cancelled, 2);
}

/* Such as an administrator sends by netlink */
TEST(ping_of_others_is_not_taken_for_ours)
{
	struct kh2_sqe others = { .opcode = KH2_OP_PING, .offset = 77 };
	static struct peer p;
	struct got first, second;

	peer_begin(&p, NULL, &much, NULL, 0);
	EQ(kh2i_session_submit(p.s, &others, NULL), 0);
	EQ(kh2_session_ping(p.s, NULL, on_pong, (void *)7), 0);
	CHECK(peer_find(&p, KH2_FRAME_PING, 0, &first));
	CHECK(peer_find(&p, KH2_FRAME_PING, 0, &second));
	EQ(first.payload[0], 77);
	peer_frame(&p, KH2_FRAME_PING, KH2_FLAG_ACK, 0, first.payload, 8);
	peer_turn(&p);
	EQ(answered, 0);
	peer_frame(&p, KH2_FRAME_PING, KH2_FLAG_ACK, 0, second.payload, 8);
	peer_turn(&p);
	EQ(answered, 1);
	CHECK(!memcmp(answer_payload, second.payload, 8));
	/* the time of sending */
	CHECK(get_unaligned_le64(second.payload) <= kh2i_now());
	peer_end(&p);
	EQ(cancelled, 0);
}

/* The engine's own counts, too: who was told 0 hears of it by the callback */
TEST(ping_that_a_shutdown_leaves_no_room_for_is_told)
{
	const struct kh2_limit_value one = { .id = KH2_L_PINGS_OUT, .value = 1 };
	const struct kh2_setting shut = { .id = KH2_SETTINGS_INITIAL_WINDOW_SIZE, .value = 0 };
	const struct kh2_server_opts opts = { .sz = sizeof(opts), .limits = &one, .n_limits = 1 };
	static struct peer p;
	static struct got f;

	peer_begin(&p, &opts, &much, &shut, 1);
	peer_request(&p, 1, false, KH2_FLAG_END_STREAM);
	peer_turn(&p);
	EQ(kh2_session_close(p.s), 0);
	CHECK(peer_find(&p, KH2_FRAME_PING, 0, &f));
	EQ(ping(&p, 1), 0);
	peer_turn(&p);
	EQ(refused, 1);
	peer_frame(&p, KH2_FRAME_PING, KH2_FLAG_ACK, 0, f.payload, 8);
	peer_turn(&p);
	EQ(ping(&p, 2), 0);
	CHECK(peer_find(&p, KH2_FRAME_PING, 0, &f));
	peer_end(&p);
	EQ(refused, 1);
	EQ(cancelled, 1);
}

TEST(eleventh_settings_is_refused)
{
	struct kh2_settings s = { .sz = sizeof(s), .present = KH2_SET_INITIAL_WINDOW_SIZE };
	static struct peer p;
	static struct got f;

	peer_begin(&p, NULL, &much, NULL, 0);
	for (u32 i = 0; i < 10; i++) {
		s.initial_window_size = i;
		EQ(kh2_session_settings(p.s, &s), 0);
	}
	EQ(kh2_session_settings(p.s, &s), -ENOBUFS);
	peer_frame(&p, KH2_FRAME_SETTINGS, KH2_FLAG_ACK, 0, NULL, 0);
	peer_turn(&p);
	s.initial_window_size = 77;
	EQ(kh2_session_settings(p.s, &s), 0);
	EQ(kh2_session_settings(p.s, &s), -ENOBUFS);
	peer_turn(&p);
	CHECK(!kh2_session_is_destroyed(p.s));
	for (int i = 0; i < 11; i++) {
		do
			CHECK(peer_find(&p, KH2_FRAME_SETTINGS, 0, &f));
		while (f.flags & KH2_FLAG_ACK || (f.len == 6 && f.payload[1] != 4) || f.len != 6);
		EQ(get_unaligned_be32(f.payload + 2), i < 10 ? i : 77);
	}
	CHECK(!peer_find(&p, KH2_FRAME_SETTINGS, 0, &f));
	peer_end(&p);
}

/* ---- TLS ---- */

/* A certificate and its key, both in a file named @path */
static void make_certificate(const char *path)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	FILE *f = fopen(path, "w");

	CHECK(key && cert && f);
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	CHECK(X509_sign(cert, key, EVP_sha256()));
	CHECK(PEM_write_X509(f, cert));
	CHECK(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL));
	fclose(f);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static int closes;

static void on_server_close(struct kh2_server *srv, void *user)
{
	(void)srv;
	(void)user;
	closes++;
}

/* The client's side of a connection to a new server, its first message sent */
static SSL *start_handshake(u32 handshake_ms, struct kh2_ctx **ctx, struct kh2_server **srv)
{
	const struct kh2_ctx_opts opts = { .sz = sizeof(opts), .backend = KH2_BACKEND_USER };
	const struct kh2_server_cbs cbs = { .sz = sizeof(cbs), .on_close = on_server_close };
	const struct kh2_tls_opts tls = { .sz = sizeof(tls), .cert_file = "cert.pem",
					  .handshake_ms = handshake_ms };
	SSL_CTX *client = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(client);
	int pair[2];

	EQ(kh2_ctx_new(ctx, &opts), 0);
	make_certificate("cert.pem");
	EQ(kh2_secure_server_new(*ctx, NULL, &tls, &cbs, NULL, srv), 0);
	unlink("cert.pem");
	EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	EQ(kh2i_handshake_start(*srv, pair[0]), 0);
	EQ(SSL_set_alpn_protos(ssl, (const u8 *)"\2h2", 3), 0);
	CHECK(SSL_set_fd(ssl, pair[1]));
	CHECK(SSL_connect(ssl) < 0);
	SSL_CTX_free(client);
	return ssl;
}

TEST(server_that_closes_in_a_handshake_waits_for_the_session)
{
	struct kh2_server *srv;
	struct kh2_ctx *ctx;
	SSL *ssl;

	ssl = start_handshake(0, &ctx, &srv);
	kh2_server_close(srv);
	for (int i = 0; i < 100 && SSL_connect(ssl) != 1; i++)
		kh2_ctx_dispatch(ctx, 10);
	for (int i = 0; i < 10; i++)
		kh2_ctx_dispatch(ctx, 1);
	EQ(srv->n_sessions, 1);
	EQ(closes, 0);
	shutdown(SSL_get_fd(ssl), SHUT_RDWR);
	for (int i = 0; i < 10; i++)
		kh2_ctx_dispatch(ctx, 1);
	EQ(srv->n_sessions, 0);
	EQ(closes, 1);
	kh2_server_free(srv);
	kh2_ctx_free(ctx);
	close(SSL_get_fd(ssl));
	SSL_free(ssl);
}

static void end_handshake(struct kh2_ctx *ctx, struct kh2_server *srv, SSL *ssl)
{
	kh2_server_free(srv);
	kh2_ctx_free(ctx);
	close(SSL_get_fd(ssl));
	SSL_free(ssl);
}

TEST(handshake_that_is_never_finished_is_ended_in_time)
{
	u64 begun = kh2i_now(), end = begun + 20000 * MS;
	struct kh2_server *srv;
	struct kh2_ctx *ctx;
	u8 some[65536];
	SSL *ssl;

	ssl = start_handshake(300, &ctx, &srv);
	EQ(srv->n_handshakes, 1);
	while (srv->n_handshakes && kh2i_now() < end)
		kh2_ctx_dispatch(ctx, 10);
	EQ(srv->n_handshakes, 0);
	EQ(srv->n_sessions, 0);
	CHECK(kh2i_now() - begun >= 300 * MS);
	/* what the server had said, then the end */
	while (recv(SSL_get_fd(ssl), some, sizeof(some), MSG_DONTWAIT) > 0)
		;
	EQ(recv(SSL_get_fd(ssl), some, sizeof(some), MSG_DONTWAIT), 0);
	end_handshake(ctx, srv, ssl);
}

/* Returns false if it was not finished in time: this machine may be slow. */
static bool outlives_its_handshake(u32 limit_ms)
{
	u64 end = kh2i_now() + limit_ms * MS;
	struct kh2_server *srv;
	struct kh2_ctx *ctx;
	bool in_time;
	SSL *ssl;

	ssl = start_handshake(limit_ms, &ctx, &srv);
	while (!srv->n_sessions && kh2i_now() < end) {
		SSL_connect(ssl);
		kh2_ctx_dispatch(ctx, 10);
	}
	in_time = srv->n_sessions;
	while (in_time && kh2i_now() < end + 200 * MS)
		kh2_ctx_dispatch(ctx, 100);
	EQ(srv->n_sessions, in_time);
	CHECK(!in_time || !srv->n_handshakes);
	end_handshake(ctx, srv, ssl);
	return in_time;
}

TEST(handshake_that_is_finished_in_time_leaves_no_limit)
{
	u32 limit_ms = 500;

	while (!outlives_its_handshake(limit_ms) && limit_ms < 30000)
		limit_ms *= 2;
	CHECK(limit_ms < 30000);
}

TEST(tls_compression_is_off)
{
	struct kh2_server *srv;
	struct kh2_ctx *ctx;
	SSL *ssl;

	ssl = start_handshake(0, &ctx, &srv);
	CHECK(SSL_CTX_get_options(srv->tls->ssl_ctx) & SSL_OP_NO_COMPRESSION);
	end_handshake(ctx, srv, ssl);
}

/* ---- options ---- */

static int make_server(const struct kh2_settings *settings, const struct kh2_limit_value *limit,
		       struct kh2_server **out, struct kh2_ctx **ctx)
{
	const struct kh2_ctx_opts ctx_opts = { .sz = sizeof(ctx_opts),
					       .backend = KH2_BACKEND_USER };
	const struct kh2_server_opts opts = { .sz = sizeof(opts), .settings = settings,
					      .limits = limit, .n_limits = limit ? 1 : 0 };

	EQ(kh2_ctx_new(ctx, &ctx_opts), 0);
	return kh2_server_new(*ctx, &opts, NULL, NULL, out);
}

TEST(concurrency_that_is_advertised_is_enforced)
{
	const struct kh2_limit_value seven = { .id = KH2_L_STREAMS, .value = 7 };
	struct kh2_settings s = { .sz = sizeof(s), .present = KH2_SET_MAX_CONCURRENT_STREAMS,
				  .max_concurrent_streams = 9 };
	struct kh2_server *srv;
	struct kh2_ctx *ctx;

	EQ(make_server(&s, NULL, &srv, &ctx), 0);
	EQ(srv->cfg.limits[KH2_L_STREAMS], 9);
	kh2_ctx_free(ctx);
	EQ(make_server(&s, &seven, &srv, &ctx), -EINVAL);
	kh2_ctx_free(ctx);
	s.max_concurrent_streams = 7;
	EQ(make_server(&s, &seven, &srv, &ctx), 0);
	kh2_ctx_free(ctx);
	s.max_concurrent_streams = 100000;
	EQ(make_server(&s, NULL, &srv, &ctx), -ERANGE);
	kh2_ctx_free(ctx);
}

static char logged[512];

static void on_log(int level, const char *line, void *user)
{
	(void)level;
	(void)user;
	snprintf(logged, sizeof(logged), "%s", line);
}

TEST(encrypted_key_is_refused_without_a_question)
{
	const struct kh2_ctx_opts ctx_opts = { .sz = sizeof(ctx_opts),
					       .backend = KH2_BACKEND_USER, .log = on_log };
	const struct kh2_tls_opts tls = { .sz = sizeof(tls), .cert_file = "cert.pem",
					  .key_file = "key.pem" };
	EVP_PKEY *key = EVP_EC_gen("P-256");
	FILE *f = fopen("key.pem", "w");
	struct kh2_server *srv;
	struct kh2_ctx *ctx;

	make_certificate("cert.pem");
	CHECK(PEM_write_PrivateKey(f, key, EVP_aes_128_cbc(), (const u8 *)"secret", 6, NULL,
				   NULL));
	fclose(f);
	EVP_PKEY_free(key);
	EQ(kh2_ctx_new(&ctx, &ctx_opts), 0);
	EQ(kh2_secure_server_new(ctx, NULL, &tls, NULL, NULL, &srv), KH2_ERR_TLS);
	CHECK(strstr(logged, "key.pem: the key is encrypted"));
	kh2_ctx_free(ctx);
	unlink("cert.pem");
	unlink("key.pem");
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	CHECK(f && fputs(text, f) >= 0);
	fclose(f);
}

TEST(files_of_tls_are_called_what_the_owner_calls_them)
{
	const struct kh2_ctx_opts ctx_opts = { .sz = sizeof(ctx_opts),
					       .backend = KH2_BACKEND_USER, .log = on_log };
	struct kh2_tls_opts tls = { .sz = sizeof(tls), .cert_file = "cert.pem",
				    .key_file = "other.pem" };
	struct kh2_server *srv;
	struct kh2_ctx *ctx;

	EQ(kh2_ctx_new(&ctx, &ctx_opts), 0);
	make_certificate("cert.pem");
	make_certificate("other.pem");
	EQ(kh2_secure_server_new(ctx, NULL, &tls, NULL, NULL, &srv), KH2_ERR_TLS);
	CHECK(!strcmp(logged, "other.pem: the key does not belong to the certificate"));
	tls.key_name = "its key";
	EQ(kh2_secure_server_new(ctx, NULL, &tls, NULL, NULL, &srv), KH2_ERR_TLS);
	CHECK(!strcmp(logged, "its key: the key does not belong to the certificate"));

	/* Whatever replaces them has their names; a key in the certificate's file has its name. */
	tls.cert_name = "its certificate";
	tls.key_name = NULL;
	tls.key_file = NULL;
	EQ(kh2_secure_server_new(ctx, NULL, &tls, NULL, NULL, &srv), 0);
	write_file("other.pem", "nothing");
	EQ(kh2_server_reload(srv, "other.pem", NULL), KH2_ERR_TLS);
	CHECK(!strcmp(logged, "its certificate: no certificate in it"));
	write_file("other.pem", "nothing");
	EQ(kh2_server_reload(srv, "cert.pem", "other.pem"), KH2_ERR_TLS);
	CHECK(!strcmp(logged, "other.pem: no private key in it"));
	kh2_ctx_free(ctx);
	unlink("cert.pem");
	unlink("other.pem");
}

/* -- bodies that come slowly -- */

static u64 closed_slow[12];

static void on_slow_close(struct kh2_stream *st, uint32_t code, void *user)
{
	(void)user;
	EQ(code, KH2_CANCEL);
	CHECK(kh2_stream_id(st) < (s64)ARRAY_SIZE(closed_slow));
	closed_slow[kh2_stream_id(st)] = kh2i_now();
}

static const struct kh2_stream_cbs slow = { .sz = sizeof(slow), .on_close = on_slow_close };

static void send_early_hints(struct kh2_stream *st)
{
	struct kh2_headers *h;

	EQ(kh2_headers_new(&h), 0);
	EQ(kh2_headers_add(h, ":status", "103"), 0);
	EQ(kh2_stream_additional_headers(st, h), 0);
	kh2_headers_free(h);
}

/* One has a timeout of its own, one is answered, one is told something, one is answered whole. */
static void take_body(struct kh2_server *srv, struct kh2_stream *st, const struct kh2_headers *h,
		      uint8_t flags, void *user)
{
	(void)srv;
	(void)h;
	(void)flags;
	(void)user;
	kh2_stream_set_callbacks(st, &slow, NULL);
	switch (kh2_stream_id(st)) {
	case 3:
		EQ(kh2_stream_set_timeout(st, 0), 0);
		break;
	case 5:
		EQ(kh2_respond(st, NULL, NULL), 0);
		break;
	case 7:
		send_early_hints(st);
		break;
	case 9:
		EQ(kh2_respond(st, NULL, NULL), 0);
		EQ(kh2_stream_end(st, NULL, 0), 0);
		break;
	}
}

TEST(slow_body_ends_but_for_connect_and_where_the_application_answers_or_waits)
{
	static const u8 connect[] = "\102\7CONNECT\101\5a:443";
	static const u8 post[] = "\203\206\204\101\1a";
	const struct kh2_limit_value body = { .id = KH2_L_BODY_MS, .value = 200 };
	const struct kh2_server_opts opts = { .sz = sizeof(opts), .limits = &body, .n_limits = 1 };
	const struct kh2_server_cbs cbs = { .sz = sizeof(cbs), .on_stream = take_body };
	static struct peer p;

	peer_begin(&p, &opts, &cbs, NULL, 0);
	peer_frame(&p, KH2_FRAME_HEADERS, KH2_FLAG_END_HEADERS, 1, connect, sizeof(connect) - 1);
	for (u32 id = 3; id <= 11; id += 2)
		peer_frame(&p, KH2_FRAME_HEADERS, KH2_FLAG_END_HEADERS, id, post, sizeof(post) - 1);
	for (u32 id = 7; id <= 11; id += 2)
		dispatch_until(&p, 20000, &closed_slow[id]);
	CHECK(closed_slow[7] && closed_slow[9] && closed_slow[11]);
	/* and the others, which were there before these, may rest on */
	dispatch_until(&p, 500, &closed_slow[0]);
	CHECK(!closed_slow[1] && !closed_slow[3] && !closed_slow[5]);
	peer_end(&p);
}
