/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * File I/O as both sides know it: routes, what a file is identified by, and the tables that every
 * command with fileio.bpf.h puts into its descriptor. docs/fileio.md describes the whole.
 */
#ifndef IOSONDE_FILEIO_H
#define IOSONDE_FILEIO_H

#include "bpf/shared.h"
#include "bpf/calls/uring.h"

/* How I/O gets to a file. System calls first: the order is that of FILEIO_CALLS. */
enum fileio_route {
	ROUTE_READ = 1,
	ROUTE_WRITE,
	ROUTE_PREAD,
	ROUTE_PWRITE,
	ROUTE_READV,
	ROUTE_WRITEV,
	ROUTE_PREADV,
	ROUTE_PWRITEV,
	ROUTE_PREADV2,
	ROUTE_PWRITEV2,
	ROUTE_SENDFILE,
	ROUTE_SENDFILE64, /* of 32-bit programs; shown as sendfile */
	ROUTE_SPLICE,
	ROUTE_COPY_FILE_RANGE,
	ROUTE_URING_READ,
	ROUTE_URING_WRITE,
	ROUTE_URING_READV,
	ROUTE_URING_WRITEV,
	ROUTE_URING_READ_FIXED,
	ROUTE_URING_WRITE_FIXED,
	ROUTE_AIO_READ,
	ROUTE_AIO_WRITE,
	ROUTE_AIO_READV,
	ROUTE_AIO_WRITEV,
	/* No routes themselves: what libaio's operations are submitted and collected by. */
	CALL_IO_SUBMIT,
	CALL_IO_GETEVENTS,
	CALL_IO_PGETEVENTS,
	CALL_IO_PGETEVENTS64, /* of 32-bit programs */
	/* Of commands with FILE_IO_ALL_OPS: no data is moved. */
	ROUTE_FSYNC,
	ROUTE_FDATASYNC,
	ROUTE_OPEN,
	ROUTE_CREAT,
	ROUTE_OPENAT,
	ROUTE_OPENAT2,
	ROUTE_OPEN_BY_HANDLE,
	ROUTE_FSTAT, /* a descriptor's: by name, nobody tells which file it is */
	ROUTE_FSTAT64,
	ROUTE_FSTATAT,
	ROUTE_FSTATAT64,
	ROUTE_STATX,
	ROUTE_URING_FSYNC,
	ROUTE_URING_OPENAT,
	ROUTE_URING_OPENAT2,
	ROUTE_AIO_FSYNC,
	ROUTE_AIO_FDSYNC,
	/* Not I/O: calls after which a file's path may be another one. */
	CALL_NAMES_CHANGE,
};

/* For tool.calls. What io_uring and libaio do are no calls of their own: '-' keeps their places. */
#define FILEIO_CALLS                                                                               \
	"read", "write", "pread64", "pwrite64", "readv", "writev", "preadv", "pwritev", "preadv2", \
		"pwritev2", "sendfile", "sendfile64", "splice", "copy_file_range",                 \
		"-io_uring read", "-io_uring write", "-io_uring readv", "-io_uring writev",        \
		"-io_uring read_fixed", "-io_uring write_fixed", "-aio read", "-aio write",        \
		"-aio readv", "-aio writev", "io_submit", "io_getevents", "?io_pgetevents",        \
		"?io_pgetevents_time64"

/* More of them: the operations that FILE_IO_ALL_OPS adds. */
#define FILEIO_OPS_CALLS                                                                           \
	"fsync", "fdatasync", "?open", "?creat", "openat", "openat2", "open_by_handle_at",         \
		"fstat", "?fstat64", "?newfstatat", "?fstatat64", "statx", "-io_uring fsync",      \
		"-io_uring openat", "-io_uring openat2", "-aio fsync", "-aio fdsync"

#define FILEIO_NO_OPS_CALLS                                                                        \
	"-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-"

/* More of them, for commands that remember paths: the first is CALL_NAMES_CHANGE. */
#define FILEIO_NAMES_CALLS                                                                         \
	FILEIO_NO_OPS_CALLS, "rename", "renameat", "renameat2", "mount", "umount2", "move_mount",  \
		"pivot_root"

