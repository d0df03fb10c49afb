/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* From a descriptor of the current thread to its struct file. */
#ifndef IOSONDE_FILES_BPF_H
#define IOSONDE_FILES_BPF_H

#include "bpf/core/core.bpf.h"

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

/*
 * The same, to be walked by plain loads; NULL also where that takes probe reads. Without casts a
 * pointer's type is known from where it is loaded, at a constant offset: of a table in which nobody
 * had more than NR_OPEN_DEFAULT descriptors open at once each place is such a one.
 */
#ifndef WITHOUT_RDONLY_CAST
static __always_inline struct file *held_file_of_fd(struct task_struct *here, u32 fd)
{
	struct file *file = task_file_of_fd(here, fd);

	return file ? walkable_file(file) : NULL;
}
#else
#define FD_CASE(n)                                                                                 \
	case n:                                                                                    \
		return files->fd_array[n]
#define FD_CASES(n)                                                                                \
	FD_CASE(n);                                                                                \
	FD_CASE(n + 1);                                                                            \
	FD_CASE(n + 2);                                                                            \
	FD_CASE(n + 3);                                                                            \
	FD_CASE(n + 4);                                                                            \
	FD_CASE(n + 5);                                                                            \
	FD_CASE(n + 6);                                                                            \
	FD_CASE(n + 7)

static __always_inline struct file *file_in_place(struct files_struct *files, u32 fd)
{
	switch (fd) {
		FD_CASES(0);
		FD_CASES(8);
		FD_CASES(16);
		FD_CASES(24);
		FD_CASES(32);
		FD_CASES(40);
		FD_CASES(48);
		FD_CASES(56);
	}
	return NULL;
}

static __always_inline struct file *held_file_of_fd(struct task_struct *here, u32 fd)
{
	struct files_struct *files;

	if (!HAVE_TASK_BTF())
		return NULL;
	files = walkable(here)->files;
	if (!files || files->fdt->max_fds > 64)
		return NULL;
	return file_in_place(files, fd);
}
#endif

/* The same as task_file_of_fd() for the current thread. */
static __always_inline struct file *file_of_fd(u32 fd)
{
	return task_file_of_fd(current_task(), fd);
}

static __always_inline const struct path *path_of_fd(u32 fd)
{
	struct file *file = file_of_fd(fd);

	return file ? &file->f_path : NULL;
}

/*
 * Where a name starts that begins with @first and was passed with @dfd; with @first 0, what @dfd
 * stands for. NULL: a bad descriptor.
 */
static __always_inline const struct path *path_start(s32 dfd, char first)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct fs_struct *fs;

	if (dfd != AT_FDCWD && first != '/')
		return path_of_fd((u32)dfd);
	fs = BPF_CORE_READ(task, fs);
	return first == '/' ? &fs->root : &fs->pwd;
}

#endif
