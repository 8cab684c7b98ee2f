// SPDX-License-Identifier: GPL-2.0 OR MIT
/* TLS 1.2 and 1.3 by OpenSSL, as RFC 9113 9.2 wants it, and the hand-over to the kernel. */
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>

#include "tls.h"

#define CIPHERS_12	"ECDHE+AESGCM:ECDHE+CHACHA20"
#define HANDSHAKE_MS	10000
#define MAX_HANDSHAKES	1024
#define TICKET_KEYS	80	/* octets that OpenSSL wants: name, HMAC key, AES key */

static const unsigned char alpn_h2[] = { 2, 'h', '2' };

/**
 * kh2i_tls_log_errors() - OpenSSL's words into the log
 * @ctx: context
 * @level: enum kh2_log_level
 * @what: what failed
 */
void kh2i_tls_log_errors(struct kh2_ctx *ctx, int level, const char *what)
{
	unsigned long err = ERR_get_error();
	char words[256];

	for (; err; err = ERR_get_error()) {
		ERR_error_string_n(err, words, sizeof(words));
		kh2i_log(ctx, level, "%s: %s", what, words);
	}
}

/* RFC 7301 3.2: without "h2" the handshake ends with no_application_protocol. */
static int select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
		       const unsigned char *in, unsigned int in_len, void *arg)
{
	unsigned char *found;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&found, out_len, alpn_h2, sizeof(alpn_h2), in, in_len) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = found;
	return SSL_TLSEXT_ERR_OK;
}

/* A client that sends no ALPN at all is not asked by select_alpn(). */
static int look_at_hello(SSL *ssl, int *alert, void *arg)
{
	const unsigned char *ext;
	size_t len;

	(void)arg;
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation,
				      &ext, &len))
		return SSL_CLIENT_HELLO_SUCCESS;
	*alert = SSL_AD_NO_APPLICATION_PROTOCOL;
	return SSL_CLIENT_HELLO_ERROR;
}

/* Nobody is there to be asked, and OpenSSL is not to look for a terminal. */
static int no_passphrase(char *buf, int size, int writing, void *encrypted)
{
	(void)buf;
	(void)size;
	(void)writing;
	if (encrypted)
		*(bool *)encrypted = true;
	return 0;
}

static const char foreign_key[] = "the key does not belong to the certificate";

/* OpenSSL's errors about a file in words of ours; NULL: what is looked for is not in it */
static const struct {
	int lib;
	int reason;
	const char *words;
} file_errors[] = {
	{ ERR_LIB_PEM,		PEM_R_NO_START_LINE,		NULL },
#ifdef ERR_LIB_OSSL_DECODER
	{ ERR_LIB_OSSL_DECODER,	ERR_R_UNSUPPORTED,		NULL },
#endif
	{ ERR_LIB_X509,		X509_R_KEY_VALUES_MISMATCH,	foreign_key },
	{ ERR_LIB_X509,		X509_R_KEY_TYPE_MISMATCH,	foreign_key },
	{ ERR_LIB_SSL,		SSL_R_NO_CERTIFICATE_ASSIGNED,	foreign_key },
};

#define N_FILE_ERRORS (sizeof(file_errors) / sizeof(*file_errors))

/* One line: the first error is the cause, those behind it say who passed it on. */
static void log_file_error(struct kh2_ctx *ctx, const char *name, const char *nothing)
{
	unsigned long err = ERR_get_error();
	const char *why = ERR_reason_error_string(err);
	char words[256];

	ERR_clear_error();
	if (!why) {
		ERR_error_string_n(err, words, sizeof(words));
		why = words;
	}
	for (size_t i = 0; i < N_FILE_ERRORS; i++)
		if (file_errors[i].lib == ERR_GET_LIB(err) &&
		    file_errors[i].reason == ERR_GET_REASON(err))
			why = file_errors[i].words ? file_errors[i].words : nothing;
	kh2i_log(ctx, KH2_LOG_ERR, "%s: %s", name, why);
}

static bool load_key(struct kh2_ctx *ctx, SSL_CTX *c, const char *key, const char *name)
{
	bool encrypted = false, ok;

	SSL_CTX_set_default_passwd_cb_userdata(c, &encrypted);
	ok = SSL_CTX_use_PrivateKey_file(c, key, SSL_FILETYPE_PEM) == 1 &&
	     SSL_CTX_check_private_key(c) == 1;
	SSL_CTX_set_default_passwd_cb_userdata(c, NULL);
	if (ok)
		return true;
	if (!encrypted) {
		log_file_error(ctx, name, "no private key in it");
		return false;
	}
	ERR_clear_error();
	kh2i_log(ctx, KH2_LOG_ERR, "%s: the key is encrypted, and nobody is asked for passphrases",
		 name);
	return false;
}

