// SPDX-License-Identifier: GPL-2.0
/* Bodies that are files and pipes, also such that fall short: libkh2's backends do the same. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "peer.h"
#include <kh2.h>

/* What a peer that opens no window gets, RFC 9113 6.9.2 */
#define WINDOW 65535
#define PAGE 4096

/* What is answered with, and what the server's thread was told of it by libkh2 */
FIXTURE(source)
{
	struct kh2_ctx *ctx;
	struct kh2_server *srv;
	pthread_t thread;
	bool stopping;
	int fd;
	struct kh2_file_opts opts;
	int errors[2];
	int peer;
	uint32_t stream;
	size_t got;
	bool differs;
	struct kt_frame f;
};

FIXTURE_VARIANT(source)
{
	enum kh2_backend backend;
};

FIXTURE_VARIANT_ADD(source, user) { .backend = KH2_BACKEND_USER };
FIXTURE_VARIANT_ADD(source, kernel) { .backend = KH2_BACKEND_KERNEL };

/* ---- the server, in a thread of its own ---- */

static void on_error(struct kh2_stream *st, int err, uint32_t code, void *user)
{
	struct _test_data_source *self = user;

	if (write(self->errors[1], &err, sizeof(err)) != sizeof(err))
		abort();
}

static const struct kh2_stream_cbs stream_cbs = { .sz = sizeof(stream_cbs), .on_error = on_error };

static void on_stream(struct kh2_server *srv, struct kh2_stream *st, const struct kh2_headers *h,
		      uint8_t flags, void *user)
{
	struct _test_data_source *self = user;
	int err;

	kh2_stream_set_callbacks(st, &stream_cbs, self);
	err = kh2_respond_fd(st, self->fd, NULL, &self->opts);
	if (err)
		kh2_stream_destroy(st, err);
}

static void *serve(void *user)
{
	struct _test_data_source *self = user;

	while (!__atomic_load_n(&self->stopping, __ATOMIC_ACQUIRE))
		kh2_ctx_dispatch(self->ctx, -1);
	return NULL;
}

static int start(struct _test_data_source *self, enum kh2_backend backend)
{
	const struct kh2_ctx_opts opts = { .sz = sizeof(opts), .backend = backend };
	const struct kh2_server_cbs cbs = { .sz = sizeof(cbs), .on_stream = on_stream };

	return kh2_ctx_new(&self->ctx, &opts) ?:
	       kh2_server_new(self->ctx, NULL, &cbs, self, &self->srv) ?:
	       kh2_server_listen(self->srv, "127.0.0.1", 0) ?:
	       -pthread_create(&self->thread, NULL, serve, self);
}

static int connect_to(const struct kh2_server *srv)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_storage addr;
	socklen_t len;

	if (kh2_server_address(srv, 0, &addr, &len) || connect(fd, (void *)&addr, len))
		return -1;
	return fd;
}

FIXTURE_SETUP(source)
{
	self->fd = -1;
	self->stream = -1;
	ASSERT_EQ(0, pipe2(self->errors, O_CLOEXEC));
	ASSERT_EQ(0, start(self, variant->backend));
	self->peer = connect_to(self->srv);
	ASSERT_LE(0, self->peer);
	ASSERT_EQ(0, kt_send_preface(self->peer));
	ASSERT_EQ(0, kt_send_frame(self->peer, KT_SETTINGS, KT_ACK, 0, NULL, 0));
}

FIXTURE_TEARDOWN(source)
{
	__atomic_store_n(&self->stopping, true, __ATOMIC_RELEASE);
	kh2_ctx_wake(self->ctx);
	pthread_join(self->thread, NULL);
	close(self->peer);
	kh2_server_free(self->srv);
	kh2_ctx_free(self->ctx);
	close(self->fd);
}

/* ---- the client ---- */

/* The octets of a body follow from their position. */
static void fill(uint8_t *p, size_t at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)((at + i) * 31 >> 3);
}

static int append(int fd, size_t at, size_t n)
{
	static uint8_t octets[1 << 20];

	fill(octets, at, n);
	return write(fd, octets, n) == (ssize_t)n ? 0 : -errno;
}

