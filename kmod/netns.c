// SPDX-License-Identifier: GPL-2.0
/* Making and unmaking what kh2 keeps for each network namespace. */

#include <net/netns/generic.h>

#include "netns.h"

static unsigned int kh2_net_id;

/**
 * kh2_net_of() - what kh2 keeps for a network namespace
 * @net: the namespace
 *
 * Context: Any context.
 * Return: the state; valid as long as @net.
 */
struct kh2_net *kh2_net_of(struct net *net)
{
	return net_generic(net, kh2_net_id);
}

static int __net_init netns_begin(struct net *net)
{
	struct kh2_net *kn = kh2_net_of(net);

	kn->net = net;
	xa_init_flags(&kn->sessions, XA_FLAGS_ALLOC1);
	ida_init(&kn->channels);
	spin_lock_init(&kn->lock);
	atomic_set(&kn->generation, 1);
	return 0;
}

/* Channels hold the namespace, and attaches do, so no session is left here. */
static void __net_exit netns_end(struct net *net)
{
	struct kh2_net *kn = kh2_net_of(net);

	WARN_ON_ONCE(!xa_empty(&kn->sessions));
	xa_destroy(&kn->sessions);
	ida_destroy(&kn->channels);
}

static struct pernet_operations kh2_net_ops = {
	.init = netns_begin,
	.exit = netns_end,
	.id = &kh2_net_id,
	.size = sizeof(struct kh2_net),
};

/**
 * kh2_netns_init() - begin to follow network namespaces
 *
 * Context: Module init.
 * Return: 0 or a negative errno.
 */
int kh2_netns_init(void)
{
	return register_pernet_subsys(&kh2_net_ops);
}

/**
 * kh2_netns_exit() - undo kh2_netns_init()
 *
 * Context: Module exit.
 */
void kh2_netns_exit(void)
{
	unregister_pernet_subsys(&kh2_net_ops);
}
