// SPDX-License-Identifier: GPL-2.0
/* The netlink family: what it refuses and why, what it tells, and who may do what. */
#include <errno.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "answer.h"
#include "channel.h"
#include "netlink.h"
#include "peer.h"
#include <linux/kh2_counters.h>
#include <linux/kh2_limits.h>

FIXTURE(netlink)
{
	struct kt_netlink kt;
	struct kt_channel ch;
	int fds[2];
	struct kt_reply reply;
};

FIXTURE_SETUP(netlink)
{
	ASSERT_EQ(0, kt_netlink_open(&self->kt));
	ASSERT_EQ(0, kt_channel_open(&self->ch, &self->kt, 0, 0, 0));
	ASSERT_EQ(0, kt_pair(self->fds, false));
}

FIXTURE_TEARDOWN(netlink)
{
	close(self->fds[0]);
	close(self->fds[1]);
	kt_channel_close(&self->ch);
	kt_netlink_close(&self->kt);
}

#define A(name, value) { .type = KH2_A_SESSION_##name, .u32 = (value) }
#define BYTES(name, ptr, len) { .type = KH2_A_SESSION_##name, .data = (ptr), .n = (len) }

static int attach(struct _test_data_netlink *self, const struct kt_attr *more, size_t n)
{
	struct kt_attr attrs[8] = {
		A(CHANNEL_FD, self->ch.fd),
		A(SOCKET_FD, self->fds[0]),
	};

	for (size_t i = 0; i < n; i++)
		attrs[2 + i] = more[i];
	return kt_netlink_do(&self->kt, KH2_CMD_SESSION_ATTACH, attrs, 2 + n, &self->reply);
}

TEST_F(netlink, channel_tells_its_number_and_sizes)
{
	uint32_t id;
	int fd = kt_channel_new(&self->kt, 100, 100000, 5000, &id);
	struct kt_channel ch = { .fd = fd };

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, kt_channel_map(&ch));
	EXPECT_EQ(id, ch.info.id);
	EXPECT_NE(id, self->ch.id);
	EXPECT_EQ(128, ch.info.sq_entries);
	EXPECT_EQ(131072, ch.info.ev_bytes);
	EXPECT_EQ(8192, ch.info.tx_bytes);
	EXPECT_EQ(KH2_FEAT_FILE | KH2_FEAT_FILE_COPY, ch.info.features);
	kt_channel_close(&ch);
}

TEST_F(netlink, sizes_out_of_range_are_refused)
{
	EXPECT_EQ(-ERANGE, kt_channel_new(&self->kt, 7, 0, 0, NULL));
	EXPECT_EQ(-ERANGE, kt_channel_new(&self->kt, 4097, 0, 0, NULL));
	EXPECT_EQ(-ERANGE, kt_channel_new(&self->kt, 0, 65535, 0, NULL));
	EXPECT_EQ(-ERANGE, kt_channel_new(&self->kt, 0, 16777217, 0, NULL));
	EXPECT_EQ(-ERANGE, kt_channel_new(&self->kt, 0, 0, 16777217, NULL));
	EXPECT_STRNE("", self->kt.complaint);
}

TEST_F(netlink, attach_without_descriptors_is_refused)
{
	const struct kt_attr attrs[] = { A(CHANNEL_FD, self->ch.fd), A(SOCKET_FD, self->fds[0]) };

	EXPECT_EQ(-EINVAL, kt_netlink_do(&self->kt, KH2_CMD_SESSION_ATTACH, attrs, 1, NULL));
	EXPECT_EQ(-EINVAL, kt_netlink_do(&self->kt, KH2_CMD_SESSION_ATTACH, attrs + 1, 1, NULL));
}

