/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The public API of libkh2: HTTP/2 servers over kh2.ko, or over the same engine in process. */
#ifndef KH2_H
#define KH2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <linux/kh2_counters.h>
#include <linux/kh2_limits.h>
#include <linux/kh2_nl.h>	/* kh2_role, kh2_padding, kh2_limit_value */

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Conventions
 *
 * Objects are opaque. A context belongs to one thread, and so does everything
 * made from it; only kh2_ctx_wake() may be called from another thread or from
 * a signal handler. What takes no object of a context may be called from any
 * thread, as long as no two use one list of fields at a time.
 *
 * Callbacks that report events run inside kh2_ctx_dispatch() and never inside
 * the call that caused them. Deciding callbacks (stat_check) run at once. What
 * a callback is given is valid until it returns. An unset callback has a
 * default, told at its place. Callbacks may call anything but
 * kh2_ctx_dispatch() and kh2_ctx_free().
 *
 * Functions return 0 or a count, and on failure a negative number: -errno, or
 * KH2_ERR_*. A call that fails has done nothing unless it says otherwise.
 * What goes wrong after a call returned is told by on_error, never twice.
 *
 * Structures of options and callbacks begin with their size, so that they can
 * grow: set sz to sizeof the structure and clear the rest.
 *	struct kh2_ctx_opts opts = { .sz = sizeof(opts), .backend = KH2_BACKEND_USER };
 *
 * Sessions and streams are counted. The library holds a reference until
 * on_close has returned; kh2_session_get() and kh2_stream_get() take more, for
 * which getters go on working, and operations return
 * KH2_ERR_SESSION_CLOSED or KH2_ERR_STREAM_CLOSED.
 *
 * Octets are counted in size_t or uint64_t, times are in milliseconds where a
 * name ends in _ms and in nanoseconds where it ends in _ns.
 */
struct kh2_ctx;
struct kh2_server;
struct kh2_session;
struct kh2_stream;
struct kh2_headers;

#define KH2_VERSION_MAJOR	0
#define KH2_VERSION_MINOR	1
#define KH2_VERSION_PATCH	0

/**
 * kh2_version() - version of the library that runs
 *
 * Return: "MAJOR.MINOR.PATCH", static.
 */
const char *kh2_version(void);

/* ---- errors ---- */

/**
 * enum kh2_error - errors of the library, beside -errno
 * @KH2_ERR_SESSION: the session failed; the HTTP/2 code is alongside
 * @KH2_ERR_STREAM: the stream was reset; the HTTP/2 code is alongside
 * @KH2_ERR_PROTOCOL: the peer broke RFC 9113
 * @KH2_ERR_INTERNAL: the library, the module or memory failed
 * @KH2_ERR_SESSION_CLOSED: the session is closed or closing
 * @KH2_ERR_STREAM_CLOSED: the stream, or our side of it, is closed
 * @KH2_ERR_INVALID_HEADER: field name or value with octets that are forbidden
 *	(RFC 9113 8.2.1), or a field specific to a connection (8.2.2)
 * @KH2_ERR_PSEUDO_NOT_ALLOWED: pseudo-header field where none, or not this
 *	one, may be (RFC 9113 8.3, 8.1)
 * @KH2_ERR_STATUS_INVALID: :status missing, malformed or of the wrong class
 * @KH2_ERR_HEADERS_SENT: a final response was sent already
 * @KH2_ERR_HEADERS_NOT_SENT: no response was sent yet
 * @KH2_ERR_TRAILERS_NOT_READY: before on_want_trailers
 * @KH2_ERR_NOT_CLIENT: a client's operation on a server's object
 * @KH2_ERR_NOT_SERVER: a server's operation on a client's object
 * @KH2_ERR_PING_LIMIT: too many PINGs not yet acknowledged
 * @KH2_ERR_PING_CANCEL: the session ended before the PING came back
 * @KH2_ERR_NOT_REGULAR_FILE: not a regular file
 * @KH2_ERR_TLS: the TLS library refused; its words went to the log
 * @KH2_ERR_TIMEOUT: the peer took too long
 */
enum kh2_error {
	KH2_ERR_SESSION			= -10001,
	KH2_ERR_STREAM			= -10002,
	KH2_ERR_PROTOCOL		= -10003,
	KH2_ERR_INTERNAL		= -10004,
	KH2_ERR_SESSION_CLOSED		= -10005,
	KH2_ERR_STREAM_CLOSED		= -10006,
	KH2_ERR_INVALID_HEADER		= -10007,
	KH2_ERR_PSEUDO_NOT_ALLOWED	= -10008,
	KH2_ERR_STATUS_INVALID		= -10009,
	KH2_ERR_HEADERS_SENT		= -10010,
	KH2_ERR_HEADERS_NOT_SENT	= -10011,
	KH2_ERR_TRAILERS_NOT_READY	= -10012,
	KH2_ERR_NOT_CLIENT		= -10013,
	KH2_ERR_NOT_SERVER		= -10014,
	KH2_ERR_PING_LIMIT		= -10015,
	KH2_ERR_PING_CANCEL		= -10016,
	KH2_ERR_NOT_REGULAR_FILE	= -10017,
	KH2_ERR_TLS			= -10018,
	KH2_ERR_TIMEOUT			= -10019,
};

/**
 * kh2_strerror() - an error in words
 * @err: negative errno or KH2_ERR_*
 *
 * Return: static string, never NULL.
 */
const char *kh2_strerror(int err);

#ifndef KH2_ENGINE_PROTO_H
/* Error codes of HTTP/2, RFC 9113 7 */
enum kh2_code {
	KH2_NO_ERROR		= 0x0,
	KH2_PROTOCOL_ERROR	= 0x1,
	KH2_INTERNAL_ERROR	= 0x2,
	KH2_FLOW_CONTROL_ERROR	= 0x3,
	KH2_SETTINGS_TIMEOUT	= 0x4,
	KH2_STREAM_CLOSED	= 0x5,
	KH2_FRAME_SIZE_ERROR	= 0x6,
	KH2_REFUSED_STREAM	= 0x7,
	KH2_CANCEL		= 0x8,
	KH2_COMPRESSION_ERROR	= 0x9,
	KH2_CONNECT_ERROR	= 0xa,
	KH2_ENHANCE_YOUR_CALM	= 0xb,
	KH2_INADEQUATE_SECURITY	= 0xc,
	KH2_HTTP_1_1_REQUIRED	= 0xd,
};

/* Flags of frames, as callbacks pass them, RFC 9113 6 */
#define KH2_FLAG_END_STREAM	0x1
#define KH2_FLAG_END_HEADERS	0x4
#define KH2_FLAG_PADDED		0x8
#define KH2_FLAG_PRIORITY	0x20
#endif

/* Where a code is optional: INTERNAL_ERROR if there is an error, else NO_ERROR. */
#define KH2_CODE_DEFAULT	UINT32_MAX

/**
 * kh2_code_name() - name of an HTTP/2 error code
 * @code: code
 *
 * Return: such as "REFUSED_STREAM"; NULL if RFC 9113 does not define it.
 */
const char *kh2_code_name(uint32_t code);

/**
 * kh2_code_parse() - error code from a name or a number
 * @s: "REFUSED_STREAM", "refused-stream", "7" or "0x7"
 * @code: result
 *
 * Return: 0, or -EINVAL.
 */
int kh2_code_parse(const char *s, uint32_t *code);

/* ---- context ---- */

/**
 * enum kh2_backend - who does the framing and the sending
 * @KH2_BACKEND_AUTO: kernel where it can serve the connection, else user
 * @KH2_BACKEND_KERNEL: kh2.ko only; connections that it cannot serve are closed
 * @KH2_BACKEND_USER: the engine in process only
 */
