// SPDX-License-Identifier: GPL-2.0 OR MIT
/* kh2d: opens all that needs rights, gives the rights up, starts the workers and obeys signals. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
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

static void wanted_signals(sigset_t *set, bool reload)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	if (reload)
		sigaddset(set, SIGHUP);
}

/* Blocked in all threads, and read from the descriptor that is returned. */
static int open_signals(void)
{
	sigset_t set;
	int fd;

	wanted_signals(&set, true);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (fd < 0)
		die(KH2D_FAILURE, "signalfd: %s", strerror(errno));
	return fd;
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

/*
 * Waits until the workers have ended, which is true; or a signal has come, none
 * if @signals is -1; or the time is over.
 */
static bool wait_for_end(int signals, uint64_t end_ns)
{
	struct pollfd fds[] = {
		{ .fd = workers_end_event(), .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
	};
	uint64_t now, left;

	do {
		now = now_ns();
		left = end_ns > now ? end_ns - now : 0;
	} while (poll(fds, 2, (int)((left + 999999) / 1000000)) < 0 && errno == EINTR);
	return fds[0].revents & POLLIN;
}

/* A second signal, or the end of the time, cuts what is left. */
static void stop(const struct options *o, int signals)
{
	sigset_t stops;

	wanted_signals(&stops, false);
	signalfd(signals, &stops, SFD_CLOEXEC);
	notify("STOPPING=1");
	workers_stop();
	if (!wait_for_end(signals, now_ns() + (uint64_t)o->stop_timeout_ms * 1000000U)) {
		say("connections that were still open are cut");
		workers_cut();
		if (!wait_for_end(-1, now_ns() + 1000000000U)) {
			/* no handlers of exit(3) while threads run */
			say("an application does not return: it is cut, too");
			_exit(KH2D_OK);
		}
	}
	workers_join();
}

static void obey_signals(const struct service *service, int signals)
{
	struct signalfd_siginfo info;

	for (;;) {
		if (read(signals, &info, sizeof(info)) != sizeof(info))
			continue;
		if (info.ssi_signo != SIGHUP)
			return stop(service->options, signals);
		reload(service);
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
	const char *file;
	int signals, err;

	options_parse(&o, argc, argv);
	privileges_find(&id, &o);
	signals = open_signals();
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
	obey_signals(&service, signals);
	return KH2D_OK;
}
