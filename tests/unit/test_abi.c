// SPDX-License-Identifier: GPL-2.0 OR MIT
/* What the owner may not do: refused or the connection fails, never more than that. */
#include "home.h"

/* Refused, or the session is failed for it */
static void bad(struct home *h, struct kh2_sqe sqe, const void *payload)
{
	int rc = submit(h, &sqe, payload);

	if (rc >= 0 && kh2e_phase(h->e) != KH2E_DONE)
		FAIL("opcode %u flags 0x%x stream %u was taken", sqe.opcode, sqe.flags, sqe.stream);
	if (kh2e_phase(h->e) == KH2E_DONE)
		EQ(counter(h, KH2_C_CONN_ABI), 1);
	home_free(h);
}

/* A server with stream 1 open, answered by no one */
static struct home *stage(void)
{
	struct home *h = home_server();

	feed_headers(h, 1, KH2_FLAG_END_STREAM);
	forget(h);
	return h;
}

#define BAD(name, pay, ...)							\
TEST(abi_##name)								\
{										\
	bad(stage(), (struct kh2_sqe){ __VA_ARGS__ }, pay);			\
}

BAD(unknown_opcode, NULL, .opcode = __KH2_OP_END)
BAD(opcode_255, NULL, .opcode = 255)
BAD(unknown_flag, NULL, .opcode = KH2_OP_RST, .stream = 1, .flags = 0x80)
BAD(flag_of_another_opcode, NULL, .opcode = KH2_OP_RST, .stream = 1, .flags = KH2_SQE_STAMP)
BAD(reserved0, NULL, .opcode = KH2_OP_RST, .stream = 1, .__reserved0 = 1)
BAD(reserved1, NULL, .opcode = KH2_OP_RST, .stream = 1, .__reserved1 = 1)
BAD(headers_on_stream_zero, "\x88", .opcode = KH2_OP_HEADERS, .len = 1)
BAD(headers_on_idle_stream, "\x88", .opcode = KH2_OP_HEADERS, .stream = 3, .len = 1)
BAD(headers_on_own_idle_stream, "\x88", .opcode = KH2_OP_HEADERS, .stream = 2, .len = 1)
BAD(headers_on_id_too_large, "\x88", .opcode = KH2_OP_HEADERS, .stream = 0x80000001, .len = 1)
#define ANY_HEADERS	.opcode = KH2_OP_HEADERS, .stream = 1, .len = 1
#define PRIO_HEADERS	ANY_HEADERS, .flags = KH2_SQE_PRIORITY
BAD(headers_with_a_weight_and_no_flag, "\x88", ANY_HEADERS, .code = 16)
BAD(headers_with_a_parent_and_no_flag, "\x88", ANY_HEADERS, .value = 3)
BAD(headers_of_weight_zero, "\x88", PRIO_HEADERS)
BAD(headers_of_weight_257, "\x88", PRIO_HEADERS, .code = 257)
BAD(headers_that_depend_on_themselves, "\x88", PRIO_HEADERS, .code = 16, .value = 1U << 31 | 1)
#define ENDING_INFORMATIONAL	(KH2_SQE_INFORMATIONAL | KH2_SQE_END_STREAM)
BAD(informational_response_that_ends, "\x88", ANY_HEADERS, .flags = ENDING_INFORMATIONAL)
BAD(server_headers_with_a_priority, "\x88", PRIO_HEADERS, .code = 16)
BAD(rst_on_stream_zero, NULL, .opcode = KH2_OP_RST)
BAD(rst_on_idle_stream, NULL, .opcode = KH2_OP_RST, .stream = 3)
BAD(settings_not_whole, "0123456", .opcode = KH2_OP_SETTINGS, .len = 7)
BAD(settings_on_a_stream, "01234567", .opcode = KH2_OP_SETTINGS, .stream = 1, .len = 8)
BAD(ping_on_a_stream, NULL, .opcode = KH2_OP_PING, .stream = 1)
BAD(promise_of_odd_stream, "\x88", .opcode = KH2_OP_PUSH_PROMISE, .stream = 1, .value = 3, .len = 1)
BAD(promise_of_stream_zero, "\x88", .opcode = KH2_OP_PUSH_PROMISE, .stream = 1, .len = 1)
BAD(promise_on_idle, "\x88", .opcode = KH2_OP_PUSH_PROMISE, .stream = 3, .value = 2, .len = 1)
BAD(extension_of_known_type, "x", .opcode = KH2_OP_EXTENSION, .value = KH2_FRAME_SETTINGS, .len = 1)
BAD(extension_of_no_type, "x", .opcode = KH2_OP_EXTENSION, .value = 0x100, .len = 1)
BAD(priority_out_of_range, NULL, .opcode = KH2_OP_PRIORITY, .stream = 1, .value = 16)
BAD(consume_on_stream_that_had_nothing, NULL, .opcode = KH2_OP_CONSUME, .stream = 1, .len = 1)
BAD(consume_of_a_huge_number, NULL, .opcode = KH2_OP_CONSUME, .stream = 1, .len = ~0ULL)
BAD(fd_where_none_belongs, NULL, .opcode = KH2_OP_RST, .stream = 1, .fd = 3)

TEST(abi_setting_with_reserved_field)
{
	struct kh2_setting s = { .id = 4, .__reserved = 1, .value = 1 };

	bad(stage(), (struct kh2_sqe){ .opcode = KH2_OP_SETTINGS, .len = sizeof(s) }, &s);
}

TEST(abi_settings_without_end)
{
	static struct kh2_setting s[100];

	for (int i = 0; i < 100; i++)
		s[i].id = 4;
	bad(stage(), (struct kh2_sqe){ .opcode = KH2_OP_SETTINGS, .len = sizeof(s) }, s);
}

TEST(abi_headers_after_our_end)
{
	struct home *h = stage();

	feed_headers(h, 3, 0);
	EQ(sub_headers(h, 3, KH2_SQE_END_STREAM), 0);
	forget(h);
	bad(h, (struct kh2_sqe){ .opcode = KH2_OP_HEADERS, .stream = 3, .len = 1 }, "\x88");
}

TEST(abi_headers_after_data_with_end)
{
	struct home *h = stage();

	EQ(sub_headers(h, 1, 0), 0);
	feed_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 0);
	sub_data(h, 1, KH2_SQE_END_STREAM, 10);
	forget(h);
	bad(h, (struct kh2_sqe){ .opcode = KH2_OP_HEADERS, .stream = 1, .len = 1 }, "\x88");
}

