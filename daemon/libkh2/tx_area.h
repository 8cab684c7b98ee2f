/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The transmit area of a channel: pages to lend, and a part for what is copied at once. */
#ifndef KH2I_TX_AREA_H
#define KH2I_TX_AREA_H

#include "context.h"

#define KH2I_TX_PAGE 4096U

/**
 * struct kh2i_tx_area - who has which octets
 * @base: mapping
 * @size: octets
 * @brief: octets at the beginning that are given out for one KH2_IOC_ENTER
 * @brief_used: of these
 * @used: a bit for each page behind them
 * @n_pages: of these
 * @n_used: pages that are given out
 * @next: where to look first
 */
struct kh2i_tx_area {
	u8 *base;
	size_t size;
	u32 brief;
	u32 brief_used;
	u64 *used;
	u32 n_pages;
	u32 n_used;
	u32 next;
};

int kh2i_tx_area_init(struct kh2i_tx_area *a, void *base, size_t size);
void kh2i_tx_area_exit(struct kh2i_tx_area *a);
void *kh2i_tx_area_brief(struct kh2i_tx_area *a, size_t len, u64 *addr);
void kh2i_tx_area_brief_reset(struct kh2i_tx_area *a);
void *kh2i_tx_area_alloc(struct kh2i_tx_area *a, u32 held, size_t *len, u64 *addr);
u32 kh2i_tx_area_pages(size_t len);
void kh2i_tx_area_free(struct kh2i_tx_area *a, u64 addr, size_t len);

#endif
