/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/kernel/abilities.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "core/kernel/abilities_look.h"
#include "core/kernel/abilities_try.h"
#include "core/kernel/privs.h"
#include "core/rows/unit.h"

#define DEFAULT_RING (4U << 20) /* --buffer */

/* An ability that is tried by running a program. */
struct tried {
	const char *name;
	enum trial_hook hook;
	enum trial_body body;
	const char *change; /* what would change a "no" */
	const char
		*unmarked; /* what it means that it ran without leaving its mark; NULL: can't be */
};

static const struct tried tried[] = {
	{ "tp_btf", HOOK_TP_BTF, BODY_MARK,
	  "a kernel with CONFIG_DEBUG_INFO_BTF and the BPF JIT; every command needs it" },
	{ "tp_btf_exact", HOOK_TP_BTF, BODY_NOT_PREEMPTIBLE,
	  "a kernel that doesn't let threads be preempted inside such programs, for it then skips "
	  "them for others; commands use classic tracepoints where they can",
	  "threads can be preempted inside one" },
	{ "raw_tracepoints", HOOK_RAW_TP, BODY_MARK, "a kernel with CONFIG_BPF_EVENTS" },
	{ "tracepoints", HOOK_TRACEPOINT, BODY_MARK,
	  "tracefs, readable: mount -t tracefs tracefs /sys/kernel/tracing" },
	{ "kprobes", HOOK_KPROBE, BODY_MARK,
	  "a kernel with CONFIG_KPROBES and CONFIG_KPROBE_EVENTS" },
	{ "kprobe_multi", HOOK_KPROBE_MULTI, BODY_MARK, "a kernel with CONFIG_FPROBE" },
	{ "fentry", HOOK_FENTRY, BODY_MARK,
	  "a kernel with CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS" },
	{ "iterators", HOOK_ITER, BODY_MARK, "a kernel with CONFIG_DEBUG_INFO_BTF" },
	{ "ring_buffer", HOOK_TP_BTF, BODY_RING, "a kernel that has BPF ring buffers" },
	{ "task_storage", HOOK_TP_BTF, BODY_TASK_STORAGE,
	  "a newer kernel; commands keep the state of threads in a hash instead" },
	{ "atomics_fetch", HOOK_TP_BTF, BODY_FETCH_ADD, "a newer kernel; commands do without" },
	{ "bpf_loop", HOOK_TP_BTF, BODY_LOOP, "a newer kernel; commands use bounded loops" },
	{ "kernel_reads", HOOK_TP_BTF, BODY_KERNEL_READ, "lockdown other than confidentiality" },
};

static bool lacks_capabilities(char *text, size_t size)
{
	char missing[64];

	if (privs_can_trace(missing, sizeof(missing)))
		return false;
	snprintf(text, size,
		 "missing %s: run it as root, or with sudo, or give the binary the two: setcap "
		 "cap_bpf,cap_perfmon+ep",
		 missing);
	return true;
}

static const char *error_text(int error)
{
	const char *name = errno_name(error);

	return name ? name : strerror(error);
}

/* Why a bpf() call failed with @error, and what would change that. */
static void explain(struct ability *a, const char *step, int error, const char *change)
{
	char need[200];

	if (!error)
		snprintf(a->found, sizeof(a->found), "it loads and attaches, but never ran");
	else
		snprintf(a->found, sizeof(a->found), "%s: %s", step, error_text(error));
	if ((error == EPERM || error == EACCES) && lacks_capabilities(need, sizeof(need)))
		snprintf(a->why, sizeof(a->why), "%s", need);
	else if (error == EPERM || error == EACCES)
		snprintf(a->why, sizeof(a->why),
			 "forbidden, though CAP_BPF and CAP_PERFMON are held: by lockdown or a "
			 "security module, or for want of %s",
			 change);
	else
		snprintf(a->why, sizeof(a->why), "not offered; needs %s", change);
}

static struct ability *add(struct ability *out, size_t *n, const char *name, const char *how)
{
	struct ability *a = &out[(*n)++];

	*a = (struct ability){ .name = name, .how = how };
	return a;
}

/* Attached through perf events, which have rules of their own. */
static bool by_perf(enum trial_hook hook)
{
	return hook == HOOK_TRACEPOINT || hook == HOOK_KPROBE;
}

static void try_programs(struct ability *out, size_t *n, struct trial *t)
{
	bool native = false, ran = false;
	struct ability *a;

	for (size_t i = 0; i < sizeof(tried) / sizeof(tried[0]); i++) {
		const struct tried *what = &tried[i];

		a = add(out, n, what->name, "tried");
		a->available = trial_run(t, what->hook, what->body);
		native |= t->jited;
		ran |= a->available;
		if (a->available)
			snprintf(a->found, sizeof(a->found), "ran on %s", t->target);
		else
			explain(a, t->step, t->error, what->change);
		if (!a->available && !t->error && what->unmarked)
			snprintf(a->found, sizeof(a->found), "%s", what->unmarked);
		if (by_perf(what->hook) && t->error == EACCES) /* no bpf() call gives that here */
			snprintf(a->why, sizeof(a->why),
				 "CAP_BPF and CAP_PERFMON are not enough: needs what perf_events "
				 "and tracefs need, below");
	}
	a = add(out, n, "jit", "tried");
	a->available = native;
	if (native)
		snprintf(a->found, sizeof(a->found), "programs are native code");
	else if (ran)
		snprintf(a->why, sizeof(a->why),
			 "programs are interpreted; sysctl net.core.bpf_jit_enable=1");
	else
		snprintf(a->why, sizeof(a->why), "no program could be loaded to see");
}

