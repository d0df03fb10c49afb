/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Whose bytes a bio carries, settled when it is submitted, and kept until its request is over:
 *
 *	attr_of(bio)		what was found: shares of bytes; NULL if nothing is known
 *	attr_owner(share, out)	the process and file of a share, for a row
 *	attr_forget(bio)
 *
 * That is done when it enters a request: after splits, in the context that submits. A bio of a
 * device without requests is settled when it is queued.
 *
 * The command's configuration, `cfg`, is declared before the inclusion and has a member struct
 * attr_cfg attr.
 *
 * A page tells its file only while the file's I/O is what holds it: under writeback, or locked for
 * a read. Otherwise it is direct I/O, whose memory may be another file's.
 */
#ifndef IOSONDE_ATTRIBUTION_BPF_H
#define IOSONDE_ATTRIBUTION_BPF_H

#include "bpf/attribution/claims.bpf.h"

#define ATTR_SHARES  15	  /* and what is left */
#define PAGES_A_CALL 4	  /* few: the verifier follows every way through all of them */
#define PAGE_CALLS   1024 /* 16 MiB of one bio; what is beyond is unknown */
#define PAGE_BYTES   (1U << engine.page_shift)
#define PAGES_OF(n)  ((n) >> engine.page_shift) /* whole ones */

struct attr_share {
	u64 file;      /* address of the inode; 0: none */
	u32 who;       /* key of attr_whos; 0: nobody known */
	u32 submitter; /* likewise; 0: a kernel thread */
	u32 bytes;
	u32 method;
};

/* One bio: its shares, and before that where the walk over its pages has got to. */
struct attr_bio {
	u64 vec;   /* address of the next struct bio_vec */
	u32 done;  /* bytes of it that are behind us */
	u32 left;  /* bytes of the bio ahead */
	u64 head;  /* the last folio, and what was found about it: */
	u64 index; /* its first page in the file */
	u64 inode; /* 0: it doesn't tell */
	u64 file;  /* attr_file.id */
	u32 kind;  /* attr_kind */
	u32 bare;  /* it has no mapping at all: the kernel's own memory */
	u32 write;
	u32 bytes; /* of the bio */
	const struct gendisk *disk;
	/* what pages that tell nothing are charged to */
	u64 other_inode;
	u32 other_method;
	u32 submitter;	  /* key of attr_whos: the current process; 0: a kernel thread */
	u32 submitted_by; /* the same, without what the direct I/O itself tells */
	u32 n_shares;
	u32 told; /* bytes that rows were made of */
	u64 next; /* another bio of the request, whose shares didn't fit; 0: none */
	struct attr_share shares[ATTR_SHARES + 1];
};

/* By the address of the bio. Those that never complete before our eyes go as the oldest ones. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, u64);
	__type(value, struct attr_bio);
} attr_bios SEC(".maps");

const volatile struct attr_bio attr_bio_zero;

static __always_inline struct attr_bio *attr_of(u64 bio)
{
	/* older verifiers look into global functions that nobody calls, and the map isn't there */
	if (!cfg.attr.on)
		return NULL;
	return bpf_map_lookup_elem(&attr_bios, &bio);
}

static __always_inline void attr_forget(u64 bio)
{
	bpf_map_delete_elem(&attr_bios, &bio);
}

/*
 * Adds @bytes to the share of that file, those processes (submitter << 32 | who) and method.
 * Returns 0 if there is no room.
 */
__noinline int attr_add_share(u64 bio, u64 inode, u64 whos, u32 method, u32 bytes)
{
	struct attr_bio *a = attr_of(bio);
	u32 who = whos, submitter = whos >> 32;

	if (!a)
		return 0;
	for (u32 i = 0; i < ATTR_SHARES; i++) {
		struct attr_share *s = &a->shares[i];

		if (i == a->n_shares) {
			s->file = inode;
			s->who = who;
			s->submitter = submitter;
			s->method = method;
			s->bytes = 0;
			a->n_shares = i + 1;
		}
		if (s->file == inode && s->who == who && s->submitter == submitter &&
		    s->method == method) {
			s->bytes += bytes;
			return 1;
		}
	}
	return 0; /* missing in the sum of a bio's shares, they are unknown by that */
}

static __always_inline void attr_add(u64 bio, const struct attr_bio *a, u64 inode, u32 who,
				     u32 method, u32 bytes)
{
	attr_add_share(bio, inode, (u64)a->submitted_by << 32 | who, method, bytes);
}

/*
 * The page cache's page that @head is an encrypted copy of (fscrypt keeps it in the copy's private
 * field), by the address that is there: whether it is one, its mapping must tell.
 */
static __always_inline u64 original_of(u64 head)
{
	return BPF_CORE_READ((struct page *)head, private);
}

