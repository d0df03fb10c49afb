/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/vfs/filelife.h"

#include "bpf/calls/uring.h"
#include "core/tool.h"

BPF_IMAGE(filelife);

static const char *const calls[] = { NAMES_CALLS, "?open",  "?creat",  "openat",
				     "openat2",	  "?mknod", "mknodat", NULL };

/* enum life_reason */
static const char *const reasons[] = { "",	    "unlinked",		"renamed over",
				       "last link", "temporary closed", NULL };

#define E(member) FIELD(struct filelife_event, member)

static const struct column columns[] = {
	{ "time", E(rec.ts_ns), U_CLOCK, .help = "when the file ceased to exist" },
	{ "pid", E(pid), U_ID, .width = 7, .help = "process that did it" },
	{ "tid", E(tid), U_ID, .width = 7, .flags = COL_HIDDEN, .help = "its thread" },
	{ "comm", E(comm), U_TEXT, .width = 16, .help = "its command" },
	{ "user", E(uid), U_USER, .flags = COL_HIDDEN, .help = "its user (-U)" },
	COLUMN_MNTNS(E(mntns)),
	{ "creator_pid", E(creator_pid), U_ID, .width = 7, .flags = COL_HIDDEN | COL_OPTIONAL,
	  .help = "process that made the file (--creator)" },
	{ "creator", E(creator), U_TEXT, .width = 16, .flags = COL_HIDDEN,
	  .help = "its command (--creator)" },
	{ "age", E(age_ns), U_NSEC, .flags = COL_LATENCY | COL_OPTIONAL,
	  .help = "of the inode, since it was made" },
	{ "reason", E(reason), U_ENUM, .width = 12, .names = reasons,
	  .help = "unlinked; last link: the last of several; renamed over; temporary closed" },
	{ "dev", E(dev), U_DISK, .flags = COL_HIDDEN },
	{ "ino", E(ino), U_ID, .flags = COL_HIDDEN, .help = "inode" },
	{ "path", E(path), U_PATH, .flags = COL_WIDE,
	  .help = "absolute: the name that was taken away, from where it was looked up" },
	{ "kstack", E(kstack), U_STACK, .help = "kernel stack (--kstack)" },
	{ "ustack", E(ustack), U_STACK, .help = "user stack (--ustack)" },
	{}
};

#define CFG(member) FIELD(struct filelife_cfg, member)

static const struct option_spec options[] = {
	{ "all", 'a', CFG(all), .kind = OPT_FLAG,
	  .help = "files made before the run, too, without their age" },
	{ "creator", 'C', CFG(show_creator), .kind = OPT_FLAG, .help = "show who made the file" },
	{ "print-uid", 'U', CFG(show_uid), .kind = OPT_FLAG, .help = "show the user" },
	{}
};

static const struct column_switch switches[] = { { CFG(show_creator), "+creator_pid,+creator" },
						 { CFG(show_uid), "+user" },
						 {} };

#define BLIND "files made or removed without a call: nfsd"

static const struct probe probes[] = {
	{ "system calls",
	  { { { "life_enter", "life_exit" }, .blind = BLIND },
	    { { "life_enter_tp", "life_exit_tp" }, .blind = BLIND } } },
	{ "inodes of names",
	  {
		  { { "life_unlink(inode,dentry)", "life_rename(inode,dentry,inode,dentry,*)",
		      "life_instantiate(dentry,inode)" } },
		  { { "life_unlink_kp(inode,dentry)", "life_rename_kp(inode,dentry,inode,dentry,*)",
		      "life_instantiate_kp(dentry,inode)" } },
		  { { "life_unlink_ctime(inode,*,*,*)", "life_unlink_ctime_same(inode,*)",
		      "life_unlink_ctime_set(inode,*)" },
		    .blind = "files whose times a server keeps: FUSE, NFS, 9p" },
		  { { "life_unlink_ext4(inode,dentry)", "life_rename_ext4(inode,*)",
		      "life_instantiate_ext4(inode,inode,*)" },
		    .blind = "files of other filesystems than ext4" },
	  } },
	{ "last closes",
	  {
		  { { "life_evict(inode)" } },
		  { { "life_evict_kp(inode)" } },
		  { { "life_evict_ext4(inode)" },
		    .blind = "temporary files (O_TMPFILE) of other filesystems than ext4" },
	  },
	  .without = "temporary files (O_TMPFILE) that are closed are not seen" },
	{ "io_uring", URING_RUNGS, .without = "what io_uring makes and removes is not seen" },
	{}
};

const struct tool tool_filelife = {
	.name = "filelife",
	.layer = "vfs",
	.summary = "files that ceased to exist, how old they were, and who did it",
	.text = "One row per file that lost its last name, by unlink() or by a rename over it, or "
		"that\n"
		"never had one (O_TMPFILE) and was closed. Age is that of the inode, whatever it "
		"was\n"
		"called since. Files are those made during the run by open() or mknod(); -a shows "
		"older\n"
		"ones, too. Directories and symbolic links made are not followed.",
	.examples = "  iosonde filelife -- make             temporary files of a build\n"
		    "  iosonde filelife --where 'age < 1s'  short lives, on the whole machine\n"
		    "  iosonde filelife -C --by creator,comm -i 5   who makes what others remove\n",
	.kind = TOOL_EVENTS,
	.row = { "life", columns },
	.switches = switches,
	.options = options,
	.cfg_size = sizeof(struct filelife_cfg),
	.probes = probes,
	.image = &bpf_filelife,
	.calls = calls,
};
