// SPDX-License-Identifier: GPL-2.0 OR MIT
/* A worker's life: load, start the application, listen, dispatch, take orders, drain. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <errno.h>

#include "message.h"
#include "static.h"
#include "worker.h"

#define RELOAD_WAIT_S	5

enum {
	ORDER_RELOAD	= 1 << 0,
	ORDER_STOP	= 1 << 1,
	ORDER_CUT	= 1 << 2,
};

/**
 * struct worker - one thread
 * @thread: joined at the end
 * @service: what it serves
 * @index: number, from 0
 * @orders: ORDER_* from the main thread
 * @ctx: context
 * @srv: its server
 * @app_user: what the application made of itself here
 * @files: static application
 * @ended: @ctx is about to be freed; under report.lock
 * @closed: the server's last session has gone; its own thread's
 * @generation: of the certificate that was tried last; its own thread's
 * @status: how starting failed, enum kh2d_status
 * @log_line: what the library said last, as long as lines are held back
 * @hold_log: keep lines in @log_line instead of writing them
 */
struct worker {
	pthread_t thread;
	const struct service *service;
	uint32_t index;
	atomic_uint orders;
	struct kh2_ctx *ctx;
	struct kh2_server *srv;
	void *app_user;
	struct static_app files;
	bool ended;
	bool closed;
	uint32_t generation;
	enum kh2d_status status;
	bool hold_log;
	char log_line[400];
};

/* What the threads tell the main thread, under one lock. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint32_t started;
	uint32_t reloaded;
	uint32_t ended;
	int end_event;			/* eventfd, raised when all have ended */
	uint32_t generation;		/* of @pem, which is loaded under the lock */
	struct pem pem;
	char reload_error[400];		/* of the first worker that could not */
} report = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct worker *workers;
static uint32_t n_workers;
static _Thread_local struct worker *self;

static void tell(uint32_t *count)
{
	pthread_mutex_lock(&report.lock);
	(*count)++;
	pthread_cond_broadcast(&report.changed);
	pthread_mutex_unlock(&report.lock);
}

static void tell_end(void)
{
	pthread_mutex_lock(&report.lock);
	if (++report.ended == n_workers)
		eventfd_write(report.end_event, 1);
	pthread_mutex_unlock(&report.lock);
}

static void on_log(int level, const char *line, void *user)
{
	struct worker *w = user;

	if (level > w->service->options->log_level)
		return;
	if (w->hold_log) {
		if (level <= KH2_LOG_WARNING)
			snprintf(w->log_line, sizeof(w->log_line), "%s", line);
	} else {
		say_sparingly("%s", line);
	}
}

/* ---- the server's callbacks: ours first, then the application's ---- */

static void on_server_error(struct kh2_server *srv, int err, void *user)
{
	const struct kh2_app *app = self->service->app;

	if (self->service->options->log_level >= KH2_LOG_INFO)
		say_sparingly("connection not served: %s", kh2_strerror(err));
	if (app && app->cbs->on_error)
		app->cbs->on_error(srv, err, user);
}

static void on_server_close(struct kh2_server *srv, void *user)
{
	const struct kh2_app *app = self->service->app;

	self->closed = true;
	if (app && app->cbs->on_close)
		app->cbs->on_close(srv, user);
}

static void set_callbacks(struct worker *w)
{
	const struct kh2_app *app = w->service->app;
	struct kh2_server_cbs cbs = { .on_stream = static_on_stream };

	if (app)
		memcpy(&cbs, app->cbs, app->cbs->sz < sizeof(cbs) ? app->cbs->sz : sizeof(cbs));
	cbs.sz = sizeof(cbs);
	cbs.on_error = on_server_error;
	cbs.on_close = on_server_close;
	kh2_server_set_callbacks(w->srv, &cbs, app ? w->app_user : &w->files);
}

/* ---- start ---- */

/* Notes why the worker cannot start; returns false. */
static bool refuse(struct worker *w, enum kh2d_status status, const char *what, int err)
{
	char words[sizeof(w->log_line)];

	memcpy(words, w->log_line, sizeof(words));
	w->status = status;
	snprintf(w->log_line, sizeof(w->log_line), "%.90s: %.300s", what,
		 *words ? words : kh2_strerror(err));
	return false;
}

/* The library's line names the file and says all. */
static bool refuse_files(struct worker *w, int err)
{
	if (err != KH2_ERR_TLS || !*w->log_line)
		return refuse(w, KH2D_FILE, "certificate or key is of no use", err);
	w->status = KH2D_FILE;
	return false;
}

