/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Long keys made short: 64 bits that differ where they do, for all that is likely. */
#ifndef IOSONDE_MIX_BPF_H
#define IOSONDE_MIX_BPF_H

#include "bpf/core/core.bpf.h"

static __always_inline u64 mix(u64 h, u64 v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ULL;
	return h ^ h >> 29;
}

#endif
