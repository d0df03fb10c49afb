/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/syscall/mountsnoop.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>

#include "core/base/digits.h"
#include "core/rows/call_text.h"
#include "core/tool.h"

BPF_IMAGE(mountsnoop);

static const char *const calls[] = { "mount",	 "?umount",	  "umount2",	"fsopen",
				     "fsconfig", "fsmount",	  "move_mount", "open_tree",
				     "fspick",	 "mount_setattr", "pivot_root", NULL };

static const char *const call_names[] = { "",	       "mount",	   "umount",	    "umount2",
					  "fsopen",    "fsconfig", "fsmount",	    "move_mount",
					  "open_tree", "fspick",   "mount_setattr", "pivot_root",
					  NULL };

/* How an argument reads. */
enum arg_kind {
	A_END,
	A_TEXT, /* of the argument's own number among the texts */
	A_FD,
	A_FLAGS,
	A_COMMAND, /* of fsconfig() */
	A_NUMBER,
	A_ATTR, /* struct mount_attr */
};

struct arg {
	enum arg_kind kind;
	enum mount_text text;
	const struct flag_name *flags;
};

#define BIT(bit, name)                                                                             \
	{                                                                                          \
		bit, bit, name                                                                     \
	}

static const struct flag_name mount_flags[] = { BIT(1, "MS_RDONLY"),
						BIT(2, "MS_NOSUID"),
						BIT(4, "MS_NODEV"),
						BIT(8, "MS_NOEXEC"),
						BIT(16, "MS_SYNCHRONOUS"),
						BIT(32, "MS_REMOUNT"),
						BIT(64, "MS_MANDLOCK"),
						BIT(128, "MS_DIRSYNC"),
						BIT(256, "MS_NOSYMFOLLOW"),
						BIT(1024, "MS_NOATIME"),
						BIT(2048, "MS_NODIRATIME"),
						BIT(4096, "MS_BIND"),
						BIT(8192, "MS_MOVE"),
						BIT(16384, "MS_REC"),
						BIT(32768, "MS_SILENT"),
						BIT(1 << 16, "MS_POSIXACL"),
						BIT(1 << 17, "MS_UNBINDABLE"),
						BIT(1 << 18, "MS_PRIVATE"),
						BIT(1 << 19, "MS_SLAVE"),
						BIT(1 << 20, "MS_SHARED"),
						BIT(1 << 21, "MS_RELATIME"),
						BIT(1 << 23, "MS_I_VERSION"),
						BIT(1 << 24, "MS_STRICTATIME"),
						BIT(1 << 25, "MS_LAZYTIME"),
						{} };

static const struct flag_name umount_flags[] = { BIT(1, "MNT_FORCE"),
						 BIT(2, "MNT_DETACH"),
						 BIT(4, "MNT_EXPIRE"),
						 BIT(8, "UMOUNT_NOFOLLOW"),
						 {} };

static const struct flag_name fsopen_flags[] = { BIT(1, "FSOPEN_CLOEXEC"), {} };
static const struct flag_name fsmount_flags[] = { BIT(1, "FSMOUNT_CLOEXEC"), {} };

static const struct flag_name attr_flags[] = {
	BIT(0x01, "MOUNT_ATTR_RDONLY"),		 BIT(0x02, "MOUNT_ATTR_NOSUID"),
	BIT(0x04, "MOUNT_ATTR_NODEV"),		 BIT(0x08, "MOUNT_ATTR_NOEXEC"),
	BIT(0x10, "MOUNT_ATTR_NOATIME"),	 BIT(0x20, "MOUNT_ATTR_STRICTATIME"),
	BIT(0x80, "MOUNT_ATTR_NODIRATIME"),	 BIT(0x100000, "MOUNT_ATTR_IDMAP"),
	BIT(0x200000, "MOUNT_ATTR_NOSYMFOLLOW"), {}
};

