// SPDX-License-Identifier: GPL-2.0
/*
 * Sockets whose lock somebody holds for long: a system call that copies to memory which is a file
 * that never comes. Who asks for something by netlink does not wait for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"
#include "answer.h"
#include "channel.h"
#include "hung.h"
#include "netlink.h"
#include "peer.h"

struct holder {
	pthread_t thread;
	int socket;
	pid_t tid;	/* atomic; 0: not begun */
	void *memory;
};

FIXTURE(held)
{
	struct kt_netlink kt;
	struct kt_channel ch;
	struct kt_hung hung;
	struct holder holder;
	int fds[2];
};

FIXTURE_SETUP(held)
{
	int file;

	ASSERT_EQ(0, kt_netlink_open(&self->kt));
	ASSERT_EQ(0, kt_channel_open(&self->ch, &self->kt, 0, 0, 0));
	ASSERT_EQ(0, kt_hung_begin(&self->hung));
	file = open(KT_HUNG, O_RDONLY | O_CLOEXEC);
	self->holder.memory = mmap(NULL, KT_HUNG_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file,
				   0);
	ASSERT_NE(MAP_FAILED, self->holder.memory);
	close(file);
}

FIXTURE_TEARDOWN(held)
{
	if (self->hung.silent)
		kt_hung_end(&self->hung);
	munmap(self->holder.memory, KT_HUNG_SIZE);
	close(self->fds[0]);
	close(self->fds[1]);
	kt_channel_close(&self->ch);
	kt_netlink_close(&self->kt);
}

static void *hold(void *arg)
{
	struct holder *h = arg;

	__atomic_store_n(&h->tid, syscall(SYS_gettid), __ATOMIC_RELEASE);
	return (void *)recv(h->socket, h->memory, 64, 0);
}

/* As proc(5) calls its state */
static bool is_in(char wanted, pid_t tid)
{
	char path[64], text[256] = "", *state;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = 0;
	close(fd);
	state = strrchr(text, ')');
	return state && state[2] == wanted;
}

static int begin_to_hold(struct holder *h, int socket)
{
	h->socket = socket;
	return pthread_create(&h->thread, NULL, hold, h);
}

static bool waits_for_data(struct holder *h)
{
	pid_t tid;

	for (int i = 0; i < WAIT; i++) {
		tid = __atomic_load_n(&h->tid, __ATOMIC_ACQUIRE);
		if (tid && is_in('S', tid))
			return true;
		usleep(1000);
	}
	return false;
}

static bool holds(struct kt_hung *hung)
{
	for (int i = 0; i < WAIT; i++) {
		if (__atomic_load_n(&hung->asked, __ATOMIC_ACQUIRE))
			return true;
		usleep(1000);
	}
	return false;
}

