/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Where it was: the file or the directory that most of the time of I/O went to, and what failed. */
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/rows/syscalls.h"
#include "tools/layers/ledger.h"

struct dir_sum {
	uint64_t ns;
	const char *path; /* of one of its files */
};

/* How long the directory's part of @path is; 0: it has none, like a pipe. */
static size_t dir_len(const char *path)
{
	const char *end = path && path[0] == '/' ? strrchr(path, '/') : NULL;

	return end ? (size_t)(end - path) : 0;
}

/* The directory whose files took more than half of @io_ns, in @room. */
static const char *heaviest_dir(struct keymap *files, uint64_t io_ns, char *room, size_t size)
{
	struct keymap dirs = KEYMAP(uint64_t, struct dir_sum);
	bool found = false;

	for (size_t i = 0; i < files->n && !found; i++) {
		const struct sum_row *row = keymap_value(files, i);
		size_t len = dir_len(row->path);
		uint64_t key = len ? hash_bytes(HASH_START, row->path, len) : 0;
		struct dir_sum *dir = len && len < size ? keymap_get(&dirs, &key, true) : NULL;

		if (!dir)
			continue;
		dir->ns += row->cells.lat_ns;
		if (dir->ns * 2 <= io_ns)
			continue;
		memcpy(room, row->path, len);
		room[len] = '\0';
		found = true;
	}
	keymap_free(&dirs);
	return found ? room : NULL;
}

void ledger_where(struct keymap *files, uint64_t io_ns, struct verdict *v)
{
	for (size_t i = 0; i < files->n; i++) {
		const struct sum_row *row = keymap_value(files, i);

		if (row->cells.lat_ns * 2 > io_ns)
			v->path = row->path;
	}
	if (!v->path)
		v->dir = heaviest_dir(files, io_ns, v->dir_room, sizeof(v->dir_room));
}

/* --- what calls were about that aren't followed by file --- */

/* A call as it is named everywhere: "pread", not "pread64". */
static void name_call(char key[TIME_NAME], uint32_t number)
{
	char name[TIME_NAME];

	memset(key, 0, TIME_NAME);
	strncpy(key, ledger_call_name(number, name, sizeof(name)), TIME_NAME - 1);
	if (!strcmp(key, "pread64") || !strcmp(key, "pwrite64"))
		memset(key + strlen(key) - 2, 0, 2);
}

/* Its path, into @path, which ends with '\0'; "" where it is about none. */
static void about_path(struct ledger *l, const struct layers_about *about, char *path, size_t size)
{
	const char *from =
		about->name_len && about->name[0] == '/' ? NULL : ledger_path(l, &about->file);
	const char *rest = about->name_len == NAME_KEPT - 1 ? "…" : ""; /* it was longer */
	int len = (int)about->name_len;

	if (!from)
		snprintf(path, size, "%.*s%s", len, about->name, rest);
	else if (!len || (len == 1 && about->name[0] == '.'))
		snprintf(path, size, "%s", from);
	else
		snprintf(path, size, "%s/%.*s%s", strcmp(from, "/") ? from : "", len, about->name,
			 rest);
}

void ledger_add_failures(struct life *life, const struct layers_failure *f)
{
	char key[TIME_NAME];
	struct layers_failure *to;

	for (int i = 0; i < FAILURES; i++) {
		if (!f[i].ret)
			continue;
		name_call(key, f[i].slot);
		to = keymap_get(&life->failures, key, true);
		if (to && (!to->ret || f[i].about.name_len))
			*to = f[i];
	}
}

void ledger_explain_failures(struct ledger *l, struct life *life, const char *call,
			     struct failure *out)
{
	char key[TIME_NAME] = "";
	const struct layers_failure *f;

	strncpy(key, call, sizeof(key) - 1);
	f = keymap_get(&life->failures, key, false);
	if (!f)
		return;
	out->ret = f->ret;
	about_path(l, &f->about, out->path, sizeof(out->path));
}

void ledger_add_samples(struct life *life, const struct layers_sampled *s)
{
	for (int i = 0; i < SAMPLED; i++) {
		uint32_t key = (uint32_t)life->samples.n;
		struct layers_sampled *to =
			s[i].taken ? keymap_get(&life->samples, &key, true) : NULL;

		if (to)
			*to = s[i];
	}
}

/* Of a time, what path, or directory, took the most of it. */
struct heavy {
	struct keymap by; /* hash of a path to the time */
	uint64_t most_ns;
	char path[WHERE_ROOM];
};

