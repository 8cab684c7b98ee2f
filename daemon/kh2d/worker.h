/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Worker threads, each with a context, a server and listening sockets of its own. */
#ifndef KH2D_WORKER_H
#define KH2D_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <kh2.h>
#include <kh2_app.h>

#include "listen.h"
#include "options.h"

/**
 * struct service - what all workers serve
 * @options: the user's
 * @listeners: one for each --listen
 * @app: application, or NULL for static files
 * @root: directory of static files, or -1
 * @log_fd: access log, or -1
 */
struct service {
	const struct options *options;
	const struct listener *listeners;
	const struct kh2_app *app;
	int root;
	int log_fd;
};

/**
 * struct pem - certificate and key as the workers load them
 * @cert: path, "" on a cleartext server
 * @key: path
 */
struct pem {
	char cert[32];
	char key[32];
};

/*
 * Starts the workers and waits until all accept. Exits if one cannot. @service
 * must live until the workers have ended.
 */
void workers_start(const struct service *service, const struct pem *pem);

/* Whether the workers have a channel to the module. */
enum kh2_backend workers_backend(void);

/*
 * Lets every worker load certificate and key. Returns true if they could; else
 * @why, of @size octets, says what was wrong. Workers that were busy load them
 * later: the files must be there until the next call.
 */
bool workers_reload(const struct pem *pem, char *why, size_t size);

/* Begins a graceful stop; returns at once. */
void workers_stop(void);

/* Ends what is left, now. */
void workers_cut(void);

/* A descriptor that is readable, to be polled only, once all have ended. */
int workers_end_event(void);

/* Waits until the threads have gone, as libraries clean up when a thread exits. */
void workers_join(void);

#endif /* KH2D_WORKER_H */