enum kh2_backend {
	KH2_BACKEND_AUTO,
	KH2_BACKEND_KERNEL,
	KH2_BACKEND_USER,
};

/* Severity of a line for the log, as in syslog(3) */
enum kh2_log_level {
	KH2_LOG_ERR	= 3,
	KH2_LOG_WARNING	= 4,
	KH2_LOG_INFO	= 6,
	KH2_LOG_DEBUG	= 7,
};

/**
 * struct kh2_ctx_opts - options of a context
 * @sz: sizeof this
 * @backend: enum kh2_backend
 * @log: takes one line without its newline, at any time; NULL: errors and
 *	warnings go to stderr
 * @log_user: passed to @log
 * @sq_entries: submissions per batch, a power of two; 0: 1,024
 * @ev_bytes: octets of the event ring, a power of two; 0: 1 MiB
 * @tx_bytes: octets of the transmit area, at least 288 KiB; 0: 4 MiB
 */
struct kh2_ctx_opts {
	size_t sz;
	uint32_t backend;
	void (*log)(int level, const char *line, void *user);
	void *log_user;
	uint32_t sq_entries;
	uint32_t ev_bytes;
	uint32_t tx_bytes;
};

/**
 * kh2_ctx_new() - make a context: event loop and channel to the module
 * @ctx: result
 * @opts: options or NULL
 *
 * With KH2_BACKEND_AUTO an absent module is no error. OpenSSL writes to sockets
 * in a way that raises SIGPIPE: if its action is the default, which would end
 * the process, the signal is set to be ignored here.
 *
 * Return: 0; -EPROTONOSUPPORT if KH2_BACKEND_KERNEL was asked for and the
 * module is absent; -EINVAL, -ENOMEM or another -errno.
 */
int kh2_ctx_new(struct kh2_ctx **ctx, const struct kh2_ctx_opts *opts);

/**
 * kh2_ctx_free() - end all servers and sessions of a context and free it
 * @ctx: context or NULL
 *
 * on_close callbacks run from here. Sessions that are still open get GOAWAY
 * NO_ERROR if it can be sent without waiting.
 */
void kh2_ctx_free(struct kh2_ctx *ctx);

/**
 * kh2_ctx_fd() - descriptor that is readable when there is work
 * @ctx: context
 *
 * For poll(2), together with kh2_ctx_timeout_ms(). It stays the context's.
 *
 * Return: descriptor.
 */
int kh2_ctx_fd(const struct kh2_ctx *ctx);

/**
 * kh2_ctx_timeout_ms() - how long a poll of kh2_ctx_fd() may wait
 * @ctx: context
 *
 * Return: milliseconds until kh2_ctx_dispatch() has work by the clock; 0 if it
 * has some now; -1 if none is due.
 */
int kh2_ctx_timeout_ms(const struct kh2_ctx *ctx);

/**
 * kh2_ctx_dispatch() - wait for work, do it and run callbacks
 * @ctx: context
 * @timeout_ms: longest wait; 0: none; -1: no end
 *
 * Return: number of events handled, 0 if the time passed, -EBUSY from within a
 * callback, or -errno of the wait.
 */
int kh2_ctx_dispatch(struct kh2_ctx *ctx, int timeout_ms);

/**
 * kh2_ctx_wake() - make kh2_ctx_dispatch() return
 * @ctx: context
 *
 * May be called from any thread and from signal handlers.
 */
void kh2_ctx_wake(struct kh2_ctx *ctx);

/**
 * kh2_ctx_backend() - what the context can use
 * @ctx: context
 *
 * Return: KH2_BACKEND_KERNEL if there is a channel to the module, else
 * KH2_BACKEND_USER.
 */
enum kh2_backend kh2_ctx_backend(const struct kh2_ctx *ctx);

/**
 * kh2_ctx_watch() - run a callback when a descriptor of the caller is ready
 * @ctx: context
 * @fd: descriptor; stays the caller's
 * @events: EPOLLIN and the like, level-triggered; 0 stops watching
 * @cb: callback, given the events that are ready
 * @user: passed to @cb
 *
 * A second call for the same descriptor replaces the first. Stop watching
 * before closing it.
 *
 * Return: 0; -EINVAL without @cb, unless @events is 0; -ENOMEM; -errno of
 * epoll_ctl(2), such as -EPERM for a regular file.
 */
int kh2_ctx_watch(struct kh2_ctx *ctx, int fd, uint32_t events,
		  void (*cb)(struct kh2_ctx *ctx, int fd, uint32_t events, void *user),
		  void *user);

/* ---- headers ---- */

/* A secret: in no compression table, RFC 7541 7.1.3 */
#define KH2_NV_NEVER_INDEX	(1U << 0)

/**
 * struct kh2_nv - one field
 * @name: name, lower case; a NUL follows it
 * @value: value; a NUL follows it
 * @name_len: octets of @name
 * @value_len: octets of @value
 * @flags: KH2_NV_*
 */
struct kh2_nv {
	const char *name;
	const char *value;
	size_t name_len;
	size_t value_len;
	uint32_t flags;
};

/**
 * kh2_headers_new() - make an empty list of fields
 * @h: result
 *
 * Return: 0 or -ENOMEM.
 */
int kh2_headers_new(struct kh2_headers **h);

/**
 * kh2_headers_free() - free a list that kh2_headers_new() made
 * @h: list or NULL
 */
void kh2_headers_free(struct kh2_headers *h);

/**
 * kh2_headers_copy() - copy a list, also one that a callback was given
 * @copy: result
 * @h: list
 *
 * Return: 0 or -ENOMEM.
 */
int kh2_headers_copy(struct kh2_headers **copy, const struct kh2_headers *h);

/**
 * kh2_headers_add() - append a field
 * @h: list
 * @name: name; ASCII capitals become small
 * @value: value; copied
 *
 * The same name may be added more than once: each is sent as its own field.
 * Pseudo-header fields are moved before the others when sent.
 *
 * Return: 0; KH2_ERR_INVALID_HEADER if the name is empty or has other octets
 * than a token's, if the value has CR, LF or NUL or begins or ends with a
 * space or tab (RFC 9113 8.2.1), or if the field is specific to a connection
 * (8.2.2); -ENOMEM.
 */
int kh2_headers_add(struct kh2_headers *h, const char *name, const char *value);

/**
 * kh2_headers_add_nv() - append a field whose lengths are given
 * @h: list
 * @nv: field; copied; @nv->name may have capitals
 *
 * Return: as kh2_headers_add().
 */
int kh2_headers_add_nv(struct kh2_headers *h, const struct kh2_nv *nv);

/**
 * kh2_headers_add_int() - append a field with a decimal number
 * @h: list
 * @name: name
 * @value: number
 *
 * Return: as kh2_headers_add().
 */
int kh2_headers_add_int(struct kh2_headers *h, const char *name, int64_t value);

/**
 * kh2_headers_set() - replace all fields of a name by one
 * @h: list
 * @name: name
 * @value: value
 *
 * Return: as kh2_headers_add().
 */
int kh2_headers_set(struct kh2_headers *h, const char *name, const char *value);

/**
 * kh2_headers_remove() - remove all fields of a name
 * @h: list
 * @name: name, any case
 *
 * Return: how many were removed.
 */
int kh2_headers_remove(struct kh2_headers *h, const char *name);

/**
 * kh2_headers_get() - value of the first field of a name
 * @h: list
 * @name: name, any case; pseudo-header fields included
 * @len: its octets, if not NULL
 *
 * Return: value with a NUL behind it, valid until the list changes; NULL if
 * there is none.
 */
