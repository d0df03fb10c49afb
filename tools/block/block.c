/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/block/block.h"

#include <stddef.h>

const struct flag_name blk_kinds[] = { { BLK_READ, BLK_OP, "read" },
				       { BLK_WRITE, BLK_OP, "write" },
				       { BLK_FLUSH, BLK_OP, "flush" },
				       { BLK_DISCARD, BLK_OP, "discard" },
				       { BLK_SECURE_ERASE, BLK_OP, "secure-erase" },
				       { BLK_WRITE_ZEROES, BLK_OP, "write-zeroes" },
				       { BLK_OTHER, BLK_OP, "other" },
				       { BLK_SYNC, BLK_SYNC, "sync" },
				       { BLK_META, BLK_META, "meta" },
				       { BLK_RAHEAD, BLK_RAHEAD, "ahead" },
				       { BLK_FUA, BLK_FUA, "fua" },
				       { BLK_PREFLUSH, BLK_PREFLUSH, "preflush" },
				       {} };

const char *const blk_counters[] = { "+splits", "+cut_chains", NULL };

const char *const blk_ops[] = { "",	   "read",	   "write",	   "flush",
				"discard", "secure-erase", "write-zeroes", "other",
				NULL };

const char *const blk_patterns[] = { "", "random", "sequential", NULL };
