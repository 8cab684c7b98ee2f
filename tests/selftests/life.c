// SPDX-License-Identifier: GPL-2.0
/* Ends of all kinds: channels closed, owners killed or stopped, namespaces left, many at once. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "answer.h"
#include "channel.h"
#include "netlink.h"
#include "peer.h"
#include <linux/kh2_counters.h>

FIXTURE(life)
{
	struct kt_netlink kt;
	struct kt_reply reply;
	struct kt_frame f;
};

FIXTURE_SETUP(life)
{
	ASSERT_EQ(0, kt_netlink_open(&self->kt));
}

FIXTURE_TEARDOWN(life)
{
	kt_netlink_close(&self->kt);
}

static int sessions(struct _test_data_life *self)
{
	int err = kt_netlink_do(&self->kt, KH2_CMD_STATS_GET, NULL, 0, &self->reply);

	return err ?: (int)kt_u32(&self->reply, KH2_A_STATS_SESSIONS);
}

/* Waits for the peer to be told: end of file or reset. */
static bool ended(int fd)
{
	struct timeval tv = { .tv_sec = WAIT / 1000 };
	char buf[65536];
	ssize_t n;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	do {
		n = recv(fd, buf, sizeof(buf), 0);
	} while (n > 0);
	return !n || errno == ECONNRESET || errno == EPIPE || errno == EIO;
}

TEST_F(life, closing_the_channel_ends_its_sessions)
{
	struct kt_channel ch;
	int fds[20][2];

	ASSERT_EQ(0, kt_channel_open(&ch, &self->kt, 0, 0, 0));
	for (int i = 0; i < 20; i++) {
		ASSERT_EQ(0, kt_pair(fds[i], i & 1));
		ASSERT_EQ(0, kt_attach(&self->kt, &ch, fds[i][0], NULL));
		close(fds[i][0]);
		ASSERT_EQ(0, kt_send_preface(fds[i][1]));
	}
	EXPECT_EQ(20, sessions(self));
	kt_channel_close(&ch);
	EXPECT_EQ(0, sessions(self));
	for (int i = 0; i < 20; i++) {
		EXPECT_TRUE(ended(fds[i][1])) {
			TH_LOG("connection %d: %s", i, strerror(errno));
		}
		close(fds[i][1]);
	}
}

/* A process that serves a large file on a connection whose other end is @peer's, until killed. */
static pid_t owner(int near, int far, int ready)
{
	static struct kt_netlink kt;
	static struct kt_channel ch;
	uint32_t session;
	pid_t pid = fork();

	if (pid)
		return pid;
	close(far);
	if (kt_netlink_open(&kt) || kt_channel_open(&ch, &kt, 0, 0, 0) ||
	    kt_attach(&kt, &ch, near, &session))
		_exit(1);
	if (!kt_await(&ch, KH2_EV_HEADERS, WAIT, NULL, NULL))
		_exit(2);
	kt_answer(&ch, session, 1, 0);
	kt_answer_file(&ch, session, 1, open("large", O_RDONLY | O_CLOEXEC));
	if (write(ready, "r", 1) != 1)
		_exit(3);
	for (;;)
		pause();
}

static void make_large(struct __test_metadata *_metadata)
{
	int fd = open("large", O_RDWR | O_CREAT | O_TRUNC, 0600);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, 1 << 30));
	close(fd);
}

static pid_t serve_large(struct __test_metadata *_metadata, int fds[2], bool tls)
{
	int ends[2];
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(ends));
	ASSERT_EQ(0, kt_pair(fds, tls));
	pid = owner(fds[0], fds[1], ends[1]);
	close(fds[0]);
	close(ends[1]);
	ASSERT_EQ(0, kt_send_preface(fds[1]));
	ASSERT_EQ(0, kt_send_window(fds[1], 0, 0x7fff0000 - 65535));
	ASSERT_EQ(0, kt_send_get(fds[1], 1));
	ASSERT_EQ(0, kt_send_window(fds[1], 1, 0x7fff0000 - 65535));
	ASSERT_EQ(1, read(ends[0], &c, 1));
	close(ends[0]);
	return pid;
}

TEST_F(life, killing_the_owner_while_it_sends_ends_its_sessions)
{
	int fds[2], status;
	pid_t pid;

	make_large(_metadata);
	for (int i = 0; i < 6; i++) {
		pid = serve_large(_metadata, fds, i & 1);
		for (int n = 0; n < i * 3; n++)
			ASSERT_EQ(1, kt_await_frame(fds[1], KT_DATA, &self->f, WAIT));
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		EXPECT_TRUE(ended(fds[1]));
		close(fds[1]);
		EXPECT_EQ(0, sessions(self));
	}
}

TEST_F(life, stopped_owner_does_not_stop_the_kernel)
{
	int fds[2], status;
	pid_t pid;

	make_large(_metadata);
	pid = serve_large(_metadata, fds, true);
	kill(pid, SIGSTOP);
	/* The file goes on, and PING is answered. */
	for (int n = 0; n < 200; n++)
		ASSERT_EQ(1, kt_await_frame(fds[1], KT_DATA, &self->f, WAIT));
	ASSERT_EQ(0, kt_send_frame(fds[1], KT_PING, 0, 0, "01234567", 8));
	EXPECT_EQ(1, kt_await_frame(fds[1], KT_PING, &self->f, WAIT));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	close(fds[1]);
}

