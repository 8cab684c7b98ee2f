/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What the fuzzers share: an owner on the mock home, watched by the model. */
#ifndef KH2_FUZZ_APP_H
#define KH2_FUZZ_APP_H

#include "model.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* First of all in each execution */
void app_begin(void);

struct home *app_home(u8 role, u8 config);
void app_answer(struct home *h);
void app_end(struct home *h);

size_t app_feed(struct home *h, const void *p, size_t n);
int app_headers(struct home *h, u32 stream, u8 flags, u32 len);
int app_promise(struct home *h, u32 stream, u32 promised, u32 len);
int app_body(struct home *h, u32 stream, u8 flags, u8 size);
struct home_src *app_file(struct home *h, u32 stream, u8 flags);

#endif
