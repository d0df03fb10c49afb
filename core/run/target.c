/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/run/target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/glob.h"
#include "core/names/cgroup.h"
#include "core/names/user.h"

#define INITIAL_PIDNS_INO 0xEFFFFFFCU /* PROC_PID_INIT_INO in include/linux/proc_ns.h */

/* Inode of the namespace @kind of process @pid ("self" or a number); 0 if it can't be read. */
static uint32_t namespace_inode(const char *pid, const char *kind)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%s/ns/%s", pid, kind);
	return stat(path, &st) ? 0 : (uint32_t)st.st_ino;
}

uint32_t target_tgid(uint32_t tid)
{
	char path[64], line[128];
	uint32_t tgid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/status", tid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (!tgid && fgets(line, sizeof(line), f))
		if (!strncmp(line, "Tgid:", 5))
			tgid = (uint32_t)strtoul(line + 5, NULL, 10);
	fclose(f);
	return tgid;
}

/* A thread's directory is there for any tid; a process is one whose Tgid is its own id. */
static bool process_exists(uint32_t pid, bool thread_is_enough)
{
	uint32_t tgid = target_tgid(pid);

	return tgid && (thread_is_enough || tgid == pid);
}

static bool ids_exist(const struct id_list *list, bool threads, char *err, size_t err_size)
{
	for (uint32_t i = 0; i < list->n; i++) {
		if (process_exists(list->id[i], threads))
			continue;
		if (!threads && process_exists(list->id[i], true))
			snprintf(err, err_size, "%u is a thread, not a process; use -t %u",
				 list->id[i], list->id[i]);
		else
			snprintf(err, err_size, "no %s %u; is it still running?",
				 threads ? "thread" : "process", list->id[i]);
		return false;
	}
	return true;
}

static bool resolve_cgroup(const char *path, __u64 *id, char *err, size_t err_size)
{
	uint64_t found;
	bool exists;

	if (cgroup_id(path, &found, &exists)) {
		*id = found;
		return true;
	}
	snprintf(err, err_size,
		 exists ? "%s is not a cgroup (v2) directory; see 'mount -t cgroup2'"
			: "no cgroup %s; give a directory below the cgroup2 mount",
		 path);
	return false;
}

static bool resolve_mntns(const char *arg, uint32_t *ino, char *err, size_t err_size)
{
	char *end;
	unsigned long n = strtoul(arg, &end, 10);

	if (!*arg || *end || *arg == '-' || n > UINT32_MAX) {
		snprintf(err, err_size,
			 "\"%s\" is neither a process id nor an inode as in /proc/PID/ns/mnt", arg);
		return false;
	}
	*ino = n >= 0xF0000000UL ? (uint32_t)n : namespace_inode(arg, "mnt");
	if (!*ino)
		snprintf(err, err_size, "the mount namespace of process %s can't be read: %s", arg,
			 strerror(errno));
	return *ino != 0;
}

/* The glob @pattern as an automaton; see struct comm_glob. */
static void compile_glob(const char *pattern, struct comm_glob *out)
{
	uint32_t position = 0;

	memset(out, 0, sizeof(*out));
	for (const char *p = pattern; *p;) {
		size_t len = glob_element(p, strlen(p));

		if (*p == '*') {
			out->loops |= 1U << position;
			p++;
			continue;
		}
		for (int c = 1; c < 256; c++) {
			char byte = (char)c;

			if (glob_match(p, len, &byte, 1))
				out->mask[c] |= 1U << position;
		}
		position++;
		p += len;
	}
	out->accept = 1U << position;
}

bool target_resolve(const struct common_opts *opts, bool command, struct target_cfg *cfg, char *err,
		    size_t err_size)
{
	uint32_t pidns = namespace_inode("self", "pid");

	memset(cfg, 0, sizeof(*cfg));
	cfg->self_tgid = (uint32_t)getpid();
	if (!pidns) {
		snprintf(err, err_size,
			 "/proc/self/ns/pid can't be read (%s): without /proc nobody knows which "
			 "processes are meant; mount it (mount -t proc proc /proc)",
			 strerror(errno));
		return false;
	}
	if (pidns != INITIAL_PIDNS_INO) {
		cfg->flags |= TARGET_PIDNS;
		cfg->pidns_ino = pidns;
	}
	if (!ids_exist(&opts->pids, false, err, err_size) ||
	    !ids_exist(&opts->tids, true, err, err_size))
		return false;
	if (opts->self)
		cfg->flags |= TARGET_SELF;
	if (opts->pids.n || command)
		cfg->flags |= TARGET_PID;
	if (opts->tids.n)
		cfg->flags |= TARGET_TID;
	if (command || opts->children)
		cfg->flags |= TARGET_TREE;
	if (opts->pids.n == 1 && !command && !opts->children) {
		cfg->flags |= TARGET_ONE;
		cfg->only_tgid = opts->pids.id[0];
	}
	if (opts->user) {
		if (!user_id(opts->user, strlen(opts->user), &cfg->uid)) {
			snprintf(err, err_size, "no user %s; give a name or a uid", opts->user);
			return false;
		}
		cfg->flags |= TARGET_UID;
	}
	if (opts->n_comms) {
		cfg->flags |= TARGET_COMM;
		cfg->n_comms = opts->n_comms;
		for (uint32_t i = 0; i < opts->n_comms; i++)
			compile_glob(opts->comms[i], &cfg->comms[i]);
	}
	if (opts->cgroup) {
		if (!resolve_cgroup(opts->cgroup, &cfg->cgroup_id, err, err_size))
			return false;
		cfg->flags |= TARGET_CGROUP;
	}
	if (opts->mntns) {
		if (!resolve_mntns(opts->mntns, &cfg->mntns_ino, err, err_size))
			return false;
		cfg->flags |= TARGET_MNTNS;
	}
	return true;
}
