/* SPDX-License-Identifier: GPL-2.0 */
/* A channel as tests use it: mapped, with entries to submit and events to wait for. */
#ifndef KT_CHANNEL_H
#define KT_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/kh2.h>

#include "netlink.h"

struct kt_channel {
	int fd;
	uint32_t id;
	struct kh2_channel_info info;
	const struct kh2_ring_kernel *kern;
	struct kh2_ring_user *user;
	struct kh2_sqe *sq;
	const uint8_t *ev;
	uint8_t *tx;
};

/* Sizes of 0 are the kernel's defaults. */
int kt_channel_open(struct kt_channel *ch, struct kt_netlink *kt, uint32_t sq, uint32_t ev,
		    uint32_t tx);
void kt_channel_close(struct kt_channel *ch);
int kt_channel_new(struct kt_netlink *kt, uint32_t sq, uint32_t ev, uint32_t tx, uint32_t *id);
int kt_channel_map(struct kt_channel *ch);

void kt_push(struct kt_channel *ch, const struct kh2_sqe *sqe);
int kt_enter(struct kt_channel *ch, uint32_t n);
int kt_submit(struct kt_channel *ch, const struct kh2_sqe *sqe);

/* The next event, or NULL after the time; valid until kt_done(). */
const struct kh2_event *kt_event(struct kt_channel *ch, int timeout_ms);
void kt_done(struct kt_channel *ch);
/* Skips to an event of a type; false after the time. Copies up to 64 KiB of payload. */
bool kt_await(struct kt_channel *ch, int type, int timeout_ms, struct kh2_event *ev, void *payload);

int kt_attach(struct kt_netlink *kt, const struct kt_channel *ch, int socket, uint32_t *session);

#endif
