// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Opens through io_uring. */
#include "uring.h"
#include "workload.h"

#include <linux/openat2.h>
#include <string.h>

static void uring_open(struct ctx *c, struct ring *r, const struct want *w)
{
	struct open_how how = { .flags = (uint64_t)w->flags, .mode = w->mode < 0 ? 0 : w->mode };
	struct io_uring_sqe sqe = { .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD };
	long ret;

	sqe.addr = (uint64_t)(uintptr_t)w->path;
	if (!strcmp(w->call, "io_uring_openat2")) {
		sqe.opcode = IORING_OP_OPENAT2;
		sqe.len = sizeof(how);
		sqe.off = (uint64_t)(uintptr_t)&how;
	} else {
		sqe.open_flags = (uint32_t)w->flags;
		sqe.len = (uint32_t)how.mode;
	}
	ret = ring_do(r, &sqe);
	op_record(c, w, ret);
	if (ret >= 0)
		close((int)ret);
}

void opens_uring(struct ctx *c, const char *dir)
{
	struct want w = { "uring",    "io_uring_openat",    "plain", join(dir, "plain"),
			  FULL_EXACT, O_RDONLY | O_CLOEXEC, -1,	     0,
			  0 };
	struct ring r;

	if (!ring_setup(&r)) {
		extra_add(c, "uring_refused", errno);
		return;
	}
	uring_open(c, &r, &w);
	w.id = "uring-enoent";
	w.path = "uring-missing";
	w.full = join(dir, "uring-missing");
	uring_open(c, &r, &w);
	w = (struct want){ "uring-creates",
			   "io_uring_openat",
			   "made-by-uring",
			   join(dir, "made-by-uring"),
			   FULL_EXACT,
			   O_CREAT | O_RDWR,
			   0640,
			   0,
			   0 };
	uring_open(c, &r, &w);
	w = (struct want){ "uring-openat2",
			   "io_uring_openat2",
			   "link",
			   join(dir, "plain"),
			   FULL_EXACT,
			   O_RDONLY,
			   -1,
			   0,
			   0 };
	uring_open(c, &r, &w);
	close(r.fd);
}
