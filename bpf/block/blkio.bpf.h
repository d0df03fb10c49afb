/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The way of a request through the block layer, as the tracepoints tell it: a bio is queued, maybe
 * split; requests are made of bios, inserted into a scheduler, issued to the device, taken back,
 * completed in one or several parts. Devices without requests (dm, md, brd, zram) complete bios.
 *
 * What is kept of it is up to the follower, which defines the functions declared here:
 * blkio_thread.bpf.h (which requests an operation waits for) or blkio_request.bpf.h (each request,
 * with everyone who wanted it). It is included after this file.
 */
#ifndef IOSONDE_BLKIO_BPF_H
#define IOSONDE_BLKIO_BPF_H

#include "bpf/core/core.bpf.h"

static void blk_queued(struct bio *bio);
/* @child is the front of a bio that was too large: its parent is in bi_private (bio_chain()). */
static void blk_split(struct bio *child);
/* A bio is over that no request carried. */
static void blk_completed(struct bio *bio);
#ifdef BLK_REQUESTS
static void blk_rq_inserted(struct request *rq);
#endif
static void blk_rq_issued(struct request *rq);
static void blk_rq_requeued(struct request *rq);
/* The first @bytes of what is left of the request are over. @error: positive errno or 0 */
static void blk_rq_completed(struct request *rq, int error, u32 bytes);

/*
 * When the last flush was issued, by request queue: a flush request carries no bio. Queues come and
 * go: the least recently used go.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, u64);
	__type(value, u64);
} flush_issues SEC(".maps");

static __always_inline bool is_flush(struct request *rq)
{
	return (BPF_CORE_READ(rq, cmd_flags) & REQ_OP_MASK) == REQ_OP_FLUSH;
}

/* A flush without bios, the queue's own: it serves every bio that asked for one. */
static __always_inline void flush_issued(struct request *rq, u64 now)
{
	u64 q = (u64)BPF_CORE_READ(rq, q);

	bpf_map_update_elem(&flush_issues, &q, &now, BPF_ANY);
}

/*
 * When the flush was issued for which a bio queued at @queued waited until @now: the last one since
 * then. 0: none was.
 */
static __always_inline u64 flush_of(u64 q, u64 queued, u64 now)
{
	u64 *flush = bpf_map_lookup_elem(&flush_issues, &q);

	return flush && *flush >= queued && *flush <= now ? *flush : 0;
}

/* blk_status_t as an errno: include/linux/blk_types.h. Rare and renumbered ones are EIO. */
const volatile u8 blk_errors[16] = { 0, 95, 110, 28, 67, 121, 52, 61, 84, 12, 5, 78, 11, 16, 5, 5 };

static __always_inline int status_errno(u64 status)
{
	if (status >= sizeof(blk_errors))
		return 5;
	BOUND(status, 15);
	return blk_errors[status];
}

/*
 * The tracepoints, in both shapes that they have had: "_q" is the one that passes the request queue
 * first. Which is right is read from the kernel's BTF, for stable kernels carry the change too.
 */
SEC("tp_btf/block_bio_queue")
int BPF_PROG(bio_queue, struct bio *bio)
{
	blk_queued(bio);
	return 0;
}

SEC("tp_btf/block_bio_queue")
int BPF_PROG(bio_queue_q, struct request_queue *q, struct bio *bio)
{
	blk_queued(bio);
	return 0;
}

SEC("tp_btf/block_split")
int BPF_PROG(bio_split, struct bio *bio)
{
	blk_split(bio);
	return 0;
}

SEC("tp_btf/block_split")
int BPF_PROG(bio_split_q, struct request_queue *q, struct bio *bio)
{
	blk_split(bio);
	return 0;
}

SEC("tp_btf/block_bio_complete")
int BPF_PROG(bio_complete, struct request_queue *q, struct bio *bio)
{
	blk_completed(bio);
	return 0;
}

SEC("tp_btf/block_rq_issue")
int BPF_PROG(rq_issue, struct request *rq)
{
	blk_rq_issued(rq);
	return 0;
}

SEC("tp_btf/block_rq_requeue")
int BPF_PROG(rq_requeue, struct request *rq)
{
	blk_rq_requeued(rq);
	return 0;
}

SEC("tp_btf/block_rq_complete")
int BPF_PROG(rq_complete, struct request *rq, unsigned char status, unsigned int bytes)
{
	blk_rq_completed(rq, status_errno(status), bytes);
	return 0;
}

#ifdef BLK_REQUESTS
SEC("tp_btf/block_rq_insert")
int BPF_PROG(rq_insert, struct request *rq)
{
	blk_rq_inserted(rq);
	return 0;
}

/* The error was a negative errno before it became a blk_status_t. */
SEC("tp_btf/block_rq_complete")
int BPF_PROG(rq_complete_errno, struct request *rq, int error, unsigned int bytes)
{
	blk_rq_completed(rq, -error, bytes);
	return 0;
}
#endif

#endif
