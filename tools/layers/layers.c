/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/layers/layers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <bpf/bpf.h>

#include "bpf/calls/aio_done.h"
#include "bpf/calls/uring.h"
#include "core/base/log.h"
#include "core/names/stack.h"
#include "tools/layers/ledger.h"

BPF_IMAGE(layers);

static const char *const calls[] = {
	"read",
	"write",
	"pread64",
	"pwrite64",
	"readv",
	"writev",
	"preadv",
	"pwritev",
	"preadv2",
	"pwritev2",
	"fsync",
	"fdatasync",
	"sendfile",
	"sendfile64",
	"copy_file_range",
	"open",
	"creat",
	"openat",
	"openat2",
	"open_by_handle_at",
	"-page fault",
	/* enum layers_async_call */
	"io_submit",
	"io_getevents",
	"?io_pgetevents",
	"?io_pgetevents_time64",
	"io_uring_enter",
	NULL,
};

/* As people know them: the library's names. */
const char *const layers_call_names[] = {
	"",
	"read",
	"write",
	"pread",
	"pwrite",
	"readv",
	"writev",
	"preadv",
	"pwritev",
	"preadv2",
	"pwritev2",
	"fsync",
	"fdatasync",
	"sendfile",
	"sendfile64",
	"copy_file_range",
	"open",
	"creat",
	"openat",
	"openat2",
	"open_by_handle_at",
	"(fault)",
	NULL,
};

/* In the order of enum layers_counter. */
static const char *const counters[] = { "clamped",   "overflow",   "no_entry",	"no_stamp",
					"bios_full", "lost_stack", "lost_path", "chain_cut",
					"lost_slow", NULL };

#define CFG(member) FIELD(struct layers_cfg, member)

static bool parse_slow(const struct option_spec *spec, const char *arg, void *cfg_, char *err,
		       size_t size)
{
	struct layers_cfg *cfg = cfg_;
	const char *why;
	uint64_t ns;

	(void)spec;
	if (!unit_parse(U_NSEC, arg, strlen(arg), 1000000, &ns, &why)) {
		snprintf(err, size, "\"%s\" is %s; try 10ms, 500us, or 0 for every operation", arg,
			 why);
		return false;
	}
	cfg->slow_ns = ns;
	cfg->stream = 1;
	return true;
}

static const struct option_spec options[] = {
	{ "slow", 0, CFG(slow_ns), U_NSEC, .kind = OPT_CUSTOM, .parse = parse_slow, .arg = "MIN",
	  .help = "stream operations that took at least this long, as they end (0: every one)" },
	{ "check", 0, CFG(check), .kind = OPT_FLAG,
	  .help = "compare with what the kernel itself keeps of the same threads" },
	{}
};

#define UNFOLLOWED "files of other calls"

static const struct probe probes[] = {
	{ "system calls",
	  { { { "layers_enter", "layers_exit" }, .blind = UNFOLLOWED },
	    { { "layers_enter_tp", "layers_exit_tp" }, .blind = UNFOLLOWED } } },
	{ "threads at the start and in the end", { { { "layers_begin", "layers_end" } } } },
	{ "the scheduler",
	  { { { "layers_switch", "layers_waking", "layers_born" } } },
	  .aside = true },
	{ "timers",
	  { { { "layers_hrtimer", "layers_hrtimer_end", "layers_timer", "layers_timer_end" } } },
	  .without = "what a timer ends is an interrupt's doing",
	  .aside = true },
	{ "the end of threads", { { { "layers_thread_exit" } }, { { "layers_thread_exit_tp" } } } },
	{ "major page faults",
	  { { { "layers_fault" } } },
	  .without = "the files of page faults",
	  .aside = true },
	{ "who changes what jbd2 logs",
	  { { { "layers_handle(*,*,*,*,*,*,*,*)", "layers_commit(*,*)" } },
	    { { "layers_handle_tp", "layers_commit(*,*)" } } },
	  .without = "whose changes a journal's commit had",
	  .aside = true },
	{ "bios as they are queued",
	  { { { "bio_queue(bio)" } }, { { "bio_queue_q(request_queue,bio)" } } },
	  .aside = true },
	{ "bios that are split",
	  { { { "bio_split(bio,*)" } }, { { "bio_split_q(request_queue,bio,*)" } } },
	  .aside = true },
	{ "bios without requests that complete",
	  { { { "bio_complete(request_queue,bio)" } } },
	  .aside = true },
	{ "requests as they are issued", { { { "rq_issue(request)" } } }, .aside = true },
	{ "requests that go back to the queue", { { { "rq_requeue(request)" } } }, .aside = true },
	{ "requests that complete", { { { "rq_complete(request,*,*)" } } }, .aside = true },
	{ "io_uring", URING_RUNGS, .without = "operations of io_uring are not seen" },
	{ "workers of io_uring",
	  { { { "uring_worker(io_kiocb,*)" } }, { { "uring_worker_ring(void,*,void,*,*)" } } },
	  .without = "an operation went to a worker if one completes it",
	  .aside = true },
	{ "the end of libaio's operations", AIO_DONE_RUNGS,
	  .without = "when operations of libaio are over: their last request is, or they are "
		     "collected",
	  .aside = true },
	{}
};

