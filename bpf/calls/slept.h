/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* For tool.probes of commands with slept.bpf.h. */
#ifndef IOSONDE_SLEPT_H
#define IOSONDE_SLEPT_H

/* clang-format off */
#define SLEPT_PROBE                                                                                \
	{ "calls that sleep", { { { "slept_switch" } } }, .aside = true,                           \
	  .without = "a name that another thread wrote over while the call slept is shown as it is then" }
/* clang-format on */

#endif
