/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Attaching the programs of core/kernel/abilities_try.c, each kind by the kernel's own interface.
 */
#ifndef IOSONDE_ABILITIES_ATTACH_H
#define IOSONDE_ABILITIES_ATTACH_H

#include <bpf/bpf.h>

#include "core/kernel/abilities_try.h"

struct hook_kind {
	enum trial_hook hook;
	enum bpf_prog_type prog_type;
	enum bpf_attach_type attach_type;
	const char *target;
	const char *btf_prefix; /* the target's name in BTF begins with it; NULL: BTF isn't used */
	unsigned int btf_kind;
};

struct attachment {
	int fd; /* a link, or a perf event */
};

const struct hook_kind *hook_kind(enum trial_hook hook);

/* False with errno set. */
bool attach(struct attachment *at, const struct hook_kind *kind, int prog, const char *target);
void detach(struct attachment *at);

/* Reads an attached iterator to its end. */
void iterate(const struct attachment *at);

#endif
