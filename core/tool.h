/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * READ FIRST. A command is data: one struct tool, made of the tables below, next to its programs.
 * The engine does the rest: options, targets, choosing hooks, loading, reading, printing, loss
 * accounting, the end. docs/adding-a-tool.md walks through one.
 */
#ifndef IOSONDE_TOOL_H
#define IOSONDE_TOOL_H

#include "bpf/core/stacks.h"
#include "core/options/option.h"
#include "core/rows/hist.h"
#include "core/rows/unit.h"

struct run;

enum tool_kind {
	TOOL_EVENTS,	/* a row as it happens */
	TOOL_TABLE,	/* a map, drained every interval: rows sorted, top N */
	TOOL_HISTOGRAM, /* a map of struct hist, drained every interval */
	TOOL_STACKS,	/* a map of counts per stack, shown at the end */
	TOOL_LEDGER,	/* events and reports of its own (tool_ops.report) */
};

/*
 * A compiled BPF object, packed and embedded by the build: image_open(). @plain is the same without
 * bpf_rdonly_cast(), for kernels that don't have it: libbpf looks for a missing function in every
 * module's BTF, which takes CAP_SYS_ADMIN. NULL for a tool that the build makes one object of.
 */
struct bpf_image {
	const char *name;
	const unsigned char *data, *end;
	const unsigned char *plain, *plain_end;
};

/* clang-format off */
#define BPF_IMAGE(name_)                                                                           \
	extern const unsigned char bpf_##name_##_data[], bpf_##name_##_end[];                      \
	extern const unsigned char bpf_##name_##_plain_data[] __attribute__((weak)),               \
		bpf_##name_##_plain_end[] __attribute__((weak));                                   \
	static const struct bpf_image bpf_##name_ = { #name_, bpf_##name_##_data,                  \
		bpf_##name_##_end, bpf_##name_##_plain_data, bpf_##name_##_plain_end }
/* clang-format on */

/*
 * Of a command that shows a path and a process: whose idea of names it is. Mounts of a namespace of
 * one's own can give any name to any file.
 */
#define COLUMN_MNTNS(field)                                                                        \
	{                                                                                          \
		"mntns", field, U_ID, .width = 10, .flags = COL_HIDDEN | COL_BLANK,                \
				      .help = "mount namespace of the process, by its inode"       \
	}

#define RUNG_PROGS  12
#define PROBE_RUNGS 6

/*
 * One way to observe something: the programs that do it, together. Each program's SEC() names its
 * hook. Where a hook's shape differs between kernels, the program's name is followed by what the
 * hook must pass according to BTF: the names of the structs that its arguments point to, or of
 * their types, "*" for any one: "bio_queue_q(request_queue,bio)".
 */
struct rung {
	const char *progs[RUNG_PROGS];
	const char *blind; /* what this rung can't see, for --verbose and doctor */
	const char *lacks; /* a helper: only worth it where the kernel doesn't have that */
};

/* Something to observe, with its alternatives, best first. A table ends with what == NULL. */
struct probe {
	const char *what;
	struct rung rungs[PROBE_RUNGS];
	const char *without; /* not NULL: optional; what is missed where no rung works */
	struct field when;   /* in the tool's cfg: attach only if it isn't 0; F_NONE: always */
	struct field unless; /* likewise: attach only if it is 0 */
	/*
	 * It only adds to the events of other probes. A run of its programs that the kernel skipped
	 * costs a detail (null_helper), not an event (lost_missed).
	 */
	bool aside;
};

/* Text columns that an option brings or takes away: "+uid", "-path,+full". */
struct column_switch {
	struct field when;
	const char *columns;
};

/*
 * A value may hold a struct hist_value: exact count, sum, least and largest value, and slots from
 * which percentiles come. It is a TOOL_HISTOGRAM's whole value, or the last member of a table's. In
 * rows struct hist_stats takes its place. For histograms they go into a table of their own, one row
 * per key: the key, struct hist_stats, the time.
 */
