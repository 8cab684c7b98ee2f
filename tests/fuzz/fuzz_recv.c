// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Octets of the peer, an owner that answers. ROLE says which engine. */
#include "app.h"
#include "mutate.h"

const size_t fuzz_prefix = 1;

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct home *h;

	if (!size)
		return 0;
	app_begin();
	h = app_home(ROLE, data[0]);
	for (size_t pos = 1; pos < size;) {
		size_t n = min_t(size_t, size - pos, 512);

		app_feed(h, data + pos, n);
		app_answer(h);
		pump(h);
		app_answer(h);
		model_check(model_of(h));
		pos += n;
	}
	pump(h);
	advance(h, 130000);
	app_end(h);
	return 0;
}
