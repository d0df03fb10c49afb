/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_RWSNOOP_H
#define IOSONDE_RWSNOOP_H

#include "bpf/fileio_row.h"

struct rwsnoop_cfg {
	__u32 path; /* resolve it */
	__u32 reads;
	__u32 writes;
};

#endif
