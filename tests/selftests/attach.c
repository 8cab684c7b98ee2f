// SPDX-License-Identifier: GPL-2.0
/* Which sockets become sessions, what becomes of them, and what was read before. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "channel.h"
#include "netlink.h"
#include "peer.h"

#ifndef SOL_TLS
#define SOL_TLS 282
#endif

FIXTURE(attach)
{
	struct kt_netlink kt;
	struct kt_channel ch;
	int fds[2];
	uint32_t session;
};

FIXTURE_SETUP(attach)
{
	ASSERT_EQ(0, kt_netlink_open(&self->kt));
	ASSERT_EQ(0, kt_channel_open(&self->ch, &self->kt, 0, 0, 0));
	ASSERT_EQ(0, kt_pair(self->fds, false));
}

FIXTURE_TEARDOWN(attach)
{
	close(self->fds[0]);
	close(self->fds[1]);
	kt_channel_close(&self->ch);
	kt_netlink_close(&self->kt);
}

static int attach(struct _test_data_attach *self, int fd)
{
	return kt_attach(&self->kt, &self->ch, fd, &self->session);
}

TEST_F(attach, descriptors_that_are_no_tcp_connection_are_refused)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	int ends[2], fd;

	EXPECT_EQ(-EBADF, attach(self, 9999));
	EXPECT_STREQ("no such descriptor", self->kt.complaint);
	ASSERT_EQ(0, pipe(ends));
	EXPECT_EQ(-ENOTSOCK, attach(self, ends[0]));
	EXPECT_STREQ("descriptor is not a socket", self->kt.complaint);
	close(ends[0]);
	close(ends[1]);
	EXPECT_EQ(-ENOTSOCK, attach(self, self->ch.fd));
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	EXPECT_EQ(-EPROTONOSUPPORT, attach(self, fd));
	close(fd);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	EXPECT_EQ(-EPROTONOSUPPORT, attach(self, ends[0]));
	close(ends[0]);
	close(ends[1]);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT_EQ(-ENOTCONN, attach(self, fd));
	ASSERT_EQ(0, bind(fd, (void *)&addr, sizeof(addr)));
	ASSERT_EQ(0, listen(fd, 1));
	EXPECT_EQ(-ENOTCONN, attach(self, fd));
	EXPECT_STREQ("socket is not connected", self->kt.complaint);
	close(fd);
}

TEST_F(attach, channel_descriptor_must_be_one)
{
	struct kt_channel wrong = { .fd = self->fds[0] };

	EXPECT_EQ(-EINVAL, kt_attach(&self->kt, &wrong, self->fds[0], NULL));
	EXPECT_STREQ("descriptor is not a channel", self->kt.complaint);
	wrong.fd = 9999;
	EXPECT_EQ(-EBADF, kt_attach(&self->kt, &wrong, self->fds[0], NULL));
}

TEST_F(attach, same_socket_twice_is_refused_and_harms_nothing)
{
	struct kt_channel other;

	ASSERT_EQ(0, attach(self, self->fds[0]));
	EXPECT_EQ(-EBUSY, kt_attach(&self->kt, &self->ch, self->fds[0], NULL));
	ASSERT_EQ(0, kt_channel_open(&other, &self->kt, 0, 0, 0));
	EXPECT_EQ(-EBUSY, kt_attach(&self->kt, &other, self->fds[0], NULL));
	kt_channel_close(&other);
	ASSERT_EQ(0, kt_send_preface(self->fds[1]));
	EXPECT_TRUE(kt_await(&self->ch, KH2_EV_SETTINGS, WAIT, NULL, NULL));
}

TEST_F(attach, kernel_tls_in_one_direction_is_refused)
{
	struct tls12_crypto_info_aes_gcm_128 keys = {
		.info = { .version = TLS_1_3_VERSION, .cipher_type = TLS_CIPHER_AES_GCM_128 },
	};

	ASSERT_EQ(0, setsockopt(self->fds[0], SOL_TCP, TCP_ULP, "tls", 4));
	EXPECT_EQ(-EINVAL, attach(self, self->fds[0]));
	ASSERT_EQ(0, setsockopt(self->fds[0], SOL_TLS, TLS_TX, &keys, sizeof(keys)));
	EXPECT_EQ(-EINVAL, attach(self, self->fds[0]));
	EXPECT_STRNE("", self->kt.complaint);
	ASSERT_EQ(0, setsockopt(self->fds[0], SOL_TLS, TLS_RX, &keys, sizeof(keys)));
	EXPECT_EQ(0, attach(self, self->fds[0]));
}

TEST_F(attach, no_other_ulp_can_be_set_under_a_session)
{
	ASSERT_EQ(0, attach(self, self->fds[0]));
	EXPECT_EQ(-1, setsockopt(self->fds[0], SOL_TCP, TCP_ULP, "tls", 4));
	EXPECT_EQ(EEXIST, errno);
}

TEST_F(attach, octets_read_before_come_first)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
	uint8_t early[40];
	struct kt_attr attrs[] = {
		{ .type = KH2_A_SESSION_CHANNEL_FD, .u32 = self->ch.fd },
		{ .type = KH2_A_SESSION_SOCKET_FD, .u32 = self->fds[0] },
		{ .type = KH2_A_SESSION_EARLY, .data = early, .n = 30 },
	};
	struct kh2_event ev;

	/* The preface and a part of SETTINGS were read; the rest is in the socket or to come. */
	ASSERT_EQ(24, sizeof(preface) - 1);
	ASSERT_EQ(0, kt_send_preface(self->fds[1]));
	ASSERT_EQ(30, recv(self->fds[0], early, 30, MSG_WAITALL));
	ASSERT_EQ(0, kt_netlink_do(&self->kt, KH2_CMD_SESSION_ATTACH, attrs, 3, NULL));
	EXPECT_TRUE(kt_await(&self->ch, KH2_EV_SETTINGS, WAIT, NULL, NULL));
	ASSERT_EQ(0, kt_send_get(self->fds[1], 1));
	EXPECT_TRUE(kt_await(&self->ch, KH2_EV_HEADERS, WAIT, &ev, NULL));
	EXPECT_EQ(1, ev.stream);
}

