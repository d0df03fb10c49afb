/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Every difference between kernels that programs must bridge: one block per kernel change, with
 * the version and what changed, the flavour named after it, and one accessor. No other file
 * mentions a flavour.
 */
#ifndef IOSONDE_COMPAT_BPF_H
#define IOSONDE_COMPAT_BPF_H

#include "bpf/kernel/types.bpf.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
/* struct pt_regs is the kernel's, whose registers are named otherwise than user space's */
#define __VMLINUX_H__
#include <bpf/bpf_tracing.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/*
 * 5.14 (2f064a59a11f): task_struct.state, a volatile long, became __state, an unsigned int.
 */
struct task_struct___pre_v5_14 {
	volatile long state;
};

struct task_struct___since_v5_14 {
	unsigned int __state;
};

/* 5.12 (309dca309fc3): bio.bi_disk became bio.bi_bdev. */
struct bio___pre_v5_12 {
	struct gendisk *bi_disk;
};

struct bio___since_v5_12 {
	struct block_device *bi_bdev;
};

/* 5.16: what every submission asks a disk for is kept at hand. */
struct block_device___since_v5_16 {
	struct request_queue *bd_queue;
};

/* 5.17 (f3fa33acca9f): request.rq_disk went, request_queue.disk (5.15) serves instead. */
struct request___pre_v5_17 {
	struct gendisk *rq_disk;
};

struct request_queue___since_v5_15 {
	struct gendisk *disk;
};

/*
 * 7.0: the name of an open that io_uring will do is a struct of its own around the same pointer.
 */
struct delayed_filename {
	struct filename *__incomplete_filename;
};

struct io_open___pre_v7_0 {
	struct filename *filename;
};

struct io_open___since_v7_0 {
	struct delayed_filename filename;
};

/*
 * 5.18 (cef216fc32d7): io_kiocb.user_data and result became a struct io_cqe, which from 5.19
 * (6bf9c47a3989) on also holds the descriptor until the file is looked up. Before that the file is
 * known when the request is submitted.
 */
struct io_cqe {
	int fd;
};

struct io_kiocb___since_v5_18 {
	struct io_cqe cqe;
};

/*
 * Fields of which only the size changed, to be read by BPF_CORE_READ_BITFIELD_PROBED(), which asks
 * the kernel for it. 6.10: io_kiocb.flags grew from 32 to 64 bits. 5.18 (584b0180f0f4): io_rw.len
 * shrank from 64 to 32, to make room for the flags.
 */
struct io_kiocb___any_size {
	u64 flags;
};

struct io_rw___any_size {
	u64 len;
	s32 flags;
};

/*
 * 6.13 (87a8a76c34a2): overlayfs keeps the real file in a struct of its own. That one is a module's
 * type; f_ref, a struct, came in the same release (90ee6ed776c0).
 */
/* 6.1 (7f203bc89eb6): pointers in place of ids; 7.0 made the first of them a member of its own. */
struct cgroup___pre_v6_1 {
	u64 ancestor_ids[1];
};

struct cgroup___since_v6_1 {
	struct cgroup *ancestors[1];
};

/*
 * 6.2 (f1a7941243c1): an mm_struct's counters of pages became per-CPU ones. Their sum is kept up to
 * what each CPU has not added yet.
 */
struct mm_rss_stat {
	atomic64_t count[4];
};

struct mm_struct___pre_v6_2 {
	struct mm_rss_stat rss_stat;
};

struct percpu_counter {
	s64 count;
};

struct mm_struct___since_v6_2 {
	struct percpu_counter rss_stat[4];
};

/* 7.0: events of reclaim tell for which memory cgroup it is. */
struct trace_event_raw_mm_vmscan_direct_reclaim_begin_template___since_v7_0 {
	u64 memcg_id;
};

struct file___since_v6_13 {
	struct {
	} f_ref;
};

struct io_unlink___pre_v7_0 {
	struct filename *filename;
};

struct io_unlink___since_v7_0 {
	struct delayed_filename filename;
};

struct io_rename___pre_v7_0 {
	struct filename *oldpath;
	struct filename *newpath;
};

struct io_rename___since_v7_0 {
	struct delayed_filename oldpath;
	struct delayed_filename newpath;
};

#pragma clang attribute pop

