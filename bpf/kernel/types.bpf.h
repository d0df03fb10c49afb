/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The kernel types that iosonde reads, each with just the fields in use. CO-RE moves every access
 * to where the running kernel keeps the field, but copies the size declared *here*: tests compare
 * name, size and signedness of each field with the BTF of every supported kernel. A field whose
 * shape changed between kernels has a flavour (struct name___since) and an accessor in
 * compat.bpf.h, never two meanings under one name.
 */
#ifndef IOSONDE_TYPES_BPF_H
#define IOSONDE_TYPES_BPF_H

#include <linux/bpf.h>

#include "bpf/shared.h"

typedef __u8 u8;
typedef __s8 s8;
typedef __u16 u16;
typedef __s16 s16;
typedef __u32 u32;
typedef __s32 s32;
typedef __u64 u64;
typedef __s64 s64;
typedef _Bool bool;
enum { false = 0, true = 1 };
#define NULL ((void *)0)

/* in this order: a struct stands in others as a whole */
#include "bpf/kernel/types_task.bpf.h"
#include "bpf/kernel/types_file.bpf.h"
#include "bpf/kernel/types_block.bpf.h"
#include "bpf/kernel/types_uring.bpf.h"
#include "bpf/kernel/types_net.bpf.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* --- iterators --- */
struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

/* --- registers --- */
#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long r15;
	unsigned long r14;
	unsigned long r13;
	unsigned long r12;
	unsigned long bp;
	unsigned long bx;
	unsigned long r11;
	unsigned long r10;
	unsigned long r9;
	unsigned long r8;
	unsigned long ax;
	unsigned long cx;
	unsigned long dx;
	unsigned long si;
	unsigned long di;
	unsigned long orig_ax;
	unsigned long ip;
	unsigned long sp;
};
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs { /* as libbpf's macros for kprobes take it */
	u64 regs[31];
	u64 sp;
	u64 pc;
};

struct pt_regs {
	u64 regs[31];
	u64 sp;
	u64 pc;
	u64 orig_x0;
	s32 syscallno;
};
#endif

#pragma clang attribute pop

/* Values of the kernel's that aren't in BTF. */
#define TS_COMPAT	     0x0002 /* arch/x86/include/asm/thread_info.h */
#define REQ_OP_MASK	     0xffU  /* include/linux/blk_types.h */
#define REQ_OP_READ	     0
#define REQ_OP_WRITE	     1
#define REQ_OP_FLUSH	     2
#define REQ_OP_DISCARD	     3
#define REQ_OP_SECURE_ERASE  5
#define REQ_OP_WRITE_ZEROES  9
#define REQ_OP_PASSTHROUGH   32 /* a driver's own, from here on */
#define REQ_SYNC	     (1U << 11)
#define REQ_META	     (1U << 12)
#define REQ_IDLE	     (1U << 15)
#define REQ_FUA		     (1U << 17)
#define REQ_PREFLUSH	     (1U << 18)
#define REQ_RAHEAD	     (1U << 19)
#define IOMAP_WRITE	     (1 << 0) /* include/linux/iomap.h */
#define IOMAP_DIRECT	     (1 << 4)
#define EXT4_SUPER_MAGIC     0xef53 /* include/uapi/linux/magic.h */
#define XFS_SUPER_MAGIC	     0x58465342
#define BTRFS_SUPER_MAGIC    0x9123683E
#define BIO_CLONED_FLAG	     (1U << 1)
#define TASK_DEAD	     0x80 /* include/linux/sched.h */
#define PF_KTHREAD	     0x00200000
#define PF_IO_WORKER	     0x00000010 /* include/linux/sched.h */
#define AT_FDCWD	     -100
#define AT_REMOVEDIR	     0x200
#define FMODE_CREATED	     0x100000U /* include/linux/fs.h: this open made the file */
#define IORING_OP_OPENAT     18	       /* include/uapi/linux/io_uring.h */
#define IORING_OP_OPENAT2    28
#define IPPROTO_TCP	     6
#define IPPROTO_UDP	     17
#define AF_UNSPEC	     0 /* include/linux/socket.h */
#define AF_UNIX		     1
#define AF_INET		     2
#define AF_INET6	     10
#define SOCK_DONE_BIT	     1 /* include/net/sock.h: enum sock_flags; the peer's FIN has come */
#define ICSK_TIME_LOSS_PROBE 5 /* include/net/inet_connection_sock.h */
#define PROC_PID_INIT_INO    0xEFFFFFFCU
#define FMODE_NOACCOUNT	     0x20000000U

#endif
