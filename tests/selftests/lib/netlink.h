/* SPDX-License-Identifier: GPL-2.0 */
/* The netlink family kh2 as tests call it: one request, its answer, the kernel's complaint. */
#ifndef KT_NETLINK_H
#define KT_NETLINK_H

#include <stddef.h>
#include <stdint.h>
#include <linux/kh2_nl.h>

struct mnl_socket;
struct nlattr;

/* An attribute to send: n octets of data, or a number of four octets if data is NULL. */
struct kt_attr {
	int type;
	const void *data;
	size_t n;
	uint32_t u32;
};

/* @attrs is indexed by attribute type; valid until the next call. */
struct kt_reply {
	const struct nlattr *attrs[64];
	int n_messages;
	int interrupted;
	char buf[65536];
};

struct kt_netlink {
	struct mnl_socket *nl;
	uint16_t family;
	uint32_t group;
	uint32_t seq;
	char complaint[256];
	uint16_t bad_attr;
};

int kt_netlink_open(struct kt_netlink *kt);
void kt_netlink_close(struct kt_netlink *kt);
int kt_netlink_do(struct kt_netlink *kt, int cmd, const struct kt_attr *attrs, size_t n,
		  struct kt_reply *reply);
/* So often in one datagram; the answers are left for others to skip. */
int kt_netlink_repeat(struct kt_netlink *kt, int cmd, const struct kt_attr *attrs, size_t n,
		      int times);
int kt_netlink_dump(struct kt_netlink *kt, int cmd, const struct kt_attr *attrs, size_t n,
		    void (*each)(const struct kt_reply *reply, void *arg), void *arg);
int kt_netlink_join(struct kt_netlink *kt);
int kt_netlink_next(struct kt_netlink *kt, int timeout_ms, int *cmd, struct kt_reply *reply);

uint32_t kt_u32(const struct kt_reply *reply, int attr);
/* Of KH2_A_SESSION_LIMITS, by enum kh2_limit; 0 if it was not told. */
uint32_t kt_limit(const struct kt_reply *reply, uint32_t limit);
uint64_t kt_counter(const struct kt_reply *reply, int attr, int counter);

#endif
