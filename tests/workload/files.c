// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Reads and writes by every route, and of files that have several names or none. Of an op, id says
 * r or w and the descriptor ("w9"), call the route, flags the bytes asked for, mode the offset (-1:
 * there is none), full which file. What reads one file and writes another is two ops.
 */
#include "files.h"
#include "uring.h"
#include "workload.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define SIZE FILE_SIZE

static char data[1 << 20] __attribute__((aligned(4096)));

void file_record(struct ctx *c, char rw, long fd, const char *route, const char *path,
		 int64_t asked, int64_t offset, long ret)
{
	struct want w = { .call = route, .full = path, .flags = asked, .mode = offset };
	char *id;

	if (asprintf(&id, "%c%ld", rw, fd) < 0)
		die("asprintf");
	w.id = id;
	w.match = path ? FULL_EXACT : FULL_ANY;
	op_record(c, &w, ret);
}

int file_open(const char *path, int flags)
{
	long fd = SC(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0644);

	if (fd < 0) {
		errno = (int)-fd;
		die(path);
	}
	return (int)fd;
}

static long do_write(struct ctx *c, int fd, const char *path, long n, int64_t offset)
{
	long ret = SC(SYS_write, fd, data, n);

	file_record(c, 'w', fd, "write", path, n, offset, ret);
	return ret;
}

static long do_read(struct ctx *c, int fd, const char *path, long n, int64_t offset)
{
	long ret = SC(SYS_read, fd, data, n);

	file_record(c, 'r', fd, "read", path, n, offset, ret);
	return ret;
}

static void plain(struct ctx *c, int fd, const char *f)
{
	do_write(c, fd, f, 100, 0);
	do_write(c, fd, f, 200, 100);
	lseek(fd, 0, SEEK_SET);
	do_read(c, fd, f, 64, 0);
	lseek(fd, SIZE - 236, SEEK_SET);
	do_read(c, fd, f, 1000, SIZE - 236);
	do_read(c, fd, f, 1000, SIZE);
	file_record(c, 'w', fd, "pwrite", f, 50, 1000, SC(SYS_pwrite64, fd, data, 50L, 1000L));
	file_record(c, 'r', fd, "pread", f, 60, 990, SC(SYS_pread64, fd, data, 60L, 990L));
}