/* The id of @cgrp's ancestor at @level, which is at most its own. */
static __always_inline u64 cgroup_ancestor_id(const struct cgroup *cgrp, u32 level)
{
	const struct cgroup___since_v6_1 *now = (const void *)cgrp;
	const struct cgroup___pre_v6_1 *old = (const void *)cgrp;
	struct cgroup *up = NULL;
	u64 id = 0;

	if (!bpf_core_field_exists(now->ancestors)) {
		bpf_probe_read_kernel(&id, sizeof(id),
				      (void *)cgrp + bpf_core_field_offset(old->ancestor_ids) +
					      8 * level);
		return id;
	}
	bpf_probe_read_kernel(&up, sizeof(up),
			      (void *)cgrp + bpf_core_field_offset(now->ancestors) + 8 * level);
	return BPF_CORE_READ(up, kn, id);
}

/* The task's scheduler state: 0 is running, anything else is blocked, stopped or waking. */
static __always_inline u64 task_state(const struct task_struct *task)
{
	const struct task_struct___since_v5_14 *now = (const void *)task;
	const struct task_struct___pre_v5_14 *old = (const void *)task;

	if (bpf_core_field_exists(now->__state))
		return BPF_CORE_READ(now, __state);
	return BPF_CORE_READ(old, state);
}

/* 7.1: an int became a byte. The lowest one tells. */
struct task_struct___any_size {
	u8 on_cpu;
} __attribute__((preserve_access_index));

/* Does it run on a CPU? Not for the current one, whose answer is known. */
static __always_inline bool task_on_cpu(const struct task_struct *task)
{
	const struct task_struct___any_size *any = (const void *)task;
	u8 on_cpu = 0;

	bpf_core_read(&on_cpu, sizeof(on_cpu), &any->on_cpu);
	return on_cpu;
}

static __always_inline struct request_queue *bio_queue_of(const struct bio *bio)
{
	const struct bio___since_v5_12 *now = (const void *)bio;
	const struct bio___pre_v5_12 *old = (const void *)bio;

	if (bpf_core_field_exists(now->bi_bdev))
		return BPF_CORE_READ(now, bi_bdev, bd_disk, queue);
	return BPF_CORE_READ(old, bi_disk, queue);
}

/* By plain loads: @bio is what a tp_btf program was passed, or reached from that. */
static __always_inline struct gendisk *bio_disk_of(struct bio *bio)
{
	struct bio___since_v5_12 *now = (void *)bio;
	struct bio___pre_v5_12 *old = (void *)bio;

	if (bpf_core_field_exists(now->bi_bdev))
		return now->bi_bdev->bd_disk;
	return old->bi_disk;
}

/* The same for its queue. */
static __always_inline struct request_queue *bio_queue_here(struct bio *bio)
{
	struct bio___since_v5_12 *now = (void *)bio;
	struct block_device___since_v5_16 *bdev;

	if (!bpf_core_field_exists(struct block_device___since_v5_16, bd_queue))
		return bio_disk_of(bio)->queue;
	bdev = (void *)now->bi_bdev;
	return bdev->bd_queue;
}

/* The same for a request. */
static __always_inline struct gendisk *rq_disk_of(struct request *rq)
{
	struct request___pre_v5_17 *old = (void *)rq;
	struct request_queue___since_v5_15 *q;

	if (bpf_core_field_exists(old->rq_disk))
		return old->rq_disk;
	q = (void *)rq->q;
	return q->disk;
}

/* A device's number, as struct super_block has it. */
static __always_inline u32 disk_dev(struct gendisk *disk)
{
	return (u32)disk->major << 20 | (u32)disk->first_minor;
}

/* bio_disk_of() by probe reads, for an address. */
static __always_inline struct gendisk *bio_disk_read(const struct bio *bio)
{
	const struct bio___since_v5_12 *now = (const void *)bio;
	const struct bio___pre_v5_12 *old = (const void *)bio;

	if (bpf_core_field_exists(now->bi_bdev))
		return BPF_CORE_READ(now, bi_bdev, bd_disk);
	return BPF_CORE_READ(old, bi_disk);
}

/* The name, in kernel memory, that a prepared io_uring open carries. */
static __always_inline const char *uring_open_name(const struct io_open *open)
{
	const struct io_open___since_v7_0 *now = (const void *)open;
	const struct io_open___pre_v7_0 *old = (const void *)open;

	if (bpf_core_type_exists(struct delayed_filename))
		return BPF_CORE_READ(now, filename.__incomplete_filename, name);
	return BPF_CORE_READ(old, filename, name);
}

