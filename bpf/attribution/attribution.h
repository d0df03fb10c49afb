/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Whose bytes a block request carries, as both sides know it: docs/attribution.md. A command that
 * offers it includes attribution.bpf.h and puts ATTR_PROBES() into its table of probes and
 * ATTR_MAPS() into its table of maps.
 */
#ifndef IOSONDE_ATTRIBUTION_H
#define IOSONDE_ATTRIBUTION_H

#include "bpf/kernel/jbd2.h"
#include "bpf/shared.h"

/* Calls that write: at the file's position, at one that is passed, at one passed by a pointer. */
enum attr_call {
	ATTR_CALL_WRITE = 1,
	ATTR_CALL_WRITEV,
	ATTR_CALL_SENDFILE,
	ATTR_CALL_PWRITE,
	ATTR_CALL_PWRITEV,
	ATTR_CALL_PWRITEV2,
	ATTR_CALL_SPLICE,
	ATTR_CALL_COPY_FILE_RANGE,
};

/*
 * Where btrfs keeps what it knows of a compressed write, in bytes: its types are a module's. Since
 * 6.3 its bio is a part of it; before, the bio points to it.
 */
struct attr_btrfs {
	__u32 known;   /* 0: it isn't */
	__u32 apart;   /* the struct compressed_bio is what btrfs_bio.private points to */
	__u32 bio;     /* btrfs_bio.bio */
	__u32 offset;  /* btrfs_bio.file_offset */
	__u32 private; /* btrfs_bio.private */
	__u32 inode;   /* btrfs_bio.inode, a btrfs_inode *; apart: compressed_bio.inode, an inode */
	__u32 vfs;     /* btrfs_inode.vfs_inode */
	__u32 bbio;    /* compressed_bio.bbio */
	__u32 start;   /* compressed_bio.start and len: what it holds of the file */
	__u32 len;
};

/* The configuration, a member `attr` of a command's own. */
struct attr_cfg {
	__u32 on;     /* attribution is asked for */
	__u32 calls;  /* there are filesystems whose writes only the system calls tell */
	__u64 chunks; /* how many chunks of claims are kept (claims.bpf.h) */
	struct attr_btrfs btrfs;
	struct jbd2_places jbd2;
};

/* For tool.maps. */
#define ATTR_MAPS(on_, chunks_)                                                                    \
	{ "attr_claims", on_, chunks_ },                                                           \
	{                                                                                          \
		"attr_", on_,                                                                      \
		{                                                                                  \
		}                                                                                  \
	}

/* For tool.calls, in that order. */
#define ATTR_CALLS                                                                                 \
	"write", "writev", "sendfile", "pwrite64", "pwritev", "pwritev2", "splice",                \
		"copy_file_range"

/* How it was found out. */
enum attr_method {
	ATTR_NONE = 0, /* it was not asked, or carries no data */
	ATTR_UNKNOWN,
	ATTR_RANGE,    /* file by its page; process by the last write to that part of the file */
	ATTR_PAGE,     /* file by its page; process by who dirtied or reads the page */
	ATTR_BTRFS,    /* file and part by what btrfs keeps for the end of the I/O */
	ATTR_DIRECT,   /* direct I/O: the operation that submitted it */
	ATTR_JOURNAL,  /* a filesystem's journal: everybody's who changed what is logged */
	ATTR_METADATA, /* other blocks of a filesystem's own */
};

/* For a column's names. */
#define ATTR_METHOD_NAMES "", "unknown", "range", "page", "btrfs", "direct", "journal", "metadata"

/* A process as it was when it last wrote. */
struct attr_who {
	__u32 pid; /* 0: unknown */
	__u32 uid;
	__u64 cgroup;
	char comm[COMM_LEN];
	__u32 wanted; /* it was a target */
	__u32 tid;    /* the thread of it that was seen last */
};

/* The owner of some bytes of a request, in a row. */
struct attr_owner {
	__u64 file; /* a name's id (REC_NAME); 0: no file, or unknown */
	__u64 ino;
	__u32 dev; /* of its filesystem, as the kernel has it: major << 20 | minor */
	__u32 method;
	__u32 pid; /* 0: unknown */
	__u32 uid;
	char comm[COMM_LEN];
};

