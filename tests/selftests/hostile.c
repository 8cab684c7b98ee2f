// SPDX-License-Identifier: GPL-2.0
/* An owner and a peer that do anything at all: the kernel stays whole, others are served. */
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "channel.h"
#include "netlink.h"
#include "peer.h"
#include "random.h"

#define SESSIONS 4
#define ROUNDS 2000
#define LIMIT 300

/* Nothing is shared: a fixture is what allows a longer time, for slow kernels. */
FIXTURE(hostile)
{
	int none;
};

FIXTURE_SETUP(hostile)
{
}

FIXTURE_TEARDOWN(hostile)
{
}

/* What the threads share. */
struct state {
	atomic_int near[SESSIONS];
	atomic_int far[SESSIONS];
	atomic_uint opened[SESSIONS];
	atomic_bool stop;
	struct kt_netlink kt;
	struct kt_channel ch;
	uint32_t sessions[SESSIONS];
	int files[8];
	bool tls;
};

static uint64_t edge(struct random *r, uint64_t around)
{
	static const uint64_t edges[] = { 0, 1, 8, 4096, UINT32_MAX, INT64_MAX, UINT64_MAX };

	switch (below(r, 4)) {
	case 0:
		return edges[below(r, 7)];
	case 1:
		return around - 2 + below(r, 5);
	default:
		return below(r, around ? around : 1);
	}
}

static void entry(struct state *h, struct random *r, struct kh2_sqe *sqe)
{
	int slot = below(r, SESSIONS);

	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = below(r, __KH2_OP_END + 1);
	sqe->session = below(r, 20) ? h->sessions[slot] : next(r);
	sqe->stream = below(r, 5) ? h->opened[slot] - 2 * (1 + below(r, 4)) : below(r, 4);
	sqe->user_data = next(r);
	/* Mostly what an owner would do, so that there is something to spoil. */
	if (below(r, 2)) {
		static const uint8_t ops[] = { KH2_OP_HEADERS, KH2_OP_FILE, KH2_OP_DATA };

		sqe->opcode = ops[below(r, 3)];
		sqe->len = sqe->opcode == KH2_OP_FILE ? KH2_LEN_EOF : 1 + below(r, 300);
		sqe->fd = sqe->opcode == KH2_OP_FILE ? h->files[below(r, 2)] : 0;
		sqe->flags = below(r, 4) ? 0 : KH2_SQE_END_STREAM;
		return;
	}
	switch (sqe->opcode) {
	case KH2_OP_HEADERS:
	case KH2_OP_DATA:
	case KH2_OP_PUSH_PROMISE:
	case KH2_OP_SETTINGS:
	case KH2_OP_GOAWAY:
	case KH2_OP_EXTENSION:
		sqe->addr = edge(r, h->ch.info.tx_bytes);
		sqe->len = edge(r, below(r, 2) ? 64 : h->ch.info.tx_bytes);
		sqe->flags = below(r, 16);
		break;
	case KH2_OP_FILE:
		sqe->fd = h->files[below(r, 8)];
		sqe->offset = below(r, 2) ? 0 : edge(r, 100000);
		sqe->len = below(r, 2) ? KH2_LEN_EOF : edge(r, 100000);
		sqe->flags = below(r, 4);
		break;
	case KH2_OP_CONSUME:
	case KH2_OP_MEMORY:
		sqe->len = edge(r, 1000);
		break;
	}
	if (sqe->opcode == KH2_OP_PUSH_PROMISE || sqe->opcode == KH2_OP_PRIORITY ||
	    sqe->opcode == KH2_OP_EXTENSION)
		sqe->value = below(r, 20);
	if (sqe->opcode == KH2_OP_RST || sqe->opcode == KH2_OP_GOAWAY)
		sqe->code = below(r, 14);
	/* CLOSE and SHUTDOWN seldom, or nothing else would happen */
	if ((sqe->opcode == KH2_OP_CLOSE || sqe->opcode == KH2_OP_SHUTDOWN) && below(r, 200))
		sqe->opcode = KH2_OP_PING;
	if (!below(r, 50))
		((uint8_t *)sqe)[below(r, sizeof(*sqe))] ^= 1 << below(r, 8);
}

/* A new connection in the place of one that is gone. */
static int connect_slot(struct state *h, int i)
{
	int fds[2];

	if (kt_pair(fds, h->tls) || kt_attach(&h->kt, &h->ch, fds[0], &h->sessions[i]))
		return -1;
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	kt_send_preface(fds[1]);
	if (h->near[i]) {
		close(h->near[i]);
		close(h->far[i]);
	}
	h->opened[i] = 1;
	h->near[i] = fds[0];
	h->far[i] = fds[1];
	return 0;
}

