/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What a shared object exports to be served by `kh2d serve --app FILE.so`. */
#ifndef KH2_APP_H
#define KH2_APP_H

#include <kh2.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KH2_APP_ABI	1

/**
 * struct kh2_app - an application, exported under the name kh2_app
 * @sz: sizeof this
 * @abi: KH2_APP_ABI; kh2d refuses others
 * @name: short name
 * @init: called once in each worker, on its thread, before it listens; @args
 *	is what the user wrote after the file's name and a colon, or "";
 *	@user is passed to all callbacks of the worker. NULL: nothing to do.
 *	Returns 0 or a negative error, which ends kh2d.
 * @cbs: callbacks of the server
 * @exit: called once in each worker when no callback will run any more
 *
 * Workers share nothing but what the application shares itself.
 */
struct kh2_app {
	size_t sz;
	uint32_t abi;
	const char *name;
	int (*init)(struct kh2_ctx *ctx, struct kh2_server *srv, const char *args, void **user);
	const struct kh2_server_cbs *cbs;
	void (*exit)(void *user);
};

#define KH2_APP_SYMBOL	"kh2_app"

extern const struct kh2_app kh2_app;

#ifdef __cplusplus
}
#endif

#endif /* KH2_APP_H */
