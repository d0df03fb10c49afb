/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* io_uring: a part of types.bpf.h. */
#ifndef IOSONDE_TYPES_URING_BPF_H
#define IOSONDE_TYPES_URING_BPF_H

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct io_ring_ctx;

struct open_how {
	u64 flags;
	u64 mode;
	u64 resolve;
};

struct io_open {
	int dfd;
	u32 file_slot;
	struct open_how how;
};

/* Requests that remove or change names; the names are in compat.bpf.h. */
struct io_unlink {
	int dfd;
	int flags;
};

struct io_rename {
	int old_dfd;
	int new_dfd;
	int flags;
};

struct io_uring_cqe {
	s32 res;
};

struct io_sync {
	s64 len;
	int flags;
};

struct io_wq_work_node {
	struct io_wq_work_node *next;
};

struct io_wq_work {
	struct io_wq_work_node list;
};

struct io_kiocb {
	struct file *file;
	u8 opcode;
	struct io_wq_work work;
};

/* A thread of io_uring's has it in worker_private. */
struct task_struct___since_v5_17 {
	void *worker_private;
};

struct io_worker {
	struct io_wq_work *cur_work;
};

struct kiocb {
	struct file *ki_filp;
	s64 ki_pos;
	int ki_flags;
};

struct io_event {
	u64 data;
	u64 obj;
	s64 res;
};

struct kioctx {
	unsigned long user_id; /* what io_setup() gave */
};

/* Of a process: its contexts of libaio by the number in the memory that they share with it. */
struct kioctx_table {
	unsigned int nr;
	struct kioctx *table[1];
};

struct aio_kiocb {
	struct file *ki_filp;
	struct kioctx *ki_ctx;
	struct io_event ki_res;
};

struct io_rw {
	struct kiocb kiocb;
	u64 addr;
};

#pragma clang attribute pop

#endif
