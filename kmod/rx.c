// SPDX-License-Identifier: GPL-2.0
/* Draining the socket: octets to the engine, TLS records of other kinds to their meaning. */

#include <linux/errno.h>
#include <linux/highmem.h>
#include <linux/skbuff.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <net/sock.h>
#include <net/tcp.h>
#include <net/tls.h>
#include <net/tls_prot.h>

#include "rx.h"
#include "channel.h"
#include "closing.h"
#include "session.h"
#include "socket.h"

/* A run reads this much at the most, then lets others have the CPU. */
#define KH2_RX_BUDGET (256U << 10)

/* What a TLS record that is not data costs of that, and any other at the least. */
#define KH2_RX_CONTROL 4096U
#define KH2_RX_RECORD 512U

/* At the end, so much is read and dropped for the sake of a peer that has yet to see GOAWAY. */
#define KH2_RX_DISCARD SZ_1M

/* TLS records may be so long in all without an octet in them: more than what two take. */
#define KH2_RX_SILENCE SZ_64K

#define TLS_HANDSHAKE_NEW_SESSION_TICKET 4
#define TLS_HANDSHAKE_KEY_UPDATE 24

/* What one step of reading came to */
enum rx_step {
	RX_MORE,	/* look again */
	RX_EMPTY,	/* nothing to read now */
	RX_STOP,	/* no more reading: no room for events, or the end */
};

static size_t feed(struct kh2_session *s, const u8 *data, size_t len)
{
	size_t done;

	/* At the end, octets are read only so that they are not answered by RST. */
	if (kh2e_phase(s->e) == KH2E_DONE)
		s->discarded += len;
	if (s->state != KH2_SESSION_LIVE)
		return len;
	done = kh2e_recv_some(s->e, data, len);
	kh2_ring_unreserve(&s->ch->ring, &s->claim);
	return done;
}

static bool is_blocked(const struct kh2_session *s)
{
	return s->state == KH2_SESSION_LIVE && kh2e_blocked(s->e);
}

static bool turn_over(const struct kh2_session *s)
{
	return s->state == KH2_SESSION_LIVE && kh2e_recv_turn_over(s->e);
}

/* Lets the engine finish what it had taken but found no room to tell. */
static bool unblock(struct kh2_session *s)
{
	if (!is_blocked(s))
		return true;
	feed(s, NULL, 0);
	return !is_blocked(s);
}

static size_t feed_frag(struct kh2_session *s, const skb_frag_t *frag, u32 off, u32 len)
{
	u32 p_off, p_len, copied;
	struct page *p;
	size_t done = 0;

	skb_frag_foreach_page(frag, skb_frag_off(frag) + off, len, p, p_off, p_len, copied) {
		const u8 *addr = kmap_local_page(p);
		size_t n = feed(s, addr + p_off, p_len);

		kunmap_local(addr);
		done += n;
		if (n < p_len)
			break;
	}
	return done;
}

/* Not skb_seq_read(): it maps so that one may not sleep, and the engine takes memory. */
static size_t feed_skb(struct kh2_session *s, const struct sk_buff *skb, u32 off, u32 len)
{
	u32 start = skb_headlen(skb);
	struct sk_buff *child;
	size_t done = 0;

	if (off < start) {
		u32 n = min(start - off, len);

		done = feed(s, skb->data + off, n);
		if (done < n || done == len)
			return done;
	}
	for (int i = 0; i < skb_shinfo(skb)->nr_frags; i++) {
		const skb_frag_t *frag = &skb_shinfo(skb)->frags[i];
		u32 end = start + skb_frag_size(frag);

		if (off + done < end) {
			u32 n = min_t(u32, end - (off + done), len - done);
			size_t got = feed_frag(s, frag, off + done - start, n);

			done += got;
			if (got < n || done == len)
				return done;
		}
		start = end;
	}
	skb_walk_frags(skb, child) {
		u32 end = start + child->len;

		if (off + done < end) {
			u32 n = min_t(u32, end - (off + done), len - done);
			size_t got = feed_skb(s, child, off + done - start, n);

			done += got;
			if (got < n || done == len)
				return done;
		}
		start = end;
	}
	return done;
}

