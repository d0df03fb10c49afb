/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Each block request from submission to completion, with everyone who wanted a part of it.
 *
 * A bio is followed from its submission, by its address. A request is known by its last bio, which
 * stays the same when its first ones complete early; what the other bios of a merged request know
 * is put together with that at issue: the bytes of each owner, in a list. Where nobody asks for
 * owners, requests are followed from their issue, by their own address, and bios are not. The same
 * few requests, and bios, are used again and again, so what is kept of one stays in its place when
 * it is over (BLK_IDLE): a look-up instead of an insertion and a removal each time.
 *
 * A device without requests (dm, md, brd, zram) is served bio by bio. The clones of such a bio that
 * reach the devices below share its vector of pages: by that they get its owner, and are known to
 * be a part of it (BLK_UNDER), so that nobody counts stacked time twice.
 *
 * The user of this file has, as its configuration, `cfg` with a struct blk_cfg blk, and defines
 *	BLK_FOLLOW_BIOS		   an expression: does it want owners, or the time of submission?
 *	BLK_WANTS		   an expression: what it shows of requests, enum blk_wants
 *	BLK_SHARES		   an expression, if blkio_shares.bpf.h was included: does it
 *				   want to know whose the bytes are?
 *	blk_request_done(rq)	   a request, or a bio of a device without any, is over
 *	blk_owner_done(rq, owner)  the same, once for each owner; rq itself is the first
 */
#ifndef IOSONDE_BLKIO_REQUEST_BPF_H
#define IOSONDE_BLKIO_REQUEST_BPF_H

#define BLK_REQUESTS
#include "bpf/block/blkio.bpf.h"
#include "bpf/block/blkio.h"
#include "bpf/core/filter.bpf.h"
#include "bpf/core/task_state.bpf.h"

#define BLK_OWNERS 32 /* owners of one request */
/* Bios of one request that are looked at: rounds of so many. The verifier takes a round once. */
#define BLK_ROUND  32
#define BLK_ROUNDS 32

enum blk_wants {
	BLK_WANT_DISK = 1 << 0,
	BLK_WANT_KIND = 1 << 1,
	BLK_WANT_BYTES = 1 << 2,
	BLK_WANT_OWNER = 1 << 3,
	BLK_WANT_PATTERN = 1 << 4, /* sequential or random: needs disk, kind and bytes */
	BLK_WANT_ALL = (1 << 5) - 1,
};

enum blk_flags {
	BLK_NO_OWNER = 1 << 0, /* nobody of interest: holds what is known of the request alone */
	BLK_UNDER = 1 << 1,    /* a part of a bio that is counted itself */
	BLK_BIO_BASED = 1 << 2,
	BLK_HIDDEN = 1 << 3, /* of a disk that isn't asked for */
	BLK_SHARED = 1 << 4, /* its bytes' own owners are shown instead of those of its bios */
	BLK_STAYS = 1 << 5,  /* a place that is kept for the next one of that address */
	BLK_IDLE = 1 << 6,   /* ... which there is none of now */
};

struct blk_who {
	u64 ids; /* tgid << 32 | tid; 0: no process is known */
	u64 cgroup;
	u64 owner; /* of another sort, for those who know more; 0: none */
	char comm[COMM_LEN];
};

struct blk_io {
	struct blk_who who;
	u64 queued_ns;
	u64 inserted_ns; /* into the scheduler; 0: it was issued directly */
	u64 issued_ns;	 /* 0: not at the device */
	u64 done_ns;
	u64 sector;
	u64 id;	   /* for rows of one request: new_id() */
	u64 self;  /* the key, as a number that global functions take */
	u64 next;  /* the next owner's bio */
	u32 bytes; /* this owner's */
	u32 request_bytes;
	u32 bios; /* this owner's */
	u32 dev;
	u32 upper_dev; /* BLK_UNDER, or would be: the outermost device; 0: none */
	u32 kind;      /* enum blk_kind */
	u32 flags;     /* enum blk_flags */
	u32 error;     /* the first one; positive errno */
	u32 pattern;   /* enum blk_pattern */
	u32 seen;      /* was issued once */
};

#define BLK_STAYING 4096 /* places that are kept */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384 + BLK_STAYING);
	__type(key, u64); /* address of a bio, or of a request */
	__type(value, struct blk_io);
} blk_ios SEC(".maps");

u32 blk_staying;

