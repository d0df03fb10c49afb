/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * elfutils' libdw, which names what is in user stacks. It is loaded when it is first needed: with
 * the libraries that it needs itself it takes some ms of a start, and few runs have user stacks.
 */
#ifndef IOSONDE_LIBDW_H
#define IOSONDE_LIBDW_H

#include <elfutils/libdwfl.h>

#define LIBDW_FUNCTIONS(FUNCTION)                                                                  \
	FUNCTION(dwfl_addrmodule)                                                                  \
	FUNCTION(dwfl_begin)                                                                       \
	FUNCTION(dwfl_end)                                                                         \
	FUNCTION(dwfl_linux_proc_find_elf)                                                         \
	FUNCTION(dwfl_linux_proc_report)                                                           \
	FUNCTION(dwfl_module_addrinfo)                                                             \
	FUNCTION(dwfl_module_info)                                                                 \
	FUNCTION(dwfl_report_end)                                                                  \
	FUNCTION(dwfl_standard_find_debuginfo)

struct libdw {
#define MEMBER(name) __typeof__(name) *name;
	LIBDW_FUNCTIONS(MEMBER)
#undef MEMBER
};

/* NULL where it can't be loaded, which is said once. */
const struct libdw *libdw(void);

#endif
