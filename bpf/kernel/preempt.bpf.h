/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Is what runs here an interrupt? The preempt count, which kernels keep in different places. */
#ifndef IOSONDE_PREEMPT_BPF_H
#define IOSONDE_PREEMPT_BPF_H

#include "bpf/kernel/compat.bpf.h"

/*
 * The preempt count belongs to the task on arm64, whose task_struct begins with a thread_info. On
 * x86 it is a variable of each CPU, which many kernels' symbols don't have; but a scheduling entity
 * leads to another one, its CPU's rq, and how far one is from the other, @delta, is the same on all
 * CPUs (tools/layers/ledger_who.c).
 */
struct thread_info___arm64 {
	u64 preempt_count;
} __attribute__((preserve_access_index));

/* Bits of it (include/linux/preempt.h): NMI, interrupt, and a softirq being served. */
#define PREEMPT_INTERRUPT (0x00f00000 | 0x000f0000 | 0x00000100)

/* Where this CPU's preempt count is; 0: nobody knows. */
static __always_inline u64 preempt_count_at(s64 delta)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct thread_info___arm64 *info = (void *)task;
	struct rq *rq;

	if (bpf_core_field_exists(info->preempt_count))
		return 0;
	if (!delta || !bpf_core_field_exists(task->se.cfs_rq))
		return 0;
	rq = BPF_CORE_READ(task, se.cfs_rq, rq);
	if ((u32)BPF_CORE_READ(rq, cpu) != bpf_get_smp_processor_id())
		return 0;
	return (u64)rq + delta;
}

/* The preempt count of here, at @at if there is one for each CPU. */
static __always_inline u32 preempt_count(u64 at)
{
	struct thread_info___arm64 *info = (void *)bpf_get_current_task();
	u32 count = 0;

	if (bpf_core_field_exists(info->preempt_count))
		return BPF_CORE_READ(info, preempt_count);
	if (at)
		bpf_probe_read_kernel(&count, sizeof(count), (const void *)at);
	return count;
}

#endif
