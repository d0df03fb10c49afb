/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A row with a column of every unit, and sinks whose output is kept in memory. */
#ifndef IOSONDE_TESTS_SINK_ROW_H
#define IOSONDE_TESTS_SINK_ROW_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "out/sink.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct row {
	struct rec head;
	__u32 pid;
	__u32 uid;
	__s32 ret;
	__s32 mode;
	char comm[COMM_LEN];
	__u64 lat_ns;
	__u64 bytes;
	__u16 share;
	bool cached;
	const char *text;
	struct vstr path;
	struct vstack kstack;
	struct vstack ustack;
	char data[600];
};

enum {
	TIME,
	PID,
	USER,
	COMM,
	FD,
	ERR,
	MODE,
	LAT,
	BYTES,
	SHARE,
	CACHED,
	TEXT,
	PATH,
	KSTACK,
	USTACK,
	COLUMNS
};

static const struct column columns[] = {
	[TIME] = { "time", FIELD(struct row, head.ts_ns), U_CLOCK },
	[PID] = { "pid", FIELD(struct row, pid), U_ID },
	[USER] = { "user", FIELD(struct row, uid), U_USER },
	[COMM] = { "comm", FIELD(struct row, comm), U_TEXT },
	[FD] = { "fd", FIELD(struct row, ret), U_FD },
	[ERR] = { "err", FIELD(struct row, ret), U_ERRNO },
	[MODE] = { "mode", FIELD(struct row, mode), U_OCTAL },
	[LAT] = { "lat", FIELD(struct row, lat_ns), U_NSEC, .flags = COL_LATENCY },
	[BYTES] = { "bytes", FIELD(struct row, bytes), U_BYTES },
	[SHARE] = { "share", FIELD(struct row, share), U_SHARE },
	[CACHED] = { "cached", FIELD(struct row, cached), U_COUNT },
	[TEXT] = { "text", FIELD(struct row, text), U_TEXT, .width = 6 },
	[PATH] = { "path", FIELD(struct row, path), U_PATH, .flags = COL_WIDE },
	[KSTACK] = { "kstack", FIELD(struct row, kstack), U_STACK },
	[USTACK] = { "ustack", FIELD(struct row, ustack), U_STACK },
	[COLUMNS] = { NULL },
};
static const struct table table = { "open", columns };

#define SELECT(...)                                                                                \
	&(struct selection)                                                                        \
	{                                                                                          \
		.table = &table, .index = (uint16_t[]){ __VA_ARGS__ },                             \
		.n = sizeof((uint16_t[]){ __VA_ARGS__ }) / sizeof(uint16_t)                        \
	}
#define EVERYTHING                                                                                 \
	SELECT(TIME, PID, USER, COMM, FD, ERR, MODE, LAT, BYTES, SHARE, CACHED, TEXT, PATH,        \
	       KSTACK, USTACK)

static inline struct row make_row(const char *path, size_t len)
{
	struct row r = { .head.ts_ns = 6123456789,
			 .pid = 42,
			 .uid = 0,
			 .ret = 3,
			 .mode = 0644,
			 .comm = "cat",
			 .lat_ns = 1234567,
			 .bytes = UINT64_MAX,
			 .share = 8123,
			 .cached = true,
			 .text = "t" };

	memcpy(r.data, path, len);
	r.path = (struct vstr){ offsetof(struct row, data), (uint32_t)len };
	return r;
}

#define ROW(path) make_row(path, strlen(path))

/* What users are called. */
static struct names row_names;

static inline struct sink_opts options(enum format format, int fd)
{
	return (struct sink_opts){ .format = format,
				   .fd = fd,
				   .clock = { .start_ns = 5000000000,
					      .realtime_off_ns = 1795308383000000000,
					      .names = &row_names } };
}

/* A sink whose output is kept in memory. */
struct capture {
	struct sink *sink;
	int fd;
	char *text; /* after finish() */
	size_t len;
};

static inline struct capture start(const struct sink_opts *opts)
{
	struct capture c = { .fd = memfd_create("sink", 0) };
	struct sink_opts o = *opts;

	assert_true(c.fd >= 0);
	o.fd = c.fd;
	c.sink = sink_open(&o);
	assert_non_null(c.sink);
	return c;
}

static inline const char *finish(struct capture *c)
{
	struct stat st;

	assert_int_equal(sink_close(c->sink), 0);
	assert_int_equal(fstat(c->fd, &st), 0);
	c->len = (size_t)st.st_size;
	c->text = calloc(1, c->len + 1);
	assert_int_equal(pread(c->fd, c->text, c->len, 0), st.st_size);
	close(c->fd);
	return c->text;
}

static inline void assert_printed(struct capture *c, const char *want)
{
	assert_string_equal(finish(c), want);
	free(c->text);
}

static inline struct row row_with_stacks(void)
{
	struct row r = ROW("/p");
	uint64_t addresses[] = { 0xffffffff81000000, 0x1234 };

	memcpy(r.data + 104, addresses, sizeof(addresses));
	r.kstack = (struct vstack){ offsetof(struct row, data) + 104, 16 };
	r.ustack = (struct vstack){ offsetof(struct row, data) + 104, 8 };
	return r;
}

#endif