TEST_F(attach, data_that_came_before_is_found)
{
	char octets[24 + 9 + 9 + 3];

	ASSERT_EQ(0, kt_send_preface(self->fds[1]));
	ASSERT_EQ(0, kt_send_get(self->fds[1], 1));
	ASSERT_EQ(sizeof(octets), recv(self->fds[0], octets, sizeof(octets),
				       MSG_PEEK | MSG_WAITALL));
	ASSERT_EQ(0, attach(self, self->fds[0]));
	EXPECT_TRUE(kt_await(&self->ch, KH2_EV_HEADERS, WAIT, NULL, NULL));
}

TEST_F(attach, client_role_sends_the_preface)
{
	const struct kt_attr attrs[] = {
		{ .type = KH2_A_SESSION_CHANNEL_FD, .u32 = self->ch.fd },
		{ .type = KH2_A_SESSION_SOCKET_FD, .u32 = self->fds[0] },
		{ .type = KH2_A_SESSION_ROLE, .u32 = KH2_ROLE_CLIENT },
	};
	char preface[24];

	ASSERT_EQ(0, kt_netlink_do(&self->kt, KH2_CMD_SESSION_ATTACH, attrs, 3, NULL));
	ASSERT_EQ(24, recv(self->fds[1], preface, 24, MSG_WAITALL));
	EXPECT_EQ(0, memcmp("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", preface, 24));
}

TEST_F(attach, ipv6_connections_are_taken)
{
	struct sockaddr_in6 addr = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	socklen_t n = sizeof(addr);
	int listener, near, far;

	listener = socket(AF_INET6, SOCK_STREAM, 0);
	ASSERT_EQ(0, bind(listener, (void *)&addr, sizeof(addr)));
	ASSERT_EQ(0, listen(listener, 1));
	ASSERT_EQ(0, getsockname(listener, (void *)&addr, &n));
	far = socket(AF_INET6, SOCK_STREAM, 0);
	ASSERT_EQ(0, connect(far, (void *)&addr, sizeof(addr)));
	near = accept(listener, NULL, NULL);
	close(listener);
	EXPECT_EQ(0, attach(self, near));
	close(near);
	ASSERT_EQ(0, kt_send_preface(far));
	EXPECT_TRUE(kt_await(&self->ch, KH2_EV_SETTINGS, WAIT, NULL, NULL));
	close(far);
}

TEST_F(attach, socket_that_the_peer_closed_ends_at_once)
{
	struct pollfd end = { .fd = self->fds[0], .events = POLLRDHUP };
	struct kh2_event ev;

	close(self->fds[1]);
	self->fds[1] = -1;
	ASSERT_EQ(1, poll(&end, 1, WAIT));
	if (!attach(self, self->fds[0]))
		EXPECT_TRUE(kt_await(&self->ch, KH2_EV_GONE, WAIT, &ev, NULL));
}

TEST_F(attach, owner_who_meddles_with_the_socket_harms_itself_only)
{
	struct kh2_event ev;
	char buf[10];

	ASSERT_EQ(0, attach(self, self->fds[0]));
	ASSERT_EQ(0, kt_send_preface(self->fds[1]));
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_SETTINGS, WAIT, NULL, NULL));
	recv(self->fds[0], buf, sizeof(buf), MSG_DONTWAIT);
	send(self->fds[0], "xxxxxxxx", 8, MSG_DONTWAIT);
	shutdown(self->fds[0], SHUT_RDWR);
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_GONE, WAIT, &ev, NULL));
}

