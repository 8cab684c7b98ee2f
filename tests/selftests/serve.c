// SPDX-License-Identifier: GPL-2.0
/* A server on a channel, a client by hand: what each sees, on TCP and on kernel TLS. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"
#include "answer.h"
#include "channel.h"
#include "peer.h"
#include "netlink.h"
#include <linux/kh2_counters.h>
#include <linux/kh2_limits.h>

FIXTURE(serve)
{
	struct kt_netlink kt;
	struct kt_channel ch;
	int fds[2];
	uint32_t session;
	struct kt_frame f;
};

FIXTURE_VARIANT(serve)
{
	bool tls;
};

FIXTURE_VARIANT_ADD(serve, tcp) { .tls = false };
FIXTURE_VARIANT_ADD(serve, tls) { .tls = true };

FIXTURE_SETUP(serve)
{
	ASSERT_EQ(0, kt_netlink_open(&self->kt));
	ASSERT_EQ(0, kt_channel_open(&self->ch, &self->kt, 0, 0, 0));
	ASSERT_EQ(0, kt_pair(self->fds, variant->tls));
	ASSERT_EQ(0, kt_attach(&self->kt, &self->ch, self->fds[0], &self->session)) {
		TH_LOG("%s", self->kt.complaint);
	}
	close(self->fds[0]);
}

FIXTURE_TEARDOWN(serve)
{
	close(self->fds[1]);
	kt_channel_close(&self->ch);
	kt_netlink_close(&self->kt);
}

static void greet(struct __test_metadata *_metadata, struct _test_data_serve *self)
{
	struct kh2_event ev;

	ASSERT_EQ(0, kt_send_preface(self->fds[1]));
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_SETTINGS, WAIT, &ev, NULL));
	ASSERT_EQ(self->session, ev.session);
}

static void answer(struct __test_metadata *_metadata, struct _test_data_serve *self,
		   uint32_t stream, bool end)
{
	ASSERT_EQ(1, kt_answer(&self->ch, self->session, stream, end ? KH2_SQE_END_STREAM : 0));
}

static void request(struct __test_metadata *_metadata, struct _test_data_serve *self,
		    uint32_t stream)
{
	static const uint8_t block[] = { 0x82, 0x86, 0x84 };
	uint8_t payload[65536];
	struct kh2_event ev;

	ASSERT_EQ(0, kt_send_get(self->fds[1], stream));
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_HEADERS, WAIT, &ev, payload));
	EXPECT_EQ(self->session, ev.session);
	EXPECT_EQ(stream, ev.stream);
	EXPECT_EQ(KH2_EVF_END_STREAM, ev.flags & KH2_EVF_END_STREAM);
	ASSERT_EQ(sizeof(block), ev.len);
	EXPECT_EQ(0, memcmp(block, payload, sizeof(block)));
}

/* Reads a body and compares it with octets that follow from their position. */
static void read_body(struct __test_metadata *_metadata, struct _test_data_serve *self,
		      uint32_t stream, size_t n)
{
	size_t got = 0;

	for (;;) {
		ASSERT_EQ(1, kt_await_frame(self->fds[1], KT_DATA, &self->f, WAIT)) {
			TH_LOG("after %zu of %zu octets", got, n);
		}
		ASSERT_EQ(stream, self->f.stream);
		for (uint32_t i = 0; i < self->f.len; i++)
			ASSERT_EQ((uint8_t)((got + i) * 31 >> 3), self->f.payload[i]);
		got += self->f.len;
		if (self->f.len) {
			ASSERT_EQ(0, kt_send_window(self->fds[1], 0, self->f.len));
			if (!(self->f.flags & KT_END_STREAM))
				ASSERT_EQ(0, kt_send_window(self->fds[1], stream, self->f.len));
		}
		if (self->f.flags & KT_END_STREAM)
			break;
	}
	EXPECT_EQ(n, got);
}

