// SPDX-License-Identifier: GPL-2.0
/* An owner that does anything: entries, scribbles, mappings and calls, and a peer beside it. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "edge.h"
#include "netlink.h"
#include "owner.h"
#include "peer.h"

#define SESSIONS	3

struct owner {
	struct kt_netlink kt;
	struct kt_channel ch;
	uint32_t sessions[SESSIONS];
	int near[SESSIONS];
	int far[SESSIONS];
	int file;
	atomic_bool stop;
	uint64_t seed;
};

static void any_sqe(struct owner *o, struct random *r, struct kh2_sqe *sqe)
{
	*sqe = (struct kh2_sqe){
		.opcode = below(r, __KH2_OP_END + 1), .session = o->sessions[below(r, SESSIONS)],
		.stream = 1 + 2 * below(r, 8), .user_data = next(r),
	};
	switch (sqe->opcode) {
	case KH2_OP_HEADERS:
	case KH2_OP_DATA:
		sqe->addr = below(r, 3) ? below(r, 4096) : edge(r);
		sqe->len = below(r, 4) ? below(r, 300) : edge(r);
		sqe->flags = below(r, 4);
		break;
	case KH2_OP_FILE:
		sqe->fd = below(r, 3) ? o->file : (int)below(r, 64) - 2;
		sqe->len = below(r, 2) ? KH2_LEN_EOF : edge(r);
		sqe->offset = below(r, 2) ? 0 : edge(r);
		sqe->flags = below(r, 4);
		break;
	case KH2_OP_CLOSE:
	case KH2_OP_SHUTDOWN:
		if (below(r, 100))
			sqe->opcode = KH2_OP_NOP;
		break;
	}
	for (int n = below(r, 4) ? 0 : 1 + below(r, 3); n; n--)
		((uint8_t *)sqe)[below(r, sizeof(*sqe))] = next(r);
}

static void *submits(void *arg)
{
	struct owner *o = arg;
	struct random r = { o->seed + 1 };
	struct kh2_sqe sqe;

	while (!o->stop) {
		int n = 1 + below(&r, 16);

		for (int i = 0; i < n; i++) {
			any_sqe(o, &r, &sqe);
			kt_push(&o->ch, &sqe);
		}
		kt_enter(&o->ch, below(&r, 8) ? n : next(&r));
		if (below(&r, 3))
			__atomic_store_n(&o->ch.user->ev_head, o->ch.kern->ev_tail,
					 __ATOMIC_SEQ_CST);
	}
	return NULL;
}

/* Writes where the kernel reads, while it reads. */
static void *scribbles(void *arg)
{
	struct owner *o = arg;
	struct random r = { o->seed + 2 };
	size_t n = o->ch.info.sq_entries * sizeof(struct kh2_sqe);

	while (!o->stop) {
		for (int i = 0; i < 100; i++) {
			((volatile uint8_t *)o->ch.sq)[below(&r, n)] = next(&r);
			((volatile uint8_t *)o->ch.tx)[below(&r, o->ch.info.tx_bytes)] = next(&r);
		}
		if (!below(&r, 50))
			((volatile uint32_t *)o->ch.user)[below(&r, 4)] = next(&r);
		if (!below(&r, 50))
			o->ch.user->ev_head = o->ch.kern->ev_tail - 8 * below(&r, 64);
		sched_yield();
	}
	return NULL;
}

static void map_anything(struct owner *o, struct random *r)
{
	static const uint64_t offsets[] = {
		KH2_MMAP_KERNEL, KH2_MMAP_USER, KH2_MMAP_SQ, KH2_MMAP_EV, KH2_MMAP_TX,
	};
	uint64_t off = offsets[below(r, 5)] + (below(r, 3) ? 0 : edge(r) & ~4095ULL);
	size_t size = below(r, 3) ? 4096 * (1 + below(r, 64)) : edge(r) & 0xffffff;
	int prot = below(r, 8), flags = below(r, 4) ? MAP_SHARED : MAP_PRIVATE;
	char *p = mmap(NULL, size, prot, flags, o->ch.fd, off), *q;

	if (p == MAP_FAILED)
		return;
	switch (below(r, 7)) {
	case 0:
		q = mremap(p, size, size * (1 + below(r, 3)), MREMAP_MAYMOVE);
		if (q != MAP_FAILED) {
			munmap(q, size);
			return;
		}
		break;
	case 1:
		madvise(p, size, below(r, 26));
		break;
	case 2:
		mprotect(p, size, below(r, 8));
		break;
	case 3:
		munmap(p, size / 2 & ~4095UL);
		break;
	case 4:
		if (!fork())
			_exit(0);
		break;
	case 5:
		mlock(p, size);
		break;
	case 6:
		/* the kernel writes what it reads from itself */
		if (prot & PROT_READ && size >= 4096)
			(void)!write(o->file, p, 64);
		break;
	}
	munmap(p, size);
}

