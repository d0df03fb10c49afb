/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Where jbd2 (ext4's journal) keeps what is read of it, in bytes: its types may be a module's.
 * core/kernel/jbd2.h finds them.
 */
#ifndef IOSONDE_JBD2_PLACES_H
#define IOSONDE_JBD2_PLACES_H

#include "bpf/shared.h"

struct jbd2_places {
	__u32 known;  /* 0: they aren't */
	__u32 fs_dev; /* journal_s.j_fs_dev and j_blocksize */
	__u32 block;
	__u32 tid; /* transaction_s.t_tid and t_nr_buffers */
	__u32 buffers;
	__u32 handle_dev; /* trace_event_raw_jbd2_handle_stats.dev, tid and dirtied_blocks */
	__u32 handle_tid;
	__u32 handle_dirtied;
};

#endif
