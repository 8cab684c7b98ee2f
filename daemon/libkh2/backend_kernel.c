// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The kernel backend: a channel's rings, mapped, and netlink for what is rare. */
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "netlink.h"
#include "session.h"
#include "tx_area.h"

#define SQ_ENTRIES	1024U
#define EV_BYTES	(1U << 20)
#define TX_BYTES	(4U << 20)
#define BUCKETS		1024U
#define PUBLISH_EVERY	32	/* events after which the kernel is told of their room */

/* A command that found no room in the queue, and its payload */
struct waiting {
	struct list_head node;
	struct kh2_sqe sqe;
	bool payload;
	u8 octets[];
};

/* A session by the module's number, and the pages of the transmit area that it has lent */
struct kernel_session {
	struct kernel_session *next;
	struct kh2_session *s;
	u32 pages;
};

/**
 * struct kh2i_channel - a channel to the module
 * @ctx: context
 * @watch: its descriptor
 * @nl: netlink
 * @info: sizes
 * @kern: positions that the kernel writes
 * @user: positions that we write
 * @sq: submission queue
 * @ev: event ring, twice in a row
 * @tx: transmit area
 * @sq_tail: entries produced
 * @sq_head: entries known to be consumed
 * @ev_head: octets consumed
 * @fds: descriptor in each entry that is to be closed when it was consumed; -1: none
 * @waiting: struct waiting
 * @buckets: struct kernel_session by number
 * @broken: the module gave the channel up
 */
struct kh2i_channel {
	struct kh2_ctx *ctx;
	struct kh2i_watch watch;
	struct kh2i_nl *nl;
	struct kh2_channel_info info;
	const struct kh2_ring_kernel *kern;
	struct kh2_ring_user *user;
	struct kh2_sqe *sq;
	const u8 *ev;
	struct kh2i_tx_area tx;
	u32 sq_tail;
	u32 sq_head;
	u64 ev_head;
	int *fds;
	struct list_head waiting;
	struct kernel_session *buckets[BUCKETS];
	bool broken;
};

/* ---- submitting ---- */

static void close_fds(struct kh2i_channel *ch, u32 head)
{
	for (; ch->sq_head != head; ch->sq_head++) {
		int *fd = &ch->fds[ch->sq_head & (ch->info.sq_entries - 1)];

		if (*fd >= 0)
			close(*fd);
		*fd = -1;
	}
}

/* The module refuses to go on: all sessions of the channel are lost. */
static void give_up(struct kh2i_channel *ch, int err)
{
	if (ch->broken)
		return;
	ch->broken = true;
	kh2i_log(ch->ctx, KH2_LOG_ERR, "kh2.ko: channel failed: %s", kh2_strerror(err));
	for (u32 i = 0; i < BUCKETS; i++)
		for (struct kernel_session *k = ch->buckets[i]; k; k = k->next)
			kh2i_todo_add(ch->ctx, &k->s->todo);
}

static void enter(struct kh2i_channel *ch)
{
	struct kh2_enter arg = { .to_submit = ch->sq_tail - ch->sq_head };

	if (ch->broken)
		return;
	/* pairs with (D) in the module: entries are written before the position */
	__atomic_store_n(&ch->user->sq_tail, ch->sq_tail, __ATOMIC_RELEASE);
	if (ioctl(ch->watch.fd, KH2_IOC_ENTER, &arg) < 0 && errno != EINTR && errno != EAGAIN) {
		give_up(ch, -errno);
		return;
	}
	/* pairs with (E) in the module: entries before it may be used again */
	close_fds(ch, __atomic_load_n(&ch->kern->sq_head, __ATOMIC_ACQUIRE));
	if (ch->sq_head == ch->sq_tail)
		kh2i_tx_area_brief_reset(&ch->tx);
}

static bool has_slot(struct kh2i_channel *ch)
{
	if (ch->sq_tail - ch->sq_head < ch->info.sq_entries)
		return true;
	enter(ch);
	return ch->sq_tail - ch->sq_head < ch->info.sq_entries;
}

static void *place_payload(struct kh2i_channel *ch, size_t len, u64 *addr)
{
	void *mem = kh2i_tx_area_brief(&ch->tx, len, addr);

	if (mem)
		return mem;
	enter(ch);
	return kh2i_tx_area_brief(&ch->tx, len, addr);
}