static void vectors(struct ctx *c, int fd, const char *f)
{
	struct iovec two[2] = { { data, 10 }, { data + 50, 20 } }, many[20];
	long ret = 0;

	for (int i = 0; i < 20; i++)
		many[i] = (struct iovec){ data + 10 * i, 5 };
	lseek(fd, 300, SEEK_SET);
	file_record(c, 'w', fd, "writev", f, 30, 300, SC(SYS_writev, fd, two, 2L));
	file_record(c, 'r', fd, "readv", f, 100, 330, SC(SYS_readv, fd, many, 20L));
	file_record(c, 'r', fd, "preadv", f, 30, 5, SC(SYS_preadv, fd, two, 2L, 5L, 0L));
	file_record(c, 'w', fd, "pwritev", f, 30, 2000, SC(SYS_pwritev, fd, two, 2L, 2000L, 0L));
	file_record(c, 'r', fd, "preadv2", f, 30, 7, SC(SYS_preadv2, fd, two, 2L, 7L, 0L, 0L));
	file_record(c, 'r', fd, "preadv2", f, 30, 430, SC(SYS_preadv2, fd, two, 2L, -1L, 0L, 0L));
	file_record(c, 'w', fd, "pwritev2", f, 30, 3000,
		    SC(SYS_pwritev2, fd, two, 2L, 3000L, 0L, (long)RWF_DSYNC));
	file_record(c, 'w', fd, "pwritev2", f, 30, SIZE,
		    SC(SYS_pwritev2, fd, two, 2L, 0L, 0L, (long)RWF_APPEND));
	/* what a reader or the disk still holds isn't dropped: not at the first try */
	for (int i = 0; i < 20 && ret != -EAGAIN; i++) {
		if (fsync(fd) || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
			die("drop from the cache");
		ret = SC(SYS_preadv2, fd, two, 2L, 0L, 0L, (long)RWF_NOWAIT);
		file_record(c, 'r', fd, "preadv2", f, 30, 0, ret);
	}
}

static void opened_otherwise(struct ctx *c, const char *f)
{
	int append = file_open(f, O_WRONLY | O_APPEND), direct = file_open(f, O_RDONLY | O_DIRECT);

	do_write(c, append, f, 5, SIZE + 30);
	do_read(c, append, f, 5, SIZE + 35); /* only for writing: EBADF */
	file_record(c, 'r', direct, "pread", f, 4096, 0, SC(SYS_pread64, direct, data, 4096L, 0L));
	close(append);
	close(direct);
}

/* From @in to @out: the same call once for each. */
static void copied(struct ctx *c, const char *route, int in, const char *from, int64_t from_at,
		   int out, const char *to, int64_t to_at, long asked, long ret)
{
	file_record(c, 'r', in, route, from, asked, from_at, ret);
	file_record(c, 'w', out, route, to, asked, to_at, ret);
}

static const char *numbered(const char *kind, int fd)
{
	struct stat st;
	char *name;

	if (fstat(fd, &st) || asprintf(&name, "%s:[%lu]", kind, st.st_ino) < 0)
		die(kind);
	return name;
}

static void copies(struct ctx *c, int fd, const char *f, const char *g)
{
	int out = file_open(g, O_RDWR | O_CREAT), p[2];
	const char *pipe_name;
	loff_t in_at = 10, out_at = 500;

	if (pipe2(p, O_CLOEXEC))
		die("pipe2");
	pipe_name = numbered("pipe", p[0]);
	copied(c, "sendfile", fd, f, 10, out, g, 0, 40, SC(SYS_sendfile, out, fd, &in_at, 40L));
	lseek(fd, 200, SEEK_SET);
	copied(c, "sendfile", fd, f, 200, out, g, 40, 30, SC(SYS_sendfile, out, fd, NULL, 30L));
	in_at = 0;
	copied(c, "copy_file_range", fd, f, 0, out, g, 500, 70,
	       SC(SYS_copy_file_range, fd, &in_at, out, &out_at, 70L, 0L));
	in_at = 20;
	copied(c, "splice", fd, f, 20, p[1], pipe_name, -1, 33,
	       SC(SYS_splice, fd, &in_at, p[1], NULL, 33L, 0L));
	out_at = 600;
	copied(c, "splice", p[0], pipe_name, -1, out, g, 600, 33,
	       SC(SYS_splice, p[0], NULL, out, &out_at, 33L, 0L));
	do_write(c, p[1], pipe_name, 11, -1);
	do_read(c, p[0], pipe_name, 20, -1);
	close(out);
	close(p[0]);
	close(p[1]);
}

static void other_files(struct ctx *c, const char *dir)
{
	int s[2], null = file_open("/dev/null", O_WRONLY), zero = file_open("/dev/zero", O_RDONLY);
	int full = file_open("/dev/full", O_WRONLY), d = file_open(dir, O_RDONLY | O_DIRECTORY);
	int status = file_open("/proc/self/status", O_RDONLY);
	char proc[64];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s))
		die("socketpair");
	do_write(c, s[0], numbered("socket", s[0]), 13, -1);
	do_read(c, s[1], numbered("socket", s[1]), 50, -1);
	do_write(c, null, "/dev/null", 12, -1);
	do_read(c, zero, "/dev/zero", 9, -1);
	file_record(c, 'r', zero, "read", "/dev/zero", 9, -1, SC(SYS_read, zero, (char *)8, 9L));
	do_write(c, full, "/dev/full", 7, -1);
	do_read(c, 999, NULL, 1, -1);
	do_read(c, d, dir, 1, -1);
	snprintf(proc, sizeof(proc), "/proc/%d/status", (int)getpid());
	do_read(c, status, proc, 64, 0);
}

#define ADDRESS(p) ((uint64_t)(uintptr_t)(p))

