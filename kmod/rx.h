/* SPDX-License-Identifier: GPL-2.0 */
/* From the socket into the engine. */
#ifndef KH2_RX_H
#define KH2_RX_H

#include <linux/types.h>

struct kh2_session;

bool kh2_rx_run(struct kh2_session *s);

#endif
