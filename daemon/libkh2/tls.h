/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* TLS by OpenSSL: contexts, and what RFC 9113 9.2 asks of a connection. */
#ifndef KH2I_TLS_H
#define KH2I_TLS_H

#include "context.h"

typedef struct ssl_st SSL;
typedef struct ssl_ctx_st SSL_CTX;

/**
 * struct kh2i_tls - TLS of a server
 * @ssl_ctx: in use for new handshakes
 * @cert_file: own copies of the options
 * @key_file: likewise
 * @ciphers: likewise
 * @ciphersuites: likewise
 * @cert_name: likewise
 * @key_name: likewise
 * @handshake_ms: time for a handshake
 * @max_handshakes: at once
 * @no_ktls: never ask for kernel TLS
 */
struct kh2i_tls {
	SSL_CTX *ssl_ctx;
	char *cert_file;
	char *key_file;
	char *ciphers;
	char *ciphersuites;
	char *cert_name;
	char *key_name;
	u32 handshake_ms;
	u32 max_handshakes;
	bool no_ktls;
};

int kh2i_tls_new(struct kh2_ctx *ctx, const struct kh2_tls_opts *opts, struct kh2i_tls **out);
void kh2i_tls_free(struct kh2i_tls *tls);
int kh2i_tls_reload(struct kh2_ctx *ctx, struct kh2i_tls *tls, const char *cert, const char *key);
SSL *kh2i_tls_accept(struct kh2i_tls *tls, int fd);
bool kh2i_tls_is_h2(SSL *ssl);
bool kh2i_tls_is_adequate(SSL *ssl);
const char *kh2i_tls_no_kernel(SSL *ssl);
size_t kh2i_tls_drain(SSL *ssl, u8 *buf, size_t len, bool *rest);
void kh2i_tls_log_errors(struct kh2_ctx *ctx, int level, const char *what);

#endif