static const struct flag_name move_flags[] = { BIT(0x01, "MOVE_MOUNT_F_SYMLINKS"),
					       BIT(0x02, "MOVE_MOUNT_F_AUTOMOUNTS"),
					       BIT(0x04, "MOVE_MOUNT_F_EMPTY_PATH"),
					       BIT(0x10, "MOVE_MOUNT_T_SYMLINKS"),
					       BIT(0x20, "MOVE_MOUNT_T_AUTOMOUNTS"),
					       BIT(0x40, "MOVE_MOUNT_T_EMPTY_PATH"),
					       BIT(0x100, "MOVE_MOUNT_SET_GROUP"),
					       BIT(0x200, "MOVE_MOUNT_BENEATH"),
					       {} };

static const struct flag_name tree_flags[] = { BIT(1, "OPEN_TREE_CLONE"),
					       BIT(O_CLOEXEC, "OPEN_TREE_CLOEXEC"),
					       BIT(0x100, "AT_SYMLINK_NOFOLLOW"),
					       BIT(0x800, "AT_NO_AUTOMOUNT"),
					       BIT(0x1000, "AT_EMPTY_PATH"),
					       BIT(0x8000, "AT_RECURSIVE"),
					       {} };

static const struct flag_name pick_flags[] = { BIT(1, "FSPICK_CLOEXEC"),
					       BIT(2, "FSPICK_SYMLINK_NOFOLLOW"),
					       BIT(4, "FSPICK_NO_AUTOMOUNT"),
					       BIT(8, "FSPICK_EMPTY_PATH"),
					       {} };

static const char *const config_commands[] = {
	"FSCONFIG_SET_FLAG",   "FSCONFIG_SET_STRING",	   "FSCONFIG_SET_BINARY",
	"FSCONFIG_SET_PATH",   "FSCONFIG_SET_PATH_EMPTY",  "FSCONFIG_SET_FD",
	"FSCONFIG_CMD_CREATE", "FSCONFIG_CMD_RECONFIGURE", "FSCONFIG_CMD_CREATE_EXCL",
};

#define TEXT(which)                                                                                \
	{                                                                                          \
		A_TEXT, which, NULL                                                                \
	}
#define FLAGS(names)                                                                               \
	{                                                                                          \
		A_FLAGS, 0, names                                                                  \
	}
#define FD                                                                                         \
	{                                                                                          \
		A_FD, 0, NULL                                                                      \
	}
#define NUMBER                                                                                     \
	{                                                                                          \
		A_NUMBER, 0, NULL                                                                  \
	}

static const struct arg signatures[][6] = {
	[CALL_MOUNT] = { TEXT(TEXT_SOURCE), TEXT(TEXT_TARGET), TEXT(TEXT_TYPE), FLAGS(mount_flags),
			 TEXT(TEXT_DATA) },
	[CALL_UMOUNT] = { TEXT(TEXT_TARGET) },
	[CALL_UMOUNT2] = { TEXT(TEXT_TARGET), FLAGS(umount_flags) },
	[CALL_FSOPEN] = { TEXT(TEXT_TYPE), FLAGS(fsopen_flags) },
	[CALL_FSCONFIG] = { FD, { A_COMMAND, 0, NULL }, TEXT(TEXT_TYPE), TEXT(TEXT_DATA), NUMBER },
	[CALL_FSMOUNT] = { FD, FLAGS(fsmount_flags), FLAGS(attr_flags) },
	[CALL_MOVE_MOUNT] = { FD, TEXT(TEXT_SOURCE), FD, TEXT(TEXT_TARGET), FLAGS(move_flags) },
	[CALL_OPEN_TREE] = { FD, TEXT(TEXT_SOURCE), FLAGS(tree_flags) },
	[CALL_FSPICK] = { FD, TEXT(TEXT_SOURCE), FLAGS(pick_flags) },
	[CALL_MOUNT_SETATTR] = { FD,
				 TEXT(TEXT_TARGET),
				 FLAGS(tree_flags),
				 { A_ATTR, 0, NULL },
				 NUMBER },
	[CALL_PIVOT_ROOT] = { TEXT(TEXT_TARGET), TEXT(TEXT_SOURCE) },
};

