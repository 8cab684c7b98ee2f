// SPDX-License-Identifier: GPL-2.0
/*
 * A fuzzer of the module: owners, strangers and descriptors of any kind do anything, for
 * FUZZ_SECONDS in all, by numbers that KH2_FUZZ_SEED repeats.  The kernel stays whole and others
 * are served, and nobody touches a session that is not theirs.
 */
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"
#include "bystander.h"
#include "channel.h"
#include "descriptor.h"
#include "message.h"
#include "netlink.h"
#include "owner.h"
#include "peer.h"
#include "stranger.h"

#define N_TESTS		4
#define LIMIT		600
#define FIRST_FREE	200	/* descriptors from here on are what requests made */

static uint64_t seed;

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
			owner_run(seed + 100 * n);
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
		bystander_forget(&b);
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
			bystander_forget(&b);
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