TEST_F(netlink, bad_settings_and_limits_are_refused_and_named)
{
	const struct kh2_setting window = { .id = 4, .value = 0x80000000 };
	const struct kh2_limit_value high = { .id = KH2_L_STREAMS, .value = 65536 };
	const struct kh2_limit_value unknown = { .id = __KH2_L_END, .value = 1 };
	const struct kt_attr cases[][1] = {
		{ BYTES(SETTINGS, &window, sizeof(window)) },
		{ BYTES(SETTINGS, &window, sizeof(window) - 1) },
		{ BYTES(LIMITS, &high, sizeof(high)) },
		{ BYTES(LIMITS, &unknown, sizeof(unknown)) },
		{ BYTES(LIMITS, &high, 5) },
		{ A(ROLE, 2) },
		{ A(PADDING, 3) },
		{ A(CONN_WINDOW, 65534) },
		{ A(CONN_WINDOW, 0x80000000) },
	};
	static const int errors[] = {
		-ERANGE, -EINVAL, -ERANGE, -EINVAL, -EINVAL, -ERANGE, -ERANGE, -ERANGE, -ERANGE,
	};

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		EXPECT_EQ(errors[i], attach(self, cases[i], 1)) {
			TH_LOG("case %zu", i);
		}
		EXPECT_STRNE("", self->kt.complaint);
	}
	EXPECT_EQ(0, attach(self, NULL, 0));
}

TEST_F(netlink, ring_too_small_for_a_header_block_is_refused)
{
	struct kt_channel small;
	struct kt_attr attrs[] = { A(CHANNEL_FD, 0), A(SOCKET_FD, self->fds[0]) };

	ASSERT_EQ(0, kt_channel_open(&small, &self->kt, 0, 65536, 0));
	attrs[0].u32 = small.fd;
	EXPECT_EQ(-ENOSPC, kt_netlink_do(&self->kt, KH2_CMD_SESSION_ATTACH, attrs, 2, NULL));
	EXPECT_STRNE("", self->kt.complaint);
	kt_channel_close(&small);
}

TEST_F(netlink, session_is_described)
{
	const struct kt_attr label = BYTES(LABEL, "test", 5);
	struct kt_attr id;

	ASSERT_EQ(0, attach(self, &label, 1));
	id = (struct kt_attr)A(ID, kt_u32(&self->reply, KH2_A_SESSION_ID));
	ASSERT_EQ(0, kt_send_preface(self->fds[1]));
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_SETTINGS, WAIT, NULL, NULL));
	ASSERT_EQ(0, kt_netlink_do(&self->kt, KH2_CMD_SESSION_GET, &id, 1, &self->reply));
	EXPECT_EQ(id.u32, kt_u32(&self->reply, KH2_A_SESSION_ID));
	EXPECT_EQ(self->ch.id, kt_u32(&self->reply, KH2_A_SESSION_CHANNEL_ID));
	EXPECT_EQ(getpid(), kt_u32(&self->reply, KH2_A_SESSION_PID));
	EXPECT_EQ(getuid(), kt_u32(&self->reply, KH2_A_SESSION_UID));
	EXPECT_EQ(KH2_SESSION_PHASE_OPEN, kt_u32(&self->reply, KH2_A_SESSION_PHASE));
	EXPECT_EQ(65535, kt_u32(&self->reply, KH2_A_SESSION_REMOTE_WINDOW));
	EXPECT_NE(NULL, self->reply.attrs[KH2_A_SESSION_LOCAL]);
	EXPECT_NE(NULL, self->reply.attrs[KH2_A_SESSION_PEER]);
	EXPECT_NE(NULL, self->reply.attrs[KH2_A_SESSION_REMOTE_SETTINGS]);
	EXPECT_EQ(NULL, self->reply.attrs[KH2_A_SESSION_TLS_VERSION]);
	EXPECT_EQ(1, kt_counter(&self->reply, KH2_A_SESSION_COUNTERS, KH2_C_RX_FRAME_SETTINGS));
}

static void count(const struct kt_reply *reply, void *arg)
{
	(*(int *)arg)++;
}

TEST_F_TIMEOUT(netlink, dumps_tell_all, 180)
{
	struct kt_attr session = { .type = KH2_A_STREAM_SESSION_ID };
	int fds[300][2], n = 0;
	uint32_t first;

	for (int i = 0; i < 300; i++) {
		ASSERT_EQ(0, kt_pair(fds[i], false));
		ASSERT_EQ(0, kt_attach(&self->kt, &self->ch, fds[i][0], i ? NULL : &first));
		close(fds[i][0]);
	}
	ASSERT_EQ(0, kt_netlink_dump(&self->kt, KH2_CMD_SESSION_GET, NULL, 0, count, &n));
	EXPECT_EQ(300, n);
	ASSERT_EQ(0, kt_send_preface(fds[0][1]));
	for (int i = 0; i < 100; i++)
		ASSERT_EQ(0, kt_send_get(fds[0][1], 2 * i + 1));
	for (int i = 0; i < 100; i++)
		ASSERT_TRUE(kt_await(&self->ch, KH2_EV_HEADERS, WAIT, NULL, NULL));
	n = 0;
	session.u32 = first;
	ASSERT_EQ(0, kt_netlink_dump(&self->kt, KH2_CMD_STREAM_GET, &session, 1, count, &n));
	EXPECT_EQ(100, n);
	for (int i = 0; i < 300; i++)
		close(fds[i][1]);
}

