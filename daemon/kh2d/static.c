// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Answers GET and HEAD from the files below a directory, and nothing else. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conditional.h"
#include "file_cache.h"
#include "message.h"
#include "range.h"
#include "static.h"
#include "target.h"

/**
 * struct request - what is being answered, while on_stream runs
 * @app: worker's application
 * @st: stream
 * @h: fields of the request
 * @head: HEAD
 * @record: for the access log, or NULL
 * @out: fields of the answer
 * @err: first error of building @out
 */
struct request {
	struct static_app *app;
	struct kh2_stream *st;
	const struct kh2_headers *h;
	bool head;
	struct record *record;
	struct kh2_headers *out;
	int err;
};

/**
 * struct record - what is kept of a request until its stream ends, for the access log
 * @app: worker's application
 * @session: a reference
 * @file: that is sent, or NULL
 * @begin_ns: when the request arrived
 * @bytes: octets of the answer's body
 * @status: of the answer; 0: none was given
 */
struct record {
	struct static_app *app;
	struct kh2_session *session;
	struct file *file;
	uint64_t begin_ns;
	uint64_t bytes;
	int status;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

static void record_on_close(struct kh2_stream *st, uint32_t rst_code, void *user)
{
	struct record *r = user;
	struct access_entry entry = {
		.st = st,
		.session = r->session,
		.status = r->status,
		.rst_code = rst_code,
		.bytes = r->bytes,
		.duration_ns = now_ns() - r->begin_ns,
	};

	access_log_add(&r->app->log, &entry);
	if (r->session)
		kh2_session_put(r->session);
	if (r->file)
		file_put(r->file);
	free(r);
}

static void file_on_close(struct kh2_stream *st, uint32_t rst_code, void *user)
{
	(void)st;
	(void)rst_code;
	file_put(user);
}

static const struct kh2_stream_cbs record_cbs = {
	.sz = sizeof(record_cbs),
	.on_close = record_on_close,
};

static const struct kh2_stream_cbs file_cbs = {
	.sz = sizeof(file_cbs),
	.on_close = file_on_close,
};

/* Without memory the request goes unlogged. */
static struct record *record_begin(struct static_app *app, struct kh2_stream *st)
{
	struct record *r;

