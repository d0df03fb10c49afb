/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Questions to the kernel's type information. */
#ifndef IOSONDE_BTF_QUERY_H
#define IOSONDE_BTF_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include <bpf/btf.h>

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"

/*
 * From @file, or the running kernel's own when it is NULL: these are read once, for all that ask,
 * libbpf among them, until btf_forget_kernel(). NULL with errno set. btf_release() it.
 */
struct btf *btf_of_kernel(const char *file);
void btf_release(struct btf *btf);

/* When they have served: of the running kernel's types, unless somebody uses them. */
void btf_forget_kernel(void);

/*
 * What tracepoint @name passes to its programs: the name behind each pointer, or of each scalar
 * type, joined by commas ("request_queue,bio"). False if there is no such tracepoint.
 */
bool btf_tracepoint_proto(const struct btf *btf, const char *name, char *out, size_t size);

/* The same for function @name of the kernel itself; modules have type information of their own. */
bool btf_function_proto(const struct btf *btf, const char *name, char *out, size_t size);

/* Does @proto have the shape @want? "*" in @want stands for any one argument; NULL fits all. */
bool proto_fits(const char *proto, const char *want);

/*
 * The types of module @name, on top of @kernel's. NULL: it isn't loaded, is built in, or has none
 * (before 5.11). btf__free() it before @kernel.
 */
struct btf *btf_of_module(const struct btf *kernel, const char *name);

/*
 * Where in struct @type member @name is, in bytes, and how many it has (@size, if not NULL); -1:
 * there is no such thing.
 */
int btf_offset(const struct btf *btf, const char *type, const char *name, size_t *size);

/* A member whose place is asked for: see btf_find_places(). */
struct btf_place {
	const char *type, *member; /* NULL: the end of the list */
	unsigned int *to;
	size_t size; /* that it must have; 0: any */
};

/* Fills all of @places; false if one isn't there. */
bool btf_find_places(const struct btf_place *places, const struct btf *btf);

/* Where variable @name is among those that each CPU has of its own, in bytes; -1: nowhere. */
int btf_per_cpu_offset(const struct btf *btf, const char *name);

bool btf_has_function(const struct btf *btf, const char *name);

/* Is @value a member of the kernel's enum @name (bpf_func_id, bpf_map_type ...)? */
bool btf_has_enum_value(const struct btf *btf, const char *name, const char *value);

#endif
