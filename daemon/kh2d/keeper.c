// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The keeper: a forked process that knows three file names and passes descriptors of them. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keeper.h"
#include "message.h"

#define PEM_MAX	(1 << 20)

static int keeper_sock = -1;

static int copy_to_memory(int from)
{
	int to = memfd_create("kh2d", MFD_CLOEXEC);
	ssize_t n = 0, total = 0;
	char buf[16384];

	if (to < 0)
		return -errno;
	while ((n = read(from, buf, sizeof(buf))) > 0) {
		total += n;
		if (total > PEM_MAX || write(to, buf, (size_t)n) != n)
			break;
	}
	explicit_bzero(buf, sizeof(buf));
	if (!n)
		return to;
	n = n < 0 ? -errno : -EFBIG;
	close(to);
	return (int)n;
}

static int open_pem(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int copy;

	if (fd < 0)
		return -errno;
	copy = copy_to_memory(fd);
	close(fd);
	return copy;
}

static int open_log(const char *path)
{
	/* who reads a pipe slowly, or not at all, holds up nobody */
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		      0640);

	return fd < 0 ? -errno : fd;
}

static int open_here(const struct options *o, enum keeper_file which)
{
	switch (which) {
	case KEEPER_CERT:
		return open_pem(o->cert);
	case KEEPER_KEY:
		return open_pem(o->key ? o->key : o->cert);
	case KEEPER_LOG:
		return open_log(o->access_log);
	}
	return -EINVAL;
}

/* A message is one int, 0 or negative errno, and with 0 a descriptor. */
static int send_result(int sock, int fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	int result = fd < 0 ? fd : 0;
	struct iovec iov = { .iov_base = &result, .iov_len = sizeof(result) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (fd >= 0) {
		msg.msg_control = control.buf;
		msg.msg_controllen = sizeof(control.buf);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	return sendmsg(sock, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int receive_result(int sock)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	int result = -EIO, fd;
	struct iovec iov = { .iov_base = &result, .iov_len = sizeof(result) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf, .msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *c;
	ssize_t n;

	do {
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n != sizeof(result))
		return n < 0 ? -errno : -EPIPE;
	c = CMSG_FIRSTHDR(&msg);
	if (result || !c || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof(int)))
		return result ? result : -EIO;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/* Serves until the other end is closed: the process that could ask has gone. */
static void __attribute__((noreturn)) keep(const struct options *o, int sock)
{
	unsigned char which;
	ssize_t n;

	prctl(PR_SET_NAME, "kh2d-keeper");
	/* What is meant for kh2d may reach its whole process group. */
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	for (;;) {
		n = recv(sock, &which, sizeof(which), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n != sizeof(which))
			_exit(0);
		int fd = which <= KEEPER_LOG ? open_here(o, which) : -EINVAL;

		if (send_result(sock, fd))
			_exit(0);
		if (fd >= 0)
			close(fd);
	}
}

void keeper_start(const struct options *o)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		die(KH2D_FAILURE, "socketpair: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		die(KH2D_FAILURE, "fork: %s", strerror(errno));
	if (!pid) {
		close(pair[1]);
		close_range((unsigned int)pair[0] + 1, ~0U, 0);
		keep(o, pair[0]);
	}
	close(pair[0]);
	keeper_sock = pair[1];
}

int keeper_open(const struct options *o, enum keeper_file which)
{
	unsigned char request = which;

	if (keeper_sock < 0)
		return open_here(o, which);
	if (send(keeper_sock, &request, sizeof(request), MSG_NOSIGNAL) != sizeof(request))
		return -errno;
	return receive_result(keeper_sock);
}
