// SPDX-License-Identifier: GPL-2.0
/* Entry and exit of kh2.ko: starts its parts in order and stops them in reverse. */

#include <linux/init.h>
#include <linux/module.h>
#include <net/genetlink.h>

#include "file_source.h"
#include "netlink.h"
#include "netns.h"
#include "session.h"
#include "socket.h"

static int __init kh2_init(void)
{
	int err;

	err = kh2_session_wq_init();
	if (err)
		return err;
	err = kh2_file_source_init();
	if (err)
		goto err_wq;
	err = kh2_netns_init();
	if (err)
		goto err_files;
	err = kh2_socket_init();
	if (err)
		goto err_netns;
	err = kh2_netlink_init();
	if (err)
		goto err_socket;
	return 0;

err_socket:
	kh2_socket_exit();
err_netns:
	kh2_netns_exit();
err_files:
	kh2_file_source_exit();
err_wq:
	kh2_session_wq_exit();
	return err;
}

/* No channel is left: each holds the module. Work of dead sessions may be, and is waited for. */
static void __exit kh2_exit(void)
{
	kh2_netlink_exit();
	kh2_socket_exit();
	kh2_netns_exit();
	kh2_file_source_exit();
	kh2_session_wq_exit();
}

module_init(kh2_init);
module_exit(kh2_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("HTTP/2 above kernel TLS");
MODULE_VERSION("0.1.0");
MODULE_ALIAS_GENL_FAMILY("kh2");
