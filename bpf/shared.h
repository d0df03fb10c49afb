/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What both sides of the ring buffer agree on: the head of every record, the variable-length
 * fields inside one, the target filter and the counters. Plain C types only.
 */
#ifndef IOSONDE_SHARED_H
#define IOSONDE_SHARED_H

#include <linux/types.h>

#define COMM_LEN 16
/* Longest path that is resolved, with its NUL, as PATH_MAX. */
#define PATH_LEN 4096
/* So many names are known by an id at a time; more than the rows of any report. */
#define NAMES_KEPT 16384
/* Stacks are cut at this many frames. */
#define STACK_FRAMES 64
/* Stands for the frames of a stack that found no room. */
#define STACK_LOST_FRAME (~0ULL)

/* Head of every record in the ring buffer. @type 0 is a row of the command's table. */
struct rec {
	__u64 ts_ns; /* CLOCK_MONOTONIC */
	__u32 type;
	__u32 cpu;
};

enum rec_type {
	REC_ROW = 0,
	REC_NAME = 1,	 /* struct rec_name: what an id in later rows is called */
	REC_PROGRAM = 2, /* struct rec_program (bpf/core/stacks.h) */
	REC_USTACK = 3,	 /* struct rec_ustack (likewise) */
	REC_TOOL = 16,	 /* the first type that a tool defines itself */
};

/*
 * Bytes inside a record: @off counts from its start, 0 means none; not NUL-terminated. With
 * VSTR_CUT in @off there were more: printed up to the last whole letter, with "…" behind it.
 */
#define VSTR_CUT (1U << 31)

struct vstr {
	__u32 off;
	__u32 len;
};

enum vpath_flags {
	VPATH_TRUNCATED = 1 << 0, /* more components than fit: printed with a leading "…/" */
	VPATH_DELETED = 1 << 1,	  /* the leaf has been unlinked: printed with " (deleted)" */
	VPATH_PSEUDO =
		1 << 2, /* one component: pipe and @ino: pipe:[123]; without @ino: anon_inode:… */
	VPATH_ABSOLUTE = 1 << 3,    /* the walk ended at a root of the mount tree */
	VPATH_AS_PASSED = 1 << 4,   /* no walk: a program's own words, which are the tail */
	VPATH_UNREACHABLE = 1 << 5, /* on a mount that is in no namespace: as getcwd() marks it */
};

/*
 * A path as the kernel side walks it: components from leaf to root, each ended by a NUL. @tail
 * (may be empty) is a relative path that continues below the leaf: a name as it was passed. In
 * @tail_off, VSTR_CUT as in struct vstr.
 */
struct vpath {
	__u32 off;
	__u32 len;
	__u32 flags;
	__u32 tail_len;
	__u32 tail_off;
	__u32 ino;
};

/* A name that many rows share: columns of unit U_PATH hold its id (core/names/ids.h). */
struct rec_name {
	struct rec rec;
	__u64 id;
	struct vpath path;
};

/*
 * A list of arguments: @len bytes of strings, each ended by a NUL but the last one where it was
 * cut. At most @max of them are shown; 0: all.
 */
struct vargs {
	__u32 off;
	__u32 len;
	__u32 max;
	__u32 flags;
};

enum vargs_flags {
	VARGS_MORE = 1 << 0,   /* there were more than are here */
	VARGS_QUOTED = 1 << 1, /* text has them in quotes */
};

/* An address of the network, as IPv6 has it; one of IPv4 is mapped: ::ffff:10.0.0.1. */
struct net_addr {
	__u8 bytes[16];
};

/* A system call in a record: its number, and the ABI that it was made by. */
#define SYSCALL_IN_RECORD(nr, compat) ((__u64)(nr) << 1 | (compat))
#define SYSCALL_NONE		      (~0ULL)

/*
 * A stack: @len bytes of __u64 addresses, innermost first. @len 0: none was taken. A user stack in
 * an event begins with what tells the program that ran, as program_id() makes it of these.
 */
struct vstack {
	__u32 off;
	__u32 len;
};

/*
 * Where a program's parts lie, as /proc/PID/stat tells it, too: another one after an exec. Good
 * enough to know one again, with addresses that are random at each exec or without.
 */
static inline __u64 program_id(__u64 start_code, __u64 end_code, __u64 start_stack, __u64 arg_start)
{
	__u64 id = start_code;

	id = (id ^ id >> 29) * 0x9e3779b97f4a7c15ULL + end_code;
	id = (id ^ id >> 29) * 0x9e3779b97f4a7c15ULL + start_stack;
	id = (id ^ id >> 29) * 0x9e3779b97f4a7c15ULL + arg_start;
	return id;
}