TEST_F_TIMEOUT(held, socket_is_not_waited_for_to_be_attached, 60)
{
	int fds[2];

	ASSERT_EQ(0, kt_pair(self->fds, false));
	ASSERT_EQ(0, kt_send(self->fds[1], "0123456789", 10));
	ASSERT_EQ(0, begin_to_hold(&self->holder, self->fds[0]));
	ASSERT_TRUE(holds(&self->hung));
	EXPECT_EQ(-EBUSY, kt_attach(&self->kt, &self->ch, self->fds[0], NULL));
	EXPECT_STREQ("socket is busy", self->kt.complaint);
	/* Others are served, on the same channel. */
	ASSERT_EQ(0, kt_pair(fds, false));
	ASSERT_EQ(0, kt_attach(&self->kt, &self->ch, fds[0], NULL));

	/* What was given up leaves no trace. */
	EXPECT_EQ(0, kt_hung_end(&self->hung));
	pthread_join(self->holder.thread, NULL);
	EXPECT_EQ(0, kt_attach(&self->kt, &self->ch, self->fds[0], NULL));
	EXPECT_EQ(-EBUSY, kt_attach(&self->kt, &self->ch, fds[0], NULL));
	close(fds[0]);
	close(fds[1]);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Until a worker has the session's lock, and waits for the socket's */
static bool becomes_busy(struct kt_netlink *kt, const struct kt_attr *id)
{
	int err = 0;

	for (int i = 0; i < WAIT && !err; i++)
		err = kt_netlink_do(kt, KH2_CMD_SESSION_GET, id, 1, NULL);
	return err == -EBUSY;
}

TEST_F_TIMEOUT(held, socket_is_not_waited_for_by_commands, 60)
{
	struct kt_attr id = { .type = KH2_A_SESSION_ID };
	static struct kt_frame f;
	int64_t began, one;

	ASSERT_EQ(0, kt_pair(self->fds, true));
	/* Who began to read before attach goes on after it, and has kTLS to himself. */
	ASSERT_EQ(0, begin_to_hold(&self->holder, self->fds[0]));
	ASSERT_TRUE(waits_for_data(&self->holder));
	ASSERT_EQ(0, kt_attach(&self->kt, &self->ch, self->fds[0], &id.u32));
	ASSERT_EQ(0, kt_send_preface(self->fds[1]));
	ASSERT_TRUE(holds(&self->hung));
	ASSERT_TRUE(becomes_busy(&self->kt, &id));
	began = now_ms();
	EXPECT_EQ(-EBUSY, kt_netlink_do(&self->kt, KH2_CMD_SESSION_PING, &id, 1, NULL));
	one = now_ms() - began;
	EXPECT_STREQ("session is busy", self->kt.complaint);
	/* One datagram waits no longer than one message: the kernel handles it as one. */
	began = now_ms();
	EXPECT_EQ(0, kt_netlink_repeat(&self->kt, KH2_CMD_SESSION_PING, &id, 1, 20));
	EXPECT_GT(5 * one, now_ms() - began);

	/* Nothing of it was lost. */
	EXPECT_EQ(0, kt_hung_end(&self->hung));
	EXPECT_TRUE(kt_await(&self->ch, KH2_EV_SETTINGS, WAIT, NULL, NULL));
	EXPECT_EQ(0, kt_netlink_do(&self->kt, KH2_CMD_SESSION_PING, &id, 1, NULL));
	EXPECT_EQ(1, kt_await_frame(self->fds[1], KT_PING, &f, WAIT));
	pthread_join(self->holder.thread, NULL);
}

#define FDS_MAX 4

/* Passes descriptors on, and closes ours. */
static int pass(int unix_socket, const int *fds, size_t n)
{
	union {
		struct cmsghdr head;
		char octets[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control = {};
	struct iovec iov = { .iov_base = "x", .iov_len = 1 };
	const struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = CMSG_SPACE(n * sizeof(int)),
	};
	ssize_t sent;

	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(&control.head), fds, n * sizeof(int));
	sent = sendmsg(unix_socket, &msg, 0);
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
	return sent == 1 ? 0 : -1;
}

/* Closes our end of a pipe, once nobody has the other. */
static int close_behind_other(int end)
{
	struct pollfd pfd = { .fd = end };
	int ends = poll(&pfd, 1, WAIT);

	close(end);
	return ends == 1 && pfd.revents & (POLLERR | POLLHUP) ? 0 : -1;
}

/*
 * Closes a descriptor so that nobody has it: in a message to a socket that is itself in it. The
 * end of a pipe is in it too, for to see that the kernel has closed what was in the message.
 */
static int lose(int fd)
{
	int unread[2], other[2], ends[2], fds[FDS_MAX];

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, unread) || pipe2(ends, O_CLOEXEC))
		return -1;
	fds[0] = fd;
	fds[1] = unread[0];
	fds[2] = unread[1];
	fds[3] = ends[1];
	if (pass(unread[0], fds, FDS_MAX))
		return -1;
	/* The kernel looks for such ones as another is closed. */
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, other))
		return -1;
	close(other[0]);
	close(other[1]);
	return close_behind_other(ends[0]);
}

/* A session of a channel that nobody has mapped, for lose() */
static int attach_to_own(struct kt_netlink *kt, int socket, uint32_t *session)
{
	struct kt_channel ch = { .fd = kt_channel_new(kt, 0, 0, 0, NULL) };
	int err;

	if (ch.fd < 0)
		return ch.fd;
	err = kt_attach(kt, &ch, socket, session);
	if (!err)
		return ch.fd;
	close(ch.fd);
	return err;
}

