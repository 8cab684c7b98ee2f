/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What the engine takes from around it: from the kernel, or the same few names in userspace. */
#ifndef KH2_ENGINE_COMPAT_H
#define KH2_ENGINE_COMPAT_H

#ifdef __KERNEL__

#include <linux/bug.h>
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/container_of.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/time64.h>
#include <linux/types.h>
#include <linux/unaligned.h>

#else

#include "userspace.h"

#endif

#include <linux/kh2.h>
#include <linux/kh2_counters.h>
#include <linux/kh2_limits.h>

#endif