static bool make_context(struct worker *w)
{
	const struct kh2_ctx_opts opts = {
		.sz = sizeof(opts),
		.backend = w->service->options->backend,
		.log = on_log,
		.log_user = w,
	};
	int err = kh2_ctx_new(&w->ctx, &opts);

	if (!err)
		return true;
	w->log_line[0] = '\0';
	if (err == -EPROTONOSUPPORT)
		return refuse(w, KH2D_MODULE, "--backend kernel: the module kh2 is not loaded",
			      err);
	if (err == -EPERM || err == -EACCES)
		return refuse(w, KH2D_PERMISSION, "no right to a channel to the module", err);
	return refuse(w, KH2D_FAILURE, "cannot start", err);
}

/* The files are copies in memory: the log is to call them what the user did. */
static int new_secure_server(struct worker *w, const struct kh2_server_opts *opts,
			     const struct pem *pem)
{
	const struct options *o = w->service->options;
	char cert[256], key[256];
	const struct kh2_tls_opts tls = {
		.sz = sizeof(tls),
		.cert_file = pem->cert,
		.key_file = pem->key,
		.cert_name = cert,
		.key_name = key,
		.handshake_ms = o->handshake_timeout_ms,
	};

	snprintf(cert, sizeof(cert), "--cert %s", o->cert);
	snprintf(key, sizeof(key), "--%s %s", o->key ? "key" : "cert", o->key ? o->key : o->cert);
	return kh2_secure_server_new(w->ctx, opts, &tls, NULL, NULL, &w->srv);
}

static bool make_server(struct worker *w, const struct pem *pem)
{
	const struct options *o = w->service->options;
	const struct kh2_server_opts opts = {
		.sz = sizeof(opts),
		.limits = o->limits,
		.n_limits = o->n_limits,
		.max_header_pairs = o->header_fields,
		.padding = o->padding,
		.timeout_ms = o->session_timeout_ms,
	};
	int err;

	if (!o->cert) {
		err = kh2_server_new(w->ctx, &opts, NULL, NULL, &w->srv);
		return !err || refuse(w, KH2D_FAILURE, "cannot make a server", err);
	}
	err = new_secure_server(w, &opts, pem);
	return !err || refuse_files(w, err);
}

static bool start_app(struct worker *w)
{
	const struct service *s = w->service;
	int err;

	if (!s->app) {
		w->files.root = s->root;
		w->files.headers = s->options->headers;
		w->files.log.fd = s->log_fd;
		w->files.date_s = -1;
		err = file_cache_init(&w->files.files, s->root, s->options->file_cache);
		if (err)
			return refuse(w, KH2D_FAILURE, "no memory for the file cache", err);
	} else if (s->app->init) {
		err = s->app->init(w->ctx, w->srv, s->options->app_args, &w->app_user);
		if (err)
			return refuse(w, KH2D_FAILURE, "application could not start", err);
	}
	set_callbacks(w);
	return true;
}

static bool listen_all(struct worker *w)
{
	const struct service *s = w->service;
	int err;

	for (size_t i = 0; i < s->options->n_listen; i++) {
		err = kh2_server_listen_fd(w->srv, s->listeners[i].fds[w->index]);
		if (err)
			return refuse(w, KH2D_ADDRESS, "cannot listen", err);
	}
	return true;
}

static bool start(struct worker *w)
{
	if (!make_context(w) || !make_server(w, &report.pem) || !start_app(w) || !listen_all(w))
		return false;
	/* All workers are told the same, why they do without the module for instance. */
	if (*w->log_line && !w->index)
		say("%s", w->log_line);
	return true;
}

/* ---- life ---- */

static void reload(struct worker *w)
{
	int err;

	pthread_mutex_lock(&report.lock);
	/* one that was late for the last order has done this one with it */
	if (w->generation != report.generation) {
		w->generation = report.generation;
		w->hold_log = true;
		w->log_line[0] = '\0';
		err = kh2_server_reload(w->srv, report.pem.cert, report.pem.key);
		w->hold_log = false;
		if (err && !*report.reload_error)
			snprintf(report.reload_error, sizeof(report.reload_error), "%s",
				 *w->log_line ? w->log_line : kh2_strerror(err));
		report.reloaded++;
		pthread_cond_broadcast(&report.changed);
	}
	pthread_mutex_unlock(&report.lock);
}

/* Returns false when it is time to end. */
static bool take_orders(struct worker *w)
{
	unsigned int orders = atomic_exchange(&w->orders, 0);

	if (orders & ORDER_RELOAD)
		reload(w);
	if (orders & ORDER_STOP)
		kh2_server_shutdown(w->srv);
	return !(orders & ORDER_CUT) && !w->closed;
}

