// SPDX-License-Identifier: GPL-2.0
/* The end of a session: the connection is closed in order, or given up. */

#include <linux/errno.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/net.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/xarray.h>
#include <net/tls_prot.h>

#include "channel.h"
#include "closing.h"
#include "netlink.h"
#include "netns.h"
#include "ready.h"
#include "ring.h"
#include "session.h"
#include "socket.h"
#include "stats.h"
#include "trace.h"

/**
 * kh2_session_end_locked() - the session is no more
 * @s: the session
 *
 * The socket is given back, all memory but the object itself is freed, and
 * KH2_EV_GONE is posted. May be called again.
 *
 * Context: Process context with the session's lock held.
 */
void kh2_session_end_locked(struct kh2_session *s)
{
	struct kh2_event gone = {
		.type = KH2_EV_GONE,
		.session = s->id,
	};
	struct kh2_channel *ch = s->ch;

	lockdep_assert_held(&s->lock);
	if (s->state == KH2_SESSION_GONE)
		return;
	s->state = KH2_SESSION_GONE;
	kh2_socket_detach(s);
	timer_shutdown_sync(&s->timer);
	trace_kh2_session_gone(s->id, s->error, kh2e_fail_why(s->e), kh2e_counters(s->e));
	kh2_netlink_gone(s);
	kh2_stats_bury(s->kn, kh2e_counters(s->e));
	xa_erase(&s->kn->sessions, s->id);
	atomic_inc(&s->kn->generation);
	atomic_dec(&s->kn->n_sessions);

	kh2e_free(s->e);
	s->e = NULL;
	kh2_early_free(&ch->share, &s->early);
	/* The owner may hold the socket as well: the peer is told all the same. */
	kernel_sock_shutdown(s->sock, SHUT_RDWR);
	kh2_session_let_go_locked(s);

	gone.code = s->error;
	kh2_ring_post_last(&ch->ring, &s->claim, &gone);
	kh2_ring_leave(&ch->ring, &s->claim);
	spin_lock_bh(&ch->lock);
	list_del_init(&s->link);
	ch->n_sessions--;
	spin_unlock_bh(&ch->lock);
	kh2_ready_forget(s);
	/* Of the channel's list; the caller has another. */
	kh2_session_put(s);
}

/**
 * kh2_session_abort_locked() - the connection cannot be used any more
 * @s: the session
 * @error: positive errno for KH2_EV_GONE
 * @why: counter
 *
 * Context: Process context with the session's lock held.
 */
void kh2_session_abort_locked(struct kh2_session *s, int error, enum kh2_counter why)
{
	lockdep_assert_held(&s->lock);
	if (s->state == KH2_SESSION_GONE)
		return;
	if (!s->error)
		s->error = error;
	kh2e_abort(s->e, why);
	s->rx_eof = true;
}

/* RFC 8446 6.1: once, before we close; after another alert not at all. */
static int close_notify(struct kh2_session *s)
{
	int err;

	if (!s->tls || s->alert_sent)
		return 0;
	err = kh2_socket_alert(s, TLS_ALERT_LEVEL_WARNING, TLS_ALERT_DESC_CLOSE_NOTIFY);
	s->alert_sent = err != -EAGAIN;
	return err;
}

/* All was sent: shut our side and wait for the peer. Returns false to be called again. */
static bool begin_closing(struct kh2_session *s)
{
	u64 linger = (u64)s->limits[KH2_L_LINGER_MS] * NSEC_PER_MSEC;

	if (!s->rx_eof && close_notify(s) == -EAGAIN) {
		s->tx_blocked = true;
		kh2_session_retry_locked(s);
		return false;
	}
	/* kTLS keeps records back when TCP is full, and could not send them after our FIN. */
	if (!s->rx_eof && !kh2_socket_drained(s)) {
		kh2_session_retry_locked(s);
		return false;
	}
	s->state = KH2_SESSION_CLOSING;
	s->linger_end = ktime_get_ns() + linger;
	kernel_sock_shutdown(s->sock, SHUT_WR);
	return true;
}

/* Nothing is to be told any more, or the owner does not listen and time is over. */
static bool may_end(struct kh2_session *s, bool told)
{
	bool late = ktime_get_ns() >= s->linger_end;

	if (!told)
		return late;
	return late || s->rx_eof || kh2_socket_acked(s);
}

/**
 * kh2_session_close_locked() - bring a session whose connection is over to its end
 * @s: the session; may be gone afterwards
 * @told: all events found room in the ring
 *
 * To be called again until it is gone: as something happens, and at @linger_end in any case.
 *
 * Context: Process context with the session's lock held.
 */
void kh2_session_close_locked(struct kh2_session *s, bool told)
{
	lockdep_assert_held(&s->lock);
	if (!s->linger_end)
		s->linger_end = ktime_get_ns() +
				(u64)s->limits[KH2_L_LINGER_MS] * NSEC_PER_MSEC;
	if (s->state == KH2_SESSION_LIVE && !s->rx_eof &&
	    (kh2e_pending(s->e) || !begin_closing(s)) && ktime_get_ns() < s->linger_end)
		return;
	if (!may_end(s, told))
		return;
	/* The peer has ended in order; if there is no room the answer is not worth waiting. */
	if (s->rx_eof && !s->error)
		close_notify(s);
	kh2_session_end_locked(s);
}
