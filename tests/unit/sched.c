// SPDX-License-Identifier: GPL-2.0 OR MIT
/* What tests of the order of DATA have in common. */
#include "sched.h"

struct home *wide(void)
{
	struct home *h = home_prepare(KH2E_SERVER);

	h->cfg.limits[KH2_L_STREAMS] = 1000;
	h->cfg.limits[KH2_L_PRIORITY_BURST] = 100000;
	home_start(h);
	home_handshake(h);
	feed_setting(h, KH2_SETTINGS_INITIAL_WINDOW_SIZE, 0x7fffffff);
	feed_window(h, 0, 0x7fff0000);
	forget(h);
	return h;
}

void ask(struct home *h, u32 id, u32 parent, u32 weight, bool exclusive)
{
	u8 block[] = { 0, 0, 0, 0, (u8)(weight - 1), 0x82, 0x87, 0x84 };

	put_unaligned_be32(parent | (u32)exclusive << 31, block);
	feed_frame(h, KH2_FRAME_HEADERS,
		   KH2_FLAG_END_STREAM | KH2_FLAG_END_HEADERS | (weight ? KH2_FLAG_PRIORITY : 0),
		   id, weight ? block : block + 5, weight ? 8 : 3);
	EQ(sub_headers(h, id, 0), 0);
}

void prioritize(struct home *h, u32 id, u32 parent, u32 weight, bool exclusive)
{
	u8 p[5] = { 0, 0, 0, 0, (u8)(weight - 1) };

	put_unaligned_be32(parent | (u32)exclusive << 31, p);
	feed_frame(h, KH2_FRAME_PRIORITY, 0, id, p, 5);
}

void update(struct home *h, u32 id, const char *value)
{
	u8 p[64];

	put_unaligned_be32(id, p);
	memcpy(p + 4, value, strlen(value));
	feed_frame(h, KH2_FRAME_PRIORITY_UPDATE, 0, 0, p, 4 + strlen(value));
}

void field(struct home *h, u32 id, u32 urgency, bool incremental)
{
	const struct kh2_sqe sqe = {
		.opcode = KH2_OP_PRIORITY, .flags = KH2_SQE_INITIAL, .stream = id,
		.value = urgency | (incremental ? 8 : 0),
	};

	EQ(submit(h, &sqe, NULL), 0);
}

void override(struct home *h, u32 id, u32 urgency, bool incremental)
{
	const struct kh2_sqe sqe = {
		.opcode = KH2_OP_PRIORITY, .stream = id, .value = urgency | (incremental ? 8 : 0),
	};

	EQ(submit(h, &sqe, NULL), 0);
}

int depend(struct home *h, u32 id, u32 parent, u32 weight, bool exclusive, u8 flags)
{
	const struct kh2_sqe sqe = {
		.opcode = KH2_OP_DEPEND, .flags = flags, .stream = id, .code = weight,
		.value = parent | (u32)exclusive << 31,
	};

	return submit(h, &sqe, NULL);
}

void check_place(struct home *h, u32 id, u32 parent, u32 weight)
{
	struct kh2e_stream_info i = sinfo(h, id);

	EQ(i.parent, parent);
	EQ(i.weight, weight);
}

void take(struct home *h, u64 max, u64 *got, u32 n)
{
	struct home_frame f;

	for (u64 end = h->n_out + max; h->n_out < end;)
		if (!pump_some(h, end - h->n_out))
			break;
	/* to the end of a frame, and no other is begun */
	while (h->e->out.octets)
		pump_some(h, h->e->out.octets);
	while (next_frame(h, &f)) {
		CHECK(f.stream < n);
		if (f.type == KH2_FRAME_DATA)
			got[f.stream] += f.len;
	}
}

void sends(struct home *h, u32 id, u64 len)
{
	sub_data(h, id, KH2_SQE_END_STREAM, len);
}

void check_ends(struct home *h, const u32 *order)
{
	struct home_frame f;

	pump(h);
	while (next_frame(h, &f))
		if (f.type == KH2_FRAME_DATA && (f.flags & KH2_FLAG_END_STREAM))
			EQ(f.stream, *order++);
	EQ(*order, 0);
	forget(h);
}
