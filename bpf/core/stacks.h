/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What commands about stacks count by (TOOL_STACKS), and what the engine makes of it. */
#ifndef IOSONDE_STACKS_H
#define IOSONDE_STACKS_H

#include "bpf/shared.h"

/* Instead of an id in the map of stacks. */
#define STACK_NONE (-1)
#define STACK_LOST (-2) /* there was one, and no room for it */
#define STACK_COPY (-3) /* it goes to user space as it is: struct rec_ustack */

/* An id: its place in a map, and above that which map it is in. */
#define STACK_MAPS	3
#define STACK_MAP_SHIFT 24

struct stacks_key {
	__u32 epoch;
	__u32 pid;
	__s32 kstack;
	__s32 ustack;
	__u64 program; /* which the user's addresses belong to: program_id() */
	__u64 ip;      /* where it was, if the stacks are those of its callers; 0: they aren't */
	__u32 cause;   /* the command's */
	__s32 wstack;  /* a second stack of the kernel's, of a thread that is called @other */
	char comm[COMM_LEN];
	char other[COMM_LEN];
};

struct stacks_value {
	__u64 count;
	__u64 sum;
};

/* REC_PROGRAM: a process runs a program whose stacks are taken. */
struct rec_program {
	struct rec rec;
	__u64 program;
	__u32 pid;
	__u32 reserved;
};

#define USTACK_BYTES 28672 /* a place of a map per CPU takes 32 KiB */
#define USTACK_REGS  33	   /* at most: those of arm64 */

/*
 * REC_USTACK: a user stack that is to be unwound in user space, and what is counted by it: @key,
 * but for its ustack. Followed by no more than @bytes of @stack.
 */
struct rec_ustack {
	struct rec rec;
	struct stacks_key key;
	__u64 amount;
	__u64 bytes;
	__u64 regs[USTACK_REGS]; /* by their numbers in DWARF */
	__u64 sp;		 /* where the stack begins */
	char stack[USTACK_BYTES];
};

/* Is it an address of the kernel? Those of user space are in the lower half. */
static inline int stack_ip_is_kernel(__u64 ip)
{
	return ip >> 63;
}

#endif