const char *kh2_headers_get(const struct kh2_headers *h, const char *name, size_t *len);

/**
 * kh2_headers_next() - find the next field of a name
 * @h: list
 * @name: name, any case; NULL: any
 * @i: where to look from; moved behind the field found; begin with 0
 * @nv: result
 *
 * Return: true if there was one.
 */
bool kh2_headers_next(const struct kh2_headers *h, const char *name, size_t *i,
		      struct kh2_nv *nv);

/**
 * kh2_headers_raw() - the fields in the order they were received or added
 * @h: list
 * @n: how many
 *
 * Return: array, valid until the list changes.
 */
const struct kh2_nv *kh2_headers_raw(const struct kh2_headers *h, size_t *n);

/* ---- settings ---- */

/* Bits of kh2_settings.present */
#define KH2_SET_HEADER_TABLE_SIZE	(1U << 0)
#define KH2_SET_ENABLE_PUSH		(1U << 1)
#define KH2_SET_MAX_CONCURRENT_STREAMS	(1U << 2)
#define KH2_SET_INITIAL_WINDOW_SIZE	(1U << 3)
#define KH2_SET_MAX_FRAME_SIZE		(1U << 4)
#define KH2_SET_MAX_HEADER_LIST_SIZE	(1U << 5)
#define KH2_SET_ENABLE_CONNECT_PROTOCOL	(1U << 6)
#define KH2_SET_NO_RFC7540_PRIORITIES	(1U << 7)

/**
 * struct kh2_settings - SETTINGS, RFC 9113 6.5.2, RFC 8441 3, RFC 9218 2.1
 * @sz: sizeof this
 * @present: KH2_SET_* of the members that are set; others are not looked at
 * @header_table_size: octets of the HPACK table, 0 to 2^32-1; default 4,096
 * @max_concurrent_streams: 0 to 2^32-1; absent: no limit
 * @initial_window_size: octets, 0 to 2^31-1; default 65,535
 * @max_frame_size: octets, 16,384 to 2^24-1; default 16,384
 * @max_header_list_size: octets, names and values and 32 a field; the
 *	library's default is 65,535
 * @enable_push: clients alone may set it; a server may not send it
 * @enable_connect_protocol: extended CONNECT, RFC 8441
 * @no_rfc7540_priorities: RFC 9218 2.1
 */
struct kh2_settings {
	size_t sz;
	uint32_t present;
	uint32_t header_table_size;
	uint32_t max_concurrent_streams;
	uint32_t initial_window_size;
	uint32_t max_frame_size;
	uint32_t max_header_list_size;
	bool enable_push;
	bool enable_connect_protocol;
	bool no_rfc7540_priorities;
};

/**
 * kh2_settings_default() - the library's defaults
 * @out: filled in, sz included: the values of RFC 9113 6.5.2, and
 *	max_header_list_size, which alone is present
 */
void kh2_settings_default(struct kh2_settings *out);

/**
 * kh2_settings_pack() - the payload of a SETTINGS frame, as for HTTP2-Settings
 * @s: settings
 * @buf: where to
 * @len: octets there
 *
 * Return: octets written, six for each present member; -ENOSPC, or -ERANGE for
 * a value out of range.
 */
ssize_t kh2_settings_pack(const struct kh2_settings *s, uint8_t *buf, size_t len);

/**
 * kh2_settings_unpack() - read what kh2_settings_pack() wrote
 * @out: filled in; unknown identifiers are ignored
 * @buf: payload
 * @len: octets
 *
 * Return: 0, -EBADMSG if @len is no multiple of six, -ERANGE.
 */
int kh2_settings_unpack(struct kh2_settings *out, const void *buf, size_t len);

/* ---- server ---- */

/**
 * struct kh2_server_opts - options of a server and its sessions
 * @sz: sizeof this
 * @settings: first SETTINGS; NULL: kh2_settings_default(). With
 *	initial_window_size present receive windows of streams stay at that
 *	size; without it they grow and shrink with the pace of each body.
 * @limits: limits that differ from their default, see linux/kh2_limits.h
 * @n_limits: entries in @limits
 * @padding: enum kh2_padding
 * @conn_window: receive window of a connection, octets, at least 65,535; 0:
 *	what the limit "memory" leaves beside bodies that were not read
 * @max_deflate_table: largest HPACK table for sending, octets; 0: 4,096
 * @max_header_pairs: most fields of a request; 0: 128, else at least 4. Beyond
 *	it the answer is 431.
 * @max_sessions: connections at once, handshakes included; 0: 16,384
 * @write_high_water: octets of memory that what is queued on a stream may take,
 *	about, before kh2_stream_write() takes no more; 0: 256 KiB
 * @timeout_ms: see kh2_server_set_timeout(); 0: none
 * @reuse_port: SO_REUSEPORT on listening sockets, for several workers
 * @backlog: of listen(2); 0: 4,096
 */
struct kh2_server_opts {
	size_t sz;
	const struct kh2_settings *settings;
	const struct kh2_limit_value *limits;
	size_t n_limits;
	uint32_t padding;
	uint32_t conn_window;
	uint32_t max_deflate_table;
	uint32_t max_header_pairs;
	uint32_t max_sessions;
	uint32_t write_high_water;
	uint32_t timeout_ms;
	bool reuse_port;
	int backlog;
};

/**
 * struct kh2_tls_opts - options of TLS
 * @sz: sizeof this
 * @cert_file: PEM, certificate and its chain
 * @key_file: PEM, private key; NULL: in @cert_file
 * @ciphers: for TLS 1.2, OpenSSL's syntax; NULL: those with ECDHE and AEAD.
 *	What RFC 9113 9.2.2 forbids is refused whatever this says.
 * @ciphersuites: for TLS 1.3, OpenSSL's syntax; NULL: OpenSSL's default
 * @handshake_ms: time for a handshake; 0: 10,000
 * @max_handshakes: handshakes at once; 0: 1,024. Beyond it connections wait in
 *	the backlog.
 * @no_ktls: never ask for kernel TLS; the user backend serves
 * @cert_name: what the log calls the file of the certificate, whichever
 *	kh2_server_reload() brings; NULL: its path
 * @key_name: what the log calls the file of the key, likewise
 */
struct kh2_tls_opts {
	size_t sz;
	const char *cert_file;
	const char *key_file;
	const char *ciphers;
	const char *ciphersuites;
	uint32_t handshake_ms;
	uint32_t max_handshakes;
	bool no_ktls;
	const char *cert_name;
	const char *key_name;
};

/**
 * struct kh2_server_cbs - callbacks of a server
 * @sz: sizeof this
 * @on_session: a session began, before any of its streams
 * @on_stream: a request arrived; the place for kh2_stream_set_callbacks() and
 *	kh2_respond(). @flags: KH2_FLAG_* of the HEADERS frame; with
 *	KH2_FLAG_END_STREAM there is no body. Unset: answered with 404.
 * @on_session_error: a session failed, forwarded after its own on_error
 * @on_stream_error: a stream failed, forwarded after its own on_error
 * @on_timeout: a session was without activity for the server's timeout.
 *	Unset: it is destroyed.
 * @on_error: listening, accepting or a handshake failed
 * @on_close: after kh2_server_close(), the last session has gone
 */
