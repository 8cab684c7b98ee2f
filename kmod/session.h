/* SPDX-License-Identifier: GPL-2.0 */
/* A session: one HTTP/2 connection, its socket and its engine. */
#ifndef KH2_SESSION_H
#define KH2_SESSION_H

#include <linux/ktime.h>
#include <linux/mutex.h>
#include <linux/net.h>
#include <linux/refcount.h>
#include <linux/socket.h>
#include <linux/timer.h>
#include <linux/workqueue.h>
#include <linux/kh2_nl.h>

#include "attach.h"
#include "engine/engine.h"
#include "ring.h"

struct file;
struct kh2_channel;
struct kh2_net;
struct kh2_share;
struct sock;

/* What asks by netlink waits so long for sessions' locks, all in all. */
#define KH2_PATIENCE_MS 2000U

/* Why a session is to be run, bits of struct kh2_session.kicks */
enum kh2_kick {
	KH2_KICK_RX,	/* the socket has something to say */
	KH2_KICK_TX,	/* the socket has room, or output waits */
	KH2_KICK_TIMER,	/* a deadline has passed */
	KH2_KICK_ROOM,	/* the event ring has room */
	KH2_KICK_LIMITS,	/* limits were changed that the socket keeps */
	KH2_KICK_END,	/* nobody knows of the session, or its channel ends: it is to be no more */
};

enum kh2_session_state {
	KH2_SESSION_NEW,	/* nobody can find it: its socket is being taken over */
	KH2_SESSION_LIVE,	/* the engine runs */
	KH2_SESSION_CLOSING,	/* all was sent, the peer has yet to acknowledge it */
	KH2_SESSION_GONE,	/* no engine, no socket */
};

/**
 * struct kh2_early - octets read from the connection that the engine has not taken yet
 * @data: the octets
 * @len: of these
 * @off: of these taken
 */
struct kh2_early {
	u8 *data;
	u32 len;
	u32 off;
};

/**
 * struct kh2_handshake_skip - a parser for handshake messages that come after the handshake
 * @head: type and length of a message, as far as they came
 * @have: octets in @head
 * @left: octets of a message to be skipped
 */
struct kh2_handshake_skip {
	u8 head[4];
	u8 have;
	u32 left;
};

/**
 * struct kh2_saved - what a socket was before attach
 * @prot: sk_prot
 * @guard: stands in its place
 * @data_ready: sk_data_ready
 * @write_space: sk_write_space
 * @state_change: sk_state_change
 * @error_report: sk_error_report
 * @sndtimeo: sk_sndtimeo
 */
struct kh2_saved {
	struct proto *prot;
	struct proto *guard;
	void (*data_ready)(struct sock *sk);
	void (*write_space)(struct sock *sk);
	void (*state_change)(struct sock *sk);
	void (*error_report)(struct sock *sk);
	long sndtimeo;
};

/**
 * struct kh2_session_args - what a session begins with
 * @cfg: of the engine
 * @early: octets already read; taken over
 * @label: for people
 */
struct kh2_session_args {
	struct kh2e_config cfg;
	struct kh2_early early;
	char label[KH2_LABEL_MAX + 1];
};

