/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Where libaio's operations end, if functions can be hooked. The file that includes this has
 *defined
 *
 *	aio_completed(req)	in whatever context got it done; its result is in req->ki_res
 *
 * as a macro. The descriptor's probe takes its rungs from AIO_DONE_RUNGS in aio_done.h, or has the
 * programs among others.
 */
#ifndef IOSONDE_AIO_DONE_BPF_H
#define IOSONDE_AIO_DONE_BPF_H

#include "bpf/core/core.bpf.h"

SEC("fentry/aio_complete")
int BPF_PROG(aio_done, struct aio_kiocb *req)
{
	aio_completed(req);
	return 0;
}

SEC("kprobe/aio_complete")
int BPF_KPROBE(aio_done_kp, struct aio_kiocb *req)
{
	aio_completed(req);
	return 0;
}

#endif
