// SPDX-License-Identifier: GPL-2.0
/* Attach and detach as mirror images, and the socket's callbacks in between. */

#include <linux/file.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <net/inet_connection_sock.h>
#include <net/ipv6.h>
#include <net/sock.h>
#include <net/tcp.h>
#include <net/tls.h>
#include <net/tls_prot.h>

#include "channel.h"
#include "guard.h"
#include "netns.h"
#include "rx.h"
#include "session.h"
#include "socket.h"

#define KH2_ULP_NAME "kh2"

static int ulp_begin(struct sock *sk)
{
	return 0;
}

/*
 * A plain socket gets this ULP, for one reason: no other can then be put on
 * it behind our back, which would keep our callbacks as those to go back to.
 * It stays until the socket dies and holds the module for so long.
 */
static struct tcp_ulp_ops kh2_ulp = {
	.name = KH2_ULP_NAME,
	.owner = THIS_MODULE,
	.init = ulp_begin,
};

/*
 * The callbacks run in softirq context or with the socket's lock held. They
 * find the session through sk_user_data, which sk_callback_lock guards and
 * which holds a reference to it.
 */
static void sock_data_ready(struct sock *sk);

/*
 * A callback that was on its way, without the socket's lock, when the session let go of
 * the socket finds there what is of others.
 */
static struct kh2_session *session_of(struct sock *sk)
{
	return sk->sk_data_ready == sock_data_ready ? sk->sk_user_data : NULL;
}

static void sock_data_ready(struct sock *sk)
{
	struct kh2_session *s;

	read_lock_bh(&sk->sk_callback_lock);
	s = session_of(sk);
	if (s) {
		/* kTLS puts records together there; on plain TCP it would only wake pollers. */
		if (s->tls) {
			kh2_rx_arrived(s);
			s->saved.data_ready(sk);
		}
		kh2_session_data_ready(s);
	}
	read_unlock_bh(&sk->sk_callback_lock);
}

static void sock_write_space(struct sock *sk)
{
	struct kh2_session *s;

	read_lock_bh(&sk->sk_callback_lock);
	s = session_of(sk);
	if (s) {
		s->saved.write_space(sk);
		if (sk_stream_is_writeable(sk))
			kh2_session_kick(s, KH2_KICK_TX);
	}
	read_unlock_bh(&sk->sk_callback_lock);
}

static void sock_state_change(struct sock *sk)
{
	struct kh2_session *s;

	read_lock_bh(&sk->sk_callback_lock);
	s = session_of(sk);
	if (s) {
		s->saved.state_change(sk);
		kh2_session_kick(s, KH2_KICK_RX);
	}
	read_unlock_bh(&sk->sk_callback_lock);
}

static void sock_error_report(struct sock *sk)
{
	struct kh2_session *s;

	read_lock_bh(&sk->sk_callback_lock);
	s = session_of(sk);
	if (s) {
		s->saved.error_report(sk);
		kh2_session_kick(s, KH2_KICK_RX);
	}
	read_unlock_bh(&sk->sk_callback_lock);
}

static int refuse(const char **why, int err, const char *text)
{
	*why = text;
	return err;
}

static int check_tls(struct kh2_session *s, struct sock *sk, const char **why)
{
	const struct tls_context *tls = tls_get_ctx(sk);

	if (!tls)
		return refuse(why, -EINVAL, "socket has no TLS context");
	if (tls->tx_conf != TLS_SW || tls->rx_conf != TLS_SW)
		return refuse(why, -EINVAL,
			      "kernel TLS must be set in both directions, in software");
	s->tls = true;
	s->tls_version = tls->prot_info.version;
	s->tls_cipher = tls->prot_info.cipher_type;
	return 0;
}

static bool is_connected(const struct sock *sk)
{
	int state = inet_sk_state_load(sk);

	return state == TCP_ESTABLISHED || state == TCP_CLOSE_WAIT;
}

static int check_locked(struct kh2_session *s, struct sock *sk, const char **why)
{
	const struct tcp_ulp_ops *ulp = inet_csk(sk)->icsk_ulp_ops;

	sock_owned_by_me(sk);
	if (!is_connected(sk))
		return refuse(why, -ENOTCONN, "socket is not connected");
	if (!s->sock->ops->read_sock)
		return refuse(why, -EOPNOTSUPP, "socket cannot be read by the kernel");
	if (!ulp)
		return refuse(why, -EINVAL, "socket has lost its ULP");
	if (ulp == &kh2_ulp)
		return 0;
	if (strcmp(ulp->name, "tls"))
		return refuse(why, -EINVAL, "socket has a ULP other than tls");
	return check_tls(s, sk, why);
}

