/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_FSSLOWER_H
#define IOSONDE_FSSLOWER_H

#include "tools/fs/fs.h"

struct fsslower_cfg {
	struct fs_cfg fs; /* first: FS_OPTIONS() */
	__u64 min_ns;
	__u32 path; /* resolve it */
	__u32 reserved;
};

#endif
