/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * File I/O with the help of functions of the VFS: a part of fileio_return.bpf.h, for kernels
 * before 5.11. Nothing can be walked from the current task there, so that it takes six reads to get
 * from a descriptor to its file. Those functions are passed the file, to be walked by plain loads.
 *
 * A command that counts alone counts there what succeeds; all that fails, and all other calls, is
 * left to the program at the return of calls. One that tells descriptors, too, counts there, and
 * the functions hand over what it needs of the file:
 *
 *	static __always_inline void *file_io_word(struct file *file);	not NULL
 *	static __always_inline bool file_io_handed(struct task_struct *task,
 *						   const struct file_io *io, u64 word, u64 ids);
 */
#ifndef IOSONDE_FILEIO_FUNCTIONS_BPF_H
#define IOSONDE_FILEIO_FUNCTIONS_BPF_H

/* In either ABI, a call with number @nr either goes through those functions or isn't followed. */
static __always_inline bool by_functions(s64 nr)
{
	return syscall_maybe(nr) && syscall_calls[nr][0] <= ROUTE_PWRITE &&
	       syscall_calls[nr][1] <= ROUTE_PWRITE;
}

#ifdef FILE_IO_SUMS_ONLY

static __always_inline void function_returned(void *ctx, struct file *file, u32 route, u64 asked,
					      s64 ret)
{
	struct file_io io = {
		.asked = at_most(asked, BYTES_MAX), .ret = ret, .offset = NO_OFFSET, .route = route
	};
	u64 ids = current_ids();

	if (ret < 0 || !target_match(ids))
		return;
	io.fd = -1;
	io.file = (u64)file;
	io.inode = (u64)file->f_inode;
	io.write = route_writes(route);
	if (!file_io_held(current_task(), &io, file, ids)) {
		struct file_io apart = io; /* or all of it is in memory for the usual case, too */

		end_side(ctx, &apart);
	}
}

static __always_inline bool rest_is_done(struct pt_regs *regs, s64 nr, s64 ret)
{
	return ret >= 0 && !ROLLED_BACK(nr, ret) && !n_parked && by_functions(nr);
}

#else

static __always_inline void *file_io_word(struct file *file);
static __always_inline bool file_io_handed(struct task_struct *task, const struct file_io *io,
					   u64 word, u64 ids);

/*
 * What the last of these functions on this CPU hands over. @check tells for which call, also if
 * somebody else's was written in between: then it fits no one's.
 */
struct handed {
	u64 word;
	u64 check;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct handed);
} handed_over SEC(".maps");

static __always_inline struct handed *handed_here(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&handed_over, &zero);
}

static __always_inline u64 handed_check(void *word, u64 asked, s64 ret)
{
	return address_low(word) ^ bpf_get_current_task() ^ (asked + 3 * (u64)ret);
}

static __always_inline void function_returned(void *ctx, struct file *file, u32 route, u64 asked,
					      s64 ret)
{
	struct handed *h = handed_here();
	void *word;

	if (!h || ret < 0)
		return;
	word = file_io_word(file);
	h->word = (u64)word;
	h->check = handed_check(word, asked, ret);
}

/* Counts the call with what was handed over. False: nothing was, for this one. */
static __always_inline bool rest_is_done(struct pt_regs *regs, s64 nr, s64 ret)
{
	struct task_struct *task = current_task();
	struct handed *h = handed_here();
	struct syscall_args args;
	struct file_io io = {};
	u64 ids;

	/* a number that both ABIs have would need a look which of them it is */
	if (!h || !h->word || ret < 0 || n_parked || !by_functions(nr) ||
	    (syscall_calls[nr][0] && syscall_calls[nr][1]))
		return false;
	syscall_args(regs, !syscall_calls[nr][0], &args);
	if (h->check != handed_check((void *)h->word, args.a[2], ret))
		return false;
	h->check = 0;
	ids = ids_of(task);
	if (!target_match(ids))
		return true;
	io.route = syscall_calls[nr][0] | syscall_calls[nr][1];
	io.write = route_writes(io.route);
	io.fd = (s32)args.a[0];
	io.ret = ret;
	return file_io_handed(task, &io, h->word, ids);
}

#endif

SEC("tp_btf/task_rename")
int fileio_return_comm(void *ctx)
{
	__sync_fetch_and_add(&comm_changes, 1);
	return 0;
}

SEC("fexit/vfs_read")
int BPF_PROG(fileio_return_read, struct file *file, void *buf, u64 count, void *pos, s64 ret)
{
	function_returned(ctx, file, ROUTE_READ, count, ret);
	return 0;
}

SEC("fexit/vfs_write")
int BPF_PROG(fileio_return_write, struct file *file, void *buf, u64 count, void *pos, s64 ret)
{
	function_returned(ctx, file, ROUTE_WRITE, count, ret);
	return 0;
}

SEC("tp_btf/sys_exit")
int fileio_return_rest(u64 *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx[0];
	s64 nr = REGS_CALL(regs), ret = ctx[1];

	if (rest_is_done(regs, nr, ret))
		return 0;
#ifdef FILE_IO_SUMS_ONLY
	return some_returned(ctx, regs, true, true, nr, ret);
#else
	return some_returned(ctx, regs, true, false, nr, ret);
#endif
}

#endif