/*
 * The bio of a device without requests that a vector of pages belongs to: the outermost one. If its
 * end is never told it goes when the least recently used do.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, u64);
	__type(value, u64);
} blk_uppers SEC(".maps");

/* Where the last request of each disk ended. Disks come and go: the least recently used go. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u32);
	__type(value, u64);
} blk_ends SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} blk_ids SEC(".maps");

const volatile struct blk_io blk_io_zero;

static void blk_request_done(struct blk_io *rq);
static void blk_owner_done(const struct blk_io *rq, const struct blk_io *owner);

#ifdef BLK_SHARES
static __always_inline bool blk_shares_done(struct blk_io *rq);
#else
#define BLK_SHARES	    false
#define blk_shares_done(rq) false
#define attr_join(tail, bio)
#endif

/* Is somebody asked for? Who it is is known at submission only: then bios are followed. */
#define BLK_TARGET() (target.flags & ~(TARGET_SELF | TARGET_PIDNS))
#define BLK_BIOS()   ((BLK_FOLLOW_BIOS) || BLK_TARGET())

/* What is known of the bio or the request at that address; NULL: nothing is under way there. */
static __always_inline struct blk_io *blk_find(u64 key)
{
	struct blk_io *io = bpf_map_lookup_elem(&blk_ios, &key);

	return io && !(io->flags & BLK_IDLE) ? io : NULL;
}

static __always_inline void blk_forget(u64 key, struct blk_io *io)
{
	if (io->flags & BLK_STAYS)
		io->flags = BLK_STAYS | BLK_IDLE;
	else
		bpf_map_delete_elem(&blk_ios, &key);
}

/* BLK_STAYS, as long as there is room for one place more that stays. */
static __always_inline u32 blk_stays(void)
{
	if (blk_staying >= BLK_STAYING)
		return 0;
	__sync_fetch_and_add(&blk_staying, 1);
	return BLK_STAYS;
}

static __always_inline bool disk_wanted(u32 dev)
{
	return !cfg.blk.disk || cfg.blk.disk == dev;
}

static __always_inline u32 kind_of(u32 opf, u32 bytes)
{
	u32 op = opf & REQ_OP_MASK, kind = BLK_OTHER;

	if (op == REQ_OP_READ)
		kind = BLK_READ;
	else if (op == REQ_OP_WRITE && !bytes && (opf & REQ_PREFLUSH))
		return BLK_FLUSH; /* nothing but that */
	else if (op == REQ_OP_WRITE)
		kind = BLK_WRITE;
	else if (op == REQ_OP_FLUSH)
		return BLK_FLUSH;
	else if (op == REQ_OP_DISCARD)
		kind = BLK_DISCARD;
	else if (op == REQ_OP_SECURE_ERASE)
		kind = BLK_SECURE_ERASE;
	else if (op == REQ_OP_WRITE_ZEROES)
		kind = BLK_WRITE_ZEROES;
	if (opf & REQ_SYNC)
		kind |= BLK_SYNC;
	if (opf & REQ_META)
		kind |= BLK_META;
	if (opf & REQ_RAHEAD)
		kind |= BLK_RAHEAD;
	if (opf & REQ_FUA)
		kind |= BLK_FUA;
	if (opf & REQ_PREFLUSH)
		kind |= BLK_PREFLUSH;
	return kind;
}

/* A flush has no bytes, and those of a discard are no data. */
static __always_inline bool moves_data(const struct blk_io *io)
{
	u32 op = io->kind & BLK_OP;

	return op == BLK_READ || op == BLK_WRITE;
}

/* A disk's requests in the order in which it gets them. */
static __always_inline void note_pattern(struct blk_io *io, u32 bytes)
{
	u64 end = io->sector + (bytes >> 9), *last;

	if (!(BLK_WANTS & BLK_WANT_PATTERN) || !moves_data(io))
		return;
	last = bpf_map_lookup_elem(&blk_ends, &io->dev);
	io->pattern = last && *last == io->sector ? BLK_SEQUENTIAL : BLK_RANDOM;
	if (last)
		*last = end;
	else
		bpf_map_update_elem(&blk_ends, &io->dev, &end, BPF_ANY);
}

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

/* --- the end --- */

/* The other owners of the request whose last bio is @key. Global: the loop is verified once. */
__noinline int blk_other_owners(u64 key)
{
	struct blk_io *rq = blk_find(key), *owner;
	u64 at;

	if (!rq)
		return 0;
	at = rq->next;
	for (int i = 0; at && i < BLK_OWNERS; i++) {
		u64 this = at;

		owner = blk_find(this);
		if (!owner)
			break;
		if (!(rq->flags & BLK_SHARED) && !(owner->flags & BLK_NO_OWNER))
			blk_owner_done(rq, owner);
		at = owner->next;
		blk_forget(this, owner);
	}
	return 0;
}

/* A number for the request that no other one of this run has. */
static __always_inline u64 new_id(void)
{
	u32 zero = 0;
	u64 *last = bpf_map_lookup_elem(&blk_ids, &zero);

	return last ? ++*last << 13 | bpf_get_smp_processor_id() : 0;
}

