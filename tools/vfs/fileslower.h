/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_FILESLOWER_H
#define IOSONDE_FILESLOWER_H

#include "bpf/fileio/fileio_row.h"

struct fileslower_cfg {
	__u64 min_ns;
	__u32 all;  /* every kind of file */
	__u32 path; /* resolve it */
};

#endif
