/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What must hold of any connection, seen from outside: told by the octets that go in and out, the
 * frames as they are decided, and the events. It knows nothing of how the engine does it.
 */
#ifndef KH2_FUZZ_MODEL_H
#define KH2_FUZZ_MODEL_H

#include "../unit/home.h"

struct model;

struct model *model_new(struct home *h);
void model_free(struct model *m);
struct model *model_of(struct home *h);
/* The owner sends no block on a stream that it knows to be reset. */
void model_orderly(struct model *m);

/* Octets that kh2e_recv() took; a block that kh2e_submit() took; memory that the owner claims */
void model_input(struct model *m, const void *p, size_t n);
void model_block(struct model *m, u32 stream, u32 promised, const void *p, u32 len);
void model_owner_memory(struct model *m, u64 octets);

/* At any moment; and when all input was read, all output sent, and nothing is withheld */
void model_check(struct model *m);
void model_check_end(struct model *m);

#endif
