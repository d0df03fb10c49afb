/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Page faults of mappings, by file. The kernel's software event tells of a major fault when it is
 * over, in the thread, as often as it counts it for the thread (majflt). For what the thread was
 * blocked since it is in user space is then known: it was for this fault.
 */
#ifndef IOSONDE_LAYERS_FAULTS_BPF_H
#define IOSONDE_LAYERS_FAULTS_BPF_H

#include "bpf/mem/vma.bpf.h"
#include "tools/layers/life.bpf.h"

/* What a fault took from the stretch in user space that it interrupted. */
static __always_inline u64 take_blocked(struct layers_op *from, struct layers_op *to)
{
	u64 lat = 0;

	for (int i = CELL_QUEUE; i <= CELL_WAIT; i++) {
		to->cells[i] = from->cells[i];
		lat += from->cells[i];
		from->cells[i] = 0;
	}
	from->before_ns -= lat; /* so that its cells still sum up: latency_of() */
	to->longest_ns = from->longest_ns;
	to->longest_stack = from->longest_stack;
	to->flags = from->flags & OP_BIOS_FULL;
	from->longest_ns = 0;
	from->longest_stack = -1;
	from->flags &= ~OP_BIOS_FULL;
	return lat;
}

/* The file that is mapped at @address of the current process; NULL: none is. */
static __noinline u64 mapped_at(u64 address)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct vm_area_struct *vma = vma_at(BPF_CORE_READ(task, mm), address);

	return (u64)BPF_CORE_READ(vma, vm_file);
}

/* Adds @op, a fault on the file behind @file, to that file's. */
static __noinline int add_fault(struct layers_op *op, u64 file, u64 lat)
{
	struct inode *inode = BPF_CORE_READ((struct file *)file, f_inode);
	struct layers_slot slot = { .sums = { .count = 1, .lat_ns = lat } };

	for (int i = CELL_QUEUE; i <= CELL_WAIT; i++)
		slot.sums.cells[i] = op->cells[i];
	bpf_get_current_comm(slot.sums.comm, sizeof(slot.sums.comm));
	make_key(&slot.key, inode, current_ids() >> 32, CALL_FAULT);
	if (inode)
		announce_file(file, &slot.key.file);
	op->key = slot.key;
	if (!add_to(&layers_fault_table, &slot.key, &slot.sums))
		add_to_others(&slot);
	return 0;
}

/*
 * The fault at @address, which the current thread with state @st was in, is over. It ran
 * before, after and maybe meanwhile: that is user space's.
 */
static __noinline int close_fault(struct layers_cpu *c, struct layers_state *st, u64 address)
{
	struct layers_op *op;
	u32 zero = 0;
	u64 lat = 0;

	op = bpf_map_lookup_elem(&layers_fault_op, &zero);
	if (!op)
		return 0;
	op->in.call = CALL_FAULT;
	op->in.fd = -1;
	op->end_ns = bpf_ktime_get_ns();
	op->cells[CELL_QUEUE] = op->cells[CELL_DEVICE] = op->cells[CELL_WAIT] = 0;
	op->longest_ns = 0;
	op->longest_stack = -1;
	op->flags = 0;
	if (st->op.in.call == PART_USER)
		lat = take_blocked(&st->op, op);
	op->start_ns = op->end_ns - lat;
	add_fault(op, mapped_at(address), lat);
	add_latency(c, CALL_FAULT, lat);
	if (is_sent(c, lat))
		send_op(op, st->name, 0, lat);
	return 0;
}

SEC("perf_event/major-faults")
int layers_fault(struct bpf_perf_event_data *ctx)
{
	struct task_struct *task = current_task();
	struct layers_state *st;
	struct layers_cpu *c;

	if (!all_attached || closed_ns)
		return 0;
	st = layers_of(task);
	c = cpu_here();
	if (!st || !st->self || !c)
		return 0;
	c->faults++;
	/* one in a call, or in what was under way at the start, is that one's */
	if (has_op(c, task) ? c->entry.call != PART_USER : st->op.in.call != PART_USER)
		return 0;
	if (!take_cpu(c)) {
		COUNT_EVENT(lost_state);
		return 0;
	}
	close_fault(c, st, ctx->addr);
	release_cpu(c);
	return 0;
}

#endif