/* Commands ask for this much by default, and it may count as locked memory. */
static void try_ring_size(struct ability *a)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "try_size", 0, 0, DEFAULT_RING, NULL);
	struct rlimit limit = { 0 };
	char need[200];

	a->available = fd >= 0;
	if (fd >= 0) {
		snprintf(a->found, sizeof(a->found), "a ring buffer of 4M");
		close(fd);
		return;
	}
	snprintf(a->found, sizeof(a->found), "a ring buffer of 4M: %s", error_text(errno));
	if (lacks_capabilities(need, sizeof(need))) {
		snprintf(a->why, sizeof(a->why), "%s", need);
		return;
	}
	getrlimit(RLIMIT_MEMLOCK, &limit);
	snprintf(a->why, sizeof(a->why),
		 "this kernel counts maps as locked memory, of which %llu KiB are allowed: ulimit "
		 "-l unlimited, or CAP_SYS_RESOURCE, or a smaller --buffer",
		 (unsigned long long)limit.rlim_cur / 1024);
}

static bool batch_works(int fd)
{
	__u32 keys[2] = { 1, 2 }, out_keys[4] = { 0 }, count = 2, next = 0;
	__u64 values[2] = { 3, 4 }, out_values[4] = { 0 };

	if (bpf_map_update_batch(fd, keys, values, &count, NULL))
		return false;
	count = 4;
	if (bpf_map_lookup_and_delete_batch(fd, NULL, &next, out_keys, out_values, &count, NULL) &&
	    errno != ENOENT) /* which says that it was the last batch */
		return false;
	errno = 0;
	return count == 2 && out_values[0] + out_values[1] == 7;
}

static void try_batch(struct ability *a)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "try_batch", 4, 8, 8, NULL);

	a->available = fd >= 0 && batch_works(fd);
	if (a->available)
		snprintf(a->found, sizeof(a->found), "two elements came back at once");
	else
		explain(a, "a batch", errno, "a newer kernel; commands read maps one by one");
	if (fd >= 0)
		close(fd);
}

static void try_stats(struct ability *a)
{
	int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);

	a->available = fd >= 0;
	if (fd >= 0) {
		close(fd);
		return;
	}
	snprintf(a->found, sizeof(a->found), "BPF_ENABLE_STATS: %s", error_text(errno));
	snprintf(a->why, sizeof(a->why),
		 "--stats can't time programs; needs CAP_SYS_ADMIN, or sysctl "
		 "kernel.bpf_stats_enabled=1 by root");
}

/* Before kernels answered without privileges, CAP_BPF must be kept to read maps. */
static void try_bare_maps(struct ability *a, const struct trial *t)
{
	char need[200];

	a->available = t->mark >= 0 && privs_maps_readable_without(t->mark);
	if (a->available)
		snprintf(a->found, sizeof(a->found), "commands give up all capabilities");
	else if (t->mark < 0 && lacks_capabilities(need, sizeof(need)))
		snprintf(a->why, sizeof(a->why), "%s", need);
	else
		snprintf(a->why, sizeof(a->why),
			 "commands that read maps keep CAP_BPF; a newer kernel needs no capability "
			 "for it, or sysctl kernel.unprivileged_bpf_disabled=0");
}

size_t abilities_find(struct ability out[ABILITIES_MAX], const struct btf *btf)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };
	struct trial trial;
	size_t n = 0;

	setrlimit(RLIMIT_MEMLOCK, &limit); /* as commands do; refused without CAP_SYS_RESOURCE */
	look_btf(add(out, &n, "btf", "looked"), btf);
	look_module_btf(add(out, &n, "module_btf", "tried"));
	trial_open(&trial, btf); /* its failure is told by each trial */
	try_programs(out, &n, &trial);
	try_ring_size(add(out, &n, "locked_memory", "tried"));
	try_batch(add(out, &n, "batch_operations", "tried"));
	try_stats(add(out, &n, "run_time_stats", "tried"));
	try_bare_maps(add(out, &n, "maps_without_capabilities", "tried"), &trial);
	trial_close(&trial);
	look_perf(add(out, &n, "perf_events", "tried"));
	look_tracefs(add(out, &n, "tracefs", "looked"));
	look_symbols(add(out, &n, "kernel_symbols", "looked"));
	look_lockdown(add(out, &n, "no_lockdown", "looked"));
	look_unprivileged(add(out, &n, "unprivileged_bpf", "looked"));
	for (size_t i = 0; i < LOOK_CAPABILITIES; i++)
		look_capability(add(out, &n, look_capability_name(i), "looked"), i);
	return n;
}
