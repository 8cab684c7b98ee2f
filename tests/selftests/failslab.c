// SPDX-License-Identifier: GPL-2.0
/*
 * Each allocation that a call of the owner makes fails once, the first, the second, and so on until
 * the call makes no more. Each time the call succeeds or says why not, the connection goes on or
 * ends, what arrives is right, another session notices nothing, and nothing stays behind.
 *
 * kh2_fault.ko has the calls fail that kh2.ko makes, in this thread, in workers and elsewhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"
#include "channel.h"
#include "netlink.h"
#include "peer.h"
#include <linux/kh2_limits.h>

/* More than any scene has. */
#define MANY 4000

#define BODY (200 << 10)
#define FIRST_SPARE_FD 200

FIXTURE(failslab)
{
	struct kt_netlink kt;		/* of the healthy session */
	struct kt_channel healthy;
	int healthy_fds[2];
	int nth;
	int body;
};

FIXTURE_VARIANT(failslab)
{
	bool tls;
};

FIXTURE_VARIANT_ADD(failslab, tcp) { .tls = false };
FIXTURE_VARIANT_ADD(failslab, tls) { .tls = true };

/* What one attempt works on; made without faults, but for what the scene itself makes */
struct stage {
	struct kt_netlink kt;
	struct kt_channel ch;
	int fds[2];
	uint32_t session;
	int refused;
	struct kt_frame f;
};

typedef void (*scene_fn)(struct stage *st);

static uint8_t octet(size_t at)
{
	return at * 31 >> 3;
}

static int make_body(void)
{
	static uint8_t buf[BODY];
	int fd = memfd_create("body", MFD_CLOEXEC);

	for (size_t i = 0; i < BODY; i++)
		buf[i] = octet(i);
	return write(fd, buf, BODY) == BODY ? fd : -1;
}

static bool load_module(void)
{
	return !system("$KH2_SRC/tests/selftests/fault/load");
}

static void unload_module(void)
{
	if (system("rmmod kh2_fault"))
		abort();
}

static int sessions(struct kt_netlink *kt)
{
	static struct kt_reply reply;
	int err = kt_netlink_do(kt, KH2_CMD_STATS_GET, NULL, 0, &reply);

	return err ?: (int)kt_u32(&reply, KH2_A_STATS_SESSIONS);
}

static bool healthy(struct _test_data_failslab *self)
{
	static struct kt_frame f;

	while (kt_event(&self->healthy, 0))
		kt_done(&self->healthy);
	return !kt_send_frame(self->healthy_fds[1], KT_PING, 0, 0, "01234567", 8) &&
	       kt_await_frame(self->healthy_fds[1], KT_PING, &f, WAIT) == 1 &&
	       f.flags & KT_ACK && sessions(&self->kt) == 1;
}

FIXTURE_SETUP(failslab)
{
	ASSERT_TRUE(load_module());
	self->nth = open("/sys/module/kh2_fault/parameters/nth", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->nth);
	self->body = make_body();
	ASSERT_LE(0, self->body);
	ASSERT_EQ(0, kt_netlink_open(&self->kt));
	ASSERT_EQ(0, kt_channel_open(&self->healthy, &self->kt, 0, 0, 0));
	ASSERT_EQ(0, kt_pair(self->healthy_fds, variant->tls));
	ASSERT_EQ(0, kt_attach(&self->kt, &self->healthy, self->healthy_fds[0], NULL));
	ASSERT_EQ(0, kt_send_preface(self->healthy_fds[1]));
	ASSERT_EQ(0, kt_send_frame(self->healthy_fds[1], KT_SETTINGS, KT_ACK, 0, NULL, 0));
	/* Its work is done: no fault is to meet it. */
	ASSERT_TRUE(healthy(self));
}

FIXTURE_TEARDOWN(failslab)
{
	close(self->nth);
	close(self->healthy_fds[0]);
	close(self->healthy_fds[1]);
	kt_channel_close(&self->healthy);
	kt_netlink_close(&self->kt);
	unload_module();
}

