/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The block layer, the page cache and direct I/O: a part of types.bpf.h. */
#ifndef IOSONDE_TYPES_BLOCK_BPF_H
#define IOSONDE_TYPES_BLOCK_BPF_H

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* --- block layer --- */
struct bvec_iter {
	u64 bi_sector;
	unsigned int bi_size;
	unsigned int bi_idx;
	unsigned int bi_bvec_done;
};

struct bio_vec {
	struct page *bv_page;
	unsigned int bv_len;
	unsigned int bv_offset;
};

struct request_queue {
	const struct blk_mq_ops *mq_ops;
};

struct gendisk {
	int major;
	int first_minor;
	struct request_queue *queue;
};

struct block_device {
	unsigned int bd_dev;
	struct gendisk *bd_disk;
};

struct blkcg {
	struct cgroup_subsys_state css;
};

struct blkcg_gq {
	struct blkcg *blkcg;
};

struct bio {
	struct bio *bi_next;
	unsigned int bi_opf;
	unsigned short bi_flags;
	u8 bi_status;
	struct bvec_iter bi_iter;
	void *bi_private;
	struct blkcg_gq *bi_blkg;
	struct bio_vec *bi_io_vec;
};

struct request {
	struct request_queue *q;
	unsigned int cmd_flags;
	unsigned int __data_len;
	u64 __sector;
	struct bio *bio;
	struct bio *biotail;
	void *end_io;
};

/* --- page cache and direct I/O --- */
struct page {
	struct address_space *mapping;
	unsigned long private;
};

struct iomap_dio {
	struct kiocb *iocb;
	bool wait_for_completion;
	struct {
		struct task_struct *waiter;
	} submit;
};

/* That of filesystems which don't use iomap's. */
struct dio___if_built {
	struct kiocb *iocb;
};

/* Of a block device itself: around its first bio. */
struct blkdev_dio {
	struct kiocb *iocb;
	struct bio bio;
};

#pragma clang attribute pop

#endif
