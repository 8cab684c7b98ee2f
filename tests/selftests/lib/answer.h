/* SPDX-License-Identifier: GPL-2.0 */
/* What an owner answers to a request: entries of its channel, told of as kt_submit() does. */
#ifndef KT_ANSWER_H
#define KT_ANSWER_H

#include "channel.h"

/* The header block, which says status 200 and lies at the start of the transmit area */
int kt_answer(struct kt_channel *ch, uint32_t session, uint32_t stream, uint8_t flags);
/* The body: a file to its end, or what comes out of a pipe */
int kt_answer_file(struct kt_channel *ch, uint32_t session, uint32_t stream, int fd);

#endif
