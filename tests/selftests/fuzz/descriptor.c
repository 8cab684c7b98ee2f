// SPDX-License-Identifier: GPL-2.0
/* Descriptors where they do not belong: of any kind, passed on, of another namespace. */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descriptor.h"
#include "owner.h"
#include "peer.h"
#include "stranger.h"

static int unconnected(int type, int backlog)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (bind(fd, (void *)&a, sizeof(a)) || (backlog && listen(fd, backlog))) {
		close(fd);
		return -1;
	}
	return fd;
}

static int half_of(int made, int ends[2])
{
	if (made)
		return -1;
	close(ends[1]);
	return ends[0];
}

/* A descriptor that is no connected TCP socket, and no channel */
static int odd_descriptor(struct random *r)
{
	int ends[2];

	switch (below(r, 16)) {
	case 0:
		return -1;
	case 1:
		return 100000;
	case 2:
		return half_of(pipe2(ends, O_CLOEXEC), ends);
	case 3:
		return unconnected(SOCK_DGRAM, 0);
	case 4:
		return unconnected(SOCK_STREAM, 1);
	case 5:
		return unconnected(SOCK_STREAM, 0);
	case 6:
		return half_of(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ends);
	case 7:
		return half_of(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), ends);
	case 8:
		return open("/", O_PATH | O_CLOEXEC);
	case 9:
		return epoll_create1(EPOLL_CLOEXEC);
	case 10:
		return eventfd(0, EFD_CLOEXEC);
	case 11:
		return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	case 12:
		return memfd_create("odd", MFD_CLOEXEC);
	case 13:
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	case 14:
		return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	default:
		return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	}
}

int attach_oddly(struct kt_netlink *kt, struct kt_channel *ch, int attached, struct random *r)
{
	struct kt_channel other = { .fd = ch->fd };
	int fd = attached, ret;

	switch (below(r, 5)) {
	case 0:		/* the same socket twice */
		break;
	case 1:
		fd = dup(attached);
		break;
	case 2:
		fd = dup(ch->fd);
		break;
	case 3:
		other.fd = odd_descriptor(r);
		break;
	default:
		fd = odd_descriptor(r);
	}
	ret = kt_attach(kt, &other, fd, NULL);
	if (fd != attached && fd > 2)
		close(fd);
	if (other.fd != ch->fd && other.fd > 2)
		close(other.fd);
	return ret;
}

static int send_descriptor(int to, int fd)
{
	char octet = 0, control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &octet, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	return sendmsg(to, &msg, 0) == 1 ? 0 : -errno;
}

static int recv_descriptor(int from)
{
	char octet, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &octet, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
		.msg_controllen = sizeof(control),
	};
	int fd = -1;

	if (recvmsg(from, &msg, 0) == 1 && CMSG_FIRSTHDR(&msg))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return fd;
}

void pass_channel(struct kt_channel *ch, struct random *r)
{
	bool stranger = below(r, 2);
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return;
	pid = fork();
	if (!pid) {
		struct kt_channel mine = { 0 };

		if (stranger && !become_stranger(below(r, 2)))
			_exit(0);
		mine.fd = recv_descriptor(ends[1]);
		if (!kt_channel_map(&mine))
			owner_imitate(&mine, r);
		_exit(0);
	}
	send_descriptor(ends[0], ch->fd);
	close(ends[0]);
	close(ends[1]);
	waitpid(pid, NULL, 0);
}

void attach_from_elsewhere(struct kt_channel *ch)
{
	pid_t pid = fork();

	if (!pid) {
		struct kt_netlink kt;
		int fds[2];

		if (kt_netlink_open(&kt) || unshare(CLONE_NEWNET) ||
		    system("ip link set lo up") || kt_pair(fds, false))
			_exit(0);
		kt_attach(&kt, ch, fds[0], NULL);
		kt_send_preface(fds[1]);
		kt_enter(ch, 0);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}
