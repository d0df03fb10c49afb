/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_ATTACHCMP_H
#define IOSONDE_ATTACHCMP_H

#include "bpf/core/many.h"
#include "bpf/shared.h"

#define COMPARED_MAX	  16
#define COMPARED_NAME_MAX 64

/* What the command line says; the programs don't look at it. */
struct attachcmp_cfg {
	__u32 n;
	__u32 no_cost;
	char names[COMPARED_MAX][COMPARED_NAME_MAX];
};

struct attachcmp_value {
	__u64 count;
};

#endif
