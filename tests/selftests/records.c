// SPDX-License-Identifier: GPL-2.0
/* TLS records that the engine never sees: of other types than data, and of no octets. */
#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "channel.h"
#include "peer.h"
#include "netlink.h"
#include "seal.h"
#include <linux/kh2_counters.h>

#define FLIGHT (4 << 20)

/* Octets as they go over the wire, made beforehand: so to send them costs next to nothing. */
struct flight {
	int fd;
	size_t n;
	uint8_t octets[FLIGHT + 4096];
};

FIXTURE(records)
{
	struct kt_netlink kt;
	struct kt_channel ch;
	int fds[2];
};

FIXTURE_SETUP(records)
{
	ASSERT_EQ(0, kt_netlink_open(&self->kt));
	ASSERT_EQ(0, kt_channel_open(&self->ch, &self->kt, 0, 0, 0));
	ASSERT_EQ(0, kt_pair(self->fds, true));
	ASSERT_EQ(0, kt_attach(&self->kt, &self->ch, self->fds[0], NULL));
	close(self->fds[0]);
}

FIXTURE_TEARDOWN(records)
{
	close(self->fds[1]);
	kt_channel_close(&self->ch);
	kt_netlink_close(&self->kt);
}

TEST_F(records, close_notify_is_an_orderly_end)
{
	static const uint8_t alert[] = { 1, 0 };
	struct kh2_event ev;

	ASSERT_EQ(0, kt_send_preface(self->fds[1]));
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_SETTINGS, WAIT, &ev, NULL));
	ASSERT_EQ(0, kt_send_record(self->fds[1], 21, alert, sizeof(alert)));
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_GONE, WAIT, &ev, NULL));
	EXPECT_EQ(0, ev.code);
}

/* The session ends with an error, whose counter is @why. */
static void expect_error(struct __test_metadata *_metadata, struct kt_channel *ch, uint32_t why)
{
	struct kh2_event ev;

	ASSERT_TRUE(kt_await(ch, KH2_EV_ERROR, WAIT, &ev, NULL));
	EXPECT_EQ(why, ev.arg);
	EXPECT_TRUE(kt_await(ch, KH2_EV_GONE, WAIT, &ev, NULL));
}

TEST_F(records, alert_ends_the_session)
{
	static const uint8_t alert[] = { 2, 40 };

	ASSERT_EQ(0, kt_send_preface(self->fds[1]));
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_SETTINGS, WAIT, NULL, NULL));
	ASSERT_EQ(0, kt_send_record(self->fds[1], 21, alert, sizeof(alert)));
	expect_error(_metadata, &self->ch, KH2_C_TLS_ALERT);
}

TEST_F(records, key_update_ends_the_session_with_its_reason)
{
	static const uint8_t update[] = { 24, 0, 0, 1, 0 };

	ASSERT_EQ(0, kt_send_preface(self->fds[1]));
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_SETTINGS, WAIT, NULL, NULL));
	ASSERT_EQ(0, kt_send_record(self->fds[1], 22, update, sizeof(update)));
	expect_error(_metadata, &self->ch, KH2_C_TLS_KEY_UPDATE);
}

TEST_F(records, tickets_are_skipped_by_clients)
{
	static const uint8_t ticket[300] = { 4, 0, 1, 0x28 };
	struct kt_attr attrs[] = {
		{ .type = KH2_A_SESSION_CHANNEL_FD, .u32 = self->ch.fd },
		{ .type = KH2_A_SESSION_SOCKET_FD },
		{ .type = KH2_A_SESSION_ROLE, .u32 = KH2_ROLE_CLIENT },
	};
	int fds[2];

	ASSERT_EQ(0, kt_pair(fds, true));
	attrs[1].u32 = fds[0];
	ASSERT_EQ(0, kt_netlink_do(&self->kt, KH2_CMD_SESSION_ATTACH, attrs, 3, NULL));
	close(fds[0]);
	/* One in two records, then two in one. */
	ASSERT_EQ(0, kt_send_record(fds[1], 22, ticket, 150));
	ASSERT_EQ(0, kt_send_record(fds[1], 22, ticket + 150, 150));
	ASSERT_EQ(0, kt_send_record(fds[1], 22, "\4\0\0\1x\4\0\0\2xx", 11));
	ASSERT_EQ(0, kt_send_frame(fds[1], KT_SETTINGS, 0, 0, NULL, 0));
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_SETTINGS, WAIT, NULL, NULL));
	close(fds[1]);
}