static void serve(struct worker *w)
{
	int n;

	do {
		/* files are not kept open by a worker that has nothing to do */
		n = kh2_ctx_dispatch(w->ctx, w->files.files.n ? 1000 * FILE_CACHE_IDLE_S : -1);
		if (n < 0 && n != -EINTR)
			die(KH2D_FAILURE, "cannot go on: %s", kh2_strerror(n));
		access_log_flush(&w->files.log);
		file_cache_sweep(&w->files.files, time(NULL));
	} while (take_orders(w));
}

static void *run(void *arg)
{
	struct worker *w = arg;
	char name[16];

	self = w;
	snprintf(name, sizeof(name), "kh2d/%u", w->index);
	pthread_setname_np(pthread_self(), name);
	w->hold_log = true;
	if (!start(w)) {
		tell(&report.started);
		return NULL;
	}
	w->hold_log = false;
	tell(&report.started);
	serve(w);
	pthread_mutex_lock(&report.lock);
	w->ended = true;
	pthread_mutex_unlock(&report.lock);
	kh2_server_free(w->srv);
	kh2_ctx_free(w->ctx);
	file_cache_exit(&w->files.files);
	if (w->service->app && w->service->app->exit)
		w->service->app->exit(w->app_user);
	access_log_flush(&w->files.log);
	tell_end();
	return NULL;
}

/* ---- the main thread's side ---- */

static struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec) {
		.tv_sec = (time_t)(ns / 1000000000),
		.tv_nsec = (long)(ns % 1000000000),
	};
}

/* Until @count has reached all workers, or the deadline; 0: none. */
static bool wait_for(const uint32_t *count, uint64_t deadline_ns)
{
	struct timespec ts = timespec_of(deadline_ns);
	bool all;
	int err = 0;

	pthread_mutex_lock(&report.lock);
	while (*count < n_workers && !err)
		err = deadline_ns ?
			pthread_cond_timedwait(&report.changed, &report.lock, &ts) :
			pthread_cond_wait(&report.changed, &report.lock);
	all = *count >= n_workers;
	pthread_mutex_unlock(&report.lock);
	return all;
}

static void order(unsigned int what)
{
	pthread_mutex_lock(&report.lock);
	for (uint32_t i = 0; i < n_workers; i++) {
		atomic_fetch_or(&workers[i].orders, what);
		if (!workers[i].ended)
			kh2_ctx_wake(workers[i].ctx);
	}
	pthread_mutex_unlock(&report.lock);
}

void workers_start(const struct service *service, const struct pem *pem)
{
	pthread_condattr_t attr;
	int err;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&report.changed, &attr);
	report.end_event = eventfd(0, EFD_CLOEXEC);
	if (report.end_event < 0)
		die(KH2D_FAILURE, "eventfd: %s", strerror(errno));
	report.pem = *pem;
	n_workers = service->options->workers;
	workers = calloc(n_workers, sizeof(*workers));
	if (!workers)
		die(KH2D_FAILURE, "out of memory");
	for (uint32_t i = 0; i < n_workers; i++) {
		workers[i].service = service;
		workers[i].index = i;
		workers[i].files.log.fd = -1;
		err = pthread_create(&workers[i].thread, NULL, run, &workers[i]);
		if (err)
			die(KH2D_FAILURE, "cannot start a thread: %s", strerror(err));
	}
	wait_for(&report.started, 0);
	for (uint32_t i = 0; i < n_workers; i++)
		if (workers[i].status)
			die(workers[i].status, "%s", workers[i].log_line);
}

enum kh2_backend workers_backend(void)
{
	return kh2_ctx_backend(workers[0].ctx);
}

bool workers_reload(const struct pem *pem, char *why, size_t size)
{
	struct timespec now;
	bool all;

	pthread_mutex_lock(&report.lock);
	report.pem = *pem;
	report.generation++;
	report.reloaded = 0;
	report.reload_error[0] = '\0';
	pthread_mutex_unlock(&report.lock);
	order(ORDER_RELOAD);
	clock_gettime(CLOCK_MONOTONIC, &now);
	all = wait_for(&report.reloaded, (uint64_t)(now.tv_sec + RELOAD_WAIT_S) * 1000000000U);
	pthread_mutex_lock(&report.lock);
	snprintf(why, size, "%s", all ? report.reload_error : "a worker is busy");
	pthread_mutex_unlock(&report.lock);
	return !*why;
}

void workers_stop(void)
{
	order(ORDER_STOP);
}

void workers_cut(void)
{
	order(ORDER_CUT);
}

int workers_end_event(void)
{
	return report.end_event;
}

void workers_join(void)
{
	for (uint32_t i = 0; i < n_workers; i++)
		pthread_join(workers[i].thread, NULL);
}
