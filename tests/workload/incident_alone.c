// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Trouble of a program's own making. */
#include "incident.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define PAGE   4096
#define STRIDE 7919 /* prime: pages in an order that read-ahead can't guess */

static void write_all(int fd, size_t size)
{
	static char buffer[1 << 20];

	memset(buffer, 'x', sizeof(buffer));
	for (size_t done = 0; done < size; done += sizeof(buffer))
		if (write(fd, buffer, sizeof(buffer)) != sizeof(buffer))
			die("write");
}

/* --- random reads of a mapping whose file isn't in memory --- */

/* The file is there. */
void prepare_cold_file(struct incident *i)
{
	int fd = open(i->path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		die(i->path);
	i->size = (size_t)st.st_size;
	if (posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
		die("fadvise");
	i->memory = mmap(NULL, i->size, PROT_READ, MAP_SHARED, fd, 0);
	if (i->memory == MAP_FAILED || madvise(i->memory, i->size, MADV_RANDOM))
		die("mmap");
	close(fd);
}

void suffer_cold_mapping(struct incident *i)
{
	uint64_t end = incident_end(i), sum = 0;
	size_t pages = i->size / PAGE;

	for (size_t k = 0; now_ns() < end && k < pages; k++)
		sum += ((volatile char *)i->memory)[k * STRIDE % pages * PAGE];
	if (!sum)
		die("sum");
}

/* --- calls that all fail --- */

void suffer_failing_stats(struct incident *i)
{
	uint64_t end = incident_end(i);
	struct stat st;
	char path[512];

	for (int k = 0; now_ns() < end; k++) {
		snprintf(path, sizeof(path), "%s/no-such-file-%d", i->path, k % 100);
		if (SC(SYS_newfstatat, AT_FDCWD, path, &st, 0) != -ENOENT)
			die(path);
	}
}

/* --- a directory of a hundred files --- */

void prepare_directory(struct incident *i)
{
	char path[512];

	for (int k = 0; k < 100; k++) {
		snprintf(path, sizeof(path), "%s/known-%d", i->path, k);
		close((int)SC(SYS_openat, AT_FDCWD, path, O_CREAT | O_WRONLY, 0600));
	}
}

/* Its names, from inside it, as programs do that look for what has changed. */
void suffer_lookups(struct incident *i)
{
	uint64_t end = incident_end(i);
	struct stat st;
	char path[512];

	if (chdir(i->path))
		die(i->path);
	for (int k = 0; now_ns() < end; k++) {
		snprintf(path, sizeof(path), "known-%d", k % 100);
		if (SC(SYS_newfstatat, AT_FDCWD, path, &st, 0))
			die(path);
	}
}

/* It is listed again and again. */
void suffer_listing(struct incident *i)
{
	static char names[1 << 15];
	uint64_t end = incident_end(i);
	int fd = open(i->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		die(i->path);
	while (now_ns() < end)
		if (SC(SYS_getdents64, fd, names, sizeof(names)) == 0 && lseek(fd, 0, SEEK_SET))
			die("lseek");
	close(fd);
}

/* Every open fails for want of descriptors, and it tries again later. */
void suffer_no_descriptors(struct incident *i)
{
	struct rlimit few = { 16, 16 };
	uint64_t end = incident_end(i);

	if (setrlimit(RLIMIT_NOFILE, &few))
		die("RLIMIT_NOFILE");
	while (SC(SYS_openat, AT_FDCWD, i->path, O_RDONLY, 0) >= 0)
		;
	while (now_ns() < end) {
		for (int k = 0; k < 20; k++)
			if (SC(SYS_openat, AT_FDCWD, i->path, O_RDONLY, 0) != -EMFILE)
				die("openat");
		sleep_ms(20);
	}
}

/* --- too much to do for too little --- */

void suffer_one_byte_reads(struct incident *i)
{
	int fd = open(i->path, O_RDONLY | O_CLOEXEC);
	uint64_t end = incident_end(i);
	char byte;

	if (fd < 0)
		die(i->path);
	while (now_ns() < end)
		for (int k = 0; k < 100; k++)
			if (SC(SYS_read, fd, &byte, 1) != 1 && lseek(fd, 0, SEEK_SET))
				die("read");
	close(fd);
}

void suffer_temporary_files(struct incident *i)
{
	uint64_t end = incident_end(i);
	char path[512];

	for (int k = 0; now_ns() < end; k++) {
		int fd;

		snprintf(path, sizeof(path), "%s/tmp.%d", i->path, k);
		fd = (int)SC(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL, 0600);
		if (fd < 0 || SC(SYS_write, fd, "data", 4) != 4 || close(fd))
			die(path);
		if (SC(SYS_unlinkat, AT_FDCWD, path, 0))
			die(path);
	}
}

/* Programs that do nothing, one after the other; so many, also on a busy machine. */
void suffer_forks(struct incident *i)
{
	uint64_t end = incident_end(i);

	for (int k = 0; k < 150 || now_ns() < end; k++) {
		pid_t child = fork();

		if (!child) {
			execl(i->path, "true", NULL);
			_exit(1);
		}
		if (child < 0 || waitpid(child, NULL, 0) != child)
			die("fork");
	}
}

/* It writes more than the machine lets become dirty. */
void suffer_throttling(struct incident *i)
{
	int fd = open(i->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	uint64_t end = incident_end(i);

	if (fd < 0)
		die(i->path);
	while (now_ns() < end) {
		write_all(fd, 1 << 20);
		if (lseek(fd, 0, SEEK_CUR) >= 64 << 20 && lseek(fd, 0, SEEK_SET))
			die("lseek");
	}
	close(fd);
}

/* It uses more memory than its cgroup is to have. */
void suffer_memory_limit(struct incident *i)
{
	uint64_t end = incident_end(i);

	while (now_ns() < end) {
		char *more = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (more == MAP_FAILED)
			die("mmap");
		for (int at = 0; at < 1 << 20 && now_ns() < end; at += PAGE)
			more[at] = 1;
	}
}
