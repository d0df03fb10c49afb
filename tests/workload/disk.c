// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * workload disk FILE '10*read 4096 0 4096' 'write 1048576 8388608' 'sync' ...
 *
 * Direct I/O that is told in advance: [N*]CALL [SIZE [OFFSET [STEP [TURNS]]]]. Turn i goes to
 * OFFSET + i * STEP, or with TURNS to OFFSET + i % TURNS * STEP. The memory is one piece, so that a
 * device has no reason to split a call but its own limits.
 */
#include "workload.h"

#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>

#define PIECE (4UL << 20) /* twice a huge page: one of them is whole */

struct disk {
	int fd;
	char *buf;
	size_t size;
	off_t at;
};

static long call_read(struct disk *d)
{
	return SC(SYS_pread64, d->fd, d->buf, d->size, d->at);
}

static long call_write(struct disk *d)
{
	return SC(SYS_pwrite64, d->fd, d->buf, d->size, d->at);
}

/* EAGAIN where it would have to wait for a free request. */
static long call_nowait(struct disk *d)
{
	struct iovec v = { d->buf, d->size };

	return SC(SYS_preadv2, d->fd, &v, 1, d->at, 0, RWF_NOWAIT);
}

/* Forced to the medium: FUA, or a flush behind it. */
static long call_dwrite(struct disk *d)
{
	struct iovec v = { d->buf, d->size };

	return SC(SYS_pwritev2, d->fd, &v, 1, d->at, 0, RWF_DSYNC);
}

static long call_sync(struct disk *d)
{
	return SC(SYS_fsync, d->fd);
}

static long call_range(struct disk *d, unsigned long what)
{
	uint64_t range[2] = { (uint64_t)d->at, d->size };

	return SC(SYS_ioctl, d->fd, what, range);
}

static long call_discard(struct disk *d)
{
	return call_range(d, BLKDISCARD);
}

static long call_zeroout(struct disk *d)
{
	return call_range(d, BLKZEROOUT);
}

#define SECTOR 512

/*
 * Reads a sector at a time, all of them handed over at once, so that they can become one request of
 * as many bios.
 */
static long call_batch(struct disk *d)
{
	size_t n = d->size / SECTOR, done = 0;
	struct iocb *io = calloc(n, sizeof(*io)), **all = calloc(n, sizeof(struct iocb *));
	struct io_event *events = calloc(n, sizeof(*events));
	aio_context_t context = 0;
	long ret = SC(SYS_io_setup, n, &context);

	if (!io || !all || !events)
		die("batch");
	for (size_t i = 0; i < n; i++) {
		io[i].aio_lio_opcode = IOCB_CMD_PREAD;
		io[i].aio_fildes = (uint32_t)d->fd;
		io[i].aio_buf = (uintptr_t)d->buf + i * SECTOR;
		io[i].aio_nbytes = SECTOR;
		io[i].aio_offset = d->at + (off_t)(i * SECTOR);
		all[i] = &io[i];
	}
	if (!ret)
		ret = SC(SYS_io_submit, context, n, all);
	if (ret == (long)n)
		ret = SC(SYS_io_getevents, context, n, n, events, NULL);
	for (long i = 0; i < ret; i++)
		done += events[i].res;
	SC(SYS_io_destroy, context);
	free(io);
	free(all);
	free(events);
	return ret < 0 ? ret : (long)done;
}

static void *second_read(void *disk)
{
	return (void *)call_read(disk);
}

/* Two threads read the same place at once. */
static long call_pair(struct disk *d)
{
	pthread_t other;
	void *ret;

	if (pthread_create(&other, NULL, second_read, d))
		return -EAGAIN;
	if (call_read(d) < 0 || pthread_join(other, &ret))
		return -EIO;
	return (long)ret;
}

static const struct {
	const char *name;
	long (*run)(struct disk *d);
} calls[] = {
	{ "read", call_read }, { "write", call_write },	    { "dwrite", call_dwrite },
	{ "sync", call_sync }, { "discard", call_discard }, { "zeroout", call_zeroout },
	{ "pair", call_pair }, { "nowait", call_nowait },   { "batch", call_batch },
};

static void run_step(struct ctx *c, struct disk *d, const char *text)
{
	long times = 1, n = 0, size = 0, at = 0, step = 0, turns = 0;
	struct tally *tally;
	char name[32];
	size_t k = 0;

	if (strchr(text, '*'))
		n = sscanf(text, "%ld*%31s %ld %ld %ld %ld", &times, name, &size, &at, &step,
			   &turns) -
		    1;
	else
		n = sscanf(text, "%31s %ld %ld %ld %ld", name, &size, &at, &step, &turns);
	while (n > 0 && k < ARRAY_SIZE(calls) && strcmp(calls[k].name, name))
		k++;
	if (n < 1 || k == ARRAY_SIZE(calls) || size < 0) {
		fprintf(stderr, "workload: no such step: %s\n", text);
		_exit(2);
	}
	tally = tally_get(c, name);
	d->size = (size_t)size;
	for (long i = 0; i < times; i++) {
		d->at = at + (turns ? i % turns : i) * step;
		TIMED(tally, calls[k].run(d));
	}
}

int cmd_disk(struct ctx *c)
{
	const char *path = arg_str(c, 0, NULL);
	struct disk d = { .fd = -1 };
	char *piece = mmap(NULL, PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (!path || piece == MAP_FAILED)
		die("disk");
	d.buf = (char *)(((uintptr_t)piece + PIECE / 2 - 1) & ~(PIECE / 2 - 1));
	madvise(d.buf, PIECE / 2, MADV_HUGEPAGE);
	memset(d.buf, 'd', PIECE / 2);
	d.fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (d.fd < 0)
		die(path);
	for (int i = 1; i < c->argc; i++)
		run_step(c, &d, c->argv[i]);
	return 0;
}
