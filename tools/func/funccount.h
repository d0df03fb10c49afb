/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_FUNCCOUNT_H
#define IOSONDE_FUNCCOUNT_H

#include "bpf/core/many.h"
#include "bpf/shared.h"

struct funccount_value {
	__u64 count;
};

#endif