static void by_uring(struct ctx *c, int fd, const char *f)
{
	struct iovec two[2] = { { data, 10 }, { data + 50, 20 } }, buffer = { data, 4096 };
	struct ring r;

	if (!ring_setup(&r)) {
		extra_add(c, "uring_refused", errno);
		return;
	}
#define DO(rw, route, n, at, fd_, ...)                                                             \
	file_record(c, rw, fd_, "io_uring " route, f, n, at,                                       \
		    ring_do(&r, &(struct io_uring_sqe){ .fd = fd_, .off = at, __VA_ARGS__ }))
	DO('r', "read", 21, 100, fd, .opcode = IORING_OP_READ, .addr = ADDRESS(data), .len = 21);
	DO('w', "write", 22, 110, fd, .opcode = IORING_OP_WRITE, .addr = ADDRESS(data), .len = 22);
	DO('r', "readv", 30, 120, fd, .opcode = IORING_OP_READV, .addr = ADDRESS(two), .len = 2);
	DO('w', "writev", 30, 130, fd, .opcode = IORING_OP_WRITEV, .addr = ADDRESS(two), .len = 2);
	DO('r', "read", 23, 140, fd, .opcode = IORING_OP_READ, .addr = ADDRESS(data), .len = 23,
	   .flags = IOSQE_ASYNC);
	DO('r', "read", 24, SIZE * 2, fd, .opcode = IORING_OP_READ, .addr = ADDRESS(data),
	   .len = 24);
	if (syscall(SYS_io_uring_register, r.fd, IORING_REGISTER_BUFFERS, &buffer, 1))
		die("register buffers");
	DO('r', "read_fixed", 25, 150, fd, .opcode = IORING_OP_READ_FIXED, .addr = ADDRESS(data),
	   .len = 25);
	DO('w', "write_fixed", 26, 160, fd, .opcode = IORING_OP_WRITE_FIXED, .addr = ADDRESS(data),
	   .len = 26);
	if (syscall(SYS_io_uring_register, r.fd, IORING_REGISTER_FILES, &fd, 1))
		die("register files");
	DO('w', "write", 27, 170, 0, .opcode = IORING_OP_WRITE, .addr = ADDRESS(data), .len = 27,
	   .flags = IOSQE_FIXED_FILE);
#undef DO
	close(r.fd);
}

static void routes(struct ctx *c, const char *dir)
{
	const char *f = join(dir, "data"), *g = join(dir, "copy");
	int fd = file_open(f, O_RDWR | O_CREAT);

	if (ftruncate(fd, SIZE))
		die("ftruncate");
	plain(c, fd, f);
	vectors(c, fd, f);
	opened_otherwise(c, f);
	copies(c, fd, f, g);
	other_files(c, dir);
	by_uring(c, fd, f);
}

/* --- one file, several names --- */

static void make_dir(const char *dir, const char *name)
{
	if (mkdir(join(dir, name), 0755) && errno != EEXIST)
		die(name);
}

static void names(struct ctx *c, const char *dir)
{
	int a = file_open(join(dir, "h1"), O_WRONLY | O_CREAT), b;

	if (link(join(dir, "h1"), join(dir, "h2")))
		die("link");
	b = file_open(join(dir, "h2"), O_WRONLY);
	do_write(c, a, join(dir, "h1"), 3, 0);
	do_write(c, b, join(dir, "h2"), 5, 0);
	a = file_open(join(dir, "r1"), O_WRONLY | O_CREAT);
	do_write(c, a, join(dir, "r1"), 4, 0);
	if (rename(join(dir, "r1"), join(dir, "r2")))
		die("rename");
	do_write(c, a, join(dir, "r2"), 6, 4);
	make_dir(dir, "d1");
	a = file_open(join(dir, "d1/x"), O_WRONLY | O_CREAT);
	do_write(c, a, join(dir, "d1/x"), 1, 0);
	if (rename(join(dir, "d1"), join(dir, "d2")))
		die("rename of a directory");
	do_write(c, a, join(dir, "d2/x"), 2, 1);
	a = file_open(join(dir, "del"), O_WRONLY | O_CREAT);
	do_write(c, a, join(dir, "del"), 7, 0);
	if (unlink(join(dir, "del")))
		die("unlink");
	do_write(c, a, join(dir, "del (deleted)"), 8, 7);
}

static void mounted(const char *type, const char *what, const char *where, unsigned long flags,
		    const char *options)
{
	if (mount(what, where, type, flags, options))
		die(where);
}

static int64_t inode_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		die("fstat");
	return (int64_t)st.st_ino;
}