struct hist_style {
	enum hist_scale scale;
	struct field scale_of;	  /* in cfg: the scale instead */
	struct field linear;	  /* __u64 in cfg: width of a slot; 0: logarithmic */
	struct field fine;	  /* in cfg: eight steps per doubling are shown */
	struct table totals;	  /* TOOL_HISTOGRAM; its first column gives the order */
	struct field show_totals; /* in cfg: text and CSV have them, too */
};

#define DRAIN_KEY_MAX 256

/*
 * Maps of the aggregating kinds. A key begins with a __u32 that the programs set to `epoch`
 * (core.bpf.h); the engine moves the epoch on at every report, waits until no program can use
 * the old one, and only then reads and removes it: nothing is counted twice or missed.
 *
 * A row is the key followed by
 *	TOOL_TABLE	the value: __u64 members, summed over CPUs (COL_MAX ones: the largest). The
 *			first one is how many events the row stands for.
 *	TOOL_HISTOGRAM	struct hist_row, one row per slot in use; the value is struct hist_value,
 *			__u64[LOG2_SLOTS] or __u64[HIST_SLOTS] (bpf/core/hist.h)
 *	TOOL_STACKS	struct stack_row; the value is a __u64, a count, or two: and a sum
 * and by a __u64: the time (CLOCK_MONOTONIC ns) at which the epoch ended. A table's row has another
 * one behind it: how long the epoch was, in ns (U_RATE). Keys are a multiple of 8
 * bytes long. Maps are BPF_MAP_TYPE_HASH, LRU_HASH or their per-CPU kinds; see also many_spec.
 *
 * A table of which no column belongs to the key has one row per report, of zeros if need be.
 *
 * Rows are ordered by --sort, else by the first column of the value, largest first; equal ones by
 * the columns of the key. Text shows a histogram as a block per key.
 */
enum drain_order {
	DRAIN_LARGEST, /* first */
	DRAIN_SMALLEST,
	DRAIN_KEYS, /* in the order of the key alone */
};

struct drain {
	const char *map;
	const char *reserve; /* of the same layout: keys that found no room in map; NULL: none */
	uint32_t key_size;
	uint32_t value_size;
	const char *others; /* OTHERS_MAP_OF(), of a table besides the command's; NULL: none */
	uint32_t sums;	    /* programs keep a memo of so many words of a value: memo.bpf.h */
	struct field cpu;   /* __u32 in the key: rows that differ in nothing else are added up */
	uint32_t hist_off;  /* TOOL_TABLE: where in the value its struct hist_value is */
	/* with hist_off: __u64 in the row, which becomes the sum of all rows' histograms */
	struct field whole;
	const struct hist_style *hist;
	/* TOOL_STACKS: where bpf_get_stackid() put the frames; bpf/core/stacks.h */
	const char *stack_maps[STACK_MAPS];
	struct field kstack_id; /* TOOL_STACKS: in the key, signed, negative for none */
	struct field ustack_id;
	struct field wstack_id; /* F_NONE: it has no second stack of the kernel's */
	struct field program;	/* TOOL_STACKS: in the key, whose the user's addresses are */
	struct field ip;	/* likewise: where it was, if the stacks are those of the callers */
	struct field dwarf;	/* in cfg: user stacks come as copies: USTACK_OPTION() */
	bool by_function;	/* stacks whose functions are the same are one */
	struct field target;	/* __u32 in the key: 1 + index of the target hit; see many_spec */
	struct field apart;	/* in cfg: targets aren't added up by pattern; F_NONE: never */
	struct field no_clear;	/* in cfg: a terminal keeps the tables before */
	/* without --sort; -r shows the largest, or with DRAIN_KEYS the first, in any case */
	enum drain_order order;
	bool zeros; /* of a map per target: show those, too, that nothing hit */
};

/*
 * Rows that are counted by the programs instead of sent one by one, where --by is about nothing but
 * columns with COL_FOLDS and no figure of latencies is shown. Keys of the map, a BPF_MAP_TYPE_HASH,
 * begin with the epoch, as a drain's do; values with a __u64: how many rows they stand for.
 */
