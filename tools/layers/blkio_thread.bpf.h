/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Which requests an operation has in the block layer, and when each was queued, at the device,
 * done.
 *
 * A bio is followed from submission by its address; splits and merges are followed too. Its stamps
 * live in a slot of the submitting thread's record, which other CPUs write (issue, completion), so
 * the record is an entry of a preallocated hash and not task storage. Device time over several
 * requests is the union of their intervals, computed by the owner.
 *
 * The including file provides: state_claimed(), the operation's call, gen, flags and n_bios,
 * TALLY().
 */
#ifndef IOSONDE_BLKIO_THREAD_BPF_H
#define IOSONDE_BLKIO_THREAD_BPF_H

#include "bpf/block/blkio.bpf.h"
#include "tools/layers/async_bios.bpf.h"
#include "tools/layers/disks.bpf.h"

#define BIO_SLOTS 64 /* requests of one thread in flight */
/* Bios of one request that are looked at: rounds of so many. The verifier takes a round once. */
#define BIO_ROUND  32
#define BIO_ROUNDS 32

struct bio_slot {
	struct bio_stamps at;
	u32 gen; /* operation that it belongs to */
	u32 seq; /* tells this use of the slot from earlier ones */
};

/* A wait for requests, for blame_disk(). */
struct disk_wait {
	u64 from_ns, to_ns;
	u64 ns[2], left[2]; /* CELL_QUEUE's and CELL_DEVICE's; what isn't handed out yet */
	u32 call;	    /* cause_call() */
	u32 self;	    /* process that waited */
};

struct bio_owner {
	u32 seq;
	u32 high; /* slots that were ever used */
	struct bio_stretch stretch;
	u32 dev; /* the disk that has its latest bio */
	u32 reserved;
	struct disk_wait wait;
	struct bio_slot slots[BIO_SLOTS];
};

struct bio_ref {
	u64 task;
	u32 slot;
	u32 seq;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2048);
	__type(key, u64); /* address of the task */
	__type(value, struct bio_owner);
} bio_owners SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u64); /* address of the bio */
	__type(value, struct bio_ref);
} bio_refs SEC(".maps");

const volatile struct bio_owner bio_owner_zero;

/*
 * Is bio @i the first of operation @gen's that was in the state that is asked for: stretch_take()?
 * This and the next two are global, so that the verifier takes each once: in one piece it would
 * follow every order in which the stamps of all bios can come.
 */
__noinline int bio_consider(u64 task, u32 i, u32 gen, u32 what)
{
	struct bio_owner *owner = bpf_map_lookup_elem(&bio_owners, &task);
	struct bio_slot *slot;

	if (!owner || i >= BIO_SLOTS || i >= owner->high)
		return 0;
	slot = &owner->slots[i];
	if (slot->gen == gen)
		stretch_take(&owner->stretch, &slot->at, what);
	return 1;
}

/*
 * The next stretch of time in which a bio of operation @gen was in the state that is asked for.
 * Returns 1, or 0 if there is none.
 */
__noinline int bios_next(u64 task, u32 gen, u32 what)
{
	struct bio_owner *owner = bpf_map_lookup_elem(&bio_owners, &task);

	if (!owner)
		return 0;
	stretch_begin(&owner->stretch);
	for (u32 i = 0; i < BIO_SLOTS; i++)
		if (!bio_consider(task, i, gen, what))
			break;
	return owner->stretch.end_ns != 0;
}

/*
 * How long between @from and @to at least one bio of operation @gen was queued or at the device. A
 * stretch ends with its first bio; one that begins inside it and lasts longer is the next stretch.
 */
__noinline u64 bios_busy(u64 task, u64 from, u64 to, u32 gen, u32 what)
{
	struct bio_owner *owner = bpf_map_lookup_elem(&bio_owners, &task);
	u64 busy = 0;

	if (!owner)
		return 0;
	owner->stretch.from_ns = from;
	owner->stretch.to_ns = to;
	for (u32 i = 0; i < BIO_SLOTS; i++) {
		if (!bios_next(task, gen, what))
			break;
		busy += stretch_end(&owner->stretch);
	}
	return busy;
}

static __always_inline struct bio_slot *slot_of_ref(const struct bio_ref *ref)
{
	struct bio_owner *owner = bpf_map_lookup_elem(&bio_owners, &ref->task);
	u32 i = ref->slot;

	if (!owner || i >= BIO_SLOTS || owner->slots[i].seq != ref->seq)
		return NULL;
	return &owner->slots[i];
}

