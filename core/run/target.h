/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* From -p, -u, --cgroup ... to what the programs' filter compares. */
#ifndef IOSONDE_TARGET_H
#define IOSONDE_TARGET_H

#include "core/run/common.h"

/*
 * Fills @cfg from @opts; @command: a command will be traced, so the process set is in use.
 * Everything named must exist now. False with a one-line message in @err (usage: the caller exits
 * with 2).
 */
bool target_resolve(const struct common_opts *opts, bool command, struct target_cfg *cfg, char *err,
		    size_t err_size);

/* The process of thread @tid; 0 if there is no such thread. */
uint32_t target_tgid(uint32_t tid);

#endif
