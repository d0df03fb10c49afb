/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A row with a column of every kind, for tests and fuzzers. */
#ifndef IOSONDE_TESTS_SAMPLE_H
#define IOSONDE_TESTS_SAMPLE_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "core/rows/unit.h"

struct sample {
	struct rec head;
	__u32 pid;
	__u32 uid;
	char comm[COMM_LEN];
	__s32 ret;
	__u32 call;
	__u64 lat_ns;
	__u64 size;
	__s64 delta_ns;
	__u32 flags;
	__s32 mode;
	__u16 share;
	bool cached;
	__u8 level;
	struct vstr name;
	struct vpath path;
	struct vstack kstack;
	char bytes[256]; /* what the variable fields refer to */
};

static const char *const sample_calls[] = { "read", "write", "fsync", NULL };

static const struct flag_name sample_flags[] = {
	{ O_RDONLY, O_ACCMODE, "O_RDONLY" },   { O_WRONLY, O_ACCMODE, "O_WRONLY" },
	{ O_RDWR, O_ACCMODE, "O_RDWR" },       { O_CREAT, O_CREAT, "O_CREAT" },
	{ O_CLOEXEC, O_CLOEXEC, "O_CLOEXEC" }, { 0, 0, NULL },
};

static const struct column sample_columns[] = {
	{ "time", FIELD(struct sample, head.ts_ns), U_CLOCK },
	{ "pid", FIELD(struct sample, pid), U_ID },
	{ "user", FIELD(struct sample, uid), U_USER, .flags = COL_HIDDEN },
	{ "comm", FIELD(struct sample, comm), U_TEXT },
	{ "call", FIELD(struct sample, call), U_ENUM, .names = sample_calls },
	{ "ret", FIELD(struct sample, ret), U_COUNT },
	{ "fd", FIELD(struct sample, ret), U_FD },
	{ "err", FIELD(struct sample, ret), U_ERRNO },
	{ "lat", FIELD(struct sample, lat_ns), U_NSEC, .flags = COL_LATENCY },
	{ "size", FIELD(struct sample, size), U_BYTES },
	{ "delta", FIELD(struct sample, delta_ns), U_NSEC, .flags = COL_HIDDEN },
	{ "flags", FIELD(struct sample, flags), U_FLAGS, .flag_names = sample_flags,
	  .flags = COL_HIDDEN },
	{ "mode", FIELD(struct sample, mode), U_OCTAL, .flags = COL_HIDDEN },
	{ "share", FIELD(struct sample, share), U_PERCENT },
	{ "cached", FIELD(struct sample, cached), U_COUNT },
	{ "level", FIELD(struct sample, level), U_HEX, .flags = COL_MACHINE },
	{ "name", FIELD(struct sample, name), U_TEXT },
	{ "path", FIELD(struct sample, path), U_PATH, .flags = COL_WIDE },
	{ "kstack", FIELD(struct sample, kstack), U_STACK, .flags = COL_HIDDEN },
	{ NULL },
};

static const struct table sample_table = { "sample", sample_columns };

/* A row of postgres (pid 42), which wrote 8 KiB in 12.5 ms to /var/lib/pg/wal as fd 7. */
static inline struct sample sample_row(void)
{
	struct sample s = {
		.head.ts_ns = 5000000000,
		.pid = 42,
		.comm = "postgres",
		.ret = 7,
		.call = 1,
		.lat_ns = 12500000,
		.size = 8192,
		.delta_ns = -3000,
		.flags = O_WRONLY | O_CREAT,
		.mode = 0644,
		.share = 1250,
		.cached = true,
		.level = 0x1f,
	};

	/* Leaf first. */
	memcpy(s.bytes, "wal\0pg\0lib\0var", sizeof("wal\0pg\0lib\0var"));
	s.path = (struct vpath){ .off = offsetof(struct sample, bytes),
				 .len = sizeof("wal\0pg\0lib\0var"),
				 .flags = VPATH_ABSOLUTE };
	memcpy(s.bytes + 64, "a \"b\"\n\\", 7);
	s.name = (struct vstr){ .off = offsetof(struct sample, bytes) + 64, .len = 7 };
	return s;
}

#endif