static __always_inline struct bio_slot *slot_of_bio(u64 bio)
{
	struct bio_ref *ref = bpf_map_lookup_elem(&bio_refs, &bio);

	return ref ? slot_of_ref(ref) : NULL;
}

/*
 * Takes the lowest slot that isn't in flight, or, where the end of some was never told, one of an
 * operation before @gen, which is over; -1 if there is none. Only the owner's thread does.
 */
__noinline int bios_free_slot(u64 task, u32 gen)
{
	struct bio_owner *owner = bpf_map_lookup_elem(&bio_owners, &task);
	int former = -1;

	for (u32 i = 0; owner && i < BIO_SLOTS; i++) {
		if (!owner->slots[i].at.queued_ns || owner->slots[i].at.done_ns)
			return i;
		if (owner->slots[i].gen != gen)
			former = i;
	}
	return former;
}

/* Starts to follow @bio, of disk @dev, for the current thread's operation @gen. False: no room. */
static __always_inline bool bio_follow(u64 task, u64 bio, u32 dev, u32 gen, u64 queued, u64 issued)
{
	struct bio_owner *owner = bpf_map_lookup_elem(&bio_owners, &task);
	struct bio_ref ref = { .task = task };
	struct bio_slot *slot;
	int i;

	if (!owner) {
		bpf_map_update_elem(&bio_owners, &task, (const void *)&bio_owner_zero, BPF_NOEXIST);
		owner = bpf_map_lookup_elem(&bio_owners, &task);
		if (!owner)
			return false;
		/* a thread that had this address before may have left bios in flight */
		owner->seq = queued;
	}
	owner->dev = dev;
	owner->wait.self = current_ids() >> 32;
	i = bios_free_slot(task, gen);
	if (i < 0 || i >= BIO_SLOTS)
		return false;
	slot = &owner->slots[i];
	slot->seq = ++owner->seq;
	slot->at.queued_ns = queued;
	slot->at.issued_ns = issued;
	slot->at.done_ns = 0;
	slot->gen = gen;
	if (owner->high <= (u32)i)
		owner->high = i + 1;
	ref.slot = i;
	ref.seq = slot->seq;
	if (!bpf_map_update_elem(&bio_refs, &bio, &ref, BPF_ANY))
		return true;
	slot->at.done_ns = queued;
	return false;
}

static __always_inline void bios_forget(u64 task)
{
	bpf_map_delete_elem(&bio_owners, &task);
}

/* The current thread's operation, if it is in one. */
static __always_inline struct layers_op *bio_operation(struct layers_state *st)
{
	return st && st->op.in.call ? &st->op : NULL;
}

static __always_inline void bio_add(struct layers_op *op, struct bio *bio, u64 queued, u64 issued)
{
	op->n_bios++;
	if (bio_follow(bpf_get_current_task(), (u64)bio, disk_dev(bio_disk_of(bio)), op->gen,
		       queued, issued))
		return;
	op->flags |= OP_BIOS_FULL;
	TALLY(LAYERS_BIOS_FULL);
}

/*
 * The current thread, with state @st, queues @bio: --check. Clones, and rests of what was split,
 * come while another one is being queued.
 */
static __always_inline void book_bio(struct layers_state *st, struct bio *bio)
{
	if (st && st->self && (BPF_CORE_READ(bio, bi_opf) & REQ_OP_MASK) == REQ_OP_READ &&
	    !BPF_CORE_READ(current_task(), bio_list))
		st->books.device += BPF_CORE_READ(bio, bi_iter.bi_size);
}

static __always_inline void blk_queued(struct bio *bio)
{
	struct layers_state *st = state_claimed(current_task());
	struct layers_op *op = bio_operation(st);
	u64 now = bpf_ktime_get_ns();
	/* a device without requests (dm, md, brd, zram) has the bio at once */
	bool at_once = !BPF_CORE_READ(bio_queue_of(bio), mq_ops);

	if (cfg.check)
		book_bio(st, bio);
	note_submitter(bio, at_once ? now : 0);
	if (op)
		bio_add(op, bio, now, at_once ? now : 0);
	if (async_seen)
		async_bio_queued(address_of(bio), now, at_once ? now : 0);
}

/* @child is the front of a bio that was too large: its parent is in bi_private (bio_chain()). */
static __always_inline void blk_split(struct bio *child)
{
	struct bio_slot *parent = slot_of_bio((u64)BPF_CORE_READ(child, bi_private));
	struct layers_op *op = bio_operation(state_claimed(current_task()));

	note_submitter(child, 0);
	if (async_seen)
		async_bio_split(address_of(child));
	if (parent && op && parent->gen == op->gen)
		bio_add(op, child, parent->at.queued_ns, 0);
}

