// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Binds the first socket of an address alone, so that a port in use is noticed, then the others. */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listen.h"
#include "message.h"

#define BACKLOG	4096

static void fail(const struct listen_addr *addr, int err)
{
	die(err == EACCES || err == EPERM ? KH2D_PERMISSION : KH2D_ADDRESS,
	    "cannot listen on %s: %s", addr->text, strerror(err));
}

static void set_option(int fd, int level, int name, int value, const struct listen_addr *addr)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)))
		fail(addr, errno);
}

/*
 * A group of SO_REUSEPORT sockets would let a second kh2d of the same user in
 * without a word. So the first is bound without it, and joins the group then.
 * Returns the socket, or negative errno.
 */
static int open_one(const struct listen_addr *addr, const struct sockaddr *sa, socklen_t len,
		    bool first, bool several)
{
	int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1, addr);
	if (sa->sa_family == AF_INET6)
		set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, !!addr->host, addr);
	if (!first)
		set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1, addr);
	if (bind(fd, sa, len)) {
		int err = errno;

		close(fd);
		return -err;
	}
	if (first && several)
		set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1, addr);
	if (listen(fd, BACKLOG))
		fail(addr, errno);
	return fd;
}

static void resolve(const struct listen_addr *addr, struct sockaddr_storage *sa, socklen_t *len)
{
	struct addrinfo hints = {
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
		.ai_family = addr->host ? AF_UNSPEC : AF_INET6,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *found;
	char port[8];
	int err;

	snprintf(port, sizeof(port), "%u", addr->port);
	err = getaddrinfo(addr->host, port, &hints, &found);
	if (err)
		die(KH2D_ADDRESS, "cannot listen on %s: %s", addr->text, gai_strerror(err));
	memcpy(sa, found->ai_addr, found->ai_addrlen);
	*len = found->ai_addrlen;
	freeaddrinfo(found);
}

/* :PORT is IPv6 and IPv4 by one socket; on hosts without IPv6 it is IPv4. */
static int open_first(const struct listen_addr *addr, struct sockaddr_storage *sa, socklen_t *len,
		      bool several)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(addr->port) };
	int fd;

	resolve(addr, sa, len);
	fd = open_one(addr, (struct sockaddr *)sa, *len, true, several);
	if (!addr->host && (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL)) {
		memcpy(sa, &any, sizeof(any));
		*len = sizeof(any);
		fd = open_one(addr, (struct sockaddr *)sa, *len, true, several);
	}
	if (fd < 0)
		fail(addr, -fd);
	return fd;
}

static void address_text(const struct sockaddr_storage *sa, socklen_t len, char *out)
{
	char host[48], port[8];

	if (getnameinfo((const struct sockaddr *)sa, len, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV))
		snprintf(out, ADDRESS_SIZE, "?");
	else if (sa->ss_family == AF_INET6)
		snprintf(out, ADDRESS_SIZE, "[%s]:%s", host, port);
	else
		snprintf(out, ADDRESS_SIZE, "%s:%s", host, port);
}

void listener_open(struct listener *l, const struct listen_addr *addr, uint32_t workers)
{
	struct sockaddr_storage sa;
	socklen_t len;

	l->fds[0] = open_first(addr, &sa, &len, workers > 1);
	len = sizeof(sa);
	if (getsockname(l->fds[0], (struct sockaddr *)&sa, &len))
		fail(addr, errno);
	address_text(&sa, len, l->address);
	for (uint32_t i = 1; i < workers; i++) {
		l->fds[i] = open_one(addr, (struct sockaddr *)&sa, len, false, true);
		if (l->fds[i] < 0)
			fail(addr, -l->fds[i]);
	}
}