/* The descriptor that a submitted io_uring request names; -1 where the request doesn't keep it. */
static __always_inline s64 uring_fd(const struct io_kiocb *req)
{
	const struct io_kiocb___since_v5_18 *now = (const void *)req;

	if (bpf_core_field_exists(now->cqe) && bpf_core_field_exists(now->cqe.fd))
		return BPF_CORE_READ(now, cqe.fd);
	return -1;
}

/* Its flags; all that have a meaning here are in the lower half. */
static __always_inline u32 uring_flags(const struct io_kiocb *req)
{
	const struct io_kiocb___any_size *any = (const void *)req;

	return BPF_CORE_READ_BITFIELD_PROBED(any, flags);
}

static __always_inline u64 uring_rw_len(const struct io_rw *rw)
{
	const struct io_rw___any_size *any = (const void *)rw;

	return BPF_CORE_READ_BITFIELD_PROBED(any, len);
}

static __always_inline u32 uring_rw_flags(const struct io_rw *rw)
{
	const struct io_rw___any_size *any = (const void *)rw;

	return bpf_core_field_exists(any->flags) ? BPF_CORE_READ_BITFIELD_PROBED(any, flags) : 0;
}

/* The file that overlayfs opened below @file, one of its own. */
static __always_inline struct file *overlay_real_file(const struct file *file)
{
	const struct file___since_v6_13 *now = (const void *)file;
	void *data = BPF_CORE_READ(file, private_data);
	struct file *real = data;

	if (data && bpf_core_field_exists(now->f_ref) &&
	    bpf_probe_read_kernel(&real, sizeof(real), data))
		return NULL;
	return real;
}

#define FMODE_BACKING (1 << 25) /* include/linux/fs.h */

/*
 * The path by which the file was opened that @file stands for: 6.8 (def3ae83da02) let those below
 * overlayfs have a path of their own, in a mount that nobody sees.
 */
static __always_inline const struct path *file_user_path(const struct file *file)
{
	const struct backing_file___since_v6_8 *backing = (const void *)file;

	if (bpf_core_field_exists(backing->user_path) &&
	    BPF_CORE_READ(file, f_mode) & FMODE_BACKING)
		return &backing->user_path;
	return &file->f_path;
}

/* include/linux/mm_types_task.h */
enum { MM_FILEPAGES, MM_ANONPAGES, MM_SWAPENTS, MM_SHMEMPAGES };

/* Pages of @which kind that @mm holds, to within some tens for each CPU. */
#define MM_PAGES(mm, which)                                                                        \
	({                                                                                         \
		const struct mm_struct___since_v6_2 *now_ = (const void *)(mm);                    \
		const struct mm_struct___pre_v6_2 *old_ = (const void *)(mm);                      \
		s64 n_;                                                                            \
		if (bpf_core_type_exists(struct mm_rss_stat))                                      \
			n_ = BPF_CORE_READ(old_, rss_stat.count[which].counter);                   \
		else                                                                               \
			n_ = BPF_CORE_READ(now_, rss_stat[which].count);                           \
		n_ > 0 ? (u64)n_ : 0;                                                              \
	})

/* The id of the memory cgroup that the classic event @ctx of a reclaim tells; 0: it tells none. */
static __always_inline u64
reclaim_event_memcg(struct trace_event_raw_mm_vmscan_direct_reclaim_begin_template *ctx)
{
	struct trace_event_raw_mm_vmscan_direct_reclaim_begin_template___since_v7_0 *now =
		(void *)ctx;

	if (bpf_core_field_exists(now->memcg_id))
		return BPF_CORE_READ(now, memcg_id);
	return 0;
}

static __always_inline const char *uring_unlink_name(const struct io_unlink *unlink)
{
	const struct io_unlink___since_v7_0 *now = (const void *)unlink;
	const struct io_unlink___pre_v7_0 *old = (const void *)unlink;

	if (bpf_core_type_exists(struct delayed_filename))
		return BPF_CORE_READ(now, filename.__incomplete_filename, name);
	return BPF_CORE_READ(old, filename, name);
}

static __always_inline const char *uring_rename_old(const struct io_rename *rename)
{
	const struct io_rename___since_v7_0 *now = (const void *)rename;
	const struct io_rename___pre_v7_0 *old = (const void *)rename;

	if (bpf_core_type_exists(struct delayed_filename))
		return BPF_CORE_READ(now, oldpath.__incomplete_filename, name);
	return BPF_CORE_READ(old, oldpath, name);
}