/* Part of a cgroup's id where it is one of the memory controller's own hierarchy (v1). */
#define CGROUP_MEMORY_V1 (1ULL << 62)

/* Probes that a command can have. */
#define PROBES_MAX 24

/* The max_entries of a map that is indexed by CPU: the engine puts the largest number and one. */
#define PER_CPU (1 << 28)

/* The name's id in rows that stand for what found no room in a table. */
#define NAME_OTHERS (~0ULL)

/* --- what stands beside the kernel's own counters: --check --- */
#define BOOKS_MAX 6

/* In a command's cfg; filled in by the engine. */
struct check_cfg {
	__u32 on;
	__u32 netns; /* by its inode: the network namespace that is looked at */
};

/* What a command has counted for one of its books, of targets and of all others. */
struct booked {
	__u64 ours;
	__u64 others;
};

/* --- counters: one of these per CPU, each counted where the thing happens --- */
struct counters {
	__u64 generated;   /* passed the target filter */
	__u64 filtered;	   /* dropped in the kernel by a minimum or a command's own option */
	__u64 lost_ring;   /* no room in the ring buffer */
	__u64 lost_state;  /* no room for per-thread or per-request state */
	__u64 lost_end;	   /* begun, and the kernel never told the end */
	__u64 null_helper; /* a helper returned NULL where it should not */
	__u64 tool[10];	   /* a command's own; named in its descriptor */
	__u64 unwoken;	   /* bytes in the ring since this CPU last woke the reader: no count */
	struct booked books[BOOKS_MAX];
	__u64 reserved[3]; /* a CPU's counters are cache lines of their own */
};

/* --- the target filter, decided in the kernel --- */
#define MAX_COMM_GLOBS 4
enum target_flags {
	TARGET_PID = 1 << 0, /* tgid must be in the map target_tgids */
	TARGET_TID = 1 << 1, /* tid must be marked in the map target_tgids */
	TARGET_UID = 1 << 2,
	TARGET_COMM = 1 << 3,
	TARGET_CGROUP = 1 << 4,
	TARGET_MNTNS = 1 << 5,
	TARGET_TREE = 1 << 6,  /* target_tgids follows fork and exec */
	TARGET_SELF = 1 << 7,  /* include iosonde itself */
	TARGET_PIDNS = 1 << 8, /* pids are those of the namespace with inode pidns_ino */
	TARGET_ONE = 1 << 9,   /* with TARGET_PID: only_tgid alone, so nobody need look it up */
};

/*
 * A glob, compiled: bit i of a state says that the first i elements have matched. A byte c turns
 * state s into (s & mask[c]) << 1 | (s & loops); a name matches if it leaves the bit @accept.
 */
struct comm_glob {
	__u32 loops; /* positions at which a '*' stands */
	__u32 accept;
	__u32 mask[256];
};

/* What most events need is in the end, on the same page as what programs have after it. */
struct target_cfg {
	struct comm_glob comms[MAX_COMM_GLOBS];
	__u32 flags;
	__u32 self_tgid; /* in the initial pid namespace, or in pidns_ino's with TARGET_PIDNS */
	__u32 uid;
	__u32 pidns_ino;
	__u64 cgroup_id;
	__u32 mntns_ino;
	__u32 n_comms;
	__u32 only_tgid;
	__u32 reserved;
};

/*
 * The set of target processes: one byte per number (enum target_state, 0: not in it), in pages of
 * an array that user space maps. A look-up is a plain load, also for every process that isn't
 * traced.
 */
#define TARGET_PAGE  4096
#define TARGET_PAGES 1024 /* PID_MAX_LIMIT is 4 Mi */

/* Bytes of target_tgids: what a process is, and whether a thread was named. */
enum target_state {
	TARGET_HELD = 1,  /* the command, forked, before its exec */
	TARGET_LIVE = 2,  /* it, or named with --children, or a descendant */
	TARGET_FIXED = 3, /* named with -p without --children: not followed across fork */
	TARGET_STATE = 3, /* mask */
	TARGET_NAMED = 4, /* bit: the thread with this number was named with -t */
};

/* What the engine tells every program. */
struct engine_cfg {
	__u64 wake_bytes; /* wake the reader when a CPU has written this much */
	__u32 kstack;
	__u32 ustack;
	__u32 has_task_storage; /* the rung: task storage, else a hash keyed by task */
	__u32 page_shift;	/* log2 of the kernel's page size */
	__u64 wake_data; /* ... but only if the ring has this much that isn't read; 0: always */
};

#endif
