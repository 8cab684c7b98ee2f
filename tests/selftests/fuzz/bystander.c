// SPDX-License-Identifier: GPL-2.0
/* A session that must stay as it is. */
#include <unistd.h>

#include "bystander.h"
#include "peer.h"
#include "slow.h"

bool bystander_begin(struct bystander *b)
{
	if (kt_netlink_open(&b->kt) || kt_channel_open(&b->ch, &b->kt, 0, 0, 0) ||
	    kt_pair(b->fds, false) || kt_attach(&b->kt, &b->ch, b->fds[0], &b->session))
		return false;
	kt_send_preface(b->fds[1]);
	/* the acknowledgement of its SETTINGS, which is waited for no longer than ten seconds */
	kt_send_frame(b->fds[1], KT_SETTINGS, KT_ACK, 0, NULL, 0);
	kt_send_get(b->fds[1], 1);
	return kt_await(&b->ch, KH2_EV_HEADERS, WAIT, NULL, NULL);
}

bool bystander_lives(struct bystander *b)
{
	const struct kt_attr stream[] = {
		{ .type = KH2_A_STREAM_SESSION_ID, .u32 = b->session },
		{ .type = KH2_A_STREAM_ID, .u32 = 1 },
	};
	static struct kt_reply reply;
	static struct kt_frame f;

	kt_send_frame(b->fds[1], KT_PING, 0, 0, "01234567", 8);
	if (kt_await_frame(b->fds[1], KT_PING, &f, WAIT) != 1 ||
	    kt_netlink_do(&b->kt, KH2_CMD_STREAM_GET, stream, 2, &reply))
		return false;
	return kt_u32(&reply, KH2_A_STREAM_URGENCY) == 3 && !reply.attrs[KH2_A_STREAM_CODE];
}

void bystander_end(struct bystander *b)
{
	kt_channel_close(&b->ch);
	kt_netlink_close(&b->kt);
	close(b->fds[0]);
	close(b->fds[1]);
}

void bystander_forget(struct bystander *b)
{
	close(b->ch.fd);
	close(b->fds[0]);
	close(b->fds[1]);
}
