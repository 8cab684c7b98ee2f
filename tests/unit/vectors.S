/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The text of tests/vectors, zero at its end. */
	.section .rodata
	.global vectors_text
vectors_text:
	.incbin "all.vec"
	.byte 0
	.section .note.GNU-stack, "", %progbits