static int make_file(size_t n)
{
	static uint8_t buf[1 << 16];
	int fd = open("body", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	for (size_t at = 0; at < n; at += sizeof(buf)) {
		size_t part = n - at < sizeof(buf) ? n - at : sizeof(buf);

		for (size_t i = 0; i < part; i++)
			buf[i] = (uint8_t)((at + i) * 31 >> 3);
		if (write(fd, buf, part) != (ssize_t)part)
			return -1;
	}
	return fd;
}

TEST_F(serve, settings_are_exchanged_and_acknowledged)
{
	greet(_metadata, self);
	ASSERT_EQ(1, kt_await_frame(self->fds[1], KT_SETTINGS, &self->f, WAIT));
	EXPECT_EQ(0, self->f.flags);
	EXPECT_EQ(0, self->f.len % 6);
	ASSERT_EQ(1, kt_await_frame(self->fds[1], KT_SETTINGS, &self->f, WAIT));
	EXPECT_EQ(KT_ACK, self->f.flags);
	ASSERT_EQ(0, kt_send_frame(self->fds[1], KT_SETTINGS, KT_ACK, 0, NULL, 0));
	EXPECT_TRUE(kt_await(&self->ch, KH2_EV_SETTINGS_ACK, WAIT, NULL, NULL));
}

TEST_F(serve, ping_is_answered_by_the_kernel)
{
	greet(_metadata, self);
	ASSERT_EQ(0, kt_send_frame(self->fds[1], KT_PING, 0, 0, "abcdefgh", 8));
	ASSERT_EQ(1, kt_await_frame(self->fds[1], KT_PING, &self->f, WAIT));
	EXPECT_EQ(KT_ACK, self->f.flags);
	EXPECT_EQ(0, memcmp("abcdefgh", self->f.payload, 8));
}

TEST_F(serve, headers_and_data_answer_a_request)
{
	static const char body[] = "hello, world\n";
	struct kh2_sqe sqe = {
		.opcode = KH2_OP_DATA,
		.flags = KH2_SQE_END_STREAM,
		.stream = 1,
		.addr = 4096,
		.len = sizeof(body) - 1,
		.user_data = 42,
	};
	struct kh2_event ev;

	sqe.session = self->session;
	greet(_metadata, self);
	request(_metadata, self, 1);
	answer(_metadata, self, 1, false);
	memcpy(self->ch.tx + 4096, body, sizeof(body) - 1);
	ASSERT_EQ(1, kt_submit(&self->ch, &sqe));
	ASSERT_EQ(1, kt_await_frame(self->fds[1], KT_HEADERS, &self->f, WAIT));
	EXPECT_EQ(KT_END_HEADERS, self->f.flags);
	ASSERT_EQ(1, self->f.len);
	EXPECT_EQ(0x88, self->f.payload[0]);
	ASSERT_EQ(1, kt_await_frame(self->fds[1], KT_DATA, &self->f, WAIT));
	EXPECT_EQ(KT_END_STREAM, self->f.flags);
	ASSERT_EQ(sizeof(body) - 1, self->f.len);
	EXPECT_EQ(0, memcmp(body, self->f.payload, self->f.len));
	/* The stream ends as its last frame is made, the buffer is free once that is sent. */
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_CLOSED, WAIT, &ev, NULL));
	EXPECT_EQ(1, ev.stream);
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_TX_DONE, WAIT, &ev, NULL));
	EXPECT_EQ(42, ev.arg);
	EXPECT_EQ(0, ev.code);
}

static void send_file(struct __test_metadata *_metadata, struct _test_data_serve *self, size_t n,
		      bool cold)
{
	struct kh2_sqe sqe = {
		.opcode = KH2_OP_FILE,
		.flags = KH2_SQE_END_STREAM,
		.session = self->session,
		.stream = 1,
		.len = KH2_LEN_EOF,
		.user_data = 7,
	};
	struct kh2_event ev;

	sqe.fd = make_file(n);
	ASSERT_LE(0, sqe.fd);
	if (cold) {
		ASSERT_EQ(0, fsync(sqe.fd));
		ASSERT_EQ(0, posix_fadvise(sqe.fd, 0, 0, POSIX_FADV_DONTNEED));
	}
	greet(_metadata, self);
	ASSERT_EQ(0, kt_send_frame(self->fds[1], KT_SETTINGS, KT_ACK, 0, NULL, 0));
	request(_metadata, self, 1);
	answer(_metadata, self, 1, false);
	ASSERT_EQ(1, kt_submit(&self->ch, &sqe));
	close(sqe.fd);
	read_body(_metadata, self, 1, n);
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_TX_DONE, WAIT, &ev, NULL));
	EXPECT_EQ(7, ev.arg);
	EXPECT_EQ(0, ev.code);
}

