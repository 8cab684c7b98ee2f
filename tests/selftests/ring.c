// SPDX-License-Identifier: GPL-2.0
/* The shared memory of a channel in hostile hands: mappings, positions, entries. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "harness.h"
#include "answer.h"
#include "channel.h"
#include "netlink.h"
#include "peer.h"

FIXTURE(ring)
{
	struct kt_netlink kt;
	struct kt_channel ch;
	int fds[2];
	uint32_t session;
};

FIXTURE_SETUP(ring)
{
	ASSERT_EQ(0, kt_netlink_open(&self->kt));
	ASSERT_EQ(0, kt_channel_open(&self->ch, &self->kt, 16, 1 << 20, 65536));
	ASSERT_EQ(0, kt_pair(self->fds, false));
	ASSERT_EQ(0, kt_attach(&self->kt, &self->ch, self->fds[0], &self->session));
	close(self->fds[0]);
	ASSERT_EQ(0, kt_send_preface(self->fds[1]));
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_SETTINGS, WAIT, NULL, NULL));
}

FIXTURE_TEARDOWN(ring)
{
	close(self->fds[1]);
	kt_channel_close(&self->ch);
	kt_netlink_close(&self->kt);
}

static void *map(struct _test_data_ring *self, uint64_t off, size_t n, int prot, int flags)
{
	return mmap(NULL, n, prot, flags, self->ch.fd, off);
}

TEST_F(ring, kernel_pages_cannot_be_written)
{
	void *p;

	EXPECT_EQ(MAP_FAILED, map(self, KH2_MMAP_KERNEL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED));
	EXPECT_EQ(MAP_FAILED, map(self, KH2_MMAP_EV, 2 << 20, PROT_READ | PROT_WRITE, MAP_SHARED));
	p = map(self, KH2_MMAP_EV, 2 << 20, PROT_READ, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(-1, mprotect(p, 2 << 20, PROT_READ | PROT_WRITE));
	munmap(p, 2 << 20);
}

TEST_F(ring, mappings_of_wrong_place_size_or_kind_are_refused)
{
	EXPECT_EQ(MAP_FAILED, map(self, KH2_MMAP_KERNEL, 8192, PROT_READ, MAP_SHARED));
	EXPECT_EQ(MAP_FAILED, map(self, KH2_MMAP_USER + 4096, 4096, PROT_READ, MAP_SHARED));
	EXPECT_EQ(MAP_FAILED, map(self, KH2_MMAP_EV, 1 << 20, PROT_READ, MAP_SHARED));
	EXPECT_EQ(MAP_FAILED, map(self, KH2_MMAP_EV, 4 << 20, PROT_READ, MAP_SHARED));
	EXPECT_EQ(MAP_FAILED, map(self, KH2_MMAP_TX, 1 << 20, PROT_READ, MAP_SHARED));
	EXPECT_EQ(MAP_FAILED, map(self, 1ULL << 40, 4096, PROT_READ, MAP_SHARED));
	EXPECT_EQ(MAP_FAILED, map(self, KH2_MMAP_USER, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE));
}

TEST_F(ring, unknown_ioctls_and_flags_are_refused)
{
	struct kh2_enter enter = { .flags = 1 };

	EXPECT_EQ(-1, ioctl(self->ch.fd, KH2_IOC_ENTER, &enter));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(self->ch.fd, _IO(KH2_IOC_MAGIC, 99)));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, ioctl(self->ch.fd, KH2_IOC_ENTER, NULL));
	EXPECT_EQ(EFAULT, errno);
}

/* Submits an entry that must fail, and reads why. */
static int refused(struct __test_metadata *_metadata, struct _test_data_ring *self,
		   struct kh2_sqe sqe)
{
	struct kh2_event ev = {};

	sqe.user_data = 4711;
	EXPECT_EQ(1, kt_submit(&self->ch, &sqe));
	EXPECT_TRUE(kt_await(&self->ch, KH2_EV_SQE_ERROR, WAIT, &ev, NULL));
	EXPECT_EQ(4711, ev.arg);
	EXPECT_EQ(sqe.session, ev.session);
	return ev.code;
}