static int hook(struct kh2_session *s, struct sock *sk)
{
	struct proto *guard;
	int err = 0;

	/* one that is guarded already needs no guard */
	if (READ_ONCE(sk->sk_user_data))
		return -EBUSY;
	guard = kh2_guard_of(sk);
	if (!guard)
		return -EOPNOTSUPP;
	write_lock_bh(&sk->sk_callback_lock);
	if (sk->sk_user_data) {
		err = -EBUSY;
	} else {
		s->saved.data_ready = sk->sk_data_ready;
		s->saved.write_space = sk->sk_write_space;
		s->saved.state_change = sk->sk_state_change;
		s->saved.error_report = sk->sk_error_report;
		s->saved.prot = sk->sk_prot;
		s->saved.guard = guard;
		rcu_assign_sk_user_data(sk, s);
		sk->sk_data_ready = sock_data_ready;
		sk->sk_write_space = sock_write_space;
		sk->sk_state_change = sock_state_change;
		sk->sk_error_report = sock_error_report;
		/* readers take no lock */
		WRITE_ONCE(sk->sk_prot, guard);
	}
	write_unlock_bh(&sk->sk_callback_lock);
	return err;
}

static void unhook(struct kh2_session *s, struct sock *sk)
{
	write_lock_bh(&sk->sk_callback_lock);
	if (sk->sk_user_data == s) {
		sk->sk_data_ready = s->saved.data_ready;
		sk->sk_write_space = s->saved.write_space;
		sk->sk_state_change = s->saved.state_change;
		sk->sk_error_report = s->saved.error_report;
		/* kTLS puts its own back when the owner sets keys anew */
		if (sk->sk_prot == s->saved.guard)
			WRITE_ONCE(sk->sk_prot, s->saved.prot);
		rcu_assign_sk_user_data(sk, NULL);
	}
	write_unlock_bh(&sk->sk_callback_lock);
}

/**
 * kh2_socket_own_io() - is it us who read or write a guarded socket?
 * @sk: socket
 *
 * The caller came by the guard, but may be late: the socket may be attached no
 * more, and sk_user_data somebody else's.
 *
 * Context: Process context.
 * Return: what the guard stands for if it is our own doing, else NULL.
 */
const struct proto *kh2_socket_own_io(struct sock *sk)
{
	const struct proto *base = NULL;

	read_lock_bh(&sk->sk_callback_lock);
	if (sk->sk_data_ready == sock_data_ready) {
		const struct kh2_session *s = sk->sk_user_data;

		if (READ_ONCE(s->io_by) == current)
			base = s->saved.prot;
	}
	read_unlock_bh(&sk->sk_callback_lock);
	return base;
}

/**
 * kh2_socket_sendmsg() - send on the socket of a session
 * @s: the session
 * @msg: message
 *
 * Context: Process context with the session's lock held; takes the socket's.
 * Return: as sock_sendmsg().
 */
int kh2_socket_sendmsg(struct kh2_session *s, struct msghdr *msg)
{
	int n;

	lockdep_assert_held(&s->lock);
	WRITE_ONCE(s->io_by, current);
	n = sock_sendmsg(s->sock, msg);
	WRITE_ONCE(s->io_by, NULL);
	return n;
}

/**
 * kh2_socket_recvmsg() - receive from the socket of a session, without waiting
 * @s: the session
 * @msg: message
 *
 * Context: Process context with the session's lock held; takes the socket's.
 * Return: as sock_recvmsg().
 */
int kh2_socket_recvmsg(struct kh2_session *s, struct msghdr *msg)
{
	int n;

	lockdep_assert_held(&s->lock);
	WRITE_ONCE(s->io_by, current);
	n = sock_recvmsg(s->sock, msg, MSG_DONTWAIT);
	WRITE_ONCE(s->io_by, NULL);
	return n;
}

