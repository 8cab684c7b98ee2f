// SPDX-License-Identifier: GPL-2.0
/* What a channel shares with its owner: the pages, and how they are mapped. */

#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/math.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/kh2.h>

#include "channel.h"
#include "channel_map.h"
#include "ring.h"

/**
 * kh2_area_exit() - free the pages of an area
 * @area: may never have been made
 *
 * Context: Process context, may sleep.
 */
void kh2_area_exit(struct kh2_area *area)
{
	if (!area->pages)
		return;
	vunmap(area->data);
	for (u32 i = 0; i < area->n_pages; i++)
		__free_page(area->pages[i]);
	kvfree(area->pages);
	area->pages = NULL;
}

/**
 * kh2_area_init() - pages for an area
 * @area: zeroed
 * @octets: that it is to hold
 *
 * Context: Process context, may sleep.
 * Return: 0 or -ENOMEM.
 */
int kh2_area_init(struct kh2_area *area, size_t octets)
{
	u32 n = DIV_ROUND_UP(octets, PAGE_SIZE);

	area->pages = kvcalloc(n, sizeof(*area->pages), GFP_KERNEL_ACCOUNT);
	if (!area->pages)
		return -ENOMEM;
	for (; area->n_pages < n; area->n_pages++) {
		struct page *page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);

		if (!page)
			goto err_free;
		area->pages[area->n_pages] = page;
	}
	area->data = vmap(area->pages, n, VM_MAP, PAGE_KERNEL);
	if (!area->data)
		goto err_free;
	return 0;

err_free:
	kh2_area_exit(area);
	return -ENOMEM;
}

static int map_pages(struct vm_area_struct *vma, struct page **pages, unsigned long n)
{
	unsigned long left = n;

	return vm_insert_pages(vma, vma->vm_start, pages, &left);
}

static int map_ring(struct vm_area_struct *vma, struct kh2_ring *ring)
{
	unsigned long left = ring->n_pages;
	int err = vm_insert_pages(vma, vma->vm_start, ring->pages, &left);

	if (err)
		return err;
	left = ring->n_pages;
	return vm_insert_pages(vma, vma->vm_start + ring->size, ring->pages, &left);
}

static int deny_write(struct vm_area_struct *vma)
{
	if (vma->vm_flags & VM_WRITE)
		return -EPERM;
	vm_flags_clear(vma, VM_MAYWRITE);
	return 0;
}

/**
 * kh2_channel_mmap() - map one of a channel's five areas
 * @file: the channel's
 * @vma: its offset, one of KH2_MMAP_*, says which; it is mapped whole
 *
 * Context: Process context with the mm's lock held for writing.
 * Return: 0, -EINVAL if it is private or fits no area, -EPERM if only the kernel writes there, or
 *	an error of vm_insert_pages().
 */
int kh2_channel_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct kh2_channel *ch = file->private_data;
	u64 off = (u64)vma->vm_pgoff << PAGE_SHIFT;
	u64 n = vma_pages(vma);
	int err;

	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	/* A child that only inherited them must not keep a dead owner's channel. */
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP | VM_DONTCOPY);
	switch (off) {
	case KH2_MMAP_KERNEL:
		err = deny_write(vma);
		if (err)
			return err;
		return n == 1 ? map_pages(vma, &ch->head.pages[0], 1) : -EINVAL;
	case KH2_MMAP_USER:
		return n == 1 ? map_pages(vma, &ch->head.pages[1], 1) : -EINVAL;
	case KH2_MMAP_SQ:
		return n == ch->sq.n_pages ? map_pages(vma, ch->sq.pages, n) : -EINVAL;
	case KH2_MMAP_EV:
		err = deny_write(vma);
		if (err)
			return err;
		return n == 2 * ch->ring.n_pages ? map_ring(vma, &ch->ring) : -EINVAL;
	case KH2_MMAP_TX:
		return n == ch->tx.n_pages ? map_pages(vma, ch->tx.pages, n) : -EINVAL;
	}
	return -EINVAL;
}
