// SPDX-License-Identifier: GPL-2.0
/*
 * The guard: reads and writes of an attached socket by others are refused. While a socket is
 * attached its sk_prot is a copy of what it was, but for sendmsg and recvmsg, as
 * kTLS and sockmap put theirs there.
 *
 * Who has loaded a pointer to one of the copies, or to a function here, may be
 * preempted before it is used, and come back after detach. So the copies are
 * never freed nor changed, and the module's exit waits for such tasks.
 */

#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <net/inet_connection_sock.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "compat.h"
#include "guard.h"
#include "socket.h"

/* TCP and kTLS in software both ways, each with IPv4 and IPv6; and some to spare. */
#define KH2_GUARDS 8

/**
 * struct guard - what stands before one struct proto
 * @base: that; NULL: the entry is free
 * @owner: module of the ULP that has it, or NULL; held
 * @prot: takes its place
 */
struct guard {
	const struct proto *base;
	struct module *owner;
	struct proto prot;
};

static struct guard guards[KH2_GUARDS];
static DEFINE_MUTEX(kh2_guard_lock);	/* guards entries of guards[]; inside the socket's lock */

static int guard_sendmsg(struct sock *sk, struct msghdr *msg, size_t len)
{
	const struct proto *base = kh2_socket_own_io(sk);

	return base ? base->sendmsg(sk, msg, len) : -EOPNOTSUPP;
}

static int guard_recvmsg(KH2_RECVMSG_PARAMS(struct sock *sk, struct msghdr *msg, size_t len,
					    int flags))
{
	const struct proto *base = kh2_socket_own_io(sk);

	return base ? base->recvmsg(KH2_RECVMSG_ARGS(sk, msg, len, flags)) : -EOPNOTSUPP;
}

/* Our own ULP needs no reference to this module: its sockets hold one each. */
static struct module *owner_of(const struct sock *sk)
{
	struct module *owner = inet_csk(sk)->icsk_ulp_ops->owner;

	return owner == THIS_MODULE ? NULL : owner;
}

static struct proto *make(struct guard *g, const struct sock *sk)
{
	struct module *owner = owner_of(sk);

	if (!try_module_get(owner))
		return NULL;
	g->owner = owner;
	g->prot = *sk->sk_prot;
	g->prot.sendmsg = guard_sendmsg;
	g->prot.recvmsg = guard_recvmsg;
	g->base = sk->sk_prot;
	return &g->prot;
}

/**
 * kh2_guard_of() - what is to stand before a socket's struct proto
 * @sk: socket with a ULP
 *
 * Context: Process context with the socket's lock held.
 * Return: the guard, valid as long as this module; NULL if it is one more kind than there
 *	can be.
 */
struct proto *kh2_guard_of(struct sock *sk)
{
	struct proto *prot = NULL;

	sock_owned_by_me(sk);
	mutex_lock(&kh2_guard_lock);
	for (int i = 0; i < KH2_GUARDS && !prot; i++) {
		if (guards[i].base == sk->sk_prot)
			prot = &guards[i].prot;
		else if (!guards[i].base)
			prot = make(&guards[i], sk);
	}
	mutex_unlock(&kh2_guard_lock);
	return prot;
}

/**
 * kh2_guard_init() - see to it that kh2_guard_exit() can wait
 *
 * Tasks that were preempted are waited for by tasks RCU alone. A kernel without it keeps
 * this module for ever.
 *
 * Context: Module init.
 */
void kh2_guard_init(void)
{
	if (IS_ENABLED(CONFIG_PREEMPTION) && !IS_ENABLED(CONFIG_TASKS_RCU))
		__module_get(THIS_MODULE);
}

/**
 * kh2_guard_exit() - wait for tasks on their way through a guard
 *
 * They do not sleep there, unless they are ours and hold a session.
 *
 * Context: Module exit; no socket is attached.
 */
void kh2_guard_exit(void)
{
	synchronize_rcu_tasks();
	for (int i = 0; i < KH2_GUARDS; i++)
		module_put(guards[i].owner);
}