static void mounts(struct ctx *c, const char *dir)
{
	int a, b;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		die("unshare");
	make_dir(dir, "from");
	make_dir(dir, "onto");
	mounted(NULL, join(dir, "from"), join(dir, "onto"), MS_BIND, NULL);
	a = file_open(join(dir, "from/f"), O_WRONLY | O_CREAT);
	b = file_open(join(dir, "onto/f"), O_WRONLY);
	do_write(c, a, join(dir, "from/f"), 9, 0);
	do_write(c, b, join(dir, "onto/f"), 10, 0);
	make_dir(dir, "t1");
	make_dir(dir, "t2");
	mounted("tmpfs", "none", join(dir, "t1"), 0, NULL);
	mounted("tmpfs", "none", join(dir, "t2"), 0, NULL);
	a = file_open(join(dir, "t1/a"), O_WRONLY | O_CREAT);
	b = file_open(join(dir, "t2/a"), O_WRONLY | O_CREAT);
	do_write(c, a, join(dir, "t1/a"), 16, 0);
	do_write(c, b, join(dir, "t2/a"), 17, 0);
	extra_add(c, "ino1", inode_of(a));
	extra_add(c, "ino2", inode_of(b));
}

/* A file lower/low of 100 bytes, seen as merged/low. False: the kernel has no overlayfs. */
static bool overlay_mounted(struct ctx *c, const char *dir)
{
	static const char *const dirs[] = { "lower", "upper", "work", "merged" };
	char options[8192];
	int a;

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		make_dir(dir, dirs[i]);
	a = file_open(join(dir, "lower/low"), O_WRONLY | O_CREAT);
	if (ftruncate(a, 100))
		die("ftruncate");
	close(a);
	snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s,workdir=%s", join(dir, "lower"),
		 join(dir, "upper"), join(dir, "work"));
	if (!mount("overlay", join(dir, "merged"), "overlay", 0, options))
		return true;
	extra_add(c, "overlay_refused", errno);
	return false;
}

static void overlay(struct ctx *c, const char *dir)
{
	int a;

	if (!overlay_mounted(c, dir))
		return;
	a = file_open(join(dir, "merged/up"), O_WRONLY | O_CREAT);
	do_write(c, a, join(dir, "merged/up"), 11, 0);
	a = file_open(join(dir, "upper/up"), O_WRONLY);
	do_write(c, a, join(dir, "upper/up"), 12, 0);
	a = file_open(join(dir, "merged/low"), O_RDONLY);
	do_read(c, a, join(dir, "merged/low"), 13, 0);
	a = file_open(join(dir, "lower/low"), O_RDONLY);
	do_read(c, a, join(dir, "lower/low"), 14, 0);
	a = file_open(join(dir, "merged/low"), O_RDWR);
	do_write(c, a, join(dir, "merged/low"), 15, 0);
}

static void identity(struct ctx *c, const char *dir)
{
	names(c, dir);
	mounts(c, dir);
	overlay(c, dir);
}

/* Every route through an overlay, which makes calls of its own on the files below. */
static void stacked(struct ctx *c, const char *dir)
{
	const char *low, *to, *pipe_name;
	struct iovec two[2] = { { data, 3 }, { data, 4 } };
	loff_t in_at = 0, out_at = 0;
	int in, out, p[2];

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		die("unshare");
	if (!overlay_mounted(c, dir))
		return;
	if (pipe2(p, O_CLOEXEC))
		die("pipe2");
	pipe_name = numbered("pipe", p[0]);
	low = join(dir, "merged/low");
	to = join(dir, "merged/to");
	in = file_open(low, O_RDONLY);
	out = file_open(to, O_RDWR | O_CREAT);
	do_read(c, in, low, 13, 0);
	file_record(c, 'r', in, "readv", low, 7, 13, SC(SYS_readv, in, two, 2L));
	do_write(c, out, to, 11, 0);
	file_record(c, 'w', out, "writev", to, 7, 11, SC(SYS_writev, out, two, 2L));
	copied(c, "sendfile", in, low, 0, out, to, 18, 40, SC(SYS_sendfile, out, in, &in_at, 40L));
	copied(c, "copy_file_range", in, low, 40, out, to, 0, 50,
	       SC(SYS_copy_file_range, in, &in_at, out, &out_at, 50L, 0L));
	copied(c, "splice", in, low, 20, p[1], pipe_name, -1, 33,
	       SC(SYS_splice, in, NULL, p[1], NULL, 33L, 0L));
	copied(c, "splice", p[0], pipe_name, -1, out, to, 58, 33,
	       SC(SYS_splice, p[0], NULL, out, NULL, 33L, 0L));
}