/* Does the folio @head tell the file that this I/O is for? Sets what is known of it in @a. */
static __always_inline void look_at_folio(struct attr_bio *a, u64 head)
{
	u64 folio = head, original = 0, mapping, wanted, inode;
	struct attr_file *file;

	a->head = head;
	a->inode = 0;
	a->kind = 0;
	mapping = (u64)BPF_CORE_READ((struct page *)folio, mapping);
	a->bare = !mapping;
	if (!mapping && a->write) {
		original = original_of(head);
		folio = page_head(original);
		mapping = (u64)BPF_CORE_READ((struct page *)folio, mapping);
	}
	if (!mapping || mapping & 3) /* none, or memory that belongs to no file */
		return;
	inode = (u64)BPF_CORE_READ((struct address_space *)mapping, host);
	wanted = a->write ? PAGE_BIT(PG_writeback) : PAGE_BIT(PG_locked);
	if (!(page_flags(folio) & wanted) &&
	    (original || (BPF_CORE_READ((struct inode *)inode, i_mode) & S_IFMT) != S_IFBLK))
		return; /* a block device's buffers are locked one by one instead */
	if (original && BPF_CORE_READ((struct inode *)inode, i_sb, s_bdev, bd_disk) != a->disk)
		return;
	file = file_of_inode(inode);
	if (!file)
		return;
	a->inode = inode;
	a->file = file->id;
	a->kind = file->kind;
	a->index = folio_index(folio);
	if (original)
		a->index += (original - folio) / bpf_core_type_size(struct page);
}

/* Who wrote page @index of the file with number @file; 0: not known. */
static __always_inline u32 claimed_by(u64 file, u64 index)
{
	struct claim_key key = { .file = file, .chunk = index / CHUNK_PAGES };
	struct claim_chunk *chunk = bpf_map_lookup_elem(&attr_claims, &key);
	u64 at = index;

	BOUND(at, CHUNK_PAGES - 1);
	return chunk ? chunk->owner[at] : 0;
}

/* The file of the btrfs direct I/O that the current thread is in; 0: none is known. */
static __always_inline u64 direct_btrfs(void)
{
	u32 tid = bpf_get_current_pid_tgid();
	u64 *inode = bpf_map_lookup_elem(&attr_directs, &tid);

	return inode ? *inode : 0;
}

/* --- btrfs, compressed: what it keeps around the bio --- */

#define BTRFS_COMPRESSED_MAX   (128 << 10) /* bytes of a file in one piece */
#define BTRFS_COMPRESSED_PAGES 32	   /* of 4 KiB, the smallest there are */

/* The inode, and in *@start and *@len which of its bytes, if @bio is btrfs's; 0: it isn't. */
static __always_inline u64 compressed_inode(u64 bio, u64 *start, u32 *len)
{
	u64 bbio = bio - cfg.attr.btrfs.bio, cb, inode;

	if (cfg.attr.btrfs.apart) {
		cb = u64_at(bbio + cfg.attr.btrfs.private);
		inode = cb ? u64_at(cb + cfg.attr.btrfs.inode) : 0;
	} else {
		cb = bbio - cfg.attr.btrfs.bbio;
		inode = u64_at(bbio + cfg.attr.btrfs.inode);
		inode = inode ? inode + cfg.attr.btrfs.vfs : 0;
	}
	if (BPF_CORE_READ((struct inode *)inode, i_sb, s_magic) != BTRFS_SUPER_MAGIC)
		return 0;
	*start = u64_at(cb + cfg.attr.btrfs.start);
	*len = u64_at(cb + cfg.attr.btrfs.len);
	return inode;
}

/*
 * Charges the rest of the bio, which holds a compressed piece of a file, to those who wrote that
 * piece: to each page the same share of the bytes. Returns 0 if it is nothing of the kind.
 */
__noinline int settle_compressed(u64 bio)
{
	struct attr_bio *a = attr_of(bio);
	struct attr_file *file;
	u64 start = 0, inode, id;
	u32 len = 0, pages, bytes;

	if (!a)
		return 0;
	inode = compressed_inode(bio, &start, &len);
	bytes = a->left;
	if (!inode || !len || len > BTRFS_COMPRESSED_MAX || (a->write && len < bytes))
		return 0;
	file = file_of_inode(inode);
	if (!file)
		return 0;
	if (!a->write) {
		attr_add(bio, a, inode, a->submitter, a->submitter ? ATTR_BTRFS : ATTR_UNKNOWN,
			 bytes);
		return 1;
	}
	id = file->id;
	pages = PAGES_OF(len + PAGE_BYTES - 1);
	for (u32 i = 0; i < BTRFS_COMPRESSED_PAGES; i++) {
		u32 who, from = (u64)bytes * i / pages, to = (u64)bytes * (i + 1) / pages;

		if (i >= pages)
			break;
		who = claimed_by(id, PAGES_OF(start) + i) & ~BY_RANGE;
		attr_add(bio, a, inode, who, who ? ATTR_BTRFS : ATTR_UNKNOWN, to - from);
	}
	return 1;
}

