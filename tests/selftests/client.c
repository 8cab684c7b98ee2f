// SPDX-License-Identifier: GPL-2.0
/* A client on a channel, a server by hand: requests, promises, GOAWAY, the server's limit. */
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "channel.h"
#include "netlink.h"
#include "peer.h"
#include <linux/kh2_counters.h>
#include <linux/kh2_limits.h>

#define PUSH_PROMISE	0x5
#define REFUSED_STREAM	0x7

FIXTURE(client)
{
	struct kt_netlink kt;
	struct kt_channel ch;
	int fds[2];
	uint32_t session;
	struct kt_frame f;
};

FIXTURE_VARIANT(client)
{
	bool tls;
};

FIXTURE_VARIANT_ADD(client, tcp) { .tls = false };
FIXTURE_VARIANT_ADD(client, tls) { .tls = true };

static int attach(struct _test_data_client *self)
{
	static const struct kh2_limit_value two = { .id = KH2_L_PEER_STREAMS, .value = 2 };
	const struct kt_attr attrs[] = {
		{ .type = KH2_A_SESSION_CHANNEL_FD, .u32 = self->ch.fd },
		{ .type = KH2_A_SESSION_SOCKET_FD, .u32 = self->fds[0] },
		{ .type = KH2_A_SESSION_ROLE, .u32 = KH2_ROLE_CLIENT },
		{ .type = KH2_A_SESSION_LIMITS, .data = &two, .n = sizeof(two) },
	};
	static struct kt_reply reply;
	int err = kt_netlink_do(&self->kt, KH2_CMD_SESSION_ATTACH, attrs, 4, &reply);

	if (!err)
		self->session = kt_u32(&reply, KH2_A_SESSION_ID);
	return err;
}

FIXTURE_SETUP(client)
{
	char preface[24];

	ASSERT_EQ(0, kt_netlink_open(&self->kt));
	ASSERT_EQ(0, kt_channel_open(&self->ch, &self->kt, 0, 0, 0));
	ASSERT_EQ(0, kt_pair(self->fds, variant->tls));
	ASSERT_EQ(0, attach(self)) {
		TH_LOG("%s", self->kt.complaint);
	}
	close(self->fds[0]);
	ASSERT_EQ(24, recv(self->fds[1], preface, 24, MSG_WAITALL));
	ASSERT_EQ(0, memcmp("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", preface, 24));
}

FIXTURE_TEARDOWN(client)
{
	close(self->fds[1]);
	kt_channel_close(&self->ch);
	kt_netlink_close(&self->kt);
}

static void greet(struct __test_metadata *_metadata, struct _test_data_client *self)
{
	ASSERT_EQ(0, kt_send_frame(self->fds[1], KT_SETTINGS, 0, 0, NULL, 0));
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_SETTINGS, WAIT, NULL, NULL));
}

static void submit(struct __test_metadata *_metadata, struct _test_data_client *self,
		   struct kh2_sqe sqe)
{
	sqe.session = self->session;
	ASSERT_EQ(1, kt_submit(&self->ch, &sqe));
}

/* GET / */
static void ask(struct __test_metadata *_metadata, struct _test_data_client *self, uint32_t stream)
{
	memcpy(self->ch.tx, "\x82\x86\x84", 3);
	submit(_metadata, self, (struct kh2_sqe){
		.opcode = KH2_OP_HEADERS, .flags = KH2_SQE_END_STREAM, .stream = stream, .len = 3,
	});
}

static void asked(struct __test_metadata *_metadata, struct _test_data_client *self,
		  uint32_t stream)
{
	ASSERT_EQ(1, kt_await_frame(self->fds[1], KT_HEADERS, &self->f, WAIT));
	EXPECT_EQ(stream, self->f.stream);
	EXPECT_EQ(KT_END_STREAM | KT_END_HEADERS, self->f.flags);
	EXPECT_EQ(3, self->f.len);
}

static void answer(struct __test_metadata *_metadata, struct _test_data_client *self,
		   uint32_t stream)
{
	ASSERT_EQ(0, kt_send_frame(self->fds[1], KT_HEADERS, KT_END_HEADERS, stream, "\x88", 1));
	ASSERT_EQ(0, kt_send_frame(self->fds[1], KT_DATA, KT_END_STREAM, stream, "hello", 5));
}

static void answered(struct __test_metadata *_metadata, struct _test_data_client *self,
		     uint32_t stream)
{
	uint8_t payload[65536];
	struct kh2_event ev;

	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_HEADERS, WAIT, &ev, payload));
	EXPECT_EQ(stream, ev.stream);
	EXPECT_EQ(0, ev.flags);
	EXPECT_EQ(0x88, payload[0]);
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_DATA, WAIT, &ev, payload));
	EXPECT_EQ(stream, ev.stream);
	EXPECT_EQ(KH2_EVF_END_STREAM, ev.flags);
	ASSERT_EQ(5, ev.len);
	EXPECT_EQ(0, memcmp("hello", payload, 5));
}

