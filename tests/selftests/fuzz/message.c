// SPDX-License-Identifier: GPL-2.0
/* Netlink messages that are nearly requests: attributes of use, junk, spoilt octets. */
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/kh2.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "edge.h"
#include "message.h"

static void put_number(struct nlmsghdr *nlh, struct random *r, int type, uint32_t usual)
{
	mnl_attr_put_u32(nlh, type, below(r, 5) ? usual : (uint32_t)edge(r));
}

static void put_junk(struct nlmsghdr *nlh, struct random *r, int type, size_t max)
{
	uint8_t junk[256];
	size_t n = below(r, max);

	for (size_t i = 0; i < n; i++)
		junk[i] = below(r, 3) ? 0 : next(r);
	mnl_attr_put(nlh, type, n, junk);
}

static void put_settings(struct nlmsghdr *nlh, struct random *r, int type)
{
	struct kh2_setting s[20];
	uint32_t n = below(r, 20);

	for (uint32_t i = 0; i < n; i++)
		s[i] = (struct kh2_setting){
			.id = below(r, 10), .value = below(r, 2) ? below(r, 70000) : edge(r),
			.__reserved = !below(r, 50),
		};
	mnl_attr_put(nlh, type, n * sizeof(*s), s);
}

static void put_limits(struct nlmsghdr *nlh, struct random *r, int type)
{
	struct kh2_limit_value v[20];
	uint32_t n = below(r, 20);

	for (uint32_t i = 0; i < n; i++)
		v[i] = (struct kh2_limit_value){
			.id = below(r, 30), .value = below(r, 2) ? below(r, 70000) : edge(r),
		};
	mnl_attr_put(nlh, type, n * sizeof(*v), v);
}

static void put_attach(struct nlmsghdr *nlh, struct random *r, const struct targets *t)
{
	put_number(nlh, r, KH2_A_SESSION_CHANNEL_FD, t->channel);
	put_number(nlh, r, KH2_A_SESSION_SOCKET_FD, t->socket);
	if (below(r, 2))
		put_number(nlh, r, KH2_A_SESSION_ROLE, below(r, 3));
	if (below(r, 2))
		put_number(nlh, r, KH2_A_SESSION_PADDING, below(r, 4));
	if (below(r, 2))
		put_number(nlh, r, KH2_A_SESSION_CONN_WINDOW, 65535 + below(r, 100));
	if (below(r, 2))
		put_settings(nlh, r, KH2_A_SESSION_SETTINGS);
	if (below(r, 2))
		put_limits(nlh, r, KH2_A_SESSION_LIMITS);
	if (below(r, 2))
		put_junk(nlh, r, KH2_A_SESSION_EARLY, 200);
	if (below(r, 2))
		put_junk(nlh, r, KH2_A_SESSION_LABEL, 80);
}

static void put_session(struct nlmsghdr *nlh, struct random *r, const struct targets *t)
{
	put_number(nlh, r, KH2_A_SESSION_ID, t->session);
	if (below(r, 2))
		put_limits(nlh, r, KH2_A_SESSION_LIMITS);
	if (below(r, 2))
		put_settings(nlh, r, KH2_A_SESSION_SETTINGS);
	if (below(r, 2))
		put_number(nlh, r, KH2_A_SESSION_CODE, below(r, 14));
	if (below(r, 2))
		put_junk(nlh, r, KH2_A_SESSION_OPAQUE, 10);
	if (below(r, 2))
		put_number(nlh, r, KH2_A_SESSION_LAST_ID, below(r, 14));
	if (below(r, 2))
		put_junk(nlh, r, KH2_A_SESSION_DEBUG, 200);
	if (below(r, 2))
		mnl_attr_put(nlh, KH2_A_SESSION_GRACEFUL, 0, NULL);
}

static void put_stream(struct nlmsghdr *nlh, struct random *r, const struct targets *t)
{
	put_number(nlh, r, KH2_A_STREAM_SESSION_ID, t->session);
	put_number(nlh, r, KH2_A_STREAM_ID, 1);
	if (below(r, 2))
		put_number(nlh, r, KH2_A_STREAM_URGENCY, below(r, 9));
	if (below(r, 2))
		put_number(nlh, r, KH2_A_STREAM_INCREMENTAL, below(r, 3));
	if (below(r, 2))
		put_number(nlh, r, KH2_A_STREAM_CODE, below(r, 14));
}

static void put_channel(struct nlmsghdr *nlh, struct random *r)
{
	for (int type = KH2_A_CHANNEL_SQ_ENTRIES; type <= KH2_A_CHANNEL_TX_BYTES; type++)
		if (below(r, 2))
			put_number(nlh, r, type, below(r, 1 << 20));
}

/* Octets behind the head that differ from what was meant */
static void spoil(struct nlmsghdr *nlh, struct random *r)
{
	uint8_t *p = (uint8_t *)nlh + NLMSG_HDRLEN;
	size_t n = nlh->nlmsg_len - NLMSG_HDRLEN;

	for (int k = 1 + below(r, 4); k; k--)
		p[below(r, n)] = next(r);
	if (!below(r, 4))
		nlh->nlmsg_len -= below(r, n + 1);
	if (!below(r, 8))
		nlh->nlmsg_flags = next(r) | NLM_F_REQUEST;
}

void send_anything(struct kt_netlink *kt, struct random *r, const struct targets *t)
{
	static char buf[8192];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = kt->family;
	nlh->nlmsg_flags = NLM_F_REQUEST | (below(r, 5) ? NLM_F_ACK : NLM_F_DUMP);
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = below(r, KH2_CMD_MAX + 2);
	genl->version = below(r, 20) ? 1 : next(r);
	switch (genl->cmd) {
	case KH2_CMD_CHANNEL_NEW:
		put_channel(nlh, r);
		break;
	case KH2_CMD_SESSION_ATTACH:
		put_attach(nlh, r, t);
		break;
	case KH2_CMD_STREAM_GET:
	case KH2_CMD_STREAM_SET:
	case KH2_CMD_STREAM_RESET:
		put_stream(nlh, r, t);
		break;
	default:
		put_session(nlh, r, t);
	}
	if (!below(r, 3))
		spoil(nlh, r);
	mnl_socket_sendto(kt->nl, nlh, nlh->nlmsg_len);
	while (recv(mnl_socket_get_fd(kt->nl), buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
}
