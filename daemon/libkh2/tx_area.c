// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Allocation within the transmit area: next fit over a bitmap of pages. */
#include <stdlib.h>

#include "tx_area.h"

#define BRIEF_MAX (256U << 10)
/* The largest payload: a header block of 64 KiB, and what HPACK adds */
#define BRIEF_MIN (72U << 10)

/**
 * kh2i_tx_area_init() - begin with everything free
 * @a: area
 * @base: mapping
 * @size: octets
 *
 * Return: 0, -ENOMEM, or -EINVAL if it is too small for the largest command.
 */
int kh2i_tx_area_init(struct kh2i_tx_area *a, void *base, size_t size)
{
	size_t brief = size / 4 < BRIEF_MAX ? size / 4 : BRIEF_MAX;

	if (brief < BRIEF_MIN)
		return -EINVAL;
	*a = (struct kh2i_tx_area){
		.base = base,
		.size = size,
		.brief = (u32)(brief & ~(size_t)(KH2I_TX_PAGE - 1)),
	};
	a->n_pages = (u32)((size - a->brief) / KH2I_TX_PAGE);
	a->used = calloc((a->n_pages + 63) / 64, sizeof(*a->used));
	return a->used ? 0 : -ENOMEM;
}

void kh2i_tx_area_exit(struct kh2i_tx_area *a)
{
	free(a->used);
	a->used = NULL;
}

/**
 * kh2i_tx_area_brief() - octets until the next kh2i_tx_area_brief_reset()
 * @a: area
 * @len: how many
 * @addr: offset within the area
 *
 * Return: memory, or NULL if there is none left.
 */
void *kh2i_tx_area_brief(struct kh2i_tx_area *a, size_t len, u64 *addr)
{
	size_t whole = (len + 7) & ~(size_t)7;

	if (whole > a->brief - a->brief_used)
		return NULL;
	*addr = a->brief_used;
	a->brief_used += (u32)whole;
	return a->base + *addr;
}

/**
 * kh2i_tx_area_brief_reset() - all of them were copied
 * @a: area
 */
void kh2i_tx_area_brief_reset(struct kh2i_tx_area *a)
{
	a->brief_used = 0;
}

static bool is_used(const struct kh2i_tx_area *a, u32 page)
{
	return a->used[page / 64] >> (page % 64) & 1;
}

static void mark(struct kh2i_tx_area *a, u32 page, u32 n, bool used)
{
	for (u32 i = page; i < page + n; i++) {
		if (used)
			a->used[i / 64] |= 1ULL << (i % 64);
		else
			a->used[i / 64] &= ~(1ULL << (i % 64));
	}
}

/* The first run of free pages within [from, to), or U32_MAX */
static u32 find_run(const struct kh2i_tx_area *a, u32 from, u32 to, u32 n)
{
	u32 run = 0;

	for (u32 i = from; i < to; i++) {
		if (!(i % 64) && a->used[i / 64] == ~0ULL) {
			i += 63;
			run = 0;
			continue;
		}
		run = is_used(a, i) ? 0 : run + 1;
		if (run == n)
			return i + 1 - n;
	}
	return UINT32_MAX;
}

/**
 * kh2i_tx_area_pages() - how many pages octets take
 * @len: octets
 *
 * Return: pages.
 */
u32 kh2i_tx_area_pages(size_t len)
{
	return (u32)((len + KH2I_TX_PAGE - 1) / KH2I_TX_PAGE);
}

/*
 * How many pages one who holds @held of them may still take: nobody more than
 * an eighth of what is then free. Many have to let theirs lie until there is
 * none for one who has none.
 */
static u32 share(const struct kh2i_tx_area *a, u32 held)
{
	u32 free = a->n_pages - a->n_used;

	if (8 * held < free)
		return max((free - 8 * held) / 9, 1U);
	return 0;
}

/**
 * kh2i_tx_area_alloc() - pages to lend
 * @a: area
 * @held: pages that who asks has already
 * @len: octets, not 0; on return fewer if there is no room for so many
 * @addr: offset within the area, never 0
 *
 * Return: memory, or NULL if there is none now.
 */
void *kh2i_tx_area_alloc(struct kh2i_tx_area *a, u32 held, size_t *len, u64 *addr)
{
	u32 n = min_t(u32, kh2i_tx_area_pages(*len), share(a, held)), page = UINT32_MAX;

	for (; n; n /= 2) {
		page = find_run(a, a->next, a->n_pages, n);
		if (page == UINT32_MAX)
			page = find_run(a, 0, a->n_pages, n);
		if (page != UINT32_MAX)
			break;
	}
	if (!n)
		return NULL;
	if (*len > (size_t)n * KH2I_TX_PAGE)
		*len = (size_t)n * KH2I_TX_PAGE;
	a->n_used += n;
	mark(a, page, n, true);
	a->next = page + n < a->n_pages ? page + n : 0;
	*addr = a->brief + (u64)page * KH2I_TX_PAGE;
	return a->base + *addr;
}

/**
 * kh2i_tx_area_free() - pages came back
 * @a: area
 * @addr: as kh2i_tx_area_alloc() gave it
 * @len: likewise
 */
void kh2i_tx_area_free(struct kh2i_tx_area *a, u64 addr, size_t len)
{
	u32 n = kh2i_tx_area_pages(len);

	mark(a, (u32)((addr - a->brief) / KH2I_TX_PAGE), n, false);
	a->n_used -= n;
}
