/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/syscall/attachcmp_loop.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

static int null_fd = -1, zero_fd = -1;
static char byte;
static struct iovec one = { &byte, 1 };

/* By number: the library may do without the kernel, or take another call. */
#define EXERCISE(name, ...)                                                                        \
	static void name(void)                                                                     \
	{                                                                                          \
		syscall(__VA_ARGS__);                                                              \
	}

EXERCISE(do_write, SYS_write, null_fd, &byte, 1)
EXERCISE(do_read, SYS_read, zero_fd, &byte, 1)
EXERCISE(do_pwrite, SYS_pwrite64, null_fd, &byte, 1, 0)
EXERCISE(do_pread, SYS_pread64, zero_fd, &byte, 1, 0)
EXERCISE(do_writev, SYS_writev, null_fd, &one, 1)
EXERCISE(do_readv, SYS_readv, zero_fd, &one, 1)
EXERCISE(do_getppid, SYS_getppid)
EXERCISE(do_close, SYS_close, -1)
EXERCISE(do_no_open, SYS_openat, AT_FDCWD, "/nonexistent", O_RDONLY, 0)
EXERCISE(do_lseek, SYS_lseek, null_fd, 0, SEEK_SET)
EXERCISE(do_fsync, SYS_fsync, null_fd)
EXERCISE(do_fdatasync, SYS_fdatasync, null_fd)
EXERCISE(do_fstat, SYS_newfstatat, null_fd, "", &(struct stat){ 0 }, AT_EMPTY_PATH)
EXERCISE(do_stat, SYS_newfstatat, AT_FDCWD, "/", &(struct stat){ 0 }, 0)
EXERCISE(do_statfs, SYS_statfs, "/", &(struct statfs){ 0 })
EXERCISE(do_access, SYS_faccessat, AT_FDCWD, "/", F_OK)
EXERCISE(do_readlink, SYS_readlinkat, AT_FDCWD, "/proc/self", &byte, 1)
EXERCISE(do_unlink, SYS_unlinkat, AT_FDCWD, "/nonexistent", 0)

static void do_open(void)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC, 0);

	if (fd >= 0)
		close(fd);
}

const struct exercise exercises[] = { { "write", do_write },	     { "read", do_read },
				      { "pwrite", do_pwrite },	     { "pread", do_pread },
				      { "writev", do_writev },	     { "readv", do_readv },
				      { "getppid", do_getppid },     { "lseek", do_lseek },
				      { "fsync", do_fsync },	     { "fstat", do_fstat },
				      { "fdatasync", do_fdatasync }, { "stat", do_stat },
				      { "statfs", do_statfs },	     { "access", do_access },
				      { "readlink", do_readlink },   { "unlink", do_unlink },
				      { "close", do_close },	     { "failing open", do_no_open },
				      { "open", do_open },	     {} };

bool exercises_open(void)
{
	null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	zero_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	return null_fd >= 0 && zero_fd >= 0;
}

void exercises_close(void)
{
	if (null_fd >= 0)
		close(null_fd);
	if (zero_fd >= 0)
		close(zero_fd);
	null_fd = zero_fd = -1;
}