struct fold {
	const char *map; /* NULL: none */
	uint32_t key_size;
	uint32_t value_size;
	uint32_t sums;	   /* as in struct drain */
	struct field when; /* in the tool's cfg: set to 1 by the engine where it applies */
	uint32_t row_size;
	void (*unfold)(const void *value, void *row); /* into a zeroed row */
};

/*
 * Programs whose copies are attached to targets that are known at run time alone: many.bpf.h,
 * core/kernel/many.h. A table's map is then a BPF_MAP_TYPE_PERCPU_ARRAY with two places per target
 * (many_slot()), and the row's key struct many_key; the other kinds say which target it was in
 * their own keys (drain.target). struct many_row follows the time.
 */
struct many_spec {
	const char *prog; /* the model; SEC("raw_tp"); NULL: none. Also named by a probe */
	/*
	 * Likewise, for the return of functions and system calls, and the second of two tracepoints
	 * (core/kernel/many_pair.c); NULL: targets are places, not spans.
	 */
	const char *end;
	struct field end_when; /* in cfg: they are spans only if it isn't 0; F_NONE: always */
	bool functions;	       /* the command line names the targets: PATTERN... */
	bool arguments;	       /* and what they are passed: PATTERN(ARGUMENT, ...) */
};

struct hist_row {
	__u64 low;  /* inclusive */
	__u64 high; /* inclusive */
	__u64 count;
	__u32 share; /* of the largest slot, in hundredths of a percent: a bar on a terminal */
	__u32 reserved;
};

struct stack_row {
	__u64 count;
	__u64 sum; /* 0 where the value has none */
	struct vstack kstack;
	struct vstack ustack;
	struct vstack wstack;
};

/*
 * Columns of a TOOL_HISTOGRAM's rows, FIELD(struct ..., member) given as @F: the slots, and what is
 * known of all values together. @unit is theirs, @what they are and @events what has them, in
 * words.
 */
/* clang-format off */
#define SLOT_COLUMNS(F, unit, what, events)                                                        \
	{ "low", F(slot.low), unit, .help = "least " what " in the slot" },                        \
	{ "high", F(slot.high), unit, .help = "largest " what " in the slot" },                    \
	{ "count", F(slot.count), U_COUNT, .help = events },                                       \
	{ "share", F(slot.share), U_SHARE, .help = "of the largest slot" }
#define STATS_COLUMNS(F, unit)                                                                     \
	{ "avg", F(stats.avg), unit, .keep = 3 }, { "min", F(stats.min), unit, .keep = 2 },        \
	{ "p50", F(stats.p50), unit, .help = "median, within 1/8" },                               \
	{ "p90", F(stats.p90), unit, .keep = 4, .help = "90th percentile, within 1/8" },           \
	{ "p99", F(stats.p99), unit, .keep = KEEP, .help = "99th percentile, within 1/8" },        \
	{ "p999", F(stats.p999), unit, .flags = COL_HIDDEN,                                        \
	  .help = "99.9th percentile, within 1/8" },                                               \
	{ "max", F(stats.max), unit }
/* clang-format on */

/* Of programs that count with bpf/core/stacks.bpf.h. */
/* clang-format off */
#define STACKS_DRAIN { STACKS_DRAIN_MEMBERS }
#define STACKS_DRAIN_MEMBERS                                                                       \
	.map = "stack_counts", .key_size = sizeof(struct stacks_key),                              \
	.value_size = sizeof(struct stacks_value),                                                 \
	.stack_maps = { "stacks", "second_stacks", "third_stacks" },                               \
	.kstack_id = FIELD(struct stacks_key, kstack),                                             \
	.ustack_id = FIELD(struct stacks_key, ustack),                                             \
	.program = FIELD(struct stacks_key, program)
/* clang-format on */

