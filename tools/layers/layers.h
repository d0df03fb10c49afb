/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The ledger, as both sides see it. docs/ledger.md explains how the account is kept. */
#ifndef IOSONDE_LAYERS_H
#define IOSONDE_LAYERS_H

#include "bpf/core/hist.h"
#include "bpf/core/syscall_max.h"
#include "bpf/kernel/jbd2.h"
#include "bpf/shared.h"

/* Where a nanosecond of an operation can have gone. */
enum cell { CELL_CPU, CELL_RUNQ, CELL_QUEUE, CELL_DEVICE, CELL_WAIT, CELL_UNKNOWN, N_CELLS };

/* In the order of the descriptor's list of system calls; enum layers_async_call goes on. */
enum layers_call {
	CALL_READ = 1,
	CALL_WRITE,
	CALL_PREAD,
	CALL_PWRITE,
	CALL_READV,
	CALL_WRITEV,
	CALL_PREADV,
	CALL_PWRITEV,
	CALL_PREADV2,
	CALL_PWRITEV2,
	CALL_FSYNC,
	CALL_FDATASYNC,
	CALL_SENDFILE,
	CALL_SENDFILE64,
	CALL_COPY_FILE_RANGE,
	CALL_OPEN, /* from here on: no descriptor goes in, one comes out */
	CALL_CREAT,
	CALL_OPENAT,
	CALL_OPENAT2,
	CALL_OPEN_BY_HANDLE,
	CALL_FAULT, /* no call at all: a major fault of a mapping, by its file */
	N_CALLS,
};

/* What else a thread's time is made of, as operations of its own: docs/ledger.md, "A life". */
enum layers_part {
	PART_OTHER = N_CALLS, /* a call that isn't followed by file: layers_entry.slot has which */
	PART_USER,	      /* between calls */
	PART_FAULT,	      /* blocked there, and it was no major fault */
	PART_BEFORE,	      /* what was under way when watching began */
	PART_START,	      /* a new thread, until it is in user space */
	N_PARTS,
};

/*
 * Behind those: others in the account of time, but asynchronous operations are submitted and
 * collected by them.
 */
enum layers_async_call {
	ASYNC_SUBMIT = N_CALLS,
	ASYNC_GETEVENTS,
	ASYNC_PGETEVENTS,
	ASYNC_PGETEVENTS64, /* of 32-bit programs */
	ASYNC_URING_ENTER,
};

#define PARTS_ROOM  32		      /* a power of two */
#define OTHER_CALLS (2 * SYSCALL_MAX) /* by number; those of the 32-bit ABI come behind */
#define OTHER_NONE  (~0U)

struct layers_cfg {
	__u64 slow_ns; /* stream operations of at least this */
	__u32 stream;  /* --slow was given */
	__u32 n_slowest;
	__u32 verdict_rows; /* 0: people read the verdict as a sentence */
	__u32 async_rows;   /* there are some */
	__u32 reserved;
	__u32 check;	     /* compare with what the kernel keeps itself */
	__s64 preempt_delta; /* preempt_count_at(); 0: unknown */
	struct jbd2_places jbd2;
	__u8 about[SYSCALL_MAX]; /* what arguments of a call name: ABOUT() */
};

/* Which argument is a path, and which a descriptor: 1 for the first; 0: none is. */
#define ABOUT(path, fd)	 ((path) | (fd) << 4)
#define ABOUT_PATH(args) ((args)&15)
#define ABOUT_FD(args)	 ((args) >> 4)

