/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Whose changes a journal's (jbd2's, ext4's) transaction has. A process changes a filesystem's
 * blocks under a handle of the running transaction; when the handle stops, jbd2 tells how many
 * blocks it was the first to change in that. Who waits for the commit waits for all of them.
 */
#ifndef IOSONDE_LAYERS_JOURNAL_BPF_H
#define IOSONDE_LAYERS_JOURNAL_BPF_H

#include "tools/layers/state.bpf.h"

#define JOURNAL_OWNERS 16 /* of one transaction that are told apart; a power of two */

struct journal_owner {
	u32 tgid; /* 0: a thread of the kernel: what it changes is writeback */
	u32 taken;
	u64 blocks;
	u64 comm[COMM_LEN / 8];
};

struct layers_transaction {
	struct journal_owner owners[JOURNAL_OWNERS]; /* the last one may stand for several */
};

/* By the device of the filesystem and the transaction's number: dev << 32 | tid. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, u64);
	__type(value, struct layers_transaction);
} layers_transactions SEC(".maps");

const volatile struct layers_transaction transaction_zero;

/* Which transaction a journal's thread has written last, or writes. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, u32); /* the thread */
	__type(value, u64);
} layers_commits SEC(".maps");

/* The place of process @tgid in the transaction with @key: one of its own, while there is one. */
__noinline int journal_place(u64 key, u32 tgid)
{
	struct layers_transaction *t = bpf_map_lookup_elem(&layers_transactions, &key);

	for (u32 i = 0; t && i < JOURNAL_OWNERS; i++) {
		struct journal_owner *o = &t->owners[i];

		if (o->taken && o->tgid == tgid)
			return i;
		if (!o->taken) {
			o->tgid = tgid;
			o->taken = 1;
			if (tgid)
				bpf_get_current_comm(o->comm, sizeof(o->comm));
			return i;
		}
	}
	return JOURNAL_OWNERS - 1;
}

/* The current thread's handle was the first to change @blocks blocks of transaction @tid. */
static __always_inline int handle_stopped(u32 dev, u32 tid, s32 blocks)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	u64 key = (u64)dev << 32 | tid, ids, place;
	struct layers_transaction *t;
	u32 tgid = 0;

	if (blocks <= 0 || closed_ns)
		return 0;
	t = bpf_map_lookup_elem(&layers_transactions, &key);
	if (!t) {
		bpf_map_update_elem(&layers_transactions, &key, (const void *)&transaction_zero,
				    BPF_NOEXIST);
		t = bpf_map_lookup_elem(&layers_transactions, &key);
		if (!t)
			return 0;
	}
	ids = target.flags & TARGET_PIDNS ? current_ids() : bpf_get_current_pid_tgid();
	if (!(BPF_CORE_READ(task, flags) & PF_KTHREAD))
		tgid = ids >> 32;
	place = journal_place(key, tgid);
	if (place < JOURNAL_OWNERS)
		__sync_fetch_and_add(&t->owners[place].blocks, blocks);
	return 0;
}

SEC("tp_btf/jbd2_handle_stats")
int BPF_PROG(layers_handle, u32 dev, u32 tid, u32 type, u32 line, int interval, int sync,
	     int requested, int dirtied)
{
	return handle_stopped(dev, tid, dirtied);
}

SEC("tp/jbd2/jbd2_handle_stats")
int layers_handle_tp(void *ctx)
{
	const struct jbd2_places at = cfg.jbd2;
	u64 event = address_of(ctx);

	if (!at.known)
		return 0;
	return handle_stopped(u32_at(event + at.handle_dev), u32_at(event + at.handle_tid),
			      u32_at(event + at.handle_dirtied));
}

/* No handle is left in it; nobody has been told yet that it is on its way. */
SEC("tp_btf/jbd2_commit_flushing")
int BPF_PROG(layers_commit, void *of_journal, void *of_transaction)
{
	u64 journal = address_of(of_journal), transaction = address_of(of_transaction), key;
	const struct jbd2_places at = cfg.jbd2;
	u32 thread = bpf_get_current_pid_tgid();
	struct block_device *dev = (void *)u64_at(journal + at.fs_dev);

	if (!at.known)
		return 0;
	key = (u64)BPF_CORE_READ(dev, bd_dev) << 32 | u32_at(transaction + at.tid);
	bpf_map_update_elem(&layers_commits, &thread, &key, BPF_ANY);
	return 0;
}

/*
 * The transaction that @thread, which wakes somebody, has written; 0: it is no journal's thread, or
 * nobody is known who changed anything.
 */
static __always_inline u64 transaction_of(u32 thread)
{
	u64 *key = bpf_map_lookup_elem(&layers_commits, &thread);

	return key && bpf_map_lookup_elem(&layers_transactions, key) ? *key : 0;
}

#endif