/* @bytes that lie in a page which doesn't tell. */
static __always_inline void settle_other(u64 bio, struct attr_bio *a, u32 bytes)
{
	u32 method = a->other_method, who = a->submitter;
	u64 inode = a->other_inode;

	if (!method && a->bare && cfg.attr.btrfs.known && settle_compressed(bio)) {
		a->left = bytes; /* there is no more */
		return;
	}
	/* user memory is direct I/O's; the kernel's own may be a copy that a filesystem made */
	if (!method && who && !a->bare) {
		method = ATTR_DIRECT;
		inode = direct_btrfs();
	}
	if (!method || (method == ATTR_DIRECT && !who))
		method = ATTR_UNKNOWN;
	if (method != ATTR_DIRECT && (a->write || method == ATTR_UNKNOWN))
		who = 0;
	attr_add(bio, a, inode, who, method, bytes);
}

/* @bytes of the bio lie in the page at @page. */
static __always_inline void settle_page(u64 bio, struct attr_bio *a, u64 page, u32 bytes)
{
	u64 head = page_head(page), index;
	u32 who;

	if (head != a->head)
		look_at_folio(a, head);
	if (!a->inode) {
		settle_other(bio, a, bytes);
	} else if (a->kind != KIND_FILE) {
		attr_add(bio, a, 0, a->write ? 0 : a->submitter,
			 a->other_method == ATTR_JOURNAL ? ATTR_JOURNAL : ATTR_METADATA, bytes);
	} else if (!a->write) {
		attr_add(bio, a, a->inode, a->submitter, a->submitter ? ATTR_PAGE : ATTR_UNKNOWN,
			 bytes);
	} else {
		index = a->index + (page - head) / bpf_core_type_size(struct page);
		who = claimed_by(a->file, index);
		attr_add(bio, a, a->inode, who & ~BY_RANGE,
			 who & BY_RANGE ? ATTR_RANGE
			 : who		? ATTR_PAGE
					: ATTR_UNKNOWN,
			 bytes);
	}
}

/* The next pages of the bio. Returns 0 when there are none left. */
__noinline int settle_pages(u64 bio)
{
	struct attr_bio *a = attr_of(bio);

	if (!a)
		return 0;
	for (int i = 0; i < PAGES_A_CALL; i++) {
		struct bio_vec *vec = (void *)a->vec;
		u32 len, from, bytes;

		if (!a->left)
			return 0;
		len = BPF_CORE_READ(vec, bv_len);
		if (a->done >= len) { /* the next one; an empty one ends the walk */
			if (!len)
				return 0;
			a->vec += bpf_core_type_size(struct bio_vec);
			a->done = 0;
			continue;
		}
		from = BPF_CORE_READ(vec, bv_offset) + a->done;
		bytes = PAGE_BYTES - (from & (PAGE_BYTES - 1));
		if (bytes > len - a->done)
			bytes = len - a->done;
		if (bytes > a->left)
			bytes = a->left;
		settle_page(bio, a,
			    (u64)BPF_CORE_READ(vec, bv_page) +
				    PAGES_OF(from) * bpf_core_type_size(struct page),
			    bytes);
		a->done += bytes;
		a->left -= bytes;
	}
	return 1;
}

/*
 * What direct I/O keeps for its end: the operation, through which its file and, while somebody
 * waits for it, its thread are found. bi_private may be anything, so what it leads to must be a
 * file on this very disk.
 */
static __always_inline u64 direct_inode(const struct bio *bio, u64 dio)
{
	const struct iomap_dio *d = (const void *)dio;
	struct inode *inode = BPF_CORE_READ(d, iocb, ki_filp, f_inode);
	struct gendisk *disk = bio_disk_read(bio);

	if (!dio || !inode || !disk || BPF_CORE_READ(inode, i_sb, s_bdev, bd_disk) != disk ||
	    (BPF_CORE_READ(inode, i_mode) & S_IFMT) != S_IFREG)
		return 0;
	return (u64)inode;
}

/* The process that waits for the direct I/O @dio, as far as it has been seen to write. */
static __always_inline u32 direct_waiter(u64 dio)
{
	const struct iomap_dio *d = (const void *)dio;
	struct task_struct *task;

	if (!BPF_CORE_READ(d, wait_for_completion))
		return 0;
	task = BPF_CORE_READ(d, submit.waiter);
	return task ? who_key(task) : 0;
}

