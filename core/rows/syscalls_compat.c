/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The 32-bit ABI that the machine also runs. The one place that knows which that is. */
#include "core/rows/syscalls.h"

#include <stddef.h>

#if defined(__x86_64__)
#include <asm/unistd_32.h>
#endif

const struct syscall_number syscalls_compat[] = {
#if defined(__x86_64__)
#include "core/rows/syscalls_compat.inc"
#elif defined(__aarch64__)
	/*
	 * arm: arch/arm64/tools/syscall_32.tbl; its headers aren't installed on arm64, so this is
	 * what commands follow, not everything.
	 */
	{ "open", 5 },
	{ "creat", 8 },
	{ "openat", 322 },
	{ "openat2", 437 },
	{ "open_by_handle_at", 371 },
	{ "read", 3 },
	{ "write", 4 },
	{ "pread64", 180 },
	{ "pwrite64", 181 },
	{ "readv", 145 },
	{ "writev", 146 },
	{ "preadv", 361 },
	{ "pwritev", 362 },
	{ "preadv2", 392 },
	{ "pwritev2", 393 },
	{ "fsync", 118 },
	{ "fdatasync", 148 },
	{ "sendfile", 187 },
	{ "sendfile64", 239 },
	{ "copy_file_range", 391 },
	{ "splice", 340 },
	{ "sync", 36 },
	{ "msync", 144 },
	{ "syncfs", 373 },
	{ "stat", 106 },
	{ "lstat", 107 },
	{ "fstat", 108 },
	{ "stat64", 195 },
	{ "lstat64", 196 },
	{ "fstat64", 197 },
	{ "fstatat64", 327 },
	{ "statx", 397 },
	{ "statfs", 99 },
	{ "fstatfs", 100 },
	{ "statfs64", 266 },
	{ "fstatfs64", 267 },
	{ "execve", 11 },
	{ "execveat", 387 },
	{ "mount", 21 },
	{ "umount2", 52 },
	{ "open_tree", 428 },
	{ "move_mount", 429 },
	{ "fsopen", 430 },
	{ "fsconfig", 431 },
	{ "fsmount", 432 },
	{ "fspick", 433 },
	{ "mount_setattr", 442 },
	{ "pivot_root", 218 },
#endif
	{ NULL, 0 },
};
