/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What is kept of a bio, or of a request, while it is under way: a part of blkio_request.bpf.h. */
#ifndef IOSONDE_BLKIO_IO_BPF_H
#define IOSONDE_BLKIO_IO_BPF_H

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

#endif
