/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Whose doing a wait was that ended, where more than one had a part in it: those with requests at
 * the same disk, those whose changes a journal's commit has.
 */
#ifndef IOSONDE_LAYERS_BLAME_BPF_H
#define IOSONDE_LAYERS_BLAME_BPF_H

#include "tools/layers/blkio_thread.bpf.h"
#include "tools/layers/journal.bpf.h"

#define SHARE_BITS 10 /* of a whole, in which shares of time are computed */

/* To the process in place @i of the disk that @task waited for its part, @share of the wait. */
__noinline int blame_request(u64 task, u32 i, u64 share)
{
	struct bio_owner *owner = bpf_map_lookup_elem(&bio_owners, &task);
	struct disk_requests *disk;
	struct disk_wait *w;
	struct layers_who who;

	if (!owner)
		return 0;
	w = &owner->wait;
	disk = bpf_map_lookup_elem(&layers_disks, &owner->dev);
	if (!disk || i >= DISK_REQUESTS)
		return 0;
	who = disk->at[i].who;
	if (who.kind == WHO_TASK && who.id == w->self)
		return 0;
	for (u32 k = 0; k < 2; k++) {
		u64 ns = w->ns[k] * share >> SHARE_BITS;

		if (!ns || ns > w->left[k])
			continue;
		w->left[k] -= ns;
		blame((u64)who.kind << 32 | who.id, WHAT(CELL_QUEUE + k, w->call), ns, who.comm[0],
		      who.comm[1]);
	}
	return 0;
}

/*
 * Hands out the wait that the record of @task has: to those who had requests at the disk meanwhile,
 * in proportion to the time that these had, all together. What was its own requests' is the disk's
 * doing. Global, for its loops.
 */
__noinline int blame_disk(u64 task)
{
	struct bio_owner *owner = bpf_map_lookup_elem(&bio_owners, &task);
	struct disk_wait *w;
	u64 all = 0;

	if (!owner)
		return 0;
	w = &owner->wait;
	for (u32 i = 0; i < DISK_REQUESTS; i++)
		all += disk_overlap(owner->dev, i, w->from_ns, w->to_ns);
	for (u32 i = 0; all && i < DISK_REQUESTS; i++) {
		u64 had = disk_overlap(owner->dev, i, w->from_ns, w->to_ns);

		if (had)
			blame_request(task, i, (had << SHARE_BITS) / all);
	}
	for (u32 k = 0; k < 2; k++)
		if (w->left[k])
			blame((u64)WHO_DEVICE << 32 | owner->dev, WHAT(CELL_QUEUE + k, w->call),
			      w->left[k], 0, 0);
	return 0;
}

/* @op of @task, blocked from its mark to @to, was so for its requests: @queue and @device of it. */
static __always_inline void blame_for_requests(u64 task, struct layers_op *op, u64 to, u64 queue,
					       u64 device)
{
	struct bio_owner *owner = bpf_map_lookup_elem(&bio_owners, &task);

	if (!owner)
		return;
	owner->wait.from_ns = op->mark_ns;
	owner->wait.to_ns = to;
	owner->wait.ns[0] = owner->wait.left[0] = queue;
	owner->wait.ns[1] = owner->wait.left[1] = device;
	owner->wait.call = cause_call(&op->in);
	blame_disk(task);
}

/* To those who changed what transaction @key has, by the number of blocks. */
__noinline int blame_journal(u64 key, u64 what, u64 ns)
{
	struct layers_transaction *t = bpf_map_lookup_elem(&layers_transactions, &key);
	u64 left = ns, all = 0;
	u32 i;

	for (i = 0; t && i < JOURNAL_OWNERS; i++)
		all += t->owners[i].blocks;
	for (i = 0; t && all && i < JOURNAL_OWNERS; i++) {
		const struct journal_owner *o = &t->owners[i];
		u64 part = ns * ((o->blocks << SHARE_BITS) / all) >> SHARE_BITS;

		if (!part || part > left)
			continue;
		left -= part;
		blame(WHO_OF_JOURNAL(key >> 32, o->tgid), what, part, o->comm[0], o->comm[1]);
	}
	if (left)
		blame((u64)WHO_OTHERS << 32, what, left, 0, 0);
	return 0;
}

#endif
