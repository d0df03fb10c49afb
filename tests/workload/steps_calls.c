// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Each step is one call, by its bare number. Those that take a descriptor use the last one. */
#include "steps.h"

#include <linux/aio_abi.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define MAP_BYTES 4096

static char data[65536] __attribute__((aligned(4096)));

/* "rwc": O_RDWR | O_CREAT ... */
static int open_flags(const char *letters)
{
	static const struct {
		char letter;
		int flag;
	} flags[] = {
		{ 'c', O_CREAT },     { 'x', O_EXCL },	 { 't', O_TMPFILE }, { 'p', O_PATH },
		{ 'd', O_DIRECTORY }, { 'a', O_APPEND }, { 'z', O_TRUNC },   { 'o', O_DIRECT }
	};
	bool r = strchr(letters, 'r'), w = strchr(letters, 'w');
	int all = w ? (r ? O_RDWR : O_WRONLY) : O_RDONLY;

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (strchr(letters, flags[i].letter))
			all |= flags[i].flag;
	return all;
}

static unsigned int rename_flags(const char *names)
{
	return (strstr(names, "noreplace") ? 1u : 0) | (strstr(names, "exchange") ? 2u : 0) |
	       (strstr(names, "whiteout") ? 4u : 0);
}

static size_t bytes_of(const char *word)
{
	size_t n = strtoul(word, NULL, 10);

	return n <= sizeof(data) ? n : sizeof(data);
}

static long opened(struct steps *s, long ret)
{
	if (ret >= 0)
		s->fd = (int)ret;
	return ret;
}

#define STEP(name) static long name(struct steps *s, char *const *w)

/* --- opening --- */

STEP(do_open)
{
	return opened(s, SC(SYS_openat, s->dfd, w[1], open_flags(w[2]), 0644));
}

STEP(do_creat)
{
	return opened(s, SC(SYS_creat, w[1], 0644));
}

STEP(do_openat2)
{
	struct open_how how = { .flags = (uint64_t)open_flags(w[2]) };

	if (how.flags & (O_CREAT | __O_TMPFILE))
		how.mode = 0644;
	return opened(s, SC(SYS_openat2, s->dfd, w[1], &how, sizeof(how)));
}

STEP(do_dirfd)
{
	s->dfd = (int)SC(SYS_openat, AT_FDCWD, w[1], O_PATH | O_DIRECTORY);
	return s->dfd;
}

STEP(do_cwd)
{
	(void)w;
	s->dfd = AT_FDCWD;
	return 0;
}

STEP(do_chdir)
{
	(void)s;
	return SC(SYS_chdir, w[1]);
}

STEP(do_close)
{
	(void)w;
	return SC(SYS_close, s->fd);
}

/* --- data --- */

STEP(do_read)
{
	return SC(SYS_read, s->fd, data, bytes_of(w[1]));
}

STEP(do_pread)
{
	return SC(SYS_pread64, s->fd, data, bytes_of(w[1]), 0L);
}

STEP(do_write)
{
	return SC(SYS_write, s->fd, data, bytes_of(w[1]));
}

STEP(do_pwrite)
{
	return SC(SYS_pwrite64, s->fd, data, bytes_of(w[1]), 0L);
}

#define VECTORED(name, nr)                                                                         \
	STEP(name)                                                                                 \
	{                                                                                          \
		struct iovec iov = { data, bytes_of(w[1]) };                                       \
		return SC(nr, s->fd, &iov, 1L, 0L, 0L, 0L);                                        \
	}

VECTORED(do_readv, SYS_readv)
VECTORED(do_preadv, SYS_preadv)
VECTORED(do_preadv2, SYS_preadv2)
VECTORED(do_writev, SYS_writev)
VECTORED(do_pwritev, SYS_pwritev)
VECTORED(do_pwritev2, SYS_pwritev2)