TEST_F(netlink, unknown_session_and_stream_are_refused)
{
	struct kt_attr id = A(ID, 0x7ffffffe);
	struct kt_attr stream[] = {
		{ .type = KH2_A_STREAM_SESSION_ID },
		{ .type = KH2_A_STREAM_ID, .u32 = 1 },
	};

	EXPECT_EQ(-ENOENT, kt_netlink_do(&self->kt, KH2_CMD_SESSION_GET, &id, 1, NULL));
	EXPECT_STREQ("no such session", self->kt.complaint);
	EXPECT_EQ(-ENOENT, kt_netlink_do(&self->kt, KH2_CMD_SESSION_CLOSE, &id, 1, NULL));
	id.u32 = 0;
	EXPECT_EQ(-ERANGE, kt_netlink_do(&self->kt, KH2_CMD_SESSION_GET, &id, 1, NULL));
	ASSERT_EQ(0, attach(self, NULL, 0));
	stream[0].u32 = kt_u32(&self->reply, KH2_A_SESSION_ID);
	EXPECT_EQ(-ENOENT, kt_netlink_do(&self->kt, KH2_CMD_STREAM_GET, stream, 2, NULL));
	EXPECT_STREQ("no such stream", self->kt.complaint);
	EXPECT_EQ(-ENOENT, kt_netlink_do(&self->kt, KH2_CMD_STREAM_RESET, stream, 2, NULL));
}

TEST_F(netlink, close_ping_goaway_and_reset_reach_the_peer)
{
	struct kh2_sqe seen = { .opcode = KH2_OP_RELEASE, .flags = KH2_SQE_SEEN, .stream = 1 };
	struct kt_frame f;
	struct kh2_event ev;
	struct kt_attr id[3], stream[3];

	ASSERT_EQ(0, attach(self, NULL, 0));
	id[0] = (struct kt_attr)A(ID, kt_u32(&self->reply, KH2_A_SESSION_ID));
	seen.session = id[0].u32;
	ASSERT_EQ(0, kt_send_preface(self->fds[1]));
	ASSERT_EQ(0, kt_send_get(self->fds[1], 1));
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_HEADERS, WAIT, NULL, NULL));

	id[1] = (struct kt_attr)BYTES(OPAQUE, "01234567", 8);
	ASSERT_EQ(0, kt_netlink_do(&self->kt, KH2_CMD_SESSION_PING, id, 2, NULL));
	ASSERT_EQ(1, kt_await_frame(self->fds[1], KT_PING, &f, WAIT));
	EXPECT_EQ(0, memcmp("01234567", f.payload, 8));

	stream[0] = (struct kt_attr){ .type = KH2_A_STREAM_SESSION_ID, .u32 = id[0].u32 };
	stream[1] = (struct kt_attr){ .type = KH2_A_STREAM_ID, .u32 = 1 };
	stream[2] = (struct kt_attr){ .type = KH2_A_STREAM_CODE, .u32 = 11 };
	ASSERT_EQ(0, kt_netlink_do(&self->kt, KH2_CMD_STREAM_RESET, stream, 3, NULL));
	/* The owner does not know of it when it answers. */
	ASSERT_EQ(1, kt_answer(&self->ch, id[0].u32, 1, 0));
	ASSERT_EQ(1, kt_await_frame(self->fds[1], KT_HEADERS, &f, WAIT));
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_RESET, WAIT, &ev, NULL));
	EXPECT_EQ(11, ev.code);
	EXPECT_EQ(-ENOENT, kt_netlink_do(&self->kt, KH2_CMD_STREAM_RESET, stream, 3, NULL));
	ASSERT_EQ(1, kt_submit(&self->ch, &seen));
	ASSERT_EQ(1, kt_await_frame(self->fds[1], KT_RST_STREAM, &f, WAIT));
	EXPECT_EQ(11, f.payload[3]);

	id[1] = (struct kt_attr)A(CODE, 7);
	id[2] = (struct kt_attr)A(LAST_ID, 99);
	ASSERT_EQ(0, kt_netlink_do(&self->kt, KH2_CMD_SESSION_GOAWAY, id, 3, NULL));
	ASSERT_EQ(1, kt_await_frame(self->fds[1], KT_GOAWAY, &f, WAIT));
	EXPECT_EQ(99, f.payload[3]);
	EXPECT_EQ(7, f.payload[7]);

	ASSERT_EQ(0, kt_netlink_do(&self->kt, KH2_CMD_SESSION_CLOSE, id, 1, NULL));
	ASSERT_EQ(1, kt_await_frame(self->fds[1], KT_GOAWAY, &f, WAIT));
}

