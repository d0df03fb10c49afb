/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Kinds of hook, as a program's SEC() names them: does the kernel have this one, in this shape? */
#ifndef IOSONDE_HOOKS_H
#define IOSONDE_HOOKS_H

#include <stdbool.h>
#include <stddef.h>

struct btf;

enum hook_kind_id {
	HK_TP_BTF,
	HK_FENTRY, /* and fexit */
	HK_KPROBE, /* and kretprobe */
	HK_KPROBE_MULTI,
	HK_RAW_TP,
	HK_TRACEPOINT, /* classic, through tracefs */
	HK_PERF_EVENT, /* on every CPU: a clock (tool->sample), or a software event by name */
	HK_OTHER,      /* iterators and what else is tried by loading */
};

/*
 * SEC() of a program that runs at intervals; libbpf knows no more exact name. With a slash and a
 * name behind it, one that runs at each software event of that name (perf_hook.h).
 */
#define SAMPLED_SECTION "perf_event"

enum hook_kind_id hook_kind_of(const char *sec);

/* The ability that this kind needs, as doctor and IOSONDE_WITHOUT name it; NULL: none. */
const char *hook_ability(enum hook_kind_id kind);

/* Does libbpf look a program of this kind up in the types that the kernel itself offers? */
bool hook_needs_types(enum hook_kind_id kind);

/*
 * Can a program be attached where @sec ("fexit/vfs_read") says, and does that hook pass @proto
 * (see proto_fits(); "": anything)? Where a program must be loaded to know, the answer is yes. If
 * not, says why into @why.
 */
bool hook_offered(const struct btf *btf, const char *sec, const char *proto, char *why,
		  size_t size);

#endif
