/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The script of flame graphs, as it goes into each: -DFILE="..." */
	.section .rodata
	.global flame_script, flame_script_end
flame_script:
	.incbin FILE
flame_script_end:
	.byte 0
	.section .note.GNU-stack, "", %progbits
