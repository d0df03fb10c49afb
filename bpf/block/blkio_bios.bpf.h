/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Whose a bio is, and bios from their submission on: a part of blkio_request.bpf.h. */
#ifndef IOSONDE_BLKIO_BIOS_BPF_H
#define IOSONDE_BLKIO_BIOS_BPF_H

#include "bpf/block/blkio_io.bpf.h"

/* --- who --- */

static __always_inline bool in_kernel_thread(void)
{
	if (HAVE_TASK_BTF())
		return ((struct task_struct *)bpf_get_current_task_btf())->flags & PF_KTHREAD;
	return BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), flags) & PF_KTHREAD;
}

/*
 * A kernel thread submits for somebody else: only the cgroup is told, by the bio. No process that
 * was asked for can be known to be behind it.
 */
static __always_inline bool who_by_bio(struct bio *bio, struct blk_who *who)
{
	struct cgroup *cgrp;

	if (target.flags & (TARGET_PID | TARGET_TID | TARGET_UID | TARGET_COMM | TARGET_MNTNS))
		return false;
	cgrp = BPF_CORE_READ(bio, bi_blkg, blkcg, css.cgroup);
	if ((target.flags & TARGET_CGROUP) && !cgroup_wanted(cgrp))
		return false;
	who->cgroup = BPF_CORE_READ(cgrp, kn, id);
	return true;
}

static __always_inline bool who_is_current(struct blk_who *who)
{
	u64 ids = current_ids();

	if (!target_match(ids))
		return false;
	who->ids = ids;
	who->cgroup = bpf_get_current_cgroup_id();
	bpf_get_current_comm(who->comm, sizeof(who->comm));
	return true;
}

/* The bio of a device without requests that @bio was cloned from. */
static __always_inline struct blk_io *upper_of(struct bio *bio)
{
	u64 vec, *upper;

	if (!(bio->bi_flags & BIO_CLONED_FLAG))
		return NULL;
	vec = (u64)bio->bi_io_vec;
	upper = vec ? bpf_map_lookup_elem(&blk_uppers, &vec) : NULL;
	return upper ? blk_find(*upper) : NULL;
}

static __always_inline bool find_who(struct bio *bio, struct blk_io *io)
{
	struct blk_io *upper = upper_of(bio);

	if (upper) {
		if (upper->flags & BLK_NO_OWNER)
			return false;
		io->who = upper->who;
		io->upper_dev = upper->upper_dev ? upper->upper_dev : upper->dev;
		io->flags |= upper->flags & BLK_HIDDEN ? 0 : BLK_UNDER;
		return true;
	}
	if (!(BLK_WANTS & BLK_WANT_OWNER) && !BLK_TARGET())
		return true;
	return in_kernel_thread() ? who_by_bio(bio, &io->who) : who_is_current(&io->who);
}

/* --- bios --- */

/*
 * If something of that address is still there its end was never seen. (Some virtual machines'
 * kernels leave out a few of these events, for all tracers alike.)
 */
static __always_inline void keep_io(u64 key, struct blk_io *io)
{
	struct blk_io *place = bpf_map_lookup_elem(&blk_ios, &key);

	io->self = key;
	if (place) {
		if (!(place->flags & BLK_IDLE))
			COUNT_EVENT(lost_end);
		io->flags |= place->flags & BLK_STAYS;
		*place = *io;
		return;
	}
	io->flags |= blk_stays();
	if (bpf_map_update_elem(&blk_ios, &key, io, BPF_NOEXIST))
		COUNT_EVENT(lost_state);
}

static __always_inline void keep_upper(struct bio *bio)
{
	u64 vec = (u64)bio->bi_io_vec, self = (u64)bio, *upper;

	if (!vec)
		return;
	/* an outer one that is still under way keeps its place */
	upper = bpf_map_lookup_elem(&blk_uppers, &vec);
	if (!upper || *upper == self || !blk_find(*upper))
		bpf_map_update_elem(&blk_uppers, &vec, &self, BPF_ANY);
}

static __always_inline void follow_bio(struct bio *bio, bool has_requests)
{
	struct blk_io io = {};

	io.dev = disk_dev(bio_disk_of(bio));
	if (!disk_wanted(io.dev)) {
		if (has_requests)
			return;
		io.flags = BLK_HIDDEN;
	}
	if (!find_who(bio, &io)) {
		if (!BLK_SHARES)
			return;
		io.flags |= BLK_NO_OWNER; /* those whose the bytes are may be asked for */
	}
	io.sector = bio->bi_iter.bi_sector;
	io.bytes = bio->bi_iter.bi_size;
	if (BLK_WANTS & BLK_WANT_KIND)
		io.kind = kind_of(bio->bi_opf, io.bytes);
	io.bios = 1;
	io.queued_ns = bpf_ktime_get_ns();
	if (!has_requests) {
		io.flags |= BLK_BIO_BASED;
		io.issued_ns = io.queued_ns;
		note_pattern(&io, io.bytes);
	}
	keep_io((u64)bio, &io);
	if (!has_requests)
		keep_upper(bio);
}

static __always_inline void blk_queued(struct bio *bio)
{
	bool has_requests = bio_queue_here(bio)->mq_ops;

	if (all_attached && (!has_requests || BLK_BIOS()))
		follow_bio(bio, has_requests);
}

/* The front of a bio becomes a bio of its own, with the same owner. */
static __always_inline void blk_split(struct bio *child)
{
	u64 key = (u64)child->bi_private;
	struct blk_io *parent = blk_find(key), io;

	if (!parent)
		return;
	io = *parent;
	io.flags &= ~BLK_STAYS;
	io.sector = child->bi_iter.bi_sector;
	io.bytes = child->bi_iter.bi_size;
	parent->bytes -= io.bytes;
	parent->sector += io.bytes >> 9;
	keep_io((u64)child, &io);
	COUNT(tool[BLK_SPLITS]);
}

#endif
