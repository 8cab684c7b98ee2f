// SPDX-License-Identifier: GPL-2.0
/*
 * A fuzzer of the module: owners, strangers and descriptors of any kind do anything, for
 * FUZZ_SECONDS in all, by numbers that KH2_FUZZ_SEED repeats.  The kernel stays whole and others
 * are served, and nobody touches a session that is not theirs.
 */
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"
#include "channel.h"
#include "netlink.h"
#include "peer.h"

#define N_TESTS		4
#define LIMIT		600
#define NOBODY		65534
#define SESSIONS	3
#define FIRST_FREE	200	/* descriptors from here on are what requests made */

struct random {
	uint64_t state;
};

static uint64_t seed;

static uint32_t next(struct random *r)
{
	r->state = r->state * 6364136223846793005ULL + 1442695040888963407ULL;
	return r->state >> 33;
}

static uint32_t below(struct random *r, uint32_t n)
{
	return next(r) % n;
}

static uint64_t edge(struct random *r)
{
	static const uint64_t edges[] = {
		0, 1, 7, 8, 4095, 4096, 4097, 65535, 65536, INT32_MAX, UINT32_MAX, INT64_MAX,
		UINT64_MAX, UINT64_MAX - 4095,
	};
	uint64_t v = edges[below(r, 14)];

	return below(r, 3) ? v : v + below(r, 64) - 32;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static double share(void)
{
	const char *s = getenv("FUZZ_SECONDS");

	return (s && atoi(s) > 0 ? atoi(s) : 60) / (double)N_TESTS;
}

/* Nothing is shared: a fixture is what allows a longer time. */
FIXTURE(fuzz)
{
	int none;
};

FIXTURE_SETUP(fuzz)
{
	signal(SIGPIPE, SIG_IGN);
}

FIXTURE_TEARDOWN(fuzz)
{
}

/* -- a session that must stay as it is -- */

struct bystander {
	struct kt_netlink kt;
	struct kt_channel ch;
	uint32_t session;
	int fds[2];
};

static bool bystander_begin(struct bystander *b)
{
	if (kt_netlink_open(&b->kt) || kt_channel_open(&b->ch, &b->kt, 0, 0, 0) ||
	    kt_pair(b->fds, false) || kt_attach(&b->kt, &b->ch, b->fds[0], &b->session))
		return false;
	kt_send_preface(b->fds[1]);
	/* the acknowledgement of its SETTINGS, which is waited for no longer than ten seconds */
	kt_send_frame(b->fds[1], KT_SETTINGS, KT_ACK, 0, NULL, 0);
	kt_send_get(b->fds[1], 1);
	return kt_await(&b->ch, KH2_EV_HEADERS, WAIT, NULL, NULL);
}

/* Its connection lives, and its stream is what it was. */
static bool bystander_lives(struct bystander *b)
{
	const struct kt_attr stream[] = {
		{ .type = KH2_A_STREAM_SESSION_ID, .u32 = b->session },
		{ .type = KH2_A_STREAM_ID, .u32 = 1 },
	};
	static struct kt_reply reply;
	static struct kt_frame f;

	kt_send_frame(b->fds[1], KT_PING, 0, 0, "01234567", 8);
	if (kt_await_frame(b->fds[1], KT_PING, &f, WAIT) != 1 ||
	    kt_netlink_do(&b->kt, KH2_CMD_STREAM_GET, stream, 2, &reply))
		return false;
	return kt_u32(&reply, KH2_A_STREAM_URGENCY) == 3 && !reply.attrs[KH2_A_STREAM_CODE];
}

static void bystander_end(struct bystander *b)
{
	kt_channel_close(&b->ch);
	kt_netlink_close(&b->kt);
	close(b->fds[0]);
	close(b->fds[1]);
}

/* -- an owner -- */

struct owner {
	struct kt_netlink kt;
	struct kt_channel ch;
	uint32_t sessions[SESSIONS];
	int near[SESSIONS];
	int far[SESSIONS];
	int file;
	atomic_bool stop;
	uint64_t seed;
};

static void any_sqe(struct owner *o, struct random *r, struct kh2_sqe *sqe)
{
	*sqe = (struct kh2_sqe){
		.opcode = below(r, __KH2_OP_END + 1), .session = o->sessions[below(r, SESSIONS)],
		.stream = 1 + 2 * below(r, 8), .user_data = next(r),
	};
	switch (sqe->opcode) {
	case KH2_OP_HEADERS:
	case KH2_OP_DATA:
		sqe->addr = below(r, 3) ? below(r, 4096) : edge(r);
		sqe->len = below(r, 4) ? below(r, 300) : edge(r);
		sqe->flags = below(r, 4);
		break;
	case KH2_OP_FILE:
		sqe->fd = below(r, 3) ? o->file : (int)below(r, 64) - 2;
		sqe->len = below(r, 2) ? KH2_LEN_EOF : edge(r);
		sqe->offset = below(r, 2) ? 0 : edge(r);
		sqe->flags = below(r, 4);
		break;
	case KH2_OP_CLOSE:
	case KH2_OP_SHUTDOWN:
		if (below(r, 100))
			sqe->opcode = KH2_OP_NOP;
		break;
	}
	for (int n = below(r, 4) ? 0 : 1 + below(r, 3); n; n--)
		((uint8_t *)sqe)[below(r, sizeof(*sqe))] = next(r);
}

static void *submits(void *arg)
{
	struct owner *o = arg;
	struct random r = { o->seed + 1 };
	struct kh2_sqe sqe;

	while (!o->stop) {
		int n = 1 + below(&r, 16);

		for (int i = 0; i < n; i++) {
			any_sqe(o, &r, &sqe);
			kt_push(&o->ch, &sqe);
		}
		kt_enter(&o->ch, below(&r, 8) ? n : next(&r));
		if (below(&r, 3))
			__atomic_store_n(&o->ch.user->ev_head, o->ch.kern->ev_tail,
					 __ATOMIC_SEQ_CST);
	}
	return NULL;
}

/* Writes where the kernel reads, while it reads. */
static void *scribbles(void *arg)
{
	struct owner *o = arg;
	struct random r = { o->seed + 2 };
	size_t n = o->ch.info.sq_entries * sizeof(struct kh2_sqe);

	while (!o->stop) {
		for (int i = 0; i < 100; i++) {
			((volatile uint8_t *)o->ch.sq)[below(&r, n)] = next(&r);
			((volatile uint8_t *)o->ch.tx)[below(&r, o->ch.info.tx_bytes)] = next(&r);
		}
		if (!below(&r, 50))
			((volatile uint32_t *)o->ch.user)[below(&r, 4)] = next(&r);
		if (!below(&r, 50))
			o->ch.user->ev_head = o->ch.kern->ev_tail - 8 * below(&r, 64);
		sched_yield();
	}
	return NULL;
}

static void map_anything(struct owner *o, struct random *r)
{
	static const uint64_t offsets[] = {
		KH2_MMAP_KERNEL, KH2_MMAP_USER, KH2_MMAP_SQ, KH2_MMAP_EV, KH2_MMAP_TX,
	};
	uint64_t off = offsets[below(r, 5)] + (below(r, 3) ? 0 : edge(r) & ~4095ULL);
	size_t size = below(r, 3) ? 4096 * (1 + below(r, 64)) : edge(r) & 0xffffff;
	int prot = below(r, 8), flags = below(r, 4) ? MAP_SHARED : MAP_PRIVATE;
	char *p = mmap(NULL, size, prot, flags, o->ch.fd, off), *q;

	if (p == MAP_FAILED)
		return;
	switch (below(r, 7)) {
	case 0:
		q = mremap(p, size, size * (1 + below(r, 3)), MREMAP_MAYMOVE);
		if (q != MAP_FAILED) {
			munmap(q, size);
			return;
		}
		break;
	case 1:
		madvise(p, size, below(r, 26));
		break;
	case 2:
		mprotect(p, size, below(r, 8));
		break;
	case 3:
		munmap(p, size / 2 & ~4095UL);
		break;
	case 4:
		if (!fork())
			_exit(0);
		break;
	case 5:
		mlock(p, size);
		break;
	case 6:
		/* the kernel writes what it reads from itself */
		if (prot & PROT_READ && size >= 4096)
			(void)!write(o->file, p, 64);
		break;
	}
	munmap(p, size);
}

static void call_anything(struct owner *o, struct random *r)
{
	static const unsigned long cmds[] = { KH2_IOC_INFO, KH2_IOC_ENTER };
	unsigned long cmd = below(r, 3) ? cmds[below(r, 2)] : next(r);
	struct kh2_enter enter = { .to_submit = next(r), .flags = below(r, 4) ? 0 : next(r) };
	char buf[64];

	/* sizes and numbers of the same magic, and arguments that cannot be read */
	if (!below(r, 3))
		cmd = KH2_IOC_MAGIC << 8 | below(r, 4) | (unsigned long)below(r, 1 << 16) << 16;
	ioctl(o->ch.fd, cmd, below(r, 3) ? (void *)&enter : (void *)(uintptr_t)edge(r));
	fcntl(o->ch.fd, F_SETFL, below(r, 2) ? O_NONBLOCK : 0);
	(void)!read(o->ch.fd, buf, sizeof(buf));
	(void)!write(o->ch.fd, buf, sizeof(buf));
	lseek(o->ch.fd, edge(r), SEEK_SET);
	ftruncate(o->ch.fd, edge(r));
}

static void *plays_tricks(void *arg)
{
	struct owner *o = arg;
	struct random r = { o->seed + 3 };

	while (!o->stop) {
		if (below(&r, 2))
			map_anything(o, &r);
		else
			call_anything(o, &r);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
	return NULL;
}

static void *is_peer(void *arg)
{
	struct owner *o = arg;
	struct random r = { o->seed + 4 };
	uint32_t opened[SESSIONS] = { 1, 1, 1 };
	uint8_t junk[256];
	char drop[8192];

	while (!o->stop) {
		int i = below(&r, SESSIONS);

		for (size_t k = 0; k < sizeof(junk); k++)
			junk[k] = next(&r);
		while (recv(o->far[i], drop, sizeof(drop), MSG_DONTWAIT) > 0)
			;
		if (below(&r, 2)) {
			kt_send_get(o->far[i], opened[i]);
			opened[i] += 2;
		} else if (below(&r, 2)) {
			kt_send_window(o->far[i], below(&r, 2) ? 0 : 1, 1 + below(&r, 60000));
		} else if (below(&r, 8)) {
			kt_send_frame(o->far[i], KT_RST_STREAM, 0, 1 + 2 * below(&r, 8), junk, 4);
		} else {
			kt_send_frame(o->far[i], next(&r), next(&r), 1 + below(&r, 16), junk,
				      below(&r, sizeof(junk)));
		}
		sched_yield();
	}
	return NULL;
}

/* How the owner ends: in order, by closing all amid its calls, unmapping what is used, killed */
static void end_somehow(struct owner *o, struct random *r)
{
	usleep(below(r, 1500000));
	switch (below(r, 4)) {
	case 0:
		close(o->ch.fd);
		for (int i = 0; i < SESSIONS; i++)
			close(o->near[i]);
		usleep(20000);
		break;
	case 1:
		munmap(o->ch.sq, o->ch.info.sq_entries * sizeof(*o->ch.sq));
		munmap(o->ch.tx, o->ch.info.tx_bytes);
		usleep(20000);
		break;
	case 2:
		kill(getpid(), SIGKILL);
		break;
	}
	o->stop = true;
}

static void own(uint64_t from)
{
	void *(*const acts[])(void *) = { submits, scribbles, plays_tricks, is_peer };
	static struct owner o;
	struct random r = { from };
	pthread_t threads[4];

	o.seed = from;
	if (kt_netlink_open(&o.kt) ||
	    kt_channel_open(&o.ch, &o.kt, 64, 1 << (18 + below(&r, 2)), 1 << 16))
		_exit(2);
	o.file = open("body", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ftruncate(o.file, 100000);
	for (int i = 0; i < SESSIONS; i++) {
		int fds[2];

		if (kt_pair(fds, below(&r, 2)) ||
		    kt_attach(&o.kt, &o.ch, fds[0], &o.sessions[i]))
			_exit(2);
		fcntl(fds[1], F_SETFL, O_NONBLOCK);
		kt_send_preface(fds[1]);
		o.near[i] = fds[0];
		o.far[i] = fds[1];
	}
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, acts[i], &o);
	end_somehow(&o, &r);
	usleep(100000);
	_exit(0);
}

/* Its own tricks may kill it; that it could not begin is a failure. */
static bool ended_as_it_may(int status)
{
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGSEGV ||
		       WTERMSIG(status) == SIGBUS;
	return !WEXITSTATUS(status);
}

TEST_F_TIMEOUT(fuzz, owner_that_does_anything_harms_nobody_else, LIMIT)
{
	static struct bystander b;
	double end = now() + share();
	uint64_t n = 0;
	int status;
	pid_t pid;

	ASSERT_TRUE(bystander_begin(&b));
	do {
		pid = fork();
		if (!pid)
			own(seed + 100 * n);
		n++;
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_TRUE(ended_as_it_may(status)) {
			TH_LOG("status %#x in round %llu", status, (unsigned long long)n);
		}
	} while (now() < end);
	EXPECT_TRUE(bystander_lives(&b));
	bystander_end(&b);
	TH_LOG("%llu owners", (unsigned long long)n);
}

/* -- netlink -- */

static void put_number(struct nlmsghdr *nlh, struct random *r, int type, uint32_t usual)
{
	mnl_attr_put_u32(nlh, type, below(r, 5) ? usual : (uint32_t)edge(r));
}

static void put_junk(struct nlmsghdr *nlh, struct random *r, int type, size_t max)
{
	uint8_t junk[256];
	size_t n = below(r, max);

	for (size_t i = 0; i < n; i++)
		junk[i] = below(r, 3) ? 0 : next(r);
	mnl_attr_put(nlh, type, n, junk);
}

static void put_settings(struct nlmsghdr *nlh, struct random *r, int type)
{
	struct kh2_setting s[20];
	uint32_t n = below(r, 20);

	for (uint32_t i = 0; i < n; i++)
		s[i] = (struct kh2_setting){
			.id = below(r, 10), .value = below(r, 2) ? below(r, 70000) : edge(r),
			.__reserved = !below(r, 50),
		};
	mnl_attr_put(nlh, type, n * sizeof(*s), s);
}

static void put_limits(struct nlmsghdr *nlh, struct random *r, int type)
{
	struct kh2_limit_value v[20];
	uint32_t n = below(r, 20);

	for (uint32_t i = 0; i < n; i++)
		v[i] = (struct kh2_limit_value){
			.id = below(r, 30), .value = below(r, 2) ? below(r, 70000) : edge(r),
		};
	mnl_attr_put(nlh, type, n * sizeof(*v), v);
}

/* What requests are about */
struct targets {
	uint32_t session;
	int channel;
	int socket;
};

static void put_attach(struct nlmsghdr *nlh, struct random *r, const struct targets *t)
{
	put_number(nlh, r, KH2_A_SESSION_CHANNEL_FD, t->channel);
	put_number(nlh, r, KH2_A_SESSION_SOCKET_FD, t->socket);
	if (below(r, 2))
		put_number(nlh, r, KH2_A_SESSION_ROLE, below(r, 3));
	if (below(r, 2))
		put_number(nlh, r, KH2_A_SESSION_PADDING, below(r, 4));
	if (below(r, 2))
		put_number(nlh, r, KH2_A_SESSION_CONN_WINDOW, 65535 + below(r, 100));
	if (below(r, 2))
		put_settings(nlh, r, KH2_A_SESSION_SETTINGS);
	if (below(r, 2))
		put_limits(nlh, r, KH2_A_SESSION_LIMITS);
	if (below(r, 2))
		put_junk(nlh, r, KH2_A_SESSION_EARLY, 200);
	if (below(r, 2))
		put_junk(nlh, r, KH2_A_SESSION_LABEL, 80);
}

static void put_session(struct nlmsghdr *nlh, struct random *r, const struct targets *t)
{
	put_number(nlh, r, KH2_A_SESSION_ID, t->session);
	if (below(r, 2))
		put_limits(nlh, r, KH2_A_SESSION_LIMITS);
	if (below(r, 2))
		put_settings(nlh, r, KH2_A_SESSION_SETTINGS);
	if (below(r, 2))
		put_number(nlh, r, KH2_A_SESSION_CODE, below(r, 14));
	if (below(r, 2))
		put_junk(nlh, r, KH2_A_SESSION_OPAQUE, 10);
	if (below(r, 2))
		put_number(nlh, r, KH2_A_SESSION_LAST_ID, below(r, 14));
	if (below(r, 2))
		put_junk(nlh, r, KH2_A_SESSION_DEBUG, 200);
	if (below(r, 2))
		mnl_attr_put(nlh, KH2_A_SESSION_GRACEFUL, 0, NULL);
}

static void put_stream(struct nlmsghdr *nlh, struct random *r, const struct targets *t)
{
	put_number(nlh, r, KH2_A_STREAM_SESSION_ID, t->session);
	put_number(nlh, r, KH2_A_STREAM_ID, 1);
	if (below(r, 2))
		put_number(nlh, r, KH2_A_STREAM_URGENCY, below(r, 9));
	if (below(r, 2))
		put_number(nlh, r, KH2_A_STREAM_INCREMENTAL, below(r, 3));
	if (below(r, 2))
		put_number(nlh, r, KH2_A_STREAM_CODE, below(r, 14));
}

static void put_channel(struct nlmsghdr *nlh, struct random *r)
{
	for (int type = KH2_A_CHANNEL_SQ_ENTRIES; type <= KH2_A_CHANNEL_TX_BYTES; type++)
		if (below(r, 2))
			put_number(nlh, r, type, below(r, 1 << 20));
}

/* Octets behind the head that differ from what was meant */
static void spoil(struct nlmsghdr *nlh, struct random *r)
{
	uint8_t *p = (uint8_t *)nlh + NLMSG_HDRLEN;
	size_t n = nlh->nlmsg_len - NLMSG_HDRLEN;

	for (int k = 1 + below(r, 4); k; k--)
		p[below(r, n)] = next(r);
	if (!below(r, 4))
		nlh->nlmsg_len -= below(r, n + 1);
	if (!below(r, 8))
		nlh->nlmsg_flags = next(r) | NLM_F_REQUEST;
}

static void send_anything(struct kt_netlink *kt, struct random *r, const struct targets *t)
{
	static char buf[8192];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = kt->family;
	nlh->nlmsg_flags = NLM_F_REQUEST | (below(r, 5) ? NLM_F_ACK : NLM_F_DUMP);
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = below(r, KH2_CMD_MAX + 2);
	genl->version = below(r, 20) ? 1 : next(r);
	switch (genl->cmd) {
	case KH2_CMD_CHANNEL_NEW:
		put_channel(nlh, r);
		break;
	case KH2_CMD_SESSION_ATTACH:
		put_attach(nlh, r, t);
		break;
	case KH2_CMD_STREAM_GET:
	case KH2_CMD_STREAM_SET:
	case KH2_CMD_STREAM_RESET:
		put_stream(nlh, r, t);
		break;
	default:
		put_session(nlh, r, t);
	}
	if (!below(r, 3))
		spoil(nlh, r);
	mnl_socket_sendto(kt->nl, nlh, nlh->nlmsg_len);
	while (recv(mnl_socket_get_fd(kt->nl), buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
}

/* Lowest free descriptors are taken, so that those of channels that come of it lie above */
static void fill_descriptors(void)
{
	while (dup(STDERR_FILENO) < FIRST_FREE - 1)
		;
}

static void send_for(struct random *r, double seconds, const struct targets *t)
{
	double end = now() + seconds;
	static struct kt_netlink kt;
	uint64_t n = 0;

	if (kt_netlink_open(&kt))
		_exit(2);
	fill_descriptors();
	for (; now() < end; n++) {
		send_anything(&kt, r, t);
		if (!(n & 15))
			syscall(SYS_close_range, FIRST_FREE, ~0U, 0);
	}
	fprintf(stderr, "# %llu messages\n", (unsigned long long)n);
	_exit(0);
}

/* Becomes nobody; in a user and network namespace of its own if @apart */
static bool become_stranger(bool apart)
{
	if (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
		return false;
	return !apart || !unshare(CLONE_NEWUSER | CLONE_NEWNET);
}

TEST_F_TIMEOUT(fuzz, netlink_messages_of_an_owner_harm_nobody_else, LIMIT)
{
	static struct bystander b, own;
	struct random r = { seed + 2 };
	int fds[2], status;
	pid_t pid;

	ASSERT_TRUE(bystander_begin(&b));
	pid = fork();
	if (!pid) {
		struct targets t;

		/* an owner without further rights, who has a socket that is free */
		close(b.ch.fd);
		close(b.fds[0]);
		close(b.fds[1]);
		if (!become_stranger(false) || !bystander_begin(&own) || kt_pair(fds, false))
			_exit(2);
		t = (struct targets){ own.session, own.ch.fd, fds[0] };
		send_for(&r, share(), &t);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_TRUE(bystander_lives(&b));
	bystander_end(&b);
}

TEST_F_TIMEOUT(fuzz, netlink_messages_of_a_stranger_touch_no_session, LIMIT)
{
	static struct bystander b;
	int status, fds[2];
	pid_t pid;

	ASSERT_TRUE(bystander_begin(&b));
	for (int apart = 0; apart < 2; apart++) {
		ASSERT_EQ(0, kt_pair(fds, false));
		pid = fork();
		if (!pid) {
			struct random r = { seed + 10 + apart };
			const struct targets t = { b.session, -1, fds[0] };

			/* knows the number of the session, and has none of its descriptors */
			close(b.ch.fd);
			close(b.fds[0]);
			close(b.fds[1]);
			if (!become_stranger(apart))
				_exit(3);
			send_for(&r, share() / 2, &t);
		}
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, status);
		EXPECT_TRUE(bystander_lives(&b));
		close(fds[0]);
		close(fds[1]);
	}
	bystander_end(&b);
}

/* -- descriptors -- */

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

/* Attaches that cannot be; 0 if any was taken. */
static int attach_oddly(struct kt_netlink *kt, struct kt_channel *ch, int attached,
			struct random *r)
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

/* Somebody else, with rights or without, gets the channel while its owner goes on or ends. */
static void pass_channel(struct kt_channel *ch, struct random *r)
{
	bool stranger = below(r, 2);
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return;
	pid = fork();
	if (!pid) {
		struct kt_channel mine = { 0 };
		static struct owner o;

		if (stranger && !become_stranger(below(r, 2)))
			_exit(0);
		mine.fd = recv_descriptor(ends[1]);
		if (!kt_channel_map(&mine)) {
			o.ch = mine;
			o.file = open("/dev/null", O_RDWR);
			for (int i = 0; i < 50; i++) {
				struct kh2_sqe sqe;

				any_sqe(&o, r, &sqe);
				kt_submit(&mine, &sqe);
				map_anything(&o, r);
			}
		}
		_exit(0);
	}
	send_descriptor(ends[0], ch->fd);
	close(ends[0]);
	close(ends[1]);
	waitpid(pid, NULL, 0);
}

/* A socket of another network namespace, connected to a listener there */
static void attach_from_elsewhere(struct kt_channel *ch)
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

TEST_F_TIMEOUT(fuzz, descriptors_of_any_kind_are_refused, LIMIT)
{
	struct random r = { seed + 20 };
	static struct kt_netlink kt;
	double end = now() + share();
	static struct kt_channel ch;
	static struct bystander b;
	uint64_t n = 0;
	int fds[2];

	ASSERT_TRUE(bystander_begin(&b));
	ASSERT_EQ(0, kt_netlink_open(&kt));
	while (now() < end) {
		ASSERT_EQ(0, kt_channel_open(&ch, &kt, 0, 0, 0));
		ASSERT_EQ(0, kt_pair(fds, below(&r, 2)));
		ASSERT_EQ(0, kt_attach(&kt, &ch, fds[0], NULL));
		kt_send_preface(fds[1]);
		for (int i = 0; i < 100; i++, n++)
			EXPECT_GT(0, attach_oddly(&kt, &ch, fds[0], &r));
		pass_channel(&ch, &r);
		attach_from_elsewhere(&ch);
		close(fds[below(&r, 2)]);
		kt_channel_close(&ch);
		syscall(SYS_close_range, fds[0] < fds[1] ? fds[0] : fds[1],
			fds[0] < fds[1] ? fds[1] : fds[0], 0);
	}
	EXPECT_TRUE(bystander_lives(&b));
	bystander_end(&b);
	kt_netlink_close(&kt);
	TH_LOG("%llu descriptors", (unsigned long long)n);
}

int main(int argc, char **argv)
{
	const char *text = getenv("KH2_FUZZ_SEED");

	seed = text ? strtoull(text, NULL, 0) : (uint64_t)time(NULL) << 16 ^ (uint64_t)getpid();
	printf("# KH2_FUZZ_SEED=%#llx\n", (unsigned long long)seed);
	fflush(stdout);
	kt_scale_limits();
	return test_harness_run(argc, argv);
}