static __always_inline void blk_over(u64 key, struct blk_io *io)
{
	io->done_ns = bpf_ktime_get_ns();
	if (!(io->flags & BLK_HIDDEN)) {
		blk_request_done(io);
		if (BLK_SHARES && moves_data(io) && blk_shares_done(io))
			io->flags |= BLK_SHARED;
		else if (!(io->flags & BLK_NO_OWNER))
			blk_owner_done(io, io);
		if (io->next)
			blk_other_owners(io->self);
	}
	blk_forget(key, io);
}

static __always_inline void blk_completed(struct bio *bio)
{
	u64 key = (u64)bio, vec, *upper;
	struct blk_io *io = blk_find(key);

	if (!io)
		return;
	if (io->flags & BLK_BIO_BASED) {
		vec = (u64)BPF_CORE_READ(bio, bi_io_vec);
		upper = bpf_map_lookup_elem(&blk_uppers, &vec);
		if (upper && *upper == key)
			bpf_map_delete_elem(&blk_uppers, &vec);
	}
	if (!all_attached)
		return;
	io->error = status_errno(BPF_CORE_READ(bio, bi_status));
	if (io->error == 11 && !(io->flags & BLK_BIO_BASED)) {
		/* EAGAIN: whoever didn't want to wait for a free request comes again, and may */
		blk_forget(key, io);
		return;
	}
	io->request_bytes = io->bytes;
	blk_over(key, io);
}

/* --- requests --- */

static __always_inline bool same_owner(const struct blk_io *a, const struct blk_io *b)
{
	return a->who.ids >> 32 == b->who.ids >> 32 && a->who.cgroup == b->who.cgroup &&
	       a->who.owner == b->who.owner && !((a->flags ^ b->flags) & BLK_NO_OWNER);
}

/* Puts @from into @to if they have one owner. */
static __always_inline bool joins(struct blk_io *to, struct blk_io *from)
{
	if (from->next || !same_owner(to, from))
		return false;
	to->bytes += from->bytes;
	to->bios += from->bios;
	return true;
}

/* @bio is a part of the request whose last bio is @tail. */
__noinline int blk_gather_bio(u64 tail, u64 bio)
{
	struct blk_io *from = blk_find(bio), *at;

	if (!from)
		return 0;
	at = blk_find(tail);
	if (!at) { /* it is nobody's who was asked for */
		struct blk_io io = {
			.flags = BLK_NO_OWNER,
			.dev = from->dev,
			.kind = from->kind,
			.queued_ns = from->queued_ns,
		};

		keep_io(tail, &io);
		at = blk_find(tail);
		if (!at)
			return 0;
	}
	if (from->queued_ns < at->queued_ns)
		at->queued_ns = from->queued_ns;
	if (from->inserted_ns && (!at->inserted_ns || from->inserted_ns < at->inserted_ns))
		at->inserted_ns = from->inserted_ns;
	for (int i = 0; i < BLK_OWNERS; i++) {
		u64 next = at->next;

		if (next == bio)
			return 0; /* from an earlier issue */
		if (joins(at, from)) {
			blk_forget(bio, from);
			return 0;
		}
		if (!next) {
			at->next = bio;
			return 0;
		}
		at = blk_find(next);
		if (!at)
			break;
	}
	COUNT_EVENT(lost_state);
	return 0;
}

/* Of the bios from @at on, those up to @tail, at most a round. The next one; 0: there is none. */
__noinline u64 blk_gather_round(u64 at, u64 tail)
{
	for (int i = 0; at && at != tail && i < BLK_ROUND; i++) {
		blk_gather_bio(tail, at);
		if (BLK_SHARES)
			attr_join(tail, at);
		at = (u64)BPF_CORE_READ((struct bio *)at, bi_next);
	}
	return at == tail ? 0 : at;
}

static __always_inline void gather_bios(struct bio *bio, struct bio *tail)
{
	u64 at = address_of(bio), last = address_of(tail);

	for (int i = 0; at && i < BLK_ROUNDS; i++)
		at = blk_gather_round(at, last);
	if (at)
		COUNT(tool[BLK_CHAINS_CUT]);
}

static __always_inline u64 request_key(struct request *rq)
{
	return BLK_BIOS() ? (u64)rq->biotail : (u64)rq;
}

static __always_inline void blk_rq_inserted(struct request *rq)
{
	u64 key = request_key(rq);
	struct blk_io *io = blk_find(key);

	if (io && !io->inserted_ns)
		io->inserted_ns = bpf_ktime_get_ns();
}

