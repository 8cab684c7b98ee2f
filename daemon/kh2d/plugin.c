// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Finds kh2_app in a shared object. */
#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "message.h"
#include "plugin.h"

const struct kh2_app *plugin_load(const char *path)
{
	const struct kh2_app *app;
	char here[4096];
	void *object;

	/* A name without a slash would be looked for in the library path. */
	if (!strchr(path, '/')) {
		if ((size_t)snprintf(here, sizeof(here), "./%s", path) >= sizeof(here))
			die(KH2D_FILE, "--app: name too long");
		path = here;
	}
	object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!object)
		die(KH2D_FILE, "--app %s", dlerror());
	app = dlsym(object, KH2_APP_SYMBOL);
	if (!app)
		die(KH2D_FILE, "--app %s: no application: it has no symbol " KH2_APP_SYMBOL, path);
	if (app->sz < offsetof(struct kh2_app, name) || app->abi != KH2_APP_ABI)
		die(KH2D_FILE, "--app %s: made for another kh2d: ABI %u, not %u", path, app->abi,
		    KH2_APP_ABI);
	if (app->sz < sizeof(*app) || !app->cbs)
		die(KH2D_FILE, "--app %s: its " KH2_APP_SYMBOL " is incomplete", path);
	return app;
}