/* For a column's names. */
#define FILEIO_ROUTE_NAMES                                                                         \
	"", "read", "write", "pread", "pwrite", "readv", "writev", "preadv", "pwritev", "preadv2", \
		"pwritev2", "sendfile", "sendfile", "splice", "copy_file_range", "io_uring read",  \
		"io_uring write", "io_uring readv", "io_uring writev", "io_uring read_fixed",      \
		"io_uring write_fixed", "aio read", "aio write", "aio readv", "aio writev",        \
		"io_submit", "io_getevents", "io_pgetevents", "io_pgetevents"

#define FILEIO_OPS_ROUTE_NAMES                                                                     \
	FILEIO_ROUTE_NAMES, "fsync", "fdatasync", "open", "creat", "openat", "openat2",            \
		"open_by_handle_at", "fstat", "fstat", "fstatat", "fstatat", "statx",              \
		"io_uring fsync", "io_uring openat", "io_uring openat2", "aio fsync", "aio fdsync"

/* What is done to the file. The first two are what struct file_io calls write. */
enum fileio_op {
	FILEIO_READ,
	FILEIO_WRITE,
	FILEIO_OPEN,
	FILEIO_FSYNC,
	FILEIO_GETATTR,
	N_FILEIO_OPS,
};

/* For a column's names. */
#define FILEIO_OP_NAMES "read", "write", "open", "fsync", "getattr"

/* Circumstances. The lowest eight bits are RWF_ flags, as the caller passed them. */
enum fileio_flags {
	FILEIO_RWF_MASK = 0xff,
	FILEIO_DIRECT = 1 << 8,	       /* O_DIRECT */
	FILEIO_APPEND = 1 << 9,	       /* O_APPEND */
	FILEIO_FD_CHANGED = 1 << 10,   /* the descriptor names another file now */
	FILEIO_FIXED_FILE = 1 << 11,   /* io_uring: fd is a place in the ring's own table */
	FILEIO_WORKER = 1 << 12,       /* io_uring: completed by a worker thread */
	FILEIO_RESTARTED = 1 << 13,    /* a signal interrupted the call, and it was entered again */
	FILEIO_KILLED = 1 << 14,       /* the thread was killed in the call */
	FILEIO_ASKED_UNREAD = 1 << 15, /* the lengths of its vectors could not be read */
	FILEIO_ANSWERED = 1 << 16,     /* by a seccomp filter or a tracer: the call never ran */
	FILEIO_COLLECTED = 1 << 17,    /* libaio: its time is until somebody asked for its result */
};

/* For a column's flag_names. */
#define FILEIO_FLAG_NAMES                                                                          \
	{ 1 << 0, 0, "hipri" }, { 1 << 1, 0, "dsync" }, { 1 << 2, 0, "sync" },                     \
		{ 1 << 3, 0, "nowait" }, { 1 << 4, 0, "rwf-append" }, { 1 << 5, 0, "noappend" },   \
		{ 1 << 6, 0, "atomic" }, { 1 << 7, 0, "dontcache" },                               \
		{ FILEIO_DIRECT, 0, "direct" }, { FILEIO_APPEND, 0, "append" },                    \
		{ FILEIO_FD_CHANGED, 0, "fd-changed" }, { FILEIO_FIXED_FILE, 0, "fixed-file" },    \
		{ FILEIO_WORKER, 0, "worker" }, { FILEIO_RESTARTED, 0, "restarted" },              \
		{ FILEIO_KILLED, 0, "killed" }, { FILEIO_ASKED_UNREAD, 0, "asked-unread" },        \
		{ FILEIO_ANSWERED, 0, "answered" },                                                \
	{                                                                                          \
		FILEIO_COLLECTED, 0, "collected"                                                   \
	}

/* For tool.probes. */
#define FILEIO_BLIND                                                                               \
	"mapped pages, tee and vmsplice, io_uring splice and multishot reads, "                    \
	"reads and writes by the kernel itself"
/* clang-format off */
#define FILEIO_CALL_RUNGS FILEIO_CALL_RUNGS_(FILEIO_BLIND)
#define FILEIO_CALL_RUNGS_(blind_)                                                                 \
	{ { "fileio_enter", "fileio_exit", "fileio_thread_exit" }, .blind = blind_ },              \
	{ { "fileio_enter_tp", "fileio_exit_tp", "fileio_thread_exit_tp" }, .blind = blind_ }
