// SPDX-License-Identifier: GPL-2.0
/* Users who do not trust one another: what one of them may hold, and that others are served. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "answer.h"
#include "channel.h"
#include "hung.h"
#include "netlink.h"
#include "peer.h"

#define BOUND_MB 16
#define MANY 64
#define STRANGER 65534
#define PARAMETER "/sys/module/kh2/parameters/user_memory_mb"

static int set_bound(int mb)
{
	char text[16];
	int fd = open(PARAMETER, O_WRONLY | O_CLOEXEC);
	int n = snprintf(text, sizeof(text), "%d", mb);
	int ok = fd >= 0 && write(fd, text, n) == n;

	close(fd);
	return ok ? 0 : -1;
}

FIXTURE(user)
{
	struct kt_netlink kt;
};

FIXTURE_SETUP(user)
{
	ASSERT_EQ(0, kt_netlink_open(&self->kt));
	ASSERT_EQ(0, set_bound(BOUND_MB));
}

FIXTURE_TEARDOWN(user)
{
	EXPECT_EQ(0, set_bound(0));
	kt_netlink_close(&self->kt);
}

/* Runs as another user, in another process; returns what @run does. */
static int as_stranger(int (*run)(void))
{
	int status = -1;
	pid_t pid = fork();

	if (!pid)
		_exit(setgid(STRANGER) || setuid(STRANGER) ? 100 : run());
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Makes channels of 2 MiB until that fails; returns how many there are, or -1 if it never does. */
static int make_channels(struct kt_netlink *kt, int fds[MANY])
{
	for (int i = 0; i < MANY; i++) {
		fds[i] = kt_channel_new(kt, 8, 1 << 20, 1 << 20, NULL);
		if (fds[i] < 0)
			return fds[i] == -EDQUOT ? i : -1;
	}
	return -1;
}

static int channels_to_the_bound(void)
{
	static struct kt_netlink kt;
	int fds[MANY], n;

	if (kt_netlink_open(&kt))
		return 101;
	n = make_channels(&kt, fds);
	if (n < 2 || n > BOUND_MB / 2)
		return 102;
	/* what one gives back another may have */
	close(fds[0]);
	for (int i = 0; i < 100; i++) {
		fds[0] = kt_channel_new(&kt, 8, 1 << 20, 1 << 20, NULL);
		if (fds[0] >= 0)
			return 0;
		usleep(10000);
	}
	return 103;
}

TEST_F(user, channels_hold_no_more_memory_than_they_may)
{
	EXPECT_EQ(0, as_stranger(channels_to_the_bound));
	/* Theirs are closed, and nothing of them is left behind. */
	EXPECT_EQ(0, as_stranger(channels_to_the_bound));
}

/* More users of the system are at hand there, but the same one made them. */
static int channels_of_a_namespace(void)
{
	static struct kt_netlink kt;
	int fds[MANY], n;

	if (kt_netlink_open(&kt) || unshare(CLONE_NEWUSER))
		return 101;
	n = make_channels(&kt, fds);
	return n < 2 || n > BOUND_MB / 2 ? 102 : 0;
}

TEST_F(user, user_namespaces_give_no_more)
{
	EXPECT_EQ(0, as_stranger(channels_of_a_namespace));
}

/* Tells by @ready that a stranger holds all it may, until @hold is closed at its other end. */
static void hold_all(int ready, int hold)
{
	static struct kt_netlink kt;
	int fds[MANY];
	char c;

	if (setgid(STRANGER) || setuid(STRANGER) || kt_netlink_open(&kt) ||
	    make_channels(&kt, fds) < 2 || write(ready, "x", 1) != 1)
		_exit(1);
	_exit(read(hold, &c, 1) ? 2 : 0);
}

TEST_F(user, others_have_their_own)
{
	struct kt_channel ch;
	int hold[2], ready[2];
	char c;
	pid_t pid;

	ASSERT_EQ(0, pipe(hold));
	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	if (!pid) {
		close(hold[1]);
		hold_all(ready[1], hold[0]);
	}
	close(ready[1]);
	ASSERT_EQ(1, read(ready[0], &c, 1));
	EXPECT_EQ(0, kt_channel_open(&ch, &self->kt, 0, 0, 0));
	kt_channel_close(&ch);
	close(hold[1]);
	close(hold[0]);
	waitpid(pid, NULL, 0);
}

static uint32_t attach_and_open(struct kt_channel *ch, struct kt_netlink *kt, int fds[2])
{
	uint32_t session;

	if (kt_pair(fds, false) || kt_attach(kt, ch, fds[0], &session))
		return 0;
	if (kt_send_preface(fds[1]) || kt_send_get(fds[1], 1) ||
	    !kt_await(ch, KH2_EV_HEADERS, WAIT, NULL, NULL))
		return 0;
	return kt_answer(ch, session, 1, 0) == 1 ? session : 0;
}

static int answer(struct kt_channel *ch, uint32_t session, uint32_t stream, int file)
{
	return kt_answer(ch, session, stream, 0) == 1 &&
	       kt_answer_file(ch, session, stream, file) == 1 ? 0 : -1;
}

/* Bodies that wait for the peer's window, which are copied; returns how many were taken. */
static int queue_bodies(struct kt_channel *ch, uint32_t session, int most)
{
	const struct kh2_sqe sqe = {
		.opcode = KH2_OP_DATA, .flags = KH2_SQE_COPY, .session = session, .stream = 1,
		.len = 1 << 18,
	};
	const struct kh2_event *ev;

	for (int i = 0; i < most; i++) {
		if (kt_submit(ch, &sqe) != 1)
			return -1;
		while ((ev = kt_event(ch, 0))) {
			uint16_t type = ev->type;
			uint32_t code = ev->code;

			kt_done(ch);
			if (type == KH2_EV_SQE_ERROR)
				return code == ENOMEM ? i : -1;
		}
	}
	return most;
}

static int bodies_to_the_bound(void)
{
	static struct kt_netlink kt;
	static struct kt_channel ch;
	static struct kt_frame f;
	int fds[2], n;
	uint32_t session;

	if (kt_netlink_open(&kt) || kt_channel_open(&ch, &kt, 8, 1 << 20, 1 << 20))
		return 101;
	session = attach_and_open(&ch, &kt, fds);
	if (!session)
		return 102;
	n = queue_bodies(&ch, session, 4 * BOUND_MB * 4);
	if (n < 8 || n > BOUND_MB * 4)
		return 103;
	/* the session lives on */
	if (kt_send_frame(fds[1], KT_PING, 0, 0, "12345678", 8) ||
	    kt_await_frame(fds[1], KT_PING, &f, WAIT) != 1)
		return 104;
	return 0;
}

TEST_F(user, copied_bodies_are_bounded)
{
	EXPECT_EQ(0, as_stranger(bodies_to_the_bound));
}

/*
 * A hole is in no page cache, so it is read past it, into pages that nobody but us holds. Each
 * stream reads ahead, and all together more than the bound.
 */
#define DIRECT "direct"
#define DIRECT_MB 2
#define DIRECT_STREAMS 12

static int direct;

static int get_streams(struct kt_channel *ch, int peer, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (kt_send_get(peer, 2 * i + 1) ||
		    !kt_await(ch, KH2_EV_HEADERS, WAIT, NULL, NULL))
			return -1;
	return 0;
}

/* What the first stream is given uses the connection's window up: from here on nothing is sent. */
static int shut_window(struct kt_channel *ch, uint32_t session)
{
	const struct kh2_sqe body = {
		.opcode = KH2_OP_DATA, .flags = KH2_SQE_NOTIFY | KH2_SQE_COPY, .session = session,
		.stream = 1, .len = 65535,
	};

	return kt_answer(ch, session, 1, 0) == 1 && kt_submit(ch, &body) == 1 &&
	       kt_await(ch, KH2_EV_TX_DONE, WAIT, NULL, NULL) ? 0 : -1;
}

/* Where pages are wanted, or already where a file is to wait for them. */
static bool await_no_memory(struct kt_channel *ch)
{
	const struct kh2_event *ev;
	bool hit = false;

	while (!hit && (ev = kt_event(ch, WAIT))) {
		hit = (ev->type == KH2_EV_TX_DONE || ev->type == KH2_EV_SQE_ERROR) &&
		      ev->code == ENOMEM;
		kt_done(ch);
	}
	return hit;
}

/* Workers give back what others of the user had: until all of the bound is there again */
static bool all_is_there(struct kt_netlink *kt)
{
	int fd = -EDQUOT;

	for (int i = 0; i < WAIT && fd == -EDQUOT; i++) {
		fd = kt_channel_new(kt, 8, 1 << 20, 1 << 16, NULL);
		usleep(1000);
	}
	return fd >= 0 && !close(fd);
}

static int direct_to_the_bound(void)
{
	static struct kt_netlink kt;
	static struct kt_channel ch;
	uint32_t session;
	int fds[2];

	if (kt_netlink_open(&kt) || !all_is_there(&kt) ||
	    kt_channel_open(&ch, &kt, 8, 1 << 19, 1 << 16))
		return 101;
	if (kt_pair(fds, false) || kt_attach(&kt, &ch, fds[0], &session) ||
	    kt_send_preface(fds[1]) || get_streams(&ch, fds[1], 1 + DIRECT_STREAMS))
		return 102;
	if (shut_window(&ch, session))
		return 103;
	/* Once the bound is reached a header block that finds no memory ends the connection. */
	for (uint32_t i = 1; i <= DIRECT_STREAMS; i++)
		if (kt_answer(&ch, session, 2 * i + 1, 0) != 1)
			return 104;
	for (uint32_t i = 1; i <= DIRECT_STREAMS; i++)
		if (kt_answer_file(&ch, session, 2 * i + 1, direct) != 1)
			return 104;
	return await_no_memory(&ch) ? 0 : 105;
}

TEST_F(user, pages_read_past_the_page_cache_are_bounded)
{
	int file = open(DIRECT, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	ASSERT_EQ(0, ftruncate(file, 1 << 20));
	direct = open(DIRECT, O_RDONLY | O_DIRECT | O_CLOEXEC);
	ASSERT_LE(0, direct);
	ASSERT_EQ(0, set_bound(DIRECT_MB));
	EXPECT_EQ(0, as_stranger(direct_to_the_bound));
	/* Theirs are given back. */
	EXPECT_EQ(0, as_stranger(direct_to_the_bound));
	close(direct);
	close(file);
}

/* More of these than all workers together could take wait for a file that never comes. */
#define HUNG_SESSIONS 5
#define HUNG_STREAMS 120

/* All streams of a connection wait for the file. */
static int wait_for_the_file(struct kt_netlink *kt, struct kt_channel *ch, int file)
{
	uint32_t session;
	int fds[2];

	if (kt_pair(fds, false) || kt_attach(kt, ch, fds[0], &session) || kt_send_preface(fds[1]))
		return -1;
	for (uint32_t i = 0; i < HUNG_STREAMS; i++)
		if (kt_send_get(fds[1], 2 * i + 1) ||
		    !kt_await(ch, KH2_EV_HEADERS, WAIT, NULL, NULL) ||
		    answer(ch, session, 2 * i + 1, file))
			return -1;
	return 0;
}

/* A pipe that nobody else can read is closed once the peer does not want it any more. */
static int lets_go_of_pipe(struct kt_netlink *kt, struct kt_channel *ch)
{
	struct pollfd writer = {};
	uint32_t session;
	int ends[2], fds[2];

	if (pipe(ends) || kt_pair(fds, false) || kt_attach(kt, ch, fds[0], &session) ||
	    kt_send_preface(fds[1]) || kt_send_get(fds[1], 1) ||
	    !kt_await(ch, KH2_EV_HEADERS, WAIT, NULL, NULL) || answer(ch, session, 1, ends[0]))
		return -1;
	close(ends[0]);
	if (kt_send_frame(fds[1], KT_RST_STREAM, 0, 1, "\0\0\0\10", 4))
		return -1;
	writer.fd = ends[1];
	return poll(&writer, 1, WAIT) == 1 && writer.revents & POLLERR ? 0 : -1;
}

static void hang_all(int ready, int hold)
{
	static struct kt_netlink kt;
	static struct kt_channel ch;
	int file;
	char c;

	file = open(KT_HUNG, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		_exit(1);
	if (setgid(STRANGER) || setuid(STRANGER) || kt_netlink_open(&kt) ||
	    kt_channel_open(&ch, &kt, 0, 0, 4096))
		_exit(2);
	for (int i = 0; i < HUNG_SESSIONS; i++)
		if (wait_for_the_file(&kt, &ch, file))
			_exit(3);
	/* What is read no more is closed all the same. */
	if (lets_go_of_pipe(&kt, &ch))
		_exit(5);
	_exit(write(ready, "x", 1) == 1 && !read(hold, &c, 1) ? 0 : 4);
}

TEST_F_TIMEOUT(user, files_that_never_come_hold_up_their_user_alone, 120)
{
	int hold[2], ready[2], body[2], fds[2];
	static struct kt_frame f;
	struct kt_channel ch;
	struct kt_hung hung;
	uint32_t session;
	pid_t pid;
	char c;

	/* Its channels are not what is bounded here. */
	ASSERT_EQ(0, set_bound(0));
	ASSERT_EQ(0, kt_hung_begin(&hung));
	ASSERT_EQ(0, pipe(hold));
	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(body));
	pid = fork();
	if (!pid) {
		close(hold[1]);
		close(hung.dev);
		hang_all(ready[1], hold[0]);
	}
	close(ready[1]);
	EXPECT_EQ(1, read(ready[0], &c, 1));

	/* A pipe is read by the workers that read files, too. */
	ASSERT_EQ(0, kt_channel_open(&ch, &self->kt, 0, 0, 0));
	ASSERT_EQ(0, kt_pair(fds, false));
	ASSERT_EQ(0, kt_attach(&self->kt, &ch, fds[0], &session));
	ASSERT_EQ(0, kt_send_preface(fds[1]));
	ASSERT_EQ(0, kt_send_get(fds[1], 1));
	ASSERT_TRUE(kt_await(&ch, KH2_EV_HEADERS, WAIT, NULL, NULL));
	ASSERT_EQ(5, write(body[1], "hello", 5));
	ASSERT_EQ(0, answer(&ch, session, 1, body[0]));
	EXPECT_EQ(1, kt_await_frame(fds[1], KT_DATA, &f, WAIT));
	EXPECT_EQ(5, f.len);

	EXPECT_EQ(0, kt_hung_end(&hung));
	close(hold[1]);
	waitpid(pid, NULL, 0);
	kt_channel_close(&ch);
}

/* Descriptors that are closed go on to count while what they named is held. */
#define FILES_MAX 10
#define FILES_TRIED (2 * FILES_MAX)

static int limit_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return -1;
	limit.rlim_cur = FILES_MAX;
	limit.rlim_max = FILES_MAX;
	return setrlimit(RLIMIT_NOFILE, &limit);
}

/* Attaches sockets, keeps none of them; returns how many, or -1 at another error than is due. */
static int attach_and_close(struct kt_netlink *kt, const struct kt_channel *ch, int (*fds)[2],
			    int n)
{
	for (int i = 0; i < n; i++) {
		int err = kt_attach(kt, ch, fds[i][0], NULL);

		if (err)
			return err == -EMFILE ? i : -1;
		close(fds[i][0]);
	}
	return n;
}

static int open_pairs(struct kt_netlink *kt, struct kt_channel *ch, int (*fds)[2])
{
	if (kt_netlink_open(kt) || kt_channel_open(ch, kt, 0, 0, 4096))
		return 101;
	for (int i = 0; i < FILES_TRIED; i++)
		if (kt_pair(fds[i], false))
			return 102;
	return 0;
}

static int sockets_to_the_limit(void)
{
	static struct kt_netlink kt;
	static struct kt_channel ch;
	int fds[FILES_TRIED][2];
	int err = open_pairs(&kt, &ch, fds);

	if (err)
		return err;
	if (limit_files() ||
	    attach_and_close(&kt, &ch, fds, FILES_TRIED) != FILES_MAX)
		return 103;
	/* What ends makes room. */
	close(fds[0][1]);
	for (int i = 0; i < WAIT; i++) {
		if (attach_and_close(&kt, &ch, &fds[FILES_MAX], 1) == 1)
			return 0;
		while (kt_event(&ch, 1))
			kt_done(&ch);
	}
	return 104;
}

static int files_to_the_limit(void)
{
	static struct kt_netlink kt;
	static struct kt_channel ch;
	int fds[2], files[FILES_MAX];
	uint32_t session;

	for (int i = 0; i < FILES_MAX; i++)
		files[i] = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (kt_netlink_open(&kt) || kt_channel_open(&ch, &kt, 0, 0, 1 << 16))
		return 101;
	if (kt_pair(fds, false) || kt_attach(&kt, &ch, fds[0], &session) ||
	    kt_send_preface(fds[1]) || get_streams(&ch, fds[1], FILES_TRIED) ||
	    shut_window(&ch, session) || limit_files())
		return 102;
	/* The socket is one of them; one file is one, however often it is queued. */
	for (uint32_t i = 1; i < FILES_TRIED; i++) {
		struct kh2_event ev = {};
		bool over;

		if (answer(&ch, session, 2 * i + 1, files[i % FILES_MAX]))
			return 103;
		over = kt_await(&ch, KH2_EV_SQE_ERROR, 0, &ev, NULL);
		if (over != (i % FILES_MAX == 0) || (over && ev.code != EMFILE))
			return 104;
	}
	return 0;
}

static int sockets_beyond_the_limit(void)
{
	static struct kt_netlink kt;
	static struct kt_channel ch;
	int fds[FILES_TRIED][2];

	return open_pairs(&kt, &ch, fds) || limit_files() ||
	       attach_and_close(&kt, &ch, fds, FILES_TRIED) != FILES_TRIED;
}

TEST_F(user, sockets_and_files_that_are_held_count)
{
	int status = -1;
	pid_t pid;

	EXPECT_EQ(0, as_stranger(sockets_to_the_limit));
	EXPECT_EQ(0, as_stranger(files_to_the_limit));
	/* All are given back; and who may exceed his limits may exceed this one. */
	EXPECT_EQ(0, as_stranger(sockets_to_the_limit));
	pid = fork();
	if (!pid)
		_exit(sockets_beyond_the_limit());
	waitpid(pid, &status, 0);
	EXPECT_EQ(0, status);
}

KT_HARNESS_MAIN