	if (app->log.fd < 0)
		return NULL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	r->app = app;
	r->session = kh2_stream_session(st);
	if (r->session)
		kh2_session_get(r->session);
	r->begin_ns = now_ns();
	kh2_stream_set_callbacks(st, &record_cbs, r);
	return r;
}

static void add(struct request *rq, const char *name, const char *value)
{
	if (!rq->err)
		rq->err = kh2_headers_add(rq->out, name, value);
}

static void add_int(struct request *rq, const char *name, int64_t value)
{
	if (!rq->err)
		rq->err = kh2_headers_add_int(rq->out, name, value);
}

static const char *date(struct static_app *app)
{
	time_t now = time(NULL);

	if (now != app->date_s) {
		http_date(now, app->date);
		app->date_s = now;
	}
	return app->date;
}

/* Begins the fields of an answer. */
static void answer(struct request *rq, int status)
{
	rq->err = kh2_headers_copy(&rq->out, rq->app->headers);
	if (rq->err)
		rq->out = NULL;
	add_int(rq, ":status", status);
	add(rq, "date", date(rq->app));
	if (rq->record)
		rq->record->status = status;
}

/* Frees the fields; an answer that could not be given ends the stream. */
static void finish(struct request *rq, int err)
{
	kh2_headers_free(rq->out);
	rq->out = NULL;
	if (err < 0)
		kh2_stream_close(rq->st, KH2_INTERNAL_ERROR);
}

static int respond_end(struct request *rq)
{
	const struct kh2_respond_opts opts = { .sz = sizeof(opts), .end_stream = true };

	return rq->err ? rq->err : kh2_respond(rq->st, rq->out, &opts);
}

static const char *reason(int status)
{
	switch (status) {
	case 301: return "Moved Permanently";
	case 400: return "Bad Request";
	case 403: return "Forbidden";
	case 404: return "Not Found";
	case 405: return "Method Not Allowed";
	case 412: return "Precondition Failed";
	case 414: return "URI Too Long";
	case 416: return "Range Not Satisfiable";
	case 503: return "Service Unavailable";
	default:  return "Internal Server Error";
	}
}

/* An answer whose body is its own status in words. @name: a field more, or NULL. */
static void answer_words(struct request *rq, int status, const char *name, const char *value)
{
	char body[64];
	int len = snprintf(body, sizeof(body), "%d %s\n", status, reason(status));
	int err;

	answer(rq, status);
	add(rq, "content-type", "text/plain; charset=utf-8");
	add_int(rq, "content-length", len);
	if (name)
		add(rq, name, value);
	if (rq->head) {
		err = respond_end(rq);
	} else {
		err = rq->err ? rq->err : kh2_respond(rq->st, rq->out, NULL);
		if (!err)
			err = kh2_stream_end(rq->st, body, (size_t)len);
		if (rq->record)
			rq->record->bytes = (uint64_t)len;
	}
	finish(rq, err);
}

/* Part of a file, which is not empty. The file is held until the stream ends. */
static int respond_part(struct request *rq, struct file *f, const struct kh2_headers *out,
			uint64_t offset, uint64_t length)
{
	const struct kh2_file_opts opts = {
		.sz = sizeof(opts),
		.present = KH2_FILE_LENGTH,
		.offset = offset,
		.length = length,
		.stat = &f->stat,
		.kept_open = true,
	};
	int err = kh2_respond_fd(rq->st, f->fd, out, &opts);

	if (err)
		return err;
	f->refs++;
	if (rq->record) {
		rq->record->bytes = length;
		rq->record->file = f;
	} else {
		kh2_stream_set_callbacks(rq->st, &file_cbs, f);
	}
	return 0;
}

static void answer_unsatisfiable(struct request *rq, uint64_t size)
{
	char value[40];

	snprintf(value, sizeof(value), "bytes */%llu", (unsigned long long)size);
	answer_words(rq, 416, "content-range", value);
}

static enum range_verdict wanted_range(struct request *rq, const struct file *f,
				       uint64_t *offset, uint64_t *length)
{
	const char *value = kh2_headers_get(rq->h, "range", NULL);

	if (!value || rq->head || !if_range_holds(rq->h, f->etag, f->stat.st_mtim.tv_sec))
		return RANGE_WHOLE;
	return range_parse(value, (uint64_t)f->stat.st_size, offset, length);
}

static void add_validators(struct request *rq, const struct file *f)
{
	add(rq, "last-modified", f->modified);
	add(rq, "etag", f->etag);
}

static void add_content(struct request *rq, const struct file *f, uint64_t length)
{
	add(rq, "content-type", f->type);
	add_int(rq, "content-length", (int64_t)length);
	add_validators(rq, f);
	add(rq, "accept-ranges", "bytes");
}

static void answer_part(struct request *rq, struct file *f, uint64_t offset, uint64_t length)
{
	char value[80];

	answer(rq, 206);
	add_content(rq, f, length);
	snprintf(value, sizeof(value), "bytes %llu-%llu/%llu", (unsigned long long)offset,
		 (unsigned long long)(offset + length - 1), (unsigned long long)f->stat.st_size);
	add(rq, "content-range", value);
	finish(rq, rq->err ? rq->err : respond_part(rq, f, rq->out, offset, length));
}

/* The fields are the same for all who ask within a second. */
static int whole_headers(struct request *rq, struct file *f)
{
	date(rq->app);
	if (f->headers && f->headers_s == rq->app->date_s)
		return 0;
	answer(rq, 200);
	add_content(rq, f, (uint64_t)f->stat.st_size);
	if (rq->err)
		return rq->err;
	kh2_headers_free(f->headers);
	f->headers = rq->out;
	f->headers_s = rq->app->date_s;
	rq->out = NULL;
	return 0;
}

static void answer_whole(struct request *rq, struct file *f)
{
	const struct kh2_respond_opts end = { .sz = sizeof(end), .end_stream = true };
	int err = whole_headers(rq, f);

	if (rq->record)
		rq->record->status = 200;
	if (!err && (rq->head || !f->stat.st_size))
		err = kh2_respond(rq->st, f->headers, &end);
	else if (!err)
		err = respond_part(rq, f, f->headers, 0, (uint64_t)f->stat.st_size);
	finish(rq, err);
}

static void answer_content(struct request *rq, struct file *f)
{
	uint64_t offset = 0, length = 0;

	switch (wanted_range(rq, f, &offset, &length)) {
	case RANGE_UNSATISFIABLE:
		return answer_unsatisfiable(rq, (uint64_t)f->stat.st_size);
	case RANGE_PART:
		return answer_part(rq, f, offset, length);
	case RANGE_WHOLE:
		return answer_whole(rq, f);
	}
}

/* Whether any field asks for less than the whole file: those are range and if-*. */
static bool has_conditions(const struct kh2_headers *h)
{
	const struct kh2_nv *nv;
	size_t n;

	nv = kh2_headers_raw(h, &n);
	for (size_t i = 0; i < n; i++)
		if (!strncmp(nv[i].name, "if-", 3) || !strcmp(nv[i].name, "range"))
			return true;
	return false;
}

static void answer_file(struct request *rq, struct file *f)
{
	if (!has_conditions(rq->h))
		return answer_whole(rq, f);
	switch (precondition_check(rq->h, f->etag, f->stat.st_mtim.tv_sec)) {
	case PRECONDITION_FAILED:
		return answer_words(rq, 412, NULL, NULL);
	case PRECONDITION_NOT_MODIFIED:
		answer(rq, 304);
		add_validators(rq, f);
		return finish(rq, respond_end(rq));
	case PRECONDITION_OK:
		return answer_content(rq, f);
	}
}

/* /dir becomes /dir/, with the query, in the client's own encoding. */
static void answer_redirect(struct request *rq, const char *raw, size_t len)
{
	size_t path = strcspn(raw, "?#");
	char *location = NULL;

	if (asprintf(&location, "%.*s/%.*s", (int)path, raw, (int)(len - path), raw + path) < 0)
		location = NULL;
	if (location)
		answer_words(rq, 301, "location", location);
	else
		answer_words(rq, 500, NULL, NULL);
	free(location);
}

static int status_of(int err)
{
	switch (err) {
	case -ENOENT:
	case -ENOTDIR:
	case -ENAMETOOLONG:
		return 404;
	case -EACCES:
	case -EPERM:
	case -EISDIR:		/* index.html is one */
	case -EXDEV:		/* leads out of the root */
	case -ELOOP:
	case -ENXIO:		/* a socket, or a device that is not there */
	case -ENODEV:
		return 403;
	case -EMFILE:
	case -ENFILE:
	case -ENOMEM:
	case -EAGAIN:		/* renamed under us, again and again */
		return 503;
	default:
		return 500;
	}
}

static void answer_target(struct request *rq, const struct target *t, const char *raw, size_t len)
{
	struct file *f;
	int err;

	err = file_get(&rq->app->files, t->path, time(NULL), &f);
	if (err == -EISDIR && !t->is_index)
		return answer_redirect(rq, raw, len);
	if (err)
		return answer_words(rq, status_of(err), NULL, NULL);
	answer_file(rq, f);
	file_put(f);
}

void static_on_stream(struct kh2_server *srv, struct kh2_stream *st, const struct kh2_headers *h,
		      uint8_t flags, void *user)
{
	struct request rq = { .app = user, .st = st, .h = h };
	const char *method = kh2_headers_get(h, ":method", NULL);
	struct target target;
	const char *raw;
	size_t len = 0;
	int status;

	(void)srv;
	(void)flags;
	rq.record = record_begin(rq.app, st);
	rq.head = method && !strcmp(method, "HEAD");
	if (!rq.head && (!method || strcmp(method, "GET")))
		return answer_words(&rq, 405, "allow", "GET, HEAD");
	raw = kh2_headers_get(h, ":path", &len);
	status = raw ? target_parse(&target, raw, len) : 400;
	if (status)
		return answer_words(&rq, status, NULL, NULL);
	answer_target(&rq, &target, raw, len);
}

int static_open_root(const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		die(errno == EACCES ? KH2D_PERMISSION : KH2D_FILE, "--root %s: %s", path,
		    strerror(errno));
	return fd;
}

void static_check_root(int root, const char *path)
{
	int fd = file_open_beneath(root, ".");

	if (fd == -ENOSYS)
		die(KH2D_FAILURE, "--root needs Linux 5.6 or later");
	if (fd < 0 && fd != -EACCES)
		die(KH2D_FILE, "--root %s: %s", path, strerror(-fd));
	if (faccessat(root, ".", X_OK, AT_EACCESS))
		die(KH2D_PERMISSION, "--root %s: not accessible to user %d; see --user", path,
		    (int)geteuid());
	if (fd >= 0)
		close(fd);
}
