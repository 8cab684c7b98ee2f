// SPDX-License-Identifier: GPL-2.0
/* What an owner answers to a request. */
#include "answer.h"

int kt_answer(struct kt_channel *ch, uint32_t session, uint32_t stream, uint8_t flags)
{
	const struct kh2_sqe sqe = {
		.opcode = KH2_OP_HEADERS, .flags = flags, .session = session, .stream = stream,
		.len = 1,
	};

	/* RFC 7541 appendix A: status 200 */
	ch->tx[0] = 0x88;
	return kt_submit(ch, &sqe);
}

int kt_answer_file(struct kt_channel *ch, uint32_t session, uint32_t stream, int fd)
{
	const struct kh2_sqe sqe = {
		.opcode = KH2_OP_FILE, .flags = KH2_SQE_END_STREAM, .session = session,
		.stream = stream, .fd = fd, .len = KH2_LEN_EOF,
	};

	return kt_submit(ch, &sqe);
}
