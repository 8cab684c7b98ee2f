/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Tells a service manager how far kh2d is. */
#ifndef KH2D_NOTIFY_H
#define KH2D_NOTIFY_H

/* Sends a state such as "READY=1" to $NOTIFY_SOCKET, if it is set; see sd_notify(3). */
void notify(const char *state);

#endif /* KH2D_NOTIFY_H */