static bool owns_fd(const struct kh2_sqe *sqe)
{
	return sqe->opcode == KH2_OP_FILE && !(sqe->flags & KH2I_SQE_KEPT_OPEN);
}

/* Puts a command into the queue. False if there is no room. */
static bool push(struct kh2i_channel *ch, const struct kh2_sqe *sqe, const void *payload)
{
	struct kh2_sqe *slot;
	u64 addr = sqe->addr;
	u32 at;

	if (!has_slot(ch))
		return false;
	if (payload && sqe->len) {
		void *mem = place_payload(ch, sqe->len, &addr);

		if (!mem)
			return false;
		memcpy(mem, payload, sqe->len);
	}
	at = ch->sq_tail & (ch->info.sq_entries - 1);
	slot = &ch->sq[at];
	*slot = *sqe;
	slot->addr = addr;
	slot->flags &= (u8)~KH2I_SQE_KEPT_OPEN;
	if (owns_fd(sqe))
		ch->fds[at] = sqe->fd;
	ch->sq_tail++;
	return true;
}

static int wait_for_room(struct kh2i_channel *ch, const struct kh2_sqe *sqe, const void *payload)
{
	struct waiting *w = malloc(sizeof(*w) + (payload ? sqe->len : 0));

	if (!w) {
		if (owns_fd(sqe))
			close(sqe->fd);
		return -ENOMEM;
	}
	w->sqe = *sqe;
	w->payload = payload;
	if (payload)
		memcpy(w->octets, payload, sqe->len);
	list_add_tail(&w->node, &ch->waiting);
	return 0;
}

static void push_waiting(struct kh2i_channel *ch)
{
	while (!list_empty(&ch->waiting)) {
		struct waiting *w = list_first_entry(&ch->waiting, struct waiting, node);

		if (!push(ch, &w->sqe, w->payload ? w->octets : NULL))
			return;
		list_del(&w->node);
		free(w);
	}
}

static int submit(struct kh2_session *s, struct kh2_sqe *sqe, const void *payload)
{
	struct kh2i_channel *ch = s->ctx->channel;

	if (list_empty(&ch->waiting) && push(ch, sqe, payload))
		return 0;
	return wait_for_room(ch, sqe, payload);
}

static void channel_flush(struct kh2_ctx *ctx)
{
	struct kh2i_channel *ch = ctx->channel;

	if (!ch)
		return;
	push_waiting(ch);
	if (ch->sq_tail != ch->sq_head ||
	    (__atomic_load_n(&ch->kern->flags, __ATOMIC_RELAXED) & KH2_RING_READY))
		enter(ch);
}

/* ---- events ---- */

static struct kernel_session **bucket_of(struct kh2i_channel *ch, u32 id)
{
	return &ch->buckets[id % BUCKETS];
}

static struct kh2_session *find_session(struct kh2i_channel *ch, u32 id)
{
	struct kernel_session *k = *bucket_of(ch, id);

	while (k && k->s->be_id != id)
		k = k->next;
	return k ? k->s : NULL;
}

static void publish_head(struct kh2i_channel *ch)
{
	/* pairs with (C) in the module: what lies before it was read */
	__atomic_store_n(&ch->user->ev_head, ch->ev_head, __ATOMIC_RELEASE);
}

static u64 load_tail(const struct kh2i_channel *ch)
{
	/* pairs with (A) in the module: the records before it are whole */
	return __atomic_load_n(&ch->kern->ev_tail, __ATOMIC_ACQUIRE);
}

static void handle(struct kh2i_channel *ch, const struct kh2_event *ev)
{
	struct kh2_session *s;

	if (ev->type == KH2_EV_PAD)
		return;
	s = find_session(ch, ev->session);
	if (s)
		kh2i_session_event(s, ev, ev + 1);
}