TEST_F(netlink, eleventh_ping_and_eleventh_settings_are_refused)
{
	const struct kh2_limit_value limit = { .id = KH2_L_STREAMS, .value = 5 };
	const struct kh2_setting setting = { .id = 3, .value = 5 };
	struct kt_attr ping[2], set[3];
	struct kt_frame f;

	ASSERT_EQ(0, attach(self, NULL, 0));
	ping[0] = (struct kt_attr)A(ID, kt_u32(&self->reply, KH2_A_SESSION_ID));
	ping[1] = (struct kt_attr)BYTES(OPAQUE, "01234567", 8);
	set[0] = ping[0];
	set[1] = (struct kt_attr)BYTES(SETTINGS, &setting, sizeof(setting));
	set[2] = (struct kt_attr)BYTES(LIMITS, &limit, sizeof(limit));
	ASSERT_EQ(0, kt_send_preface(self->fds[1]));
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_SETTINGS, WAIT, NULL, NULL));
	for (int i = 0; i < 10; i++)
		ASSERT_EQ(0, kt_netlink_do(&self->kt, KH2_CMD_SESSION_PING, ping, 2, NULL));
	EXPECT_EQ(-EAGAIN, kt_netlink_do(&self->kt, KH2_CMD_SESSION_PING, ping, 2, NULL));
	EXPECT_STRNE("", self->kt.complaint);
	/* those of the attach are the first */
	for (int i = 0; i < 9; i++)
		ASSERT_EQ(0, kt_netlink_do(&self->kt, KH2_CMD_SESSION_SET, set, 2, NULL));
	EXPECT_EQ(-EAGAIN, kt_netlink_do(&self->kt, KH2_CMD_SESSION_SET, set, 2, NULL));
	EXPECT_STRNE("", self->kt.complaint);
	EXPECT_EQ(-EAGAIN, kt_netlink_do(&self->kt, KH2_CMD_SESSION_SET, set, 3, NULL));
	ASSERT_EQ(0, kt_netlink_do(&self->kt, KH2_CMD_SESSION_GET, set, 1, &self->reply));
	EXPECT_EQ(128, kt_limit(&self->reply, KH2_L_STREAMS));
	for (int i = 0; i < 10; i++)
		ASSERT_EQ(1, kt_await_frame(self->fds[1], KT_PING, &f, WAIT));
	/* each answer makes room for one */
	ASSERT_EQ(0, kt_send_frame(self->fds[1], KT_PING, KT_ACK, 0, "01234567", 8));
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_PING_ACK, WAIT, NULL, NULL));
	EXPECT_EQ(0, kt_netlink_do(&self->kt, KH2_CMD_SESSION_PING, ping, 2, NULL));
	EXPECT_EQ(-EAGAIN, kt_netlink_do(&self->kt, KH2_CMD_SESSION_PING, ping, 2, NULL));
	ASSERT_EQ(0, kt_send_frame(self->fds[1], KT_SETTINGS, KT_ACK, 0, NULL, 0));
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_SETTINGS_ACK, WAIT, NULL, NULL));
	EXPECT_EQ(0, kt_netlink_do(&self->kt, KH2_CMD_SESSION_SET, set, 2, NULL));
	EXPECT_EQ(-EAGAIN, kt_netlink_do(&self->kt, KH2_CMD_SESSION_SET, set, 2, NULL));
}