struct kh2_server_cbs {
	size_t sz;
	void (*on_session)(struct kh2_server *srv, struct kh2_session *s, void *user);
	void (*on_stream)(struct kh2_server *srv, struct kh2_stream *st,
			  const struct kh2_headers *h, uint8_t flags, void *user);
	void (*on_session_error)(struct kh2_server *srv, struct kh2_session *s, int err,
				 uint32_t code, void *user);
	void (*on_stream_error)(struct kh2_server *srv, struct kh2_stream *st, int err,
				uint32_t code, void *user);
	void (*on_timeout)(struct kh2_server *srv, struct kh2_session *s, void *user);
	void (*on_error)(struct kh2_server *srv, int err, void *user);
	void (*on_close)(struct kh2_server *srv, void *user);
};

/**
 * kh2_server_new() - make a cleartext server (prior knowledge, RFC 9113 3.3)
 * @ctx: context
 * @opts: options or NULL; copied
 * @cbs: callbacks or NULL; copied
 * @user: passed to callbacks
 * @srv: result
 *
 * A max_concurrent_streams among the settings sets the limit of this name; it is
 * an error if both are given and differ.
 *
 * Return: 0; -EINVAL for a limit or padding that does not exist, for
 * enable_push, and for what differs as told above; -ERANGE for a setting, limit
 * or window out of range; -ENOMEM.
 */
int kh2_server_new(struct kh2_ctx *ctx, const struct kh2_server_opts *opts,
		   const struct kh2_server_cbs *cbs, void *user, struct kh2_server **srv);

/**
 * kh2_secure_server_new() - make a server over TLS with ALPN "h2"
 * @ctx: context
 * @opts: options or NULL; copied
 * @tls: certificate and key at least; files are read here
 * @cbs: callbacks or NULL; copied
 * @user: passed to callbacks
 * @srv: result
 *
 * Clients that do not offer "h2" are refused with the alert
 * no_application_protocol (RFC 7301 3.2).
 *
 * Return: as kh2_server_new(), and KH2_ERR_TLS, with the reason in the log: of a
 * file that cannot be used one line, that begins with its name and a colon.
 */
int kh2_secure_server_new(struct kh2_ctx *ctx, const struct kh2_server_opts *opts,
			  const struct kh2_tls_opts *tls, const struct kh2_server_cbs *cbs,
			  void *user, struct kh2_server **srv);

/**
 * kh2_server_free() - destroy a server and its sessions at once
 * @srv: server or NULL
 *
 * on_close of streams and sessions comes from the dispatches that follow; the
 * server's own callbacks are not called any more. Not to be called from a
 * callback of the server or of what belongs to it: see kh2_server_shutdown().
 */
void kh2_server_free(struct kh2_server *srv);

/**
 * kh2_server_set_callbacks() - replace callbacks
 * @srv: server
 * @cbs: callbacks or NULL; copied
 * @user: passed to callbacks
 */
void kh2_server_set_callbacks(struct kh2_server *srv, const struct kh2_server_cbs *cbs,
			      void *user);

/**
 * kh2_server_listen() - listen on an address
 * @srv: server
 * @addr: IPv4 or IPv6 address, or host name; NULL: any, IPv6 and IPv4
 * @port: TCP port; 0: any that is free, see kh2_server_address()
 *
 * May be called several times. A host name is looked up, which may take its
 * time; all its addresses are listened on.
 *
 * Return: 0; -ESHUTDOWN after kh2_server_close(); -EADDRNOTAVAIL if there is no
 * such host; -errno of socket(2), bind(2) or listen(2). Of several addresses
 * those before the one that failed are listened on.
 */
int kh2_server_listen(struct kh2_server *srv, const char *addr, uint16_t port);

/**
 * kh2_server_listen_fd() - accept from a socket that listens already
 * @srv: server
 * @fd: the server's on success; made non-blocking
 *
 * Return: 0; -ESHUTDOWN after kh2_server_close(); -ENOMEM or another -errno,
 * and then @fd is still the caller's.
 */
int kh2_server_listen_fd(struct kh2_server *srv, int fd);

/**
 * kh2_server_address() - where a server listens
 * @srv: server
 * @i: from 0 on
 * @addr: result
 * @len: octets of it
 *
 * Return: 0, or -ENOENT if there are not so many.
 */
int kh2_server_address(const struct kh2_server *srv, size_t i, struct sockaddr_storage *addr,
		       socklen_t *len);

/**
 * kh2_server_reload() - read certificate and key again
 * @srv: server over TLS
 * @cert_file: new file, or NULL for the same
 * @key_file: new file, or NULL for the same
 *
 * Later handshakes use them, sessions that exist are left alone. If it fails
 * the old ones stay in use.
 *
 * Return: 0, KH2_ERR_TLS with the reason in the log, as kh2_secure_server_new(),
 * -EOPNOTSUPP on a cleartext server, -ENOMEM.
 */
int kh2_server_reload(struct kh2_server *srv, const char *cert_file, const char *key_file);

/**
 * kh2_server_set_timeout() - idle timeout of the sessions to come
 * @srv: server
 * @timeout_ms: milliseconds; 0: none
 */
void kh2_server_set_timeout(struct kh2_server *srv, uint32_t timeout_ms);

/**
 * kh2_server_close() - stop accepting
 * @srv: server
 *
 * Sessions go on, and take requests. on_close of the server runs when the last
 * has gone. To end them too, call kh2_server_shutdown().
 */
void kh2_server_close(struct kh2_server *srv);

/**
 * kh2_server_shutdown() - kh2_server_close(), and kh2_session_close() on each session
 * @srv: server
 */
void kh2_server_shutdown(struct kh2_server *srv);

/**
 * kh2_server_for_each_session() - visit sessions
 * @srv: server
 * @fn: called for each; a non-zero return ends it. It may destroy the session.
 * @arg: passed to @fn
 *
 * Return: 0, or what @fn returned.
 */
int kh2_server_for_each_session(struct kh2_server *srv,
				int (*fn)(struct kh2_session *s, void *arg), void *arg);

/**
 * kh2_server_ctx() - context of a server
 * @srv: server
 *
 * Return: the context that it was made with.
 */
struct kh2_ctx *kh2_server_ctx(const struct kh2_server *srv);

/* ---- session ---- */

/**
 * struct kh2_session_cbs - callbacks of a session, all optional
 * @sz: sizeof this
 * @on_close: the session is destroyed; last callback, exactly once
 * @on_error: the session failed; @err: KH2_ERR_* or -errno, @code: the HTTP/2
 *	code of the GOAWAY, ours or theirs. Immediately before @on_close.
 * @on_goaway: GOAWAY arrived. The session then closes by itself: gracefully
 *	on NO_ERROR, else at once.
 * @on_local_settings: the peer acknowledged our oldest SETTINGS; @now: in force
 * @on_remote_settings: SETTINGS arrived; @now: in force at the peer
 * @on_ping: a PING arrived, and was answered
 * @on_timeout: no activity for the time of kh2_session_set_timeout()
 */
struct kh2_session_cbs {
	size_t sz;
	void (*on_close)(struct kh2_session *s, void *user);
	void (*on_error)(struct kh2_session *s, int err, uint32_t code, void *user);
	void (*on_goaway)(struct kh2_session *s, uint32_t code, uint32_t last_id,
			  const void *data, size_t len, void *user);
	void (*on_local_settings)(struct kh2_session *s, const struct kh2_settings *now,
				  void *user);
	void (*on_remote_settings)(struct kh2_session *s, const struct kh2_settings *now,
				   void *user);
	void (*on_ping)(struct kh2_session *s, const uint8_t payload[8], void *user);
	void (*on_timeout)(struct kh2_session *s, void *user);
};

/**
 * kh2_session_set_callbacks() - set or replace the callbacks of a session
 * @s: session
 * @cbs: callbacks or NULL; copied
 * @user: passed to callbacks
 */
void kh2_session_set_callbacks(struct kh2_session *s, const struct kh2_session_cbs *cbs,
			       void *user);

