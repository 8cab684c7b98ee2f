// SPDX-License-Identifier: GPL-2.0
/* Sending what the engine decided: batches of segments, copied or spliced, in few TLS records. */

#include <linux/bvec.h>
#include <linux/mm.h>
#include <linux/net.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <net/sock.h>

#include "closing.h"
#include "session.h"
#include "socket.h"
#include "source.h"
#include "trace.h"
#include "tx.h"

/* Pulled at once: four full TLS records. The whole of struct tx_batch fits into 2 KiB. */
#define KH2_TX_BATCH (64U << 10)
#define KH2_TX_SEGS 32
#define KH2_TX_PARTS 44

/* A run sends this much at the most, then lets others have the CPU. */
#define KH2_TX_BUDGET SZ_1M

/* Shorter ones are cheaper to copy than to hand over as pages. */
#define KH2_SPLICE_MIN 2048

/* The engine's own octets up to here go along in a page, so that a run is not cut. */
#define KH2_STAGE_MAX 64

/**
 * struct tx_run - segments that leave in one sendmsg()
 * @first: index of the first
 * @end: index behind the last
 * @octets: in all of them
 * @spliced: as pages
 */
struct tx_run {
	int first;
	int end;
	size_t octets;
	bool spliced;
};

/**
 * struct tx_batch - what is being sent
 * @segs: what the engine gave
 * @n: of these
 * @kvec: parts of a run that is copied
 * @bvec: parts of a run that is spliced
 * @staged: pages of ours among these
 * @n_staged: of these
 */
struct tx_batch {
	struct kh2e_seg segs[KH2_TX_SEGS];
	int n;
	union {
		struct kvec kvec[KH2_TX_PARTS];
		struct bio_vec bvec[KH2_TX_PARTS];
	};
	struct page *staged[KH2_TX_SEGS];
	int n_staged;
};

static bool seg_splices(const struct kh2e_seg *seg)
{
	return !seg->bytes && seg->len >= KH2_SPLICE_MIN && kh2_source_has_pages(seg->src);
}

/* The engine's short octets join the run before them, or else the one behind. */
static bool seg_wants_splice(const struct tx_batch *b, int i, bool before)
{
	const struct kh2e_seg *seg = &b->segs[i];

	if (!seg->bytes)
		return seg_splices(seg);
	if (seg->len > KH2_STAGE_MAX)
		return false;
	return before || (i + 1 < b->n && seg_splices(&b->segs[i + 1]));
}

static u32 seg_parts(const struct kh2e_seg *seg)
{
	return seg->bytes ? 1 : kh2_source_parts(seg->src, seg->off, seg->len);
}

static struct tx_run plan_run(const struct tx_batch *b, int first)
{
	struct tx_run run = {
		.first = first,
		.end = first,
		.spliced = seg_wants_splice(b, first, false),
	};
	u32 parts = 0;

	for (int i = first; i < b->n; i++) {
		parts += seg_parts(&b->segs[i]);
		if (seg_wants_splice(b, i, run.spliced) != run.spliced)
			break;
		if (parts > KH2_TX_PARTS && i > first)
			break;
		run.octets += b->segs[i].len;
		run.end = i + 1;
	}
	return run;
}

/* Puts octets into the page that this task fills with such, as tcp_sendmsg() does. */
static int stage(struct tx_batch *b, struct bio_vec *bv, const u8 *bytes, u32 len)
{
	struct page_frag *frag = &current->task_frag;

	if (!skb_page_frag_refill(len, frag, GFP_KERNEL_ACCOUNT))
		return -ENOMEM;
	memcpy(page_address(frag->page) + frag->offset, bytes, len);
	bvec_set_page(bv, frag->page, len, frag->offset);
	get_page(frag->page);
	b->staged[b->n_staged++] = frag->page;
	frag->offset += len;
	return 0;
}

static void unstage(struct tx_batch *b)
{
	while (b->n_staged)
		put_page(b->staged[--b->n_staged]);
}

/* Fills b->bvec; may fill less than the run, never nothing. */
static int fill_spliced(struct tx_batch *b, const struct tx_run *run, size_t *octets)
{
	u32 n = 0;

	*octets = 0;
	for (int i = run->first; i < run->end && n < KH2_TX_PARTS; i++) {
		const struct kh2e_seg *seg = &b->segs[i];
		u32 got = seg->len;

		if (seg->bytes) {
			if (stage(b, &b->bvec[n], seg->bytes, seg->len))
				return n;
			n++;
		} else {
			n += kh2_source_bvec(seg->src, seg->off, &got, &b->bvec[n],
					     KH2_TX_PARTS - n);
		}
		*octets += got;
		if (got < seg->len)
			break;
	}
	return n;
}

static int fill_copied(struct tx_batch *b, const struct tx_run *run, size_t *octets)
{
	u32 n = 0;

	*octets = 0;
	for (int i = run->first; i < run->end && n < KH2_TX_PARTS; i++) {
		const struct kh2e_seg *seg = &b->segs[i];
		u32 got = seg->len;

		if (seg->bytes) {
			b->kvec[n].iov_base = (void *)seg->bytes;
			b->kvec[n++].iov_len = seg->len;
		} else {
			n += kh2_source_kvec(seg->src, seg->off, &got, &b->kvec[n],
					     KH2_TX_PARTS - n);
		}
		*octets += got;
		if (got < seg->len)
			break;
	}
	return n;
}