static void weigh(struct heavy *h, const char *path, size_t len, uint64_t ns)
{
	uint64_t key = hash_bytes(HASH_START, path, len), *sum;

	if (!len || len >= sizeof(h->path))
		return;
	sum = keymap_get(&h->by, &key, true);
	if (!sum)
		return;
	*sum += ns;
	if (*sum <= h->most_ns)
		return;
	h->most_ns = *sum;
	memcpy(h->path, path, len);
	h->path[len] = '\0';
}

/* Few samples tell no more than what took nearly all. */
static const char *took_most(const struct heavy *h, uint64_t all_ns, char *room)
{
	if (!h->most_ns || h->most_ns < all_ns / 4 * 3)
		return NULL;
	memcpy(room, h->path, sizeof(h->path));
	return room;
}

void ledger_sampled_where(struct ledger *l, struct life *life, struct verdict *v)
{
	struct heavy paths = { .by = KEYMAP(uint64_t, uint64_t) };
	struct heavy dirs = { .by = KEYMAP(uint64_t, uint64_t) };
	char call[TIME_NAME], path[WHERE_ROOM];
	uint64_t all_ns = 0;

	for (size_t i = 0; i < life->samples.n; i++) {
		const struct layers_sampled *s = keymap_value(&life->samples, i);

		name_call(call, s->slot);
		for (int k = 0; k < SAMPLES && !strcmp(call, v->call); k++) {
			about_path(l, &s->samples[k], path, sizeof(path));
			all_ns += s->ns / SAMPLES;
			weigh(&paths, path, strlen(path), s->ns / SAMPLES);
			weigh(&dirs, path, dir_len(path), s->ns / SAMPLES);
		}
	}
	v->path = took_most(&paths, all_ns, v->path_room);
	if (!v->path)
		v->dir = took_most(&dirs, all_ns, v->dir_room);
	keymap_free(&paths.by);
	keymap_free(&dirs.by);
}

/* --- which arguments of a call name what it is about --- */

static void tell_about(struct layers_cfg *cfg, const char *const *calls, size_t n, int about)
{
	for (size_t i = 0; i < n; i++) {
		int nr = syscall_number(calls[i], 0);

		if (nr >= 0 && nr < SYSCALL_MAX)
			cfg->about[nr] = (__u8)about;
	}
}

void ledger_arguments(struct layers_cfg *cfg)
{
	static const char *const path[] = {
		"open",	    "creat",  "stat",	"lstat",    "access",	 "statfs",
		"readlink", "unlink", "rmdir",	"mkdir",    "rename",	 "link",
		"symlink",  "chmod",  "chown",	"lchown",   "chdir",	 "truncate",
		"execve",   "mknod",  "utimes", "getxattr", "lgetxattr", "setxattr",
		"utime",    "chroot", "mount",	"acct",	    "listxattr", "removexattr",
	};
	static const char *const fd_path[] = {
		"openat",     "openat2",    "newfstatat",	 "statx",     "faccessat",
		"faccessat2", "readlinkat", "unlinkat",		 "mkdirat",   "renameat",
		"renameat2",  "linkat",	    "fchmodat",		 "fchownat",  "mknodat",
		"utimensat",  "execveat",   "name_to_handle_at", "futimesat",
	};
	static const char *const fd[] = {
		"fstat",     "fstatfs",	  "getdents",	"getdents64", "ftruncate",
		"fallocate", "fadvise64", "readahead",	"flock",      "lseek",
		"fchmod",    "fchown",	  "fchdir",	"syncfs",     "sync_file_range",
		"fgetxattr", "fsetxattr", "flistxattr", "fcntl",      "ioctl",
		"splice",    "tee",	  "vmsplice",
	};
	static const char *const mapping[] = { "mmap" };
	static const char *const watch[] = { "inotify_add_watch" };

	tell_about(cfg, path, sizeof(path) / sizeof(path[0]), ABOUT(1, 0));
	tell_about(cfg, fd_path, sizeof(fd_path) / sizeof(fd_path[0]), ABOUT(2, 1));
	tell_about(cfg, fd, sizeof(fd) / sizeof(fd[0]), ABOUT(0, 1));
	tell_about(cfg, mapping, 1, ABOUT(0, 5));
	tell_about(cfg, watch, 1, ABOUT(2, 0));
}
