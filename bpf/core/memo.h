/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The memo of an aggregating map (memo.bpf.h), as both sides know it. */
#ifndef IOSONDE_MEMO_H
#define IOSONDE_MEMO_H

#include <linux/types.h>

/* One memo per CPU and half of the epochs. */
struct memo_head {
	__u32 users; /* programs that are at it */
	__u32 reserved;
	__u64 events; /* counted here since the start: as generated */
};

/*
 * Slots follow: the sums, of which the first counts events, the key of the row in the map, and what
 * is the programs' alone.
 */
#define MEMO_SLOTS 16

#define MEMO_INDEX(cpu, epoch) ((cpu)*2 + ((epoch)&1))

#endif
