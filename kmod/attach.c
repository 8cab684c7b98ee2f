// SPDX-License-Identifier: GPL-2.0
/*
 * How a connected socket becomes a session: prepared by the caller, done by a worker.
 *
 * The caller is inside generic netlink, which the whole system shares, so it must not wait for
 * the socket's lock: somebody may hold that for as long as he likes. The worker waits for
 * it, and the caller for the worker, but not for long.
 */

#include <linux/completion.h>
#include <linux/file.h>
#include <linux/jiffies.h>
#include <linux/memcontrol.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/netlink.h>
#include <linux/sched/mm.h>
#include <linux/workqueue.h>
#include <net/sock.h>

#include "attach.h"
#include "channel.h"
#include "channel_sizes.h"
#include "held_file.h"
#include "home.h"
#include "netlink.h"
#include "netns.h"
#include "ready.h"
#include "session.h"
#include "socket.h"
#include "trace.h"

/* The caller waits so long for the worker. */
#define KH2_ATTACH_MS 5000U

static int get_socket(struct kh2_session *s, int fd, struct netlink_ext_ack *extack)
{
	s->file = fget(fd);
	if (!s->file) {
		NL_SET_ERR_MSG(extack, "no such descriptor");
		return -EBADF;
	}
	s->sock = sock_from_file(s->file);
	if (!s->sock) {
		NL_SET_ERR_MSG(extack, "descriptor is not a socket");
		return -ENOTSOCK;
	}
	/* A worker is not to be the one who closes sockets of other kinds. */
	if (!sk_is_tcp(s->sock->sk)) {
		NL_SET_ERR_MSG(extack, "socket is not TCP");
		return -EPROTONOSUPPORT;
	}
	if (!net_eq(sock_net(s->sock->sk), s->kn->net)) {
		NL_SET_ERR_MSG(extack, "socket is of another network namespace");
		return -EXDEV;
	}
	return 0;
}

static int hold_socket(struct kh2_session *s, struct netlink_ext_ack *extack)
{
	struct kh2_held_file *held = kh2_held_file_get(s->ch->share.user, s->file);

	if (!IS_ERR(held)) {
		s->held = held;
		return 0;
	}
	if (PTR_ERR(held) == -EMFILE)
		NL_SET_ERR_MSG(extack, "as many sockets and files are held as may be open");
	return PTR_ERR(held);
}

static int join_ring(struct kh2_session *s, struct netlink_ext_ack *extack)
{
	int err = kh2_ring_join(&s->ch->ring, &s->claim, 0);

	if (err)
		NL_SET_ERR_MSG(extack, "event ring has no room for another session");
	return err;
}

static int take_number(struct kh2_session *s)
{
	int err = xa_alloc_cyclic(&s->kn->sessions, &s->id, NULL, XA_LIMIT(1, INT_MAX),
				  &s->kn->next_session, GFP_KERNEL_ACCOUNT);

	if (err >= 0)
		return 0;
	/* Set before it fails; it may be that of somebody else by now. */
	s->id = 0;
	return err;
}

static int make_engine(struct kh2_session *s, const struct kh2e_config *cfg,
		       struct netlink_ext_ack *extack)
{
	int err = kh2_session_new_engine(s, cfg);

	if (err && err != -ENOMEM)
		NL_SET_ERR_MSG(extack, "settings or limits are out of range");
	return err;
}

static int prepare(struct kh2_session *s, int fd, struct kh2_session_args *args,
		   struct netlink_ext_ack *extack)
{
	int err;

	s->role = args->cfg.role;
	s->padding = args->cfg.padding;
	strscpy(s->label, args->label, sizeof(s->label));
	memcpy(s->limits, args->cfg.limits, sizeof(s->limits));
	err = get_socket(s, fd, extack) ?: hold_socket(s, extack) ?: join_ring(s, extack) ?:
	      take_number(s) ?: make_engine(s, &args->cfg, extack);
	if (err)
		return err;
	s->early = args->early;
	args->early.data = NULL;
	return 0;
}

/* What was prepared comes to nothing; its socket is closed as the lock is given back. */
static void discard_locked(struct kh2_session *s)
{
	struct kh2_channel *ch = s->ch;

	lockdep_assert_held(&s->lock);
	s->state = KH2_SESSION_GONE;
	if (s->e)
		kh2e_free(s->e);
	s->e = NULL;
	if (s->id)
		xa_erase(&s->kn->sessions, s->id);
	kh2_early_free(&ch->share, &s->early);
	kh2_ring_leave(&ch->ring, &s->claim);
	kh2_session_let_go_locked(s);
}

/* The sessions of a channel end with it: none is added afterwards. */
static bool join_channel(struct kh2_session *s)
{
	struct kh2_channel *ch = s->ch;
	bool ended;

	spin_lock_bh(&ch->lock);
	ended = ch->ended;
	if (!ended) {
		kh2_session_get(s);
		list_add_tail(&s->link, &ch->sessions);
		ch->n_sessions++;
	}
	spin_unlock_bh(&ch->lock);
	return !ended;
}

