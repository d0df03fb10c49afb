/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_SAMPLEEXITS_H
#define IOSONDE_SAMPLEEXITS_H

#include "bpf/shared.h"

/* A row. */
struct sampleexits_event {
	struct rec rec;
	__u32 pid;
	__u32 tid;
	char comm[COMM_LEN];
};

#endif
