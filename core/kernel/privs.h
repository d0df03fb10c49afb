/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Privileges: which are missing, and giving up those that are held. */
#ifndef IOSONDE_PRIVS_H
#define IOSONDE_PRIVS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Names what loading programs needs and this process hasn't: "CAP_BPF and CAP_PERFMON", "CAP_BPF".
 * CAP_SYS_ADMIN stands for both. Returns false with @missing set, true if nothing is missing.
 */
bool privs_can_trace(char *missing, size_t size);

/* Holds CAP_SYS_ADMIN: can read the type information of kernel modules. */
bool privs_can_read_modules(void);

/* Holds CAP_SYS_PTRACE: can read other users' memory maps. */
bool privs_can_ptrace(void);

/*
 * Gives up every capability, in every set, for good, but with @keep_bpf CAP_BPF, and with
 * @keep_stacks those of CAP_SYS_PTRACE, CAP_CHECKPOINT_RESTORE and CAP_DAC_READ_SEARCH that are
 * held: user stacks are named as they come. False with errno set if the kernel refused.
 */
bool privs_drop(bool keep_bpf, bool keep_stacks);

/*
 * Would reading the map @fd still work without any capability? Tried in a child process, for
 * kernels before 5.19 answer no while unprivileged_bpf_disabled is set.
 */
bool privs_maps_readable_without(int fd);

/*
 * Did this process get privileges by the binary's file (capabilities, set-user-id)? Then whoever
 * started it may have fewer, and must not choose what is read.
 */
bool privs_of_file(void);

#endif
