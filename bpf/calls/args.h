/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* How programs reach arguments that were named at run time: core/kernel/args.h makes these. */
#ifndef IOSONDE_CALL_ARGS_H
#define IOSONDE_CALL_ARGS_H

#include "bpf/shared.h"

#define ARGS_MAX  12 /* of a row */
#define ARG_STEPS 12 /* pointers that are followed to one */
#define ARG_TEXT  256

enum arg_kind {
	ARG_NONE,
	ARG_VALUE,  /* what the last step led to */
	ARG_NUMBER, /* @size bytes that lie @off behind that */
	ARG_STRING, /* a string there, of at most @size bytes */
	ARG_PATH,   /* a struct path there */
};

/*
 * It begins with the word that lies @at bytes behind the program's context; each step reads the
 * word that lies so far behind what was read before.
 */
struct arg_walk {
	__s32 at;
	__u32 n;
	__s32 step[ARG_STEPS];
	__s32 off;
	__u32 kind; /* enum arg_kind */
	__u32 size;
	__u32 reserved;
};

/* What a walk found, in a record. */
struct arg_slot {
	union {
		__u64 number;
		struct vstr str;
		struct vpath path;
	};
	__u32 kind; /* 0: nothing */
	__u32 reserved;
};

struct arg_walks {
	__u32 n;
	__s32 ret_at; /* behind the context at the end; negative: nothing is returned */
	struct arg_walk walk[ARGS_MAX];
};

#endif
