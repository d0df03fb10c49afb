/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Directories named on the command line: from an option's value to what dirs.bpf.h looks for.
 * A command's cfg has a struct dirs_cfg; its option's .parse is dirs_parse, with the struct's
 * offset in .field; its probes hold DIRS_PROBE; and its ops' start() is, or calls, dirs_start().
 */
#ifndef IOSONDE_NAMES_DIRS_H
#define IOSONDE_NAMES_DIRS_H

#include "bpf/files/dirs.h"
#include "core/run/run.h"

/* Opens the directories that "d1,d2" names, globs expanded. They stay open. */
bool dirs_parse(const struct option_spec *spec, const char *arg, void *cfg, char *err, size_t size);

#define DIRS_PROBE(type, member)                                                                   \
	{                                                                                          \
		"directories", { { { "dirs_find" } } }, .when = FIELD(type, member.given)          \
	}

/* Tells the programs where the directories are. */
bool dirs_start(struct run *run);

#endif
