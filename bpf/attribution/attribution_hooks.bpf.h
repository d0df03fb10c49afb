/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Where attribution.bpf.h, which includes this, settles: bios that enter requests. */
#ifndef IOSONDE_ATTRIBUTION_HOOKS_BPF_H
#define IOSONDE_ATTRIBUTION_HOOKS_BPF_H

/* --- the hooks, in both shapes that they have had: see bpf/block/blkio.bpf.h --- */

/* A device without requests has its bios at once. */
static __always_inline void attr_queued(struct bio *bio)
{
	if (!BPF_CORE_READ(bio_queue_of(bio), mq_ops))
		attr_settle(bio);
}

SEC("tp_btf/block_bio_queue")
int BPF_PROG(attr_queue, struct bio *bio)
{
	attr_queued(bio);
	return 0;
}

SEC("tp_btf/block_bio_queue")
int BPF_PROG(attr_queue_q, struct request_queue *q, struct bio *bio)
{
	attr_queued(bio);
	return 0;
}

SEC("tp_btf/block_getrq")
int BPF_PROG(attr_getrq, struct bio *bio)
{
	attr_settle(bio);
	return 0;
}

SEC("tp_btf/block_getrq")
int BPF_PROG(attr_getrq_q, struct request_queue *q, struct bio *bio)
{
	attr_settle(bio);
	return 0;
}

SEC("tp_btf/block_bio_backmerge")
int BPF_PROG(attr_backmerge, struct bio *bio)
{
	attr_settle(bio);
	return 0;
}

SEC("tp_btf/block_bio_backmerge")
int BPF_PROG(attr_backmerge_q, struct request_queue *q, struct request *rq, struct bio *bio)
{
	attr_settle(bio);
	return 0;
}

SEC("tp_btf/block_bio_frontmerge")
int BPF_PROG(attr_frontmerge, struct bio *bio)
{
	attr_settle(bio);
	return 0;
}

SEC("tp_btf/block_bio_frontmerge")
int BPF_PROG(attr_frontmerge_q, struct request_queue *q, struct request *rq, struct bio *bio)
{
	attr_settle(bio);
	return 0;
}

#endif