static int channel_events(struct kh2_ctx *ctx)
{
	struct kh2i_channel *ch = ctx->channel;
	int n = 0;
	u64 tail;

	if (!ch)
		return 0;
	tail = load_tail(ch);
	while (ch->ev_head != tail) {
		const u8 *at = ch->ev + (ch->ev_head & (ch->info.ev_bytes - 1));
		const struct kh2_event *ev = (const struct kh2_event *)at;
		u32 size = ev->size;

		handle(ch, ev);
		ch->ev_head += size;
		if (++n % PUBLISH_EVERY == 0)
			publish_head(ch);
	}
	if (n) {
		publish_head(ch);
		/*
		 * Pairs with (B) in the module: either the next look at the tail
		 * finds a record, or its producer finds us asleep and wakes us.
		 */
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	}
	return n;
}

static bool channel_busy(const struct kh2_ctx *ctx)
{
	const struct kh2i_channel *ch = ctx->channel;

	return ch && !ch->broken && (load_tail(ch) != ch->ev_head || ch->sq_tail != ch->sq_head);
}

/* Events are taken in every turn; the descriptor only ends the wait. */
static void channel_ready(struct kh2i_watch *w, u32 events)
{
	struct kh2i_channel *ch = container_of(w, struct kh2i_channel, watch);

	if (events & EPOLLERR)
		give_up(ch, -EPROTO);
	if (ch->broken)
		kh2i_watch_mod(ch->ctx, w, 0);
}

/* ---- sessions ---- */

static int attach(struct kh2_session *s, const struct kh2i_attach *at)
{
	struct kh2i_channel *ch = s->ctx->channel;
	struct kernel_session *k, **b;
	int err;

	if (ch->broken)
		return -EPROTO;
	k = malloc(sizeof(*k));
	if (!k)
		return -ENOMEM;
	err = kh2i_nl_attach(ch->nl, ch->watch.fd, at, &s->be_id);
	if (err) {
		free(k);
		return err;
	}
	k->s = s;
	k->pages = 0;
	b = bucket_of(ch, s->be_id);
	k->next = *b;
	*b = k;
	s->be_data = k;
	s->id = s->be_id;
	/* the module holds the socket; OpenSSL says nothing more, no close_notify either */
	if (at->ssl)
		SSL_free(at->ssl);
	close(at->fd);
	return 0;
}

static bool lost(const struct kh2_session *s)
{
	return s->ctx->channel->broken;
}

static void gone(struct kh2_session *s)
{
	struct kernel_session *k = s->be_data, **link;

	for (link = bucket_of(s->ctx->channel, s->be_id); *link != k; link = &(*link)->next)
		;
	*link = k->next;
	free(k);
	s->be_data = NULL;
}

static void *tx_alloc(struct kh2_session *s, size_t *len, u64 *addr)
{
	struct kernel_session *k = s->be_data;
	void *mem = kh2i_tx_area_alloc(&s->ctx->channel->tx, k->pages, len, addr);

	if (mem)
		k->pages += kh2i_tx_area_pages(*len);
	return mem;
}

static void tx_free(struct kh2_session *s, u64 addr, size_t len)
{
	struct kernel_session *k = s->be_data;

	k->pages -= kh2i_tx_area_pages(len);
	kh2i_tx_area_free(&s->ctx->channel->tx, addr, len);
}

static int info(const struct kh2_session *s, struct kh2e_info *out)
{
	int n = kh2i_nl_session_info(s->ctx->channel->nl, s->be_id, out, NULL, 0);

	return n < 0 ? n : 0;
}

static int counters(const struct kh2_session *s, u64 *out, size_t n)
{
	struct kh2e_info unused;

	return kh2i_nl_session_info(s->ctx->channel->nl, s->be_id, &unused, out, n);
}

static int stream_info(const struct kh2_session *s, u32 id, struct kh2e_stream_info *out)
{
	return kh2i_nl_stream_info(s->ctx->channel->nl, s->be_id, id, out);
}

/* ---- the channel ---- */

static void *map(struct kh2i_channel *ch, u64 what, size_t len, int prot)
{
	void *p = mmap(NULL, len, prot, MAP_SHARED, ch->watch.fd, (off_t)what);

	return p == MAP_FAILED ? NULL : p;
}

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t sq_bytes(const struct kh2i_channel *ch)
{
	size_t len = ch->info.sq_entries * sizeof(struct kh2_sqe), page = page_size();

	return (len + page - 1) & ~(page - 1);
}