/* --- what the catalogue of commands states --- */

/* 300 writes of 7 bytes by descriptor 9, a bad descriptor, a full device, a pwrite, a writev. */
static void three_hundred(struct ctx *c, const char *dir)
{
	const char *f = join(dir, "nine");
	struct iovec two[2] = { { data, 3 }, { data, 4 } };
	int fd = file_open(f, O_WRONLY | O_CREAT), full = file_open("/dev/full", O_WRONLY);

	if (dup3(fd, 9, O_CLOEXEC) < 0)
		die("dup3");
	for (int i = 0; i < 300; i++)
		do_write(c, 9, f, 7, 7 * i);
	do_write(c, 999, NULL, 7, -1);
	do_write(c, full, "/dev/full", 7, -1);
	file_record(c, 'w', fd, "pwrite", f, 7, 0, SC(SYS_pwrite64, fd, data, 7L, 0L));
	file_record(c, 'w', fd, "writev", f, 7, 2100, SC(SYS_writev, fd, two, 2L));
}

/* 1 MiB in 256 writes; 100 reads of 1 MiB from a file of 10 bytes. */
static void sizes(struct ctx *c, const char *dir)
{
	const char *big = join(dir, "big"), *ten = join(dir, "ten");
	int fd = file_open(big, O_WRONLY | O_CREAT);

	for (int i = 0; i < 256; i++)
		do_write(c, fd, big, 4096, 4096L * i);
	fd = file_open(ten, O_RDWR | O_CREAT);
	do_write(c, fd, ten, 10, 0);
	for (int i = 0; i < 100; i++)
		file_record(c, 'r', fd, "pread", ten, sizeof(data), 0,
			    SC(SYS_pread64, fd, data, sizeof(data), 0L));
}

/* --- trees of directories --- */

static void put(struct ctx *c, const char *dir, const char *name, long n)
{
	int fd = file_open(join(dir, name), O_WRONLY | O_CREAT);

	do_write(c, fd, join(dir, name), n, 0);
	close(fd);
}

static void tree(struct ctx *c, const char *dir)
{
	static const char *const dirs[] = { "d/x", "d/x/y", "a/b", "a/b/e", "a/m" };
	const char *deep = join(dir, "d/x/y/f");
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		make_dir(dir, dirs[i]);
	fd = file_open(deep, O_RDWR | O_CREAT);
	if (ftruncate(fd, 1 << 20))
		die("ftruncate");
	for (int i = 0; i < 16; i++)
		do_read(c, fd, deep, 65536, 65536L * i);
	put(c, dir, "data/f", 100);
	put(c, dir, "data2/f", 50);
	put(c, dir, "a/f", 10);
	put(c, dir, "a/b/f", 20);
	put(c, dir, "a/b/e/f", 40);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		die("unshare");
	mounted("tmpfs", "none", join(dir, "a/m"), 0, NULL);
	put(c, dir, "a/m/f", 80);
	put(c, dir, "elsewhere", 1000);
	/* in and out again: where it is when it is written counts */
	fd = file_open(join(dir, "data/moves"), O_WRONLY | O_CREAT);
	do_write(c, fd, join(dir, "data/moves"), 3, 0);
	if (rename(join(dir, "data/moves"), join(dir, "data2/moves")))
		die("rename");
	do_write(c, fd, join(dir, "data2/moves"), 5, 3);
}

int cmd_files(struct ctx *c)
{
	static const struct {
		const char *name;
		void (*run)(struct ctx *c, const char *dir);
	} parts[] = { { "routes", routes },
		      { "identity", identity },
		      { "300", three_hundred },
		      { "sizes", sizes },
		      { "stacked", stacked },
		      { "tree", tree },
		      { "aio", files_aio },
		      { "aio_syncs", files_aio_syncs },
		      { "aio_uncollected", files_aio_uncollected } };
	const char *dir = arg_str(c, 1, NULL);

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (strcmp(parts[i].name, arg_str(c, 0, NULL)))
			continue;
		parts[i].run(c, dir);
		return 0;
	}
	return 2;
}
