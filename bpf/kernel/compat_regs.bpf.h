/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Registers and system calls, per architecture: a part of compat.bpf.h. */
#ifndef IOSONDE_COMPAT_REGS_BPF_H
#define IOSONDE_COMPAT_REGS_BPF_H

/*
 * What user space had in its registers when it entered the kernel. The helper is 5.15's
 * (dd6e10fbd9fb); what calls this doesn't load before, and no kernel from before needs it.
 */
static __always_inline struct pt_regs *task_user_regs(struct task_struct *here)
{
	return (struct pt_regs *)bpf_task_pt_regs(here);
}

static __always_inline struct pt_regs *user_regs(void)
{
	return task_user_regs(bpf_get_current_task_btf());
}

#if defined(__TARGET_ARCH_x86)

struct syscall_args {
	u64 a[6];
};

/* The arguments of the call that @regs entered; @compat: by the 32-bit convention. */
static __always_inline void syscall_args(struct pt_regs *regs, bool compat,
					 struct syscall_args *out)
{
	if (compat) {
		out->a[0] = (u32)regs->bx;
		out->a[1] = (u32)regs->cx;
		out->a[2] = (u32)regs->dx;
		out->a[3] = (u32)regs->si;
		out->a[4] = (u32)regs->di;
		out->a[5] = (u32)regs->bp;
	} else {
		out->a[0] = regs->di;
		out->a[1] = regs->si;
		out->a[2] = regs->dx;
		out->a[3] = regs->r10;
		out->a[4] = regs->r8;
		out->a[5] = regs->r9;
	}
}

/*
 * The number of the call that the thread whose registers READ() gets at @regs is in; -1: of none,
 * or of one that has its result already.
 */
#define CALL_UNDER_WAY(regs, READ)                                                                 \
	((s64)READ(regs, ax) == -38 /* ENOSYS */ ? (s64)READ(regs, orig_ax) : -1)

/* syscall_args() by probe reads. */
static __always_inline void syscall_args_read(struct pt_regs *regs, bool compat,
					      struct syscall_args *out)
{
	out->a[0] = compat ? (u32)BPF_CORE_READ(regs, bx) : BPF_CORE_READ(regs, di);
	out->a[1] = compat ? (u32)BPF_CORE_READ(regs, cx) : BPF_CORE_READ(regs, si);
	out->a[2] = compat ? (u32)BPF_CORE_READ(regs, dx) : BPF_CORE_READ(regs, dx);
	out->a[3] = compat ? (u32)BPF_CORE_READ(regs, si) : BPF_CORE_READ(regs, r10);
	out->a[4] = compat ? (u32)BPF_CORE_READ(regs, di) : BPF_CORE_READ(regs, r8);
	out->a[5] = compat ? (u32)BPF_CORE_READ(regs, bp) : BPF_CORE_READ(regs, r9);
}

/* What was in them when user space was left, into out[], by their numbers in DWARF. */
#define REGS_DWARF(regs, READ, out)                                                                \
	do {                                                                                       \
		(out)[0] = READ(regs, ax);                                                         \
		(out)[1] = READ(regs, dx);                                                         \
		(out)[2] = READ(regs, cx);                                                         \
		(out)[3] = READ(regs, bx);                                                         \
		(out)[4] = READ(regs, si);                                                         \
		(out)[5] = READ(regs, di);                                                         \
		(out)[6] = READ(regs, bp);                                                         \
		(out)[7] = READ(regs, sp);                                                         \
		(out)[8] = READ(regs, r8);                                                         \
		(out)[9] = READ(regs, r9);                                                         \
		(out)[10] = READ(regs, r10);                                                       \
		(out)[11] = READ(regs, r11);                                                       \
		(out)[12] = READ(regs, r12);                                                       \
		(out)[13] = READ(regs, r13);                                                       \
		(out)[14] = READ(regs, r14);                                                       \
		(out)[15] = READ(regs, r15);                                                       \
		(out)[16] = READ(regs, ip);                                                        \
	} while (0)
#define DWARF_SP 7
#define DWARF_IP 16

#define TIF_32BITS 29 /* TIF_ADDR32: arch/x86/include/asm/thread_info.h */

#define COMPAT_PREAD_POS 3 /* which argument of a 32-bit pread() the offset begins with */
#define SYSCALL_INSN_LEN 2 /* syscall, sysenter, int $0x80 */
#define REGS_IP(regs)	 ((regs)->ip)
#define REGS_SP(regs)	 ((regs)->sp)
#define REGS_CALL(regs)	 ((s64)(regs)->orig_ax)
/* rt_sigreturn leaves like this, and so does a call that a tracer skipped. */
#define REGS_NO_CALL(regs) ((s64)(regs)->orig_ax == -1)
/* Could the result @ret of call @nr be what was in its register before: syscall_rollback()? */
#define ROLLED_BACK(nr, ret) ((s64)(nr) == (s64)(ret))

