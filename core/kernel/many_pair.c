/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Targets that begin at one tracepoint and end at another, in the same task. Part of core/many. */
#include "core/kernel/many.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/core/many.h"
#include "core/rows/syscalls.h"

static bool add_pair(struct many *m, const char *name, const char *end, const char *shown)
{
	struct many_target *t = many_add(m, name, shown, HOW_TRACEPOINT);

	if (!t)
		return false;
	t->end_name = strdup(end);
	t->end_how = HOW_TRACEPOINT;
	t->call = HOOK_IN_TASK;
	return t->end_name;
}

bool many_add_calls(struct many *m, const struct pattern *p)
{
	char shown[80], begin[96], end[96];
	bool ok = true;

	for (int nr = 0; ok && nr < SYSCALL_MAX; nr++) {
		const char *call = syscall_name(nr, false);

		if (!call)
			continue;
		snprintf(shown, sizeof(shown), "sys_%s", call);
		snprintf(begin, sizeof(begin), "syscalls/sys_enter_%s", call);
		snprintf(end, sizeof(end), "syscalls/sys_exit_%s", call);
		if (!pattern_match(p, shown))
			continue;
		ok = m->timed ? add_pair(m, begin, end, shown)
			      : many_add(m, begin, shown, HOW_TRACEPOINT) != NULL;
	}
	return ok;
}

/* What the names of tracepoints that belong together end with. */
static const char *const ends[][2] = {
	{ "_enter", "_exit" },	   { "_entry", "_exit" }, { "_begin", "_end" },
	{ "_start", "_end" },	   { "_start", "_done" }, { "_start", "_finish" },
	{ "_start", "_complete" },
};

bool many_add_pair(struct many *m, const char *events, const char *category, const char *name)
{
	char path[768], begin[320], end[320], shown[320];
	size_t len = strlen(name);

	snprintf(begin, sizeof(begin), "%s/%s", category, name);
	snprintf(shown, sizeof(shown), "%s:%s", category, name);
	if (!strncmp(begin, "syscalls/sys_enter_", 19)) {
		snprintf(end, sizeof(end), "syscalls/sys_exit_%s", begin + 19);
		return add_pair(m, begin, end, shown);
	}
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		size_t tail = strlen(ends[i][0]);

		if (len <= tail || strcmp(name + len - tail, ends[i][0]))
			continue;
		snprintf(end, sizeof(end), "%s/%.*s%s", category, (int)(len - tail), name,
			 ends[i][1]);
		snprintf(path, sizeof(path), "%s/%s", events, end + strlen(category) + 1);
		if (!access(path, F_OK))
			return add_pair(m, begin, end, shown);
	}
	return true;
}