TEST_F(client, request_is_sent_and_its_answer_told)
{
	struct kh2_event ev;

	greet(_metadata, self);
	ask(_metadata, self, 1);
	asked(_metadata, self, 1);
	answer(_metadata, self, 1);
	answered(_metadata, self, 1);
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_CLOSED, WAIT, &ev, NULL));
	EXPECT_EQ(1, ev.stream);
	EXPECT_EQ(0, ev.code);
}

TEST_F(client, promise_is_told_and_taken_or_refused)
{
	struct kh2_event ev;

	greet(_metadata, self);
	ask(_metadata, self, 1);
	asked(_metadata, self, 1);
	for (int id = 2; id < 6; id += 2) {
		const uint8_t promise[] = { 0, 0, 0, id, 0x82, 0x86, 0x84 };

		ASSERT_EQ(0, kt_send_frame(self->fds[1], PUSH_PROMISE, KT_END_HEADERS, 1, promise,
					   sizeof(promise)));
		ASSERT_TRUE(kt_await(&self->ch, KH2_EV_PUSH_PROMISE, WAIT, &ev, NULL));
		EXPECT_EQ(1, ev.stream);
		EXPECT_EQ(id, ev.code);
	}
	submit(_metadata, self, (struct kh2_sqe){
		.opcode = KH2_OP_RST, .stream = 2, .code = REFUSED_STREAM,
	});
	ASSERT_EQ(1, kt_await_frame(self->fds[1], KT_RST_STREAM, &self->f, WAIT));
	EXPECT_EQ(2, self->f.stream);
	EXPECT_EQ(REFUSED_STREAM, self->f.payload[3]);
	answer(_metadata, self, 4);
	answered(_metadata, self, 4);
}

TEST_F(client, goaway_tells_which_requests_may_be_tried_again)
{
	struct kh2_event ev;

	greet(_metadata, self);
	ask(_metadata, self, 1);
	ask(_metadata, self, 3);
	asked(_metadata, self, 1);
	asked(_metadata, self, 3);
	ASSERT_EQ(0, kt_send_frame(self->fds[1], KT_GOAWAY, 0, 0, "\0\0\0\1\0\0\0\0", 8));
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_GOAWAY, WAIT, &ev, NULL));
	EXPECT_EQ(1, ev.stream);
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_RESET, WAIT, &ev, NULL));
	EXPECT_EQ(3, ev.stream);
	EXPECT_EQ(0, ev.flags);
	EXPECT_EQ(REFUSED_STREAM, ev.code);
	EXPECT_EQ(KH2_C_REFUSED_SHUTDOWN, ev.arg);
	answer(_metadata, self, 1);
	answered(_metadata, self, 1);
}

TEST_F(client, owner_that_goes_beyond_the_servers_limit_loses_its_session)
{
	struct kh2_event ev;

	/* no SETTINGS yet: two, says the limit of the fixture */
	ask(_metadata, self, 1);
	ask(_metadata, self, 3);
	asked(_metadata, self, 1);
	asked(_metadata, self, 3);
	ask(_metadata, self, 5);
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_ERROR, WAIT, &ev, NULL));
	EXPECT_EQ(KH2_C_CONN_ABI, ev.arg);
	ASSERT_EQ(1, kt_await_frame(self->fds[1], KT_GOAWAY, &self->f, WAIT));
	close(self->fds[1]);
	self->fds[1] = -1;
	EXPECT_TRUE(kt_await(&self->ch, KH2_EV_GONE, WAIT, NULL, NULL));
}

TEST_F(client, lower_limit_is_acknowledged_by_the_owner)
{
	struct kh2_event ev;

	greet(_metadata, self);
	ask(_metadata, self, 1);
	ASSERT_EQ(0, kt_send_frame(self->fds[1], KT_SETTINGS, 0, 0, "\0\3\0\0\0\1", 6));
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_SETTINGS, WAIT, &ev, NULL));
	EXPECT_EQ(KH2_EVF_ACK_WANTED, ev.flags);
	ask(_metadata, self, 3);
	submit(_metadata, self, (struct kh2_sqe){ .opcode = KH2_OP_SETTINGS_ACK });
	asked(_metadata, self, 1);
	asked(_metadata, self, 3);
	ASSERT_EQ(1, kt_await_frame(self->fds[1], KT_SETTINGS, &self->f, WAIT));
	EXPECT_EQ(KT_ACK, self->f.flags);
}

KT_HARNESS_MAIN