static void note_addresses(struct kh2_session *s, const struct sock *sk)
{
	const struct inet_sock *inet = inet_sk(sk);

	if (sk->sk_family == AF_INET) {
		struct sockaddr_in *local = (struct sockaddr_in *)&s->local;
		struct sockaddr_in *peer = (struct sockaddr_in *)&s->peer;

		local->sin_family = AF_INET;
		local->sin_port = inet->inet_sport;
		local->sin_addr.s_addr = inet->inet_saddr;
		peer->sin_family = AF_INET;
		peer->sin_port = inet->inet_dport;
		peer->sin_addr.s_addr = inet->inet_daddr;
		return;
	}
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6) {
		struct sockaddr_in6 *local = (struct sockaddr_in6 *)&s->local;
		struct sockaddr_in6 *peer = (struct sockaddr_in6 *)&s->peer;

		local->sin6_family = AF_INET6;
		local->sin6_port = inet->inet_sport;
		local->sin6_addr = inet6_sk(sk)->saddr;
		peer->sin6_family = AF_INET6;
		peer->sin6_port = inet->inet_dport;
		peer->sin6_addr = sk->sk_v6_daddr;
	}
#endif
}

/* A socket that has a ULP already says EEXIST; which one is looked at later. */
static int set_ulp(struct sock *sk)
{
	char name[] = KH2_ULP_NAME;
	int err;

	err = sk->sk_prot->setsockopt(sk, SOL_TCP, TCP_ULP, KERNEL_SOCKPTR(name),
				      sizeof(name) - 1);
	return err == -EEXIST ? 0 : err;
}

/**
 * kh2_socket_attach() - take over the socket of a session
 * @s: the session, with file and sock set, of TCP and its own network namespace
 * @why: set to what was refused, if that has words
 *
 * The caller runs the session once afterwards: data may have come before the
 * callbacks were in place.
 *
 * Context: Process context; takes the socket's lock.
 * Return: 0 or a negative errno, and then the socket is as it was, but for a
 *	ULP that does nothing.
 */
int kh2_socket_attach(struct kh2_session *s, const char **why)
{
	struct sock *sk = s->sock->sk;
	int err;

	/* Looked at again under the lock; here so that others do not get a ULP that stays. */
	if (!is_connected(sk))
		return refuse(why, -ENOTCONN, "socket is not connected");
	err = set_ulp(sk);
	if (err)
		return err;

	lock_sock(sk);
	/* Who asked for it may have given up meanwhile, and does something else with the socket. */
	err = test_bit(KH2_KICK_END, &s->kicks) ? -ECANCELED : check_locked(s, sk, why);
	if (!err) {
		err = hook(s, sk);
		if (err)
			refuse(why, err, err == -EBUSY ?
			       "socket is in use, by a session or otherwise" :
			       "socket is of a kind that cannot be guarded");
	}
	if (!err) {
		note_addresses(s, sk);
		s->heard = tcp_sk(sk)->copied_seq;
		s->saved.sndtimeo = sk->sk_sndtimeo;
		/* Nothing may sleep for room, whatever flags a layer below passes on. */
		sk->sk_sndtimeo = 0;
	}
	release_sock(sk);
	if (err)
		return err;
	/* What waits for more to come is said by MSG_MORE. */
	tcp_sock_set_nodelay(sk);
	kh2_socket_set_patience(s);
	return 0;
}

/**
 * kh2_socket_set_patience() - tell TCP how long a peer may acknowledge nothing
 * @s: the session
 *
 * A peer that never reads would hold what lies in the socket for ever, when
 * its streams have long been ended.
 *
 * Context: Process context; takes the socket's lock.
 */
void kh2_socket_set_patience(struct kh2_session *s)
{
	tcp_sock_set_user_timeout(s->sock->sk, s->limits[KH2_L_STALL_MS]);
}

/**
 * kh2_socket_detach() - give the socket back
 * @s: the session
 *
 * As it was, but for TCP_NODELAY, TCP_USER_TIMEOUT and SO_LINGER, which is off.
 * No callback of ours runs when this returns.
 *
 * Context: Process context; takes the socket's lock.
 */
void kh2_socket_detach(struct kh2_session *s)
{
	struct sock *sk = s->sock->sk;

	lock_sock(sk);
	unhook(s, sk);
	sk->sk_sndtimeo = s->saved.sndtimeo;
	/* We have waited already; the last reference may be dropped where all the system waits. */
	sock_reset_flag(sk, SOCK_LINGER);
	release_sock(sk);
}

