/* SPDX-License-Identifier: GPL-2.0 */
/* KH2_IOC_ENTER: consuming submission entries in the owner's context. */
#ifndef KH2_SUBMIT_H
#define KH2_SUBMIT_H

#include <linux/types.h>

struct kh2_channel;
struct kh2_session;
struct timer_list;
struct work_struct;

long kh2_submit_enter(struct kh2_channel *ch, u32 n);
bool kh2_submit_ready(struct kh2_channel *ch);
void kh2_submit_offer(struct kh2_session *s, bool late);
void kh2_submit_forget(struct kh2_session *s);
void kh2_submit_fallback(struct timer_list *t);
void kh2_submit_handover(struct work_struct *work);

#endif