TEST_F(netlink, frames_larger_than_the_ring_holds_cannot_be_allowed)
{
	const struct kh2_limit_value limit = { .id = KH2_L_STREAMS, .value = 5 };
	struct kh2_setting setting = { .id = 5, .value = (1 << 24) - 1 };
	struct kt_attr attrs[3];

	ASSERT_EQ(0, attach(self, NULL, 0));
	attrs[0] = (struct kt_attr)A(ID, kt_u32(&self->reply, KH2_A_SESSION_ID));
	attrs[1] = (struct kt_attr)BYTES(SETTINGS, &setting, sizeof(setting));
	attrs[2] = (struct kt_attr)BYTES(LIMITS, &limit, sizeof(limit));
	EXPECT_EQ(-ENOSPC, kt_netlink_do(&self->kt, KH2_CMD_SESSION_SET, attrs, 3, NULL));
	EXPECT_STRNE("", self->kt.complaint);
	setting.value = 16385;
	EXPECT_EQ(0, kt_netlink_do(&self->kt, KH2_CMD_SESSION_SET, attrs, 3, NULL));
}

TEST_F(netlink, limits_and_settings_change)
{
	const struct kh2_limit_value limit = { .id = KH2_L_STREAMS, .value = 5 };
	const struct kh2_limit_value bad = { .id = KH2_L_STREAMS, .value = 0 };
	const struct kh2_setting setting = { .id = 3, .value = 5 };
	struct kt_attr attrs[3];
	struct kt_frame f;

	ASSERT_EQ(0, attach(self, NULL, 0));
	attrs[0] = (struct kt_attr)A(ID, kt_u32(&self->reply, KH2_A_SESSION_ID));
	attrs[1] = (struct kt_attr)BYTES(LIMITS, &bad, sizeof(bad));
	EXPECT_EQ(-ERANGE, kt_netlink_do(&self->kt, KH2_CMD_SESSION_SET, attrs, 2, NULL));
	attrs[1] = (struct kt_attr)BYTES(LIMITS, &limit, sizeof(limit));
	attrs[2] = (struct kt_attr)BYTES(SETTINGS, &setting, sizeof(setting));
	EXPECT_EQ(0, kt_netlink_do(&self->kt, KH2_CMD_SESSION_SET, attrs, 3, NULL));
	ASSERT_EQ(1, kt_await_frame(self->fds[1], KT_SETTINGS, &f, WAIT));
	ASSERT_EQ(1, kt_await_frame(self->fds[1], KT_SETTINGS, &f, WAIT));
	ASSERT_EQ(6, f.len);
	EXPECT_EQ(3, f.payload[1]);
	EXPECT_EQ(5, f.payload[5]);
	ASSERT_EQ(0, kt_netlink_do(&self->kt, KH2_CMD_SESSION_GET, attrs, 1, &self->reply));
	EXPECT_EQ(5, kt_limit(&self->reply, KH2_L_STREAMS));
}