TEST_F(ring, malformed_entries_are_refused)
{
	const uint32_t s = self->session;

#define REFUSED(err, ...) EXPECT_EQ(err, refused(_metadata, self, (struct kh2_sqe){ __VA_ARGS__ }))
	REFUSED(EINVAL, .opcode = __KH2_OP_END, .session = s);
	REFUSED(EINVAL, .opcode = 255, .session = s);
	REFUSED(EINVAL, .opcode = KH2_OP_PING, .session = s, .flags = 0x80);
	REFUSED(EINVAL, .opcode = KH2_OP_PING, .session = s, .__reserved0 = 1);
	REFUSED(EINVAL, .opcode = KH2_OP_PING, .session = s, .__reserved1 = 1);
	REFUSED(EINVAL, .opcode = KH2_OP_PING, .session = s, .stream = 1);
	REFUSED(EINVAL, .opcode = KH2_OP_PING, .session = s, .fd = 1);
	REFUSED(EINVAL, .opcode = KH2_OP_DATA, .session = s);
	REFUSED(ENOENT, .opcode = KH2_OP_PING);
	REFUSED(ENOENT, .opcode = KH2_OP_PING, .session = s + 1);
	REFUSED(ENOENT, .opcode = KH2_OP_PING, .session = UINT32_MAX);
	REFUSED(ENOENT, .opcode = KH2_OP_RST, .session = s, .stream = 1);
	REFUSED(ENOENT, .opcode = KH2_OP_DATA, .session = s, .stream = 1);
	REFUSED(EFAULT, .opcode = KH2_OP_DATA, .session = s, .stream = 1, .len = 65537);
	REFUSED(EFAULT, .opcode = KH2_OP_DATA, .session = s, .stream = 1, .addr = 65536, .len = 1);
	REFUSED(EFAULT, .opcode = KH2_OP_DATA, .session = s, .stream = 1, .addr = UINT64_MAX,
		.len = 2);
	REFUSED(EFAULT, .opcode = KH2_OP_DATA, .session = s, .stream = 1, .addr = 1,
		.len = UINT64_MAX);
	REFUSED(EFAULT, .opcode = KH2_OP_SETTINGS, .session = s, .addr = 65535, .len = 8);
	REFUSED(EBADF, .opcode = KH2_OP_FILE, .session = s, .stream = 1, .fd = 9999, .len = 1);
	REFUSED(EBADF, .opcode = KH2_OP_FILE, .session = s, .stream = 1, .fd = -1, .len = 1);
	REFUSED(EINVAL, .opcode = KH2_OP_FILE, .session = s, .stream = 1, .fd = self->ch.fd,
		.len = 1);
}

TEST_F(ring, files_that_cannot_be_sent_are_refused)
{
	struct kh2_sqe sqe = {
		.opcode = KH2_OP_FILE,
		.session = self->session,
		.stream = 1,
		.len = 1,
	};
	int ends[2];

	sqe.fd = open(".", O_RDONLY | O_CLOEXEC);
	EXPECT_EQ(EISDIR, refused(_metadata, self, sqe));
	close(sqe.fd);
	sqe.fd = open("written", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	EXPECT_EQ(EBADF, refused(_metadata, self, sqe));
	close(sqe.fd);
	sqe.fd = open("written", O_RDONLY | O_CLOEXEC);
	sqe.offset = 1;
	EXPECT_NE(0, refused(_metadata, self, sqe));
	sqe.offset = UINT64_MAX;
	EXPECT_EQ(EINVAL, refused(_metadata, self, sqe));
	close(sqe.fd);
	/* One that could carry the channel that holds it */
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	sqe.fd = ends[0];
	sqe.offset = 0;
	EXPECT_EQ(EOPNOTSUPP, refused(_metadata, self, sqe));
	close(ends[0]);
	close(ends[1]);
}

/* They would be made for the worker that reads them: in other namespaces, with its capabilities */
TEST_F(ring, files_that_are_made_as_they_are_read_are_refused)
{
	static const char *const files[] = {
		"/proc/self/status", "/proc/net/tcp", "/proc/sys/kernel/hostname",
		"/sys/kernel/notes", "/sys/module/kernel/parameters/panic", "/dev/urandom",
	};
	struct kh2_sqe sqe = {
		.opcode = KH2_OP_FILE,
		.session = self->session,
		.stream = 1,
		.len = KH2_LEN_EOF,
	};
	int err;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		sqe.fd = open(files[i], O_RDONLY | O_CLOEXEC);
		ASSERT_GE(sqe.fd, 0) { TH_LOG("%s: %m", files[i]); }
		err = refused(_metadata, self, sqe);
		EXPECT_TRUE(err == EOPNOTSUPP || err == EINVAL) { TH_LOG("%s: %d", files[i], err); }
		close(sqe.fd);
	}
	sqe.fd = eventfd(1, EFD_CLOEXEC);
	EXPECT_EQ(EOPNOTSUPP, refused(_metadata, self, sqe));
	close(sqe.fd);
	sqe.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	EXPECT_EQ(EOPNOTSUPP, refused(_metadata, self, sqe));
	close(sqe.fd);
}

TEST_F(ring, tail_beyond_the_queue_is_refused)
{
	self->ch.user->sq_tail += 17;
	EXPECT_EQ(-EINVAL, kt_enter(&self->ch, 17));
	self->ch.user->sq_tail -= 17;
	EXPECT_EQ(0, kt_enter(&self->ch, 17));
}

TEST_F(ring, no_more_entries_are_consumed_than_asked_for)
{
	const struct kh2_sqe nop = { .opcode = KH2_OP_NOP, .session = self->session };

	for (int i = 0; i < 16; i++)
		kt_push(&self->ch, &nop);
	EXPECT_EQ(3, kt_enter(&self->ch, 3));
	EXPECT_EQ(3, self->ch.kern->sq_head);
	EXPECT_EQ(13, kt_enter(&self->ch, 100));
	EXPECT_EQ(16, self->ch.kern->sq_head);
	EXPECT_EQ(0, kt_enter(&self->ch, 100));
}