#define FILEIO_URING                                                                               \
	{ "io_uring", URING_RUNGS, .without = "I/O by io_uring is not seen" }
#define FILEIO_AIO_BLIND                                                                           \
	"operations of libaio that no call collects, and when they were done"
#define FILEIO_AIO_CALL_RUNGS                                                                      \
	{ { "aio_enter", "aio_leave" }, .blind = FILEIO_AIO_BLIND },                               \
	{ { "aio_enter_tp", "aio_leave_tp" }, .blind = FILEIO_AIO_BLIND }
#define FILEIO_AIO_WITHOUT "I/O by libaio is not seen"
#define FILEIO_AIO                                                                                 \
	{ "libaio",                                                                                \
	  { { { "aio_began_read(kiocb,iocb,*,*)", "aio_began_write(kiocb,iocb,*,*)",               \
	        "aio_done(aio_kiocb)" } },                                                         \
	    { { "aio_began_read_kp", "aio_began_write_kp", "aio_done_kp" } },                      \
	    FILEIO_AIO_CALL_RUNGS },                                                               \
	  .without = FILEIO_AIO_WITHOUT }
/* With fsync and fdatasync. */
#define FILEIO_AIO_OPS                                                                             \
	{ "libaio",                                                                                \
	  { { { "aio_began_read(kiocb,iocb,*,*)", "aio_began_write(kiocb,iocb,*,*)",               \
	        "aio_began_fsync(fsync_iocb,iocb,*)", "aio_done(aio_kiocb)" } },                   \
	    { { "aio_began_read_kp", "aio_began_write_kp", "aio_began_fsync_kp",                   \
	        "aio_done_kp" } },                                                                 \
	    FILEIO_AIO_CALL_RUNGS },                                                               \
	  .without = FILEIO_AIO_WITHOUT }
#define FILEIO_PROBES { "file I/O", { FILEIO_CALL_RUNGS } }, FILEIO_URING, FILEIO_AIO
/* With FILE_IO_ALL_OPS. */
#define FILEIO_OPS_PROBES                                                                          \
	{ "file I/O", { FILEIO_CALL_RUNGS_(FILEIO_BLIND                                            \
		", opens that fail, opens by io_uring into its own table, attributes by name, "    \
		"msync and sync_file_range") } }, FILEIO_URING, FILEIO_AIO_OPS

/* What commands that only count (FILE_IO_SUMS_ONLY) add up of each row's operations. */
struct fileio_sums {
	__u64 count; /* of both */
	__u64 reads;
	__u64 writes;
	__u64 errors;
	__u64 read_bytes;
	__u64 write_bytes;
};

/* FILEIO_PROBES for those. */
#define FILEIO_RETURN_BLIND                                                                        \
	FILEIO_BLIND ", which file it was if another thread closed the descriptor during the call"
#define FILEIO_RETURN_RUNGS                                                                        \
	{ { "fileio_return", "fileio_thread_exit" }, .blind = FILEIO_RETURN_BLIND },               \
	{ { "fileio_return_tp", "fileio_thread_exit_tp" }, .blind = FILEIO_RETURN_BLIND }
/* Where nothing can be walked from the current task. */
#define FILEIO_FUNCTION_RUNG(blind_)                                                               \
	{ { "fileio_return_read(file,*,*,*)", "fileio_return_write(file,*,*,*)",                   \
	    "fileio_return_rest", "fileio_return_comm", "fileio_thread_exit" },                    \
	  .blind = FILEIO_RETURN_BLIND blind_,                                                     \
	  .lacks = "BPF_FUNC_get_current_task_btf" }
#define FILEIO_SUMS_PROBES                                                                         \
	{ "file I/O",                                                                              \
	  { FILEIO_FUNCTION_RUNG(", reads and writes that a tracer or a filter answers with success"), \
	    FILEIO_RETURN_RUNGS } },                                                               \
	FILEIO_URING, FILEIO_AIO
/* clang-format on */

#endif