/* From the beginning of the file into a pipe that nobody reads. */
STEP(do_splice)
{
	loff_t offset = 0;
	int ends[2];
	long ret;

	if (pipe(ends))
		return -errno;
	ret = SC(SYS_splice, s->fd, &offset, ends[1], NULL, bytes_of(w[1]), 0L);
	close(ends[0]);
	close(ends[1]);
	return ret;
}

STEP(do_fsync)
{
	(void)w;
	return SC(SYS_fsync, s->fd);
}

STEP(do_fdatasync)
{
	(void)w;
	return SC(SYS_fdatasync, s->fd);
}

STEP(do_msync)
{
	int flags = *w[1] ? MS_ASYNC : MS_SYNC;

	if (!s->map) {
		s->map = mmap(NULL, MAP_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
		if (s->map == MAP_FAILED)
			die("mmap of the file");
	}
	return SC(SYS_msync, s->map, (long)MAP_BYTES, flags);
}

/* The attributes of the last descriptor's file; with a name, of that one. */
STEP(do_fstatat)
{
	struct stat st;

	return SC(SYS_newfstatat, *w[1] ? AT_FDCWD : s->fd, w[1], &st,
		  *w[1] ? 0L : (long)AT_EMPTY_PATH);
}

/* What of the last descriptor's file is in memory is forgotten, unless it is dirty. */
STEP(do_drop)
{
	(void)w;
	return SC(SYS_fadvise64, s->fd, 0L, 0L, (long)POSIX_FADV_DONTNEED);
}

/* Bring all of it, without waiting for it. */
STEP(do_willneed)
{
	(void)w;
	return SC(SYS_fadvise64, s->fd, 0L, 0L, (long)POSIX_FADV_WILLNEED);
}

/* From now on reads through this descriptor bring what they ask for, and nothing ahead. */
STEP(do_random)
{
	(void)w;
	return SC(SYS_fadvise64, s->fd, 0L, 0L, (long)POSIX_FADV_RANDOM);
}

static char *map_whole(struct steps *s, size_t *size)
{
	struct stat st;
	char *map;

	if (fstat(s->fd, &st) || !st.st_size)
		return NULL;
	*size = (size_t)st.st_size;
	map = mmap(NULL, *size, PROT_READ, MAP_SHARED, s->fd, 0);
	return map == MAP_FAILED ? NULL : map;
}

static long faults_so_far(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_majflt + usage.ru_minflt;
}

/* Reads a byte of each page through a mapping: how many faults that took, as the kernel counts. */
STEP(do_touch)
{
	size_t size;
	volatile char *map = map_whole(s, &size);
	long faults = faults_so_far();

	(void)w;
	if (!map)
		return -errno;
	for (size_t i = 0; i < size; i += MAP_BYTES)
		(void)map[i];
	faults = faults_so_far() - faults;
	return munmap((char *)map, size) ? -errno : faults;
}

/* How many pages of the file are in memory. */
STEP(do_mincore)
{
	static unsigned char there[65536];
	size_t size;
	char *map = map_whole(s, &size);
	long n = 0;

	(void)w;
	if (!map || size / MAP_BYTES > sizeof(there) || mincore(map, size, there))
		return -errno;
	for (size_t i = 0; i < size / MAP_BYTES; i++)
		n += there[i] & 1;
	return munmap(map, size) ? -errno : n;
}

STEP(do_fstat)
{
	struct stat st;

	(void)w;
	return SC(SYS_fstat, s->fd, &st);
}

STEP(do_ftruncate)
{
	return SC(SYS_ftruncate, s->fd, strtol(w[1], NULL, 10));
}

/* --- names --- */

STEP(do_mknod)
{
	(void)s;
	return SC(SYS_mknod, w[1], S_IFREG | 0644, 0L);
}

STEP(do_mknodat)
{
	return SC(SYS_mknodat, s->dfd, w[1], S_IFIFO | 0644, 0L);
}

STEP(do_mkdir)
{
	(void)s;
	return SC(SYS_mkdir, w[1], 0755);
}

STEP(do_mkdirat)
{
	return SC(SYS_mkdirat, s->dfd, w[1], 0755);
}

STEP(do_unlink)
{
	(void)s;
	return SC(SYS_unlink, w[1]);
}

STEP(do_unlinkat)
{
	return SC(SYS_unlinkat, s->dfd, w[1], 0L);
}

STEP(do_rmdir)
{
	(void)s;
	return SC(SYS_rmdir, w[1]);
}

STEP(do_rmdirat)
{
	return SC(SYS_unlinkat, s->dfd, w[1], (long)AT_REMOVEDIR);
}

STEP(do_rename)
{
	(void)s;
	return SC(SYS_rename, w[1], w[2]);
}

STEP(do_renameat)
{
	return SC(SYS_renameat, s->dfd, w[1], s->dfd, w[2]);
}

STEP(do_renameat2)
{
	return SC(SYS_renameat2, s->dfd, w[1], s->dfd, w[2], rename_flags(w[3]));
}

STEP(do_link)
{
	return SC(SYS_linkat, s->dfd, w[1], s->dfd, w[2], 0L);
}

/* Gives the last descriptor's file a name. */
STEP(do_linkfd)
{
	char own[64];

	snprintf(own, sizeof(own), "/proc/self/fd/%d", s->fd);
	return SC(SYS_linkat, AT_FDCWD, own, s->dfd, w[1], (long)AT_SYMLINK_FOLLOW);
}

STEP(do_symlink)
{
	return SC(SYS_symlinkat, w[1], s->dfd, w[2]);
}

STEP(do_sleep)
{
	(void)s;
	sleep_ms(strtoul(w[1], NULL, 10));
	return 0;
}

/* --- io_uring and libaio: -ENOSYS where the kernel or its settings refuse them --- */

static long uring(struct steps *s, struct io_uring_sqe sqe)
{
	if (!s->has_ring && !ring_setup(&s->ring))
		return -ENOSYS;
	s->has_ring = true;
	return ring_do(&s->ring, &sqe);
}

#define ADDRESS(p) ((uint64_t)(uintptr_t)(p))

STEP(uring_open)
{
	int flags = open_flags(w[2]);
	struct io_uring_sqe sqe = { .opcode = IORING_OP_OPENAT,
				    .fd = s->dfd,
				    .addr = ADDRESS(w[1]),
				    .len = 0644,
				    .open_flags = (uint32_t)flags };

	return opened(s, uring(s, sqe));
}

STEP(uring_fsync)
{
	struct io_uring_sqe sqe = { .opcode = IORING_OP_FSYNC, .fd = s->fd };

	(void)w;
	return uring(s, sqe);
}

STEP(uring_read)
{
	struct io_uring_sqe sqe = { .opcode = IORING_OP_READ,
				    .fd = s->fd,
				    .addr = ADDRESS(data),
				    .len = (uint32_t)bytes_of(w[1]) };

	return uring(s, sqe);
}

STEP(uring_write)
{
	struct io_uring_sqe sqe = { .opcode = IORING_OP_WRITE,
				    .fd = s->fd,
				    .addr = ADDRESS(data),
				    .len = (uint32_t)bytes_of(w[1]) };

	return uring(s, sqe);
}

STEP(uring_unlink)
{
	struct io_uring_sqe sqe = { .opcode = IORING_OP_UNLINKAT,
				    .fd = s->dfd,
				    .addr = ADDRESS(w[1]) };

	return uring(s, sqe);
}

STEP(uring_rmdir)
{
	struct io_uring_sqe sqe = { .opcode = IORING_OP_UNLINKAT,
				    .fd = s->dfd,
				    .addr = ADDRESS(w[1]),
				    .unlink_flags = AT_REMOVEDIR };

	return uring(s, sqe);
}

STEP(uring_rename)
{
	struct io_uring_sqe sqe = { .opcode = IORING_OP_RENAMEAT,
				    .fd = s->dfd,
				    .len = (uint32_t)s->dfd,
				    .addr = ADDRESS(w[1]),
				    .off = ADDRESS(w[2]),
				    .rename_flags = rename_flags(w[3]) };

	return uring(s, sqe);
}

STEP(aio_fsync)
{
	struct iocb cb = { .aio_lio_opcode = IOCB_CMD_FSYNC, .aio_fildes = (uint32_t)s->fd };
	struct iocb *list[] = { &cb };
	struct io_event event;
	long ret;

	(void)w;
	if (!s->aio && SC(SYS_io_setup, 4L, &s->aio))
		return -ENOSYS;
	ret = SC(SYS_io_submit, s->aio, 1L, list);
	if (ret == 1 && SC(SYS_io_getevents, s->aio, 1L, 1L, &event, NULL) == 1)
		return (long)event.res;
	return ret;
}

STEP(aio_write)
{
	struct iocb cb = { .aio_lio_opcode = IOCB_CMD_PWRITE,
			   .aio_fildes = (uint32_t)s->fd,
			   .aio_buf = ADDRESS(data),
			   .aio_nbytes = bytes_of(w[1]) };
	struct iocb *list[] = { &cb };
	struct io_event event;
	long ret;

	if (!s->aio && SC(SYS_io_setup, 4L, &s->aio))
		return -ENOSYS;
	ret = SC(SYS_io_submit, s->aio, 1L, list);
	if (ret == 1 && SC(SYS_io_getevents, s->aio, 1L, 1L, &event, NULL) == 1)
		return (long)event.res;
	return ret;
}

/* Through a mapping: no call at all, but for the mmap. */
STEP(do_store)
{
	char *map = mmap(NULL, MAP_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);

	(void)w;
	if (map == MAP_FAILED)
		return -errno;
	map[0]++;
	return munmap(map, MAP_BYTES) ? -errno : 0;
}

const struct step_kind step_kinds[] = {
	{ "open", do_open },
	{ "creat", do_creat },
	{ "openat2", do_openat2 },
	{ "dirfd", do_dirfd },
	{ "cwd", do_cwd },
	{ "chdir", do_chdir },
	{ "close", do_close },
	{ "read", do_read },
	{ "pread", do_pread },
	{ "readv", do_readv },
	{ "preadv", do_preadv },
	{ "preadv2", do_preadv2 },
	{ "write", do_write },
	{ "pwrite", do_pwrite },
	{ "writev", do_writev },
	{ "pwritev", do_pwritev },
	{ "pwritev2", do_pwritev2 },
	{ "splice", do_splice },
	{ "fsync", do_fsync },
	{ "fdatasync", do_fdatasync },
	{ "msync", do_msync },
	{ "drop", do_drop },
	{ "willneed", do_willneed },
	{ "random", do_random },
	{ "touch", do_touch },
	{ "mincore", do_mincore },
	{ "fstat", do_fstat },
	{ "fstatat", do_fstatat },
	{ "ftruncate", do_ftruncate },
	{ "mknod", do_mknod },
	{ "mknodat", do_mknodat },
	{ "mkdir", do_mkdir },
	{ "mkdirat", do_mkdirat },
	{ "unlink", do_unlink },
	{ "unlinkat", do_unlinkat },
	{ "rmdir", do_rmdir },
	{ "rmdirat", do_rmdirat },
	{ "rename", do_rename },
	{ "renameat", do_renameat },
	{ "renameat2", do_renameat2 },
	{ "link", do_link },
	{ "linkfd", do_linkfd },
	{ "symlink", do_symlink },
	{ "sleep", do_sleep },
	{ "uring-open", uring_open },
	{ "uring-fsync", uring_fsync },
	{ "uring-read", uring_read },
	{ "uring-write", uring_write },
	{ "uring-unlink", uring_unlink },
	{ "uring-rmdir", uring_rmdir },
	{ "uring-rename", uring_rename },
	{ "aio-fsync", aio_fsync },
	{ "aio-write", aio_write },
	{ "store", do_store },
	{},
};
