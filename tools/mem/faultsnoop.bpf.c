/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A software event tells of each fault when it is over, exactly as often as the kernel counts it
 * for the thread. When it began, and what for, is told by a tracepoint that all faults pass.
 */
#include "tools/mem/faultsnoop.h"

#include "bpf/calls/user_path.bpf.h"
#include "bpf/core/filter.bpf.h"
#include "bpf/core/task_state.bpf.h"
#include "bpf/mem/vma.bpf.h"

#define TMPFS_MAGIC 0x01021994 /* include/uapi/linux/magic.h */

/* arch/x86/include/asm/trap_pf.h */
#define PF_WRITE 2
#define PF_USER	 4
#define PF_INSTR 16

const volatile struct faultsnoop_cfg cfg;

/* The fault that a thread is in, or had last. */
struct fault {
	u64 address;
	u64 begin_ns; /* 0: it was told */
	u64 read_bytes;
	u32 code;
	u32 reserved;
};

TASK_STATE(faults, struct fault, 16384)

static __always_inline u64 bytes_read_by(struct task_struct *task)
{
	if (HAVE_TASK_BTF())
		return task->ioac.read_bytes;
	return BPF_CORE_READ(task, ioac.read_bytes);
}

/* Must @task wait for nothing? A read by a program like this one must not, and is counted, too. */
static __always_inline bool must_not_wait(struct task_struct *task)
{
	if (HAVE_TASK_BTF())
		return task->pagefault_disabled;
	return BPF_CORE_READ(task, pagefault_disabled) > 1;
}

static __always_inline int fault_begin(u64 address, u32 code)
{
	struct task_struct *task = current_task();
	struct fault *f;

	if ((s64)address < 0 || must_not_wait(task)) /* the kernel's own memory */
		return 0;
	if (!target_match(ids_of(task)))
		return 0;
	f = faults_create(task);
	if (!f) {
		COUNT(null_helper);
		return 0;
	}
	f->address = address;
	f->code = code;
	f->read_bytes = bytes_read_by(task);
	f->begin_ns = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/page_fault_user")
int BPF_PROG(fault_user, unsigned long address, void *regs, unsigned long code)
{
	return fault_begin(address, code);
}

SEC("tp_btf/page_fault_kernel")
int BPF_PROG(fault_kernel, unsigned long address, void *regs, unsigned long code)
{
	return fault_begin(address, code);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(fault_thread_exit, struct task_struct *task)
{
	faults_drop(task);
	return 0;
}

static __always_inline u32 access_of(u32 code)
{
	if (code & PF_INSTR)
		return FAULT_EXEC;
	return code & PF_WRITE ? FAULT_WRITE : FAULT_READ;
}

/* How it began, if that was seen. */
static __always_inline void set_begin(struct fault_event *e, struct task_struct *task)
{
	struct fault *f = faults_of(task);

	if (!f || !f->begin_ns || f->address != e->address)
		return;
	e->lat_ns = e->rec.ts_ns - f->begin_ns;
	e->bytes = bytes_read_by(task) - f->read_bytes;
	e->access = access_of(f->code);
	e->call = !(f->code & PF_USER);
	f->begin_ns = 0;
}

static __always_inline struct file *set_mapping(struct fault_event *e, bool major)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct vm_area_struct *vma = vma_at(BPF_CORE_READ(task, mm), e->address);
	struct file *file = BPF_CORE_READ(vma, vm_file);
	u64 in = e->address - BPF_CORE_READ(vma, vm_start);

	e->kind = FAULT_ANON;
	if (!vma)
		COUNT(null_helper);
	if (file) {
		e->offset = (BPF_CORE_READ(vma, vm_pgoff) << engine.page_shift) + in;
		e->kind = BPF_CORE_READ(file, f_inode, i_sb, s_magic) == TMPFS_MAGIC ? FAULT_SHMEM
										     : FAULT_FILE;
	}
	if (!major)
		e->kind = FAULT_MINOR;
	return file;
}

static __always_inline void fault_emit(void *ctx, const struct fault_event *e, struct file *file)
{
	struct wide_row *row = wide_take();
	struct fault_event *out;
	u64 pos = sizeof(*e);

	if (!row)
		return;
	out = (void *)row->bytes;
	*out = *e;
	if (file)
		pos = wide_path(row, pos, &out->path, file_user_path(file));
	pos = wide_stacks(ctx, row, pos, &out->kstack, &out->ustack);
	wide_emit(row, pos);
}

static __always_inline int fault_ended(struct bpf_perf_event_data *ctx, bool major)
{
	struct fault_event e = { .address = ctx->addr, .offset = -1 };
	struct task_struct *task = current_task();
	u64 ids = ids_of(task);

	if (!target_match(ids))
		return 0;
	if (major)
		BOOK(cfg.check, BOOK_MAJOR, true, 1);
	COUNT(generated);
	rec_init(&e.rec, REC_ROW);
	set_begin(&e, task);
	if (e.lat_ns < cfg.min_ns) {
		COUNT(filtered);
		return 0;
	}
	e.pid = ids >> 32;
	e.tid = ids;
	e.mntns = task_mntns(task);
	task_user_and_comm(task, &e.uid, e.comm);
	fault_emit(ctx, &e, set_mapping(&e, major));
	return 0;
}

SEC("perf_event/major-faults")
int fault_major(struct bpf_perf_event_data *ctx)
{
	return fault_ended(ctx, true);
}

SEC("perf_event/minor-faults")
int fault_minor(struct bpf_perf_event_data *ctx)
{
	return fault_ended(ctx, false);
}
