// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Opens that fail, each with the error it is made for. */
#include "workload.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void expect(struct ctx *c, const char *id, const char *path, const char *full, int flags,
		   int mode, int err)
{
	long ret = op_openat(c, id, AT_FDCWD, path, full, flags, mode);

	if (ret != -err) {
		errno = ret < 0 ? (int)-ret : 0;
		die(id);
	}
}

static void as_nobody(struct ctx *c, const char *dir)
{
	if (syscall(SYS_setresuid, 65534, 65534, 65534))
		die("setresuid");
	expect(c, "eacces", "locked", join(dir, "locked"), O_RDONLY, 0, EACCES);
	expect(c, "eacces-dir", "closed/inner", join(dir, "closed/inner"), O_RDONLY, 0, EACCES);
	expect(c, "eperm", "plain", join(dir, "plain"), O_RDONLY | O_NOATIME, 0, EPERM);
}

static void out_of_descriptors(struct ctx *c, const char *dir)
{
	struct rlimit none = { 3, 3 };

	if (setrlimit(RLIMIT_NOFILE, &none))
		die("setrlimit");
	expect(c, "emfile", "plain", join(dir, "plain"), O_RDONLY, 0, EMFILE);
}

static void too_long(struct ctx *c, const char *dir)
{
	static char name[257], path[6000];
	struct want w = {
		"enametoolong-path", "openat", path, path, FULL_PREFIX, O_RDONLY, -1, 4095, true
	};
	long ret;

	memset(name, 'n', 256);
	expect(c, "enametoolong", name, join(dir, name), O_RDONLY, 0, ENAMETOOLONG);
	for (size_t i = 0; i < sizeof(path) - 1; i++)
		path[i] = i % 100 ? 'p' : '/';
	ret = SC(SYS_openat, AT_FDCWD, path, O_RDONLY, 0);
	/* Only 4,095 bytes of it can be a path; a tracer needn't show more than their start. */
	path[1000] = '\0';
	w.path_len = 1000;
	op_record(c, &w, ret);
}

void opens_failures(struct ctx *c, const char *dir)
{
	struct want w = { "efault", "openat", NULL, NULL, FULL_ANY, O_RDONLY, -1, 0, 0 };

	expect(c, "enoent", "missing", join(dir, "missing"), O_RDONLY, 0, ENOENT);
	expect(c, "enoent-absolute", join(dir, "missing/deep"), join(dir, "missing/deep"), O_RDONLY,
	       0, ENOENT);
	expect(c, "enoent-empty", "", NULL, O_RDONLY, 0, ENOENT);
	expect(c, "eexist", "plain", join(dir, "plain"), O_CREAT | O_EXCL | O_WRONLY, 0600, EEXIST);
	if (symlink("loop", "loop"))
		die("loop");
	expect(c, "eloop", "loop", join(dir, "loop"), O_RDONLY, 0, ELOOP);
	expect(c, "eloop-nofollow", "link", join(dir, "link"), O_RDONLY | O_NOFOLLOW, 0, ELOOP);
	expect(c, "enotdir", "plain/x", join(dir, "plain/x"), O_RDONLY, 0, ENOTDIR);
	expect(c, "enotdir-flag", "plain", join(dir, "plain"), O_RDONLY | O_DIRECTORY, 0, ENOTDIR);
	expect(c, "eisdir", dir, dir, O_WRONLY, 0, EISDIR);
	if (mknod("fifo", S_IFIFO | 0600, 0))
		die("fifo");
	expect(c, "enxio", "fifo", join(dir, "fifo"), O_WRONLY | O_NONBLOCK, 0, ENXIO);
	op_record(c, &w, SC(SYS_openat, AT_FDCWD, (char *)8, O_RDONLY, 0));
	op_openat(c, "ebadf", 999, "plain", NULL, O_RDONLY, 0);
	too_long(c, dir);
	in_child(c, out_of_descriptors, dir);
	if (geteuid() != 0)
		return;
	make_file("locked", 0600);
	if (mkdir("closed", 0700))
		die("closed");
	in_child(c, as_nobody, dir);
}
