/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* libaio, as programs hand it operations and get results: include/uapi/linux/aio_abi.h. */
#ifndef IOSONDE_AIO_BPF_H
#define IOSONDE_AIO_BPF_H

#include "bpf/core/core.bpf.h"

/* Of one call, in either direction; looked at in rounds, for the verifier takes a round once. */
#define AIO_AT_ONCE 1024
#define AIO_ROUND   32

#define IOCB_CMD_PREAD	 0
#define IOCB_CMD_PWRITE	 1
#define IOCB_CMD_FSYNC	 2
#define IOCB_CMD_FDSYNC	 3
#define IOCB_CMD_PREADV	 7
#define IOCB_CMD_PWRITEV 8

struct user_iocb {
	u64 data;
	u32 key;
	u32 rw_flags;
	u16 opcode;
	s16 prio;
	s32 fd;
	u64 buf;
	u64 nbytes;
	s64 offset;
	u64 reserved;
	u32 flags;
	u32 resfd;
};

/* Of struct io_event. */
#define EVENT_BYTES	32
#define EVENT_RESULT_AT 8

/* Of struct io_event, behind what is the caller's own. */
struct user_io_result {
	u64 obj; /* user address of the iocb */
	s64 res;
};

/* The array of pointers at @list, from number @i on. */
static __always_inline u64 iocbs_from(u64 list, u64 i, u32 compat)
{
	return list + i * (compat ? sizeof(u32) : sizeof(u64));
}

/* Number @i of it; 0: it can't be read. */
static __always_inline u64 iocb_in(u64 list, u32 i, u32 compat)
{
	u32 size = compat ? sizeof(u32) : sizeof(u64);
	u64 iocb = 0;

	list = iocbs_from(list, i, compat);
	return bpf_probe_read_user(&iocb, size, (const void *)list) ? 0 : iocb;
}

#endif
