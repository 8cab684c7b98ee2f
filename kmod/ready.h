/* SPDX-License-Identifier: GPL-2.0 */
/* The sessions of a channel whose receive work waits for its owner. */
#ifndef KH2_READY_H
#define KH2_READY_H

#include <linux/types.h>

struct kh2_channel;
struct kh2_session;
struct timer_list;
struct work_struct;

bool kh2_ready_any(struct kh2_channel *ch);
void kh2_ready_offer(struct kh2_session *s, bool late);
void kh2_ready_forget(struct kh2_session *s);
void kh2_ready_run(struct kh2_channel *ch);
void kh2_ready_fallback(struct timer_list *t);
void kh2_ready_handover(struct work_struct *work);

#endif
