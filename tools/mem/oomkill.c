/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/mem/oomkill.h"

#include <sys/sysinfo.h>
#include <unistd.h>

#include "bpf/mem/reclaim.h"
#include "core/run/run.h"
#include "core/tool.h"

BPF_IMAGE(oomkill);

static const char *const reasons[] = { "", "global", "memcg", NULL };
static const char *const exiting[] = { "", "exiting", NULL };

#define E(member) FIELD(struct oomkill_event, member)

static const struct column columns[] = {
	{ "time", E(rec.ts_ns), U_CLOCK, .help = "when the victim was chosen" },
	{ "trigger", E(trigger), U_TEXT, .width = 16 },
	{ "trigger_pid", E(trigger_pid), U_ID, .width = 7 },
	{ "trigger_tid", E(trigger_tid), U_ID, .width = 7, .flags = COL_HIDDEN },
	{ "trigger_cgroup", E(trigger_cgroup), U_CGROUP, .flags = COL_HIDDEN },
	{ "comm", E(comm), U_TEXT, .width = 16, .help = "command of the victim" },
	{ "pid", E(pid), U_ID, .width = 7, .help = "process that is killed" },
	{ "tid", E(tid), U_ID, .width = 7, .flags = COL_HIDDEN, .help = "its thread" },
	{ "reason", E(reason), U_ENUM, .width = 6, .names = reasons,
	  .help = "memcg: a memory cgroup is full; global: the machine is; none: nothing was "
		  "reclaimed before (SysRq-f)" },
	{ "pages", E(pages), U_COUNT, .width = 9,
	  .help = "pages that the cgroup, or the machine, has at most, with swap" },
	{ "rss", E(rss_pages), U_COUNT, .width = 8,
	  .help = "pages that the victim held, to within some tens for each CPU" },
	{ "anon_pages", E(anon_pages), U_COUNT, .flags = COL_HIDDEN,
	  .help = "anonymous ones of them" },
	{ "file_pages", E(file_pages), U_COUNT, .flags = COL_HIDDEN, .help = "those of files" },
	{ "shmem_pages", E(shmem_pages), U_COUNT, .flags = COL_HIDDEN,
	  .help = "those of shared memory and tmpfs" },
	{ "swap_pages", E(swap_pages), U_COUNT, .flags = COL_HIDDEN, .help = "and pages in swap" },
	{ "pgtables", E(pgtables_bytes), U_BYTES, .flags = COL_HIDDEN,
	  .help = "memory for its page tables" },
	{ "adj", E(adj), U_COUNT, .flags = COL_HIDDEN, .help = "its oom_score_adj" },
	{ "state", E(exiting), U_ENUM, .flags = COL_HIDDEN | COL_BLANK, .names = exiting,
	  .help = "exiting: it was ending already, and wasn't killed" },
	{ "limit", E(limit), U_CGROUP, .flags = COL_HIDDEN,
	  .help = "the cgroup that is full: of the trigger's and those above it the one with "
		  "the least room" },
	{ "cgroup", E(cgroup), U_CGROUP, .flags = COL_WIDE, .help = "the victim's" },
	{}
};

static const struct option_spec options[] = { OPTION_CHECK(struct oomkill_cfg), {} };

static const struct probe probes[] = {
	RECLAIM_PROBE(true),
	{ "signals", { { { "oom_signal" } } }, .aside = true },
	{ "victims",
	  { { { "oom_mark(task_struct,*)" } },
	    { { "oom_mark_pid(int)" },
	      .blind = "who a victim is that ends already and isn't the trigger" } } },
	{}
};

static const struct book books[] = { [BOOK_KILLS] = { "vmstat oom_kill", .probe = 2 },
				     [BOOK_GROUP_KILLS] = { "memory.events oom_kill", .probe = 2 },
				     {} };

static bool prepare(struct run *run)
{
	struct oomkill_cfg *cfg = run_cfg(run);
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct sysinfo info;

	if (sysinfo(&info))
		return true;
	cfg->swap_pages = info.totalswap * info.mem_unit / page;
	cfg->machine_pages = info.totalram * info.mem_unit / page + cfg->swap_pages;
	return true;
}

static const struct tool_ops ops = { .prepare = prepare };

const struct tool tool_oomkill = {
	.name = "oomkill",
	.layer = "mem",
	.summary = "who is killed for want of memory, and who wanted it",
	.text = "One row per victim of the kernel's out-of-memory killer: who asked for memory\n"
		"that wasn't there, who was killed for it, each with its cgroup, whether a memory\n"
		"cgroup was full or the machine, and what the victim held. A target is followed\n"
		"as either of the two.",
	.examples = "  iosonde oomkill                      everybody\n"
		    "  iosonde oomkill --cgroup /system.slice    whoever kills or dies there\n"
		    "  iosonde oomkill --columns +limit,+anon,+swap   what was full, and of what\n",
	.kind = TOOL_EVENTS,
	.row = { "oom", columns },
	.options = options,
	.cfg_size = sizeof(struct oomkill_cfg),
	.probes = probes,
	.books = books,
	.check = FIELD(struct oomkill_cfg, check.on),
	.image = &bpf_oomkill,
	.ops = &ops,
};
