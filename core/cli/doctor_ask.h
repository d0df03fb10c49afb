/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* iosonde doctor's single questions, for scripts. */
#ifndef IOSONDE_DOCTOR_ASK_H
#define IOSONDE_DOCTOR_ASK_H

#include <bpf/btf.h>

#include "out/sink.h"

enum answer { ANSWER_YES = 0, ANSWER_NO = 1, ANSWER_USAGE = 2 };

/*
 * Each prints what was found as rows, or one line on stderr that says what was not. @btf may be
 * NULL. USAGE: the question makes no sense.
 */
enum answer ask_field(struct sink *out, enum format format, const struct btf *btf,
		      const char *path);
enum answer ask_symbol(struct sink *out, enum format format, const struct btf *btf,
		       const char *glob);
enum answer ask_syscall(struct sink *out, enum format format, const struct btf *btf,
			const char *name);

/* What doctor shows of a table: CSV has all that JSON has. Freed by selection_free(). */
bool doctor_columns(const struct table *table, enum format format, struct selection *sel);

#endif