/* All ways in and out but splice(2) from the socket, which steals from its owner only */
static void refuses_its_owner(struct __test_metadata *_metadata, int fd)
{
	struct iovec iov = { .iov_base = "abcdefgh", .iov_len = 8 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int file = open("/proc/self/exe", O_RDONLY), ends[2];
	char buf[10];

	EXPECT_EQ(-1, read(fd, buf, sizeof(buf)));
	EXPECT_EQ(EOPNOTSUPP, errno);
	EXPECT_EQ(-1, recv(fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_PEEK));
	EXPECT_EQ(EOPNOTSUPP, errno);
	EXPECT_EQ(-1, write(fd, "abcdefgh", 8));
	EXPECT_EQ(EOPNOTSUPP, errno);
	EXPECT_EQ(-1, send(fd, "abcdefgh", 8, MSG_NOSIGNAL));
	EXPECT_EQ(EOPNOTSUPP, errno);
	EXPECT_EQ(-1, sendmsg(fd, &msg, MSG_ZEROCOPY));
	EXPECT_EQ(EOPNOTSUPP, errno);
	EXPECT_EQ(-1, sendfile(fd, file, NULL, 100));
	EXPECT_EQ(EOPNOTSUPP, errno);
	ASSERT_EQ(0, pipe(ends));
	ASSERT_EQ(3, write(ends[1], "abc", 3));
	EXPECT_EQ(-1, splice(ends[0], NULL, fd, NULL, 3, 0));
	EXPECT_EQ(EOPNOTSUPP, errno);
	close(ends[0]);
	close(ends[1]);
	close(file);
}

static void guards(struct __test_metadata *_metadata, struct _test_data_attach *self, bool tls)
{
	struct kt_frame f;
	int fds[2];
	char c;

	ASSERT_EQ(0, kt_pair(fds, tls));
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(i ? -EBUSY : 0, attach(self, fds[0]));
	refuses_its_owner(_metadata, fds[0]);
	/* of all that nothing was sent, and nothing taken away */
	ASSERT_EQ(0, kt_send_preface(fds[1]));
	ASSERT_EQ(0, kt_send_frame(fds[1], KT_PING, 0, 0, "01234567", 8));
	EXPECT_EQ(1, kt_await_frame(fds[1], KT_PING, &f, WAIT));
	refuses_its_owner(_metadata, fds[0]);
	close(fds[1]);
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_GONE, WAIT, NULL, NULL));
	/* it is the owner's again */
	errno = 0;
	EXPECT_NE(1, recv(fds[0], &c, 1, MSG_DONTWAIT));
	EXPECT_NE(EOPNOTSUPP, errno);
	close(fds[0]);
}

TEST_F(attach, reads_and_writes_by_the_owner_are_refused)
{
	guards(_metadata, self, false);
}

TEST_F(attach, reads_and_writes_by_the_owner_are_refused_over_tls)
{
	guards(_metadata, self, true);
}

TEST_F(attach, socket_lives_on_with_the_session_alone)
{
	struct kt_frame f;

	ASSERT_EQ(0, attach(self, self->fds[0]));
	close(self->fds[0]);
	self->fds[0] = -1;
	ASSERT_EQ(0, kt_send_preface(self->fds[1]));
	ASSERT_EQ(0, kt_send_frame(self->fds[1], KT_PING, 0, 0, "01234567", 8));
	EXPECT_EQ(1, kt_await_frame(self->fds[1], KT_PING, &f, WAIT));
}

TEST_F(attach, urgent_data_ends_the_session)
{
	struct kh2_event ev;

	ASSERT_EQ(0, attach(self, self->fds[0]));
	ASSERT_EQ(0, kt_send_preface(self->fds[1]));
	ASSERT_EQ(1, send(self->fds[1], "x", 1, MSG_OOB));
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_GONE, WAIT, &ev, NULL));
	EXPECT_EQ(EPROTO, ev.code);
}

TEST_F(attach, end_of_a_session_ends_the_connection_whoever_holds_the_socket)
{
	struct timeval tv = { .tv_sec = WAIT / 1000 };
	char buf[4096];
	ssize_t n;

	ASSERT_EQ(0, attach(self, self->fds[0]));
	ASSERT_EQ(0, kt_send(self->fds[1], "GET / HTTP/1.1\r\n\r\n and no HTTP/2", 36));
	setsockopt(self->fds[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	do {
		n = recv(self->fds[1], buf, sizeof(buf), 0);
	} while (n > 0);
	/* fds[0] is still open here. */
	EXPECT_TRUE(!n || errno == ECONNRESET);
	shutdown(self->fds[1], SHUT_WR);
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_GONE, WAIT, NULL, NULL));
	EXPECT_EQ(0, recv(self->fds[0], buf, sizeof(buf), MSG_DONTWAIT));
}

KT_HARNESS_MAIN