/**
 * kh2_session_user() - what callbacks of a session are passed
 * @s: session
 *
 * Return: @user of kh2_session_set_callbacks(); NULL before.
 */
void *kh2_session_user(const struct kh2_session *s);

/**
 * kh2_session_get() - take a reference
 * @s: session
 *
 * Return: @s, which stays readable until kh2_session_put().
 */
struct kh2_session *kh2_session_get(struct kh2_session *s);

/**
 * kh2_session_put() - give a reference back that kh2_session_get() took
 * @s: session or NULL; freed with the last
 */
void kh2_session_put(struct kh2_session *s);

/**
 * kh2_session_id() - number of a session
 * @s: session
 *
 * Return: with the backend kernel the module's number, as ``kh2 session list``
 * tells it; else one that no other session of the context has.
 */
uint64_t kh2_session_id(const struct kh2_session *s);

/**
 * kh2_session_role() - which side of the connection is ours
 * @s: session
 *
 * Return: KH2_ROLE_SERVER; there are no clients yet.
 */
enum kh2_role kh2_session_role(const struct kh2_session *s);

/**
 * kh2_session_server() - server that made a session
 * @s: session
 *
 * Return: the server, not owned; NULL once on_close has returned, or
 * kh2_server_free() was called.
 */
struct kh2_server *kh2_session_server(const struct kh2_session *s);

/**
 * kh2_session_alpn() - protocol of a session by name, RFC 9113 3.1
 * @s: session
 *
 * Return: "h2" over TLS, "h2c" otherwise; static.
 */
const char *kh2_session_alpn(const struct kh2_session *s);

/**
 * kh2_session_encrypted() - is it over TLS?
 * @s: session
 *
 * Return: true if it is.
 */
bool kh2_session_encrypted(const struct kh2_session *s);

/**
 * kh2_session_is_closed() - has the end of a session begun?
 * @s: session
 *
 * Return: true from kh2_session_close() or kh2_session_destroy() on, also if
 * the library called them: because of an error, or of GOAWAY from the peer
 * (RFC 9113 6.8).
 */
bool kh2_session_is_closed(const struct kh2_session *s);

/**
 * kh2_session_is_destroyed() - do operations work no more?
 * @s: session
 *
 * Return: true from kh2_session_destroy() on, also if the library called it;
 * on_close may be still to come.
 */
bool kh2_session_is_destroyed(const struct kh2_session *s);

/**
 * kh2_session_settings_pending() - do SETTINGS of ours wait to be acknowledged?
 * @s: session
 *
 * Return: true if so (RFC 9113 6.5.3); the first, too.
 */
bool kh2_session_settings_pending(const struct kh2_session *s);

/**
 * kh2_session_backend() - who serves a session
 * @s: session
 * @why: if not NULL, words that say why not the kernel, or ""; static
 *
 * Return: KH2_BACKEND_KERNEL or KH2_BACKEND_USER.
 */
enum kh2_backend kh2_session_backend(const struct kh2_session *s, const char **why);

/**
 * kh2_session_local_addr() - our address
 * @s: session, of which the socket may be gone
 * @addr: result
 * @len: octets of it that count; what it holds before is not looked at
 *
 * Return: 0, or -ENOTCONN if it was not to be had when the session began.
 */
int kh2_session_local_addr(const struct kh2_session *s, struct sockaddr_storage *addr,
			   socklen_t *len);

/**
 * kh2_session_peer_addr() - the peer's address
 * @s: session, of which the socket may be gone
 * @addr: result
 * @len: octets of it that count; what it holds before is not looked at
 *
 * Return: 0, or -ENOTCONN if the peer was gone when the session began.
 */
int kh2_session_peer_addr(const struct kh2_session *s, struct sockaddr_storage *addr,
			  socklen_t *len);

/**
 * struct kh2_session_state - figures of a session
 * @streams: streams that exist
 * @next_stream_id: id of the next stream that we would open
 * @last_proc_id: id of the newest stream of the peer that was taken up
 * @local_window: octets of DATA that the peer may still send
 * @effective_local_window: what @local_window is at its largest
 * @effective_recv_len: octets received since the last WINDOW_UPDATE
 * @remote_window: octets of DATA that we may still send
 * @outq_frames: frames that wait to be sent
 * @deflate_table: octets in the HPACK table for sending
 * @inflate_table: octets in the HPACK table for receiving
 * @memory: octets held by engine and library on behalf of the session
 * @rtt_ns: round trip of the last SETTINGS or PING of ours; 0: not measured
 */
struct kh2_session_state {
	uint32_t streams;
	uint32_t next_stream_id;
	uint32_t last_proc_id;
	int32_t local_window;
	int32_t effective_local_window;
	uint32_t effective_recv_len;
	int32_t remote_window;
	uint32_t outq_frames;
	uint32_t deflate_table;
	uint32_t inflate_table;
	uint64_t memory;
	uint64_t rtt_ns;
};

/**
 * kh2_session_state() - figures of a session, one consistent look
 * @s: session
 * @out: filled in
 * @sz: sizeof *@out
 *
 * Return: 0, KH2_ERR_SESSION_CLOSED or -errno.
 */
int kh2_session_state(const struct kh2_session *s, struct kh2_session_state *out, size_t sz);

/**
 * kh2_session_counters() - counters of a session, by enum kh2_counter
 * @s: session
 * @out: array
 * @n: entries in it; see linux/kh2_counters.h
 *
 * Return: entries written, KH2_ERR_SESSION_CLOSED or -errno.
 */
int kh2_session_counters(const struct kh2_session *s, uint64_t *out, size_t n);

/**
 * kh2_session_local_settings() - SETTINGS in force at us
 * @s: session
 * @out: all of it is filled in, sz included: those that the peer acknowledged
 *	are present, others have the values of RFC 9113 6.5.2
 */
void kh2_session_local_settings(const struct kh2_session *s, struct kh2_settings *out);

/**
 * kh2_session_remote_settings() - SETTINGS in force at the peer
 * @s: session
 * @out: all of it is filled in, sz included: those that the peer sent are
 *	present, others have the values of RFC 9113 6.5.2
 */
void kh2_session_remote_settings(const struct kh2_session *s, struct kh2_settings *out);

/**
 * kh2_session_settings() - send SETTINGS
 * @s: session
 * @settings: only members that are present are sent
 *
 * They are in force when on_local_settings says so. Several may be under way.
 *
 * Return: 0, -ERANGE for a value out of range, or for more concurrent streams
 * than the limit of the server, -EINVAL for enable_push on a server, for
 * enable_connect_protocol that is taken back, and for no_rfc7540_priorities other
 * than in the first SETTINGS, -ENOBUFS if too many are not acknowledged yet,
 * KH2_ERR_SESSION_CLOSED, -ENOMEM.
 */
int kh2_session_settings(struct kh2_session *s, const struct kh2_settings *settings);

/**
 * typedef kh2_ping_fn - a PING came back, or never will
 * @s: session
 * @err: 0, KH2_ERR_PING_CANCEL, or KH2_ERR_PING_LIMIT if others of the session's
 *	PINGs, those of a shutdown, had used up the limit
 * @rtt_ns: round trip
 * @payload: as sent
 * @arg: as given with it
 */
typedef void (*kh2_ping_fn)(struct kh2_session *s, int err, uint64_t rtt_ns,
			    const uint8_t payload[8], void *arg);

/**
 * kh2_session_ping() - send PING
 * @s: session
 * @payload: eight octets; NULL: the time of sending, ns, little endian
 * @cb: called once, from a dispatch
 * @arg: passed to @cb
 *
 * Return: 0; -EINVAL without @cb; KH2_ERR_PING_LIMIT;
 * KH2_ERR_SESSION_CLOSED; -ENOMEM.
 */