/**
 * struct rx_desc - what the actor knows
 * @s: the session
 * @budget: octets that this run may still take
 * @short_of: the engine took less than there was
 * @unreadable: the octets are not in memory of the system's
 */
struct rx_desc {
	struct kh2_session *s;
	size_t budget;
	bool short_of;
	bool unreadable;
};

static u32 position(const struct kh2_session *s)
{
	return READ_ONCE(tcp_sk(s->sock->sk)->copied_seq);
}

static void note_heard(struct kh2_session *s)
{
	s->heard = position(s);
}

/* kTLS drops records of no octets, and asks nobody: RFC 8446 5.1 has them for hiding traffic. */
static bool is_silent(const struct kh2_session *s)
{
	return s->tls && position(s) - s->heard > KH2_RX_SILENCE;
}

/**
 * kh2_rx_arrived() - more comes while TLS records are opened for a session
 * @s: the session
 *
 * As long as records of no octets come as fast as they are opened, read_sock does
 * not return. It returns when there is no record, so the parser is told to look for none.
 *
 * Context: Callback of the socket, with its lock held by who reads.
 */
void kh2_rx_arrived(struct kh2_session *s)
{
	if (!s->reading || !is_silent(s))
		return;
	s->silenced = true;
	tls_sw_ctx_rx(tls_get_ctx(s->sock->sk))->strp.stopped = 1;
}

/* Called by read_sock with the socket's lock held. */
static int rx_actor(read_descriptor_t *desc, struct sk_buff *skb, unsigned int off, size_t len)
{
	struct rx_desc *rx = desc->arg.data;
	size_t done, cost, taken;

	/* Octets that lie in the memory of a device cannot be looked at. */
	if (!skb_frags_readable(skb)) {
		rx->unreadable = true;
		desc->count = 0;
		return 0;
	}
	/* Of TLS with records that it dropped. */
	taken = position(rx->s) - rx->s->heard;
	note_heard(rx->s);
	done = feed_skb(rx->s, skb, off, len);
	cost = rx->s->tls ? max3(done, taken, (size_t)KH2_RX_RECORD) : done;

	if (done < len || is_blocked(rx->s) || turn_over(rx->s)) {
		rx->short_of = true;
		desc->count = 0;
	}
	if (cost >= rx->budget)
		desc->count = 0;
	rx->budget -= min(cost, rx->budget);
	return done;
}

/* The end of the octets: in order if no stream is left hanging. */
static enum rx_step rx_end(struct kh2_session *s, int error)
{
	if (s->state == KH2_SESSION_LIVE && kh2e_phase(s->e) != KH2E_DONE &&
	    (error || !kh2e_idle(s->e)))
		kh2_session_abort_locked(s, error ?: ECONNRESET, kh2_session_lost_why(error));
	s->rx_eof = true;
	return RX_STOP;
}

static enum rx_step rx_tls_fail(struct kh2_session *s, int error, enum kh2_counter why)
{
	if (s->state == KH2_SESSION_LIVE)
		kh2_session_abort_locked(s, error, why);
	s->rx_eof = true;
	return RX_STOP;
}

/* The peer is told as RFC 8446 6.2 wants it, if there is room. */
static enum rx_step rx_tls_refuse(struct kh2_session *s, u8 desc, int error, enum kh2_counter why)
{
	if (s->state == KH2_SESSION_LIVE && !s->alert_sent) {
		kh2_socket_alert(s, TLS_ALERT_LEVEL_FATAL, desc);
		s->alert_sent = true;
	}
	return rx_tls_fail(s, error, why);
}