TEST_F(serve, small_file_is_sent)
{
	send_file(_metadata, self, 1000, false);
}

TEST_F(serve, empty_file_is_sent)
{
	send_file(_metadata, self, 0, false);
}

TEST_F(serve, large_file_is_sent_through_closed_windows)
{
	send_file(_metadata, self, 3000001, false);
}

TEST_F(serve, range_of_a_file_is_sent)
{
	struct kh2_sqe sqe = {
		.opcode = KH2_OP_FILE,
		.flags = KH2_SQE_END_STREAM,
		.session = self->session,
		.stream = 1,
		.len = 10000,
		.offset = 5001,
	};

	sqe.fd = make_file(20000);
	greet(_metadata, self);
	request(_metadata, self, 1);
	answer(_metadata, self, 1, false);
	ASSERT_EQ(1, kt_submit(&self->ch, &sqe));
	close(sqe.fd);
	for (size_t got = 0; got < 10000; got += self->f.len) {
		ASSERT_EQ(1, kt_await_frame(self->fds[1], KT_DATA, &self->f, WAIT));
		for (uint32_t i = 0; i < self->f.len; i++)
			ASSERT_EQ((uint8_t)((5001 + got + i) * 31 >> 3), self->f.payload[i]);
	}
	EXPECT_EQ(KT_END_STREAM, self->f.flags);
}

TEST_F(serve, pipe_is_sent_as_it_fills)
{
	int ends[2];

	ASSERT_EQ(0, pipe2(ends, O_CLOEXEC));
	greet(_metadata, self);
	request(_metadata, self, 1);
	answer(_metadata, self, 1, false);
	ASSERT_EQ(1, kt_answer_file(&self->ch, self->session, 1, ends[0]));
	close(ends[0]);
	ASSERT_EQ(5, write(ends[1], "first", 5));
	ASSERT_EQ(1, kt_await_frame(self->fds[1], KT_DATA, &self->f, WAIT));
	ASSERT_EQ(5, self->f.len);
	EXPECT_EQ(0, memcmp("first", self->f.payload, 5));
	ASSERT_EQ(6, write(ends[1], "second", 6));
	ASSERT_EQ(1, kt_await_frame(self->fds[1], KT_DATA, &self->f, WAIT));
	ASSERT_EQ(6, self->f.len);
	EXPECT_EQ(0, self->f.flags);
	close(ends[1]);
	ASSERT_EQ(1, kt_await_frame(self->fds[1], KT_DATA, &self->f, WAIT));
	EXPECT_EQ(0, self->f.len);
	EXPECT_EQ(KT_END_STREAM, self->f.flags);
}

TEST_F(serve, file_that_shrinks_resets_its_stream_alone)
{
	const struct kh2_sqe release = {
		.opcode = KH2_OP_RELEASE, .session = self->session, .stream = 1,
	};
	int file = make_file(1000000);
	struct kh2_event ev;

	greet(_metadata, self);
	request(_metadata, self, 1);
	answer(_metadata, self, 1, false);
	/* Sent until the window of 65,535 is shut. */
	ASSERT_EQ(1, kt_answer_file(&self->ch, self->session, 1, file));
	for (size_t got = 0; got < 65535; got += self->f.len)
		ASSERT_EQ(1, kt_await_frame(self->fds[1], KT_DATA, &self->f, WAIT));
	ASSERT_EQ(0, ftruncate(file, 1000));
	ASSERT_EQ(0, kt_send_window(self->fds[1], 0, 1000000));
	ASSERT_EQ(0, kt_send_window(self->fds[1], 1, 1000000));
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_RESET, WAIT, &ev, NULL));
	EXPECT_EQ(KH2_C_STREAM_SOURCE, ev.arg);
	close(file);
	ASSERT_EQ(1, kt_submit(&self->ch, &release));
	ASSERT_EQ(1, kt_await_frame(self->fds[1], KT_RST_STREAM, &self->f, WAIT));
	EXPECT_EQ(1, self->f.stream);
	/* The connection goes on. */
	request(_metadata, self, 3);
	answer(_metadata, self, 3, true);
	ASSERT_EQ(1, kt_await_frame(self->fds[1], KT_HEADERS, &self->f, WAIT));
	EXPECT_EQ(3, self->f.stream);
}

