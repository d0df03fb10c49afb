/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Who caused what jbd2 (ext4) writes to its log. Included by attribution.bpf.h.
 *
 * A process changes a filesystem's blocks under a handle of the running transaction. When the
 * handle stops, jbd2 tells how many blocks it was the first to change in that transaction: so many
 * blocks more are logged. When the transaction has no handles left and begins to go to the log, its
 * processes become owners of what the committing thread writes from then until the end of the
 * commit. Blocks that no known process has changed are owned by nobody.
 *
 * A few owners share each bio by the number of their blocks: everyone has its share of all bytes so
 * far, less what it was charged before, so that sums are right to the byte. More than a bio has
 * room for are charged one after the other, each with as many bytes as its blocks have.
 */
#ifndef IOSONDE_ATTRIBUTION_JOURNAL_BPF_H
#define IOSONDE_ATTRIBUTION_JOURNAL_BPF_H

#define JOURNAL_OWNERS 256		 /* of one transaction, nobody included; a power of two */
#define JOURNAL_FEW    (ATTR_SHARES - 1) /* the first share is nobody's */

/* Of a transaction: a process, or a place in the list of them. */
struct journal_key {
	u32 dev;
	u32 tid;   /* the transaction's */
	u32 who;   /* key of attr_whos; 0: it is a place */
	u32 place; /* 0: none, but the last place that is taken */
};

/* How many blocks the process changed, or which process is in that place. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct journal_key);
	__type(value, u64);
} attr_handles SEC(".maps");

/* By kernel thread: the process that wrote the part of a file which it has mapped last. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u32);
	__type(value, u32);
} attr_mapped SEC(".maps");

struct journal_owner {
	u32 who;
	u32 blocks;
	u64 charged; /* bytes */
};

struct journal_commit {
	u64 blocks; /* of the transaction */
	u64 bytes;  /* of its log so far */
	u32 block;  /* bytes of one */
	u32 n_owners;
	u32 next; /* the owner whose turn it is */
	u32 last; /* the one that was charged last */
	struct journal_owner owners[JOURNAL_OWNERS];
};

/* By the committing thread. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, u32);
	__type(value, struct journal_commit);
} attr_commits SEC(".maps");

const volatile struct journal_commit journal_commit_zero;

/* --- handles --- */

/* Puts the process @who into the transaction's list, if there is room: nobody's place stays. */
__noinline int journal_list(u32 dev, u32 tid, u32 who)
{
	struct journal_key key = { .dev = dev, .tid = tid };
	u64 *taken = bpf_map_lookup_elem(&attr_handles, &key), value = who;
	u64 place = taken ? *taken : 1; /* about: two CPUs may have written at once */

	for (u32 i = 0; i < JOURNAL_OWNERS && place < JOURNAL_OWNERS; i++) {
		key.place = place;
		if (!bpf_map_lookup_elem(&attr_handles, &key) &&
		    !bpf_map_update_elem(&attr_handles, &key, &value, BPF_NOEXIST)) {
			key.place = 0;
			bpf_map_update_elem(&attr_handles, &key, &place, BPF_ANY);
			return 0;
		}
		place++;
	}
	return 0;
}

/* A kernel thread looks for, or makes, the place of block @lblk of a file on the disk. */
static __always_inline void maps_blocks(const struct inode *inode, u32 lblk)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	u32 thread = bpf_get_current_pid_tgid(), who;
	struct attr_file *file;

	if (!(BPF_CORE_READ(task, flags) & PF_KTHREAD))
		return;
	file = file_of_inode(address_of(inode));
	if (!file)
		return;
	who = claimed_by(file->id,
			 (u64)lblk << BPF_CORE_READ(inode, i_blkbits) >> engine.page_shift) &
	      ~BY_RANGE;
	if (who)
		bpf_map_update_elem(&attr_mapped, &thread, &who, BPF_ANY);
}

