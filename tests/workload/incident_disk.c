// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Trouble by others who use the same disk, or the same filesystem. */
#include "incident.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define NOISE_THREADS 4
#define NOISE_BYTES   (64 << 10)
#define FILE_BYTES    (16 << 20) /* the file is there */

/* --- a noisy neighbour: large reads, many at once, beside small ones --- */

static int open_direct(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);

	if (fd < 0)
		die(path);
	return fd;
}

static void *noise(void *arg)
{
	struct incident *i = arg;
	void *buffer = aligned_alloc(4096, NOISE_BYTES);
	int fd = open_direct(i->path);

	for (off_t at = 0;; at = (at + NOISE_BYTES) % (FILE_BYTES - NOISE_BYTES))
		if (!buffer || pread(fd, buffer, NOISE_BYTES, at) < 0)
			_exit(1);
	return NULL;
}

void make_noise(struct incident *i)
{
	pthread_t thread;

	for (int k = 1; k < NOISE_THREADS; k++)
		if (pthread_create(&thread, NULL, noise, i))
			_exit(1);
	*i->ready = 1;
	noise(i);
}

void suffer_noise(struct incident *i)
{
	static char buffer[4096] __attribute__((aligned(4096)));
	uint64_t end = incident_end(i);
	int fd = open_direct(i->path);

	for (unsigned int k = 0; now_ns() < end; k++)
		if (pread(fd, buffer, sizeof(buffer), k * 7919U % 4096 * 4096) < 0)
			die("pread");
	close(fd);
}

/* --- somebody else's changes are in the journal's commit --- */

void make_commits(struct incident *i)
{
	char path[512];

	for (int k = 0;; k++) {
		for (int n = 0; n < 400; n++) {
			snprintf(path, sizeof(path), "%s/%d", i->path, n);
			if ((k % 2 ? rmdir(path) : mkdir(path, 0700)) &&
			    errno != (k % 2 ? ENOENT : EEXIST)) /* of one before us */
				_exit(1);
		}
		*i->ready = 1;
		sleep_ms(1);
	}
}

/* It syncs a byte of its own, each time behind what the other has changed meanwhile. */
void suffer_commits(struct incident *i)
{
	uint64_t end = incident_end(i);
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/own", i->path);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		die(path);
	while (now_ns() < end)
		if (write(fd, "b", 1) != 1 || fsync(fd))
			die("fsync");
	close(fd);
}
