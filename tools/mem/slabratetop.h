/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_SLABRATETOP_H
#define IOSONDE_SLABRATETOP_H

#include "bpf/shared.h"

#define CACHE_NAME_LEN 40

struct slab_cfg {
	__u32 no_clear;
	__u32 reserved;
};

struct slab_key {
	__u32 epoch;
	__u32 reserved;
	char cache[CACHE_NAME_LEN];
};

struct slab_value {
	__u64 count; /* first: how many events the row stands for */
	__u64 bytes;
};

#endif