/**
 * struct kh2_session - a session
 * @refs: the channel's (until gone), those of queued work and of sources
 * @rcu: for those who look it up by number
 * @id: number within the network namespace
 * @ch: channel, for life
 * @kn: network namespace
 * @role: enum kh2_role
 * @padding: enum kh2_padding
 * @tls: the ULP is tls
 * @tls_version: as in linux/tls.h
 * @tls_cipher: as in linux/tls.h
 * @begun: when, ns
 * @local: address
 * @peer: address
 * @label: for people
 * @saved: what the socket was, guarded by sk_callback_lock
 * @io_by: task that reads or writes the socket for us
 * @attach: how it began
 * @kicks: enum kh2_kick bits, atomic
 * @work: runs the session
 * @timer: runs the session when a deadline has passed
 * @lock: guards all below; taken after the channel's enter lock and before the
 *	socket's lock
 * @state: enum kh2_session_state
 * @e: engine, NULL when gone
 * @file: our reference to the socket, NULL when gone
 * @sock: of @file
 * @held: @file, or @closing, counts for the user
 * @closing: what @file was; closed as the lock is given back
 * @early: octets to be fed first
 * @skip: where in a TLS handshake message we are
 * @discarded: octets that came when the connection had ended
 * @heard: sequence number of TCP up to which TLS records had octets in them
 * @reading: TLS records are being opened for us; guarded by the socket's lock, as is the next
 * @silenced: there were too many without octets, no more are opened
 * @rx_eof: the peer sends nothing more
 * @tx_blocked: the socket has no room
 * @tx_more: what was sent last was marked with MSG_MORE
 * @alert_sent: an alert of ours, after which nothing may follow
 * @room_wanted: the ring had no room for an event
 * @retry_ms: that the last retry waited; 0: something was sent since
 * @armed: what @timer is set to, ns; U64_MAX: it is not
 * @linger_end: when closing gives up, ns
 * @error: positive errno of KH2_EV_GONE
 * @wants: struct kh2_file_source that the engine asked for more
 * @limits: as set
 * @claim: share of the event ring
 * @link: in the channel's sessions, guarded by the channel's lock
 * @ready: in the channel's list of those that are ready or late, guarded by its lock
 * @touched: in the channel's touched list, guarded by the channel's enter lock
 */
struct kh2_session {
	refcount_t refs;
	struct rcu_head rcu;
	u32 id;
	struct kh2_channel *ch;
	struct kh2_net *kn;
	u8 role;
	u8 padding;
	bool tls;
	u16 tls_version;
	u16 tls_cipher;
	u64 begun;
	struct sockaddr_storage local;
	struct sockaddr_storage peer;
	char label[KH2_LABEL_MAX + 1];

	struct kh2_saved saved;
	struct task_struct *io_by;

	struct kh2_attach attach;

	unsigned long kicks;
	struct work_struct work;
	struct timer_list timer;

	struct mutex lock;	/* guards what follows; inside the channel's enter */
	u8 state;
	struct kh2e *e;
	struct file *file;
	struct kh2_held_file *held;
	struct file *closing;
	struct socket *sock;
	struct kh2_early early;
	struct kh2_handshake_skip skip;
	u32 discarded;
	u32 heard;
	bool reading;
	bool silenced;
	bool rx_eof;
	bool tx_blocked;
	bool tx_more;
	bool alert_sent;
	bool room_wanted;
	u32 retry_ms;
	u64 armed;
	u64 linger_end;
	int error;
	struct list_head wants;
	u32 limits[__KH2_L_END];

	struct kh2_claim claim;
	struct list_head link;
	struct list_head ready;
	struct list_head touched;
};

struct kh2_session *kh2_session_new(struct kh2_channel *ch);
struct kh2_session *kh2_session_find(struct kh2_net *kn, u32 id);
struct kh2_session *kh2_session_next(struct kh2_net *kn, unsigned long *id);
struct kh2_session *kh2_session_get(struct kh2_session *s);
void kh2_session_put(struct kh2_session *s);

bool kh2_session_lock_patiently(struct kh2_session *s, u32 *patience);

void kh2_session_kick(struct kh2_session *s, enum kh2_kick why);
void kh2_session_hand_over(struct kh2_session *s);
void kh2_session_data_ready(struct kh2_session *s);
void kh2_session_retry_locked(struct kh2_session *s);
void kh2_session_run_locked(struct kh2_session *s);
void kh2_session_settle_locked(struct kh2_session *s);
void kh2_session_flush_locked(struct kh2_session *s);
void kh2_session_let_go_locked(struct kh2_session *s);
void kh2_session_unlock(struct kh2_session *s);
void kh2_session_fput(struct file *file);
void kh2_session_feed(struct kh2_claim *claim);

void kh2_early_free(struct kh2_share *share, struct kh2_early *early);

#endif
