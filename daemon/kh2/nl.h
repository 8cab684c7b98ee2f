/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Requests to the generic netlink family kh2. */
#ifndef KH2_CLI_NL_H
#define KH2_CLI_NL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <libmnl/libmnl.h>
#include <linux/kh2_nl.h>

struct nl;

/* A message of the family arrived; @cmd is its command. */
typedef void (*nl_fn)(const struct nlmsghdr *msg, uint8_t cmd, void *arg);

/* Finds the family; exits with a line if there is none, that is, no module. */
struct nl *nl_open(void);

/* As nl_open(), but NULL where the module is absent. */
struct nl *nl_try_open(void);

/* Is for who opened it; what exits leaves it to the kernel. */
void nl_close(struct nl *nl);

/* Begins a request in a buffer of @nl; attributes follow by mnl_attr_put(). */
struct nlmsghdr *nl_request(struct nl *nl, uint8_t cmd, bool dump);

/*
 * Sends the request and calls @fn for each answer. Returns 0 or negative
 * errno, nl_error() in words then. A dump that was interrupted is repeated a few
 * times, and @fn sees the last: -EINTR if that is not whole either.
 */
int nl_talk(struct nl *nl, struct nlmsghdr *request, nl_fn fn, void *arg);

/* nl_talk() that exits as nl_die() does if it fails. */
void nl_do(struct nl *nl, struct nlmsghdr *request, nl_fn fn, void *arg, const char *what);

/* Joins the group "events". */
void nl_subscribe(struct nl *nl);

/* Next events; 0 or negative errno, -ENOBUFS if some were lost. */
int nl_receive(struct nl *nl, nl_fn fn, void *arg);

/* The kernel's words for the last error, or errno's. */
const char *nl_error(const struct nl *nl, int err);

/* Exits with a line and the status for an error, what was to be done being @what. */
void nl_die(const struct nl *nl, const char *what, int err) __attribute__((noreturn));

/**
 * nl_parse() - attributes of a message by number
 * @msg: message
 * @attrs: @max + 1 pointers, NULL where there is none
 * @max: highest number
 */
void nl_parse(const struct nlmsghdr *msg, const struct nlattr **attrs, uint16_t max);
void nl_parse_nested(const struct nlattr *nest, const struct nlattr **attrs, uint16_t max);

/* Value of an attribute; 0 if it is absent or too short. */
uint32_t nl_u32(const struct nlattr *attr);
uint64_t nl_u64(const struct nlattr *attr);

#endif /* KH2_CLI_NL_H */