/* Without a file of its own the key is in the certificate's. */
static bool load_files(struct kh2_ctx *ctx, SSL_CTX *c, const struct kh2i_tls *tls,
		       const char *cert, const char *key)
{
	const char *cert_name = tls->cert_name ? tls->cert_name : cert;
	const char *key_name = key ? key : cert_name;

	if (tls->key_name)
		key_name = tls->key_name;
	if (SSL_CTX_use_certificate_chain_file(c, cert) == 1)
		return load_key(ctx, c, key ? key : cert, key_name);
	log_file_error(ctx, cert_name, "no certificate in it");
	return false;
}

static bool set_ciphers(SSL_CTX *c, const struct kh2i_tls *tls)
{
	if (SSL_CTX_set_cipher_list(c, tls->ciphers ? tls->ciphers : CIPHERS_12) != 1)
		return false;
	return !tls->ciphersuites || SSL_CTX_set_ciphersuites(c, tls->ciphersuites) == 1;
}

static unsigned char ticket_keys[TICKET_KEYS];
static bool have_ticket_keys;

static void make_ticket_keys(void)
{
	have_ticket_keys = RAND_priv_bytes(ticket_keys, sizeof(ticket_keys)) == 1;
}

/* A client that comes back may find another worker: all of the process open the same tickets. */
static void share_tickets(SSL_CTX *c)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_ticket_keys);
	if (have_ticket_keys && SSL_CTX_get_tlsext_ticket_keys(c, NULL, 0) == TICKET_KEYS)
		SSL_CTX_set_tlsext_ticket_keys(c, ticket_keys, TICKET_KEYS);
}

static SSL_CTX *make_ctx(struct kh2_ctx *ctx, const struct kh2i_tls *tls, const char *cert,
			 const char *key)
{
	static const unsigned char id[] = "kh2";
	uint64_t options = SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
			   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
			   SSL_OP_IGNORE_UNEXPECTED_EOF;
	SSL_CTX *c = SSL_CTX_new(TLS_server_method());

	if (!c)
		return NULL;
#ifdef SSL_OP_ENABLE_KTLS
	if (!tls->no_ktls)
		options |= SSL_OP_ENABLE_KTLS;
#endif
	SSL_CTX_set_options(c, options);
	SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
			 SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_id_context(c, id, sizeof(id) - 1);
	SSL_CTX_set_default_passwd_cb(c, no_passphrase);
	share_tickets(c);
	SSL_CTX_set_alpn_select_cb(c, select_alpn, NULL);
	SSL_CTX_set_client_hello_cb(c, look_at_hello, NULL);
	if (SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) != 1 || !set_ciphers(c, tls) ||
	    !load_files(ctx, c, tls, cert, key)) {
		SSL_CTX_free(c);
		return NULL;
	}
	return c;
}

static int dup_string(char **out, const char *s)
{
	if (!s)
		return 0;
	*out = strdup(s);
	return *out ? 0 : -ENOMEM;
}

/**
 * kh2i_tls_new() - TLS of a server
 * @ctx: context, for the log
 * @opts: options
 * @out: result
 *
 * Return: 0, -EINVAL, -ENOMEM or KH2_ERR_TLS.
 */
int kh2i_tls_new(struct kh2_ctx *ctx, const struct kh2_tls_opts *opts, struct kh2i_tls **out)
{
	struct kh2i_tls *tls;

	if (!opts->cert_file)
		return -EINVAL;
	tls = calloc(1, sizeof(*tls));
	if (!tls)
		return -ENOMEM;
	tls->handshake_ms = opts->handshake_ms ? opts->handshake_ms : HANDSHAKE_MS;
	tls->max_handshakes = opts->max_handshakes ? opts->max_handshakes : MAX_HANDSHAKES;
	tls->no_ktls = opts->no_ktls || ctx->opts.backend == KH2_BACKEND_USER || !ctx->channel;
	if (dup_string(&tls->cert_file, opts->cert_file) ||
	    dup_string(&tls->key_file, opts->key_file) ||
	    dup_string(&tls->ciphers, opts->ciphers) ||
	    dup_string(&tls->ciphersuites, opts->ciphersuites) ||
	    dup_string(&tls->cert_name, opts->cert_name) ||
	    dup_string(&tls->key_name, opts->key_name)) {
		kh2i_tls_free(tls);
		return -ENOMEM;
	}
	ERR_clear_error();
	tls->ssl_ctx = make_ctx(ctx, tls, tls->cert_file, tls->key_file);
	if (!tls->ssl_ctx) {
		kh2i_tls_log_errors(ctx, KH2_LOG_ERR, "TLS");
		kh2i_tls_free(tls);
		return KH2_ERR_TLS;
	}
	*out = tls;
	return 0;
}

