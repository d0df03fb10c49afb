// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Each call that changes what is mounted, in a mount namespace of its own. Of an op, path is the
 * call as it is to be shown, without its result, and flags the namespace's inode.
 */
#include "workload.h"
#include "ia32call.h"

#include <linux/mount.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define MS_RDONLY_  1u
#define MS_NOSUID_  2u
#define MS_NODEV_   4u
#define MS_REMOUNT_ 32u
#define MS_BIND_    4096u
#define MS_REC_	    16384u
#define MS_PRIVATE_ (1u << 18)
#define DETACH	    2

static int64_t namespace_inode(void)
{
	struct stat s;

	if (stat("/proc/self/ns/mnt", &s))
		die("/proc/self/ns/mnt");
	return (int64_t)s.st_ino;
}

__attribute__((format(printf, 4, 5))) static long record(struct ctx *c, const char *id, long ret,
							 const char *fmt, ...)
{
	static char text[32768];
	struct want w = { id, "", text, NULL, FULL_ANY, namespace_inode(), -1, 0, false };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	op_record(c, &w, ret);
	return ret;
}

static void old_api(struct ctx *c)
{
	static char longest[4096], longer[5001];
	long ret;

	ret = SC(SYS_mount, "none", "mnt", "tmpfs", (long)(MS_NOSUID_ | MS_NODEV_), "size=1M");
	record(c, "mount", ret,
	       "mount(\"none\", \"mnt\", \"tmpfs\", MS_NOSUID|MS_NODEV, \"size=1M\")");
	ret = SC(SYS_mount, NULL, "mnt", NULL, (long)(MS_REMOUNT_ | MS_RDONLY_), NULL);
	record(c, "remount", ret, "mount(NULL, \"mnt\", NULL, MS_RDONLY|MS_REMOUNT, NULL)");
	ret = SC(SYS_umount2, "mnt", DETACH);
	record(c, "detach", ret, "umount2(\"mnt\", MNT_DETACH)");
	ret = SC(SYS_umount2, "mnt", 0);
	record(c, "einval", ret, "umount2(\"mnt\", 0x0)");
	ret = SC(SYS_mount, "from", "mnt", NULL, (long)MS_BIND_, NULL);
	record(c, "bind", ret, "mount(\"from\", \"mnt\", NULL, MS_BIND, NULL)");
	ret = SC(SYS_umount2, "mnt", 0);
	record(c, "umount", ret, "umount2(\"mnt\", 0x0)");
	ret = SC(SYS_mount, "host:/dir", "mnt", "fuse.sshfs", 0L, "fd=9,\"quoted\\\"");
	record(c, "fuse.sshfs", ret,
	       "mount(\"host:/dir\", \"mnt\", \"fuse.sshfs\", 0x0, \"fd=9,\\\"quoted\\\\\\\"\")");
	memset(longest, 'x', 4095);
	memset(longer, 'y', 5000);
	ret = SC(SYS_mount, longest, "mnt", "tmpfs", 0L, longest);
	record(c, "4k", ret, "mount(\"%s\", \"mnt\", \"tmpfs\", 0x0, \"%s\")", longest, longest);
	ret = SC(SYS_mount, "none", "mnt", "tmpfs", 0L, longer);
	record(c, "longer", ret, "mount(\"none\", \"mnt\", \"tmpfs\", 0x0, \"%.4095s\"...)",
	       longer);
	ret = SC(SYS_mount, (void *)8, "mnt", NULL, (long)MS_BIND_, NULL);
	record(c, "efault", ret, "mount(0x8, \"mnt\", NULL, MS_BIND, NULL)");
	ret = SC(SYS_pivot_root, "mnt", "mnt/old");
	record(c, "pivot_root", ret, "pivot_root(\"mnt\", \"mnt/old\")");
}