/* The process that wrote what the current thread has mapped in its handle; 0: not known. */
static __always_inline u32 mapped_for(void)
{
	u32 thread = bpf_get_current_pid_tgid(), *mapped, who;

	mapped = bpf_map_lookup_elem(&attr_mapped, &thread);
	if (!mapped)
		return 0;
	who = *mapped;
	bpf_map_delete_elem(&attr_mapped, &thread);
	return who;
}

/* The current thread's handle was the first to change @blocks blocks of transaction @tid. */
static __always_inline void handle_stopped(u32 dev, u32 tid, s32 blocks)
{
	struct journal_key key = { .dev = dev, .tid = tid };
	u64 none = 0, *sum;

	key.who = blocks ? who_current() : 0;
	if (!key.who)
		key.who = mapped_for();
	if (!key.who || !blocks)
		return;
	sum = bpf_map_lookup_elem(&attr_handles, &key);
	if (!sum) {
		/* of several threads one comes first */
		if (!bpf_map_update_elem(&attr_handles, &key, &none, BPF_NOEXIST))
			journal_list(dev, tid, key.who);
		sum = bpf_map_lookup_elem(&attr_handles, &key);
	}
	if (sum) /* what a handle gives up again is negative */
		__sync_fetch_and_add(sum, (s64)blocks);
}

/* --- commits --- */

/* The process in place @place becomes an owner of what @thread commits. Returns 0 for none. */
__noinline int journal_take(u32 thread, u32 dev, u32 tid, u32 place)
{
	struct journal_key listed = { .dev = dev, .tid = tid, .place = place };
	struct journal_key key = { .dev = dev, .tid = tid };
	struct journal_commit *c = bpf_map_lookup_elem(&attr_commits, &thread);
	u64 *value = bpf_map_lookup_elem(&attr_handles, &listed), at, blocks;

	if (!c || !value)
		return 0;
	key.who = *value;
	bpf_map_delete_elem(&attr_handles, &listed);
	value = bpf_map_lookup_elem(&attr_handles, &key);
	if (!value)
		return 1;
	blocks = *value;
	bpf_map_delete_elem(&attr_handles, &key);
	if ((s64)blocks <= 0)
		return 1;
	at = c->n_owners;
	BOUND(at, JOURNAL_OWNERS - 1);
	c->owners[at].who = key.who;
	c->owners[at].blocks = blocks;
	c->blocks += blocks;
	c->n_owners = at + 1;
	return 1;
}

/* The current thread commits transaction @tid, which has @blocks blocks of @size bytes to log. */
static __always_inline void commit_begins(u32 dev, u32 tid, u32 blocks, u32 size)
{
	struct journal_key key = { .dev = dev, .tid = tid };
	u32 thread = bpf_get_current_pid_tgid();
	struct journal_commit *c;
	u64 at;

	if (bpf_map_update_elem(&attr_commits, &thread, (const void *)&journal_commit_zero,
				BPF_ANY))
		return;
	for (u32 i = 1; i < JOURNAL_OWNERS; i++)
		if (!journal_take(thread, dev, tid, i))
			break;
	bpf_map_delete_elem(&attr_handles, &key);
	c = bpf_map_lookup_elem(&attr_commits, &thread);
	if (!c)
		return;
	c->block = size;
	if (c->blocks >= blocks)
		return;
	at = c->n_owners;
	BOUND(at, JOURNAL_OWNERS - 1);
	c->owners[at].blocks = blocks - c->blocks;
	c->n_owners = at + 1;
	c->blocks = blocks;
}

static __always_inline void commit_ends(void)
{
	u32 thread = bpf_get_current_pid_tgid();

	bpf_map_delete_elem(&attr_commits, &thread);
}

/* Up to what the owner is to be charged now; in turn, or everyone's part of each bio. */
static __always_inline u64 journal_due(const struct journal_commit *c,
				       const struct journal_owner *owner)
{
	if (c->n_owners > JOURNAL_FEW)
		return (u64)owner->blocks * c->block;
	return c->blocks ? c->bytes * owner->blocks / c->blocks : 0;
}

/*
 * Charges the next owner of what @thread commits with what it owes, of @left bytes of @bio. Returns
 * how many bytes that was; negative: the bio has no room for it.
 */