/* counters.tool[] */
enum layers_counter {
	LAYERS_CLAMPED,	 /* a stamp outside [mark, now] was put at its edge */
	LAYERS_OVERFLOW, /* a cell above the total, or cells that don't sum up: a bug */
	LAYERS_NO_ENTRY, /* exits without an entry: attached in mid-call, fork's child */
	LAYERS_NO_STAMP, /* the scheduler never said when it was woken, or switched in: unknown time
			  */
	LAYERS_BIOS_FULL,  /* more requests in flight than slots: unknown time */
	LAYERS_LOST_STACK, /* waits whose stack found no room */
	LAYERS_LOST_PATH,  /* files whose path found no room in the ring: shown by inode */
	LAYERS_CHAIN_CUT,  /* requests with more bios than are followed */
	LAYERS_LOST_SLOW, /* slow operations that found no room in the ring, where none are streamed
			   */
};

/* A file's identity. @gen tells apart files that had the same inode number one after the other. */
struct layers_file {
	__u64 ino;
	__u32 dev; /* as the kernel encodes it: major << 20 | minor */
	__u32 gen;
};

struct layers_key {
	struct layers_file file; /* all 0: no file (an open that failed, a bad descriptor) */
	__u32 tgid;
	__u32 call;
};

/* The file, and the process, of sums that found no room of their own. */
#define LAYERS_OTHER_FILE ((struct layers_file){ ~0ULL, ~0U, ~0U })
#define LAYERS_OTHER_TGID (~0U)

/* In this order what most operations add to is in one cache line with the key of layers_slot. */
struct layers_sums {
	__u64 count;
	__u64 bytes;
	__u64 lat_ns;
	__u64 cells[N_CELLS];
	__u64 errors;
	char comm[COMM_LEN]; /* of the thread that came first */
};

/* Sums that a CPU keeps until it turns to something else; see find_slot(). */
struct layers_slot {
	struct layers_key key;
	__u64 inode; /* address: part of the tag; 0: not known */
	struct layers_sums sums;
};

#define LAYERS_SLOTS 64 /* a power of two */

/* How an operation began. While it stays on its CPU this is all that is kept of it. */
struct layers_entry {
	__u32 call; /* 0: none under way */
	__u32 slot; /* of this CPU; of an open: none yet; PART_OTHER, PART_BEFORE: which call */
	__s32 fd;
	/*
	 * The scheduler's programs may touch it. Off while the thread's own programs work on it,
	 * for they may be switched out in between (SYSCALL_ENTER()).
	 */
	__u32 live;
	__u64 entry_ns; /* of this stretch; a restarted call has earlier ones */
	union {
		__u64 file;	/* struct file */
		__u64 name_ptr; /* of an open: the name, in user memory; 0: none, or read */
	};
	__u32 name_len;
	__u32 busy; /* a program works on the record */
};

#define SLOWEST_MAX 16
#define NAME_CUT    (1U << 31) /* in name_len: it was longer */

/* Latencies of one call. */
struct layers_hist {
	__u64 max_ns;
	__u64 count; /* operations that ended here; a counter of the engine's costs more */
	__u32 slots[HIST_SLOTS];
};

/* What the kernel keeps of each thread, too. In nanoseconds, times and bytes. */
enum layers_book {
	BOOK_CPU,
	BOOK_RUNQ,
	BOOK_BLOCKED, /* voluntary switches */
	BOOK_PREEMPTED,
	BOOK_READS, /* as in /proc/PID/io */
	BOOK_WRITES,
	BOOK_READ_BYTES,
	BOOK_WRITTEN_BYTES,
	BOOK_MAJOR_FAULTS,
	BOOK_DEVICE_READ, /* bytes */
	N_BOOKS
};

/* Whose doing a wait was: who ended it, or who had the CPU meanwhile. */
enum layers_who_kind {
	WHO_UNTOLD, /* nobody said */
	WHO_TASK,   /* id: its process */
	WHO_IDLE,   /* nobody: the CPU was idle, and had to wake up */
	WHO_INTERRUPT,
	WHO_TIMER,
	WHO_DEVICE,    /* a disk itself, by a request's completion; id: which */
	WHO_NOT_OVER,  /* it went on when watching ended */
	WHO_OTHERS,    /* more than are told apart */
	WHO_WRITEBACK, /* the kernel's threads, which write what is dirty */
	WHO_JOURNAL,   /* id: a process that changed what the commit had */
	N_WHO,
};

