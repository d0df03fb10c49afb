// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "core/kernel/btf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/kernel/btf_check.h"
#include "core/kernel/btf_query.h"
#include "core/kernel/privs.h"

/* Of the types themselves: ten times what kernels have. */
#define BTF_BYTES_MAX (64U << 20)
/* A vmlinux with all of its debug information has less. */
#define FILE_BYTES_MAX (2ULL << 30)

static const char *refuse(const char *file, const char *why)
{
	log_error("%s holds no type information (BTF) that can be read: %s; take "
		  "/sys/kernel/btf/vmlinux of this very kernel",
		  file, why);
	return NULL;
}

static bool is_kernels_own(const struct stat *st)
{
	struct stat own;

	return !stat(KERNEL_BTF, &own) && own.st_dev == st->st_dev && own.st_ino == st->st_ino;
}

static bool write_all(int fd, const uint8_t *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n <= 0)
			return false;
		data += n;
		size -= (size_t)n;
	}
	return true;
}

/* The copy is what is checked: the file may change at any time. */
static const char *copy_checked(const uint8_t *btf, size_t size, char *path, size_t path_size)
{
	int fd = memfd_create("btf", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	const int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	const char *why;
	void *at;

	if (fd < 0 || !write_all(fd, btf, size) || fcntl(fd, F_ADD_SEALS, seals)) {
		why = strerror(errno);
		if (fd >= 0)
			close(fd);
		return why;
	}
	at = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	why = at == MAP_FAILED ? strerror(errno) : btf_check(at, size);
	if (at != MAP_FAILED)
		munmap(at, size);
	if (why)
		close(fd); /* else it stays, for whoever opens the path */
	snprintf(path, path_size, "/proc/self/fd/%d", fd);
	return why;
}

/* All of the file, read and not mapped: it may become shorter meanwhile. */
static bool read_all(int fd, uint8_t *to, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = read(fd, to + done, size - done);

		if (!n)
			errno = EIO;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

static const char *take(int fd, size_t size, char *path, size_t path_size)
{
	uint8_t *file = size > FILE_BYTES_MAX ? NULL : malloc(size);
	const char *why = NULL;
	const void *btf;
	size_t btf_size;

	if (!file)
		return "it is too large";
	if (!read_all(fd, file, size)) {
		free(file);
		return strerror(errno);
	}
	btf = btf_find(file, size, &btf_size, &why);
	if (btf && btf_size > BTF_BYTES_MAX)
		why = "it is larger than any kernel's";
	else if (btf)
		why = copy_checked(btf, btf_size, path, path_size);
	free(file);
	return why;
}

const char *btf_file_take(const char *file)
{
	static char path[32];
	const char *why = NULL, *found = path;
	struct stat st;
	int fd;

	if (privs_of_file()) {
		log_error("--btf: the types say what is read, and whoever runs a binary with "
			  "capabilities of its own can't choose that; run it as root, or leave "
			  "--btf out");
		return NULL;
	}
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return refuse(file, strerror(errno));
	if (fstat(fd, &st))
		why = strerror(errno);
	else if (!S_ISREG(st.st_mode))
		why = "it is no regular file";
	else if (is_kernels_own(&st))
		found = file;
	else if (!st.st_size)
		why = "it is empty";
	else
		why = take(fd, (size_t)st.st_size, path, sizeof(path));
	close(fd);
	return why ? refuse(file, why) : found;
}
