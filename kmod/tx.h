/* SPDX-License-Identifier: GPL-2.0 */
/* From the engine into the socket. */
#ifndef KH2_TX_H
#define KH2_TX_H

#include <linux/types.h>

struct kh2_session;

bool kh2_tx_run(struct kh2_session *s);

#endif
