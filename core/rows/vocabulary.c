// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "core/rows/vocabulary.h"

#include <stdio.h>
#include <string.h>

#define IS(unit)   (1U << (unit))
#define AMOUNT	   (IS(U_NSEC) | IS(U_BYTES)) /* of which a histogram or a table has statistics */
#define NAMED	   (IS(U_TEXT) | IS(U_ENUM))  /* a word of few, or one put together */
#define NUMBER	   IS(U_COUNT)
#define PER_SECOND IS(U_RATE)

/* In the order of the alphabet, which a unit test looks at. */
static const struct word words[] = {
	{ "action", IS(U_ENUM), NULL, "what was done to the name: unlink, rmdir, rename" },
	{ "added", IS(U_NSEC), NULL, "what a hook adds to one call" },
	{ "address", IS(U_HEX), NULL, "in memory: of a function, of what was touched" },
	{ "adj", NUMBER, NULL, "oom_score_adj of a process" },
	{ "advice", IS(U_TEXT), NULL, "what follows from the figures" },
	{ "again", NUMBER, NULL, "calls that would have had to wait, and didn't want to" },
	{ "age", IS(U_NSEC), NULL, "how long there was such a thing" },
	{ "allowed", NUMBER, NULL, "by how much figures may differ" },
	{ "anon_pages", NUMBER, "anon", "anonymous pages" },
	{ "args", IS(U_ARGS), NULL, "arguments of a program, or of a function" },
	{ "asked", IS(U_BYTES), NULL, "bytes that the caller asked for" },
	{ "async_cell", IS(U_TEXT), NULL, "where the time of asynchronous operations went" },
	{ "avg", AMOUNT, NULL, "mean" },
	{ "behalf", IS(U_TEXT), NULL, "command for which it was done" },
	{ "behalf_pid", IS(U_ID), NULL, "its process" },
	{ "bios", NUMBER, NULL, "pieces that a request consists of" },
	{ "book", IS(U_TEXT), NULL, "what the kernel keeps of each thread" },
	{ "brought", NUMBER, NULL, "pages that came into memory ahead of their use" },
	{ "buffers", IS(U_BYTES), NULL, "pages of block devices in memory" },
	{ "bytes", IS(U_BYTES), NULL, "bytes that were transferred" },
	{ "cache", IS(U_TEXT), NULL, "kind of objects that the kernel allocates" },
	{ "cached", IS(U_BYTES), NULL, "pages of files in memory" },
	{ "call", NAMED | IS(U_SYSCALL), NULL, "system call" },
	{ "calls", NUMBER, NULL, "all of them" },
	{ "cause", IS(U_ENUM), NULL, "why a thread was not on a CPU" },
	{ "cell", IS(U_TEXT), NULL,
	  "where the time went: cpu, runq, queue, device, wait, unknown" },
	{ "cells", IS(U_TEXT), NULL, "where the time went, in letters" },
	{ "cgroup", IS(U_CGROUP), NULL, "cgroup (v2), below the root" },
	{ "cgroup_id", IS(U_ID), NULL, "the same as a number" },
	{ "code", NUMBER, NULL, "exit status" },
	{ "collect", IS(U_NSEC), NULL, "time until the program took the result" },
	{ "collected", NUMBER, NULL, "results that the program took" },
	{ "comm", IS(U_TEXT), NULL, "command" },
	{ "core", IS(U_ENUM), NULL, "was a core dump left?" },
	{ "count", NUMBER, "all", "how many" },
	{ "cpu", IS(U_NSEC), NULL, "time on a CPU" },
	{ "cpu%", IS(U_SHARE), NULL, "share of the time on a CPU" },
	{ "cpu_id", IS(U_ID), NULL, "number of a CPU" },
	{ "create", PER_SECOND, NULL, "files made" },
	{ "creates", NUMBER, NULL, "files made" },
	{ "creator", IS(U_TEXT), NULL, "command that made the file" },
	{ "creator_pid", IS(U_ID), NULL, "its process" },
	{ "cwd", IS(U_PATH), NULL, "working directory" },
	{ "daddr", IS(U_ADDR), NULL, "address asked for" },
	{ "data", IS(U_TEXT), NULL, "options for a filesystem" },
	{ "depth", IS(U_DECIMAL), NULL, "how many were under way at a time" },
	{ "dev", IS(U_DISK), NULL, "device of the filesystem" },
	{ "device", IS(U_NSEC), NULL, "time at a device" },
	{ "device%", IS(U_SHARE), NULL, "share of the time at a device" },
	{ "dfd", IS(U_FD), NULL, "descriptor of the file, or of where its name starts" },
	{ "dir", IS(U_PATH), NULL, "directory" },
	{ "dirtied", NUMBER, NULL, "pages that became dirty" },
	{ "disk", IS(U_DISK), NULL, "block device" },
	{ "dport", IS(U_ID), NULL, "port asked for" },
	{ "dropped", NUMBER, NULL, "pages that left memory and were never used" },
	{ "ends", IS(U_TEXT), NULL, "how the end is known" },
	{ "err", IS(U_ERRNO), NULL, "error" },
	{ "errors", NUMBER, NULL, "those that failed" },
	{ "exe", IS(U_PATH), NULL, "binary of a program" },
	{ "faults", NUMBER, NULL, "page faults" },
	{ "fd", IS(U_FD), NULL, "descriptor" },
	{ "file", IS(U_PATH), "path", "file" },
	{ "file_pages", NUMBER, NULL, "pages of files" },
	{ "flags", IS(U_FLAGS), NULL, "flags of a call" },
	{ "fs", IS(U_TEXT), "fstype", "type of the filesystem" },
	{ "fsync", PER_SECOND, NULL, "files synced" },
	{ "fsyncs", NUMBER, NULL, "files synced" },
	{ "full", IS(U_PATH), NULL, "path: absolute, all mounts crossed" },
	{ "function", IS(U_TEXT), NULL, "kernel function, tracepoint or system call" },
	{ "high", AMOUNT, NULL, "largest value in the slot" },
	{ "hit", IS(U_PERCENT), NULL, "share of what was found in memory" },
	{ "hits", NUMBER, NULL, "what was found in memory" },
	{ "hook", IS(U_TEXT), NULL, "kind of hook" },
	{ "how", IS(U_FLAGS), NULL, "direct, append, nowait, dsync and the like" },
	{ "id", IS(U_FD), NULL, "of a segment of shared memory" },
	{ "index", IS(U_ID), NULL, "its number among those that were asked for" },
	{ "ino", IS(U_ID), "inode", "number of the file in its filesystem" },
	{ "interval", IS(U_ID), NULL, "number of the interval" },
	{ "ios", NUMBER, NULL, "requests" },
	{ "ip", IS(U_ID), NULL, "version of IP that is spoken: 4 or 6" },
	{ "kernel", NUMBER, NULL, "the figure that the kernel keeps" },
	{ "key", IS(U_HEX), NULL, "by which programs find a segment of shared memory" },
	{ "kind", IS(U_ENUM) | IS(U_FLAGS), NULL, "which of several kinds it is" },
	{ "kstack", IS(U_STACK), NULL, "kernel stack" },
	{ "laddr", IS(U_ADDR), NULL, "our address" },
	{ "lat", IS(U_NSEC), NULL, "how long it took, from begin to end" },
	{ "level", NUMBER, NULL, "how deep something is nested: 0 is the outermost" },
	{ "limit", IS(U_CGROUP), NULL, "cgroup whose limit was met" },
	{ "longest", IS(U_NSEC), NULL, "the longest of them" },
	{ "low", AMOUNT, NULL, "least value in the slot" },
	{ "lport", IS(U_ID), NULL, "our port" },
	{ "major", NUMBER, NULL, "page faults that had to wait for their page" },
	{ "max", AMOUNT, NULL, "largest" },
	{ "method", IS(U_ENUM), NULL, "how the one it was done for is known" },
	{ "min", AMOUNT, NULL, "least" },
	{ "misses", NUMBER, NULL, "what had to be brought first" },
	{ "mkdir", PER_SECOND, NULL, "directories made" },
	{ "mkdirs", NUMBER, NULL, "directories made" },
	{ "mntns", IS(U_ID), NULL, "mount namespace, by its inode" },
	{ "mode", IS(U_OCTAL), NULL, "access mode asked for" },
	{ "module", IS(U_TEXT), NULL, "kernel module" },
	{ "name", IS(U_ENUM), NULL, "name of the system call" },
	{ "negative", NUMBER, NULL, "names that were known not to exist" },
	{ "new", IS(U_PATH), NULL, "the new name" },
	{ "new_full", IS(U_PATH), NULL, "the new name, absolute, all mounts crossed" },
	{ "newstate", IS(U_ENUM), NULL, "state after" },
	{ "note", IS(U_TEXT), NULL, "what else there is to say" },
	{ "notes", IS(U_FLAGS), NULL, "what else there is to say" },
	{ "off", NUMBER, NULL, "by how much figures differ" },
	{ "offset", IS(U_FD), NULL, "where in the file, in bytes" },
	{ "oldstate", IS(U_ENUM), NULL, "state before" },
	{ "op", IS(U_ENUM), "dir", "operation: read, write, and so on" },
	{ "open", PER_SECOND, NULL, "files opened" },
	{ "opens", NUMBER, NULL, "files opened" },
	{ "order", NUMBER, NULL, "2^order pages in a row" },
	{ "ours", NUMBER, NULL, "the figure that was measured" },
	{ "p50", AMOUNT, NULL, "median" },
	{ "p90", AMOUNT, NULL, "90th percentile" },
	{ "p99", AMOUNT, NULL, "99th percentile" },
	{ "p999", AMOUNT, NULL, "99.9th percentile" },
	{ "pages", NUMBER, NULL, "pages of memory" },
	{ "path", IS(U_PATH), "file", "name of a file" },
	{ "pattern", IS(U_ENUM), NULL, "sequential or random" },
	{ "pcomm", IS(U_TEXT), NULL, "command of the parent" },
	{ "peer", IS(U_TEXT), NULL, "who is at the other end" },
	{ "peer_pid", IS(U_ID), NULL, "its process" },
	{ "pgtables", IS(U_BYTES), NULL, "memory for page tables" },
	{ "pid", IS(U_ID), NULL, "process" },
	{ "pidns", IS(U_ID), NULL, "pid namespace, by its inode" },
	{ "ppid", IS(U_ID), NULL, "parent" },
	{ "prev_comm", IS(U_TEXT), NULL, "command that had the CPU before" },
	{ "prev_pid", IS(U_ID), NULL, "its process" },
	{ "prev_tid", IS(U_ID), NULL, "its thread" },
	{ "prio", IS(U_ID), NULL, "the kernel's priority: 120 is nice 0" },
	{ "proto", IS(U_ENUM), NULL, "protocol: tcp, udp, unix" },
	{ "queue", IS(U_NSEC), NULL, "time before a request was issued" },
	{ "queue%", IS(U_SHARE), NULL, "share of the time before requests were issued" },
	{ "raddr", IS(U_ADDR), NULL, "the other's address" },
	{ "random", IS(U_PERCENT), NULL,
	  "requests that begin elsewhere than where the last ended" },
	{ "read", PER_SECOND, NULL, "reads" },
	{ "read_asked", IS(U_BYTES), NULL, "bytes that reads asked for" },
	{ "read_bytes", IS(U_BYTES), "rbytes", "bytes that reads returned" },
	{ "read_hit", IS(U_PERCENT), NULL, "share of what was read and found in memory" },
	{ "reads", NUMBER, NULL, "reads" },
	{ "reason", NAMED, NULL, "why" },
	{ "reclaim", IS(U_NSEC), NULL, "time that threads spent on freeing memory" },
	{ "reclaims", NUMBER, NULL, "times that a thread had to free memory" },
	{ "recvs", NUMBER, NULL, "calls that receive" },
	{ "refaults", NUMBER, NULL, "pages that came back after they had been thrown away" },
	{ "refs", NUMBER, NULL, "what was looked for" },
	{ "rename", PER_SECOND, NULL, "names changed" },
	{ "renames", NUMBER, NULL, "names changed" },
	{ "req", IS(U_ID), NULL, "number of the request" },
	{ "request_bytes", IS(U_BYTES), NULL, "of all its owners" },
	{ "resolved", IS(U_PATH), NULL, "the target, absolute, all mounts crossed" },
	{ "restarts", NUMBER, NULL, "times that a signal restarted it" },
	{ "ret", NUMBER, NULL, "what the call returned" },
	{ "rmdir", PER_SECOND, NULL, "directories removed" },
	{ "rmdirs", NUMBER, NULL, "directories removed" },
	{ "root", IS(U_TEXT), NULL, "outermost function of a tree" },
	{ "route", IS(U_ENUM), NULL, "how it was asked for: a system call, or io_uring" },
	{ "rport", IS(U_ID), NULL, "the other's port" },
	{ "rss", NUMBER, NULL, "pages that a process holds" },
	{ "run", IS(U_NSEC), NULL, "of that a program itself, as the kernel times it" },
	{ "runq", IS(U_NSEC), NULL, "time in the queue for a CPU" },
	{ "runq%", IS(U_SHARE), NULL, "share of the time in the queue for a CPU" },
	{ "rw", IS(U_ENUM), NULL, "was it read or written" },
	{ "rx", IS(U_BYTES), NULL, "data that came over a socket" },
	{ "saddr", IS(U_ADDR), NULL, "our address" },
	{ "said", IS(U_TEXT), NULL, "the same in words" },
	{ "sector", IS(U_ID), NULL, "where on the disk, in 512 bytes" },
	{ "segs", NUMBER, NULL, "segments at once" },
	{ "self", IS(U_NSEC), NULL, "time of its own, without what it called" },
	{ "sends", NUMBER, NULL, "calls that send" },
	{ "seq", IS(U_ID), NULL, "sequence number" },
	{ "sequential", IS(U_PERCENT), NULL, "requests that begin where the last ended" },
	{ "share", IS(U_SHARE), NULL, "part of the whole, or of the largest" },
	{ "shmem_pages", NUMBER, "shmem", "pages of shared memory and tmpfs" },
	{ "signal", IS(U_TEXT), NULL, "signal that ended it" },
	{ "size", IS(U_BYTES), NULL, "how large it is to be" },
	{ "sk", IS(U_HEX), NULL, "socket, by its address in the kernel" },
	{ "slow", NUMBER, NULL, "what the first look did not find" },
	{ "source", IS(U_PATH), NULL, "what is mounted or moved" },
	{ "span", IS(U_NSEC), NULL, "from the first beginning to the last end" },
	{ "sport", IS(U_ID), NULL, "our port" },
	{ "stack", IS(U_STACK), NULL, "kernel stack" },
	{ "state", IS(U_ENUM), NULL, "state that it was in" },
	{ "swap_in", NUMBER, NULL, "pages that came from swap" },
	{ "swap_out", NUMBER, NULL, "pages that went to swap" },
	{ "swap_pages", NUMBER, "swap", "pages in swap" },
	{ "target", IS(U_PATH), NULL, "where it is mounted" },
	{ "tid", IS(U_ID), NULL, "thread" },
	{ "time", IS(U_CLOCK), NULL, "when; of a report, the end of its interval" },
	{ "total", AMOUNT, NULL, "sum" },
	{ "tree", IS(U_TEXT), NULL, "function, below the one that called it" },
	{ "trigger", IS(U_TEXT), NULL, "command that wanted memory" },
	{ "trigger_cgroup", IS(U_CGROUP), NULL, "its cgroup" },
	{ "trigger_pid", IS(U_ID), NULL, "its process" },
	{ "trigger_tid", IS(U_ID), NULL, "its thread" },
	{ "tx", IS(U_BYTES), NULL, "data that went over a socket" },
	{ "type", IS(U_ENUM), NULL, "of a file, packet or look-up; JSON has it as kind" },
	{ "unknown", IS(U_NSEC), NULL, "time that nothing tells about" },
	{ "unknown%", IS(U_SHARE), NULL, "share of the time that nothing tells about" },
	{ "unlink", PER_SECOND, NULL, "names removed" },
	{ "unlinks", NUMBER, NULL, "names removed" },
	{ "unused", NUMBER, NULL, "pages in memory that were not used yet" },
	{ "upper", IS(U_DISK), NULL, "outermost device (dm, md) for which it was done" },
	{ "used", NUMBER, NULL, "pages that were used for the first time" },
	{ "user", IS(U_USER), "uid", "user; JSON has the number, too" },
	{ "ustack", IS(U_STACK), NULL, "user stack" },
	{ "wait", IS(U_NSEC), NULL, "time asleep" },
	{ "wait%", IS(U_SHARE), NULL, "share of the time asleep" },
	{ "waits", NUMBER, NULL, "how often asleep" },
	{ "waker", IS(U_TEXT), NULL, "command that ended a wait" },
	{ "walk", IS(U_ENUM), NULL, "how a name was looked for in memory: fast, or slow" },
	{ "way", IS(U_ENUM), NULL, "how a read came to its data" },
	{ "who", IS(U_TEXT), NULL, "whose doing it was" },
	{ "workers", NUMBER, NULL, "operations that a worker of io_uring got done" },
	{ "write", PER_SECOND, NULL, "writes" },
	{ "write_asked", IS(U_BYTES), NULL, "bytes that writes asked for" },
	{ "write_bytes", IS(U_BYTES), "wbytes", "bytes that writes returned" },
	{ "write_hit", IS(U_PERCENT), NULL, "share of what was written and found in memory" },
	{ "writes", NUMBER, NULL, "writes" },
	{ "wstack", IS(U_STACK), NULL, "kernel stack of what ended a wait" },
	{ 0 },
};

