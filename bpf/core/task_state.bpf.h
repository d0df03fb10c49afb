/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Per-thread state. Task storage where the kernel has it (5.11), else a hash keyed by the task's
 * address; which of the two is the engine's choice (engine.has_task_storage), and the map of the
 * other is never created.
 *
 * TASK_STATE(name, state_t, max) declares both maps and
 *	state_t *name_of(struct task_struct *)	the state, or NULL if the thread has none
 *	state_t *name_create(struct task_struct *)	the same, created zeroed where it is missing
 *	void  name_drop(struct task_struct *)	at the thread's end
 * A task pointer is what tp_btf passes or current_task() returns. Only the thread itself, or
 * sched_switch on its behalf, may write what lives here: on kernels up to 6.1 a look-up from
 * another context that interrupts one on the same CPU returns NULL.
 */
#ifndef IOSONDE_TASK_STATE_BPF_H
#define IOSONDE_TASK_STATE_BPF_H

#include "bpf/core/core.bpf.h"

#define TASK_STATE(name, state_t, max)                                                             \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_TASK_STORAGE);                                           \
		__uint(map_flags, BPF_F_NO_PREALLOC);                                              \
		__type(key, int);                                                                  \
		__type(value, state_t);                                                            \
	} name##_storage SEC(".maps");                                                             \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_HASH);                                                   \
		__uint(max_entries, max);                                                          \
		__type(key, u64);                                                                  \
		__type(value, state_t);                                                            \
	} name##_hash SEC(".maps");                                                                \
	const volatile state_t name##_zero;                                                        \
	static __always_inline state_t *name##_of(struct task_struct *task)                        \
	{                                                                                          \
		u64 key = (u64)task;                                                               \
                                                                                                   \
		if (engine.has_task_storage)                                                       \
			return bpf_task_storage_get(&name##_storage, task, 0, 0);                  \
		return bpf_map_lookup_elem(&name##_hash, &key);                                    \
	}                                                                                          \
	static __always_inline state_t *name##_create(struct task_struct *task)                    \
	{                                                                                          \
		u64 key = (u64)task;                                                               \
		state_t *state;                                                                    \
                                                                                                   \
		if (engine.has_task_storage)                                                       \
			return bpf_task_storage_get(&name##_storage, task, 0,                      \
						    BPF_LOCAL_STORAGE_GET_F_CREATE);               \
		state = bpf_map_lookup_elem(&name##_hash, &key);                                   \
		if (state)                                                                         \
			return state;                                                              \
		bpf_map_update_elem(&name##_hash, &key, (const void *)&name##_zero, BPF_NOEXIST);  \
		return bpf_map_lookup_elem(&name##_hash, &key);                                    \
	}                                                                                          \
	static __always_inline void name##_drop(struct task_struct *task)                          \
	{                                                                                          \
		u64 key = (u64)task;                                                               \
                                                                                                   \
		if (!engine.has_task_storage)                                                      \
			bpf_map_delete_elem(&name##_hash, &key);                                   \
	}

#endif