/* From here on others can find it. */
static void publish(struct kh2_session *s)
{
	xa_store(&s->kn->sessions, s->id, s, GFP_KERNEL_ACCOUNT);
	atomic_inc(&s->kn->generation);
	atomic_inc(&s->kn->n_sessions);
	atomic64_inc(&s->kn->total_sessions);
}

/* The session is live afterwards, or gone. */
static void take_over_locked(struct kh2_session *s)
{
	struct kh2_attach *attach = &s->attach;

	lockdep_assert_held(&s->lock);
	attach->err = kh2_socket_attach(s, &attach->why);
	if (!attach->err && !join_channel(s)) {
		kh2_socket_detach(s);
		kh2_ready_forget(s);
		attach->err = -ECANCELED;
	}
	if (attach->err) {
		discard_locked(s);
		return;
	}
	s->state = KH2_SESSION_LIVE;
	publish(s);
	trace_kh2_session_new(s->id, s->ch->id, s->role, s->tls);
	kh2_netlink_new(s);
	/* Data may have come before the callbacks: look in any case. */
	set_bit(KH2_KICK_RX, &s->kicks);
}

/* The one who asked is told what came of it, unless he is gone. */
static void finish(struct kh2_session *s)
{
	if (!s->attach.pending)
		return;
	s->attach.pending = false;
	complete_all(&s->attach.done);
	put_net(s->kn->net);
	/* The work's reference to the session, by its user, has the exit wait for the rest. */
	module_put(THIS_MODULE);
}

/* Runs again if the one who asked has given up: whatever the session is by then, it ends. */
static void attach_work(struct work_struct *work)
{
	struct kh2_session *s = container_of(work, struct kh2_session, attach.work);
	struct mem_cgroup *old = set_active_memcg(s->ch->memcg);

	mutex_lock(&s->lock);
	if (s->state == KH2_SESSION_NEW)
		take_over_locked(s);
	kh2_session_run_locked(s);
	kh2_session_unlock(s);
	finish(s);
	set_active_memcg(old);
	kh2_session_put(s);
}

static void queue(struct kh2_session *s)
{
	kh2_session_get(s);
	if (!queue_work(s->ch->share.user->session_wq, &s->attach.work))
		kh2_session_put(s);
}

/*
 * The worker may wait for the socket's lock when the owner is long gone. So it does not keep
 * the channel from ending, only what the channel kept for its sessions.
 */
static void start(struct kh2_session *s)
{
	INIT_WORK(&s->attach.work, attach_work);
	init_completion(&s->attach.done);
	get_net(s->kn->net);
	__module_get(THIS_MODULE);
	s->attach.pending = true;
	queue(s);
}

static int await(struct kh2_session *s, struct netlink_ext_ack *extack)
{
	struct kh2_attach *attach = &s->attach;
	long left = wait_for_completion_killable_timeout(&attach->done,
							 msecs_to_jiffies(KH2_ATTACH_MS));

	if (left <= 0) {
		NL_SET_ERR_MSG(extack, "socket is busy");
		set_bit(KH2_KICK_END, &s->kicks);
		queue(s);
		return left ?: -EBUSY;
	}
	if (attach->why)
		NL_SET_ERR_MSG_FMT(extack, "%s", attach->why);
	return attach->err;
}

/**
 * kh2_attach() - make a session of a connected socket
 * @channel: file of a channel
 * @fd: descriptor of the socket, in the caller's table
 * @args: how it begins; its early octets are taken over, or left for the caller to free
 * @id: set to the session's number
 * @extack: says what was refused
 *
 * Context: Process context.
 * Return: 0 or a negative errno; -EMFILE if the user would have more files held than
 *	RLIMIT_NOFILE, -EBUSY if the socket has a session or another user
 *	already, or its lock was not to be had.
 */
int kh2_attach(struct file *channel, int fd, struct kh2_session_args *args, u32 *id,
	       struct netlink_ext_ack *extack)
{
	struct kh2_channel *ch = kh2_channel_from_file(channel);
	struct kh2_session *s;
	struct file *file;
	int err;

	err = kh2_channel_fits_block(ch, args->cfg.limits[KH2_L_BLOCK_OCTETS], extack) ?:
	      kh2_channel_fits_settings(ch, args->cfg.settings, args->cfg.n_settings, extack);
	if (err)
		return err;
	s = kh2_session_new(ch);
	if (!s)
		return -ENOMEM;
	err = prepare(s, fd, args, extack);
	if (err) {
		mutex_lock(&s->lock);
		discard_locked(s);
		kh2_session_unlock(s);
	} else {
		*id = s->id;
		/* If it is refused the caller closes the socket, who may have asked to linger. */
		file = get_file(s->file);
		start(s);
		err = await(s, extack);
		fput(file);
	}
	kh2_session_put(s);
	return err;
}