/* Of those that can send copies of user stacks (bpf/core/ustack.bpf.h); @field is drain.dwarf. */
/* clang-format off */
#define USTACK_OPTION(field)                                                                       \
	{ "ustack", 0, field, .kind = OPT_CHOICE, .names = ustack_kinds, .arg = "KIND",            \
	  .deflt = "fp", .help = "user stacks by frame pointers (fp), or by the tables that "      \
				 "programs without them have (dwarf)" }
/* clang-format on */
#define USTACK_MAPS(field)                                                                         \
	{                                                                                          \
		.prefix = "ustack_", .when = field                                                 \
	}

extern const char *const ustack_kinds[]; /* core/run/unwound.c */

/* How often SEC("perf_event") runs on each CPU: members of the tool's cfg. */
struct sample_spec {
	struct field hz;	/* __u32: so many times a second; F_NONE: nothing is sampled */
	struct field period_ns; /* __u64: instead of hz, if it isn't 0 */
	struct field idle;	/* __u32: idle CPUs, too, if it isn't 0 */
	struct field cpu;	/* __u32: the only one, and 1; 0: all */
};

/*
 * Maps that an option brings or sizes: those whose names begin with @prefix. A table ends with
 * prefix NULL; the first entry that fits a map counts.
 */
struct map_spec {
	const char *prefix;
	struct field when; /* in the tool's cfg: create them only if it isn't 0; F_NONE: always */
	struct field
		entries; /* in the tool's cfg: how many entries (U32, U64); F_NONE: as declared */
};

/*
 * A table of a command that has several. Options reach it by its name:
 *	--where 'files: lat > 10ms'  --columns files:path,lat  --sort files:bytes  -r files:20
 */
struct tool_table {
	const char *name;  /* "files"; NULL: the end of the list */
	struct table row;  /* its type is a name to reach it by, too */
	const char *title; /* for people, above it; NULL: none */
	const char *order; /* as --sort takes it; NULL: a drain's own, or as the rows are given */
	/* Without --top people see so many rows, and are told of the others; 0: all. */
	uint32_t people;
	bool whole;	   /* short by nature: --top is about it only by its name */
	struct field when; /* in the tool's cfg: shown to people only if it isn't 0 */
	bool again;	   /* its events are those of another table: not in the account */
	/* what its rows come from; without, tool_ops.report gives them: run_give() */
	enum tool_kind kind;
	const struct drain *drain;
};

/*
 * Where rows come from if not from programs of ours: something that the kernel has besides. The
 * command has no image then, and counts what it generates, filters and loses in
 * run_loaded(run)->counters. Functions that return bool say themselves what went wrong.
 */
#define FEED_STATE "user space"

struct feed {
	const char *what; /* it tells of, for doctor */
	uint64_t poll_ns; /* how often to read, at least */
	/* Can this kernel do it? Names what is in use in @hook, else one line in @why. */
	bool (*look)(char *hook, size_t hook_size, char *why, size_t size);
	bool (*open)(struct run *run); /* sets everything up; nothing is recorded yet */
	/* A thread of the targets, which may have come before; if not, *@new_ is one more. */
	bool (*follow)(struct run *run, uint32_t tid, uint32_t *new_);
	bool (*attach)(struct run *run); /* all is as begin() needs it, however long that takes */
	bool (*begin)(struct run *run);	 /* from now on it is recorded */
	void (*read)(struct run *run);	 /* hands on what there is; after end(), all */
	void (*end)(struct run *run);	 /* nothing is recorded any more, all is as it was before */
	void (*close)(struct run *run);	 /* whatever became of the run, open() included */
};

