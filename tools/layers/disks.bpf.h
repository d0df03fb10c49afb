/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Who has requests at a disk: blame.bpf.h hands out to them the time for which others wait for it.
 *
 * A request is its submitter's: whoever queued its first bio. Of a disk the last 64 requests are
 * kept, in places that their addresses choose.
 */
#ifndef IOSONDE_LAYERS_DISKS_BPF_H
#define IOSONDE_LAYERS_DISKS_BPF_H

#include "tools/layers/who.bpf.h"

#define DISK_REQUESTS 64		    /* a power of two */
#define DISK_PROBES   8			    /* places that a request may have */
#define KWORKER	      0x2f72656b726f776bULL /* "kworker/", as the first bytes of a name */

struct disk_request {
	u64 rq; /* address of the request, or of the bio where there are none */
	u64 issued_ns;
	u64 done_ns; /* 0: it is at the device */
	struct layers_who who;
};

struct disk_requests {
	struct disk_request at[DISK_REQUESTS];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, u32);
	__type(value, struct disk_requests);
} layers_disks SEC(".maps");

const volatile struct disk_requests disk_requests_zero;

/* Who queued a bio, by its address. Those that are merged into others stay until they are old. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, u64);
	__type(value, struct layers_who);
} layers_bios SEC(".maps");

/* Who queues a bio now: the current task; what the kernel's threads write is writeback. */
static __always_inline void submitter(struct layers_who *who, bool writes)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	who->kind = WHO_TASK;
	who->id = current_ids() >> 32;
	bpf_get_current_comm(who->comm, sizeof(who->comm));
	if (!writes || !(BPF_CORE_READ(task, flags) & PF_KTHREAD) || who->comm[0] != KWORKER)
		return;
	who->kind = WHO_WRITEBACK;
	who->id = 0;
	who->comm[0] = who->comm[1] = 0;
}

static __always_inline u32 request_place(u64 rq)
{
	return rq * 0x9E3779B97F4A7C15ULL >> 58; /* six bits of 64 */
}

/* The place of request @rq among those of disk @dev: its own, or the one that is longest over. */
__noinline int disk_place(u32 dev, u64 rq)
{
	struct disk_requests *disk = bpf_map_lookup_elem(&layers_disks, &dev);
	u32 at = request_place(rq);
	u64 oldest = ~0ULL;
	int place = -1;

	for (u32 i = 0; disk && i < DISK_PROBES; i++) {
		const volatile struct disk_request *r = &disk->at[at++ & (DISK_REQUESTS - 1)];

		if (r->rq == rq)
			return (at - 1) & (DISK_REQUESTS - 1);
		if ((!r->rq || r->done_ns) && r->done_ns < oldest) {
			oldest = r->done_ns;
			place = (at - 1) & (DISK_REQUESTS - 1);
		}
	}
	return place;
}

/* @rq is at disk @dev from @now on, for @who, an address of a struct layers_who. */
static __always_inline void disk_begins(u32 dev, u64 rq, const struct layers_who *who, u64 now)
{
	struct disk_requests *disk = bpf_map_lookup_elem(&layers_disks, &dev);
	struct disk_request *r;
	u64 place;

	if (!disk) {
		bpf_map_update_elem(&layers_disks, &dev, (const void *)&disk_requests_zero,
				    BPF_NOEXIST);
		disk = bpf_map_lookup_elem(&layers_disks, &dev);
		if (!disk)
			return;
	}
	place = disk_place(dev, rq);
	if (place >= DISK_REQUESTS)
		return;
	r = &disk->at[place];
	r->rq = rq;
	r->issued_ns = now;
	r->done_ns = 0;
	r->who = *who;
}

static __always_inline void disk_ends(u32 dev, u64 rq, u64 now)
{
	struct disk_requests *disk = bpf_map_lookup_elem(&layers_disks, &dev);
	u64 place;

	if (!disk)
		return;
	place = disk_place(dev, rq);
	if (place < DISK_REQUESTS && disk->at[place].rq == rq)
		disk->at[place].done_ns = now;
}

/* For how long between @from and @to place @i of disk @dev had a request. */
__noinline u64 disk_overlap(u32 dev, u32 i, u64 from, u64 to)
{
	struct disk_requests *disk = bpf_map_lookup_elem(&layers_disks, &dev);
	const volatile struct disk_request *r;
	u64 begin, end;

	if (!disk || i >= DISK_REQUESTS)
		return 0;
	r = &disk->at[i];
	begin = r->issued_ns;
	end = r->done_ns;
	if (!r->rq)
		return 0;
	if (!end || end > to)
		end = to;
	if (begin < from)
		begin = from;
	return end > begin ? end - begin : 0;
}

/*
 * The current context queues @bio, or the front of it. @at_ns: when the disk has it; 0: when a
 * request is issued that has it.
 */
static __always_inline void note_submitter(struct bio *bio, u64 at_ns)
{
	u64 key = address_of(bio);
	struct layers_who who = {};

	submitter(&who, BPF_CORE_READ(bio, bi_opf) & 1 /* as op_is_write() has it */);
	if (at_ns)
		disk_begins(disk_dev(bio_disk_of(bio)), key, &who, at_ns);
	else
		bpf_map_update_elem(&layers_bios, &key, &who, BPF_ANY);
}

/* @rq is issued at @now. */
static __always_inline void note_issue(struct request *rq, u64 now)
{
	u64 bio = (u64)BPF_CORE_READ(rq, bio);
	struct layers_who *who = bpf_map_lookup_elem(&layers_bios, &bio);

	if (who)
		disk_begins(disk_dev(rq_disk_of(rq)), address_of(rq), who, now);
}

#endif