static void new_api(struct ctx *c)
{
	struct {
		uint64_t set, clr, propagation, userns_fd;
	} attr = { .set = 1, .clr = 2, .propagation = MS_PRIVATE_ };
	long fs = SC(SYS_fsopen, "tmpfs", 1), mnt, tree, ret;

	record(c, "fsopen", fs, "fsopen(\"tmpfs\", FSOPEN_CLOEXEC)");
	ret = SC(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "size", "1M", 0);
	record(c, "string", ret, "fsconfig(%ld, FSCONFIG_SET_STRING, \"size\", \"1M\", 0)", fs);
	ret = SC(SYS_fsconfig, fs, FSCONFIG_SET_FLAG, "ro", NULL, 0);
	record(c, "flag", ret, "fsconfig(%ld, FSCONFIG_SET_FLAG, \"ro\", NULL, 0)", fs);
	ret = SC(SYS_fsconfig, fs, FSCONFIG_SET_BINARY, "blob", "a\0b\"", 4);
	record(c, "binary", ret, "fsconfig(%ld, FSCONFIG_SET_BINARY, \"blob\", \"a\1b\\\"\", 4)",
	       fs);
	ret = SC(SYS_fsconfig, fs, FSCONFIG_SET_FD, "fd", NULL, 1);
	record(c, "fd", ret, "fsconfig(%ld, FSCONFIG_SET_FD, \"fd\", NULL, 1)", fs);
	ret = SC(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	record(c, "create", ret, "fsconfig(%ld, FSCONFIG_CMD_CREATE, NULL, NULL, 0)", fs);
	mnt = SC(SYS_fsmount, fs, 1, 2);
	record(c, "fsmount", mnt, "fsmount(%ld, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID)", fs);
	ret = SC(SYS_move_mount, mnt, "", AT_FDCWD, "mnt", 4);
	record(c, "move_mount", ret,
	       "move_mount(%ld, \"\", AT_FDCWD, \"mnt\", MOVE_MOUNT_F_EMPTY_PATH)", mnt);
	tree = SC(SYS_open_tree, AT_FDCWD, "mnt", (long)(OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
	record(c, "open_tree", tree,
	       "open_tree(AT_FDCWD, \"mnt\", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC)");
	ret = SC(SYS_fspick, AT_FDCWD, "mnt", 2);
	record(c, "fspick", ret, "fspick(AT_FDCWD, \"mnt\", FSPICK_SYMLINK_NOFOLLOW)");
	ret = SC(SYS_mount_setattr, AT_FDCWD, "mnt", 0x8000, &attr, sizeof(attr));
	record(c, "setattr", ret,
	       "mount_setattr(AT_FDCWD, \"mnt\", AT_RECURSIVE, {attr_set=MOUNT_ATTR_RDONLY, "
	       "attr_clr=MOUNT_ATTR_NOSUID, propagation=MS_PRIVATE, userns_fd=0}, 32)");
	ret = SC(SYS_umount2, "mnt", DETACH);
	record(c, "umount-last", ret, "umount2(\"mnt\", MNT_DETACH)");
}

static void awkward(struct ctx *c, bool with_ia32)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *name = p + page - sizeof("edge");
	long ret;

	if (p == MAP_FAILED || munmap(p + page, page))
		die("edge");
	strcpy(name, "edge");
	ret = SC(SYS_umount2, name, 0);
	record(c, "page-end", ret, "umount2(\"edge\", 0x0)");
	ret = SC(SYS_umount2, "line\nfeed", 0x40000001);
	record(c, "hostile", ret, "umount2(\"line\nfeed\", MNT_FORCE|0x40000000)");
#if HAVE_IA32
	if (with_ia32) {
		ret = ia32(22, low(low_string("old")), 0, 0, 0);
		record(c, "ia32-umount", ret, "umount(\"old\")");
	}
#else
	(void)with_ia32;
#endif
}

static void as_nobody(struct ctx *c)
{
	pid_t pid = fork();

	if (!pid) {
		long ret;

		if (syscall(SYS_setresuid, 65534, 65534, 65534))
			die("setresuid");
		ret = SC(SYS_mount, "none", "mnt", "tmpfs", 0L, NULL);
		record(c, "eperm", ret, "mount(\"none\", \"mnt\", \"tmpfs\", 0x0, NULL)");
		_exit(0);
	}
	wait_for(pid);
}

int cmd_mounts(struct ctx *c)
{
	const char *dir = arg_str(c, 0, NULL);
	bool with_ia32 = ia32_offered(c);
	pid_t pid;

	if (chdir(dir) || mkdir("mnt", 0755) || mkdir("from", 0755))
		die(dir);
	record(c, "outside", SC(SYS_umount2, "nothing", 0), "umount2(\"nothing\", 0x0)");
	pid = fork();
	if (!pid) {
		long ret;

		if (unshare(CLONE_NEWNS))
			die("unshare");
		ret = SC(SYS_mount, NULL, "/", NULL, (long)(MS_REC_ | MS_PRIVATE_), NULL);
		record(c, "private", ret, "mount(NULL, \"/\", NULL, MS_REC|MS_PRIVATE, NULL)");
		old_api(c);
		new_api(c);
		awkward(c, with_ia32);
		as_nobody(c);
		_exit(0);
	}
	wait_for(pid);
	return 0;
}