/* Global, like bio_done(): called in a loop. */
__noinline int bio_issued(u64 bio, u64 stamp)
{
	struct bio_slot *slot = slot_of_bio(bio);

	if (slot)
		slot->at.issued_ns = stamp;
	if (async_seen)
		async_bio_issued(bio, stamp);
	return 0;
}

/* The bios from @bio on, at most a round. The next one; 0: there is none. */
__noinline u64 bios_issued(u64 bio, u64 stamp)
{
	for (int i = 0; bio && i < BIO_ROUND; i++) {
		bio_issued(bio, stamp);
		bio = (u64)BPF_CORE_READ((struct bio *)bio, bi_next);
	}
	return bio;
}

static __always_inline void stamp_issue(struct request *rq, u64 stamp)
{
	u64 bio = (u64)BPF_CORE_READ(rq, bio);

	if (!bio && is_flush(rq)) {
		flush_issued(rq, stamp);
		return;
	}
	for (int i = 0; bio && i < BIO_ROUNDS; i++)
		bio = bios_issued(bio, stamp);
	if (bio)
		TALLY(LAYERS_CHAIN_CUT);
}

/* @bio is over. */
__noinline int bio_done(u64 bio, u64 q, u64 now)
{
	struct bio_ref *ref = bpf_map_lookup_elem(&bio_refs, &bio);
	struct bio_slot *slot = ref ? slot_of_ref(ref) : NULL;

	if (slot) {
		if (!slot->at.issued_ns && q)
			slot->at.issued_ns = flush_of(q, slot->at.queued_ns, now);
		slot->at.done_ns = now;
	}
	if (ref)
		bpf_map_delete_elem(&bio_refs, &bio);
	if (async_seen)
		async_bio_done(bio, q, now);
	return 0;
}

#define ALL_OVER (~0ULL)

/*
 * Of the bios from @bio on, at most a round, those that @bytes cover whole are over. What is left
 * of the bytes, or ALL_OVER: a pointer to both isn't taken by 5.10's verifier.
 */
__noinline u64 bios_done(u64 bio, u64 bytes, u64 q, u64 now)
{
	for (int i = 0; i < BIO_ROUND; i++) {
		u32 size = BPF_CORE_READ((struct bio *)bio, bi_iter.bi_size);

		if (!bio || size > bytes)
			return ALL_OVER;
		bytes -= size;
		bio_done(bio, q, now);
		bio = (u64)BPF_CORE_READ((struct bio *)bio, bi_next);
	}
	return bytes;
}

/* The bio a round behind @bio; 0: there is none. */
__noinline u64 bios_after(u64 bio)
{
	for (int i = 0; bio && i < BIO_ROUND; i++)
		bio = (u64)BPF_CORE_READ((struct bio *)bio, bi_next);
	return bio;
}

/* The first @bytes of the request are over. */
static __always_inline void blk_rq_completed(struct request *rq, int error, u32 bytes)
{
	u64 bio = (u64)BPF_CORE_READ(rq, bio), left = bytes;
	u64 q = (u64)BPF_CORE_READ(rq, q), now = bpf_ktime_get_ns();

	note_completion(disk_dev(rq_disk_of(rq)), now);
	disk_ends(disk_dev(rq_disk_of(rq)), address_of(rq), now);
	for (int i = 0; i < BIO_ROUNDS; i++) {
		u64 first = bio;

		bio = bios_after(first); /* before: what is over may be used again */
		left = bios_done(first, left, q, now);
		if (!bio || left == ALL_OVER)
			break;
	}
}

static __always_inline void blk_rq_issued(struct request *rq)
{
	u64 now = bpf_ktime_get_ns();

	stamp_issue(rq, now);
	note_issue(rq, now);
}

static __always_inline void blk_rq_requeued(struct request *rq)
{
	stamp_issue(rq, 0); /* the device didn't take it: queued again */
	disk_ends(disk_dev(rq_disk_of(rq)), address_of(rq), bpf_ktime_get_ns());
}

static __always_inline void blk_completed(struct bio *bio)
{
	u64 now = bpf_ktime_get_ns();

	bio_done(address_of(bio), 0, now);
	disk_ends(disk_dev(bio_disk_of(bio)), address_of(bio), now);
}

#endif