static void read_events(struct state *h, int n)
{
	const struct kh2_event *ev;

	for (; n && (ev = kt_event(&h->ch, 0)); n--) {
		uint32_t gone = ev->type == KH2_EV_GONE ? ev->session : 0;

		kt_done(&h->ch);
		for (int i = 0; gone && i < SESSIONS; i++)
			if (h->sessions[i] == gone)
				connect_slot(h, i);
	}
}

static void *submitter(void *arg)
{
	struct random r = { .state = 1 };
	struct state *h = arg;

	for (int i = 0; i < ROUNDS && !h->stop; i++) {
		int n = 1 + below(&r, 16);
		struct kh2_sqe sqe;

		for (int k = 0; k < n; k++) {
			entry(h, &r, &sqe);
			kt_push(&h->ch, &sqe);
		}
		kt_enter(&h->ch, n);
		/* Reads some of its events, at times none */
		read_events(h, below(&r, 60));
	}
	return NULL;
}

/* Writes where the kernel reads. */
static void *scribbler(void *arg)
{
	struct random r = { .state = 2 };
	struct state *h = arg;
	size_t n = h->ch.info.sq_entries * sizeof(struct kh2_sqe);

	while (!h->stop) {
		((volatile uint8_t *)h->ch.sq)[below(&r, n)] = next(&r);
		h->ch.tx[below(&r, h->ch.info.tx_bytes)] = next(&r);
		if (!below(&r, 1000))
			sched_yield();
	}
	return NULL;
}

static void *peer(void *arg)
{
	static const uint8_t block[] = { 0x83, 0x86, 0x84 };
	struct random r = { .state = 3 };
	struct state *h = arg;
	uint8_t junk[512];
	char drop[4096];

	for (int i = 0; i < 4 * ROUNDS && !h->stop; i++) {
		int slot = below(&r, SESSIONS);
		int fd = h->far[slot];
		uint32_t stream = 1 + 2 * below(&r, 1 + h->opened[slot] / 2);

		for (size_t k = 0; k < sizeof(junk); k++)
			junk[k] = next(&r);
		while (recv(fd, drop, sizeof(drop), MSG_DONTWAIT) > 0)
			;
		switch (below(&r, 10)) {
		case 0:
			kt_send_frame(fd, KT_HEADERS, KT_END_HEADERS, h->opened[slot], block, 3);
			h->opened[slot] += 2;
			break;
		case 1:
		case 2:
			kt_send_get(fd, h->opened[slot]);
			h->opened[slot] += 2;
			break;
		case 3:
		case 4:
			if (stream < h->opened[slot])
				kt_send_frame(fd, KT_DATA, below(&r, 2), stream, junk,
					      below(&r, 512));
			break;
		case 5:
			kt_send_window(fd, 0, 1 + below(&r, 100000));
			break;
		case 6:
			if (stream < h->opened[slot])
				kt_send_window(fd, stream, 1 + below(&r, 100000));
			break;
		case 7:
			kt_send_frame(fd, KT_PING, below(&r, 2), 0, junk, 8);
			break;
		case 8:
			if (stream < h->opened[slot])
				kt_send_frame(fd, KT_RST_STREAM, 0, stream, junk, 4);
			break;
		case 9:
			if (!below(&r, 100))
				kt_send_frame(fd, next(&r), next(&r), next(&r), junk,
					      below(&r, 512));
			else if (!below(&r, 50))
				shutdown(fd, SHUT_WR);
			break;
		}
		if (!below(&r, 8))
			sched_yield();
	}
	return NULL;
}

