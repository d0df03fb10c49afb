// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Each way to make sure that data is on the disk, once. Of an op, id says how ("O_SYNC", "" for
 * what needs no saying), flags how many bytes (-1: the call doesn't say), full which file.
 */
#include "uring.h"
#include "workload.h"

#include <linux/fs.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>

static char data[4096];

static void record(struct ctx *c, const char *how, const char *call, const char *full,
		   int64_t bytes, long ret)
{
	struct want w = { how, call, NULL, full, FULL_EXACT, bytes, -1, 0, 0 };

	op_record(c, &w, ret);
}

/* Does it, keeps the time, records it. */
#define DO(how, call, full, bytes, expr)                                                           \
	({                                                                                         \
		long do_ret_ = TIMED(tally_get(c, call), expr);                                    \
		record(c, how, call, full, bytes, do_ret_);                                        \
		do_ret_;                                                                           \
	})

/* The same for a write: what it says that it has written. */
#define WRITE(how, call, full, expr)                                                               \
	({                                                                                         \
		long write_ret_ = TIMED(tally_get(c, call), expr);                                 \
		record(c, how, call, full, write_ret_ < 0 ? -1 : write_ret_, write_ret_);          \
	})

static int open_file(const char *name, int flags)
{
	int fd = (int)SC(SYS_openat, AT_FDCWD, name, O_CREAT | O_RDWR | flags, 0600);

	if (fd < 0)
		die(name);
	return fd;
}

static void whole_files(struct ctx *c, const char *full)
{
	int fd = open_file("plain", 0), fds[2];
	char *map;
	char text[64];
	struct stat s;

	if (pipe(fds) || fstat(fds[0], &s) || write(fd, data, sizeof(data)) != sizeof(data))
		die("plain");
	snprintf(text, sizeof(text), "pipe:[%lu]", (unsigned long)s.st_ino);
	DO("", "sync", NULL, -1, SC(SYS_sync));
	DO("", "fsync", full, -1, SC(SYS_fsync, fd));
	DO("", "fdatasync", full, -1, SC(SYS_fdatasync, fd));
	DO("", "syncfs", full, -1, SC(SYS_syncfs, fd));
	DO("", "fsync", NULL, -1, SC(SYS_fsync, 999));
	DO("", "fsync", text, -1, SC(SYS_fsync, fds[0]));
	DO("WRITE|WAIT_AFTER", "sync_file_range", full, 2048,
	   SC(SYS_sync_file_range, fd, 1024L, 2048L, 6));
	DO("", "sync_file_range", full, 0, SC(SYS_sync_file_range, fd, 0L, 0L, 0));
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		die("mmap");
	map[0] = 1;
	DO("MS_SYNC", "msync", full, 4096, SC(SYS_msync, map, 4096L, MS_SYNC));
	DO("MS_ASYNC|MS_INVALIDATE", "msync", full, 4096,
	   SC(SYS_msync, map, 4096L, MS_ASYNC | MS_INVALIDATE));
	munmap(map, 4096);
	DO("MS_SYNC", "msync", NULL, 4096, SC(SYS_msync, map, 4096L, MS_SYNC));
	close(fds[0]);
	close(fds[1]);
	close(fd);
}

static void writes(struct ctx *c, const char *name, const char *how, const char *full, int flags)
{
	int fd = open_file(name, flags), from = open_file("plain", 0), fds[2];
	struct iovec iov[2] = { { data, 100 }, { data + 100, 200 } };

	WRITE(how, "write", full, SC(SYS_write, fd, data, 512L));
	WRITE(how, "pwrite", full, SC(SYS_pwrite64, fd, data, 256L, 0L));
	WRITE(how, "writev", full, SC(SYS_writev, fd, iov, 2L));
	WRITE(how, "pwritev", full, SC(SYS_pwritev, fd, iov, 2L, 0L, 0L));
	WRITE(how, "pwritev2", full, SC(SYS_pwritev2, fd, iov, 2L, 0L, 0L, 0));
	WRITE(how, "write", full, SC(SYS_write, fd, (void *)8, 512L));
	WRITE(how, "sendfile", full, SC(SYS_sendfile, fd, from, NULL, 128L));
	WRITE(how, "copy_file_range", full, SC(SYS_copy_file_range, from, NULL, fd, NULL, 64L, 0));
	if (pipe(fds) || write(fds[1], data, 32) != 32)
		die("pipe");
	WRITE(how, "splice", full, SC(SYS_splice, fds[0], NULL, fd, NULL, 32L, 0));
	close(fds[0]);
	close(fds[1]);
	close(from);
	close(fd);
}

static void by_request(struct ctx *c, const char *full)
{
	struct iovec iov = { data, 100 };
	int fd = open_file("plain", 0);

	WRITE("RWF_SYNC", "pwritev2", full, SC(SYS_pwritev2, fd, &iov, 1L, 0L, 0L, (long)RWF_SYNC));
	WRITE("RWF_DSYNC", "pwritev2", full,
	      SC(SYS_pwritev2, fd, &iov, 1L, 0L, 0L, (long)RWF_DSYNC));
	close(fd);
}

/* What is not to be seen: writes that return at once, and flags where nothing can be synced. */
static void ordinary(void)
{
	int fd = open_file("plain", 0), null = open("/dev/null", O_WRONLY | O_SYNC), fds[2];

	if (null < 0 || pipe2(fds, 0))
		die("ordinary");
	for (int i = 0; i < 5; i++)
		if (write(fd, data, 10) != 10 || write(null, data, 10) != 10 ||
		    write(fds[1], data, 10) != 10 || pwrite(fd, data, 10, 0) != 10)
			die("write");
	close(fds[0]);
	close(fds[1]);
	close(null);
	close(fd);
}

static void on_sync_mount(struct ctx *c, const char *dir)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mkdir("mnt", 0700) || mount("none", "mnt", "tmpfs", MS_SYNCHRONOUS, NULL))
		die("mount");
	writes(c, "mnt/file", "sync mount", join(dir, "mnt/file"), 0);
}