int kh2_session_ping(struct kh2_session *s, const uint8_t payload[8], kh2_ping_fn cb, void *arg);

/**
 * kh2_session_goaway() - send GOAWAY and shut nothing
 * @s: session
 * @code: HTTP/2 code
 * @last_id: last stream; 0: the last one processed
 * @data: debug data or NULL
 * @len: octets of it, at most 16,376
 *
 * Return: 0, -EMSGSIZE, KH2_ERR_SESSION_CLOSED, -ENOMEM.
 */
int kh2_session_goaway(struct kh2_session *s, uint32_t code, uint32_t last_id, const void *data,
		       size_t len);

/**
 * kh2_session_close() - close gracefully
 * @s: session
 *
 * GOAWAY is sent, new streams are refused, those that exist run to their end,
 * then on_close. Again: no effect.
 *
 * Return: 0 or KH2_ERR_SESSION_CLOSED.
 */
int kh2_session_close(struct kh2_session *s);

/**
 * kh2_session_destroy() - end a session and its socket now
 * @s: session
 * @err: given to on_error; 0: none, on_close only
 * @code: code of the GOAWAY, or KH2_CODE_DEFAULT
 *
 * Its streams are destroyed first; all callbacks come from a dispatch.
 *
 * Return: 0 or KH2_ERR_SESSION_CLOSED.
 */
int kh2_session_destroy(struct kh2_session *s, int err, uint32_t code);

/**
 * kh2_session_set_timeout() - tell when there is no activity
 * @s: session
 * @timeout_ms: milliseconds; 0: never
 *
 * Activity is a frame, either way, or an operation on the session. Where frames
 * of the engine's own were the last, the time may be up to twice as long. Nothing
 * is closed.
 *
 * Return: 0 or KH2_ERR_SESSION_CLOSED.
 */
int kh2_session_set_timeout(struct kh2_session *s, uint32_t timeout_ms);

/**
 * kh2_session_for_each_stream() - visit streams, the oldest first
 * @s: session
 * @fn: called for each; a return other than zero ends it. It may close the stream.
 * @arg: passed to @fn
 *
 * Return: 0, or what @fn returned.
 */
int kh2_session_for_each_stream(struct kh2_session *s,
				int (*fn)(struct kh2_stream *st, void *arg), void *arg);

/**
 * kh2_session_find_stream() - find a stream by its identifier
 * @s: session
 * @id: identifier, RFC 9113 5.1.1
 *
 * Return: the stream, without a reference; NULL if it does not exist, or the
 * callbacks of its end have begun.
 */
struct kh2_stream *kh2_session_find_stream(const struct kh2_session *s, uint32_t id);

/* ---- stream ---- */

/**
 * struct kh2_stream_cbs - callbacks of a stream, all optional
 * @sz: sizeof this
 * @on_data: octets of the body, in order; the peer's window is opened again
 *	when it has returned, see kh2_stream_pause(). Unset: dropped.
 * @on_end: the peer has ended and everything was delivered
 * @on_trailers: trailing fields, after the body and before @on_end
 * @on_aborted: the stream ended while our side was still open
 * @on_error: @err is KH2_ERR_STREAM (reset, by either side), KH2_ERR_PROTOCOL
 *	(malformed, RFC 9113 8.1.1), KH2_ERR_SESSION_CLOSED (went with its
 *	session) or another; @code: that of RST_STREAM. Immediately before
 *	@on_close, which always follows.
 * @on_close: the stream is destroyed; last callback, exactly once; the
 *	library's reference goes. @rst_code: 0 if it ended well
 * @on_drain: kh2_stream_write() had taken less than all, and takes more now
 * @on_want_trailers: the body left; time for kh2_stream_send_trailers() or
 *	kh2_stream_close(). Unset: our side is ended without trailers.
 * @on_timeout: no activity for the time of kh2_stream_set_timeout()
 */
struct kh2_stream_cbs {
	size_t sz;
	void (*on_data)(struct kh2_stream *st, const void *buf, size_t len, void *user);
	void (*on_end)(struct kh2_stream *st, void *user);
	void (*on_trailers)(struct kh2_stream *st, const struct kh2_headers *h, uint8_t flags,
			    void *user);
	void (*on_aborted)(struct kh2_stream *st, void *user);
	void (*on_error)(struct kh2_stream *st, int err, uint32_t code, void *user);
	void (*on_close)(struct kh2_stream *st, uint32_t rst_code, void *user);
	void (*on_drain)(struct kh2_stream *st, void *user);
	void (*on_want_trailers)(struct kh2_stream *st, void *user);
	void (*on_timeout)(struct kh2_stream *st, void *user);
};

/**
 * kh2_stream_set_callbacks() - set or replace the callbacks of a stream
 * @st: stream
 * @cbs: callbacks or NULL; not copied: must live as long as the stream
 * @user: passed to callbacks
 */
void kh2_stream_set_callbacks(struct kh2_stream *st, const struct kh2_stream_cbs *cbs,
			      void *user);

/**
 * kh2_stream_user() - what callbacks of a stream are passed
 * @st: stream
 *
 * Return: @user of kh2_stream_set_callbacks() or kh2_stream_set_user(),
 * whichever was called last; NULL before.
 */
void *kh2_stream_user(const struct kh2_stream *st);

/**
 * kh2_stream_set_user() - replace what callbacks of a stream are passed
 * @st: stream
 * @user: passed to callbacks
 */
void kh2_stream_set_user(struct kh2_stream *st, void *user);

/**
 * kh2_stream_get() - take a reference
 * @st: stream
 *
 * A stream that was reset counts against the limit of streams until the last
 * reference has gone: work on it has not ended before.
 *
 * Return: @st, which stays readable until kh2_stream_put().
 */
struct kh2_stream *kh2_stream_get(struct kh2_stream *st);

/**
 * kh2_stream_put() - give a reference back that kh2_stream_get() took
 * @st: stream or NULL; freed with the last
 */
void kh2_stream_put(struct kh2_stream *st);

/**
 * kh2_stream_id() - identifier of a stream, RFC 9113 5.1.1
 * @st: stream
 *
 * Return: 1 to 2^31-1, odd, for the client chose it. Negative numbers are kept
 * for streams of clients, which do not exist yet.
 */
int64_t kh2_stream_id(const struct kh2_stream *st);

/**
 * kh2_stream_session() - session of a stream
 * @st: stream
 *
 * Return: the session, without a reference; NULL once on_close has returned.
 */
struct kh2_session *kh2_stream_session(const struct kh2_stream *st);

/**
 * kh2_stream_headers() - fields of the request
 * @st: stream
 *
 * Return: the stream's own list, as on_stream was given it, valid as long as
 * there is a reference to @st; not to be freed.
 */
const struct kh2_headers *kh2_stream_headers(const struct kh2_stream *st);

/**
 * kh2_stream_headers_sent() - was there a final response?
 * @st: stream
 *
 * Return: true once kh2_respond(), kh2_respond_fd() or kh2_respond_file() has
 * sent the fields; informational responses do not count.
 */
bool kh2_stream_headers_sent(const struct kh2_stream *st);

/**
 * kh2_stream_is_aborted() - did it end while our side was open, and not by us?
 * @st: stream
 *
 * Return: true from on_aborted on.
 */
bool kh2_stream_is_aborted(const struct kh2_stream *st);

/**
 * kh2_stream_is_closed() - have we reset the stream, or has it ended?
 * @st: stream
 *
 * Return: true once RST_STREAM was asked for, by kh2_stream_close(),
 * kh2_stream_destroy() or the library, and from the callbacks of its end on.
 */
