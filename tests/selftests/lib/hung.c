// SPDX-License-Identifier: GPL-2.0
/* A file system of one file, whose server answers all but reads. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/fuse.h>

#include "hung.h"

static void answer(int dev, uint64_t unique, int error, const void *body, size_t n)
{
	struct {
		struct fuse_out_header head;
		char body[256];
	} out = { .head = { .len = sizeof(out.head) + n, .error = error, .unique = unique } };

	memcpy(out.body, body, n);
	if (write(dev, &out, out.head.len) < 0 && errno != ENOENT)
		perror("# fuse");
}

static void serve(struct kt_hung *hung, const struct fuse_in_header *in)
{
	int dev = hung->dev;
	const struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = 65536, .max_write = 4096,
	};
	const struct fuse_attr_out attr = {
		.attr_valid = 3600,
		.attr = { .ino = 1, .size = KT_HUNG_SIZE, .mode = S_IFREG | 0444, .nlink = 1 },
	};
	const struct fuse_open_out open = { .fh = 1 };

	switch (in->opcode) {
	case FUSE_INIT:
		return answer(dev, in->unique, 0, &init, sizeof(init));
	case FUSE_GETATTR:
		return answer(dev, in->unique, 0, &attr, sizeof(attr));
	case FUSE_OPEN:
		return answer(dev, in->unique, 0, &open, sizeof(open));
	case FUSE_READ:
		__atomic_add_fetch(&hung->asked, 1, __ATOMIC_RELEASE);
		return;
	case FUSE_FORGET:
	case FUSE_INTERRUPT:
		return;
	}
	answer(dev, in->unique, -ENOSYS, NULL, 0);
}

static void *server(void *arg)
{
	static char buf[FUSE_MIN_READ_BUFFER + 65536];
	struct kt_hung *hung = arg;

	for (;;) {
		if (read(hung->dev, buf, sizeof(buf)) > 0)
			serve(hung, (const struct fuse_in_header *)buf);
		else if (errno == ENODEV)
			return NULL;
	}
}

int kt_hung_begin(struct kt_hung *hung)
{
	char options[128];
	struct stat st;

	hung->asked = 0;
	hung->dev = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	close(open(KT_HUNG, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	snprintf(options, sizeof(options), "fd=%d,rootmode=100444,user_id=0,group_id=0,allow_other",
		 hung->dev);
	if (hung->dev < 0 || mount("kh2", KT_HUNG, "fuse", MS_NOSUID | MS_NODEV, options) ||
	    pthread_create(&hung->server, NULL, server, hung))
		return -1;
	hung->silent = true;
	/* That it has a size is known once it was asked for. */
	return stat(KT_HUNG, &st) || st.st_size != KT_HUNG_SIZE ? -1 : 0;
}

int kt_hung_end(struct kt_hung *hung)
{
	int err = umount2(KT_HUNG, MNT_FORCE | MNT_DETACH);

	hung->silent = false;
	err = pthread_join(hung->server, NULL) ?: err;
	close(hung->dev);
	return err;
}
