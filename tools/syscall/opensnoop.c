/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/syscall/opensnoop.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "bpf/calls/slept.h"
#include "bpf/calls/uring.h"
#include "core/tool.h"

BPF_IMAGE(opensnoop);

/* io_uring's opens aren't system calls of their own: '-' keeps their place in enum open_call. */
static const char *const calls[] = { "open",
				     "creat",
				     "openat",
				     "openat2",
				     "open_by_handle_at",
				     "-io_uring openat",
				     "-io_uring openat2",
				     NULL };

static const char *const call_names[] = { "",
					  "open",
					  "creat",
					  "openat",
					  "openat2",
					  "open_by_handle_at",
					  "io_uring openat",
					  "io_uring openat2",
					  NULL };

#define FLAG(name)                                                                                 \
	{                                                                                          \
		name, name, #name                                                                  \
	}
#define FLAG_KERNEL(bit, name)                                                                     \
	{                                                                                          \
		bit, bit, name                                                                     \
	} /* as the kernel has it, not as libc defines it */

static const struct flag_name open_flags[] = {
	{ O_RDONLY, O_ACCMODE, "O_RDONLY" },
	{ O_WRONLY, O_ACCMODE, "O_WRONLY" },
	{ O_RDWR, O_ACCMODE, "O_RDWR" },
	FLAG(O_CREAT),
	FLAG(O_EXCL),
	FLAG(O_NOCTTY),
	FLAG(O_TRUNC),
	FLAG(O_APPEND),
	FLAG(O_NONBLOCK),
	{ O_SYNC, O_SYNC, "O_SYNC" }, /* contains O_DSYNC's bit */
	{ O_DSYNC, O_SYNC, "O_DSYNC" },
	FLAG(O_ASYNC),
	FLAG(O_DIRECT),
	FLAG_KERNEL(0100000, "O_LARGEFILE"),
	{ O_TMPFILE, O_TMPFILE, "O_TMPFILE" }, /* contains O_DIRECTORY's bit */
	{ O_DIRECTORY, O_TMPFILE, "O_DIRECTORY" },
	FLAG(O_NOFOLLOW),
	FLAG(O_NOATIME),
	FLAG(O_CLOEXEC),
	FLAG(O_PATH),
	{}
};

#define E(member) FIELD(struct open_event, member)

static const struct column columns[] = {
	{ "time", E(rec.ts_ns), U_CLOCK, .help = "when the call returned" },
	{ "pid", E(pid), U_ID, .width = 7 },
	{ "tid", E(tid), U_ID, .width = 7, .flags = COL_HIDDEN },
	{ "comm", E(comm), U_TEXT, .width = 16 },
	{ "user", E(uid), U_USER, .flags = COL_HIDDEN, .help = "user (-U)" },
	COLUMN_MNTNS(E(mntns)),
	{ "call", E(call), U_ENUM, .flags = COL_HIDDEN, .names = call_names,
	  .help = "system call, or io_uring operation" },
	{ "ret", E(ret), U_COUNT, .flags = COL_HIDDEN },
	{ "fd", E(fd), U_FD, .width = 4, .help = "new descriptor" },
	{ "err", E(ret), U_ERRNO, .width = 12 },
	{ "flags", E(flags), U_FLAGS, .width = 20, .flags = COL_HIDDEN, .keep = 6,
	  .flag_names = open_flags, .help = "flags (-e)" },
	{ "mode", E(mode), U_OCTAL, .flags = COL_HIDDEN,
	  .help = "mode asked for, with O_CREAT or O_TMPFILE (-e)" },
	{ "path", E(path), U_PATH, .flags = COL_WIDE, .help = "as it was passed" },
	{ "full", E(full), U_PATH, .flags = COL_WIDE | COL_HIDDEN | COL_ASKED,
	  .enable = FIELD(struct open_cfg, full),
	  .help = "absolute, all mounts crossed; where the open failed, the name it stood for "
		  "(-F)" },
	{ "kstack", E(kstack), U_STACK, .help = "kernel stack (--kstack)" },
	{ "ustack", E(ustack), U_STACK, .help = "user stack (--ustack)" },
	{}
};

/* -f O_CREAT,O_RDWR: any of these. The access modes are values, not bits, so they go apart. */
static bool parse_flags(const struct option_spec *spec, const char *arg, void *cfg_, char *err,
			size_t size)
{
	struct open_cfg *cfg = cfg_;

	(void)spec;
	for (const char *p = arg; *p; p += strcspn(p, ",|"), p += *p != '\0') {
		size_t len = strcspn(p, ",|");
		const struct flag_name *f = open_flags;

		while (f->name && (strlen(f->name) != len || memcmp(f->name, p, len)))
			f++;
		if (!f->name) {
			snprintf(err, size,
				 "\"%.*s\" is not an open flag; try O_CREAT or O_RDWR,O_TRUNC",
				 (int)len, p);
			return false;
		}
		if (f->mask == O_ACCMODE)
			cfg->access_modes |= 1U << f->value;
		else
			cfg->flags_any |= (__u32)f->value;
	}
	return true;
}

#define CFG(member) FIELD(struct open_cfg, member)

static const struct option_spec options[] = {
	{ "failed", 'x', CFG(failed_only), .kind = OPT_FLAG, .help = "only opens that failed" },
	{ "flags", 'f', CFG(flags_any), .kind = OPT_CUSTOM, .parse = parse_flags, .arg = "FLAGS",
	  .help = "only opens with one of these flags: O_CREAT,O_WRONLY" },
	{ "full-path", 'F', CFG(show_full), .kind = OPT_FLAG,
	  .help = "absolute paths, with all mounts crossed" },
	{ "extended", 'e', CFG(show_flags), .kind = OPT_FLAG, .help = "show flags and mode" },
	{ "print-uid", 'U', CFG(show_uid), .kind = OPT_FLAG, .help = "show the user" },
	{ "extended_fields", 0, .kind = OPT_SAME, .arg = "extended" },
	{ "flag_filter", 0, .kind = OPT_SAME, .arg = "flags" },
	{ "timestamp", 0, .kind = OPT_RENAMED,
	  .help = "the time is always shown, -T makes it the time of day" },
	{ "buffer-pages", 'b', .kind = OPT_RENAMED,
	  .help = "the buffer is --buffer SIZE, as in 8M" },
	{}
};

static const struct column_switch switches[] = { { CFG(show_uid), "+user" },
						 { CFG(show_flags), "+flags,+mode" },
						 { CFG(show_full), "-path,+full" },
						 {} };

static const struct probe probes[] = {
	{ "system calls", { { { "open_exit" } }, { { "open_exit_tp" } } } },
	SLEPT_PROBE,
	{ "io_uring opens", URING_RUNGS, .without = "opens by io_uring are not seen" },
	{}
};

const struct tool tool_opensnoop = {
	.name = "opensnoop",
	.layer = "syscall",
	.summary = "files as they are opened, and opens that fail",
	.text = "One row per open(), openat(), openat2(), creat(), open_by_handle_at() and "
		"io_uring\n"
		"open, when it returns. PATH is what the program passed.",
	.examples = "  iosonde opensnoop -- make                     all that make opens\n"
		    "  iosonde opensnoop -x -p 1234                  what 1234 looks for in "
		    "vain\n"
		    "  iosonde opensnoop --by comm,path -i 1 -r 10   the ten most opened\n",
	.kind = TOOL_EVENTS,
	.row = { "open", columns },
	.switches = switches,
	.options = options,
	.cfg_size = sizeof(struct open_cfg),
	.probes = probes,
	.image = &bpf_opensnoop,
	.calls = calls,
};
