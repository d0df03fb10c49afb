// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Reads and writes by libaio's calls, without the library. */
#include "files.h"
#include "workload.h"

#include <linux/aio_abi.h>
#include <stdlib.h>
#include <sys/uio.h>

static char data[1 << 16] __attribute__((aligned(4096)));

#define ADDRESS(p) ((uint64_t)(uintptr_t)(p))

#define AIO_BATCH 8  /* as programs do */
#define AIO_MANY  70 /* more than the programs look at in one round, or two */

struct aio {
	struct ctx *c;
	aio_context_t id;
	const char *path;
};

static const char *aio_route(const struct iocb *cb)
{
	switch (cb->aio_lio_opcode) {
	case IOCB_CMD_PREAD:
		return "aio read";
	case IOCB_CMD_PWRITE:
		return "aio write";
	case IOCB_CMD_PREADV:
		return "aio readv";
	case IOCB_CMD_PWRITEV:
		return "aio writev";
	case IOCB_CMD_FSYNC:
		return "aio fsync";
	default:
		return "aio fdsync";
	}
}

static void aio_recorded(struct aio *a, const struct iocb *cb, long ret)
{
	bool syncs = cb->aio_lio_opcode == IOCB_CMD_FSYNC || cb->aio_lio_opcode == IOCB_CMD_FDSYNC;
	bool writes =
		cb->aio_lio_opcode == IOCB_CMD_PWRITE || cb->aio_lio_opcode == IOCB_CMD_PWRITEV;
	long asked = (long)cb->aio_nbytes;

	if (cb->aio_data) /* of vectors */
		asked = (long)cb->aio_data;
	file_record(a->c, writes ? 'w' : 'r', (int)cb->aio_fildes, aio_route(cb), a->path, asked,
		    syncs || !a->path ? -1 : cb->aio_offset, ret);
}

/* Submits @n at once, collects them, and records each as it comes. */
static void aio_do(struct aio *a, struct iocb *cbs, long n)
{
	struct iocb *list[AIO_MANY];
	struct io_event events[AIO_MANY];
	long ret;

	for (long i = 0; i < n; i++)
		list[i] = &cbs[i];
	ret = SC(SYS_io_submit, a->id, n, list);
	if (ret < 0) {
		aio_recorded(a, list[0], ret);
		return;
	}
	/* the rest was not taken */
	if (SC(SYS_io_getevents, a->id, ret, (long)AIO_MANY, events, NULL) != ret)
		die("io_getevents");
	for (long i = 0; i < ret; i++)
		aio_recorded(a, (struct iocb *)(uintptr_t)events[i].obj, (long)events[i].res);
}

#define CB(op_, fd_, buf_, n_, at_, ...)                                                           \
	{                                                                                          \
		.aio_lio_opcode = IOCB_CMD_##op_, .aio_fildes = (uint32_t)(fd_),                   \
		.aio_buf = ADDRESS(buf_), .aio_nbytes = n_, .aio_offset = at_, __VA_ARGS__         \
	}
#define AIO(a, ...) aio_do(a, (struct iocb[]){ __VA_ARGS__ }, 1)

static void buffered(struct aio *a, const char *f)
{
	struct iovec two[2] = { { data, 10 }, { data + 50, 20 } };
	int fd = file_open(f, O_RDWR | O_CREAT), append = file_open(f, O_WRONLY | O_APPEND);

	if (ftruncate(fd, FILE_SIZE))
		die("ftruncate");
	a->path = f;
	AIO(a, CB(PWRITE, fd, data, 100, 50));
	AIO(a, CB(PREAD, fd, data, 64, 10));
	AIO(a, CB(PREAD, fd, data, 1000, FILE_SIZE - 236)); /* short */
	AIO(a, CB(PREAD, fd, data, 1000, FILE_SIZE + 10));  /* none */
	AIO(a, CB(PWRITEV, fd, two, 2, 2000, .aio_data = 30));
	AIO(a, CB(PREADV, fd, two, 2, 1990, .aio_data = 30));
	AIO(a, CB(PWRITE, fd, data, 7, 3000, .aio_rw_flags = RWF_DSYNC));
	AIO(a, CB(PWRITE, append, data, 5, FILE_SIZE));
	AIO(a, CB(PREAD, fd, 8, 9, 0));	       /* EFAULT, when it is done */
	AIO(a, CB(PREAD, append, data, 9, 0)); /* EBADF: only for writing */
	close(append);
	close(fd);
}

