/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_SAMPLETABLES_H
#define IOSONDE_SAMPLETABLES_H

#include "bpf/shared.h"

/* In the order of the descriptor's list of system calls. */
enum { CALL_WRITE = 1, CALL_GETPPID };

/* The command's rows: writes by process. */
struct sampletables_key {
	__u32 epoch;
	__u32 pid;
};

/* The same writes by size, and another call by command, of which there is little room. */
struct sampletables_size_key {
	__u32 epoch;
	__u32 log2;
};

struct sampletables_name_key {
	__u32 epoch;
	__u32 reserved;
	char comm[COMM_LEN];
};

struct sampletables_value {
	__u64 calls;
	__u64 bytes;
};

struct sampletables_row {
	struct sampletables_key key;
	struct sampletables_value value;
	__u64 ts_ns; /* the engine's: when the interval ended */
};

struct sampletables_size_row {
	struct sampletables_size_key key;
	struct sampletables_value value;
	__u64 ts_ns;
};

struct sampletables_name_row {
	struct sampletables_name_key key;
	__u64 calls;
	__u64 ts_ns;
};

#endif