bool kh2_stream_is_closed(const struct kh2_stream *st);

/**
 * kh2_stream_is_destroyed() - do operations work no more?
 * @st: stream
 *
 * Return: true from the callbacks of its end on: on_aborted, on_error, on_close.
 */
bool kh2_stream_is_destroyed(const struct kh2_stream *st);

/**
 * kh2_stream_rst_code() - HTTP/2 code with which a stream ended, RFC 9113 7
 * @st: stream
 *
 * Return: the code, 0 to 2^32-1, 0 (NO_ERROR) if it ended well; -ENODATA
 * before the callbacks of its end.
 */
int64_t kh2_stream_rst_code(const struct kh2_stream *st);

/**
 * kh2_stream_queued() - how much of the body waits
 * @st: stream
 *
 * Return: octets that kh2_stream_write() and kh2_stream_end() took and that the
 * backend has not told as sent. Those of files do not count, nor does a short
 * last piece, which the backend copies at once.
 */
size_t kh2_stream_queued(const struct kh2_stream *st);

/* States of a stream (RFC 9113 5.1), in nghttp2's numbers */
enum kh2_stream_st {
	KH2_ST_IDLE			= 1,
	KH2_ST_OPEN			= 2,
	KH2_ST_RESERVED_LOCAL		= 3,
	KH2_ST_RESERVED_REMOTE		= 4,
	KH2_ST_HALF_CLOSED_LOCAL	= 5,
	KH2_ST_HALF_CLOSED_REMOTE	= 6,
	KH2_ST_CLOSED			= 7,
};

/**
 * struct kh2_stream_state - figures of a stream
 * @state: enum kh2_stream_st
 * @local_close: our side has ended
 * @remote_close: the peer's side has ended
 * @local_window: octets that the peer may send; negative after a change of settings
 * @remote_window: octets that we may send
 * @urgency: 0 to 7, RFC 9218 4.1
 * @incremental: RFC 9218 4.2
 * @queued: octets that wait to be framed
 * @weight: 1 to 256, RFC 7540 5.3.2; 16 unless dependencies are in use
 * @parent: stream on which it depends, 0: none
 * @sum_dependency_weight: weights of all that depend on it
 */
struct kh2_stream_state {
	uint32_t state;
	bool local_close;
	bool remote_close;
	int32_t local_window;
	int32_t remote_window;
	uint8_t urgency;
	bool incremental;
	uint64_t queued;
	uint16_t weight;
	uint32_t parent;
	uint32_t sum_dependency_weight;
};

/**
 * kh2_stream_state() - figures of a stream
 * @st: stream
 * @out: filled in
 * @sz: sizeof *@out
 *
 * Return: 0, KH2_ERR_STREAM_CLOSED or -errno.
 */
int kh2_stream_state(const struct kh2_stream *st, struct kh2_stream_state *out, size_t sz);

/**
 * struct kh2_respond_opts - options of kh2_respond()
 * @sz: sizeof this
 * @end_stream: there is no body
 * @wait_for_trailers: on_want_trailers when the body has left; -EINVAL with a 2xx
 *	to CONNECT, whose stream takes no trailers (RFC 9113 8.5)
 */
struct kh2_respond_opts {
	size_t sz;
	bool end_stream;
	bool wait_for_trailers;
};

/**
 * kh2_respond() - send a final response's fields
 * @st: server's stream
 * @h: fields, which stay the caller's; without :status it is 200; NULL: only
 *	that
 * @opts: options or NULL
 *
 * The answer to HEAD, and 204, 205 and 304, end the stream: what is written
 * for a body is dropped. Otherwise kh2_stream_write() and kh2_stream_end()
 * follow.
 *
 * Return: 0; KH2_ERR_HEADERS_SENT; KH2_ERR_STREAM_CLOSED;
 * KH2_ERR_STATUS_INVALID unless :status is 200 to 599;
 * KH2_ERR_PSEUDO_NOT_ALLOWED; -EMSGSIZE if more than the peer's
 * MAX_HEADER_LIST_SIZE or 64 KiB; -EINVAL for trailers with a 2xx to CONNECT;
 * -ENOMEM or KH2_ERR_INTERNAL, with which the session has failed.
 */
int kh2_respond(struct kh2_stream *st, const struct kh2_headers *h,
		const struct kh2_respond_opts *opts);

/**
 * kh2_stream_additional_headers() - send an informational response
 * @st: server's stream
 * @h: fields with :status 100 to 199, but not 101 (RFC 9113 8.6)
 *
 * Return: 0; KH2_ERR_HEADERS_SENT after the final response; else as
 * kh2_respond().
 */
int kh2_stream_additional_headers(struct kh2_stream *st, const struct kh2_headers *h);

/**
 * kh2_stream_write() - send octets of the body
 * @st: stream whose response was begun
 * @buf: octets; copied
 * @len: how many
 *
 * Return: how many were taken; -EAGAIN if none can be now. If less than all
 * were taken, on_drain tells when there is room again. KH2_ERR_STREAM_CLOSED
 * once our side is ended or the stream reset; KH2_ERR_HEADERS_NOT_SENT; -ENOMEM.
 */
ssize_t kh2_stream_write(struct kh2_stream *st, const void *buf, size_t len);

/**
 * kh2_stream_end() - send the last octets of the body and end our side
 * @st: stream whose response was begun
 * @buf: octets or NULL; copied, and taken whole, whatever is queued already
 * @len: how many
 *
 * What is queued counts against the session's KH2_L_MEMORY; while that is
 * exceeded new streams are refused. For large bodies prefer kh2_stream_write().
 *
 * Return: 0; otherwise as kh2_stream_write(), never -EAGAIN. After -ENOMEM the
 * stream is reset.
 */
int kh2_stream_end(struct kh2_stream *st, const void *buf, size_t len);

/* Return of stat_check: the callback has answered by itself, or will. */
#define KH2_STAT_CANCEL	1

/* Bits of kh2_file_opts.present and kh2_stat_opts.present */
#define KH2_FILE_LENGTH	(1U << 0)

/**
 * struct kh2_stat_opts - what part of a file is to be sent; stat_check may change it
 * @present: KH2_FILE_LENGTH if @length counts
 * @offset: where to begin
 * @length: octets; absent: to the end
 */
struct kh2_stat_opts {
	uint32_t present;
	uint64_t offset;
	uint64_t length;
};

/**
 * struct kh2_file_opts - options of kh2_respond_fd() and kh2_respond_file()
 * @sz: sizeof this
 * @present: KH2_FILE_LENGTH if @length counts
 * @offset: octet to begin with; must be 0 unless the file is a regular one
 * @length: octets to send; absent: to the end
 * @wait_for_trailers: on_want_trailers when the file has left
 * @stat_check: sees fstat(2) and may add to the fields before they are sent.
 *	Returns 0; KH2_STAT_CANCEL, having called kh2_respond() itself; or a
 *	negative error. Runs within the call.
 * @on_error: kh2_respond_file() only: open or stat failed, or no regular file;
 *	may call kh2_respond(). Runs within the call, which then returns 0.
 * @user: passed to both
 * @stat: kh2_respond_fd() only: what fstat(2) says of the descriptor, which is
 *	then not asked again; NULL: it is
 * @kept_open: kh2_respond_fd() only, with @stat of a regular file, else without
 *	effect: the caller leaves the descriptor open until the stream's
 *	on_close, so none is made for it
 */
