// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Flow-control windows: all their arithmetic (RFC 9113 5.2, 6.9). */
#include "window.h"

/**
 * kh2e_send_window_init() - begin a window
 * @w: the window
 * @size: octets, at most 2^31-1
 */
void kh2e_send_window_init(struct kh2e_send_window *w, u32 size)
{
	w->left = (s32)size;
}

/**
 * kh2e_send_window_credit() - apply a WINDOW_UPDATE
 * @w: the window
 * @n: increment, 1 to 2^31-1
 *
 * Return: false if the window would pass 2^31-1 (RFC 9113 6.9.1).
 */
bool kh2e_send_window_credit(struct kh2e_send_window *w, u32 n)
{
	s64 left = (s64)w->left + n;

	if (left > KH2_WINDOW_MAX)
		return false;
	w->left = (s32)left;
	return true;
}

/**
 * kh2e_send_window_shift() - apply a change of SETTINGS_INITIAL_WINDOW_SIZE
 * @w: the window
 * @delta: new value less the old one
 *
 * Return: false if the window would leave the range (RFC 9113 6.9.2).
 */
bool kh2e_send_window_shift(struct kh2e_send_window *w, s64 delta)
{
	s64 left = (s64)w->left + delta;

	if (left > KH2_WINDOW_MAX || left < -(s64)KH2_WINDOW_MAX)
		return false;
	w->left = (s32)left;
	return true;
}

/**
 * kh2e_send_window_room() - octets that may be sent now
 * @w: the window
 *
 * Return: 0 for a window that is shut or negative.
 */
u32 kh2e_send_window_room(const struct kh2e_send_window *w)
{
	return w->left > 0 ? (u32)w->left : 0;
}

/**
 * kh2e_send_window_take() - account for DATA that is sent
 * @w: the window
 * @n: octets, at most kh2e_send_window_room()
 */
void kh2e_send_window_take(struct kh2e_send_window *w, u32 n)
{
	w->left -= (s32)n;
}

/**
 * kh2e_recv_window_init() - begin a window
 * @w: the window
 * @size: octets, at most 2^31-1
 */
void kh2e_recv_window_init(struct kh2e_recv_window *w, u32 size)
{
	w->left = (s32)size;
	w->size = size;
	w->consumed = 0;
}

/**
 * kh2e_recv_window_take() - account for DATA that arrived
 * @w: the window
 * @n: flow-controlled octets, padding included
 *
 * Return: false if the peer sent more than it was allowed.
 */
bool kh2e_recv_window_take(struct kh2e_recv_window *w, u32 n)
{
	if (n && (s64)n > w->left)
		return false;
	w->left -= (s32)n;
	return true;
}

/**
 * kh2e_recv_window_shift() - apply a change of our SETTINGS_INITIAL_WINDOW_SIZE
 * @w: the window
 * @delta: new value less the old one; both are at most 2^31-1
 *
 * The size never leaves its range, for it follows the setting alone.
 */
void kh2e_recv_window_shift(struct kh2e_recv_window *w, s64 delta)
{
	w->left = (s32)((s64)w->left + delta);
	w->size = (u32)((s64)w->size + delta);
}

/**
 * kh2e_recv_window_consume() - octets were consumed, or were never delivered
 * @w: the window
 * @n: octets
 *
 * Half a window is saved up before the peer is told, so that a WINDOW_UPDATE
 * goes out for many DATA frames.
 *
 * Return: increment to send in a WINDOW_UPDATE now, 0 for none.
 */
u32 kh2e_recv_window_consume(struct kh2e_recv_window *w, u32 n)
{
	u32 increment;

	w->consumed += n;
	if (!w->consumed || w->consumed < w->size / 2)
		return 0;
	increment = w->consumed;
	w->consumed = 0;
	w->left += (s32)increment;
	return increment;
}
