// SPDX-License-Identifier: GPL-2.0 OR MIT
/* kh2d: opens all that needs rights, gives the rights up, starts the workers and obeys signals. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "keeper.h"
#include "listen.h"
#include "message.h"
#include "notify.h"
#include "options.h"
#include "plugin.h"
#include "privileges.h"
#include "static.h"
#include "worker.h"

/**
 * struct pem_files - certificate and key in memory
 * @cert: descriptor, -1: none
 * @key: descriptor
 * @pem: paths to them
 */
struct pem_files {
	int cert;
	int key;
	struct pem pem;
};

static void raise_file_limit(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* Blocked in all threads, so that sigtimedwait() gets them. */
static void block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void pem_close(struct pem_files *f)
{
	if (f->cert >= 0)
		close(f->cert);
	if (f->key >= 0)
		close(f->key);
	f->cert = -1;
	f->key = -1;
}

/* Returns NULL, or the name of the file that could not be read, with errno in @err. */
static const char *pem_open(struct pem_files *f, const struct options *o, int *err)
{
	memset(&f->pem, 0, sizeof(f->pem));
	f->cert = -1;
	f->key = -1;
	if (!o->cert)
		return NULL;
	f->cert = keeper_open(o, KEEPER_CERT);
	if (f->cert < 0) {
		*err = -f->cert;
		return o->cert;
	}
	f->key = keeper_open(o, KEEPER_KEY);
	if (f->key < 0) {
		*err = -f->key;
		pem_close(f);
		return o->key ? o->key : o->cert;
	}
	snprintf(f->pem.cert, sizeof(f->pem.cert), "/proc/self/fd/%d", f->cert);
	snprintf(f->pem.key, sizeof(f->pem.key), "/proc/self/fd/%d", f->key);
	return NULL;
}

static enum kh2d_status file_status(int err)
{
	return err == EACCES || err == EPERM ? KH2D_PERMISSION : KH2D_FILE;
}

static int open_log(const struct options *o)
{
	int fd;

	if (!o->access_log)
		return -1;
	if (!strcmp(o->access_log, "-"))
		return STDOUT_FILENO;
	fd = keeper_open(o, KEEPER_LOG);
	if (fd < 0)
		die(file_status(-fd), "--access-log %s: %s", o->access_log, strerror(-fd));
	return fd;
}

/* A worker that is busy loads the last ones when it comes to it, so these stay open. */
static void reload_certificate(const struct options *o)
{
	static struct pem_files last = { .cert = -1, .key = -1 };
	struct pem_files next;
	const char *file;
	char why[400];
	int err;

	file = pem_open(&next, o, &err);
	if (file) {
		say("reload: %s: %s; the old certificate stays", file, strerror(err));
		return;
	}
	if (workers_reload(&next.pem, why, sizeof(why)))
		say("reload: certificate %s is in use", o->cert);
	else
		say("reload: %s; the old certificate stays", why);
	pem_close(&last);
	last = next;
}

/* The workers know the log by its number, which stays. */
static void reopen_log(const struct options *o, int log_fd)
{
	int fd;

	if (log_fd < 0 || log_fd == STDOUT_FILENO)
		return;
	fd = keeper_open(o, KEEPER_LOG);
	if (fd < 0 || dup3(fd, log_fd, O_CLOEXEC) < 0)
		say("reload: %s: %s; the old log stays open", o->access_log,
		    strerror(fd < 0 ? -fd : errno));
	if (fd >= 0)
		close(fd);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

static void reload(const struct service *service)
{
	char state[64];

	snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%llu",
		 (unsigned long long)(now_ns() / 1000));
	notify(state);
	if (service->options->cert)
		reload_certificate(service->options);
	reopen_log(service->options, service->log_fd);
	notify("READY=1");
}

/* A second signal, or the end of the time, cuts what is left. */
static void stop(const struct options *o, const sigset_t *signals)
{
	uint64_t end = now_ns() + (uint64_t)o->stop_timeout_ms * 1000000U;
	const struct timespec none = { 0 };
	uint64_t step;

	notify("STOPPING=1");
	workers_stop();
	do {
		step = now_ns() + 50000000;
		if (workers_ended(step < end ? step : end))
			return;
	} while (now_ns() < end && sigtimedwait(signals, NULL, &none) < 0);
	say("connections that were still open are cut");
	workers_cut();
	if (workers_ended(now_ns() + 1000000000))
		return;
	/* no handlers of exit(3) while threads run */
	say("an application does not return: it is cut, too");
	_exit(KH2D_OK);
}

static void obey_signals(const struct service *service, const sigset_t *signals)
{
	sigset_t stops = *signals;
	int which;

	sigdelset(&stops, SIGHUP);
	for (;;) {
		which = sigwaitinfo(signals, NULL);
		if (which == SIGHUP)
			reload(service);
		else if (which > 0)
			return stop(service->options, &stops);
	}
}

static void announce(const struct options *o, const struct listener *listeners)
{
	const char *backend = workers_backend() == KH2_BACKEND_KERNEL ? "kernel" : "user";

	for (size_t i = 0; i < o->n_listen; i++)
		say("listening on %s (backend %s, %s)", listeners[i].address, backend,
		    o->cert ? "TLS" : "cleartext");
	notify("READY=1");
}

int main(int argc, char **argv)
{
	static struct listener listeners[MAX_LISTEN];
	static struct options o;
	struct service service = { .options = &o, .listeners = listeners, .root = -1 };
	struct pem_files pem;
	struct identity id;
	sigset_t signals;
	const char *file;
	int err;

	options_parse(&o, argc, argv);
	privileges_find(&id, &o);
	block_signals(&signals);
	raise_file_limit();

	if (id.change)
		keeper_start(&o);
	file = pem_open(&pem, &o, &err);
	if (file)
		die(file_status(err), "%s: %s", file, strerror(err));
	if (o.root)
		service.root = static_open_root(o.root);
	else
		service.app = plugin_load(o.app);
	service.log_fd = open_log(&o);
	for (size_t i = 0; i < o.n_listen; i++)
		listener_open(&listeners[i], &o.listen[i], o.workers);

	privileges_drop(&id);
	if (o.root)
		static_check_root(service.root, o.root);
	workers_start(&service, &pem.pem);
	pem_close(&pem);
	announce(&o, listeners);
	obey_signals(&service, &signals);
	return KH2D_OK;
}