static void call_anything(struct owner *o, struct random *r)
{
	static const unsigned long cmds[] = { KH2_IOC_INFO, KH2_IOC_ENTER };
	unsigned long cmd = below(r, 3) ? cmds[below(r, 2)] : next(r);
	struct kh2_enter enter = { .to_submit = next(r), .flags = below(r, 4) ? 0 : next(r) };
	char buf[64];

	/* sizes and numbers of the same magic, and arguments that cannot be read */
	if (!below(r, 3))
		cmd = KH2_IOC_MAGIC << 8 | below(r, 4) | (unsigned long)below(r, 1 << 16) << 16;
	ioctl(o->ch.fd, cmd, below(r, 3) ? (void *)&enter : (void *)(uintptr_t)edge(r));
	fcntl(o->ch.fd, F_SETFL, below(r, 2) ? O_NONBLOCK : 0);
	(void)!read(o->ch.fd, buf, sizeof(buf));
	(void)!write(o->ch.fd, buf, sizeof(buf));
	lseek(o->ch.fd, edge(r), SEEK_SET);
	ftruncate(o->ch.fd, edge(r));
}

static void *plays_tricks(void *arg)
{
	struct owner *o = arg;
	struct random r = { o->seed + 3 };

	while (!o->stop) {
		if (below(&r, 2))
			map_anything(o, &r);
		else
			call_anything(o, &r);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
	return NULL;
}

static void *is_peer(void *arg)
{
	struct owner *o = arg;
	struct random r = { o->seed + 4 };
	uint32_t opened[SESSIONS] = { 1, 1, 1 };
	uint8_t junk[256];
	char drop[8192];

	while (!o->stop) {
		int i = below(&r, SESSIONS);

		for (size_t k = 0; k < sizeof(junk); k++)
			junk[k] = next(&r);
		while (recv(o->far[i], drop, sizeof(drop), MSG_DONTWAIT) > 0)
			;
		if (below(&r, 2)) {
			kt_send_get(o->far[i], opened[i]);
			opened[i] += 2;
		} else if (below(&r, 2)) {
			kt_send_window(o->far[i], below(&r, 2) ? 0 : 1, 1 + below(&r, 60000));
		} else if (below(&r, 8)) {
			kt_send_frame(o->far[i], KT_RST_STREAM, 0, 1 + 2 * below(&r, 8), junk, 4);
		} else {
			kt_send_frame(o->far[i], next(&r), next(&r), 1 + below(&r, 16), junk,
				      below(&r, sizeof(junk)));
		}
		sched_yield();
	}
	return NULL;
}

/*
 * How the owner ends: in order, by closing all amid its calls, unmapping what is used, killed.
 * The sleeps wait for nothing: it ends after a time by chance, and its threads go on for a while
 * with what was taken from under them.
 */
static void end_somehow(struct owner *o, struct random *r)
{
	usleep(below(r, 1500000));
	switch (below(r, 4)) {
	case 0:
		close(o->ch.fd);
		for (int i = 0; i < SESSIONS; i++)
			close(o->near[i]);
		usleep(20000);
		break;
	case 1:
		munmap(o->ch.sq, o->ch.info.sq_entries * sizeof(*o->ch.sq));
		munmap(o->ch.tx, o->ch.info.tx_bytes);
		usleep(20000);
		break;
	case 2:
		kill(getpid(), SIGKILL);
		break;
	}
	o->stop = true;
}

void owner_run(uint64_t seed)
{
	void *(*const acts[])(void *) = { submits, scribbles, plays_tricks, is_peer };
	static struct owner o;
	struct random r = { seed };
	pthread_t threads[4];

	o.seed = seed;
	if (kt_netlink_open(&o.kt) ||
	    kt_channel_open(&o.ch, &o.kt, 64, 1 << (18 + below(&r, 2)), 1 << 16))
		_exit(2);
	o.file = open("body", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ftruncate(o.file, 100000);
	for (int i = 0; i < SESSIONS; i++) {
		int fds[2];

		if (kt_pair(fds, below(&r, 2)) ||
		    kt_attach(&o.kt, &o.ch, fds[0], &o.sessions[i]))
			_exit(2);
		fcntl(fds[1], F_SETFL, O_NONBLOCK);
		kt_send_preface(fds[1]);
		o.near[i] = fds[0];
		o.far[i] = fds[1];
	}
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, acts[i], &o);
	end_somehow(&o, &r);
	usleep(100000);
	_exit(0);
}

void owner_imitate(struct kt_channel *ch, struct random *r)
{
	static struct owner o;
	struct kh2_sqe sqe;

	o.ch = *ch;
	o.file = open("/dev/null", O_RDWR);
	for (int i = 0; i < 50; i++) {
		any_sqe(&o, r, &sqe);
		kt_submit(&o.ch, &sqe);
		map_anything(&o, r);
	}
}
