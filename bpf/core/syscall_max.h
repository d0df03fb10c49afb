/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Shared size of the system-call tables; the newest call has number 470 or so. */
#ifndef IOSONDE_SYSCALL_MAX_H
#define IOSONDE_SYSCALL_MAX_H

#define SYSCALL_MAX 512

#endif