static int send_run(struct kh2_session *s, struct tx_batch *b, const struct tx_run *run, bool more)
{
	struct msghdr msg = { .msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL };
	size_t octets;
	int n, ret;

	n = run->spliced ? fill_spliced(b, run, &octets) : fill_copied(b, run, &octets);
	if (!n) {
		unstage(b);
		return -ENOMEM;
	}
	if (run->spliced) {
		msg.msg_flags |= MSG_SPLICE_PAGES;
		iov_iter_bvec(&msg.msg_iter, ITER_SOURCE, b->bvec, n, octets);
	} else {
		iov_iter_kvec(&msg.msg_iter, ITER_SOURCE, b->kvec, n, octets);
	}
	if (more || octets < run->octets)
		msg.msg_flags |= MSG_MORE;
	ret = kh2_socket_sendmsg(s, &msg);
	unstage(b);
	trace_kh2_send(s->id, octets, ret, run->spliced, msg.msg_flags & MSG_MORE);
	if (ret > 0)
		s->tx_more = msg.msg_flags & MSG_MORE;
	return ret;
}

/* Tells sources and engine what has left, from segment @i on. */
static void account(struct kh2_session *s, struct tx_batch *b, int i, size_t sent, bool spliced)
{
	enum kh2_counter how = spliced ? KH2_C_TX_SPLICED : KH2_C_TX_COPIED;

	for (size_t left = sent; left; i++) {
		struct kh2e_seg *seg = &b->segs[i];
		u32 n = min_t(size_t, left, seg->len);

		if (!seg->bytes) {
			kh2e_count(s->e, how, n);
			kh2_source_sent(seg->src, seg->off + n);
		}
		left -= n;
	}
}

/* Sends a batch. Returns octets sent, less than the batch if the socket is full, or an error. */
static ssize_t send_batch(struct kh2_session *s, struct tx_batch *b, bool more)
{
	struct tx_run run;
	size_t sent = 0;
	int n;

	for (int i = 0; i < b->n; i = run.end) {
		run = plan_run(b, i);
		n = send_run(s, b, &run, more || run.end < b->n);
		if (n < 0)
			return sent ?: n;
		account(s, b, i, n, run.spliced);
		sent += n;
		if ((size_t)n < run.octets)
			break;
	}
	return sent;
}

static size_t batch_octets(const struct tx_batch *b)
{
	size_t n = 0;

	for (int i = 0; i < b->n; i++)
		n += b->segs[i].len;
	return n;
}

static void tx_failed(struct kh2_session *s, int err)
{
	if (err == -EAGAIN) {
		/* The socket calls sk_write_space when it has room; if it has, it will not. */
		s->tx_blocked = true;
		if (kh2_socket_busy(s) || sk_stream_is_writeable(s->sock->sk))
			kh2_session_retry_locked(s);
		trace_kh2_stall(s->id, false);
	} else if (err == -ENOMEM) {
		kh2_session_retry_locked(s);
		s->tx_blocked = true;
	} else if (err == -EINTR || err == -ERESTARTSYS) {
		/* The owner is being signalled; a worker is not. */
		kh2_session_kick(s, KH2_KICK_TX);
		s->tx_blocked = true;
	} else {
		kh2_session_abort_locked(s, -err, kh2_session_lost_why(-err));
	}
}

/* What was sent with MSG_MORE and got no more is pushed out. */
static void push(struct kh2_session *s)
{
	int err = s->tx_more ? kh2_socket_push(s) : 0;

	if (err)
		tx_failed(s, err);
	else
		s->tx_more = false;
}

/* Returns octets sent, 0 at the end. */
static size_t tx_step(struct kh2_session *s, struct tx_batch *b)
{
	size_t want;
	ssize_t n;

	b->n = kh2e_pull(s->e, b->segs, KH2_TX_SEGS, KH2_TX_BATCH);
	if (b->n <= 0)
		return 0;
	want = batch_octets(b);
	/* A batch that is full is rarely the last; push() makes good where it was. */
	n = send_batch(s, b, want >= KH2_TX_BATCH || b->n > KH2_TX_SEGS - 4);
	if (n < 0) {
		tx_failed(s, n);
		return 0;
	}
	s->retry_ms = 0;
	/* If that was a part only, the next step finds the socket full, which arms its callback. */
	kh2e_sent(s->e, n);
	return n;
}

/**
 * kh2_tx_run() - send until there is nothing more or the socket is full
 * @s: the session, live
 *
 * Context: Process context with the session's lock held; takes the socket's.
 * Return: true if the run stopped at its budget.
 */
bool kh2_tx_run(struct kh2_session *s)
{
	size_t budget = KH2_TX_BUDGET;
	struct tx_batch *b;
	size_t n;

	lockdep_assert_held(&s->lock);
	if (s->tx_blocked)
		return false;
	if (kh2_socket_busy(s)) {
		tx_failed(s, -EAGAIN);
		return false;
	}
	kh2_source_serve(s);
	if (!kh2e_pending(s->e)) {
		push(s);
		return false;
	}
	b = kmalloc(sizeof(*b), GFP_KERNEL);
	if (!b) {
		tx_failed(s, -ENOMEM);
		return false;
	}
	b->n_staged = 0;
	while (!s->tx_blocked) {
		n = tx_step(s, b);
		if (!kh2_source_serve(s) && !n)
			break;
		if (n >= budget)
			break;
		budget -= n;
	}
	kfree(b);
	if (!s->tx_blocked)
		push(s);
	return !s->tx_blocked && kh2e_pending(s->e);
}