__noinline int journal_pay(u64 bio, u32 thread, u32 left)
{
	struct journal_commit *c = bpf_map_lookup_elem(&attr_commits, &thread);
	struct attr_bio *a = attr_of(bio);
	struct journal_owner *owner;
	s64 owes, pays;
	u64 at;

	if (!c || !a)
		return -1;
	at = c->next;
	BOUND(at, JOURNAL_OWNERS - 1);
	owner = &c->owners[at];
	owes = journal_due(c, owner) - owner->charged;
	pays = owes < 0 ? 0 : owes > left ? left : owes;
	if (pays) {
		if (!attr_add_share(bio, 0, (u64)a->submitted_by << 32 | owner->who, ATTR_JOURNAL,
				    pays))
			return -1;
		owner->charged += pays;
		c->last = at;
	}
	if (c->n_owners <= JOURNAL_FEW || pays >= owes) {
		if (c->n_owners > JOURNAL_FEW)
			owner->charged = 0; /* for its next turn */
		c->next = at + 1 < c->n_owners ? at + 1 : 0;
	}
	return pays;
}

/* The bytes of the first share, a journal's, to those for whom the current thread commits. */
__noinline int journal_charge(u64 bio)
{
	u32 thread = bpf_get_current_pid_tgid(), left;
	struct journal_commit *c = bpf_map_lookup_elem(&attr_commits, &thread);
	struct attr_bio *a = attr_of(bio);
	u64 last;

	if (!c || !a || !c->n_owners)
		return 0;
	left = a->shares[0].bytes;
	c->bytes += left;
	a->shares[0].bytes = 0;
	for (u32 i = 0; i < JOURNAL_FEW; i++) {
		int paid = left && i < c->n_owners ? journal_pay(bio, thread, left) : -1;

		if (paid < 0)
			break;
		left -= paid;
	}
	if (!left)
		return 0;
	/* what rounding leaves is paid in advance */
	last = c->last;
	BOUND(last, JOURNAL_OWNERS - 1);
	if (attr_add_share(bio, 0, (u64)a->submitted_by << 32 | c->owners[last].who, ATTR_JOURNAL,
			   left))
		c->owners[last].charged += left;
	else
		a->shares[0].bytes += left;
	return 0;
}

/* --- the hooks --- */

SEC("tp_btf/ext4_ext_map_blocks_enter")
int BPF_PROG(journal_mapped, struct inode *inode, u32 lblk)
{
	maps_blocks(inode, lblk);
	return 0;
}

SEC("tp_btf/jbd2_handle_stats")
int BPF_PROG(journal_handle, u32 dev, u32 tid, u32 type, u32 line, int interval, int sync,
	     int requested, int dirtied)
{
	handle_stopped(dev, tid, dirtied);
	return 0;
}

SEC("tp/jbd2/jbd2_handle_stats")
int journal_handle_tp(void *ctx)
{
	const struct jbd2_places at = cfg.attr.jbd2;
	u64 event = address_of(ctx);

	if (at.known)
		handle_stopped(u32_at(event + at.handle_dev), u32_at(event + at.handle_tid),
			       u32_at(event + at.handle_dirtied));
	return 0;
}

/* No handle is left in it, and nothing is written yet: before that, revoked blocks are. */
SEC("tp_btf/jbd2_commit_flushing")
int BPF_PROG(journal_commit, void *of_journal, void *of_transaction)
{
	u64 journal = address_of(of_journal), transaction = address_of(of_transaction);
	const struct jbd2_places at = cfg.attr.jbd2;
	struct block_device *dev = (void *)u64_at(journal + at.fs_dev);

	if (at.known)
		commit_begins(BPF_CORE_READ(dev, bd_dev), u32_at(transaction + at.tid),
			      u32_at(transaction + at.buffers), u32_at(journal + at.block));
	return 0;
}

SEC("tp_btf/jbd2_end_commit")
int journal_end(void *ctx)
{
	commit_ends();
	return 0;
}

#endif
