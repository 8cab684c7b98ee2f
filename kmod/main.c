// SPDX-License-Identifier: GPL-2.0
/* Entry and exit of kh2.ko: starts its parts in order and stops them in reverse. */

#include <linux/init.h>
#include <linux/module.h>
#include <net/genetlink.h>

#include "guard.h"
#include "netlink.h"
#include "netns.h"
#include "socket.h"
#include "user.h"

static int __init kh2_init(void)
{
	int err;

	err = kh2_user_init();
	if (err)
		return err;
	err = kh2_netns_init();
	if (err)
		goto err_user;
	err = kh2_socket_init();
	if (err)
		goto err_netns;
	err = kh2_netlink_init();
	if (err)
		goto err_socket;
	kh2_guard_init();
	return 0;

err_socket:
	kh2_socket_exit();
err_netns:
	kh2_netns_exit();
err_user:
	kh2_user_exit();
	return err;
}

/* No channel is left: each holds the module. Work of dead sessions may be, and is waited for. */
static void __exit kh2_exit(void)
{
	kh2_netlink_exit();
	kh2_socket_exit();
	kh2_netns_exit();
	kh2_user_exit();
}

module_init(kh2_init);
module_exit(kh2_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("HTTP/2 above kernel TLS");
MODULE_VERSION("0.1.0");
MODULE_ALIAS_GENL_FAMILY("kh2");