TEST_F(serve, body_reaches_the_owner_and_windows_open_as_it_is_consumed)
{
	static const uint8_t block[] = { 0x83, 0x86, 0x84 };
	static uint8_t body[16384];
	size_t sent = 0, got = 0;
	struct kh2_event ev;

	greet(_metadata, self);
	ASSERT_EQ(0, kt_send_frame(self->fds[1], KT_HEADERS, KT_END_HEADERS, 1, block,
				   sizeof(block)));
	for (int i = 0; i < 3; i++, sent += sizeof(body))
		ASSERT_EQ(0, kt_send_frame(self->fds[1], KT_DATA, i == 2 ? KT_END_STREAM : 0, 1,
					   body, sizeof(body)));
	do {
		struct kh2_sqe sqe = {
			.opcode = KH2_OP_CONSUME,
			.session = self->session,
			.stream = 1,
		};

		ASSERT_TRUE(kt_await(&self->ch, KH2_EV_DATA, WAIT, &ev, NULL));
		got += ev.len;
		sqe.len = ev.len;
		if (ev.len)
			ASSERT_EQ(1, kt_submit(&self->ch, &sqe));
	} while (!(ev.flags & KH2_EVF_END_STREAM));
	EXPECT_EQ(sent, got);
	ASSERT_EQ(1, kt_await_frame(self->fds[1], KT_WINDOW, &self->f, WAIT));
}

TEST_F(serve, close_sends_goaway_and_ends_in_order)
{
	struct kh2_sqe sqe = { .opcode = KH2_OP_CLOSE, .session = self->session };
	struct kh2_event ev;

	greet(_metadata, self);
	ASSERT_EQ(1, kt_submit(&self->ch, &sqe));
	ASSERT_EQ(1, kt_await_frame(self->fds[1], KT_GOAWAY, &self->f, WAIT));
	EXPECT_EQ(0, kt_recv_frame(self->fds[1], &self->f, WAIT));
	close(self->fds[1]);
	self->fds[1] = -1;
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_GONE, WAIT, &ev, NULL));
	EXPECT_EQ(0, ev.code);
}

TEST_F(serve, end_of_an_idle_connection_is_orderly)
{
	struct kh2_event ev;

	greet(_metadata, self);
	/* close() would send RST for what was not read */
	ASSERT_EQ(0, shutdown(self->fds[1], SHUT_WR));
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_GONE, WAIT, &ev, NULL));
	EXPECT_EQ(0, ev.code);
}

TEST_F(serve, reset_of_the_connection_ends_the_session)
{
	struct linger linger = { .l_onoff = 1 };
	struct kh2_event ev;

	greet(_metadata, self);
	request(_metadata, self, 1);
	setsockopt(self->fds[1], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(self->fds[1]);
	self->fds[1] = -1;
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_GONE, WAIT, &ev, NULL));
	EXPECT_NE(0, ev.code);
}

