// SPDX-License-Identifier: GPL-2.0 OR MIT
/* kh2 version: of this program, the library, the module if it is loaded, and the kernel. */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <kh2.h>

#include "cli.h"
#include "json.h"

#define STRING(x)	#x
#define VERSION(a, b, c) STRING(a) "." STRING(b) "." STRING(c)

static void show(const char *name, const char *value)
{
	if (cli_json && value)
		json_string(name, value);
	else if (cli_json)
		json_null(name);
	else
		printf("%-8s %s\n", name, value ? value : "not loaded");
}

/* NULL if the module is not loaded. */
static const char *module_version(char *buf, int size)
{
	FILE *f = fopen("/sys/module/kh2/version", "re");
	const char *got;

	if (!f)
		return NULL;
	got = fgets(buf, size, f);
	fclose(f);
	if (got)
		buf[strcspn(buf, "\n")] = '\0';
	return got;
}

int version_main(int argc, char **argv)
{
	struct utsname system;
	char module[64];

	if (argc && (!strcmp(argv[0], "--help") || !strcmp(argv[0], "help"))) {
		fputs("usage: kh2 version\n\n"
		      "Versions of kh2, libkh2, the module if it is loaded, and the kernel.\n",
		      stdout);
		return CLI_OK;
	}
	no_more(argc, argv);
	if (cli_json)
		json_object_begin(NULL);
	show("kh2", VERSION(KH2_VERSION_MAJOR, KH2_VERSION_MINOR, KH2_VERSION_PATCH));
	show("libkh2", kh2_version());
	show("module", module_version(module, sizeof(module)));
	show("kernel", uname(&system) ? "?" : system.release);
	if (cli_json) {
		json_object_end();
		json_newline();
	}
	return CLI_OK;
}
