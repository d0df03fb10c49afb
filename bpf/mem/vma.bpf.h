/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Which mapping an address lies in. The kernel's own helper (bpf_find_vma(), 5.17) gives up where
 * somebody waits to change the mappings; this walk doesn't. Who asks makes sure that the mapping
 * stays: by being in the middle of a fault there, the tree by RCU, in which programs run.
 */
#ifndef IOSONDE_VMA_BPF_H
#define IOSONDE_VMA_BPF_H

#include "bpf/core/core.bpf.h"

#define VMA_RB_DEPTH 40 /* 2 * log2(n + 1), and sysctl vm.max_map_count is 65,530 */

/* include/linux/maple_tree.h, lib/maple_tree.c */
#define MAPLE_NODE_MASK	 255UL
#define MAPLE_TYPE_SHIFT 3
#define MAPLE_TYPE_MASK	 15
#define MAPLE_LEAF_64	 1
#define MAPLE_ARANGE_64	 3
#define MAPLE_PIVOTS	 15 /* of a range; an arange has 9 */
#define MAPLE_DEPTH	 16
#define MAPLE_IS_ROOT(e) (((e)&3) == 2 && (e) > 4096) /* of a tree of more than one entry */
#define MAPLE_TYPE(e)	 ((e) >> MAPLE_TYPE_SHIFT & MAPLE_TYPE_MASK)

/* The mapping at @address among those below the red-black tree's @node; 0: none. */
__noinline u64 vma_in_rb(u64 node, u64 address)
{
	struct vm_area_struct___pre_v6_1 *old = NULL;

	if (!bpf_core_field_exists(old->vm_rb))
		return 0;
	for (int i = 0; i < VMA_RB_DEPTH && node; i++) {
		u64 vma = node - bpf_core_field_offset(struct vm_area_struct___pre_v6_1, vm_rb);
		struct rb_node *here = (void *)node;

		if (address < BPF_CORE_READ((struct vm_area_struct *)vma, vm_start))
			node = (u64)BPF_CORE_READ(here, rb_left);
		else if (address >= BPF_CORE_READ((struct vm_area_struct *)vma, vm_end))
			node = (u64)BPF_CORE_READ(here, rb_right);
		else
			return vma;
	}
	return 0;
}

/* What the maple tree's @entry, a node, has for @address. Global: the verifier takes it once. */
__noinline u64 maple_step(u64 entry, u64 address)
{
	u64 node = entry & ~MAPLE_NODE_MASK, pivots[MAPLE_PIVOTS] = {}, slots, next = 0;
	u32 i, n = MAPLE_PIVOTS;

	if (!bpf_core_type_exists(struct maple_range_64___since_v6_1))
		return 0;
	if (MAPLE_TYPE(entry) == MAPLE_ARANGE_64) {
		n = bpf_core_field_size(((struct maple_arange_64___since_v6_1 *)0)->pivot) /
		    sizeof(u64);
		slots = node + bpf_core_field_offset(struct maple_arange_64___since_v6_1, slot);
		node += bpf_core_field_offset(struct maple_arange_64___since_v6_1, pivot);
	} else {
		slots = node + bpf_core_field_offset(struct maple_range_64___since_v6_1, slot);
		node += bpf_core_field_offset(struct maple_range_64___since_v6_1, pivot);
	}
	bpf_probe_read_kernel(pivots, sizeof(pivots), (void *)node);
	for (i = 0; i < MAPLE_PIVOTS; i++)
		if (i >= n || pivots[i] >= address)
			break;
	bpf_probe_read_kernel(&next, sizeof(next), (void *)(slots + i * sizeof(u64)));
	return next;
}

__noinline u64 vma_in_maple(u64 entry, u64 address)
{
	if (!MAPLE_IS_ROOT(entry))
		return 0;
	for (int i = 0; i < MAPLE_DEPTH && entry; i++) {
		bool leaf = MAPLE_TYPE(entry) <= MAPLE_LEAF_64;

		entry = maple_step(entry, address);
		if (leaf)
			return entry;
	}
	return 0;
}

/* The mapping at @address of @mm; NULL: there is none. */
static __always_inline struct vm_area_struct *vma_at(struct mm_struct *mm, u64 address)
{
	struct mm_struct___pre_v6_1 *old = (void *)mm;
	struct mm_struct___since_v6_1 *now = (void *)mm;
	u64 vma;

	if (bpf_core_field_exists(old->mm_rb))
		vma = vma_in_rb((u64)BPF_CORE_READ(old, mm_rb.rb_node), address);
	else
		vma = vma_in_maple((u64)BPF_CORE_READ(now, mm_mt.ma_root), address);
	return (void *)vma;
}

#endif