/* Of WHO_JOURNAL the kind has the device, too: 12 bits of its major and 12 of its minor number. */
#define WHO_KIND(who) ((__u32)((who) >> 32) & 0xff)
#define WHO_OF_JOURNAL(dev, tgid)                                                                  \
	((__u64)((dev) >> 20 << 20 | ((dev)&0xfff) << 8 | WHO_JOURNAL) << 32 | (tgid))
#define WHO_DEV(who) ((__u32)((who) >> 52) << 20 | ((__u32)((who) >> 40) & 0xfff))

struct layers_who {
	__u32 kind; /* enum layers_who_kind; WHO_JOURNAL: comm[0] is the transaction's key */
	__u32 id;
	__u64 comm[COMM_LEN / 8]; /* of a task */
};

/* Who came to a CPU, and when. */
struct layers_ran {
	__u64 from_ns;
	struct layers_who who;
};

#define RAN_MAX 64 /* a power of two */

/* Which waits, and whose doing. */
struct layers_cause_key {
	__u64 who; /* kind << 32 | id */
	__u32 cell;
	__u32 call; /* CAUSE_CALL() */
};

/* An operation's call, by enum layers_call or layers_part, or the slot of one of PART_OTHER. */
#define CAUSE_OTHER	       0x10000
#define CAUSE_CALL(call, slot) ((call) == PART_OTHER ? CAUSE_OTHER + (slot) : (call))

struct layers_cause {
	__u64 count;
	__u64 ns;
	__u64 comm[COMM_LEN / 8]; /* who's, of late */
};

/* What operations that no file is charged with took. */
struct layers_time {
	__u64 count;
	__u64 errors;
	__u64 cells[N_CELLS];
};

#define NAME_KEPT 256 /* of a path that a call passed */

/* What a call was about: the path that it passed, or the file of its descriptor. */
struct layers_about {
	struct layers_file file; /* that the path starts from, if there is one; all 0: none */
	__u32 name_len;
	__u32 reserved;
	char name[NAME_KEPT];
};

#define FAILURES 4 /* a power of two */

/* Of a call's failures one now and then: with what it failed, and on what. */
struct layers_failure {
	__u32 slot; /* its number */
	__s32 ret;  /* 0: none */
	__u32 count;
	__u32 reserved;
	struct layers_about about;
};

#define SAMPLED 16 /* calls; a power of two */
#define SAMPLES 4  /* of each */

/*
 * Of a call that isn't followed by file, what a few of them were about, each taken with a chance in
 * proportion to the time that it took.
 */
struct layers_sampled {
	__u64 ns; /* of all of that call that came here, less what others took that came instead */
	__u32 slot;  /* its number */
	__u32 taken; /* 0: none */
	struct layers_about samples[SAMPLES];
};

/*
 * A CPU's own record; docs/ledger.md, "Where an operation is kept". What each operation needs is in
 * its first cache line.
 */
