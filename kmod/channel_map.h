/* SPDX-License-Identifier: GPL-2.0 */
/* What a channel shares with its owner. */
#ifndef KH2_CHANNEL_MAP_H
#define KH2_CHANNEL_MAP_H

#include <linux/types.h>

struct file;
struct page;
struct vm_area_struct;

/**
 * struct kh2_area - pages that userspace maps, contiguous for the kernel
 * @data: where the kernel sees them
 * @n_pages: how many
 * @pages: the pages
 */
struct kh2_area {
	void *data;
	u32 n_pages;
	struct page **pages;
};

int kh2_area_init(struct kh2_area *area, size_t octets);
void kh2_area_exit(struct kh2_area *area);

int kh2_channel_mmap(struct file *file, struct vm_area_struct *vma);

#endif