size_t ledger_stack(struct run *run, struct ledger *l, int32_t id, uint64_t *frames)
{
	int fd = loaded_map(run_loaded(run), "layers_stacks");
	size_t n = 0, skip;

	memset(frames, 0, STACK_FRAMES * sizeof(*frames));
	if (id < 0 || bpf_map_lookup_elem(fd, &id, frames))
		return 0;
	while (n < STACK_FRAMES && frames[n])
		n++;
	skip = stack_hook_frames(l->names, frames, n);
	memmove(frames, frames + skip, (n - skip) * sizeof(*frames));
	return n - skip;
}

/*
 * Makes a row of @e, followed by its stack, path and reason, in the ledger's scratch: it lasts
 * until the next one. NULL: no memory.
 */
static struct op_row *make_row(struct run *run, struct ledger *l, const struct layers_op_event *e,
			       size_t len, size_t *row_len)
{
	uint64_t frames[STACK_FRAMES];
	size_t n_frames = e->longest_wait_ns ? ledger_stack(run, l, e->stack, frames) : 0;
	const char *reason = e->longest_wait_ns ? ledger_reason(l, frames, n_frames) : NULL;
	const char *path = ledger_path(l, &e->key.file);
	size_t path_len = path ? strlen(path) : 0;
	uint32_t cut = 0;
	struct op_row *row;

	if (e->name.len && (e->name.off & ~VSTR_CUT) + e->name.len <= len) {
		path = (const char *)e + (e->name.off & ~VSTR_CUT);
		path_len = e->name.len;
		cut = e->name.off & VSTR_CUT;
	}
	*row_len = sizeof(*row) + n_frames * sizeof(*frames) + path_len +
		   (reason ? strlen(reason) : 0) + 1;
	l->row.len = 0;
	row = (struct op_row *)text_room(&l->row, *row_len);
	if (!row)
		return NULL;
	memset(row, 0, sizeof(*row));
	row->rec = e->rec;
	row->start_ns = e->start_ns;
	row->pid = e->key.tgid;
	row->tid = e->tid;
	row->mntns = e->mntns;
	memcpy(row->comm, e->comm, sizeof(row->comm));
	row->call = e->key.call;
	row->ret = e->ret;
	row->fd = e->key.call >= CALL_OPEN && e->key.call < CALL_FAULT ? (int32_t)e->ret : e->fd;
	row->restarts = e->restarts;
	row->flags = e->flags;
	row->bytes = e->bytes;
	row->cells.lat_ns = e->lat_ns;
	memcpy(row->cells.ns, e->cells, sizeof(row->cells.ns));
	row->longest_ns = e->longest_wait_ns;
	row->stack = (struct vstack){ sizeof(*row), (uint32_t)(n_frames * sizeof(*frames)) };
	memcpy(row + 1, frames, n_frames * sizeof(*frames));
	row->path.off = path ? (uint32_t)(sizeof(*row) + row->stack.len) | cut : 0;
	row->path.len = (uint32_t)path_len;
	if (path_len)
		memcpy((char *)(row + 1) + row->stack.len, path, path_len);
	if (reason)
		row->reason = strcpy((char *)(row + 1) + row->stack.len + path_len, reason);
	return row;
}

