/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What functions, tracepoints and system calls are passed, by name and type, and what can be
 * reached from there: "file->f_path.dentry->d_name.name". Expressions are resolved here, against
 * the kernel's types, into steps that programs follow (bpf/calls/args.h).
 */
#ifndef IOSONDE_ARGS_H
#define IOSONDE_ARGS_H

#include <bpf/btf.h>
#include <stdio.h>

#include "bpf/calls/args.h"
#include "core/kernel/many_hook.h"
#include "core/rows/unit.h"

/* A type of BTF's, or with @pointers a pointer to it (to a pointer ...). id 0 without any: void. */
struct arg_type {
	__u32 id;
	unsigned pointers;
	bool constant; /* what the pointers point to */
};

struct arg_param {
	char name[48];
	struct arg_type type;
	uint32_t slot; /* which word of the arguments it begins at */
	bool passed;   /* in a word of its own: it can be read */
};

struct arg_proto {
	const struct btf *btf;
	size_t n;
	struct arg_param param[ARGS_MAX];
	struct arg_type ret;
	int32_t ret_slot; /* negative: there is none */
	bool call;	  /* of a system call: the words are registers of the user's */
};

/* False: there is no such function, or tracepoint, in @btf. */
bool args_of_function(const struct btf *btf, const char *name, struct arg_proto *out);
bool args_of_tracepoint(const struct btf *btf, const char *name, struct arg_proto *out);

/*
 * The same of system call @name ("openat"), as its tracepoint's @format (of tracefs; NULL: none)
 * tells, else as a function of the kernel's (ksys_NAME); else six words called arg1 ... arg6.
 */
void args_of_call(const struct btf *btf, const char *name, FILE *format, struct arg_proto *out);

/* What an expression stands for. */
struct arg {
	struct arg_walk walk; /* but for walk.at, which depends on the hook */
	uint32_t slot;
	enum unit unit;
	enum field_kind field; /* F_KEPT, F_KEPT_BOOL, F_VSTR or F_VPATH */
	bool is_signed;
	uint32_t shift, bits;  /* of a number, as it was read */
	__u32 names;	       /* U_FLAGS: the enum's type; 0: none */
	const struct btf *btf; /* that the type is in */
};

/*
 * Resolves @text: a parameter's name, or argN, followed by "->member", ".member" (which mean the
 * same) and "[N]", with "*" before it to follow a pointer. Returns false with one line in @err.
 */
bool arg_resolve(const struct arg_proto *proto, const char *text, struct arg *out, char *err,
		 size_t size);

/* What @proto returns, as a number in a register. */
void arg_of_return(const struct arg_proto *proto, struct arg *out);

/* Where the word @slot is at a hook of this kind, in bytes behind the context; -1: nowhere. */
int32_t arg_at(const struct btf *btf, enum hook_how how, uint32_t slot);

/* Number @raw, which a program has read, as the type has it. False: it is negative: *@out is s64.
 */
struct kept arg_number(const struct arg *a, uint64_t raw);

/* The names of enum @id for U_FLAGS, one at a time; returns how many. @out NULL: only counts. */
size_t arg_enum_names(const struct btf *btf, __u32 id, struct flag_name *out, size_t n);

#endif
