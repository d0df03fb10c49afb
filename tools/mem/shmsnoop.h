/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_SHMSNOOP_H
#define IOSONDE_SHMSNOOP_H

#include "bpf/shared.h"

/* In the order of the descriptor's list of system calls. */
enum shm_call {
	CALL_SHMGET = 1,
	CALL_SHMAT,
	CALL_SHMDT,
	CALL_SHMCTL,
	CALL_IPC, /* of 32-bit programs: any of them; a row has what it stands for */
};

struct shm_cfg {
	__u32 failed_only;
	__u32 reserved;
};

struct shm_event {
	struct rec rec;
	__u32 pid;
	__u32 tid;
	__u32 uid;
	__u32 call;   /* enum shm_call */
	__u64 arg[3]; /* as that call takes them */
	__s64 ret;
	__s64 id;   /* of the segment; negative: none that is known */
	__u64 addr; /* where it is attached */
	__u64 size; /* that is asked for; UINT64_MAX: none */
	__u64 key;  /* likewise */
	char comm[COMM_LEN];
};

#endif