static void refused(struct aio *a, const char *f)
{
	int fd = file_open(f, O_RDWR);
	struct iocb cbs[] = { CB(PREAD, fd, data, 11, 0), CB(PREAD, 999, data, 12, 0),
			      CB(PREAD, fd, data, 13, 0) };

	a->path = f;
	aio_do(a, cbs, 3); /* takes one */
	a->path = NULL;
	aio_do(a, cbs + 1, 2); /* none */
	a->path = f;
	aio_do(a, cbs + 2, 1);
	close(fd);
}

static void direct(struct aio *a, const char *f)
{
	struct iocb cbs[AIO_BATCH];
	int fd = file_open(f, O_RDWR | O_DIRECT);

	a->path = f;
	for (int i = 0; i < AIO_BATCH; i++)
		cbs[i] = (struct iocb)CB(PWRITE, fd, data + 4096 * i, 4096, 4096 * i);
	aio_do(a, cbs, AIO_BATCH);
	for (int i = 0; i < AIO_BATCH; i++)
		cbs[i] = (struct iocb)CB(PREAD, fd, data + 4096 * i, 4096, 4096 * i);
	aio_do(a, cbs, AIO_BATCH);
	AIO(a, CB(PREAD, fd, data, 4096, 4096 * AIO_BATCH)); /* none */
	AIO(a, CB(PREAD, fd, data, 5, 7));		     /* EINVAL */
	close(fd);
}

static void many(struct aio *a, const char *f)
{
	struct iocb cbs[AIO_MANY];
	int fd = file_open(f, O_RDONLY);

	a->path = f;
	for (int i = 0; i < AIO_MANY; i++)
		cbs[i] = (struct iocb)CB(PREAD, fd, data + 256 * i, 100 + i, 10 * i);
	aio_do(a, cbs, AIO_MANY);
	cbs[AIO_MANY - 3].aio_fildes = 999; /* those before it are taken */
	aio_do(a, cbs, AIO_MANY);
	close(fd);
}

void files_aio(struct ctx *c, const char *dir)
{
	const char *f = join(dir, "aio");
	struct aio a = { .c = c };

	if (SC(SYS_io_setup, (long)AIO_MANY, &a.id)) {
		extra_add(c, "aio_refused", errno);
		return;
	}
	buffered(&a, f);
	refused(&a, f);
	direct(&a, f);
	many(&a, f);
}

/* Not for rwsnoop and its like, which show reads and writes alone. */
void files_aio_syncs(struct ctx *c, const char *dir)
{
	const char *f = join(dir, "aio");
	int fd = file_open(f, O_RDWR | O_CREAT);
	struct aio a = { .c = c, .path = f };

	if (SC(SYS_io_setup, (long)AIO_MANY, &a.id))
		return;
	AIO(&a, CB(PWRITE, fd, data, 100, 50));
	AIO(&a, CB(FSYNC, fd, NULL, 0, 0));
	AIO(&a, CB(FDSYNC, fd, NULL, 0, 0));
}

/* Done at once, for it isn't O_DIRECT; and nobody asks how. */
void files_aio_uncollected(struct ctx *c, const char *dir)
{
	const char *f = join(dir, "aio");
	int fd = file_open(f, O_RDWR | O_CREAT);
	struct iocb cb = CB(PWRITE, fd, data, 100, 50), *list[] = { &cb };
	struct aio a = { .c = c, .path = f };

	if (SC(SYS_io_setup, (long)AIO_MANY, &a.id))
		return;
	if (SC(SYS_io_submit, a.id, 1L, list) != 1 || lseek(fd, 0, SEEK_END) != 150)
		die("io_submit");
	aio_recorded(&a, &cb, 100);
	if (SC(SYS_io_destroy, a.id))
		die("io_destroy");
}