/* Keeps a copy of @row if it is among the slowest; most are not, and cost nothing here. */
static void keep_slowest(struct ledger *l, const struct op_row *row, size_t len)
{
	size_t at = l->n_slowest;
	struct op_row *copy;

	while (at && l->slowest[at - 1]->cells.lat_ns < row->cells.lat_ns)
		at--;
	if (at == SLOWEST_KEPT)
		return;
	copy = malloc(len);
	if (!copy)
		return;
	memcpy(copy, row, len);
	if (row->reason)
		copy->reason = (char *)copy + (row->reason - (const char *)row);
	if (l->n_slowest == SLOWEST_KEPT)
		free(l->slowest[--l->n_slowest]);
	memmove(&l->slowest[at + 1], &l->slowest[at], (l->n_slowest - at) * sizeof(l->slowest[0]));
	l->slowest[at] = copy;
	l->n_slowest++;
}

static void record(struct run *run, const struct rec *rec, size_t len)
{
	struct ledger *l = run_tool_state(run);
	const struct layers_cfg *cfg = run_cfg(run);
	const struct layers_op_event *e = (const void *)rec;
	struct op_row *row;
	size_t row_len;

	if (rec->type == REC_FILE) {
		ledger_learn_path(run, l, (const void *)rec, len);
		return;
	}
	row = make_row(run, l, e, len, &row_len);
	if (!row)
		return;
	if (cfg->stream && e->lat_ns >= cfg->slow_ns)
		run_row(run, row, row_len);
	keep_slowest(l, row, row_len);
}

static bool prepare(struct run *run)
{
	struct layers_cfg *cfg = run_cfg(run);

	cfg->n_slowest = SLOWEST_KEPT;
	cfg->verdict_rows = run_opts(run)->format != FORMAT_TEXT;
	ledger_arguments(cfg);
	ledger_who_prepare(cfg, run_opts(run)->btf);
	return true;
}

static bool begin(struct run *run)
{
	return ledger_life_begin(run, run_tool_state(run));
}

static void end(struct run *run)
{
	ledger_life_end(run_tool_state(run));
}

static bool start(struct run *run)
{
	struct ledger *l = run_tool_state(run);

	l->paths = (struct keymap)KEYMAP(struct layers_file, char *);
	ledger_waits_start(run);
	l->names = run_kernel_names(run);
	return l->names != NULL;
}

static void report(struct run *run, bool last)
{
	ledger_report(run, run_tool_state(run), last);
}

static void finish(struct run *run)
{
	struct ledger *l = run_tool_state(run);

	ledger_paths_free(l);
	text_free(&l->row);
	for (size_t i = 0; i < l->n_slowest; i++)
		free(l->slowest[i]);
}

static const struct tool_ops ops = {
	.state_size = sizeof(struct ledger),
	.prepare = prepare,
	.begin = begin,
	.start = start,
	.record = record,
	.end = end,
	.report = report,
	.finish = finish,
};

const struct tool tool_layers = {
	.name = "layers",
	.layer = "layers",
	.summary = "where a program's time went, in calls and between them; it always adds up",
	.text = "Follows each thread for as long as it is watched and gives every nanosecond to "
		"one "
		"place: cpu (running), runq (waiting for a CPU), queue (its requests wait in the "
		"block layer), device (a request is at the device), wait (anything else, by name), "
		"unknown. Says what took the most, then shows the time of every call and between "
		"calls, who had the CPU or ended the wait, operations of libaio and io_uring with "
		"their depth, sums of reads, writes, fsyncs and opens "
		"by call, file and process, the "
		"slowest of these, and where their waits were.",
	.examples =
		"  iosonde layers -- tar cf /tmp/x.tar /usr/share  one program and its "
		"children\n"
		"  iosonde layers -p 1234 -d 10                       ten seconds of a process\n"
		"  iosonde layers --slow 10ms -p 1234                 slow operations as they "
		"end\n",
	.kind = TOOL_LEDGER,
	.row = { "op", layers_op_columns },
	.row_when = CFG(stream),
	.tables = layers_tables,
	.options = options,
	.cfg_size = sizeof(struct layers_cfg),
	.probes = probes,
	.image = &bpf_layers,
	.calls = calls,
	.counters = counters,
	.no_by = "--by: the tables are by call, by file and by process already; --slow 0 -o json "
		 "streams every operation with all its columns",
	.rows_with = "With --slow MIN",
	.ops = &ops,
};
