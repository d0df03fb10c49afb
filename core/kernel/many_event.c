/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Targets that are software events: they fire on each CPU for itself. Part of core/many. */
#include "core/kernel/many.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/cpus.h"
#include "core/base/log.h"
#include "core/kernel/perf_hook.h"

bool many_add_events(struct many *m, const struct pattern *patterns, size_t n)
{
	const char *name;

	for (size_t i = 0; (name = perf_software_name(i)); i++) {
		bool wanted = false;

		for (size_t p = 0; p < n; p++)
			wanted |= patterns[p].event && pattern_match(&patterns[p], name);
		if (wanted && !many_add(m, name, NULL, HOW_SOFTWARE)) {
			log_error("out of memory");
			return false;
		}
	}
	return true;
}

int many_attach_event(struct many_target *t)
{
	uint32_t cpus = cpus_possible().ids;
	int first = -1;

	t->cpu_links = calloc(cpus, sizeof(*t->cpu_links));
	if (!t->cpu_links)
		return -1;
	for (uint32_t cpu = 0; cpu < cpus; cpu++) {
		int link = hook_attach(t->prog, HOW_SOFTWARE, t->name, cpu), error = errno;

		if (link < 0 && error == ENODEV) /* offline */
			continue;
		if (link < 0) {
			many_detach_event(t);
			if (first >= 0)
				close(first);
			errno = error;
			return -1;
		}
		if (first < 0)
			first = link;
		else
			t->cpu_links[t->n_cpu_links++] = link;
	}
	return first;
}

void many_detach_event(struct many_target *t)
{
	for (size_t i = 0; i < t->n_cpu_links; i++)
		close(t->cpu_links[i]);
	free(t->cpu_links);
	t->cpu_links = NULL;
	t->n_cpu_links = 0;
}
