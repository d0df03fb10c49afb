/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* One compiled BPF object, packed, as struct bpf_image of core/tool.h names it: -DNAME=... -DFILE="..." */
#define PASTE(a, b, c) a##b##c
#define SYMBOL(name, end) PASTE(bpf_, name, end)
	.section .rodata
	.balign 8
	.global SYMBOL(NAME, _data), SYMBOL(NAME, _end)
SYMBOL(NAME, _data):
	.incbin FILE
SYMBOL(NAME, _end):
	.byte 0
	.section .note.GNU-stack, "", %progbits
