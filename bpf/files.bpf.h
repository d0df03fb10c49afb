/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* From a descriptor of the current thread to its struct file. */
#ifndef IOSONDE_FILES_BPF_H
#define IOSONDE_FILES_BPF_H

#include "bpf/core.bpf.h"

/* The struct file behind @fd in the current thread, or NULL. To be read by probe reads. */
static __always_inline struct file *file_of_fd(u32 fd)
{
	struct file **table;
	u32 max_fds;

	if (HAVE_TASK_BTF()) {
		struct task_struct *task = walkable_task();
		struct files_struct *files = task->files;
		struct fdtable *fdt;

		if (!files)
			return NULL;
		fdt = files->fdt;
		max_fds = fdt->max_fds;
		table = fdt->fd;
	} else {
		struct task_struct *task = (struct task_struct *)bpf_get_current_task();
		struct fdtable *fdt = BPF_CORE_READ(task, files, fdt);

		max_fds = BPF_CORE_READ(fdt, max_fds);
		table = BPF_CORE_READ(fdt, fd);
	}
	if (fd >= max_fds)
		return NULL;
	return (struct file *)LOAD(struct list_head, table + fd, next);
}

#endif
