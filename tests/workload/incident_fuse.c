// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* A server of files, in user space, that takes its time: one file, by FUSE's own protocol. */
#include "incident.h"

#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define FILE_INO   2
#define FILE_NAME  "slow"
#define FILE_BYTES (1 << 20)
#define ANSWER_MS  10

static void answer(int dev, uint64_t unique, int error, const void *data, size_t len)
{
	struct fuse_out_header head = { .unique = unique, .error = -error };
	struct iovec parts[2] = { { &head, sizeof(head) }, { (void *)data, len } };

	head.len = (uint32_t)(sizeof(head) + len);
	if (writev(dev, parts, 2) < 0 && errno != ENOENT)
		_exit(1);
}

static void describe(struct fuse_attr *attr, uint64_t ino)
{
	attr->ino = ino;
	attr->mode = ino == FILE_INO ? S_IFREG | 0444 : S_IFDIR | 0555;
	attr->nlink = 1;
	attr->size = ino == FILE_INO ? FILE_BYTES : 0;
	attr->blksize = 4096;
}

static void serve_read(int dev, const struct fuse_in_header *in)
{
	static char data[1 << 17];
	const struct fuse_read_in *read_in = (const void *)(in + 1);

	sleep_ms(ANSWER_MS);
	answer(dev, in->unique, 0, data,
	       read_in->size < sizeof(data) ? read_in->size : sizeof(data));
}

static void serve(int dev, const struct fuse_in_header *in)
{
	struct fuse_init_out init = { .major = FUSE_KERNEL_VERSION, .minor = 31 };
	struct fuse_open_out opened = { .open_flags = FOPEN_DIRECT_IO };
	struct fuse_entry_out entry = { .nodeid = FILE_INO };
	struct fuse_attr_out attr = { 0 };

	switch (in->opcode) {
	case FUSE_INIT:
		init.max_write = 1 << 16;
		answer(dev, in->unique, 0, &init, sizeof(init));
		return;
	case FUSE_LOOKUP:
		describe(&entry.attr, FILE_INO);
		answer(dev, in->unique, strcmp((const char *)(in + 1), FILE_NAME) ? ENOENT : 0,
		       &entry, strcmp((const char *)(in + 1), FILE_NAME) ? 0 : sizeof(entry));
		return;
	case FUSE_GETATTR:
		describe(&attr.attr, in->nodeid);
		answer(dev, in->unique, 0, &attr, sizeof(attr));
		return;
	case FUSE_OPEN:
		answer(dev, in->unique, 0, &opened, sizeof(opened));
		return;
	case FUSE_READ:
		serve_read(dev, in);
		return;
	case FUSE_FORGET:
		return;
	default:
		answer(dev, in->unique, ENOSYS, NULL, 0);
	}
}

void make_fuse(struct incident *i)
{
	static char request[1 << 17];
	char options[128];
	int dev = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", dev);
	if (dev < 0 || mount("slow", i->path, "fuse", MS_NOSUID | MS_NODEV, options))
		die(dev < 0 ? "/dev/fuse" : i->path);
	for (*i->ready = 1;;) {
		ssize_t n = read(dev, request, sizeof(request));

		if (n < 0 && errno != EINTR && errno != ENOENT)
			_exit(1);
		if (n > 0)
			serve(dev, (const struct fuse_in_header *)request);
	}
}

void suffer_fuse(struct incident *i)
{
	uint64_t end = incident_end(i);
	static char buffer[4096];
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", i->path, FILE_NAME);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die(path);
	for (off_t at = 0; now_ns() < end; at = (at + 4096) % FILE_BYTES)
		if (pread(fd, buffer, sizeof(buffer), at) != sizeof(buffer))
			die("pread");
	close(fd);
	umount2(i->path, MNT_DETACH);
}
