// SPDX-License-Identifier: GPL-2.0
/* Netlink requests for tests, by libmnl. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "netlink.h"

static int keep_attr(const struct nlattr *attr, void *data)
{
	struct kt_reply *reply = data;
	uint16_t type = mnl_attr_get_type(attr);

	if (type < 64)
		reply->attrs[type] = attr;
	return MNL_CB_OK;
}

static int keep_group(const struct nlattr *attr, void *data)
{
	const struct nlattr *one, *field, *id = NULL;
	struct kt_netlink *kt = data;

	if (mnl_attr_get_type(attr) != CTRL_ATTR_MCAST_GROUPS)
		return MNL_CB_OK;
	mnl_attr_for_each_nested(one, attr)
		mnl_attr_for_each_nested(field, one)
			if (mnl_attr_get_type(field) == CTRL_ATTR_MCAST_GRP_ID)
				id = field;
	if (id)
		kt->group = mnl_attr_get_u32(id);
	return MNL_CB_OK;
}

static void keep_complaint(struct kt_netlink *kt, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	size_t skip = sizeof(*err);

	kt->complaint[0] = 0;
	kt->bad_attr = 0;
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		skip += mnl_nlmsg_get_payload_len(nlh) > sizeof(*err) ?
			err->msg.nlmsg_len - NLMSG_HDRLEN : 0;
	mnl_attr_for_each(attr, nlh, skip) {
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG)
			strncpy(kt->complaint, mnl_attr_get_str(attr), sizeof(kt->complaint) - 1);
	}
}

static struct nlmsghdr *begin(struct kt_netlink *kt, char *buf, uint16_t family, int cmd, int flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = family;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++kt->seq;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = 1;
	return nlh;
}

static void put_attrs(struct nlmsghdr *nlh, const struct kt_attr *attrs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (attrs[i].data)
			mnl_attr_put(nlh, attrs[i].type, attrs[i].n, attrs[i].data);
		else if (attrs[i].n == (size_t)-1)
			mnl_attr_put(nlh, attrs[i].type, 0, NULL);
		else
			mnl_attr_put_u32(nlh, attrs[i].type, attrs[i].u32);
	}
}

/* Reads until the answer to @seq is whole. Returns 0 or a negative errno. */
static int collect(struct kt_netlink *kt, struct kt_reply *reply, size_t head,
		   int (*keep)(const struct nlattr *attr, void *data), void *data,
		   void (*each)(const struct kt_reply *reply, void *arg), void *arg)
{
	reply->n_messages = 0;
	for (;;) {
		ssize_t n = mnl_socket_recvfrom(kt->nl, reply->buf, sizeof(reply->buf));
		const struct nlmsghdr *nlh = (void *)reply->buf;
		int left = n;

		if (n < 0)
			return -errno;
		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			if (nlh->nlmsg_seq != kt->seq)
				continue;
			if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
				reply->interrupted = 1;
			if (nlh->nlmsg_type == NLMSG_ERROR) {
				keep_complaint(kt, nlh);
				return ((const struct nlmsgerr *)mnl_nlmsg_get_payload(nlh))->error;
			}
			if (nlh->nlmsg_type == NLMSG_DONE)
				return *(const int *)mnl_nlmsg_get_payload(nlh);
			reply->n_messages++;
			if (each)
				memset(reply->attrs, 0, sizeof(reply->attrs));
			mnl_attr_parse(nlh, head, keep, data);
			if (each)
				each(reply, arg);
			else
				/* attributes stay in the buffer: the ACK is read elsewhere */
				goto ack;
		}
	}
ack:
	{
		static char buf[8192];
		ssize_t n = mnl_socket_recvfrom(kt->nl, buf, sizeof(buf));

		return n < 0 ? -errno : 0;
	}
}