/* By a probe read. */
#define REGS_CALL_READ(regs) ((s64)BPF_CORE_READ(regs, orig_ax))

/* Is @task, which is current_task(), in a call by the 32-bit convention? */
static __always_inline bool task_in_compat_call(struct task_struct *task)
{
	if (HAVE_TASK_BTF())
		return task->thread_info.status & TS_COMPAT;
	return BPF_CORE_READ(task, thread_info.status) & TS_COMPAT;
}

#elif defined(__TARGET_ARCH_arm64)

struct syscall_args {
	u64 a[6];
};

static __always_inline void syscall_args(struct pt_regs *regs, bool compat,
					 struct syscall_args *out)
{
	(void)compat;
	out->a[0] = regs->orig_x0;
	out->a[1] = regs->regs[1];
	out->a[2] = regs->regs[2];
	out->a[3] = regs->regs[3];
	out->a[4] = regs->regs[4];
	out->a[5] = regs->regs[5];
}

#define CALL_UNDER_WAY(at, READ)                                                                   \
	(READ(at, regs[0]) == READ(at, orig_x0) ? (s64)READ(at, syscallno) : -1)

static __always_inline void syscall_args_read(struct pt_regs *regs, bool compat,
					      struct syscall_args *out)
{
	(void)compat;
	out->a[0] = BPF_CORE_READ(regs, orig_x0);
	out->a[1] = BPF_CORE_READ(regs, regs[1]);
	out->a[2] = BPF_CORE_READ(regs, regs[2]);
	out->a[3] = BPF_CORE_READ(regs, regs[3]);
	out->a[4] = BPF_CORE_READ(regs, regs[4]);
	out->a[5] = BPF_CORE_READ(regs, regs[5]);
}

#define REGS_DWARF(at, READ, out)                                                                  \
	do {                                                                                       \
		_Pragma("unroll") for (int reg_ = 0; reg_ < 31; reg_++)(out)[reg_] =               \
			READ(at, regs[reg_]);                                                      \
		(out)[31] = READ(at, sp);                                                          \
		(out)[32] = READ(at, pc);                                                          \
	} while (0)
#define DWARF_SP 31
#define DWARF_IP 32

#define COMPAT_PREAD_POS     4 /* at an even register */
#define SYSCALL_INSN_LEN     4
#define REGS_IP(regs)	     ((regs)->pc)
#define REGS_SP(regs)	     ((regs)->sp)
#define REGS_CALL(regs)	     ((s64)(regs)->syscallno)
#define REGS_CALL_READ(regs) ((s64)BPF_CORE_READ(regs, syscallno))
#define REGS_NO_CALL(regs)   ((regs)->syscallno == -1)
#define ROLLED_BACK(nr, ret) true /* the result is the first argument then */

#define TIF_32BITS 22 /* TIF_32BIT: arch/arm64/include/asm/thread_info.h */

static __always_inline bool task_in_compat_call(struct task_struct *task)
{
	return BPF_CORE_READ(task, thread_info.flags) & (1UL << TIF_32BITS);
}

#endif

#define THREAD_SIZE		16384 /* of kernels from before the helper, without KASAN */
#define PLAIN_READ(ptr, member) ((ptr)->member)

/*
 * The call that @task is in, or -1. *@regs are what it entered it with, for syscall_args_read():
 * they lie at the end of its stack.
 */
static __always_inline s64 call_of_task(struct task_struct *task, struct pt_regs **regs)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs)) {
		*regs = task_user_regs(task);
		return CALL_UNDER_WAY(*regs, PLAIN_READ);
	}
	*regs = (struct pt_regs *)((u64)BPF_CORE_READ(task, stack) + THREAD_SIZE -
				   bpf_core_type_size(struct pt_regs));
	return CALL_UNDER_WAY(*regs, BPF_CORE_READ);
}

/*
 * Where the current task @task, a thread of a program, left user space: out[] has its registers, by
 * their numbers in DWARF. False: the program is of 32 bits.
 */
static __always_inline bool dwarf_regs(struct task_struct *task, u64 *out)
{
	struct pt_regs *regs;

	if (BPF_CORE_READ(task, thread_info.flags) & (1UL << TIF_32BITS))
		return false;
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs)) {
		regs = user_regs();
		REGS_DWARF(regs, PLAIN_READ, out);
		return true;
	}
	regs = (struct pt_regs *)((u64)BPF_CORE_READ(task, stack) + THREAD_SIZE -
				  bpf_core_type_size(struct pt_regs));
	REGS_DWARF(regs, BPF_CORE_READ, out);
	return true;
}

static __always_inline bool in_compat_call(void)
{
	return task_in_compat_call(current_task());
}

#endif
