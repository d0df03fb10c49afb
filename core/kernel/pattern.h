/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Names as people select them: by a glob, or by a regular expression. */
#ifndef IOSONDE_PATTERN_H
#define IOSONDE_PATTERN_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

struct pattern {
	const char *text; /* as typed, without arguments; borrowed, or own */
	char *own;
	const char *args; /* what stood in parentheses behind it; borrowed; NULL: nothing */
	size_t args_len;
	bool tracepoint; /* it selects tracepoints, as CATEGORY:NAME */
	bool event;	 /* it selects software events; neither: functions */
	bool call;	 /* it selects system calls, as sys_NAME, where they are timed */
	bool is_regex;
	regex_t regex;
};

static inline bool pattern_is_function(const struct pattern *p)
{
	return !p->tracepoint && !p->event && !p->call;
}

/*
 * "vfs_*" is a glob and matches whole names; "/^vfs_(read|write)$/" is an extended regular
 * expression, and so is what begins with "^", which no name does. Released by pattern_free().
 * On failure returns false with one line in @err.
 */
bool pattern_compile(struct pattern *p, const char *text, char *err, size_t err_size);

/*
 * The same of what people type: "t:CATEGORY:NAME", "e:NAME", and as bcc has it "p::NAME"; and with
 * arguments behind it, "vfs_read(file, count)".
 */
bool pattern_take(struct pattern *p, const char *typed, char *err, size_t err_size);
bool pattern_match(const struct pattern *p, const char *name);

/* Is it about names of system calls, sys_NAME? */
bool pattern_names_calls(const struct pattern *p);
void pattern_free(struct pattern *p);

#endif
