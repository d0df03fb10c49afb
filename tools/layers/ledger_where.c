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

/* --- calls that failed --- */

/* A call as it is named everywhere: "pread", not "pread64". */
static void name_call(char key[TIME_NAME], uint32_t number)
{
	char name[TIME_NAME];

	memset(key, 0, TIME_NAME);
	strncpy(key, ledger_call_name(number, name, sizeof(name)), TIME_NAME - 1);
	if (!strcmp(key, "pread64") || !strcmp(key, "pwrite64"))
		memset(key + strlen(key) - 2, 0, 2);
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
		if (to && (!to->ret || f[i].name_len))
			*to = f[i];
	}
}

void ledger_explain_failures(struct life *life, const char *call, struct failure *out)
{
	char key[TIME_NAME] = "";
	const struct layers_failure *f;

	strncpy(key, call, sizeof(key) - 1);
	f = keymap_get(&life->failures, key, false);
	if (!f)
		return;
	out->ret = f->ret;
	memcpy(out->path, f->name, f->name_len);
	out->path[f->name_len] = '\0';
}

/* --- which argument of a call is a path --- */

void ledger_path_arguments(struct layers_cfg *cfg)
{
	static const char *const first[] = {
		"open",	    "creat",  "stat",	"lstat",    "access",	 "statfs",
		"readlink", "unlink", "rmdir",	"mkdir",    "rename",	 "link",
		"symlink",  "chmod",  "chown",	"lchown",   "chdir",	 "truncate",
		"execve",   "mknod",  "utimes", "getxattr", "lgetxattr",
	};
	static const char *const second[] = {
		"openat",     "openat2",    "newfstatat",	 "statx",    "faccessat",
		"faccessat2", "readlinkat", "unlinkat",		 "mkdirat",  "renameat",
		"renameat2",  "linkat",	    "fchmodat",		 "fchownat", "mknodat",
		"utimensat",  "execveat",   "inotify_add_watch",
	};

	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
		int nr = syscall_number(first[i], 0);

		if (nr >= 0 && nr < SYSCALL_MAX)
			cfg->path_arg[nr] = 1;
	}
	for (size_t i = 0; i < sizeof(second) / sizeof(second[0]); i++) {
		int nr = syscall_number(second[i], 0);

		if (nr >= 0 && nr < SYSCALL_MAX)
			cfg->path_arg[nr] = 2;
	}
}
