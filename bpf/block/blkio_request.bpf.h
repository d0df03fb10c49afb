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

#include "bpf/block/blkio_bios.bpf.h"

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
