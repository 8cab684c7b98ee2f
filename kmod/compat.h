/* SPDX-License-Identifier: GPL-2.0 */
/* Differences between the kernels that kh2 builds for, 6.12 and later. */
#ifndef KH2_COMPAT_H
#define KH2_COMPAT_H

#ifndef CONFIG_64BIT
#error "kh2 needs a 64-bit kernel: it reads pages by page_address() alone"
#endif

#include <linux/timer.h>
#include <linux/version.h>

/* 6.16 renamed it. */
#ifndef timer_container_of
#define timer_container_of(var, callback_timer, timer_fieldname) \
	from_timer(var, callback_timer, timer_fieldname)
#endif

/* 7.1 took an argument away from recvmsg() of struct proto. */
#if KERNEL_VERSION(7, 1, 0) > LINUX_VERSION_CODE
#define KH2_RECVMSG_PARAMS(...)	__VA_ARGS__, int *addr_len
#define KH2_RECVMSG_ARGS(...)	__VA_ARGS__, addr_len
#else
#define KH2_RECVMSG_PARAMS(...)	__VA_ARGS__
#define KH2_RECVMSG_ARGS(...)	__VA_ARGS__
#endif

#endif