struct layers_cpu {
	__u64 self; /* address of the thread whose @entry it is, or was; 0: unknown */
	__u64 ids;  /* tgid << 32 | tid of that thread */
	struct layers_entry entry;
	/* Of the slowest operations that ended here: only one slower than the least becomes an
	 * event. */
	__u64 slowest_least_ns;
	__u64 slowest_ns[SLOWEST_MAX];
	__u64 slowest_least; /* its place in slowest_ns */
	__u64 filtered;
	/* thread whose @entry is being moved: switched out at (0: it runs), and for how long */
	__u64 away_from_ns, away_ns;
	__u64 user_ns; /* between calls, without having left the CPU meanwhile */
	/* of threads whose life is over: how many, and how long they were watched */
	__u64 threads, watched_ns;
	__u64 reserved;
	struct layers_slot slots[LAYERS_SLOTS];
	struct layers_hist hists[N_CALLS];
	char name[NAME_KEPT]; /* what @entry passed, if name_len isn't 0 */
	/* by enum layers_part, and what calls took that were still under way in the end */
	struct layers_time parts[PARTS_ROOM] __attribute__((aligned(64)));
	struct layers_time others[OTHER_CALLS];
	/* --check: what the kernel has, and which of it, and what is counted for that alone */
	__u64 books[N_BOOKS], books_kept;
	__u64 blocked, preempted, again, faults, device_bytes;
	/* who had this CPU of late; ran[ran_last] has it */
	__u32 ran_last;
	__u32 in_timer;	    /* a timer's function runs here, */
	__u64 completed_ns; /* or a request completed, in an interrupt that may still go on */
	__u32 completed_dev;
	__u32 reserved2;
	__u64 preempt_count_at; /* of this CPU; 0: not known yet */
	struct layers_ran ran[RAN_MAX];
	struct layers_cause causes_rest[N_CELLS]; /* of waits that found no room: by cell */
	struct layers_failure failures[FAILURES];
	struct layers_sampled sampled[SAMPLED];
};

struct layers_wait_key {
	__s32 stack; /* of the map layers_stacks; negative: none */
	__u32 call;
};

struct layers_wait {
	__u64 count;
	__u64 wait_ns;
	__u64 max_ns;
};

/* --- asynchronous operations: docs/ledger.md --- */

enum layers_async_kind { ASYNC_AIO, ASYNC_URING, N_ASYNC_KINDS };

enum layers_async_op {
	ASYNC_NONE, /* isn't about a file */
	ASYNC_READ,
	ASYNC_WRITE,
	ASYNC_FSYNC,
	ASYNC_OPEN,
	ASYNC_CLOSE,
	ASYNC_STAT,
	ASYNC_OTHER,
	N_ASYNC_OPS,
};

#define ASYNC_WHAT(kind, op) ((kind)*N_ASYNC_OPS + (op))
#define N_ASYNC_WHATS	     ASYNC_WHAT(N_ASYNC_KINDS, 0)

struct layers_async_key {
	struct layers_file file;
	__u32 what; /* ASYNC_WHAT() */
	__u32 reserved;
};

struct layers_async_sums {
	__u64 count;
	__u64 errors;
	__u64 bytes;
	__u64 lat_ns;
	__u64 cells[N_CELLS];
	__u64 max_ns;
	__u64 first_ns; /* when the first was submitted, and the last was over; 0: none was */
	__u64 last_ns;
	__u64 workers;	  /* that a worker got done */
	__u64 by_request; /* that were over, as far as is known, when their last request was */
	__u64 by_collect; /* or when the program was given their result */
	__u64 collected;
	__u64 collect_ns; /* of those, until then */
};

/* --- records --- */
enum layers_rec { REC_OP = REC_TOOL, REC_FILE };

enum layers_op_flags {
	OP_KILLED = 1 << 0,	/* the thread died inside */
	OP_RESTARTED = 1 << 1,	/* a signal restarted it */
	OP_FD_CHANGED = 1 << 2, /* the descriptor named another file at exit */
	OP_BIOS_FULL = 1 << 3,
};

struct layers_op_event {
	struct rec rec;
	struct layers_key key;
	__u32 tid;
	__s32 fd;
	__s64 ret;
	__u64 bytes;
	__u64 start_ns;
	__u64 lat_ns;
	__u64 cells[N_CELLS];
	__u64 longest_wait_ns;
	__s32 stack; /* of the longest wait */
	__u32 flags;
	__u32 restarts;
	__u32 mntns;
	char comm[COMM_LEN];
	struct vstr name; /* of an open that failed: as it was passed */
};

struct layers_file_event {
	struct rec rec;
	struct layers_file file;
	struct vpath path;
};

#endif
