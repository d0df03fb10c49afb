/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * unlink, rmdir and rename in all their forms: what they were told, by system calls and io_uring.
 */
#ifndef IOSONDE_NAMES_BPF_H
#define IOSONDE_NAMES_BPF_H

#include "bpf/core/task_state.bpf.h"
#include "bpf/calls/uring_ops.h"
#include "bpf/calls/user_path.bpf.h"

#include "tools/vfs/names.h"

/*
 * One such call under way. A rename's second name is kept apart: the state of a thread must stay
 * below 8 KiB, which is what 7.0 and later can allocate in any context.
 */
struct names {
	char text[PATH_LEN];
	u64 ptr[2]; /* in user memory, or in the kernel's with @kernel */
	s32 dfd[2];
	u32 len[2];
	u32 flags; /* of rename */
	u8 action; /* enum names_action; 0: none */
	u8 kernel;
	u8 missing[2]; /* the page wasn't there: try again at exit */
	u32 cut[2];    /* VSTR_CUT: it goes on */
};

struct second_name {
	char text[PATH_LEN];
};

TASK_STATE(second_names, struct second_name, 1024)

static __always_inline void name_read(struct names *n, int i, char *to)
{
	long got = n->kernel ? bpf_probe_read_kernel_str(to, PATH_LEN, (const char *)n->ptr[i])
			     : bpf_probe_read_user_str(to, PATH_LEN, (const char *)n->ptr[i]);

	n->missing[i] = got < 0;
	n->cut[i] = n->kernel ? 0 : name_cut(n->ptr[i], got, PATH_LEN);
	n->len[i] = got > 0 ? got - 1 : 0;
}

/* Reads the names at @n->ptr. @second is where a rename's other one goes. */
static __always_inline void names_read(struct names *n, struct second_name *second)
{
	name_read(n, 0, n->text);
	n->len[1] = n->missing[1] = 0;
	if (second)
		name_read(n, 1, second->text);
}

static __always_inline void names_again(struct names *n, struct second_name *second)
{
	if (n->missing[0])
		name_read(n, 0, n->text);
	if (n->missing[1] && second)
		name_read(n, 1, second->text);
}

/* The system call @call is entered; not one that takes names away: action 0. */
static __always_inline void names_entered(struct names *n, u32 call,
					  const struct syscall_args *args)
{
	n->dfd[0] = n->dfd[1] = AT_FDCWD;
	n->ptr[0] = args->a[0];
	n->ptr[1] = args->a[1];
	n->flags = n->kernel = 0;
	n->action = NAMES_RENAME;
	switch (call) {
	case CALL_UNLINK:
		n->action = NAMES_UNLINK;
		break;
	case CALL_RMDIR:
		n->action = NAMES_RMDIR;
		break;
	case CALL_UNLINKAT:
		n->action = (u32)args->a[2] & AT_REMOVEDIR ? NAMES_RMDIR : NAMES_UNLINK;
		n->dfd[0] = args->a[0];
		n->ptr[0] = args->a[1];
		break;
	case CALL_RENAME:
		break;
	case CALL_RENAMEAT2:
		n->flags = args->a[4];
		/* fall through */
	case CALL_RENAMEAT:
		n->dfd[0] = args->a[0];
		n->ptr[0] = args->a[1];
		n->dfd[1] = args->a[2];
		n->ptr[1] = args->a[3];
		break;
	default:
		n->action = 0;
		return;
	}
}

/* Is the request of io_uring one of these? */
static __always_inline bool names_wanted(struct io_kiocb *req)
{
	u8 opcode = BPF_CORE_READ(req, opcode);

	return HAVE_URING_NAMES() && (opcode == IORING_OP_UNLINKAT || opcode == IORING_OP_RENAMEAT);
}

/* The request is submitted, its names copied to kernel memory: names_read() is next. */
static __always_inline void names_submitted(struct names *n, struct io_kiocb *req)
{
	n->kernel = 1;
	if (BPF_CORE_READ(req, opcode) == IORING_OP_UNLINKAT) {
		const struct io_unlink *unlink = (const void *)req;

		n->action =
			BPF_CORE_READ(unlink, flags) & AT_REMOVEDIR ? NAMES_RMDIR : NAMES_UNLINK;
		n->dfd[0] = BPF_CORE_READ(unlink, dfd);
		n->ptr[0] = (u64)uring_unlink_name(unlink);
		n->flags = 0;
	} else {
		const struct io_rename *rename = (const void *)req;

		n->action = NAMES_RENAME;
		n->dfd[0] = BPF_CORE_READ(rename, old_dfd);
		n->dfd[1] = BPF_CORE_READ(rename, new_dfd);
		n->ptr[0] = (u64)uring_rename_old(rename);
		n->ptr[1] = (u64)uring_rename_new(rename);
		n->flags = BPF_CORE_READ(rename, flags);
	}
}

/*
 * Puts the names behind the row's head, which ends at @pos, described by @first and @other. Returns
 * the new end.
 */
static __always_inline u64 names_add(struct wide_row *row, u64 pos, const struct names *n,
				     const struct second_name *second, struct vstr *first,
				     struct vstr *other)
{
	u64 len = n->len[0];

	BOUND(len, PATH_LEN - 1);
	first->off = n->missing[0] ? 0 : pos | n->cut[0];
	first->len = len;
	other->off = other->len = 0;
	bpf_probe_read_kernel(&row->bytes[pos], len, n->text);
	pos += len;
	if (!second || !n->len[1])
		return pos;
	len = n->len[1];
	BOUND(len, PATH_LEN - 1);
	BOUND(pos, 2 * PATH_LEN - 1);
	other->off = pos | n->cut[1];
	other->len = len;
	bpf_probe_read_kernel(&row->bytes[pos], len, second->text);
	return pos + len;
}

/*
 * Appends the absolute path of where a name starts that is passed with @dfd and lies at @name in
 * the row. What doesn't fit beside three other long paths is left out, and counted.
 */
static __always_inline u64 names_full(struct wide_row *row, u64 pos, struct vpath *full, s32 dfd,
				      const struct vstr *name)
{
	const struct path *base;
	u64 at = name->off;

	full->off = full->len = full->flags = full->ino = 0;
	full->tail_off = full->tail_len = 0;
	if (!name->len)
		return pos;
	BOUND(at, WIDE_BYTES - 1);
	base = path_start(dfd, row->bytes[at]);
	if (!base)
		return pos;
	if (pos > WIDE_BYTES - PATH_LEN - 2 * (STACK_BYTES + 8)) {
		COUNT(null_helper);
		return pos;
	}
	full->tail_off = name->off;
	full->tail_len = name->len;
	return wide_path(row, pos, full, base);
}

#endif