TEST_F(ring, head_that_cannot_be_breaks_the_channel_alone)
{
	struct pollfd pfd = { .fd = self->ch.fd, .events = POLLIN };
	struct kt_channel other;
	uint32_t session;
	int fds[2];

	ASSERT_EQ(0, kt_channel_open(&other, &self->kt, 0, 0, 0));
	ASSERT_EQ(0, kt_pair(fds, false));
	ASSERT_EQ(0, kt_attach(&self->kt, &other, fds[0], &session));

	__atomic_store_n(&self->ch.user->ev_head, 1ULL << 40, __ATOMIC_SEQ_CST);
	/* Fill the ring, so that the kernel looks */
	for (int i = 0; i < 100000; i++) {
		const struct kh2_sqe bad = { .opcode = 255, .session = self->session };

		kt_push(&self->ch, &bad);
		if (kt_enter(&self->ch, 1) == -EPROTO)
			break;
	}
	EXPECT_EQ(-EPROTO, kt_enter(&self->ch, 0));
	EXPECT_EQ(1, poll(&pfd, 1, 0));
	EXPECT_EQ(POLLERR, pfd.revents & POLLERR);

	ASSERT_EQ(0, kt_send_preface(fds[1]));
	EXPECT_TRUE(kt_await(&other, KH2_EV_SETTINGS, WAIT, NULL, NULL));
	close(fds[0]);
	close(fds[1]);
	kt_channel_close(&other);
}

TEST_F(ring, poll_wakes_when_an_event_comes_and_not_before)
{
	struct pollfd pfd = { .fd = self->ch.fd, .events = POLLIN };

	while (kt_event(&self->ch, 0))
		kt_done(&self->ch);
	EXPECT_EQ(0, poll(&pfd, 1, 50));
	ASSERT_EQ(0, kt_send_get(self->fds[1], 1));
	EXPECT_EQ(1, poll(&pfd, 1, WAIT));
	EXPECT_TRUE(kt_await(&self->ch, KH2_EV_HEADERS, WAIT, NULL, NULL));
}

TEST_F(ring, entries_wait_while_their_results_have_no_room)
{
	const struct kh2_sqe bad = { .opcode = 255, .session = self->session };
	int n = 0;

	/* 1 MiB of results of 32 octets, less what was promised to others */
	for (; n < 40000; n++) {
		kt_push(&self->ch, &bad);
		if (kt_enter(&self->ch, 1) != 1)
			break;
	}
	EXPECT_LT(30000, n);
	EXPECT_GT(32768, n);
	EXPECT_EQ(0, kt_enter(&self->ch, 1));
	ASSERT_NE(NULL, kt_event(&self->ch, 0));
	kt_done(&self->ch);
	EXPECT_EQ(1, kt_enter(&self->ch, 1));
}

/* Its rest and its end are in the queue already, and must not pass for the whole. */
static void lose_part(struct __test_metadata *_metadata, struct _test_data_ring *self,
		      uint32_t stream, struct kh2_sqe lost)
{
	const struct kh2_sqe rest = {
		.opcode = KH2_OP_DATA, .flags = KH2_SQE_COPY | KH2_SQE_END_STREAM,
		.session = self->session, .stream = stream, .len = 10,
	};
	const struct kh2_sqe release = {
		.opcode = KH2_OP_RELEASE, .session = self->session, .stream = stream,
	};
	static struct kt_frame f;
	struct kh2_event ev = {};

	lost.session = self->session;
	lost.stream = stream;
	ASSERT_EQ(0, kt_send_get(self->fds[1], stream));
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_HEADERS, WAIT, NULL, NULL));
	ASSERT_EQ(1, kt_answer(&self->ch, self->session, stream, 0));
	kt_push(&self->ch, &lost);
	kt_push(&self->ch, &rest);
	EXPECT_EQ(2, kt_enter(&self->ch, 2));
	EXPECT_TRUE(kt_await(&self->ch, KH2_EV_SQE_ERROR, WAIT, &ev, NULL));
	EXPECT_TRUE(kt_await(&self->ch, KH2_EV_RESET, WAIT, &ev, NULL));
	EXPECT_EQ(2, ev.code);
	EXPECT_EQ(1, kt_submit(&self->ch, &release));
	ASSERT_EQ(1, kt_await_frame(self->fds[1], KT_RST_STREAM, &f, WAIT));
	EXPECT_EQ(stream, f.stream);
	EXPECT_EQ(2, f.payload[3]);
}

TEST_F(ring, part_of_a_body_that_is_refused_ends_its_stream)
{
	lose_part(_metadata, self, 1, (struct kh2_sqe){
		.opcode = KH2_OP_DATA, .flags = KH2_SQE_COPY, .addr = 65536, .len = 1 });
	lose_part(_metadata, self, 3, (struct kh2_sqe){
		.opcode = KH2_OP_DATA, .flags = KH2_SQE_COPY, .len = 1, .__reserved0 = 1 });
	lose_part(_metadata, self, 5, (struct kh2_sqe){
		.opcode = KH2_OP_FILE, .fd = -1, .len = 1 });
}

KT_HARNESS_MAIN