TEST_F_TIMEOUT(life, flood_is_ended_while_the_owner_is_stopped, 180)
{
	int fds[2], status, err = 0;
	uint64_t before;
	pid_t pid;

	ASSERT_EQ(0, kt_netlink_do(&self->kt, KH2_CMD_STATS_GET, NULL, 0, &self->reply));
	before = kt_counter(&self->reply, KH2_A_STATS_COUNTERS, KH2_C_FLOOD_RESET);
	make_large(_metadata);
	pid = serve_large(_metadata, fds, false);
	kill(pid, SIGSTOP);
	/* Rapid reset */
	for (uint32_t id = 3; id < 200001 && !err; id += 2) {
		err = kt_send_get(fds[1], id);
		err = err ?: kt_send_frame(fds[1], KT_RST_STREAM, 0, id, "\0\0\0\10", 4);
	}
	/* Ended, although we never read GOAWAY and the owner never hears of it. */
	for (int i = 0; i < 200 && sessions(self); i++)
		usleep(50000);
	EXPECT_EQ(0, sessions(self));
	ASSERT_EQ(0, kt_netlink_do(&self->kt, KH2_CMD_STATS_GET, NULL, 0, &self->reply));
	EXPECT_LT(before, kt_counter(&self->reply, KH2_A_STATS_COUNTERS, KH2_C_FLOOD_RESET));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	close(fds[1]);
}

TEST_F(life, descriptors_that_outlive_their_owner_keep_the_channel)
{
	struct kt_channel ch;
	struct kt_frame f;
	int fds[2], status;
	pid_t pid;

	ASSERT_EQ(0, kt_channel_open(&ch, &self->kt, 0, 0, 0));
	ASSERT_EQ(0, kt_pair(fds, false));
	ASSERT_EQ(0, kt_attach(&self->kt, &ch, fds[0], NULL));
	close(fds[0]);
	pid = fork();
	if (!pid) {
		kt_channel_close(&ch);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	ASSERT_EQ(0, kt_send_preface(fds[1]));
	ASSERT_EQ(0, kt_send_frame(fds[1], KT_PING, 0, 0, "01234567", 8));
	EXPECT_EQ(1, kt_await_frame(fds[1], KT_PING, &f, WAIT));
	kt_channel_close(&ch);
	EXPECT_TRUE(ended(fds[1]));
	close(fds[1]);
}

/* What a child inherits are descriptors, which it may close, and not what is mapped. */
TEST_F(life, child_without_descriptors_keeps_no_channel)
{
	struct kt_channel ch;
	int fds[2], hold[2];
	char c;

	ASSERT_EQ(0, pipe(hold));
	ASSERT_EQ(0, kt_channel_open(&ch, &self->kt, 0, 0, 0));
	ASSERT_EQ(0, kt_pair(fds, false));
	ASSERT_EQ(0, kt_attach(&self->kt, &ch, fds[0], NULL));
	close(fds[0]);
	if (!fork()) {
		close_range(3, hold[0] - 1, 0);
		close_range(hold[0] + 1, ~0U, 0);
		_exit(read(hold[0], &c, 1) != 0);
	}
	close(hold[0]);
	ASSERT_EQ(0, kt_send_preface(fds[1]));
	kt_channel_close(&ch);
	EXPECT_TRUE(ended(fds[1]));
	close(fds[1]);
	close(hold[1]);
	wait(NULL);
}

TEST_F(life, network_namespace_ends_with_its_last_channel)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		struct kt_channel ch;
		struct kt_netlink kt;
		int fds[2];

		if (unshare(CLONE_NEWNET) || system("ip link set lo up"))
			_exit(1);
		if (kt_netlink_open(&kt) || kt_channel_open(&ch, &kt, 0, 0, 0))
			_exit(2);
		if (kt_pair(fds, false) || kt_attach(&kt, &ch, fds[0], NULL))
			_exit(3);
		kt_send_preface(fds[1]);
		kill(getpid(), SIGKILL);
	}
	waitpid(pid, &status, 0);
	EXPECT_EQ(SIGKILL, WTERMSIG(status));
	EXPECT_EQ(0, sessions(self));
}

TEST_F(life, module_is_held_by_channels)
{
	struct kt_channel ch;

	ASSERT_EQ(0, kt_channel_open(&ch, &self->kt, 0, 0, 0));
	EXPECT_EQ(-1, syscall(SYS_delete_module, "kh2", O_NONBLOCK));
	EXPECT_EQ(EAGAIN, errno);
	kt_channel_close(&ch);
}

TEST_F_TIMEOUT(life, sessions_come_and_go_a_thousand_times, 180)
{
	struct kt_channel ch;
	struct kh2_event ev;
	int fds[2];

	ASSERT_EQ(0, kt_channel_open(&ch, &self->kt, 0, 0, 0));
	for (int i = 0; i < 1000; i++) {
		ASSERT_EQ(0, kt_pair(fds, i & 1));
		ASSERT_EQ(0, kt_attach(&self->kt, &ch, fds[0], NULL));
		close(fds[0]);
		if (i % 3)
			kt_send_preface(fds[1]);
		close(fds[1]);
	}
	for (int i = 0; i < 1000; i++)
		ASSERT_TRUE(kt_await(&ch, KH2_EV_GONE, WAIT, &ev, NULL));
	EXPECT_EQ(0, sessions(self));
	kt_channel_close(&ch);
}

KT_HARNESS_MAIN