/* "a \"quoted\" text", with dots behind it where it was longer; a pointer where it wasn't read. */
static char *put_text(char *to, const struct mount_event *e, size_t len, enum mount_text which,
		      uint64_t ptr)
{
	const struct vstr *v = &e->text[which];
	size_t off = v->off & ~VSTR_CUT;
	const char *text = (const char *)e + off;

	if (!(e->present & 1U << which) || off > len || v->len > len - off || v->len >= PATH_LEN)
		return ptr ? to + put_hex(to, ptr) : put_str(to, "NULL");
	*to++ = '"';
	for (uint32_t i = 0; i < v->len; i++) {
		if (text[i] == '"' || text[i] == '\\')
			*to++ = '\\';
		*to++ = text[i];
	}
	*to++ = '"';
	return e->cut & 1U << which ? put_str(to, "...") : to;
}

static char *put_attr(char *to, const struct mount_event *e)
{
	to = put_flags(put_str(to, "{attr_set="), attr_flags, e->attr[0]);
	to = put_flags(put_str(to, ", attr_clr="), attr_flags, e->attr[1]);
	to = put_flags(put_str(to, ", propagation="), mount_flags, e->attr[2]);
	to = put_str(to, ", userns_fd=");
	to += put_u64(to, e->attr[3]);
	return put_str(to, "}");
}

static char *put_arg(char *to, const struct mount_event *e, size_t len, const struct arg *arg,
		     uint64_t value)
{
	switch (arg->kind) {
	case A_TEXT:
		if (e->call == CALL_FSCONFIG && arg->text == TEXT_DATA && !value)
			return put_str(to, "NULL");
		return put_text(to, e, len, arg->text, value);
	case A_FD:
		return (int)value == AT_FDCWD ? put_str(to, "AT_FDCWD")
					      : to + put_i64(to, (int)value);
	case A_FLAGS:
		return put_flags(to, arg->flags,
				 e->call == CALL_MOUNT ? value : (uint64_t)(uint32_t)value);
	case A_COMMAND:
		if ((uint32_t)value < sizeof(config_commands) / sizeof(config_commands[0]))
			return put_str(to, config_commands[(uint32_t)value]);
		return to + put_u64(to, (uint32_t)value);
	case A_ATTR:
		return value ? put_attr(to, e) : put_str(to, "NULL");
	default:
		return to + put_i64(to, (int)value);
	}
}

/* The call as a C programmer writes it: umount2("/mnt", MNT_DETACH) = 0 */
static void render_call(const void *rec, size_t len, char *scratch, struct value *out)
{
	const struct mount_event *e = rec;
	char *to = scratch;

	if (len < sizeof(*e) || !e->call || e->call > CALL_PIVOT_ROOT)
		return;
	to = put_str(put_str(to, call_names[e->call]), "(");
	for (size_t i = 0; i < 5 && signatures[e->call][i].kind != A_END; i++) {
		if (i)
			to = put_str(to, ", ");
		to = put_arg(to, e, len, &signatures[e->call][i], e->arg[i]);
	}
	to = put_str(to, ") = ");
	to += put_i64(to, e->ret);
	out->kind = V_BYTES;
	out->bytes.p = scratch;
	out->bytes.len = (size_t)(to - scratch);
}

#define E(member) FIELD(struct mount_event, member)

