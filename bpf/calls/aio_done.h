/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The ladder of the programs in aio_done.bpf.h, for a descriptor's table of probes. */
#ifndef IOSONDE_AIO_DONE_H
#define IOSONDE_AIO_DONE_H

#define AIO_DONE_RUNGS                                                                             \
	{                                                                                          \
		{ { "aio_done(aio_kiocb)" } }, { { "aio_done_kp" } },                              \
	}

#endif