/* A client skips tickets; whatever else comes after the handshake the kernel cannot follow. */
static enum rx_step rx_handshake(struct kh2_session *s, const u8 *data, u32 len)
{
	struct kh2_handshake_skip *skip = &s->skip;

	while (len) {
		if (skip->left) {
			u32 n = min(skip->left, len);

			skip->left -= n;
			data += n;
			len -= n;
			continue;
		}
		skip->head[skip->have++] = *data++;
		len--;
		if (skip->head[0] == TLS_HANDSHAKE_KEY_UPDATE)
			return rx_tls_refuse(s, TLS_ALERT_DESC_INTERNAL_ERROR, EKEYEXPIRED,
					     KH2_C_TLS_KEY_UPDATE);
		if (skip->head[0] != TLS_HANDSHAKE_NEW_SESSION_TICKET ||
		    s->role == KH2_ROLE_SERVER)
			return rx_tls_refuse(s, TLS_ALERT_DESC_UNEXPECTED_MESSAGE, EPROTO,
					     KH2_C_TLS_RECORD);
		if (skip->have == sizeof(skip->head)) {
			skip->left = skip->head[1] << 16 | skip->head[2] << 8 | skip->head[3];
			skip->have = 0;
		}
	}
	return RX_MORE;
}

static enum rx_step rx_alert(struct kh2_session *s, const u8 *data, u32 len)
{
	if (len < 2)
		return rx_tls_fail(s, EPROTO, KH2_C_TLS_RECORD);
	if (data[1] == TLS_ALERT_DESC_CLOSE_NOTIFY)
		return rx_end(s, 0);
	return rx_tls_fail(s, ECONNRESET, KH2_C_TLS_ALERT);
}

/* Keeps octets that the engine had no room for. */
static enum rx_step rx_keep(struct kh2_session *s, const u8 *data, u32 len)
{
	u32 done = feed(s, data, len);

	note_heard(s);
	if (done == len)
		return RX_MORE;
	s->early.data = kh2_share_alloc(&s->ch->share, len - done, 0);
	if (!s->early.data)
		return rx_tls_fail(s, ENOMEM, KH2_C_CONN_MEMORY);
	memcpy(s->early.data, data + done, len - done);
	s->early.len = len - done;
	s->early.off = 0;
	return RX_STOP;
}

/* Not tls_get_record_type(), which a kernel without net/handshake does not have. */
static u8 record_type(const struct cmsghdr *cmsg)
{
	if (cmsg->cmsg_level != SOL_TLS || cmsg->cmsg_type != TLS_GET_RECORD_TYPE)
		return 0;
	return *(const u8 *)CMSG_DATA(cmsg);
}

/* read_sock stopped at a record that is not data. */
static enum rx_step rx_control(struct kh2_session *s)
{
	u8 data[256];
	struct kvec iov = { .iov_base = data, .iov_len = sizeof(data) };
	union {
		struct cmsghdr head;
		u8 buf[CMSG_SPACE(sizeof(u8))];
	} control = {};
	struct msghdr msg = {
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int n;