/* Is the current thread one of jbd2's? */
static __always_inline bool in_jbd2(void)
{
	char comm[COMM_LEN];

	return !bpf_get_current_comm(comm, sizeof(comm)) && comm[0] == 'j' && comm[1] == 'b' &&
	       comm[2] == 'd' && comm[3] == '2' && comm[4] == '/';
}

/* Whom to charge pages that don't tell: the submitting operation, a journal, or nobody. */
static __always_inline void find_other(struct attr_bio *a, const struct bio *bio, u32 opf)
{
	u64 dio = (u64)BPF_CORE_READ(bio, bi_private);
	u64 inode = direct_inode(bio, dio);

	if (!inode && dio) { /* the front of a split bio: its parent is there */
		dio = (u64)BPF_CORE_READ((struct bio *)dio, bi_private);
		inode = direct_inode(bio, dio);
	}
	if (inode) {
		a->other_method = ATTR_DIRECT;
		a->other_inode = file_of_inode(inode) ? inode : 0;
		if (!a->submitter)
			a->submitter = direct_waiter(dio);
		return;
	}
	if (opf & REQ_META)
		a->other_method = opf & REQ_IDLE && opf & REQ_SYNC ? ATTR_JOURNAL : ATTR_METADATA;
	else if (!a->submitter && in_jbd2())
		a->other_method = ATTR_JOURNAL;
}

__noinline int journal_charge(u64 bio);
__noinline int journal_as_above(u64 bio);

/* Finds out whose the bytes of @bio are. */
static __always_inline void attr_settle(const struct bio *bio)
{
	u64 key = address_of(bio);
	u32 opf = BPF_CORE_READ(bio, bi_opf), op = opf & REQ_OP_MASK;
	struct attr_bio *a;

	if (op != REQ_OP_READ && op != REQ_OP_WRITE)
		return;
	bpf_map_update_elem(&attr_bios, &key, (const void *)&attr_bio_zero, BPF_ANY);
	a = attr_of(key);
	if (!a)
		return;
	a->write = op == REQ_OP_WRITE;
	a->left = a->bytes = BPF_CORE_READ(bio, bi_iter.bi_size);
	a->done = BPF_CORE_READ(bio, bi_iter.bi_bvec_done);
	a->vec = (u64)BPF_CORE_READ(bio, bi_io_vec) +
		 BPF_CORE_READ(bio, bi_iter.bi_idx) * bpf_core_type_size(struct bio_vec);
	a->disk = bio_disk_read(bio);
	a->submitter = a->submitted_by = who_current();
	if (a->write && bio->bi_flags & BIO_CLONED_FLAG && journal_as_above(key))
		return;
	find_other(a, bio, opf);
	for (int i = 0; i < PAGE_CALLS; i++)
		if (!settle_pages(key))
			break;
	if (a->write && a->shares[0].method == ATTR_JOURNAL)
		journal_charge(key);
}

/*
 * Adds the shares of @bio to those of @to, another bio of its request, and forgets @bio. If some
 * don't fit, they stay with @bio, which comes into a list.
 */
__noinline int attr_join(u64 to, u64 bio)
{
	struct attr_bio *from = attr_of(bio), *first = attr_of(to);
	bool all = true;

	if (!from || !first)
		return 0;
	for (u32 i = 0; i < ATTR_SHARES; i++) {
		struct attr_share *s = &from->shares[i];

		if (i >= from->n_shares)
			break;
		if (attr_add_share(to, s->file, (u64)s->submitter << 32 | s->who, s->method,
				   s->bytes))
			s->bytes = 0;
		else
			all = false;
	}
	if (all) {
		attr_forget(bio);
		return 0;
	}
	from->next = first->next;
	first->next = bio;
	return 0;
}

/* The process of key @key; NULL: it isn't known. */
static __always_inline struct attr_who *attr_who_of(u32 key)
{
	return key ? bpf_map_lookup_elem(&attr_whos, &key) : NULL;
}

/* The owner of a share, for a row. */
static __always_inline void attr_owner(const struct attr_share *share, struct attr_owner *out)
{
	u64 inode = share->file;
	struct attr_file *file = inode ? bpf_map_lookup_elem(&attr_files, &inode) : NULL;
	struct attr_who *who = attr_who_of(share->who);

	if (file) {
		out->file = file->id;
		out->ino = file->ino;
		out->dev = file->dev;
	}
	out->method = share->method;
	if (!who)
		return;
	out->pid = who->pid;
	out->uid = who->uid;
	for (int i = 0; i < COMM_LEN; i++)
		out->comm[i] = who->comm[i];
}

#include "bpf/attribution/attribution_journal.bpf.h"

#include "bpf/attribution/attribution_hooks.bpf.h"

#endif
