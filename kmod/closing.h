/* SPDX-License-Identifier: GPL-2.0 */
/* How a session ends. */
#ifndef KH2_CLOSING_H
#define KH2_CLOSING_H

#include <linux/errno.h>
#include <linux/types.h>
#include <linux/kh2_counters.h>

struct kh2_session;

void kh2_session_abort_locked(struct kh2_session *s, int error, enum kh2_counter why);
void kh2_session_close_locked(struct kh2_session *s, bool told);
void kh2_session_end_locked(struct kh2_session *s);

/* The counter of an error of the socket; TCP gives up on a peer that acknowledges nothing. */
static inline enum kh2_counter kh2_session_lost_why(int error)
{
	return error == ETIMEDOUT ? KH2_C_CONN_STALLED : KH2_C_CONN_TRANSPORT;
}

#endif
