/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What commands that stand on runq.bpf.h put into their descriptors. */
#ifndef IOSONDE_RUNQ_H
#define IOSONDE_RUNQ_H

/* clang-format off */
#define RUNQ_PROBES                                                                                \
	{ "the scheduler", { { { "runq_switch", "runq_waking", "runq_wakeup_new" } } } }
/* clang-format on */

#endif