TEST_F(serve, protocol_error_sends_goaway_and_tells_why)
{
	struct kh2_event ev;

	greet(_metadata, self);
	/* DATA on an idle stream */
	ASSERT_EQ(0, kt_send_frame(self->fds[1], KT_DATA, 0, 1, "x", 1));
	ASSERT_EQ(1, kt_await_frame(self->fds[1], KT_GOAWAY, &self->f, WAIT));
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_ERROR, WAIT, &ev, NULL));
	EXPECT_EQ(KH2_C_CONN_STREAM_IDLE, ev.arg);
	close(self->fds[1]);
	self->fds[1] = -1;
	EXPECT_TRUE(kt_await(&self->ch, KH2_EV_GONE, WAIT, &ev, NULL));
}

/* Nobody reads the ring meanwhile: workers do what the owner does not come for. */
static bool ring_fills_up(struct _test_data_serve *self, uint32_t session)
{
	const struct kt_attr id = { .type = KH2_A_SESSION_ID, .u32 = session };
	static struct kt_reply reply;

	for (int ms = 0; ms < WAIT; ms += 10, usleep(10000)) {
		if (kt_netlink_do(&self->kt, KH2_CMD_SESSION_GET, &id, 1, &reply))
			return false;
		if (kt_counter(&reply, KH2_A_SESSION_COUNTERS, KH2_C_STALL_EVENT_RING))
			return true;
	}
	return false;
}

TEST_F(serve, full_event_ring_pushes_back_and_loses_nothing)
{
	static uint8_t body[16384];
	static const uint8_t block[] = { 0x83, 0x86, 0x84 };
	struct kt_channel small;
	struct kh2_event ev;
	uint32_t session;
	size_t got = 0, sent = 0;
	int fds[2];
	const struct kh2_setting window = { .id = 4, .value = 1 << 24 };
	const struct kh2_limit_value limit = { .id = KH2_L_BLOCK_OCTETS, .value = 16384 };
	struct kt_attr attrs[] = {
		{ .type = KH2_A_SESSION_CHANNEL_FD },
		{ .type = KH2_A_SESSION_SOCKET_FD },
		{ .type = KH2_A_SESSION_CONN_WINDOW, .u32 = 1 << 24 },
		{ .type = KH2_A_SESSION_SETTINGS, .data = &window, .n = sizeof(window) },
		{ .type = KH2_A_SESSION_LIMITS, .data = &limit, .n = sizeof(limit) },
	};
	static struct kt_reply reply;
	pid_t pid;

	ASSERT_EQ(0, kt_channel_open(&small, &self->kt, 0, 65536, 0));
	ASSERT_EQ(0, kt_pair(fds, variant->tls));
	attrs[0].u32 = small.fd;
	attrs[1].u32 = fds[0];
	ASSERT_EQ(0, kt_netlink_do(&self->kt, KH2_CMD_SESSION_ATTACH, attrs, 5, &reply)) {
		TH_LOG("%s", self->kt.complaint);
	}
	session = kt_u32(&reply, KH2_A_SESSION_ID);
	close(fds[0]);
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = i;
	pid = fork();
	if (!pid) {
		int bad = kt_send_preface(fds[1]);

		bad |= kt_send_frame(fds[1], KT_SETTINGS, KT_ACK, 0, NULL, 0);
		bad |= kt_send_frame(fds[1], KT_HEADERS, KT_END_HEADERS, 1, block, sizeof(block));
		for (int i = 0; i < 100; i++)
			bad |= kt_send_frame(fds[1], KT_DATA, i == 99 ? KT_END_STREAM : 0, 1, body,
					     sizeof(body));
		_exit(!!bad);
	}
	sent = 100 * sizeof(body);
	ASSERT_TRUE(ring_fills_up(self, session));
	do {
		const struct kh2_event *next = kt_event(&small, WAIT);

		ASSERT_NE(NULL, next) {
			TH_LOG("after %zu of %zu octets", got, sent);
		}
		ev = *next;
		if (ev.type == KH2_EV_DATA) {
			const uint8_t *p = (const uint8_t *)(next + 1);

			for (uint32_t i = 0; i < ev.len; i++)
				ASSERT_EQ((uint8_t)(got + i), p[i]);
			got += ev.len;
		}
		EXPECT_EQ(session, ev.session);
		kt_done(&small);
	} while (ev.type != KH2_EV_DATA || !(ev.flags & KH2_EVF_END_STREAM));
	EXPECT_EQ(sent, got);
	close(fds[1]);
	kt_channel_close(&small);
}

