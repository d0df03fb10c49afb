/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What requests of io_uring ask for: include/uapi/linux/io_uring.h. See also
 * bpf/kernel/types.bpf.h.
 */
#ifndef IOSONDE_URING_OPS_H
#define IOSONDE_URING_OPS_H

#define IORING_OP_READV		  1
#define IORING_OP_WRITEV	  2
#define IORING_OP_FSYNC		  3
#define IORING_OP_READ_FIXED	  4
#define IORING_OP_WRITE_FIXED	  5
#define IORING_OP_SYNC_FILE_RANGE 8
#define IORING_OP_FALLOCATE	  17
#define IORING_OP_CLOSE		  19
#define IORING_OP_STATX		  21
#define IORING_OP_READ		  22
#define IORING_OP_WRITE		  23
#define IORING_OP_SPLICE	  30
#define IORING_OP_TEE		  33
#define IORING_OP_RENAMEAT	  35
#define IORING_OP_UNLINKAT	  36
#define IORING_OP_MKDIRAT	  37
#define IORING_OP_SYMLINKAT	  38
#define IORING_OP_LINKAT	  39
#define IORING_OP_READ_MULTISHOT  49
#define IORING_OP_FTRUNCATE	  55
#define IORING_OP_READV_FIXED	  60
#define IORING_OP_WRITEV_FIXED	  61

#define REQ_F_FIXED_FILE 1

#endif