/* Columns of it, as @owner_ of the row type @row_; @on_ is attr_cfg.on in the tool's cfg. */
#define ATTR_COLUMNS(row_, owner_, on_)                                                            \
	{ "behalf",                                                                                \
	  FIELD(row_, owner_.comm),                                                                \
	  U_TEXT,                                                                                  \
	  .width = 16,                                                                             \
	  .flags = COL_BLANK | COL_HIDDEN | COL_ASKED,                                             \
	  .enable = on_,                                                                           \
	  .help = "command whose bytes they are; none where it is not known (-F)" },               \
		{ "behalf_pid",                                                                    \
		  FIELD(row_, owner_.pid),                                                         \
		  U_ID,                                                                            \
		  .width = 10,                                                                     \
		  .flags = COL_BLANK | COL_HIDDEN | COL_ASKED,                                     \
		  .enable = on_,                                                                   \
		  .help = "its process" },                                                         \
		{ "method",	 FIELD(row_, owner_.method),                                       \
		  U_ENUM,	 .names = attr_methods,                                            \
		  .width = 8,	 .flags = COL_HIDDEN | COL_ASKED,                                  \
		  .enable = on_, .help = "how that was found out: docs/attribution.md" },          \
		{ "ino",	 FIELD(row_, owner_.ino),                                          \
		  U_ID,		 .flags = COL_BLANK | COL_HIDDEN | COL_ASKED,                      \
		  .enable = on_, .help = "inode of the file" },                                    \
	{                                                                                          \
		"file", FIELD(row_, owner_.file), U_PATH,                                          \
			.flags = COL_WIDE | COL_HIDDEN | COL_ASKED, .enable = on_,                 \
			.help = "file that they are a part of, as it was first met"                \
	}
#define ATTR_OPTION(chunks_)                                                                       \
	{                                                                                          \
		"claims", 0, chunks_, U_COUNT,                                                     \
			.arg = "N", .deflt = "65536", .min = 256, .max = 1 << 24,                  \
			.help = "remember who wrote to so many pieces of 64 KiB (-F)"              \
	}
#define ATTR_SWITCH(on_)                                                                           \
	{                                                                                          \
		on_, "+behalf,+behalf_pid,+method,+ino,+file"                                      \
	}

/*
 * The hooks. @when is the field of the tool's cfg that asks for attribution; @calls the one that
 * says that there are filesystems whose writes only the system calls tell.
 */
#define JOURNAL_COMMITS "journal_commit(*,*)", "journal_end(*,*)"
#define ATTR_PROBES(when_, calls_)                                                                 \
	{ "dirtied pages",                                                                         \
	  { { { "claim_dirty_folio(folio,address_space)" } },                                      \
	    { { "claim_dirty_page(page,address_space)" } } },                                      \
	  .without = "bytes written through mappings belong to nobody",                            \
	  .when = when_,                                                                           \
	  .aside = true },                                                                         \
		{ "pages of requests",                                                             \
		  { { { "attr_queue(bio)", "attr_getrq(bio)", "attr_backmerge(bio)",               \
			"attr_frontmerge(bio)" } },                                                \
		    { { "attr_queue_q(request_queue,bio)", "attr_getrq_q(request_queue,bio,*)",    \
			"attr_backmerge_q(request_queue,request,bio)",                             \
			"attr_frontmerge_q(request_queue,request,bio)" } } },                      \
		  .when = when_,                                                                   \
		  .aside = true },                                                                 \
		{ "writes to ext4",                                                                \
		  { { { "claim_ext4(inode,*,*,*)", "claim_ext4_delayed(inode,*,*,*)" } } },        \
		  .without = "who wrote to a page of ext4 that was dirty already",                 \
		  .when = when_,                                                                   \
		  .aside = true },                                                                 \
		{ "writes to xfs and other users of iomap",                                        \
		  { { { "claim_iomap(iomap_iter,*,*)" } },                                         \
		    { { "claim_iomap_apply(inode,*,*,*,*,*,*)" } } },                              \
		  .without = "who wrote to a page of xfs that was dirty already",                  \
		  .when = when_,                                                                   \
		  .aside = true },                                                                 \
		{ "who changes what is logged by jbd2",                                            \
		  { { { "journal_handle(*,*,*,*,*,*,*,*)", JOURNAL_COMMITS } },                    \
		    { { "journal_handle_tp", JOURNAL_COMMITS } } },                                \
		  .without = "who caused what ext4 writes to its journal",                         \
		  .when = when_,                                                                   \
		  .aside = true },                                                                 \
		{ "what ext4 maps",                                                                \
		  { { { "journal_mapped(inode,*,*,*)" } } },                                       \
		  .without = "for whom kernel threads change blocks of ext4",                      \
		  .when = when_,                                                                   \
		  .aside = true },                                                                 \
	{                                                                                          \
		"write calls", { { { "claim_call" } } }, .when = calls_, .aside = true             \
	}

#endif