TEST_F(records, ticket_to_a_server_ends_the_session)
{
	static const uint8_t ticket[5] = { 4, 0, 0, 1 };

	ASSERT_EQ(0, kt_send_record(self->fds[1], 22, ticket, sizeof(ticket)));
	expect_error(_metadata, &self->ch, KH2_C_TLS_RECORD);
}

/* A connection whose other end seals by hand. */
FIXTURE(sealed)
{
	struct kt_netlink kt;
	struct kt_channel ch;
	struct kt_sealer sealer;
	int fds[2];
};

FIXTURE_SETUP(sealed)
{
	ASSERT_EQ(0, kt_netlink_open(&self->kt));
	ASSERT_EQ(0, kt_channel_open(&self->ch, &self->kt, 0, 0, 0));
	ASSERT_EQ(0, kt_sealer_open(&self->sealer));
	ASSERT_EQ(0, kt_pair(self->fds, false));
	ASSERT_EQ(0, kt_set_tls(self->fds[0]));
	ASSERT_EQ(0, kt_attach(&self->kt, &self->ch, self->fds[0], NULL));
	close(self->fds[0]);
}

FIXTURE_TEARDOWN(sealed)
{
	close(self->fds[1]);
	kt_sealer_close(&self->sealer);
	kt_channel_close(&self->ch);
	kt_netlink_close(&self->kt);
}

/* Appends a record to a flight. */
static void add(struct flight *to, struct kt_sealer *sealer, const void *data, size_t n)
{
	to->n += kt_seal(sealer, to->octets + to->n, data, n);
}

static void add_empty(struct flight *to, struct kt_sealer *sealer, int n)
{
	while (n--)
		add(to, sealer, "", 0);
}

static void *send_flight(void *arg)
{
	const struct flight *flight = arg;

	/* Fails once the other end has had enough. */
	kt_send(flight->fd, flight->octets, flight->n);
	return NULL;
}

TEST_F(sealed, records_without_octets_end_the_session_in_the_end)
{
	static struct flight flight;
	struct kh2_event ev;
	pthread_t sender;

	flight.fd = self->fds[1];
	add_empty(&flight, &self->sealer, FLIGHT / KT_SEAL_OVERHEAD);
	ASSERT_EQ(0, pthread_create(&sender, NULL, send_flight, &flight));
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_ERROR, WAIT, &ev, NULL));
	EXPECT_EQ(KH2_C_TLS_EMPTY, ev.arg);
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_GONE, WAIT, &ev, NULL));
	EXPECT_EQ(EPROTO, ev.code);
	pthread_join(sender, NULL);
}

TEST_F(sealed, urgent_data_ends_the_session)
{
	struct kh2_event ev;

	ASSERT_EQ(1, send(self->fds[1], "x", 1, MSG_OOB));
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_GONE, WAIT, &ev, NULL));
	EXPECT_EQ(EPROTO, ev.code);
}

TEST_F(sealed, records_without_octets_do_no_harm_among_others)
{
	static const uint8_t preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
	static const uint8_t window[] = { 0, 0, 4, KT_WINDOW, 0, 0, 0, 0, 0, 0, 0, 0, 1 };
	static const uint8_t ping[] = { 0, 0, 8, KT_PING, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8 };
	static struct flight flight;
	struct kh2_event ev;

	add(&flight, &self->sealer, preface, sizeof(preface) - 1);
	/* More in all than may follow one another. */
	for (int i = 0; i < 4; i++) {
		add_empty(&flight, &self->sealer, 1000);
		add(&flight, &self->sealer, window, sizeof(window));
	}
	add(&flight, &self->sealer, ping, sizeof(ping));
	ASSERT_EQ(0, kt_send(self->fds[1], flight.octets, flight.n));
	ASSERT_TRUE(kt_await(&self->ch, KH2_EV_PING, WAIT, &ev, NULL));
}

KT_HARNESS_MAIN
