/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What iosonde says about itself, from the descriptors. Each returns the exit status. */
#ifndef IOSONDE_HELP_H
#define IOSONDE_HELP_H

#include "core/tool.h"

int help_overview(void);	     /* the commands by layer, in a screenful */
int help_list(void);		     /* one command per line */
int help_tool(const struct tool *t); /* options, columns, examples */
/* What @layer is called in the overview; NULL: commands of that layer wouldn't be in it. */
const char *help_layer(const char *layer);
int help_columns(void); /* what columns are called, in all commands */
int help_version(void);

#endif