const struct word *vocabulary(void)
{
	return words;
}

const struct word *vocabulary_find(const char *name, size_t len)
{
	for (const struct word *w = words; w->name; w++)
		if (strlen(w->name) == len && !memcmp(w->name, name, len))
			return w;
	return NULL;
}

bool vocabulary_fits(const struct word *word, enum unit unit)
{
	return word->units & IS(unit);
}

static const struct word *word_of(const struct column *col)
{
	return vocabulary_find(col->name, strlen(col->name));
}

const char *column_also(const struct column *col)
{
	const struct word *word = word_of(col);

	return word ? word->also : NULL;
}

const char *column_help(const struct column *col)
{
	const struct word *word = word_of(col);

	return col->help ? col->help : word ? word->meaning : "";
}

static const char *key_suffix(enum unit unit)
{
	switch (unit) {
	case U_CLOCK:
	case U_NSEC:
		return "_ns";
	case U_BYTES:
		return "_bytes";
	case U_PERCENT:
	case U_SHARE:
		return "_percent";
	case U_RATE:
		return "_per_s";
	case U_USER:
		return "_uid";
	default:
		return "";
	}
}

/* "bytes", "total_bytes" and, for the unit "_bytes", nothing else. */
static bool has_suffix(const char *name, const char *suffix)
{
	size_t n = strlen(name), m = strlen(suffix);

	return strcmp(name, suffix + 1) == 0 || (n > m && strcmp(name + n - m, suffix) == 0);
}

const char *column_key(const struct column *col, char *buf, size_t size)
{
	const char *suffix = key_suffix(col->unit);

	if (col->unit == U_USER && strcmp(col->name, "user") == 0)
		snprintf(buf, size, "uid");
	else if (strcmp(col->name, "type") == 0) /* says what kind of row it is */
		snprintf(buf, size, "kind");
	else if (!*suffix || has_suffix(col->name, suffix))
		snprintf(buf, size, "%s", col->name);
	else
		snprintf(buf, size, "%s%s", col->name, suffix);
	return buf;
}