/**
 * kh2_socket_acked() - did the peer acknowledge all we sent, FIN included?
 * @s: the session, after its side was shut
 *
 * Context: Any context.
 * Return: true if so, or if the connection is no more.
 */
bool kh2_socket_acked(const struct kh2_session *s)
{
	switch (inet_sk_state_load(s->sock->sk)) {
	case TCP_FIN_WAIT2:
	case TCP_TIME_WAIT:
	case TCP_CLOSE:
		return true;
	}
	return false;
}

static int send_record(struct kh2_session *s, u8 type, void *data, size_t len)
{
	struct kvec iov = { .iov_base = data, .iov_len = len };
	union {
		struct cmsghdr head;
		u8 buf[CMSG_SPACE(sizeof(type))];
	} control = {};
	struct msghdr msg = {
		.msg_control = &control,
		.msg_controllen = sizeof(control),
		.msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL,
	};
	int n;

	control.head.cmsg_level = SOL_TLS;
	control.head.cmsg_type = TLS_SET_RECORD_TYPE;
	control.head.cmsg_len = CMSG_LEN(sizeof(type));
	*(u8 *)CMSG_DATA(&control.head) = type;
	iov_iter_kvec(&msg.msg_iter, ITER_SOURCE, &iov, 1, len);
	n = kh2_socket_sendmsg(s, &msg);
	return n < 0 ? n : 0;
}

/**
 * kh2_socket_alert() - tell the peer that no TLS record will follow, and why
 * @s: the session, over TLS
 * @level: TLS_ALERT_LEVEL_*
 * @desc: TLS_ALERT_DESC_*
 *
 * Context: Process context; does not wait for room.
 * Return: 0 or a negative errno; -EAGAIN to try again.
 */
int kh2_socket_alert(struct kh2_session *s, u8 level, u8 desc)
{
	u8 alert[2] = { level, desc };

	if (kh2_socket_busy(s))
		return -EAGAIN;
	return send_record(s, TLS_RECORD_TYPE_ALERT, alert, sizeof(alert));
}

/**
 * kh2_socket_push() - have sent what waits for more to come
 * @s: the session
 *
 * splice_eof of kTLS would wait for room. A record of no octets does not, and
 * that its type is given closes the one that is open.
 *
 * Context: Process context; does not wait for room.
 * Return: 0 or a negative errno; -EAGAIN to try again.
 */
int kh2_socket_push(struct kh2_session *s)
{
	const struct proto_ops *ops = READ_ONCE(s->sock->ops);

	if (s->tls)
		return send_record(s, TLS_RECORD_TYPE_DATA, NULL, 0);
	if (ops->splice_eof)
		ops->splice_eof(s->sock);
	return 0;
}

/**
 * kh2_socket_busy() - is somebody else sending on the socket?
 * @s: the session
 *
 * The owner may have begun to before attach, and wait for room with a mutex of
 * kTLS held that we would wait for. It harms its session only.
 *
 * Context: Process context.
 * Return: true if so.
 */
bool kh2_socket_busy(const struct kh2_session *s)
{
	return s->tls && mutex_is_locked(&tls_get_ctx(s->sock->sk)->tx_lock);
}

/**
 * kh2_socket_drained() - has kTLS handed all its records to TCP?
 * @s: the session
 *
 * Context: Process context.
 * Return: true if so.
 */
bool kh2_socket_drained(const struct kh2_session *s)
{
	const struct tls_context *tls = s->tls ? tls_get_ctx(s->sock->sk) : NULL;

	return !tls || (!READ_ONCE(tls->partially_sent_record) &&
			list_empty_careful(&tls_sw_ctx_tx(tls)->tx_list));
}

/**
 * kh2_socket_init() - make the ULP known
 *
 * Context: Module init.
 * Return: 0 or a negative errno.
 */
int kh2_socket_init(void)
{
	return tcp_register_ulp(&kh2_ulp);
}

/**
 * kh2_socket_exit() - undo kh2_socket_init()
 *
 * Context: Module exit; no socket has the ULP, each would hold the module.
 */
void kh2_socket_exit(void)
{
	tcp_unregister_ulp(&kh2_ulp);
	kh2_guard_exit();
}