static __always_inline const char *uring_rename_new(const struct io_rename *rename)
{
	const struct io_rename___since_v7_0 *now = (const void *)rename;
	const struct io_rename___pre_v7_0 *old = (const void *)rename;

	if (bpf_core_type_exists(struct delayed_filename))
		return BPF_CORE_READ(now, newpath.__incomplete_filename, name);
	return BPF_CORE_READ(old, newpath, name);
}

/* 5.11 (14a1143b68ee, 80a261fd0032): io_uring removes and renames. */
#define HAVE_URING_NAMES() bpf_core_type_exists(struct io_unlink)

/*
 * 5.11 (3ca1032ab7ab) brought bpf_get_current_task_btf(): its result can be walked by plain loads,
 * which cost a fifth of a helper call each. Where it is missing each step is a probe read.
 */
#define HAVE_TASK_BTF() bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf)

/*
 * 6.2 (a35b9af4ec2c) brought bpf_rdonly_cast(): any address as a typed pointer whose fields plain
 * loads may read, with faults turned into zeros. Elsewhere each field is a probe read, which costs
 * a call. LOAD(type, address, field) is the one or the other: every object is built twice.
 */
#ifndef WITHOUT_RDONLY_CAST
extern void *bpf_rdonly_cast(const void *obj, u32 btf_id) __ksym;

#define LOAD(type, address, field)                                                                 \
	(((type *)bpf_rdonly_cast((void *)(address), bpf_core_type_id_kernel(type)))->field)
#else
#define LOAD(type, address, field)                                                                 \
	({                                                                                         \
		type *load_ = (type *)(address); /* apart, or CO-RE moves what it takes it from */ \
		BPF_CORE_READ(load_, field);                                                       \
	})
#endif

/*
 * The current task. If HAVE_TASK_BTF(), plain loads may read its own fields; for what its pointers
 * lead to, see walkable(). A call, which costs more than several loads: ask once.
 */
static __always_inline struct task_struct *current_task(void)
{
	if (HAVE_TASK_BTF())
		return (struct task_struct *)bpf_get_current_task_btf();
	return (struct task_struct *)bpf_get_current_task();
}

/*
 * @task, as current_task() gave it, if HAVE_TASK_BTF(), to be walked by plain loads. For each
 * pointer that is read from the trusted one, the verifier goes through all of the kernel's types
 * several times, about 1 ms.
 */
static __always_inline struct task_struct *walkable(struct task_struct *task)
{
#ifndef WITHOUT_RDONLY_CAST
	return bpf_rdonly_cast(task, bpf_core_type_id_kernel(struct task_struct));
#else
	return task;
#endif
}

/* A file that plain loads have led to, for the same. */
static __always_inline struct file *walkable_file(struct file *file)
{
#ifndef WITHOUT_RDONLY_CAST
	return bpf_rdonly_cast(file, bpf_core_type_id_kernel(struct file));
#else
	return file;
#endif
}

/* An anonymous one, of what is attached nowhere, has no number; later its inode tells. */
static __always_inline bool mnt_ns_is_named(struct mnt_namespace *ns)
{
	struct ns_common___since_v6_18 *common = (void *)ns + bpf_core_field_offset(ns->ns);

	if (BPF_CORE_READ(ns, ns.inum) == 0xEFFFFFF7) /* MNT_NS_ANON_INO */
		return false;
	if (bpf_core_field_exists(common->ns_id))
		return BPF_CORE_READ(common, ns_id);
	return BPF_CORE_READ((struct mnt_namespace___pre_v6_18 *)ns, seq);
}

/*
 * The name of @here, which is current_task(), by loads of eight bytes each; @comm has room for
 * COMM_LEN, at a multiple of eight.
 */
static __always_inline void task_comm(struct task_struct *here, void *comm)
{
	const u64 *from;
	u64 *to = comm;

	if (HAVE_TASK_BTF()) {
		from = (const u64 *)here->comm;
		to[0] = from[0];
		to[1] = from[1];
	} else {
		bpf_get_current_comm(comm, COMM_LEN);
	}
}

/* Its user, too. Plain loads where they are possible: two calls cost more than a row's other
 * fields. */
static __always_inline void task_user_and_comm(struct task_struct *here, u32 *uid, void *comm)
{
	task_comm(here, comm);
	if (HAVE_TASK_BTF())
		*uid = walkable(here)->cred->uid.val;
	else
		*uid = bpf_get_current_uid_gid();
}

static __always_inline void current_user_and_comm(u32 *uid, void *comm)
{
	task_user_and_comm(current_task(), uid, comm);
}

#include "bpf/kernel/compat_regs.bpf.h"

#endif
