// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Generic netlink over libmnl: family lookup, request and answer, dumps, extack. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "cli.h"
#include "nl.h"

#define RECV_SIZE	65536
#define DUMP_TRIES	5
#define SEND_SIZE	4096

struct nl {
	struct mnl_socket *sock;
	uint16_t family;
	uint32_t group;
	uint32_t seq;
	char words[256];
	char send[SEND_SIZE];
	char recv[RECV_SIZE];
};

struct table {
	const struct nlattr **attrs;
	uint16_t max;
};

static int collect(const struct nlattr *attr, void *data)
{
	struct table *t = data;

	if (mnl_attr_get_type(attr) <= t->max)
		t->attrs[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

void nl_parse(const struct nlmsghdr *msg, const struct nlattr **attrs, uint16_t max)
{
	struct table t = { attrs, max };

	memset(attrs, 0, sizeof(*attrs) * (max + 1U));
	mnl_attr_parse(msg, sizeof(struct genlmsghdr), collect, &t);
}

void nl_parse_nested(const struct nlattr *nest, const struct nlattr **attrs, uint16_t max)
{
	struct table t = { attrs, max };

	memset(attrs, 0, sizeof(*attrs) * (max + 1U));
	if (nest)
		mnl_attr_parse_nested(nest, collect, &t);
}

uint32_t nl_u32(const struct nlattr *attr)
{
	return attr && mnl_attr_get_payload_len(attr) >= 4 ? mnl_attr_get_u32(attr) : 0;
}

uint64_t nl_u64(const struct nlattr *attr)
{
	if (attr && mnl_attr_get_payload_len(attr) >= 8)
		return mnl_attr_get_u64(attr);
	return nl_u32(attr);
}

static struct nlmsghdr *begin(struct nl *nl, uint16_t type, uint8_t cmd, uint8_t version,
			      uint16_t flags)
{
	struct nlmsghdr *msg = mnl_nlmsg_put_header(nl->send);
	struct genlmsghdr *genl;

	msg->nlmsg_type = type;
	msg->nlmsg_flags = NLM_F_REQUEST | flags;
	msg->nlmsg_seq = ++nl->seq;
	genl = mnl_nlmsg_put_extra_header(msg, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = version;
	return msg;
}

struct nlmsghdr *nl_request(struct nl *nl, uint8_t cmd, bool dump)
{
	return begin(nl, nl->family, cmd, KH2_FAMILY_VERSION, dump ? NLM_F_DUMP : NLM_F_ACK);
}

/* Keeps the kernel's own words, NETLINK_EXT_ACK. */
static void keep_words(struct nl *nl, const struct nlmsghdr *msg)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(msg);
	const struct nlattr *attrs[NLMSGERR_ATTR_MAX + 1] = { NULL };
	struct table t = { attrs, NLMSGERR_ATTR_MAX };
	unsigned int skip = sizeof(*err);

	nl->words[0] = '\0';
	if (!(msg->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(msg->nlmsg_flags & NLM_F_CAPPED))
		skip += MNL_ALIGN(err->msg.nlmsg_len) - (unsigned int)MNL_NLMSG_HDRLEN;
	if (skip > mnl_nlmsg_get_payload_len(msg))
		return;
	mnl_attr_parse(msg, skip, collect, &t);
	if (attrs[NLMSGERR_ATTR_MSG])
		snprintf(nl->words, sizeof(nl->words), "%.*s",
			 (int)mnl_attr_get_payload_len(attrs[NLMSGERR_ATTR_MSG]),
			 (const char *)mnl_attr_get_payload(attrs[NLMSGERR_ATTR_MSG]));
}

/* One message of an answer. Returns 1 to go on, 0 at the end, or negative errno. */
static int take(struct nl *nl, const struct nlmsghdr *msg, uint32_t seq, nl_fn fn, void *arg,
		bool *interrupted)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(msg);
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(msg);

	if (msg->nlmsg_seq != seq)
		return 1;
	if (msg->nlmsg_flags & NLM_F_DUMP_INTR)
		*interrupted = true;
	switch (msg->nlmsg_type) {
	case NLMSG_ERROR:
		if (mnl_nlmsg_get_payload_len(msg) < sizeof(*err))
			return -EBADMSG;
		if (err->error)
			keep_words(nl, msg);
		return err->error;
	case NLMSG_DONE:
		if (mnl_nlmsg_get_payload_len(msg) >= sizeof(int) && err->error < 0)
			return err->error;
		return *interrupted ? -EINTR : 0;
	case NLMSG_NOOP:
		return 1;
	}
	if (fn && mnl_nlmsg_get_payload_len(msg) >= sizeof(*genl))
		fn(msg, genl->cmd, arg);
	return 1;
}

static int talk(struct nl *nl, const struct nlmsghdr *request, nl_fn fn, void *arg)
{
	uint32_t seq = request->nlmsg_seq;
	const struct nlmsghdr *msg;
	bool interrupted = false;
	int left, verdict;
	ssize_t n;

	nl->words[0] = '\0';
	if (mnl_socket_sendto(nl->sock, request, request->nlmsg_len) < 0)
		return -errno;
	for (;;) {
		n = mnl_socket_recvfrom(nl->sock, nl->recv, sizeof(nl->recv));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EPIPE;
		left = (int)n;
		for (msg = (void *)nl->recv; mnl_nlmsg_ok(msg, left);
		     msg = mnl_nlmsg_next(msg, &left)) {
			verdict = take(nl, msg, seq, fn, arg, &interrupted);
			if (verdict <= 0)
				return verdict;
		}
	}
}

/* Messages of a dump, until it is known to be whole */
struct kept {
	char *octets;
	size_t len;
	size_t size;
};

static void keep(const struct nlmsghdr *msg, uint8_t cmd, void *arg)
{
	size_t len = MNL_ALIGN(msg->nlmsg_len);
	struct kept *k = arg;
	char *more;

	(void)cmd;
	if (k->size - k->len < len) {
		k->size = 2 * k->size + len + RECV_SIZE;
		more = realloc(k->octets, k->size);
		if (!more)
			die(CLI_FAILURE, "out of memory");
		k->octets = more;
	}
	memcpy(k->octets + k->len, msg, msg->nlmsg_len);
	k->len += len;
}

static int dump(struct nl *nl, const struct nlmsghdr *request, nl_fn fn, void *arg)
{
	struct kept k = { NULL, 0, 0 };
	int err = -EINTR;

	for (int i = 0; i < DUMP_TRIES && err == -EINTR; i++) {
		k.len = 0;
		err = talk(nl, request, keep, &k);
	}
	for (size_t at = 0; at < k.len && fn;) {
		const struct nlmsghdr *msg = (const void *)(k.octets + at);
		const struct genlmsghdr *genl = mnl_nlmsg_get_payload(msg);

		at += MNL_ALIGN(msg->nlmsg_len);
		fn(msg, genl->cmd, arg);
	}
	free(k.octets);
	return err;
}

int nl_talk(struct nl *nl, struct nlmsghdr *request, nl_fn fn, void *arg)
{
	if ((request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP)
		return dump(nl, request, fn, arg);
	return talk(nl, request, fn, arg);
}

static void note_group(struct nl *nl, const struct nlattr *groups)
{
	const struct nlattr *attrs[CTRL_ATTR_MCAST_GRP_MAX + 1];
	const struct nlattr *group;

	mnl_attr_for_each_nested(group, groups) {
		nl_parse_nested(group, attrs, CTRL_ATTR_MCAST_GRP_MAX);
		if (attrs[CTRL_ATTR_MCAST_GRP_NAME] &&
		    !strcmp(mnl_attr_get_str(attrs[CTRL_ATTR_MCAST_GRP_NAME]), KH2_MCGRP_EVENTS))
			nl->group = nl_u32(attrs[CTRL_ATTR_MCAST_GRP_ID]);
	}
}

static void note_family(const struct nlmsghdr *msg, uint8_t cmd, void *arg)
{
	const struct nlattr *attrs[CTRL_ATTR_MAX + 1];
	struct nl *nl = arg;

	(void)cmd;
	nl_parse(msg, attrs, CTRL_ATTR_MAX);
	if (attrs[CTRL_ATTR_FAMILY_ID])
		nl->family = mnl_attr_get_u16(attrs[CTRL_ATTR_FAMILY_ID]);
	if (attrs[CTRL_ATTR_MCAST_GROUPS])
		note_group(nl, attrs[CTRL_ATTR_MCAST_GROUPS]);
}

struct nl *nl_try_open(void)
{
	struct nl *nl = calloc(1, sizeof(*nl));
	struct nlmsghdr *msg;
	int one = 1, err;

	if (!nl)
		die(CLI_FAILURE, "out of memory");
	nl->seq = (uint32_t)time(NULL);
	nl->sock = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!nl->sock || mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0)
		die(CLI_FAILURE, "cannot open a netlink socket: %s", strerror(errno));
	mnl_socket_setsockopt(nl->sock, NETLINK_EXT_ACK, &one, sizeof(one));
	msg = begin(nl, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1, NLM_F_ACK);
	mnl_attr_put_strz(msg, CTRL_ATTR_FAMILY_NAME, KH2_FAMILY_NAME);
	err = nl_talk(nl, msg, note_family, nl);
	if (err && err != -ENOENT)
		nl_die(nl, "cannot find the module", err);
	if (!err && nl->family)
		return nl;
	nl_close(nl);
	return NULL;
}

struct nl *nl_open(void)
{
	struct nl *nl = nl_try_open();

	if (!nl)
		die(CLI_NO_MODULE, "the module kh2 is not loaded");
	return nl;
}

void nl_close(struct nl *nl)
{
	if (!nl)
		return;
	mnl_socket_close(nl->sock);
	free(nl);
}

void nl_subscribe(struct nl *nl)
{
	int group = (int)nl->group;

	if (mnl_socket_setsockopt(nl->sock, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		nl_die(nl, "cannot listen to events", -errno);
}

int nl_receive(struct nl *nl, nl_fn fn, void *arg)
{
	const struct nlmsghdr *msg;
	ssize_t n;
	int left;

	n = mnl_socket_recvfrom(nl->sock, nl->recv, sizeof(nl->recv));
	if (n < 0)
		return -errno;
	left = (int)n;
	for (msg = (void *)nl->recv; mnl_nlmsg_ok(msg, left); msg = mnl_nlmsg_next(msg, &left)) {
		const struct genlmsghdr *genl = mnl_nlmsg_get_payload(msg);

		if (msg->nlmsg_type == nl->family &&
		    mnl_nlmsg_get_payload_len(msg) >= sizeof(*genl))
			fn(msg, genl->cmd, arg);
	}
	return 0;
}

const char *nl_error(const struct nl *nl, int err)
{
	return nl->words[0] ? nl->words : strerror(-err);
}

void nl_die(const struct nl *nl, const char *what, int err)
{
	enum cli_status status = CLI_FAILURE;

	if (err == -EPERM || err == -EACCES)
		status = CLI_PERMISSION;
	die(status, "%s: %s", what, nl_error(nl, err));
}

void nl_do(struct nl *nl, struct nlmsghdr *request, nl_fn fn, void *arg, const char *what)
{
	int err = nl_talk(nl, request, fn, arg);

	if (err)
		nl_die(nl, what, err);
}
