/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/mem/shmsnoop.h"

#include "core/base/digits.h"
#include "core/rows/call_text.h"
#include "core/tool.h"

BPF_IMAGE(shmsnoop);

static const char *const calls[] = { "shmget", "shmat", "shmdt", "shmctl", "?ipc", NULL };
/* enum shm_call begins at 1 */
static const char *const call_names[] = { "", "shmget", "shmat", "shmdt", "shmctl", NULL };

#define BIT(bit, name)                                                                             \
	{                                                                                          \
		bit, bit, name                                                                     \
	}

#define MODE_BITS 0777U
#define IPC_64	  0x100U /* to shmctl(), by some C libraries: nothing that a person asked for */

static const struct flag_name get_flags[] = { BIT(01000, "IPC_CREAT"),
					      BIT(02000, "IPC_EXCL"),
					      BIT(04000, "SHM_HUGETLB"),
					      BIT(010000, "SHM_NORESERVE"),
					      {} };

static const struct flag_name at_flags[] = { BIT(010000, "SHM_RDONLY"),
					     BIT(020000, "SHM_RND"),
					     BIT(040000, "SHM_REMAP"),
					     BIT(0100000, "SHM_EXEC"),
					     {} };

static const char *const commands[] = { "IPC_RMID", "IPC_SET",	       "IPC_STAT",
					"IPC_INFO", [11] = "SHM_LOCK", "SHM_UNLOCK",
					"SHM_STAT", "SHM_INFO",	       "SHM_STAT_ANY" };

static char *put_get(char *to, const struct shm_event *e)
{
	uint32_t bits = (uint32_t)e->arg[2], rest = bits & ~MODE_BITS;

	if (e->arg[0])
		to += put_hex(to, (uint32_t)e->arg[0]);
	else
		to = put_str(to, "IPC_PRIVATE");
	to = put_str(to, ", ");
	to += put_u64(to, e->arg[1]);
	to = put_str(to, ", ");
	if (rest)
		to = put_str(put_flags(to, get_flags, rest), "|");
	return to + put_octal(to, bits & MODE_BITS);
}

static char *put_at(char *to, const struct shm_event *e)
{
	to += put_i64(to, (int32_t)e->arg[0]);
	to = put_str(to, ", ");
	to += put_hex(to, e->arg[1]);
	return put_flags(put_str(to, ", "), at_flags, (uint32_t)e->arg[2]);
}

static char *put_ctl(char *to, const struct shm_event *e)
{
	uint32_t command = (uint32_t)e->arg[1] & ~IPC_64;

	to += put_i64(to, (int32_t)e->arg[0]);
	to = put_str(to, ", ");
	if (command < sizeof(commands) / sizeof(commands[0]) && commands[command])
		to = put_str(to, commands[command]);
	else
		to += put_u64(to, command);
	to = put_str(to, ", ");
	return to + put_hex(to, e->arg[2]);
}

/* The call as a C programmer writes it: shmget(0x78020001, 20, IPC_CREAT|0666) = 65536 */
static void render_call(const void *rec, size_t len, char *scratch, struct value *out)
{
	const struct shm_event *e = rec;
	char *to = scratch;

	if (len < sizeof(*e) || !e->call || e->call > CALL_SHMCTL)
		return;
	to = put_str(put_str(to, call_names[e->call]), "(");
	if (e->call == CALL_SHMGET)
		to = put_get(to, e);
	else if (e->call == CALL_SHMAT)
		to = put_at(to, e);
	else if (e->call == CALL_SHMCTL)
		to = put_ctl(to, e);
	else
		to += put_hex(to, e->arg[0]);
	to = put_str(to, ") = ");
	if (e->call == CALL_SHMAT && (uint64_t)e->ret == e->addr)
		to += put_hex(to, e->addr);
	else
		to += put_i64(to, e->ret);
	out->kind = V_BYTES;
	out->bytes.p = scratch;
	out->bytes.len = (size_t)(to - scratch);
}

#define E(member) FIELD(struct shm_event, member)

static const struct column columns[] = {
	{ "time", E(rec.ts_ns), U_CLOCK, .help = "when the call returned" },
	{ "comm", E(comm), U_TEXT, .width = 16, .help = "command" },
	{ "pid", E(pid), U_ID, .width = 7, .help = "process" },
	{ "tid", E(tid), U_ID, .width = 7, .flags = COL_HIDDEN, .help = "thread" },
	{ "user", E(uid), U_USER, .flags = COL_HIDDEN, .help = "user" },
	{ "name", E(call), U_ENUM, .flags = COL_HIDDEN, .names = call_names, .classic = "sys",
	  .help = "system call" },
	{ "id", E(id), U_FD, .flags = COL_HIDDEN, .help = "of the segment" },
	{ "key", E(key), U_HEX, .flags = COL_HIDDEN | COL_OPTIONAL,
	  .help = "that shmget() was asked for; 0: IPC_PRIVATE" },
	{ "size", E(size), U_BYTES, .flags = COL_HIDDEN | COL_OPTIONAL,
	  .help = "that shmget() was asked for" },
	{ "address", E(addr), U_HEX, .flags = COL_HIDDEN | COL_BLANK,
	  .help = "where the segment is attached" },
	{ "ret", E(ret), U_COUNT, .flags = COL_HIDDEN, .help = "what the call returned" },
	{ "err", E(ret), U_ERRNO, .width = 8, .help = "error" },
	{ "call", E(call), U_TEXT, .flags = COL_WIDE, .classic = "args", .render = render_call,
	  .help = "with all arguments and the result" },
	{}
};

#define CFG(member) FIELD(struct shm_cfg, member)

static const struct option_spec options[] = {
	{ "failed", 'x', CFG(failed_only), .kind = OPT_FLAG, .help = "only calls that failed" },
	{ "timestamp", 0, .kind = OPT_RENAMED, .help = "the time of day is -T" },
	{}
};

static const struct probe probes[] = {
	{ "system calls", { { { "shm_exit" } }, { { "shm_exit_tp" } } } }, {}
};

const struct tool tool_shmsnoop = {
	.name = "shmsnoop",
	.layer = "mem",
	.summary = "shared memory of System V: shmget, shmat, shmdt, shmctl",
	.text = "One row per call of the System V shared memory family when it returns, with its\n"
		"arguments by name and what came of it. Memory that is shared by mmap(), POSIX's\n"
		"shm_open() or memfd_create() are files: opensnoop shows them.",
	.examples =
		"  iosonde shmsnoop                     everybody\n"
		"  iosonde shmsnoop -x                  what fails, and why\n"
		"  iosonde shmsnoop --columns time,pid,name,id,key,size,address,err   one by one\n",
	.kind = TOOL_EVENTS,
	.row = { "shm", columns },
	.options = options,
	.cfg_size = sizeof(struct shm_cfg),
	.probes = probes,
	.image = &bpf_shmsnoop,
	.calls = calls,
};