static int map_all(struct kh2i_channel *ch)
{
	u8 *tx;

	if (ioctl(ch->watch.fd, KH2_IOC_INFO, &ch->info))
		return -errno;
	ch->kern = map(ch, KH2_MMAP_KERNEL, page_size(), PROT_READ);
	ch->user = map(ch, KH2_MMAP_USER, page_size(), PROT_READ | PROT_WRITE);
	ch->sq = map(ch, KH2_MMAP_SQ, sq_bytes(ch), PROT_READ | PROT_WRITE);
	ch->ev = map(ch, KH2_MMAP_EV, 2 * (size_t)ch->info.ev_bytes, PROT_READ);
	tx = map(ch, KH2_MMAP_TX, ch->info.tx_bytes, PROT_READ | PROT_WRITE);
	if (!ch->kern || !ch->user || !ch->sq || !ch->ev || !tx)
		return -errno;
	ch->fds = malloc(ch->info.sq_entries * sizeof(*ch->fds));
	if (!ch->fds)
		return -ENOMEM;
	for (u32 i = 0; i < ch->info.sq_entries; i++)
		ch->fds[i] = -1;
	return kh2i_tx_area_init(&ch->tx, tx, ch->info.tx_bytes);
}

static u32 or_default(u32 v, u32 def)
{
	return v ? v : def;
}

static int open_channel(struct kh2i_channel *ch)
{
	const struct kh2_ctx_opts *o = &ch->ctx->opts;
	int err = kh2i_nl_open(ch->ctx, &ch->nl);

	if (err)
		return err;
	ch->watch.fd = kh2i_nl_channel_new(ch->nl, or_default(o->sq_entries, SQ_ENTRIES),
					   or_default(o->ev_bytes, EV_BYTES),
					   or_default(o->tx_bytes, TX_BYTES));
	if (ch->watch.fd < 0)
		return ch->watch.fd;
	err = map_all(ch);
	return err ? err : kh2i_watch_add(ch->ctx, &ch->watch, EPOLLIN);
}

static void unmap(const void *p, size_t len)
{
	if (p)
		munmap((void *)(uintptr_t)p, len);
}

/* Sessions that are left end with the channel. */
static void channel_exit(struct kh2_ctx *ctx)
{
	struct kh2i_channel *ch = ctx->channel;

	if (!ch)
		return;
	while (!list_empty(&ch->waiting)) {
		struct waiting *w = list_first_entry(&ch->waiting, struct waiting, node);

		if (owns_fd(&w->sqe))
			close(w->sqe.fd);
		list_del(&w->node);
		free(w);
	}
	if (ch->fds)
		close_fds(ch, ch->sq_tail);
	unmap(ch->kern, page_size());
	unmap(ch->user, page_size());
	unmap(ch->sq, sq_bytes(ch));
	unmap(ch->ev, 2 * (size_t)ch->info.ev_bytes);
	unmap(ch->tx.base, ch->info.tx_bytes);
	kh2i_tx_area_exit(&ch->tx);
	if (ch->watch.fd >= 0) {
		kh2i_watch_del(ctx, &ch->watch);
		close(ch->watch.fd);
	}
	kh2i_nl_close(ch->nl);
	free(ch->fds);
	free(ch);
	ctx->channel = NULL;
}

/* -EPROTONOSUPPORT: the module is not loaded. */
static int channel_init(struct kh2_ctx *ctx)
{
	struct kh2i_channel *ch = calloc(1, sizeof(*ch));
	int err;

	if (!ch)
		return -ENOMEM;
	ch->ctx = ctx;
	ch->watch = (struct kh2i_watch){ .fd = -1, .fn = channel_ready };
	INIT_LIST_HEAD(&ch->waiting);
	ctx->channel = ch;
	err = open_channel(ch);
	if (err)
		channel_exit(ctx);
	return err;
}

const struct kh2i_backend kh2i_backend_kernel = {
	.kind = KH2_BACKEND_KERNEL,
	.init = channel_init,
	.exit = channel_exit,
	.events = channel_events,
	.flush = channel_flush,
	.busy = channel_busy,
	.attach = attach,
	.submit = submit,
	.tx_alloc = tx_alloc,
	.tx_free = tx_free,
	.lost = lost,
	.gone = gone,
	.info = info,
	.counters = counters,
	.stream_info = stream_info,
};