struct kh2_file_opts {
	size_t sz;
	uint32_t present;
	uint64_t offset;
	uint64_t length;
	bool wait_for_trailers;
	int (*stat_check)(struct kh2_stream *st, const struct stat *stat, struct kh2_headers *h,
			  struct kh2_stat_opts *part, void *user);
	void (*on_error)(struct kh2_stream *st, int err, void *user);
	void *user;
	const struct stat *stat;
	bool kept_open;
};

/**
 * kh2_respond_fd() - respond with what a descriptor holds
 * @st: server's stream
 * @fd: any that can be read; stays the caller's, who may close it at once
 *	unless @opts say that it is kept open: the file is held until the stream ends
 * @h: fields as for kh2_respond(); content-length is not added
 * @opts: options or NULL
 *
 * Our side ends with the last octet asked for. Without a length that is the
 * last one which a regular file has when the backend takes the response: what is
 * appended later is not sent. All else is sent to its end.
 *
 * A body that falls short is never ended as if it were whole, with neither
 * backend: the stream is reset with INTERNAL_ERROR. on_error is told, if it shows
 * at once, and then no octet is sent:
 *
 * * -ENODATA: a regular file ends before @offset, or before the length is full
 * * -EINVAL: the part would end behind 2^63-1, where no file does
 * * -ESPIPE: an offset in what is no regular file, though @stat called it one
 * * -EOPNOTSUPP, -EINVAL, -EISDIR, -EBADF: the kernel does not read this file, see
 *   below; or what else the system says, such as -EMFILE
 *
 * and KH2_ERR_STREAM if it shows while octets are sent: a regular file was cut, a
 * pipe ended before its length, reading failed.
 *
 * The kernel reads regular files of file systems with a page cache, and pipes; with
 * the backend kernel what is neither (sockets, devices, files below /proc) is
 * refused. The backend user reads those too; of files that are made as they are
 * read it sends all if they say that they are empty, as below /proc, and takes those
 * that say more than they hold, as below /sys, for files that were cut.
 *
 * Return: 0; -EINVAL for an offset in what is no regular file; what
 * stat_check returned; else as kh2_respond().
 */
int kh2_respond_fd(struct kh2_stream *st, int fd, const struct kh2_headers *h,
		   const struct kh2_file_opts *opts);

/**
 * kh2_respond_file() - respond with a regular file
 * @st: server's stream
 * @path: path
 * @h: fields as for kh2_respond(); content-length is added, of the part sent
 * @opts: options or NULL
 *
 * What becomes of the file after its length was taken is answered as by
 * kh2_respond_fd(). Without an on_error in the options, an error before the fields were sent
 * resets the stream with INTERNAL_ERROR and is told by the stream's on_error.
 *
 * Return: 0, or as kh2_respond().
 */
int kh2_respond_file(struct kh2_stream *st, const char *path, const struct kh2_headers *h,
		     const struct kh2_file_opts *opts);

/**
 * kh2_stream_send_trailers() - send trailing fields and end our side
 * @st: stream, in or after on_want_trailers
 * @h: fields, no pseudo-header fields; NULL or empty: END_STREAM only
 *
 * Return: 0; KH2_ERR_TRAILERS_NOT_READY before on_want_trailers;
 * KH2_ERR_STREAM_CLOSED when called again; KH2_ERR_PSEUDO_NOT_ALLOWED;
 * -EMSGSIZE; -ENOMEM.
 */
int kh2_stream_send_trailers(struct kh2_stream *st, const struct kh2_headers *h);

/**
 * kh2_stream_close() - end a stream by RST_STREAM
 * @st: stream
 * @code: HTTP/2 code
 *
 * What is queued is dropped. on_close follows, and before it on_error unless
 * @code is NO_ERROR.
 *
 * Return: 0 or KH2_ERR_STREAM_CLOSED.
 */
int kh2_stream_close(struct kh2_stream *st, uint32_t code);

/**
 * kh2_stream_destroy() - kh2_stream_close() with an error for on_error
 * @st: stream
 * @err: given to on_error with code INTERNAL_ERROR; 0: NO_ERROR
 *
 * Return: 0 or KH2_ERR_STREAM_CLOSED.
 */
int kh2_stream_destroy(struct kh2_stream *st, int err);

/**
 * kh2_stream_pause() - stop on_data
 * @st: stream
 *
 * The peer's window is not opened again, so that it stops too: what it may
 * still send is kept, at most one stream window. on_end and on_trailers wait
 * behind the data.
 */
void kh2_stream_pause(struct kh2_stream *st);

/**
 * kh2_stream_resume() - let on_data come again, from the next dispatch on
 * @st: stream
 */
void kh2_stream_resume(struct kh2_stream *st);

/**
 * struct kh2_priority - RFC 9218 4
 * @urgency: 0 (first) to 7 (last); 3 unless the client says otherwise
 * @incremental: octets of it are of use before the last has come
 */
struct kh2_priority {
	uint8_t urgency;
	bool incremental;
};

/**
 * kh2_stream_set_priority() - decide the order of sending among streams
 * @st: stream
 * @prio: priority
 *
 * It begins as the client's `priority` field says; without one it has urgency
 * 3, and is incremental as long as the client has said nothing at all by RFC
 * 9218, so that such streams share. PRIORITY_UPDATE and a `priority` field in the
 * response change it too (RFC 9218 7, 8); the last word counts.
 *
 * Return: 0, -ERANGE or KH2_ERR_STREAM_CLOSED.
 */
int kh2_stream_set_priority(struct kh2_stream *st, const struct kh2_priority *prio);

/**
 * kh2_stream_get_priority() - urgency and incremental of a stream
 * @st: stream
 * @prio: filled in: the last word of those that kh2_stream_set_priority() names
 */
void kh2_stream_get_priority(const struct kh2_stream *st, struct kh2_priority *prio);

/**
 * struct kh2_prio_opts - RFC 7540 5.3
 * @sz: sizeof this
 * @parent: stream on which this one depends: that is sent first; 0: none
 * @weight: 1 to 256, of the turns among those with the same parent; 0: 16
 * @exclusive: what depended on @parent depends on this one then
 * @silent: the peer is not told
 */
struct kh2_prio_opts {
	size_t sz;
	uint32_t parent;
	uint16_t weight;
	bool exclusive;
	bool silent;
};

/**
 * kh2_stream_priority() - decide the order of sending by dependencies
 * @st: stream
 * @opts: options; NULL: no dependency, weight 16
 *
 * From then on dependencies and weights order all streams of the session, in
 * the place of urgencies, until kh2_stream_set_priority() is called or a response
 * carries a `priority` field. A parent that is not known gives
 * no dependency and weight 16. If the parent depends on this stream, it takes this one's
 * place first. Unless @opts say silent, PRIORITY is sent, if the peer has not
 * said that it ignores it.
 *
 * Return: 0, -ERANGE, -EINVAL for the stream itself as @parent,
 * KH2_ERR_STREAM_CLOSED, -ENOMEM.
 */
int kh2_stream_priority(struct kh2_stream *st, const struct kh2_prio_opts *opts);

/**
 * kh2_stream_set_timeout() - tell when there is no activity
 * @st: stream
 * @timeout_ms: milliseconds; 0: never
 *
 * Activity is an event of the stream or an operation on it. Nothing is closed. The limit body_ms
 * does not hold any more: by any value, 0 included, the application has taken it upon itself how
 * long a request's body may pause. It never holds for CONNECT, nor between kh2_respond() and the
 * end of the response's body.
 *
 * Return: 0, KH2_ERR_STREAM_CLOSED or -ENOMEM.
 */
int kh2_stream_set_timeout(struct kh2_stream *st, uint32_t timeout_ms);

#ifdef __cplusplus
}
#endif

#endif /* KH2_H */