/* chattr +S, where the filesystem has it */
static void on_sync_inode(struct ctx *c, const char *dir)
{
	int fd = open_file("marked", 0), flags;

	if (!ioctl(fd, FS_IOC_GETFLAGS, &flags)) {
		flags |= FS_SYNC_FL;
		if (!ioctl(fd, FS_IOC_SETFLAGS, &flags))
			WRITE("sync inode", "write", join(dir, "marked"),
			      SC(SYS_write, fd, data, 77L));
	}
	close(fd);
}

static void by_uring(struct ctx *c, const char *full, const char *synced)
{
	int fd = open_file("plain", 0), sync = open_file("osync", O_SYNC);
	struct io_uring_sqe fsync = { .opcode = IORING_OP_FSYNC, .fd = fd }, range, write;
	struct iovec iov = { data, 100 };
	struct ring r;
	struct stat st;
	char text[64];
	int fds[2];

	if (!ring_setup(&r)) {
		extra_add(c, "uring_refused", errno);
		return;
	}
	DO("", "io_uring fsync", full, -1, ring_do(&r, &fsync));
	fsync.fsync_flags = IORING_FSYNC_DATASYNC;
	DO("", "io_uring fdatasync", full, -1, ring_do(&r, &fsync));
	/* Fails only when it is under way: what is refused at once was never submitted. */
	if (pipe(fds) || fstat(fds[0], &st))
		die("pipe");
	snprintf(text, sizeof(text), "pipe:[%lu]", (unsigned long)st.st_ino);
	fsync.fd = fds[0];
	DO("", "io_uring fdatasync", text, -1, ring_do(&r, &fsync));
	range = (struct io_uring_sqe){
		.opcode = IORING_OP_SYNC_FILE_RANGE, .fd = fd, .len = 512, .sync_range_flags = 2
	};
	DO("WRITE", "io_uring sync_file_range", full, 512, ring_do(&r, &range));
	write = (struct io_uring_sqe){
		.opcode = IORING_OP_WRITE, .fd = fd, .addr = (uint64_t)(uintptr_t)data, .len = 100
	};
	ring_do(&r, &write); /* an ordinary one */
	write.rw_flags = RWF_DSYNC;
	WRITE("RWF_DSYNC", "io_uring write", full, ring_do(&r, &write));
	write.rw_flags = 0;
	write.fd = sync;
	WRITE("O_SYNC", "io_uring write", synced, ring_do(&r, &write));
	write = (struct io_uring_sqe){
		.opcode = IORING_OP_WRITEV, .fd = sync, .addr = (uint64_t)(uintptr_t)&iov, .len = 1
	};
	WRITE("O_SYNC", "io_uring write", synced, ring_do(&r, &write));
	close(r.fd);
	close(fd);
	close(sync);
}

int cmd_syncs(struct ctx *c)
{
	const char *dir = arg_str(c, 0, NULL);

	if (chdir(dir))
		die(dir);
	tally_get(c, "sync"); /* of all processes, so before the first fork */
	whole_files(c, join(dir, "plain"));
	ordinary();
	writes(c, "osync", "O_SYNC", join(dir, "osync"), O_SYNC);
	writes(c, "odsync", "O_DSYNC", join(dir, "odsync"), O_DSYNC);
	by_request(c, join(dir, "plain"));
	on_sync_inode(c, dir);
	by_uring(c, join(dir, "plain"), join(dir, "osync"));
	if (geteuid() == 0)
		in_child(c, on_sync_mount, dir);
	return 0;
}
