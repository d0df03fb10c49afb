/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/vfs/filegone.h"

#include "bpf/calls/uring.h"
#include "core/tool.h"

BPF_IMAGE(filegone);

static const char *const calls[] = { NAMES_CALLS, NULL };

/* enum names_action */
static const char *const actions[] = { "", "unlink", "rmdir", "rename", NULL };
static const char *const routes[] = { "system call", "io_uring", NULL };

static const struct flag_name rename_flags[] = {
	{ 1, 1, "NOREPLACE" }, { 2, 2, "EXCHANGE" }, { 4, 4, "WHITEOUT" }, {}
};

#define E(member) FIELD(struct filegone_event, member)

static const struct column columns[] = {
	{ "time", E(rec.ts_ns), U_CLOCK, .help = "when the call returned" },
	{ "pid", E(pid), U_ID, .width = 7 },
	{ "tid", E(tid), U_ID, .width = 7, .flags = COL_HIDDEN },
	{ "comm", E(comm), U_TEXT, .width = 16 },
	{ "user", E(uid), U_USER, .flags = COL_HIDDEN, .help = "user (-U)" },
	COLUMN_MNTNS(E(mntns)),
	{ "action", E(action), U_ENUM, .width = 6, .names = actions,
	  .help = "unlink, rmdir or rename" },
	{ "route", E(uring), U_ENUM, .flags = COL_HIDDEN, .names = routes,
	  .help = "system call or io_uring" },
	{ "flags", E(flags), U_FLAGS, .width = 9, .flag_names = rename_flags,
	  .help = "of rename: RENAME_..." },
	{ "ret", E(ret), U_COUNT, .flags = COL_HIDDEN },
	{ "err", E(ret), U_ERRNO, .width = 12, .help = "error: the name is still there" },
	{ "path", E(path), U_PATH, .flags = COL_WIDE, .help = "as it was passed" },
	{ "new", E(new_path), U_PATH, .flags = COL_WIDE, .help = "of rename: the new name" },
	{ "full", E(full), U_PATH, .flags = COL_WIDE | COL_HIDDEN | COL_ASKED,
	  .enable = FIELD(struct filegone_cfg, full), .help = "absolute, all mounts crossed (-F)" },
	{ "new_full", E(new_full), U_PATH, .flags = COL_WIDE | COL_HIDDEN | COL_ASKED,
	  .enable = FIELD(struct filegone_cfg, full), .help = "the same of the new name" },
	{ "kstack", E(kstack), U_STACK, .help = "kernel stack (--kstack)" },
	{ "ustack", E(ustack), U_STACK, .help = "user stack (--ustack)" },
	{}
};

#define CFG(member) FIELD(struct filegone_cfg, member)

static const struct option_spec options[] = {
	{ "failed", 'x', CFG(failed_only), .kind = OPT_FLAG, .help = "only calls that failed" },
	{ "full-path", 'F', CFG(show_full), .kind = OPT_FLAG,
	  .help = "absolute paths, with all mounts crossed" },
	{ "print-uid", 'U', CFG(show_uid), .kind = OPT_FLAG, .help = "show the user" },
	{}
};

static const struct column_switch switches[] = { { CFG(show_uid), "+user" },
						 { CFG(show_full), "-path,-new,+full,+new_full" },
						 {} };

#define BLIND "what the kernel removes without being called: nfsd"

static const struct probe probes[] = {
	{ "system calls",
	  { { { "gone_enter", "gone_exit" }, .blind = BLIND },
	    { { "gone_enter_tp", "gone_exit_tp" }, .blind = BLIND } } },
	{ "io_uring", URING_RUNGS, .without = "what io_uring removes is not seen" },
	{}
};

const struct tool tool_filegone = {
	.name = "filegone",
	.layer = "vfs",
	.summary = "names that are removed or changed: unlink, rmdir, rename",
	.text = "One row per unlink(), rmdir(), rename() and their relatives, by system call or\n"
		"io_uring, when it returns. PATH and NEW are what the program passed.\n"
		"A rename with EXCHANGE swaps the two; without NOREPLACE it may have replaced "
		"NEW.\n"
		"Whether a file ceased to exist, and how old it was, filelife says.",
	.examples =
		"  iosonde filegone -- make clean       what it takes away\n"
		"  iosonde filegone -F --where 'full ~ \"/var/log/*\"'   who rotates these logs\n"
		"  iosonde filegone -x -p 1234          what process 1234 could not remove\n",
	.kind = TOOL_EVENTS,
	.row = { "gone", columns },
	.switches = switches,
	.options = options,
	.cfg_size = sizeof(struct filegone_cfg),
	.probes = probes,
	.image = &bpf_filegone,
	.calls = calls,
};