	iov_iter_kvec(&msg.msg_iter, ITER_DEST, &iov, 1, sizeof(data));
	n = kh2_socket_recvmsg(s, &msg);
	/* The record that read_sock complained of must be there: without one it was no record. */
	if (n == -EAGAIN || n == -EBADMSG)
		return rx_tls_refuse(s, TLS_ALERT_DESC_BAD_RECORD_MAC, EBADMSG, KH2_C_TLS_RECORD);
	if (n < 0)
		return rx_tls_fail(s, -n, KH2_C_TLS_RECORD);
	switch (record_type(&control.head)) {
	case TLS_RECORD_TYPE_DATA:
		return rx_keep(s, data, n);
	case TLS_RECORD_TYPE_ALERT:
		return rx_alert(s, data, n);
	case TLS_RECORD_TYPE_HANDSHAKE:
		return rx_handshake(s, data, n);
	}
	if (!n)
		return rx_end(s, 0);
	return rx_tls_refuse(s, TLS_ALERT_DESC_UNEXPECTED_MESSAGE, EPROTO, KH2_C_TLS_RECORD);
}

static bool at_end(const struct sock *sk)
{
	return READ_ONCE(sk->sk_shutdown) & RCV_SHUTDOWN || sock_flag(sk, SOCK_DONE) ||
	       inet_sk_state_load(sk) == TCP_CLOSE;
}

/* What a return of read_sock means, when it is not a number of octets. */
static enum rx_step rx_verdict(struct kh2_session *s, struct rx_desc *rx, int n, bool end)
{
	if (n == -EAGAIN)
		return RX_EMPTY;
	if (n == -EINVAL && s->tls) {
		rx->budget -= min_t(size_t, rx->budget, KH2_RX_CONTROL);
		return rx_control(s);
	}
	if (n == -EBADMSG)
		return rx_tls_refuse(s, TLS_ALERT_DESC_BAD_RECORD_MAC, EBADMSG, KH2_C_TLS_RECORD);
	if (n < 0)
		return rx_end(s, -n);
	return end ? rx_end(s, 0) : RX_EMPTY;
}

static enum rx_step rx_step(struct kh2_session *s, struct rx_desc *rx)
{
	read_descriptor_t desc = { .arg.data = rx, .count = 1 };
	struct sock *sk = s->sock->sk;
	bool end, urgent, silent;
	int n, error = 0;

	lock_sock(sk);
	s->reading = s->tls;
	n = s->sock->ops->read_sock(sk, &desc, rx_actor);
	s->reading = false;
	end = at_end(sk);
	silent = s->silenced || is_silent(s);
	urgent = tcp_sk(sk)->urg_data;
	if (n <= 0 && n != -EAGAIN)
		error = sock_error(sk);
	release_sock(sk);

	if (rx->unreadable)
		return rx_end(s, EFAULT);
	if (silent)
		return rx_tls_refuse(s, TLS_ALERT_DESC_UNEXPECTED_MESSAGE, EPROTO, KH2_C_TLS_EMPTY);
	if (rx->short_of)
		return RX_STOP;
	if (n > 0)
		return RX_MORE;
	/* Neither TCP nor kTLS reads past urgent data for us, and HTTP/2 has none. */
	if (urgent)
		return rx_end(s, EPROTO);
	return rx_verdict(s, rx, error ?: n, end);
}

static bool rx_early(struct kh2_session *s)
{
	struct kh2_early *early = &s->early;

	if (!early->data)
		return true;
	early->off += feed(s, early->data + early->off, early->len - early->off);
	if (early->off < early->len)
		return false;
	kh2_early_free(&s->ch->share, early);
	return true;
}

/**
 * kh2_rx_run() - read what the socket has
 * @s: the session
 *
 * Stops when there is nothing more, when the event ring has no room, when
 * this run's budget is spent, or when the peer asks for too much at once that is no use.
 *
 * Context: Process context with the session's lock held; takes the socket's.
 * Return: enum kh2_rx.
 */
enum kh2_rx kh2_rx_run(struct kh2_session *s)
{
	struct rx_desc rx = { .s = s, .budget = KH2_RX_BUDGET };
	enum rx_step step = RX_MORE;

	lockdep_assert_held(&s->lock);
	kh2e_recv_turn(s->e);
	while (step == RX_MORE && !s->rx_eof) {
		if (!unblock(s) || !rx_early(s) || !unblock(s))
			break;
		if (s->discarded > KH2_RX_DISCARD) {
			s->rx_eof = true;
			s->linger_end = ktime_get_ns();
			break;
		}
		if (!rx.budget)
			return KH2_RX_MORE;
		step = rx_step(s, &rx);
	}
	return !is_blocked(s) && turn_over(s) ? KH2_RX_YIELD : KH2_RX_DONE;
}
