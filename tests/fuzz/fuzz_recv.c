// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Octets of the peer, an owner that answers. ROLE says which engine. */
#include "app.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct home *h;

	if (!size)
		return 0;
	h = app_home(ROLE, data[0]);
	for (size_t pos = 1; pos < size;) {
		size_t n = min_t(size_t, size - pos, 512);

		feed(h, data + pos, n);
		app_answer(h);
		pump(h);
		app_answer(h);
		pos += n;
	}
	pump(h);
	advance(h, 130000);
	pump(h);
	app_check(h);
	home_free(h);
	return 0;
}
