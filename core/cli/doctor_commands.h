/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Can a command run here, and with which hooks? Part of core/doctor. */
#ifndef IOSONDE_DOCTOR_COMMANDS_H
#define IOSONDE_DOCTOR_COMMANDS_H

#include "core/kernel/load.h"

/* What became of one probe of a command. */
struct hook_row {
	const char *command;
	const char *what;  /* is observed */
	char hooks[512];   /* separated by spaces; empty: none */
	const char *blind; /* what isn't seen; may be empty */
	char why[256];	   /* why better hooks aren't used; may be empty */
};

struct command_row {
	const char *name;
	bool usable;
	char hooks[2048];  /* all, separated by spaces */
	const char *state; /* where the state of threads is kept; empty: not usable */
	char blind[1024];  /* what isn't seen, separated by "; " */
	char why[1024];	   /* not usable: what the command itself says */
	struct hook_row probes[PROBES_MAX];
	size_t n_probes;
};

/* Loads and attaches the programs of @tool, which then follow no process at all, and frees them. */
void command_check(const struct tool *tool, const char *btf, struct command_row *row);

#endif
