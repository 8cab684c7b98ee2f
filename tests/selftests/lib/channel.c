// SPDX-License-Identifier: GPL-2.0
/* Channels for tests: mapping, submitting, reading events. */
#include <errno.h>
#include <linux/kh2_limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "channel.h"
#include "slow.h"

int kt_channel_new(struct kt_netlink *kt, uint32_t sq, uint32_t ev, uint32_t tx, uint32_t *id)
{
	static struct kt_reply reply;
	struct kt_attr attrs[3];
	size_t n = 0;
	int err;

	if (sq)
		attrs[n++] = (struct kt_attr){ .type = KH2_A_CHANNEL_SQ_ENTRIES, .u32 = sq };
	if (ev)
		attrs[n++] = (struct kt_attr){ .type = KH2_A_CHANNEL_EV_BYTES, .u32 = ev };
	if (tx)
		attrs[n++] = (struct kt_attr){ .type = KH2_A_CHANNEL_TX_BYTES, .u32 = tx };
	err = kt_netlink_do(kt, KH2_CMD_CHANNEL_NEW, attrs, n, &reply);
	if (err)
		return err;
	if (id)
		*id = kt_u32(&reply, KH2_A_CHANNEL_ID);
	return (int)kt_u32(&reply, KH2_A_CHANNEL_FD);
}

static void *map(struct kt_channel *ch, uint64_t off, size_t n, int prot)
{
	size_t page = sysconf(_SC_PAGESIZE);
	void *p = mmap(NULL, (n + page - 1) / page * page, prot, MAP_SHARED, ch->fd, off);

	return p == MAP_FAILED ? NULL : p;
}

int kt_channel_map(struct kt_channel *ch)
{
	if (ioctl(ch->fd, KH2_IOC_INFO, &ch->info))
		return -errno;
	ch->kern = map(ch, KH2_MMAP_KERNEL, sizeof(*ch->kern), PROT_READ);
	ch->user = map(ch, KH2_MMAP_USER, sizeof(*ch->user), PROT_READ | PROT_WRITE);
	ch->sq = map(ch, KH2_MMAP_SQ, ch->info.sq_entries * sizeof(*ch->sq),
		     PROT_READ | PROT_WRITE);
	ch->ev = map(ch, KH2_MMAP_EV, 2 * (size_t)ch->info.ev_bytes, PROT_READ);
	ch->tx = map(ch, KH2_MMAP_TX, ch->info.tx_bytes, PROT_READ | PROT_WRITE);
	return ch->kern && ch->user && ch->sq && ch->ev && ch->tx ? 0 : -errno;
}

int kt_channel_open(struct kt_channel *ch, struct kt_netlink *kt, uint32_t sq, uint32_t ev,
		    uint32_t tx)
{
	memset(ch, 0, sizeof(*ch));
	ch->fd = kt_channel_new(kt, sq, ev, tx, &ch->id);
	return ch->fd < 0 ? ch->fd : kt_channel_map(ch);
}

static void unmap(const void *p, size_t n)
{
	size_t page = sysconf(_SC_PAGESIZE);

	if (p)
		munmap((void *)p, (n + page - 1) / page * page);
}

void kt_channel_close(struct kt_channel *ch)
{
	unmap(ch->kern, 1);
	unmap(ch->user, 1);
	unmap(ch->sq, ch->info.sq_entries * sizeof(*ch->sq));
	unmap(ch->ev, 2 * (size_t)ch->info.ev_bytes);
	unmap(ch->tx, ch->info.tx_bytes);
	if (ch->fd > 0)
		close(ch->fd);
	memset(ch, 0, sizeof(*ch));
}

void kt_push(struct kt_channel *ch, const struct kh2_sqe *sqe)
{
	uint32_t tail = ch->user->sq_tail;

	ch->sq[tail & (ch->info.sq_entries - 1)] = *sqe;
	__atomic_store_n(&ch->user->sq_tail, tail + 1, __ATOMIC_RELEASE);
}

int kt_enter(struct kt_channel *ch, uint32_t n)
{
	struct kh2_enter enter = { .to_submit = n };
	int ret = ioctl(ch->fd, KH2_IOC_ENTER, &enter);

	return ret < 0 ? -errno : ret;
}

int kt_submit(struct kt_channel *ch, const struct kh2_sqe *sqe)
{
	kt_push(ch, sqe);
	return kt_enter(ch, 1);
}

static const struct kh2_event *peek(struct kt_channel *ch)
{
	uint64_t head = ch->user->ev_head;

	if (__atomic_load_n(&ch->kern->ev_tail, __ATOMIC_ACQUIRE) == head)
		return NULL;
	return (const void *)(ch->ev + (head & (ch->info.ev_bytes - 1)));
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

const struct kh2_event *kt_event(struct kt_channel *ch, int timeout_ms)
{
	struct pollfd pfd = { .fd = ch->fd, .events = POLLIN };
	int64_t end = now_ms() + timeout_ms;
	const struct kh2_event *ev;

	for (;;) {
		int64_t left = end - now_ms();

		ev = peek(ch);
		if (ev || left < 0)
			return ev;
		if (__atomic_load_n(&ch->kern->flags, __ATOMIC_ACQUIRE) & KH2_RING_READY)
			kt_enter(ch, 0);
		if (peek(ch))
			continue;
		poll(&pfd, 1, left);
	}
}

void kt_done(struct kt_channel *ch)
{
	const struct kh2_event *ev = peek(ch);

	if (ev)
		__atomic_store_n(&ch->user->ev_head, ch->user->ev_head + ev->size,
				 __ATOMIC_SEQ_CST);
}

bool kt_await(struct kt_channel *ch, int type, int timeout_ms, struct kh2_event *copy,
	      void *payload)
{
	int64_t end = now_ms() + timeout_ms;
	const struct kh2_event *ev;

	while ((ev = kt_event(ch, end > now_ms() ? end - now_ms() : 0))) {
		bool hit = ev->type == type;

		if (hit && copy)
			*copy = *ev;
		if (hit && payload)
			memcpy(payload, ev + 1, ev->len < 65536 ? ev->len : 65536);
		kt_done(ch);
		if (hit)
			return true;
	}
	return false;
}

/* A peer may take its time: tests that look at its limits set them. */
int kt_attach(struct kt_netlink *kt, const struct kt_channel *ch, int socket, uint32_t *session)
{
	static struct kt_reply reply;
	const struct kh2_limit_value limits[] = {
		{ .id = KH2_L_PREFACE_MS, .value = 60000 * kt_slow() },
		{ .id = KH2_L_SETTINGS_ACK_MS, .value = 60000 * kt_slow() },
	};
	const struct kt_attr attrs[] = {
		{ .type = KH2_A_SESSION_CHANNEL_FD, .u32 = ch->fd },
		{ .type = KH2_A_SESSION_SOCKET_FD, .u32 = socket },
		{ .type = KH2_A_SESSION_LIMITS, .data = limits, .n = sizeof(limits) },
	};
	int err = kt_netlink_do(kt, KH2_CMD_SESSION_ATTACH, attrs, 3, &reply);

	if (!err && session)
		*session = kt_u32(&reply, KH2_A_SESSION_ID);
	return err;
}