static const struct column columns[] = {
	{ "time", E(rec.ts_ns), U_CLOCK, .help = "when the call returned" },
	{ "comm", E(comm), U_TEXT, .width = 16 },
	{ "pid", E(pid), U_ID, .width = 7 },
	{ "tid", E(tid), U_ID, .width = 7, .keep = 1 },
	{ "pcomm", E(pcomm), U_TEXT, .width = 16, .flags = COL_HIDDEN,
	  .help = "the parent's command (-P)" },
	{ "ppid", E(ppid), U_ID, .width = 7, .flags = COL_HIDDEN, .help = "parent (-P)" },
	{ "user", E(uid), U_USER, .flags = COL_HIDDEN, .help = "user" },
	{ "mntns", E(mnt_ns), U_ID, .width = 10, .classic = "mnt_ns",
	  .help = "mount namespace of the process, by its inode" },
	{ "name", E(call), U_ENUM, .flags = COL_HIDDEN, .names = call_names,
	  .help = "system call" },
	{ "ret", E(ret), U_COUNT, .flags = COL_HIDDEN },
	{ "err", E(ret), U_ERRNO, .width = 8 },
	{ "source", E(text[TEXT_SOURCE]), U_PATH, .flags = COL_HIDDEN,
	  .help = "what is mounted, moved or picked; put_old of pivot_root()" },
	{ "target", E(text[TEXT_TARGET]), U_PATH, .flags = COL_HIDDEN,
	  .help = "where; new_root of pivot_root()" },
	{ "resolved", E(resolved), U_PATH, .width = 20, .flags = COL_WIDE,
	  .help = "the target, absolute, all mounts crossed: from the directory or descriptor "
		  "that it was passed with, or that /proc/self/fd/N stands for; symbolic links "
		  "in it stay" },
	{ "fs", E(text[TEXT_TYPE]), U_TEXT, .flags = COL_HIDDEN,
	  .help = "type of filesystem; of fsconfig(), the key" },
	{ "data", E(text[TEXT_DATA]), U_TEXT, .flags = COL_HIDDEN,
	  .help = "options for the filesystem; of fsconfig(), the value" },
	{ "call", E(call), U_TEXT, .flags = COL_WIDE, .render = render_call,
	  .help = "with all arguments and the result; dots follow a text that was longer" },
	{ "kstack", E(kstack), U_STACK, .help = "kernel stack (--kstack)" },
	{ "ustack", E(ustack), U_STACK, .help = "user stack (--ustack)" },
	{}
};

#define CFG(member) FIELD(struct mount_cfg, member)

static const struct option_spec options[] = {
	{ "failed", 'x', CFG(failed_only), .kind = OPT_FLAG, .help = "only calls that failed" },
	{ "parent_process", 'P', CFG(show_parent), .kind = OPT_FLAG, .help = "show the parent" },
	{}
};

static const struct column_switch switches[] = { { CFG(show_parent), "+pcomm,+ppid" }, {} };

static const struct probe probes[] = { { "system calls",
					 { { { "mount_enter", "mount_exit" } },
					   { { "mount_enter_tp", "mount_exit_tp" } } } },
				       {} };

const struct tool tool_mountsnoop = {
	.name = "mountsnoop",
	.layer = "syscall",
	.summary = "mounts as they are made, moved, changed and taken away",
	.text = "One row per mount(), umount(), fsopen(), fsconfig(), fsmount(), move_mount(),\n"
		"open_tree(), fspick(), mount_setattr() and pivot_root(), when it returns, from "
		"all\n"
		"mount namespaces. Texts are as long as the kernel takes them: 4095 bytes.",
	.examples = "  iosonde mountsnoop                   every mount, in containers, too\n"
		    "  iosonde mountsnoop -x                what can't be mounted, and why\n"
		    "  iosonde mountsnoop --mntns 1234      in the namespace of process 1234\n",
	.kind = TOOL_EVENTS,
	.row = { "mount", columns },
	.switches = switches,
	.options = options,
	.cfg_size = sizeof(struct mount_cfg),
	.probes = probes,
	.image = &bpf_mountsnoop,
	.calls = calls,
};
