/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The constants that user space replaces in every copy of a program: core/kernel/many_hook.h. */
#ifndef IOSONDE_MANY_H
#define IOSONDE_MANY_H

#include <linux/types.h>

/* Stand in the model; no other constant of a program looks like them. */
#define HOOK_INDEX_MARK 0x105de5a11dec5e01ULL
#define HOOK_CALL_MARK	0x105de5a11dec5e02ULL

/* In place of an index: one program serves many targets, and the link's cookie tells which. */
#define HOOK_BY_COOKIE 0xffffffffULL

/*
 * The same for the entries, or the ends, of system calls: one program at the place that all of them
 * pass has the targets by number of the call (many_calls).
 */
#define HOOK_BY_ENTRY 0xfffffffeULL
#define HOOK_BY_END   0xfffffffdULL

/* hook_call(): not a system call, but a place that a task passes one at a time. */
#define HOOK_IN_TASK (-2)

/* hook_index(): nothing that was asked for. */
#define HOOK_NO_TARGET 0xffffffffU

#ifndef __bpf__
/*
 * What the engine adds to the rows of a table with a place per target, behind the time: a row is
 * struct { key; value; __u64 ts_ns; struct many_row target; }.
 */
struct many_row {
	const char *name;
	const char *module;	/* NULL: the kernel itself */
	const char *how;	/* kind of hook */
	const char *note;	/* "n/a: ...", or what the hook is bad at; NULL: nothing */
	__u64 address;		/* MANY_NONE: none, or hidden */
	__u64 added_ns, run_ns; /* of one hit; MANY_NONE: not measured */
};
#endif

/* The key of such a row: which target. */
struct many_key {
	__u32 epoch;
	__u32 index;
};

#define MANY_NONE 0xffffffffffffffffULL

#endif