/* ---- linger_ms: a close waits for what was sent to be acknowledged ---- */

#define UNREAD 60000

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* A session with an answer that the peer has no room for, closed at @at. */
static uint32_t close_unread(struct __test_metadata *_metadata, struct _test_data_serve *self,
			     bool tls, uint32_t linger_ms, int fds[2], int64_t *at)
{
	const struct kh2_limit_value limit = { .id = KH2_L_LINGER_MS, .value = linger_ms };
	struct kt_attr attrs[] = {
		{ .type = KH2_A_SESSION_CHANNEL_FD, .u32 = self->ch.fd },
		{ .type = KH2_A_SESSION_SOCKET_FD },
		{ .type = KH2_A_SESSION_LIMITS, .data = &limit, .n = sizeof(limit) },
	};
	struct kh2_sqe sqe = {
		.opcode = KH2_OP_FILE, .flags = KH2_SQE_END_STREAM, .stream = 1, .len = UNREAD,
	};
	static struct kt_reply reply;
	struct kh2_event ev;

	ASSERT_EQ(0, kt_pair_small(fds, tls, 4096));
	attrs[1].u32 = fds[0];
	ASSERT_EQ(0, kt_netlink_do(&self->kt, KH2_CMD_SESSION_ATTACH, attrs, 3, &reply));
	sqe.session = kt_u32(&reply, KH2_A_SESSION_ID);
	close(fds[0]);
	ASSERT_EQ(0, kt_send_preface(fds[1]));
	ASSERT_EQ(0, kt_send_get(fds[1], 1));
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_HEADERS, WAIT, NULL, NULL));
	ASSERT_EQ(1, kt_answer(&self->ch, sqe.session, 1, 0));
	sqe.fd = make_file(UNREAD);
	ASSERT_LE(0, sqe.fd);
	ASSERT_EQ(1, kt_submit(&self->ch, &sqe));
	close(sqe.fd);
	/* The last frame is made; much of it is with us yet. */
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_CLOSED, WAIT, &ev, NULL));
	sqe = (struct kh2_sqe){ .opcode = KH2_OP_CLOSE, .session = sqe.session };
	*at = now_ms();
	ASSERT_EQ(1, kt_submit(&self->ch, &sqe));
	return sqe.session;
}

TEST_F(serve, close_waits_for_a_peer_that_reads_nothing_as_long_as_linger_says)
{
	struct kh2_event ev;
	uint32_t session;
	int64_t at;
	int fds[2];

	session = close_unread(_metadata, self, variant->tls, 700, fds, &at);
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_GONE, WAIT, &ev, NULL));
	EXPECT_EQ(session, ev.session);
	EXPECT_LE(700, now_ms() - at);
	close(fds[1]);
}

TEST_F(serve, close_waits_no_longer_than_the_peer_takes_to_read)
{
	struct kt_attr id = { .type = KH2_A_SESSION_ID };
	struct kh2_event ev;
	size_t got = 0;
	int64_t at;
	int fds[2];

	id.u32 = close_unread(_metadata, self, variant->tls, 600000, fds, &at);
	ASSERT_EQ(0, kt_netlink_do(&self->kt, KH2_CMD_SESSION_GET, &id, 1, NULL));
	do {
		ASSERT_EQ(1, kt_await_frame(fds[1], KT_DATA, &self->f, WAIT));
		got += self->f.len;
	} while (!(self->f.flags & KT_END_STREAM));
	EXPECT_EQ(UNREAD, got);
	ASSERT_EQ(1, kt_await_frame(fds[1], KT_GOAWAY, &self->f, WAIT));
	EXPECT_EQ(0, kt_recv_frame(fds[1], &self->f, WAIT));
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_GONE, WAIT, &ev, NULL));
	EXPECT_EQ(id.u32, ev.session);
	EXPECT_EQ(0, ev.code);
	close(fds[1]);
}

KT_HARNESS_MAIN
