/* SPDX-License-Identifier: GPL-2.0 */
/* From the socket into the engine. */
#ifndef KH2_RX_H
#define KH2_RX_H

#include <linux/types.h>

struct kh2_session;

/* Why a run ended */
enum kh2_rx {
	KH2_RX_DONE,	/* nothing to read now, or no room for events */
	KH2_RX_MORE,	/* there may be more */
	KH2_RX_YIELD,	/* likewise, but it is the turn of others */
};

enum kh2_rx kh2_rx_run(struct kh2_session *s);
void kh2_rx_arrived(struct kh2_session *s);

#endif
