/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the tables of the block commands have in common. */
#ifndef IOSONDE_BLOCK_H
#define IOSONDE_BLOCK_H

#include "bpf/block/blkio.h"
#include "core/tool.h"

/* enum blk_kind, for people: "read|ahead", "write|sync|fua". */
extern const struct flag_name blk_kinds[];

/* Its operation alone. */
extern const char *const blk_ops[];

extern const char *const blk_patterns[];

/* enum blk_counter */
extern const char *const blk_counters[];

/* What bpf/block/blkio_request.bpf.h hooks, for a table of probes. */
/* clang-format off */
#define BLK_PROBES                                                                                  \
	{ "bios as they are queued",                                                               \
	  { { { "bio_queue(bio)" } }, { { "bio_queue_q(request_queue,bio)" } } } },                \
	{ "bios that are split",                                                                   \
	  { { { "bio_split(bio,*)" } }, { { "bio_split_q(request_queue,bio,*)" } } } },            \
	{ "bios without requests that complete",                                                   \
	  { { { "bio_complete(request_queue,bio)" } } } },                                         \
	{ "requests as they are issued",                                                           \
	  { { { "rq_issue(request)" } } } },          \
	{ "requests that go back to the queue",                                                    \
	  { { { "rq_requeue(request)" } } } },      \
	{ "requests that complete",                                                                \
	  { { { "rq_complete_errno(request,int,*)" } }, { { "rq_complete(request,*,*)" } } } }

/* Where the queue time of requests that a scheduler holds is wanted. */
#define BLK_INSERT_PROBE                                                                           \
	"requests as they are inserted into a scheduler", {                                        \
		{ { "rq_insert(request)" } } }
/* clang-format on */

#endif
