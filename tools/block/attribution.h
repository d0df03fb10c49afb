/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What attribution (bpf/attribution/attribution.h) needs to know before its programs are loaded. */
#ifndef IOSONDE_BLOCK_ATTRIBUTION_H
#define IOSONDE_BLOCK_ATTRIBUTION_H

#include "bpf/attribution/attribution.h"

/* enum attr_method, for ATTR_COLUMNS. */
extern const char *const attr_methods[];

/*
 * Fills in what this machine has: filesystems that have no hooks of their own, where btrfs keeps
 * things. @btf: the file with the kernel's types; NULL: its own. Does nothing if cfg->on is 0.
 */
void attribution_prepare(struct attr_cfg *cfg, const char *btf);

#endif