static int find_family(struct kt_netlink *kt)
{
	static struct kt_reply reply;
	char buf[256];
	struct nlmsghdr *nlh = begin(kt, buf, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, NLM_F_ACK);
	int err;

	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, KH2_FAMILY_NAME);
	if (mnl_socket_sendto(kt->nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	memset(reply.attrs, 0, sizeof(reply.attrs));
	err = collect(kt, &reply, sizeof(struct genlmsghdr), keep_attr, &reply, NULL, NULL);
	if (err)
		return err;
	kt->family = mnl_attr_get_u16(reply.attrs[CTRL_ATTR_FAMILY_ID]);
	keep_group(reply.attrs[CTRL_ATTR_MCAST_GROUPS], kt);
	return 0;
}

int kt_netlink_open(struct kt_netlink *kt)
{
	int one = 1;

	memset(kt, 0, sizeof(*kt));
	kt->seq = time(NULL);
	kt->nl = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!kt->nl)
		return -errno;
	if (mnl_socket_bind(kt->nl, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	mnl_socket_setsockopt(kt->nl, NETLINK_EXT_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(kt->nl, NETLINK_CAP_ACK, &one, sizeof(one));
	return find_family(kt);
}

void kt_netlink_close(struct kt_netlink *kt)
{
	if (kt->nl)
		mnl_socket_close(kt->nl);
	kt->nl = NULL;
}

static int request(struct kt_netlink *kt, int cmd, int flags, const struct kt_attr *attrs, size_t n)
{
	static char buf[65536];
	struct nlmsghdr *nlh = begin(kt, buf, kt->family, cmd, flags);

	put_attrs(nlh, attrs, n);
	kt->complaint[0] = 0;
	return mnl_socket_sendto(kt->nl, nlh, nlh->nlmsg_len) < 0 ? -errno : 0;
}

int kt_netlink_do(struct kt_netlink *kt, int cmd, const struct kt_attr *attrs, size_t n,
		  struct kt_reply *reply)
{
	static struct kt_reply scratch;
	int err = request(kt, cmd, NLM_F_ACK, attrs, n);

	if (!reply)
		reply = &scratch;
	memset(reply->attrs, 0, sizeof(reply->attrs));
	return err ?: collect(kt, reply, sizeof(struct genlmsghdr), keep_attr, reply, NULL, NULL);
}

/* What a message takes that is to be repeated */
#define MESSAGE_MAX 256

int kt_netlink_repeat(struct kt_netlink *kt, int cmd, const struct kt_attr *attrs, size_t n,
		      int times)
{
	char buf[8192];
	size_t len = 0;

	for (int i = 0; i < times; i++) {
		struct nlmsghdr *nlh;

		if (len + MESSAGE_MAX > sizeof(buf))
			return -ENOSPC;
		nlh = begin(kt, buf + len, kt->family, cmd, 0);
		put_attrs(nlh, attrs, n);
		len += NLMSG_ALIGN(nlh->nlmsg_len);
	}
	return mnl_socket_sendto(kt->nl, buf, len) == (ssize_t)len ? 0 : -errno;
}

int kt_netlink_dump(struct kt_netlink *kt, int cmd, const struct kt_attr *attrs, size_t n,
		    void (*each)(const struct kt_reply *reply, void *arg), void *arg)
{
	static struct kt_reply reply;
	int err = request(kt, cmd, NLM_F_DUMP, attrs, n);

	return err ?: collect(kt, &reply, sizeof(struct genlmsghdr), keep_attr, &reply, each, arg);
}

int kt_netlink_join(struct kt_netlink *kt)
{
	return mnl_socket_setsockopt(kt->nl, NETLINK_ADD_MEMBERSHIP, &kt->group,
				     sizeof(kt->group)) < 0 ? -errno : 0;
}

int kt_netlink_next(struct kt_netlink *kt, int timeout_ms, int *cmd, struct kt_reply *reply)
{
	struct pollfd pfd = { .fd = mnl_socket_get_fd(kt->nl), .events = POLLIN };
	const struct genlmsghdr *genl;
	ssize_t n;

	if (poll(&pfd, 1, timeout_ms) <= 0)
		return -ETIMEDOUT;
	n = mnl_socket_recvfrom(kt->nl, reply->buf, sizeof(reply->buf));
	if (n < 0)
		return -errno;
	genl = mnl_nlmsg_get_payload((struct nlmsghdr *)reply->buf);
	*cmd = genl->cmd;
	memset(reply->attrs, 0, sizeof(reply->attrs));
	mnl_attr_parse((struct nlmsghdr *)reply->buf, sizeof(*genl), keep_attr, reply);
	return 0;
}

uint32_t kt_u32(const struct kt_reply *reply, int attr)
{
	return reply->attrs[attr] ? mnl_attr_get_u32(reply->attrs[attr]) : 0;
}

uint32_t kt_limit(const struct kt_reply *reply, uint32_t limit)
{
	const struct nlattr *attr = reply->attrs[KH2_A_SESSION_LIMITS];
	const struct kh2_limit_value *v = attr ? mnl_attr_get_payload(attr) : NULL;
	size_t n = attr ? mnl_attr_get_payload_len(attr) / sizeof(*v) : 0;

	for (size_t i = 0; i < n; i++)
		if (v[i].id == limit)
			return v[i].value;
	return 0;
}

uint64_t kt_counter(const struct kt_reply *reply, int attr, int counter)
{
	uint64_t v = 0;

	if (reply->attrs[attr])
		memcpy(&v, (char *)mnl_attr_get_payload(reply->attrs[attr]) + counter * sizeof(v),
		       sizeof(v));
	return v;
}