/* The session of a channel like that, whose lock a worker has that waits for the socket's */
static int attach_held(struct _test_data_held *self, uint32_t *session)
{
	struct kt_attr id = { .type = KH2_A_SESSION_ID };
	int ch;

	if (kt_pair(self->fds, true) || begin_to_hold(&self->holder, self->fds[0]) ||
	    !waits_for_data(&self->holder))
		return -1;
	ch = attach_to_own(&self->kt, self->fds[0], &id.u32);
	if (ch < 0 || kt_send_preface(self->fds[1]) || !holds(&self->hung))
		return -1;
	*session = id.u32;
	return becomes_busy(&self->kt, &id) ? ch : -1;
}

/* It ends as it can, once the socket is let go of. */
static int end_held(struct _test_data_held *self, uint32_t session)
{
	const struct kt_attr id = { .type = KH2_A_SESSION_ID, .u32 = session };
	int err = kt_hung_end(&self->hung);

	if (err)
		return err;
	pthread_join(self->holder.thread, NULL);
	for (int i = 0; i < WAIT && err != -ENOENT; i++) {
		err = kt_netlink_do(&self->kt, KH2_CMD_SESSION_GET, &id, 1, NULL);
		usleep(1000);
	}
	return err == -ENOENT ? 0 : -1;
}

/* Reads what comes before the connection ends. */
static int await_end(int peer)
{
	static struct kt_frame f;
	int n;

	while ((n = kt_recv_frame(peer, &f, WAIT)) == 1)
		;
	close(peer);
	return n;
}

/* One work of the kernel closes all files that nobody is there to close, in turn. */
static int files_are_closed(struct kt_netlink *kt)
{
	int fds[2], ch;

	if (kt_pair(fds, false))
		return -1;
	ch = attach_to_own(kt, fds[0], NULL);
	close(fds[0]);
	if (ch < 0 || lose(ch))
		return -1;
	return await_end(fds[1]);
}

TEST_F_TIMEOUT(held, socket_is_not_waited_for_by_who_closes_files, 60)
{
	uint32_t session;
	int ch = attach_held(self, &session);

	ASSERT_LE(0, ch);
	ASSERT_EQ(0, lose(ch));
	EXPECT_EQ(0, files_are_closed(&self->kt));
	EXPECT_EQ(0, end_held(self, session));
}

TEST_F_TIMEOUT(held, socket_is_not_waited_for_by_who_was_sent_the_channel, 60)
{
	int ch, pair[2], status = -1;
	uint32_t session;
	pid_t pid, ended = 0;
	char c;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	pid = fork();
	/* A descriptor that comes with what is read, and is not asked for, the reader closes. */
	if (!pid)
		_exit(read(pair[1], &c, 1) != 1);
	ch = attach_held(self, &session);
	ASSERT_LE(0, ch);
	ASSERT_EQ(0, pass(pair[0], &ch, 1));
	for (int i = 0; i < WAIT && !ended; i++) {
		ended = waitpid(pid, &status, WNOHANG);
		usleep(1000);
	}
	EXPECT_EQ(pid, ended);
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, end_held(self, session));
	close(pair[0]);
	close(pair[1]);
}

TEST_F_TIMEOUT(held, socket_is_not_waited_for_by_other_sessions_of_its_channel, 60)
{
	struct kt_channel ch = {};
	uint32_t session;
	int fds[2];

	ch.fd = attach_held(self, &session);
	ASSERT_LE(0, ch.fd);
	ASSERT_EQ(0, kt_pair(fds, false));
	ASSERT_EQ(0, kt_attach(&self->kt, &ch, fds[0], NULL));
	close(fds[0]);
	ASSERT_EQ(0, lose(ch.fd));
	EXPECT_EQ(0, await_end(fds[1]));
	EXPECT_EQ(0, end_held(self, session));
}

