/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Programs that run at intervals on every CPU: tool->sample. */
#ifndef IOSONDE_LOAD_SAMPLE_H
#define IOSONDE_LOAD_SAMPLE_H

#include "core/kernel/load.h"

bool is_sampled(const struct bpf_program *prog);

/*
 * Attaches @prog to a clock on each CPU that is online: one link per CPU. Returns 0 or a negative
 * errno; -EINVAL where the kernel allows fewer samples a second, with a message.
 */
int attach_sampled(struct loaded *l, struct bpf_program *prog);

#endif