static void bad_data(struct home *h, u32 stream, u8 flags)
{
	struct home_src *s;
	int rc = try_data(h, stream, flags, 10, &s);

	if (!rc && kh2e_phase(h->e) != KH2E_DONE) {
		pump(h);
		FAIL("DATA on stream %u was taken", stream);
	}
	home_free(h);
}

TEST(abi_data_on_stream_zero)	{ bad_data(stage(), 0, 0); }
TEST(abi_data_on_idle_stream)	{ bad_data(stage(), 3, 0); }
TEST(abi_data_before_headers)	{ bad_data(stage(), 1, 0); }

TEST(abi_data_after_an_informational_response)
{
	struct home *h = stage();

	EQ(sub_headers(h, 1, KH2_SQE_INFORMATIONAL), 0);
	bad_data(h, 1, 0);
}

TEST(abi_data_after_end)
{
	struct home *h = stage();

	feed_headers(h, 3, 0);
	EQ(sub_headers(h, 3, KH2_SQE_END_STREAM), 0);
	bad_data(h, 3, 0);
}

TEST(abi_data_behind_data_with_end)
{
	struct home *h = stage();

	EQ(sub_headers(h, 1, 0), 0);
	feed_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 0);
	sub_data(h, 1, KH2_SQE_END_STREAM, 10);
	bad_data(h, 1, 0);
}

TEST(abi_client_reuses_a_stream_id)
{
	struct home *h = home_client();

	EQ(sub_headers(h, 5, KH2_SQE_END_STREAM), 0);
	feed_headers(h, 5, KH2_FLAG_END_STREAM);
	forget(h);
	bad(h, (struct kh2_sqe){ .opcode = KH2_OP_HEADERS, .stream = 5, .len = 1 }, "\x88");
}

TEST(abi_client_opens_a_lower_stream)
{
	struct home *h = home_client();

	EQ(sub_headers(h, 5, KH2_SQE_END_STREAM), 0);
	forget(h);
	bad(h, (struct kh2_sqe){ .opcode = KH2_OP_HEADERS, .stream = 3, .len = 1 }, "\x88");
}