/* What only a ledger, or a tool with records of its own, provides; all of it may be NULL. */
struct tool_ops {
	size_t state_size; /* run_tool_state() points at this much zeroed memory */
	/*
	 * The rows' columns, where they depend on the targets that the command line names, which
	 * are in run_many(). They last until close(). NULL: a failure, with a message, of the run.
	 */
	const struct column *(*columns)(struct run *run);
	/* Before loading: look at the options, refuse (false, with a message by log_error()). */
	bool (*prepare)(struct run *run);
	/* What it hooks, before targets are looked for: a failure, with a message, is the run's. */
	bool (*find)(struct run *run);
	/* Prints what an option asks for instead of a trace; false if none does. */
	bool (*answer)(struct run *run);
	bool (*begin)(struct run *run);	 /* attached, and nothing counts yet */
	bool (*start)(struct run *run);	 /* attached, privileges still held */
	bool (*hooked)(struct run *run); /* so are the targets, and nothing counts yet */
	void (*record)(struct run *run, const struct rec *rec, size_t len); /* types >= REC_TOOL */
	void (*end)(struct run *run);		    /* nothing counts any more, still attached */
	void (*report)(struct run *run, bool last); /* every interval, and at the end */
	void (*finish)(struct run *run);	    /* free what start() took */
	void (*close)(struct run *run);		    /* the very last, whatever became of the run */
};

/*
 * Another name for a command, with words that come before what is typed: vfscount for
 * funccount '^vfs_'. A table ends with name NULL.
 */
struct tool_alias {
	const char *name;
	const char *summary;
	const char *const *words; /* NULL-terminated; NULL: none */
};

/*
 * A counter that the kernel keeps itself, and that the programs' own (BOOK()) is to agree with:
 * --check reads both when the run begins and when it ends.
 */
enum book_rule {
	BOOK_EXACT,    /* the programs' counter and the kernel's rise alike */
	BOOK_AT_MOST,  /* the programs' may rise less: why */
	BOOK_AT_LEAST, /* it may rise more: why */
	BOOK_NEAR,     /* either of them */
};

struct book {
	/*
	 * NULL: the end of the list. "PLACE COUNTER" (core/run/books.c); several that begin alike:
	 * "vmstat pswp*"
	 */
	const char *name;
	enum book_rule rule;
	const char *why;
	size_t probe;	  /* whose programs count: without one of its rungs there is no pair */
	const char *less; /* likewise named: what that probe doesn't see where it is blind */
};

/* clang-format off */
#define OPTION_CHECK(type)                                                                         \
	{ "check", 0, FIELD(type, check.on), .kind = OPT_FLAG,                                     \
	  .help = "in the end, compare with what the kernel itself has counted meanwhile" }
/* clang-format on */

struct tool {
	const char *name;
	const char *layer;   /* folder: "syscall", "vfs" ... */
	const char *summary; /* one line */
	const char *text;    /* paragraphs for help and the man page */
	const char *examples;
	const struct tool_alias *aliases;
	enum tool_kind kind;
	bool one_report; /* a table: of the whole run, unless -i is given */
	struct table row;
	struct field row_when; /* in cfg: rows of .row come only if it isn't 0 (rows_with) */
	const struct tool_table *tables; /* besides .row */
	const struct column_switch *switches;
	const struct option_spec *options;
	size_t cfg_size; /* of the struct that becomes "cfg" in .rodata */
	const struct probe *probes;
	const struct bpf_image *image; /* NULL: there is .feed */
	const struct feed *feed;
	const char *const *calls; /* system calls to follow, in the order of the tool's enum */
	/* names of counters.tool[], for the summary; for people, too, where one begins with '+' */
	const char *const *counters;
	/* not NULL: --by is refused with this, which says what to do instead */
	const char *no_by;
	/* a ledger: heading of the options about its rows, which stream with an option alone */
	const char *rows_with;
	bool lingers; /* what it shows may follow the end of its cause: there is --linger */
	struct drain drain;
	struct fold fold;
	struct many_spec many;
	const struct map_spec *maps;
	const struct book *books; /* at most BOOKS_MAX; OPTION_CHECK() is among the options */
	struct field check;	  /* in cfg: its struct check_cfg's first member */
	struct sample_spec sample;
	const struct tool_ops *ops;
};

/* The catalogue of this binary, NULL-terminated: tools/catalogue.c. */
extern const struct tool *const catalogue[];

#endif