static void open_files(struct state *h)
{
	int ends[2];

	h->files[0] = open("body", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ftruncate(h->files[0], 100000);
	pipe2(ends, O_CLOEXEC | O_NONBLOCK);
	h->files[1] = ends[0];
	h->files[2] = ends[1];
	h->files[3] = h->ch.fd;
	h->files[4] = h->near[0];
	h->files[5] = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	h->files[6] = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	h->files[7] = open("/sys/kernel/notes", O_RDONLY | O_CLOEXEC);
}

static int begin(struct state *h, bool tls)
{
	h->tls = tls;
	if (kt_netlink_open(&h->kt) || kt_channel_open(&h->ch, &h->kt, 64, 1 << 18, 1 << 16))
		return -1;
	for (int i = 0; i < SESSIONS; i++)
		if (connect_slot(h, i))
			return -1;
	open_files(h);
	return 0;
}

static bool still_serves(struct kt_netlink *kt)
{
	struct kt_channel ch;
	struct kt_frame f;
	int fds[2];
	bool ok;

	if (kt_channel_open(&ch, kt, 0, 0, 0) || kt_pair(fds, true) ||
	    kt_attach(kt, &ch, fds[0], NULL))
		return false;
	kt_send_preface(fds[1]);
	kt_send_frame(fds[1], KT_PING, 0, 0, "01234567", 8);
	ok = kt_await_frame(fds[1], KT_PING, &f, WAIT) == 1;
	close(fds[0]);
	close(fds[1]);
	kt_channel_close(&ch);
	return ok;
}

static void run(struct __test_metadata *_metadata, bool tls, bool killed)
{
	static struct state h;
	pthread_t threads[3];
	static struct kt_netlink kt;
	int status;
	pid_t pid;

	signal(SIGPIPE, SIG_IGN);
	pid = fork();
	if (!pid) {
		if (begin(&h, tls))
			_exit(1);
		pthread_create(&threads[0], NULL, submitter, &h);
		pthread_create(&threads[1], NULL, peer, &h);
		pthread_create(&threads[2], NULL, scribbler, &h);
		if (killed) {
			/* Anywhere amid what the threads do: there is no state to wait for. */
			usleep(700000);
			kill(getpid(), SIGKILL);
		}
		pthread_join(threads[0], NULL);
		pthread_join(threads[1], NULL);
		h.stop = true;
		pthread_join(threads[2], NULL);
		/* At last a position that cannot be. */
		__atomic_store_n(&h.ch.user->ev_head, 0x123456789abcdef1ULL, __ATOMIC_SEQ_CST);
		kt_enter(&h.ch, 64);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(killed ? SIGKILL : 0, status);
	ASSERT_EQ(0, kt_netlink_open(&kt));
	EXPECT_TRUE(still_serves(&kt));
	kt_netlink_close(&kt);
}

TEST_F_TIMEOUT(hostile, random_entries_and_frames_harm_nobody_else_on_tcp, LIMIT)
{
	run(_metadata, false, false);
}

TEST_F_TIMEOUT(hostile, random_entries_and_frames_harm_nobody_else_on_tls, LIMIT)
{
	run(_metadata, true, false);
}

TEST_F_TIMEOUT(hostile, owner_killed_amid_random_entries_harms_nobody_else, LIMIT)
{
	for (int i = 0; i < 4; i++)
		run(_metadata, i & 1, true);
}

/* Messages of random commands and attributes, by one who may do all. */
TEST_F_TIMEOUT(hostile, random_netlink_messages_harm_nobody, LIMIT)
{
	static struct kt_netlink kt;
	struct random r = { .state = 4 };
	struct kt_channel ch;
	uint32_t session;
	char buf[4096];
	int fds[2];

	ASSERT_EQ(0, kt_netlink_open(&kt));
	ASSERT_EQ(0, kt_channel_open(&ch, &kt, 0, 0, 0));
	ASSERT_EQ(0, kt_pair(fds, false));
	ASSERT_EQ(0, kt_attach(&kt, &ch, fds[0], &session));
	for (int i = 0; i < 5000; i++) {
		struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
		struct genlmsghdr *genl;

		nlh->nlmsg_type = kt.family;
		nlh->nlmsg_flags = NLM_F_REQUEST | (below(&r, 5) ? 0 : NLM_F_DUMP);
		genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
		genl->cmd = below(&r, KH2_CMD_MAX + 2);
		genl->version = 1;
		for (int k = below(&r, 6); k; k--) {
			int type = below(&r, KH2_A_SESSION_MAX + 2);
			uint32_t value = below(&r, 3) ? session : next(&r);

			if (below(&r, 3))
				mnl_attr_put_u32(nlh, type, below(&r, 2) ? value : below(&r, 300));
			else
				mnl_attr_put(nlh, type, below(&r, 200), buf);
		}
		mnl_socket_sendto(kt.nl, nlh, nlh->nlmsg_len);
		while (recv(mnl_socket_get_fd(kt.nl), buf, sizeof(buf), MSG_DONTWAIT) > 0)
			;
		/* Channels that came of it */
		for (int fd = 40; fd < 64; fd++)
			close(fd);
	}
	kt_channel_close(&ch);
	close(fds[0]);
	close(fds[1]);
	kt_netlink_close(&kt);
	ASSERT_EQ(0, kt_netlink_open(&kt));
	EXPECT_TRUE(still_serves(&kt));
	kt_netlink_close(&kt);
}

KT_HARNESS_MAIN