TEST(abi_client_sends_an_informational_response)
{
	bad(home_client(), (struct kh2_sqe){ ANY_HEADERS, .flags = KH2_SQE_INFORMATIONAL }, "\x88");
}

TEST(abi_client_opens_an_even_stream)
{
	bad(home_client(), (struct kh2_sqe){ .opcode = KH2_OP_HEADERS, .stream = 2, .len = 1 },
	    "\x88");
}

TEST(abi_client_promises)
{
	struct home *h = home_client();

	EQ(sub_headers(h, 1, 0), 0);
	forget(h);
	bad(h, (struct kh2_sqe){ .opcode = KH2_OP_PUSH_PROMISE, .stream = 1, .value = 2, .len = 1 },
	    "\x88");
}

/* Races that the owner cannot know of are no fault */
TEST(commands_on_a_stream_that_just_ended_do_no_harm)
{
	struct home *h = stage();

	EQ(sub_headers(h, 1, KH2_SQE_END_STREAM), 0);
	forget(h);
	sub_code(h, KH2_OP_RST, 1, KH2_CANCEL);
	sub_op(h, KH2_OP_RELEASE, 1);
	sub_consume(h, 1, 0);
	sub_op(h, KH2_OP_PRIORITY, 1);
	want_alive(h);
	want_no_frame(h);
	home_free(h);
}

TEST(commands_on_a_stream_that_the_peer_reset_do_no_harm)
{
	struct home *h = stage();
	struct kh2_sqe promise = {
		.opcode = KH2_OP_PUSH_PROMISE, .stream = 1, .value = 2, .len = 1,
	};

	feed_headers(h, 3, 0);
	feed_data(h, 3, 0, 100);
	feed_rst(h, 3, KH2_CANCEL);
	feed_rst(h, 1, KH2_CANCEL);
	forget(h);
	EQ(sub_consume(h, 3, 100), 0);
	EQ(submit(h, &promise, "\x88"), 0);
	EQ(sub_headers(h, 1, 0), 0);
	EQ(sub_headers(h, 1, KH2_SQE_END_STREAM), 0);
	sub_code(h, KH2_OP_RST, 1, KH2_CANCEL);
	sub_op(h, KH2_OP_RELEASE, 1);
	sub_op(h, KH2_OP_RELEASE, 3);
	want_alive(h);
	home_free(h);
}

TEST(commands_after_the_end_do_no_harm)
{
	struct home *h = stage();

	feed_window(h, 0, 0);
	want_dead(h, KH2_PROTOCOL_ERROR, KH2_C_CONN_WINDOW_ZERO);
	sub_headers(h, 1, 0);
	try_data(h, 1, KH2_SQE_END_STREAM, 100, NULL);
	sub_code(h, KH2_OP_RST, 1, KH2_CANCEL);
	sub_op(h, KH2_OP_RELEASE, 1);
	sub_ping(h, 1);
	sub_setting(h, 4, 1);
	sub_op(h, KH2_OP_SHUTDOWN, 0);
	sub_code(h, KH2_OP_CLOSE, 0, 2);
	want_no_frame(h);
	home_free(h);
}

TEST(nop_does_nothing)
{
	struct home *h = stage();
	struct kh2_sqe sqe = { .opcode = KH2_OP_NOP };

	EQ(submit(h, &sqe, NULL), 0);
	home_end(h);
}

TEST(extension_frames_are_sent)
{
	struct home *h = stage();
	struct kh2_sqe sqe = {
		.opcode = KH2_OP_EXTENSION, .value = KH2_FRAME_ALTSVC, .len = 5,
	};
	struct home_frame f;

	EQ(submit(h, &sqe, "\0\1ah2"), 0);
	f = want_frame(h, KH2_FRAME_ALTSVC, 0, 0);
	EQ(f.len, 5);
	CHECK(!memcmp(f.p, "\0\1ah2", 5));
	sqe.value = KH2_FRAME_ORIGIN;
	EQ(submit(h, &sqe, "\0\3abc"), 0);
	want_frame(h, KH2_FRAME_ORIGIN, 0, 0);
	home_end(h);
}
