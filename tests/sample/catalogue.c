/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The samples, built as a program of their own: iosonde itself doesn't have them. */
#include "core/tool.h"

#define TOOLS                                                                                      \
	TOOL(sampleevents)                                                                         \
	TOOL(sampletable)                                                                          \
	TOOL(samplehist)                                                                           \
	TOOL(samplestacks)                                                                         \
	TOOL(sampleexits)                                                                          \
	TOOL(sampletables)                                                                         \
	TOOL(samplewrong)                                                                          \
	TOOL(sampleblind)

#define TOOL(name) extern const struct tool tool_##name;
TOOLS
#undef TOOL

#define TOOL(name) &tool_##name,
const struct tool *const catalogue[] = { TOOLS NULL };
