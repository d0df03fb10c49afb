/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Programs that run on every CPU: at intervals (tool->sample), or at each software event that
 * their SEC() names: "perf_event/major-faults".
 */
#ifndef IOSONDE_LOAD_SAMPLE_H
#define IOSONDE_LOAD_SAMPLE_H

#include "core/kernel/load.h"

bool is_sampled(const struct bpf_program *prog);

/* Before loading: libbpf knows no such SEC() but that of the clock. */
void sampled_set_type(struct bpf_program *prog);

/*
 * Attaches @prog to its event on each CPU that is online: one link per CPU. Returns 0 or a negative
 * errno; -EINVAL where the kernel allows fewer samples a second, with a message.
 */
int attach_sampled(struct loaded *l, struct bpf_program *prog);

#endif