static int make_file(size_t n)
{
	int fd = open("body", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	return fd < 0 || append(fd, 0, n) ? -1 : fd;
}

static int request(struct _test_data_source *self, struct kh2_file_opts opts)
{
	self->opts = opts;
	self->opts.sz = sizeof(opts);
	self->stream += 2;
	self->got = 0;
	self->differs = false;
	return kt_send_get(self->peer, self->stream);
}

static const struct kh2_file_opts to_the_end;
static const struct kh2_file_opts ten_octets = { .present = KH2_FILE_LENGTH, .length = 10 };

enum end { GOES_ON, ENDED, RESET, NOTHING };

static enum end take_frame(struct _test_data_source *self)
{
	static uint8_t wanted[sizeof(self->f.payload)];

	if (kt_recv_frame(self->peer, &self->f, WAIT) != 1)
		return NOTHING;
	if (self->f.stream != self->stream)
		return GOES_ON;
	if (self->f.type == KT_RST_STREAM)
		return RESET;
	if (self->f.type != KT_DATA)
		return GOES_ON;
	fill(wanted, self->got, self->f.len);
	self->differs |= memcmp(wanted, self->f.payload, self->f.len) != 0;
	self->got += self->f.len;
	return self->f.flags & KT_END_STREAM ? ENDED : GOES_ON;
}

/* Until so many octets have come, or the stream's end */
static enum end take(struct _test_data_source *self, size_t n)
{
	enum end end = GOES_ON;

	while (end == GOES_ON && self->got < n)
		end = take_frame(self);
	return end;
}

static enum end take_rest(struct _test_data_source *self)
{
	return take(self, SIZE_MAX);
}

static int open_windows(struct _test_data_source *self)
{
	return kt_send_window(self->peer, 0, 1 << 30) ?:
	       kt_send_window(self->peer, self->stream, 1 << 30);
}

/* The first that libkh2 said of a stream's failure; 0 if nothing comes. */
static int told(struct _test_data_source *self)
{
	struct pollfd pfd = { .fd = self->errors[0], .events = POLLIN };
	int err = 0;

	if (poll(&pfd, 1, WAIT) == 1 && read(pfd.fd, &err, sizeof(err)) != sizeof(err))
		return 0;
	return err;
}

static uint32_t reset_code(const struct _test_data_source *self)
{
	const uint8_t *p = self->f.payload;

	return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

/* ---- files ---- */

TEST_F(source, file_is_sent_to_its_end)
{
	static const size_t sizes[] = { 0, 1, 16384, 50000 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		close(self->fd);
		self->fd = make_file(sizes[i]);
		ASSERT_LE(0, self->fd);
		ASSERT_EQ(0, request(self, to_the_end));
		ASSERT_EQ(ENDED, take_rest(self));
		EXPECT_EQ(sizes[i], self->got);
		EXPECT_FALSE(self->differs);
		ASSERT_EQ(0, kt_send_window(self->peer, 0, WINDOW));
	}
}

TEST_F(source, file_that_is_cut_resets_its_stream)
{
	self->fd = make_file(1 << 20);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, request(self, to_the_end));
	ASSERT_EQ(GOES_ON, take(self, WINDOW));
	/* what was read ahead may still be sent, whole pages of it */
	ASSERT_EQ(0, ftruncate(self->fd, 32 * PAGE));
	ASSERT_EQ(0, open_windows(self));
	ASSERT_EQ(RESET, take_rest(self));
	EXPECT_EQ(KH2_INTERNAL_ERROR, reset_code(self));
	EXPECT_GT(1 << 20, self->got);
	EXPECT_FALSE(self->differs);
	EXPECT_EQ(KH2_ERR_STREAM, told(self));
}

TEST_F(source, file_that_grows_is_sent_as_it_was)
{
	self->fd = make_file(200000);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, request(self, to_the_end));
	ASSERT_EQ(GOES_ON, take(self, WINDOW));
	ASSERT_EQ(0, append(self->fd, 200000, 100000));
	ASSERT_EQ(0, open_windows(self));
	ASSERT_EQ(ENDED, take_rest(self));
	EXPECT_EQ(200000, self->got);
	EXPECT_FALSE(self->differs);
}

TEST_F(source, offset_at_the_end_leaves_nothing)
{
	self->fd = make_file(1000);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, request(self, (struct kh2_file_opts){ .offset = 1000 }));
	ASSERT_EQ(ENDED, take_rest(self));
	EXPECT_EQ(0, self->got);
}

static const struct {
	struct kh2_file_opts opts;
	int err;
} not_in_the_file[] = {
	{ { .offset = 1001 }, -ENODATA },
	{ { .present = KH2_FILE_LENGTH, .length = 1001 }, -ENODATA },
	{ { .present = KH2_FILE_LENGTH, .offset = 1, .length = 1000 }, -ENODATA },
	{ { .present = KH2_FILE_LENGTH, .offset = 1001, .length = 1 }, -ENODATA },
	{ { .present = KH2_FILE_LENGTH, .length = INT64_MAX }, -ENODATA },
	{ { .present = KH2_FILE_LENGTH, .offset = 1, .length = INT64_MAX }, -EINVAL },
	{ { .offset = 1ULL << 63 }, -EINVAL },
};