static void arm(int nth, int n)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", n);
	if (pwrite(nth, text, strlen(text), 0) < 0)
		abort();
}

/* Whether one has failed: the count has come to 0 then. */
static bool disarm(int nth)
{
	char text[16] = "";

	if (pread(nth, text, sizeof(text) - 1, 0) < 0)
		abort();
	arm(nth, 0);
	return !atoi(text);
}

static int attach(struct stage *st)
{
	static const struct kh2_setting settings[] = { { .id = 3, .value = 10 } };
	static const struct kh2_limit_value limit = { .id = KH2_L_STREAMS, .value = 10 };
	static const uint8_t early[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";
	const struct kt_attr attrs[] = {
		{ .type = KH2_A_SESSION_CHANNEL_FD, .u32 = st->ch.fd },
		{ .type = KH2_A_SESSION_SOCKET_FD, .u32 = st->fds[0] },
		{ .type = KH2_A_SESSION_SETTINGS, .data = settings, .n = sizeof(settings) },
		{ .type = KH2_A_SESSION_LIMITS, .data = &limit, .n = sizeof(limit) },
		{ .type = KH2_A_SESSION_EARLY, .data = early, .n = sizeof(early) },
	};
	static struct kt_reply reply;
	int err = kt_netlink_do(&st->kt, KH2_CMD_SESSION_ATTACH, attrs, 5, &reply);

	if (!err)
		st->session = kt_u32(&reply, KH2_A_SESSION_ID);
	return err;
}

static void drain_events(struct stage *st, int timeout_ms)
{
	while (kt_event(&st->ch, timeout_ms))
		kt_done(&st->ch);
}

static int set_stage(struct stage *st, bool tls)
{
	memset(st, 0, sizeof(*st));
	return kt_netlink_open(&st->kt) ?: kt_pair(st->fds, tls);
}

static void nothing(struct stage *st)
{
}

static void begin(struct stage *st)
{
	if (kt_channel_open(&st->ch, &st->kt, 0, 0, 0) || attach(st))
		abort();
	drain_events(st, 0);
}

static void clear_stage(struct stage *st)
{
	if (st->ch.fd > 0)
		kt_channel_close(&st->ch);
	kt_netlink_close(&st->kt);
	close(st->fds[0]);
	close(st->fds[1]);
	/* Channels whose number was lost with the answer that told it */
	close_range(FIRST_SPARE_FD, ~0U, 0);
}

/* From here on new descriptors are spare ones, which clear_stage() closes whoever has lost them. */
static void use_spare_fds(void)
{
	int fd = 0;

	while (fd >= 0 && fd < FIRST_SPARE_FD - 1)
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* @before and @after are without faults. */
static void run(struct __test_metadata *_metadata, struct _test_data_failslab *self, bool tls,
		scene_fn before, scene_fn scene, scene_fn after)
{
	struct stage st;
	int n;

	use_spare_fds();
	for (n = 1; n < MANY; n++) {
		bool hit;

		ASSERT_EQ(0, set_stage(&st, tls));
		before(&st);
		arm(self->nth, n);
		scene(&st);
		hit = disarm(self->nth);
		after(&st);
		clear_stage(&st);
		ASSERT_TRUE(healthy(self)) {
			TH_LOG("after fault %d, %d sessions", n, sessions(&self->kt));
		}
		if (!hit)
			break;
	}
	EXPECT_LT(1, n);
	EXPECT_GT(MANY, n);
	TH_LOG("%d faults", n - 1);
}

static void make_channel(struct stage *st)
{
	if (kt_channel_open(&st->ch, &st->kt, 8, 1 << 16, 1 << 16) < 0)
		kt_channel_close(&st->ch);
}

TEST_F_TIMEOUT(failslab, making_a_channel, 120)
{
	run(_metadata, self, variant->tls, nothing, make_channel, nothing);
}

static void make_session(struct stage *st)
{
	/* for header blocks of the usual limit the event ring may not be smaller */
	if (kt_channel_open(&st->ch, &st->kt, 8, 1 << 18, 1 << 16) < 0)
		return;
	st->refused = attach(st);
	kt_enter(&st->ch, 0);
}

/* Who is told that there is no session has none; but whose answer is lost on its way may have. */
static void no_session(struct stage *st)
{
	if (st->refused && sessions(&st->kt) != 1)
		abort();
}

TEST_F_TIMEOUT(failslab, attaching, 300)
{
	run(_metadata, self, variant->tls, nothing, make_session, no_session);
}

/* A block in three frames, DATA, and frames that are answered. */
static void *speak(void *arg)
{
	static const uint8_t block[3000] = { 0x82, 0x86, 0x84 };
	static const uint8_t setting[6] = { 0, 1, 0, 0, 0x10, 0 };
	static uint8_t data[20000];
	struct stage *st = arg;
	int fd = st->fds[1];

	kt_send_frame(fd, KT_SETTINGS, 0, 0, setting, sizeof(setting));
	kt_send_frame(fd, KT_HEADERS, 0, 1, block, 3);
	kt_send_frame(fd, 9, 0, 1, block + 3, 1000);
	kt_send_frame(fd, 9, KT_END_HEADERS, 1, block + 1003, 1500);
	kt_send_frame(fd, KT_DATA, KT_END_STREAM, 1, data, 16384);
	kt_send_get(fd, 3);
	kt_send_frame(fd, KT_PING, 0, 0, "01234567", 8);
	kt_send_get(fd, 5);
	kt_send_frame(fd, KT_RST_STREAM, 0, 5, "\0\0\0\10", 4);
	kt_send_window(fd, 0, 1000);
	return NULL;
}

/* The owner receives; what the peer sends it sends in a thread of its own, without faults. */
static void receive(struct stage *st)
{
	pthread_t peer;

	if (pthread_create(&peer, NULL, speak, st))
		return;
	drain_events(st, 20);
	pthread_join(peer, NULL);
	drain_events(st, 5);
}

TEST_F_TIMEOUT(failslab, receiving, 600)
{
	run(_metadata, self, variant->tls, begin, receive, nothing);
}

static void push(struct stage *st, uint8_t op, uint8_t flags, uint32_t stream, uint64_t addr,
		 uint64_t len, int fd)
{
	const struct kh2_sqe sqe = {
		.opcode = op, .flags = flags, .session = st->session, .stream = stream,
		.addr = addr, .len = len, .fd = fd,
	};

	kt_push(&st->ch, &sqe);
}

static int body_fd;

/* Answers by a file, by octets that are lent and by octets that are copied, and all else. */
static void answer(struct stage *st)
{
	static const struct kh2_setting setting = { .id = 3, .value = 20 };

	st->ch.tx[0] = 0x88;
	for (size_t i = 0; i < 30000; i++)
		st->ch.tx[4096 + i] = octet(i);
	memcpy(st->ch.tx + 64, &setting, sizeof(setting));
	push(st, KH2_OP_HEADERS, 0, 1, 0, 1, 0);
	push(st, KH2_OP_FILE, KH2_SQE_END_STREAM, 1, 0, BODY, body_fd);
	push(st, KH2_OP_HEADERS, 0, 3, 0, 1, 0);
	push(st, KH2_OP_DATA, KH2_SQE_END_STREAM, 3, 4096, 30000, 0);
	push(st, KH2_OP_HEADERS, 0, 5, 0, 1, 0);
	push(st, KH2_OP_DATA, KH2_SQE_COPY, 5, 4096, 10000, 0);
	push(st, KH2_OP_DATA, KH2_SQE_COPY, 5, 4096 + 10000, 10000, 0);
	push(st, KH2_OP_DATA, KH2_SQE_END_STREAM | KH2_SQE_COPY, 5, 4096 + 20000, 10000, 0);
	push(st, KH2_OP_SETTINGS, 0, 0, 64, sizeof(setting), 0);
	push(st, KH2_OP_PING, 0, 0, 0, 0, 0);
	push(st, KH2_OP_RST, 0, 7, 0, 0, 0);
	push(st, KH2_OP_SHUTDOWN, 0, 0, 0, 0, 0);
	for (int i = 0; i < 3 && kt_enter(&st->ch, 16); i++)
		;
}

/* Requests are there before the faults are. */
static void ask(struct stage *st)
{
	begin(st);
	kt_send_window(st->fds[1], 0, 1 << 20);
	for (uint32_t id = 1; id <= 7; id += 2) {
		kt_send_get(st->fds[1], id);
		kt_send_window(st->fds[1], id, 1 << 20);
	}
	for (int i = 0; i < 4; i++)
		kt_await(&st->ch, KH2_EV_HEADERS, WAIT, NULL, NULL);
}

/* Reads all that came, until the end of the connection, and looks at each octet of a body. */
static void read_answers(struct stage *st)
{
	static const size_t whole[8] = { [1] = BODY, [3] = 30000, [5] = 30000 };
	size_t at[8] = {};

	close(st->fds[0]);
	st->fds[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	while (kt_recv_frame(st->fds[1], &st->f, 300 * kt_slow()) == 1) {
		drain_events(st, 0);
		if (st->f.type != KT_DATA)
			continue;
		if (st->f.stream > 7)
			abort();
		for (uint32_t i = 0; i < st->f.len; i++)
			if (st->f.payload[i] != octet(at[st->f.stream]++))
				abort();
		if (st->f.flags & KT_END_STREAM && at[st->f.stream] != whole[st->f.stream])
			abort();
	}
}

TEST_F_TIMEOUT(failslab, sending, 900)
{
	body_fd = self->body;
	run(_metadata, self, variant->tls, ask, answer, read_answers);
}

static void ignore(const struct kt_reply *reply, void *arg)
{
}

/* Every request about a session that there is, its end last. */
static void govern(struct stage *st)
{
	static const struct kh2_limit_value limit = { .id = KH2_L_STREAMS, .value = 20 };
	static const struct kh2_setting setting = { .id = 3, .value = 20 };
	const struct kt_attr attrs[] = {
		{ .type = KH2_A_SESSION_ID, .u32 = st->session },
		{ .type = KH2_A_SESSION_LIMITS, .data = &limit, .n = sizeof(limit) },
		{ .type = KH2_A_SESSION_SETTINGS, .data = &setting, .n = sizeof(setting) },
	};
	const struct kt_attr streams = { .type = KH2_A_STREAM_SESSION_ID, .u32 = st->session };

	kt_netlink_join(&st->kt);
	kt_netlink_do(&st->kt, KH2_CMD_SESSION_GET, attrs, 1, NULL);
	kt_netlink_dump(&st->kt, KH2_CMD_SESSION_GET, NULL, 0, ignore, NULL);
	kt_netlink_dump(&st->kt, KH2_CMD_STREAM_GET, &streams, 1, ignore, NULL);
	kt_netlink_do(&st->kt, KH2_CMD_STATS_GET, NULL, 0, NULL);
	kt_netlink_do(&st->kt, KH2_CMD_SESSION_SET, attrs, 3, NULL);
	kt_netlink_do(&st->kt, KH2_CMD_SESSION_PING, attrs, 1, NULL);
	kt_netlink_do(&st->kt, KH2_CMD_SESSION_GOAWAY, attrs, 1, NULL);
	kt_netlink_do(&st->kt, KH2_CMD_SESSION_CLOSE, attrs, 1, NULL);
}

TEST_F_TIMEOUT(failslab, governing_by_netlink, 300)
{
	run(_metadata, self, variant->tls, begin, govern, nothing);
}

KT_HARNESS_MAIN
