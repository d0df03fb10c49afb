/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Every command of iosonde. TOOLS comes from the list in meson.build: TOOL(layers) ... */
#include "core/tool.h"

#define TOOL(name) extern const struct tool tool_##name;
TOOLS
#undef TOOL

#define TOOL(name) &tool_##name,
const struct tool *const catalogue[] = { TOOLS NULL };