TEST_F(source, part_that_the_file_does_not_hold_is_refused)
{
	struct stat stat;

	self->fd = make_file(1000);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, fstat(self->fd, &stat));
	for (size_t i = 0; i < 2 * sizeof(not_in_the_file) / sizeof(*not_in_the_file); i++) {
		struct kh2_file_opts opts = not_in_the_file[i / 2].opts;

		opts.stat = i % 2 ? &stat : NULL;
		opts.kept_open = i % 2;
		ASSERT_EQ(0, request(self, opts));
		ASSERT_EQ(RESET, take_rest(self)) {
			TH_LOG("part %zu", i);
		}
		EXPECT_EQ(KH2_INTERNAL_ERROR, reset_code(self));
		EXPECT_EQ(0, self->got);
		EXPECT_EQ(not_in_the_file[i / 2].err, told(self));
	}
}

/* Only the user backend reads these. What says that it is empty is not taken for that, */
TEST_F(source, file_that_says_nothing_of_its_size_is_whole_or_refused)
{
	self->fd = open("/proc/version", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, request(self, to_the_end));
	if (variant->backend == KH2_BACKEND_USER) {
		ASSERT_EQ(ENDED, take_rest(self));
		EXPECT_LT(0, self->got);
	} else {
		ASSERT_EQ(RESET, take_rest(self));
		EXPECT_EQ(-EOPNOTSUPP, told(self));
	}
}

/* and what says that it has a page, and has less, is taken for a file that was cut. */
TEST_F(source, file_that_says_more_than_it_holds_resets_its_stream)
{
	self->fd = open("/sys/kernel/uevent_seqnum", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, request(self, to_the_end));
	ASSERT_EQ(RESET, take_rest(self));
	EXPECT_EQ(variant->backend == KH2_BACKEND_USER ? KH2_ERR_STREAM : -EOPNOTSUPP,
		  told(self));
}

/* ---- pipes ---- */

/* Returns the end to write to. */
static int make_pipe(struct _test_data_source *self)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return -1;
	self->fd = ends[0];
	return ends[1];
}

TEST_F(source, pipe_is_sent_to_its_end)
{
	int writer = make_pipe(self);

	ASSERT_LE(0, writer);
	ASSERT_EQ(0, append(writer, 0, 5));
	ASSERT_EQ(0, request(self, to_the_end));
	ASSERT_EQ(GOES_ON, take(self, 5));
	ASSERT_EQ(0, append(writer, 5, 10));
	close(writer);
	ASSERT_EQ(ENDED, take_rest(self));
	EXPECT_EQ(15, self->got);
	EXPECT_FALSE(self->differs);
}

TEST_F(source, pipe_gives_no_more_than_its_length)
{
	int writer = make_pipe(self);

	ASSERT_LE(0, writer);
	ASSERT_EQ(0, append(writer, 0, 15));
	ASSERT_EQ(0, request(self, ten_octets));
	ASSERT_EQ(ENDED, take_rest(self));
	EXPECT_EQ(10, self->got);
	EXPECT_FALSE(self->differs);
	close(writer);
}

TEST_F(source, pipe_that_ends_before_its_length_resets_its_stream)
{
	int writer = make_pipe(self);

	ASSERT_LE(0, writer);
	ASSERT_EQ(0, append(writer, 0, 5));
	ASSERT_EQ(0, request(self, ten_octets));
	ASSERT_EQ(GOES_ON, take(self, 5));
	close(writer);
	ASSERT_EQ(RESET, take_rest(self));
	EXPECT_EQ(KH2_INTERNAL_ERROR, reset_code(self));
	EXPECT_EQ(5, self->got);
	EXPECT_FALSE(self->differs);
	EXPECT_EQ(KH2_ERR_STREAM, told(self));
}

TEST_F(source, pipe_has_no_offsets)
{
	int writer = make_pipe(self), file = make_file(1000);
	struct stat stat;

	ASSERT_LE(0, writer);
	ASSERT_EQ(0, fstat(file, &stat));
	ASSERT_EQ(0, append(writer, 0, 5));
	ASSERT_EQ(0, request(self, (struct kh2_file_opts){ .offset = 1 }));
	ASSERT_EQ(RESET, take_rest(self));
	EXPECT_EQ(-EINVAL, told(self));
	/* not even if the caller takes it for another file */
	ASSERT_EQ(0, request(self, (struct kh2_file_opts){ .offset = 1, .stat = &stat }));
	ASSERT_EQ(RESET, take_rest(self));
	EXPECT_EQ(0, self->got);
	EXPECT_EQ(-ESPIPE, told(self));
	close(writer);
	close(file);
}

KT_HARNESS_MAIN