/* Runs as another user, in another process. */
static int as_stranger(uint32_t session)
{
	static struct kt_netlink kt;
	struct kt_attr id = A(ID, session);
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		int get, end;

		if (setgid(65534) || setuid(65534) || kt_netlink_open(&kt))
			_exit(100);
		get = kt_netlink_do(&kt, KH2_CMD_SESSION_GET, &id, 1, NULL);
		end = kt_netlink_do(&kt, KH2_CMD_SESSION_CLOSE, &id, 1, NULL);
		_exit(get ? 101 : -end);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(netlink, strangers_may_look_and_not_touch)
{
	ASSERT_EQ(0, attach(self, NULL, 0));
	EXPECT_EQ(EPERM, as_stranger(kt_u32(&self->reply, KH2_A_SESSION_ID)));
}

TEST_F(netlink, administrators_may_close)
{
	struct kt_attr id;
	int status;
	pid_t pid;

	ASSERT_EQ(0, attach(self, NULL, 0));
	id = (struct kt_attr)A(ID, kt_u32(&self->reply, KH2_A_SESSION_ID));
	pid = fork();
	if (!pid) {
		struct kt_netlink kt;

		_exit(kt_netlink_open(&kt) ||
		      kt_netlink_do(&kt, KH2_CMD_SESSION_CLOSE, &id, 1, NULL));
	}
	waitpid(pid, &status, 0);
	EXPECT_EQ(0, status);
	close(self->fds[1]);
	self->fds[1] = -1;
	EXPECT_TRUE(kt_await(&self->ch, KH2_EV_GONE, WAIT, NULL, NULL));
}

TEST_F(netlink, other_namespaces_see_nothing_and_cannot_use_the_channel)
{
	struct kt_attr attrs[2];
	int status;
	pid_t pid;

	ASSERT_EQ(0, attach(self, NULL, 0));
	attrs[0] = (struct kt_attr)A(ID, kt_u32(&self->reply, KH2_A_SESSION_ID));
	pid = fork();
	if (!pid) {
		struct kt_netlink kt;
		int n = 0;

		if (unshare(CLONE_NEWNET) || kt_netlink_open(&kt))
			_exit(1);
		if (kt_netlink_dump(&kt, KH2_CMD_SESSION_GET, NULL, 0, count, &n) || n)
			_exit(2);
		if (kt_netlink_do(&kt, KH2_CMD_SESSION_GET, attrs, 1, NULL) != -ENOENT)
			_exit(3);
		attrs[0] = (struct kt_attr)A(CHANNEL_FD, self->ch.fd);
		attrs[1] = (struct kt_attr)A(SOCKET_FD, self->fds[1]);
		if (kt_netlink_do(&kt, KH2_CMD_SESSION_ATTACH, attrs, 2, NULL) != -EXDEV)
			_exit(4);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	EXPECT_EQ(0, status);
}

TEST_F(netlink, news_of_sessions_are_told)
{
	struct kt_netlink news;
	uint32_t id;
	int cmd;

	ASSERT_EQ(0, kt_netlink_open(&news));
	ASSERT_EQ(0, kt_netlink_join(&news));
	ASSERT_EQ(0, attach(self, NULL, 0));
	id = kt_u32(&self->reply, KH2_A_SESSION_ID);
	ASSERT_EQ(0, kt_netlink_next(&news, WAIT, &cmd, &self->reply));
	EXPECT_EQ(KH2_CMD_SESSION_NEW_NTF, cmd);
	EXPECT_EQ(id, kt_u32(&self->reply, KH2_A_SESSION_ID));
	/* Not a preface */
	ASSERT_EQ(0, kt_send(self->fds[1], "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27));
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_ERROR, WAIT, NULL, NULL));
	close(self->fds[1]);
	self->fds[1] = -1;
	ASSERT_EQ(0, kt_netlink_next(&news, WAIT, &cmd, &self->reply));
	EXPECT_EQ(KH2_CMD_SESSION_GONE_NTF, cmd);
	EXPECT_EQ(id, kt_u32(&self->reply, KH2_A_SESSION_ID));
	EXPECT_EQ(KH2_C_CONN_PREFACE_HTTP1, kt_u32(&self->reply, KH2_A_SESSION_REASON));
	EXPECT_EQ(1, kt_counter(&self->reply, KH2_A_SESSION_COUNTERS, KH2_C_CONN_PREFACE_HTTP1));
	kt_netlink_close(&news);
}

TEST_F(netlink, sums_count_sessions_that_are_gone)
{
	struct kt_reply *r = &self->reply;
	uint64_t before, after;

	ASSERT_EQ(0, kt_netlink_do(&self->kt, KH2_CMD_STATS_GET, NULL, 0, r));
	before = kt_counter(r, KH2_A_STATS_COUNTERS, KH2_C_RX_FRAME_SETTINGS);
	EXPECT_EQ(0, kt_u32(r, KH2_A_STATS_SESSIONS));
	EXPECT_EQ(1, kt_u32(r, KH2_A_STATS_CHANNELS));
	ASSERT_EQ(0, attach(self, NULL, 0));
	ASSERT_EQ(0, kt_send_preface(self->fds[1]));
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_SETTINGS, WAIT, NULL, NULL));
	ASSERT_EQ(0, kt_netlink_do(&self->kt, KH2_CMD_STATS_GET, NULL, 0, r));
	EXPECT_EQ(1, kt_u32(r, KH2_A_STATS_SESSIONS));
	EXPECT_EQ(before + 1, kt_counter(r, KH2_A_STATS_COUNTERS, KH2_C_RX_FRAME_SETTINGS));
	close(self->fds[1]);
	self->fds[1] = -1;
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_GONE, WAIT, NULL, NULL));
	ASSERT_EQ(0, kt_netlink_do(&self->kt, KH2_CMD_STATS_GET, NULL, 0, r));
	after = kt_counter(r, KH2_A_STATS_COUNTERS, KH2_C_RX_FRAME_SETTINGS);
	EXPECT_EQ(before + 1, after);
	EXPECT_EQ(0, kt_u32(r, KH2_A_STATS_SESSIONS));
}

KT_HARNESS_MAIN
