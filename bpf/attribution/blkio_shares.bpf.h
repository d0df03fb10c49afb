/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Requests of bpf/block/blkio_request.bpf.h divided among those whose bytes they carry
 * (attribution.bpf.h) instead of those who submitted them. Included before that file, after
 * `cfg`, which has a struct attr_cfg attr. The user of it defines, besides,
 *	blk_share_done(rq, share)  a request is over; called once for each share that is wanted
 */
#ifndef IOSONDE_BLKIO_SHARES_BPF_H
#define IOSONDE_BLKIO_SHARES_BPF_H

#include "bpf/attribution/attribution.bpf.h"

#define BLK_SHARES (cfg.attr.on)
#include "bpf/block/blkio_request.bpf.h"

static void blk_share_done(const struct blk_io *rq, const struct attr_share *share);

/*
 * A part of the log that an outer device passes on to its clone @bio, which it may submit by a
 * thread of its own (dm: after a flush), has the same shares there. Returns 0 if it isn't that.
 */
__noinline int journal_as_above(u64 bio)
{
	struct attr_bio *a = attr_of(bio), *above;
	u64 vec, *upper;

	if (!a)
		return 0;
	vec = (u64)BPF_CORE_READ((struct bio *)bio, bi_io_vec);
	upper = bpf_map_lookup_elem(&blk_uppers, &vec);
	above = upper ? attr_of(*upper) : NULL;
	if (!above || above->shares[0].method != ATTR_JOURNAL || above->bytes != a->bytes)
		return 0;
	a->n_shares = above->n_shares;
	bpf_probe_read_kernel(a->shares, sizeof(a->shares), above->shares);
	return 1;
}

/*
 * A target matches if it is the owner, or the submitter. Where neither is known, the request
 * itself tells whether it is of interest.
 */
static __always_inline bool share_wanted(const struct blk_io *rq, const struct attr_share *share)
{
	u32 keys[] = { share->who, share->submitter };
	bool known = false;

	/* one by one: clang would put two pointers into one word, which the verifier refuses */
	for (int i = 0; i < 2; i++) {
		struct attr_who *who = attr_who_of(keys[i]);

		if (!who)
			continue;
		if (who->wanted)
			return true;
		known = true;
	}
	return !known && !(rq->flags & BLK_NO_OWNER);
}

/* Share @i of bio @bio of the request with the last bio @key. Global: verified once. */
__noinline int blk_one_share(u64 key, u64 bio, u32 i)
{
	struct blk_io *rq = bpf_map_lookup_elem(&blk_ios, &key);
	struct attr_bio *a = attr_of(bio);
	u64 at = i;

	BOUND(at, ATTR_SHARES);
	if (rq && a && a->shares[at].bytes && share_wanted(rq, &a->shares[at]))
		blk_share_done(rq, &a->shares[at]);
	return 0;
}

/* All shares of @bio, which is forgotten then. Returns the next bio that has some, or 0. */
__noinline u64 blk_bio_shares(u64 key, u64 bio)
{
	struct attr_bio *a = attr_of(bio), *first = attr_of(key);
	u64 next;

	if (!a || !first)
		return 0;
	for (u32 i = 0; i < ATTR_SHARES; i++) {
		if (i >= a->n_shares)
			break;
		first->told += a->shares[i].bytes;
		blk_one_share(key, bio, i);
	}
	next = a->next;
	if (bio != key)
		attr_forget(bio);
	return next;
}

/* Those of @bio and the next ones, a round. The next bio, or 0. */
__noinline u64 blk_shares_round(u64 key, u64 bio)
{
	for (int i = 0; bio && i < BLK_ROUND; i++)
		bio = blk_bio_shares(key, bio);
	return bio;
}

/* All of them. False: nothing was found out. */
static __always_inline bool blk_shares_done(struct blk_io *rq)
{
	u64 key = rq->self, bio = key;
	struct attr_bio *a = attr_of(key);

	if (!a || !a->n_shares)
		return false;
	for (int i = 0; bio && i < BLK_ROUNDS; i++)
		bio = blk_shares_round(key, bio);
	if (a->told < rq->request_bytes) { /* what is left */
		a->shares[ATTR_SHARES].submitter = a->submitted_by;
		a->shares[ATTR_SHARES].method = ATTR_UNKNOWN;
		a->shares[ATTR_SHARES].bytes = rq->request_bytes - a->told;
		blk_one_share(key, key, ATTR_SHARES);
	}
	attr_forget(key);
	return true;
}

#endif
