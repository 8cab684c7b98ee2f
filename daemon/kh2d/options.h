/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The command line of kh2d. */
#ifndef KH2D_OPTIONS_H
#define KH2D_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <kh2.h>

#define MAX_LISTEN	16
#define MAX_WORKERS	256

/**
 * struct listen_addr - one --listen
 * @text: as the user wrote it
 * @host: address; NULL: any
 * @port: port; 0: any that is free
 */
struct listen_addr {
	const char *text;
	char *host;
	uint16_t port;
};

/**
 * struct options - what the user asked for
 * @listen: where to listen
 * @n_listen: entries in @listen
 * @cert: certificate file; NULL: cleartext
 * @key: key file; NULL: in @cert
 * @root: directory of the static application, or NULL
 * @app: shared object, or NULL
 * @app_args: for its init, never NULL
 * @access_log: file, "-" for stdout, or NULL
 * @user: user to become; NULL: none was named
 * @headers: fields for each static response
 * @limits: limits that differ from their default
 * @n_limits: entries in @limits
 * @header_fields: most fields of a request; 0: the library's default
 * @backend: enum kh2_backend
 * @padding: enum kh2_padding
 * @workers: threads
 * @handshake_timeout_ms: longest TLS handshake; 0: the library's default
 * @session_timeout_ms: 0: none
 * @stop_timeout_ms: longest graceful stop
 * @file_cache: most open files that a worker keeps; 0: none
 * @log_level: least severe level told, enum kh2_log_level
 */
struct options {
	struct listen_addr listen[MAX_LISTEN];
	size_t n_listen;
	const char *cert;
	const char *key;
	const char *root;
	char *app;
	const char *app_args;
	const char *access_log;
	const char *user;
	struct kh2_headers *headers;
	struct kh2_limit_value limits[__KH2_L_END];
	size_t n_limits;
	uint32_t header_fields;
	uint32_t backend;
	uint32_t padding;
	uint32_t workers;
	uint32_t handshake_timeout_ms;
	uint32_t session_timeout_ms;
	uint32_t stop_timeout_ms;
	uint32_t file_cache;
	int log_level;
};

/* Reads the command line; exits on --help, --version and on what is wrong. */
void options_parse(struct options *o, int argc, char **argv);

#endif /* KH2D_OPTIONS_H */