void kh2i_tls_free(struct kh2i_tls *tls)
{
	if (!tls)
		return;
	SSL_CTX_free(tls->ssl_ctx);
	free(tls->cert_file);
	free(tls->key_file);
	free(tls->ciphers);
	free(tls->ciphersuites);
	free(tls->cert_name);
	free(tls->key_name);
	free(tls);
}

/**
 * kh2i_tls_reload() - new certificate and key for handshakes to come
 * @ctx: context, for the log
 * @tls: TLS
 * @cert: file, or NULL for the same
 * @key: file, or NULL for the same
 *
 * Return: 0, -ENOMEM or KH2_ERR_TLS, with which nothing has changed.
 */
int kh2i_tls_reload(struct kh2_ctx *ctx, struct kh2i_tls *tls, const char *cert, const char *key)
{
	char *new_cert = NULL, *new_key = NULL;
	SSL_CTX *c;

	if (dup_string(&new_cert, cert ? cert : tls->cert_file) ||
	    dup_string(&new_key, key ? key : tls->key_file)) {
		free(new_cert);
		return -ENOMEM;
	}
	ERR_clear_error();
	c = make_ctx(ctx, tls, new_cert, new_key);
	if (!c) {
		kh2i_tls_log_errors(ctx, KH2_LOG_ERR, "TLS");
		free(new_cert);
		free(new_key);
		return KH2_ERR_TLS;
	}
	SSL_CTX_free(tls->ssl_ctx);
	free(tls->cert_file);
	free(tls->key_file);
	tls->ssl_ctx = c;
	tls->cert_file = new_cert;
	tls->key_file = new_key;
	return 0;
}

/**
 * kh2i_tls_accept() - the server's side of a handshake that is to be driven
 * @tls: TLS
 * @fd: socket; stays the caller's
 *
 * Return: object, or NULL for want of memory.
 */
SSL *kh2i_tls_accept(struct kh2i_tls *tls, int fd)
{
	SSL *ssl = SSL_new(tls->ssl_ctx);

	if (ssl && SSL_set_fd(ssl, fd) == 1) {
		SSL_set_accept_state(ssl);
		return ssl;
	}
	SSL_free(ssl);
	return NULL;
}

/**
 * kh2i_tls_is_h2() - was "h2" negotiated?
 * @ssl: handshake done
 *
 * Return: true if ALPN chose it.
 */
bool kh2i_tls_is_h2(SSL *ssl)
{
	const unsigned char *alpn;
	unsigned int len;

	SSL_get0_alpn_selected(ssl, &alpn, &len);
	return len == 2 && !memcmp(alpn, "h2", 2);
}

/**
 * kh2i_tls_is_adequate() - does the connection satisfy RFC 9113 9.2.2?
 * @ssl: handshake done
 *
 * Appendix A forbids, by name, all suites of TLS 1.2 that are not ephemeral
 * and AEAD.
 *
 * Return: true if it does.
 */
bool kh2i_tls_is_adequate(SSL *ssl)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
	int kx;

	if (SSL_version(ssl) >= TLS1_3_VERSION)
		return true;
	if (SSL_version(ssl) < TLS1_2_VERSION || !cipher || !SSL_CIPHER_is_aead(cipher))
		return false;
	kx = SSL_CIPHER_get_kx_nid(cipher);
	return kx == NID_kx_ecdhe || kx == NID_kx_dhe;
}

/**
 * kh2i_tls_no_kernel() - why can the kernel not take this connection?
 * @ssl: handshake done
 *
 * Return: static words, or "" if it can: TLS of both directions is in the socket.
 */
const char *kh2i_tls_no_kernel(SSL *ssl)
{
#ifdef SSL_OP_ENABLE_KTLS
	bool send, receive;

	if (!(SSL_get_options(ssl) & SSL_OP_ENABLE_KTLS))
		return "kernel TLS was not asked for";
	send = BIO_get_ktls_send(SSL_get_wbio(ssl));
	receive = BIO_get_ktls_recv(SSL_get_rbio(ssl));
	if (send && receive)
		return "";
	if (send)
		return "kernel TLS does not receive (OpenSSL too old, or cipher)";
	return "kernel TLS not available (module tls, or cipher)";
#else
	(void)ssl;
	return "OpenSSL without kernel TLS";
#endif
}

/**
 * kh2i_tls_drain() - take out what OpenSSL has decrypted already
 * @ssl: handshake done
 * @buf: where to
 * @len: octets there
 * @rest: set if OpenSSL holds more: then it must go on reading itself
 *
 * Reads no more from the socket than OpenSSL has read by itself.
 *
 * Return: octets.
 */
size_t kh2i_tls_drain(SSL *ssl, u8 *buf, size_t len, bool *rest)
{
	size_t total = 0, n;

	while (total < len && SSL_pending(ssl) > 0 &&
	       SSL_read_ex(ssl, buf + total, len - total, &n))
		total += n;
	*rest = SSL_has_pending(ssl);
	return total;
}
