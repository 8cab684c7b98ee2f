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

#endif