/* An owner with a session, who waits for a socket to be attached that is held */
static pid_t begin_owner(int socket, int held)
{
	static struct kt_netlink kt;
	static struct kt_channel ch;
	int told[2];
	pid_t pid;
	char c;

	if (pipe(told))
		return -1;
	pid = fork();
	if (!pid)
		_exit(kt_netlink_open(&kt) || kt_channel_open(&ch, &kt, 0, 0, 0) ||
		      kt_attach(&kt, &ch, socket, NULL) || write(told[1], "x", 1) != 1 ||
		      kt_attach(&kt, &ch, held, NULL));
	close(told[1]);
	if (read(told[0], &c, 1) != 1)
		pid = -1;
	close(told[0]);
	close(socket);
	for (int i = 0; i < WAIT && pid > 0; i++) {
		if (is_in('D', pid))
			return pid;
		usleep(1000);
	}
	return -1;
}

TEST_F_TIMEOUT(held, socket_is_not_waited_for_by_the_end_of_who_would_attach_it, 60)
{
	int fds[2], status = 0;
	pid_t pid;

	ASSERT_EQ(0, kt_pair(fds, false));
	ASSERT_EQ(0, kt_pair(self->fds, false));
	ASSERT_EQ(0, kt_send(self->fds[1], "0123456789", 10));
	ASSERT_EQ(0, begin_to_hold(&self->holder, self->fds[0]));
	ASSERT_TRUE(holds(&self->hung));
	pid = begin_owner(fds[0], self->fds[0]);
	ASSERT_LT(0, pid);
	kill(pid, SIGKILL);
	EXPECT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(0, await_end(fds[1]));

	/* What was not attached is as it was. */
	EXPECT_EQ(0, kt_hung_end(&self->hung));
	pthread_join(self->holder.thread, NULL);
	EXPECT_EQ(0, kt_attach(&self->kt, &self->ch, self->fds[0], NULL));
}

static void *write_from_hung(void *arg)
{
	struct holder *h = arg;

	return (void *)write(h->socket, h->memory, 64);
}

/* A body that only the module can read; returns the end by which it is written, or -1. */
static int answer_by_pipe(struct _test_data_held *self, uint32_t session, uint32_t stream)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) || kt_send_get(self->fds[1], stream) ||
	    !kt_await(&self->ch, KH2_EV_HEADERS, WAIT, NULL, NULL) ||
	    kt_answer(&self->ch, session, stream, 0) != 1 ||
	    kt_answer_file(&self->ch, session, stream, ends[0]) != 1)
		return -1;
	close(ends[0]);
	return ends[1];
}

static int reset(struct _test_data_held *self, uint32_t stream)
{
	return kt_send_frame(self->fds[1], KT_RST_STREAM, 0, stream, "\0\0\0\10", 4);
}

/* The pipe's lock is held by who writes to it. */
TEST_F_TIMEOUT(held, file_is_not_waited_for_by_who_closes_files, 60)
{
	static const uint8_t no_window[6] = { 0, 4 };
	uint32_t session;
	int next;

	signal(SIGPIPE, SIG_IGN);
	ASSERT_EQ(0, kt_pair(self->fds, false));
	ASSERT_EQ(0, kt_attach(&self->kt, &self->ch, self->fds[0], &session));
	ASSERT_EQ(0, kt_send_preface(self->fds[1]));
	ASSERT_EQ(0, kt_send_frame(self->fds[1], KT_SETTINGS, 0, 0, no_window, 6));
	self->holder.socket = answer_by_pipe(self, session, 1);
	ASSERT_LE(0, self->holder.socket);
	next = answer_by_pipe(self, session, 3);
	ASSERT_LE(0, next);
	ASSERT_EQ(0, pthread_create(&self->holder.thread, NULL, write_from_hung, &self->holder));
	ASSERT_TRUE(holds(&self->hung));
	/* The owner does not come: workers let go of the pipes, the one that is held first. */
	ASSERT_EQ(0, reset(self, 1));
	ASSERT_EQ(0, reset(self, 3));
	ASSERT_EQ(0, close_behind_other(next));
	EXPECT_EQ(0, files_are_closed(&self->kt));
	EXPECT_EQ(0, kt_hung_end(&self->hung));
	pthread_join(self->holder.thread, NULL);
	close(self->holder.socket);
}

KT_HARNESS_MAIN
