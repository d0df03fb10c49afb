/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* From a descriptor of the current thread to its struct file. */
#ifndef IOSONDE_FILES_BPF_H
#define IOSONDE_FILES_BPF_H

#include "bpf/core.bpf.h"

/*
 * The struct file behind @fd in @here, which is current_task(), or NULL. To be read by LOAD() or
 * probe reads.
 */
static __always_inline struct file *task_file_of_fd(struct task_struct *here, u32 fd)
{
	struct file **table;
	u32 max_fds;

	if (HAVE_TASK_BTF()) {
		struct files_struct *files = walkable(here)->files;
		struct fdtable *fdt;

		if (!files)
			return NULL;
		fdt = files->fdt;
		max_fds = fdt->max_fds;
		table = fdt->fd;
	} else {
		struct fdtable *fdt = BPF_CORE_READ(here, files, fdt);

		max_fds = BPF_CORE_READ(fdt, max_fds);
		table = BPF_CORE_READ(fdt, fd);
	}
	if (fd >= max_fds)
		return NULL;
	return (struct file *)LOAD(struct list_head, table + fd, next);
}

/* The same for the current thread. */
static __always_inline struct file *file_of_fd(u32 fd)
{
	return task_file_of_fd(current_task(), fd);
}

#endif