/* A request that comes to its address for the first time, or whose place was given up. */
static __always_inline struct blk_io *new_place(u64 key)
{
	struct blk_io *io;

	if (bpf_map_update_elem(&blk_ios, &key, (const void *)&blk_io_zero, BPF_NOEXIST))
		return NULL;
	io = bpf_map_lookup_elem(&blk_ios, &key);
	if (!io)
		return NULL;
	io->self = key;
	io->flags = BLK_IDLE | blk_stays();
	return io;
}

/* A request that nobody's bios were followed for is issued, maybe once more. */
static __always_inline void issue_request(struct request *rq, u64 now)
{
	u32 dev = 0, opf = rq->cmd_flags, flags = 0;
	struct blk_io *io, *upper;
	u64 key = (u64)rq;

	if ((BLK_WANTS & BLK_WANT_DISK) || cfg.blk.disk)
		dev = disk_dev(rq_disk_of(rq));
	if (!disk_wanted(dev) || (opf & REQ_OP_MASK) >= REQ_OP_PASSTHROUGH)
		return;
	io = bpf_map_lookup_elem(&blk_ios, &key);
	if (!io)
		io = new_place(key);
	if (!io) {
		COUNT_EVENT(lost_state);
		return;
	}
	if (!(io->flags & BLK_IDLE)) {
		if (!io->issued_ns) {
			io->issued_ns = now; /* the device had given it back */
			return;
		}
		COUNT_EVENT(lost_end); /* that of the last one here */
	}
	upper = rq->bio ? upper_of(rq->bio) : NULL;
	if (upper && !(upper->flags & BLK_HIDDEN))
		flags = BLK_UNDER;
	io->flags = (io->flags & BLK_STAYS) | flags;
	io->dev = dev;
	io->error = 0;
	io->queued_ns = io->issued_ns = now;
	if (BLK_WANTS & (BLK_WANT_BYTES | BLK_WANT_KIND))
		io->bytes = io->request_bytes = rq->__data_len;
	if (BLK_WANTS & BLK_WANT_KIND)
		io->kind = kind_of(opf, io->bytes);
	if (BLK_WANTS & BLK_WANT_PATTERN) {
		io->sector = rq->__sector;
		note_pattern(io, io->bytes);
	}
}

static __always_inline void blk_rq_issued(struct request *rq)
{
	struct bio *bio = rq->bio;
	u64 key, now = bpf_ktime_get_ns();
	struct blk_io *io;

	if (!all_attached)
		return;
	if (!bio) {
		if (!is_flush(rq))
			return;
		flush_issued(rq, now);
		if (BLK_BIOS())
			return; /* each bio that waits for it is followed */
	}
	if (!BLK_BIOS()) {
		issue_request(rq, now);
		return;
	}
	if (bio != rq->biotail)
		gather_bios(bio, rq->biotail);
	key = request_key(rq);
	io = blk_find(key);
	if (!io)
		return;
	if (!io->seen) { /* the first time */
		io->seen = 1;
		io->sector = rq->__sector;
		io->request_bytes = rq->__data_len;
		note_pattern(io, io->request_bytes);
	}
	io->issued_ns = now;
}

static __always_inline void blk_rq_requeued(struct request *rq)
{
	u64 key = request_key(rq);
	struct blk_io *io = blk_find(key);

	if (io)
		io->issued_ns = 0;
}

/*
 * Its data is written, and a flush comes before the end: the queue's flush machinery has taken the
 * request's end over and gives it back just before it completes for the last time.
 */
static __always_inline bool goes_on(struct request *rq)
{
	return rq->end_io && rq->bio && (rq->bio->bi_opf & (REQ_PREFLUSH | REQ_FUA));
}

/*
 * A request may complete in parts. One that takes a flush before or after its data is over when it
 * completes for the last time; one that is nothing but a flush was at the device when the queue's
 * own flush was.
 */
static __always_inline void blk_rq_completed(struct request *rq, int error, u32 bytes)
{
	u64 key = request_key(rq);
	struct blk_io *io = blk_find(key);

	if (!io)
		return;
	if (error && !io->error)
		io->error = error;
	if (bytes < rq->__data_len || goes_on(rq))
		return;
	if (!all_attached)
		return;
	if (!io->issued_ns)
		io->issued_ns = flush_of((u64)rq->q, io->queued_ns, bpf_ktime_get_ns());
	blk_over(key, io);
}

/* --- figures for users --- */

/* At the device. 0: it never was. */
static __always_inline u64 device_ns(const struct blk_io *rq)
{
	return rq->issued_ns ? rq->done_ns - rq->issued_ns : 0;
}

/* Before: in the scheduler or, issued directly, since its submission. */
static __always_inline u64 queue_ns(const struct blk_io *rq)
{
	u64 from = rq->inserted_ns ? rq->inserted_ns : rq->queued_ns;
	u64 to = rq->issued_ns ? rq->issued_ns : rq->done_ns;

	return to > from ? to - from : 0;
}

#endif
