/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Which targets there are, and how functions are hooked here. Part of core/many. */
#include "core/kernel/many.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/kernel/abilities_try.h"
#include "core/kernel/ladder.h"
#include "core/kernel/perf_hook.h"

bool functions_find(const struct pattern *patterns, size_t n, struct functions *out)
{
	const char *tracefs = tracefs_path();
	FILE *kallsyms = fopen("/proc/kallsyms", "re"), *traceable = NULL;
	char path[128];
	bool ok;

	*out = (struct functions){ 0 };
	if (!kallsyms) {
		log_error("cannot read /proc/kallsyms: %s", strerror(errno));
		return false;
	}
	if (tracefs) {
		snprintf(path, sizeof(path), "%s/available_filter_functions", tracefs);
		traceable = fopen(path, "re");
	}
	ok = functions_read(kallsyms, traceable, patterns, n, out);
	if (!ok)
		log_error("out of memory");
	fclose(kallsyms);
	if (traceable)
		fclose(traceable);
	return ok;
}

static bool no_memory(void)
{
	log_error("out of memory");
	return false;
}

static bool selects(const struct pattern *patterns, size_t n, const char *tracepoint)
{
	for (size_t i = 0; i < n; i++)
		if (patterns[i].tracepoint && pattern_match(&patterns[i], tracepoint))
			return true;
	return false;
}

/* What makes a directory in events/CATEGORY/ a tracepoint is a file that says its number. */
static bool add_category(struct many *m, const char *events, const char *category,
			 const struct pattern *patterns, size_t n)
{
	char path[512], name[512], shown[512];
	struct dirent *e;
	bool ok = true;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%s", events, category);
	dir = opendir(path);
	while (ok && dir && (e = readdir(dir))) {
		snprintf(name, sizeof(name), "%s/%s", category, e->d_name);
		snprintf(shown, sizeof(shown), "%s:%s", category, e->d_name);
		if (e->d_name[0] == '.' || e->d_type != DT_DIR || !selects(patterns, n, shown))
			continue;
		if (m->timed)
			ok = many_add_pair(m, path, category, e->d_name) || no_memory();
		else
			ok = many_add(m, name, shown, HOW_TRACEPOINT) || no_memory();
	}
	if (dir)
		closedir(dir);
	return ok;
}

static bool add_tracepoints(struct many *m, const struct pattern *patterns, size_t n)
{
	const char *tracefs = tracefs_path();
	struct dirent *e;
	char events[128];
	bool ok = true;
	DIR *dir;

	snprintf(events, sizeof(events), "%s/events", tracefs ? tracefs : "");
	dir = tracefs ? opendir(events) : NULL;
	if (!dir) {
		log_error("cannot look for tracepoints: %s",
			  tracefs ? strerror(errno) : "tracefs isn't mounted");
		return false;
	}
	while (ok && (e = readdir(dir)))
		if (e->d_name[0] != '.' && e->d_type == DT_DIR)
			ok = add_category(m, events, e->d_name, patterns, n);
	closedir(dir);
	return ok;
}

static bool add_functions(struct many *m, const struct pattern *patterns, size_t n)
{
	struct functions f;
	bool ok = functions_find(patterns, n, &f);

	for (size_t i = 0; ok && i < f.n; i++) {
		struct function *fn = &f.fn[i];
		struct many_target *t = many_add(m, fn->name, NULL, HOW_KPROBE_MULTI);

		if (!t) {
			ok = no_memory();
			break;
		}
		t->address = fn->address;
		t->module = fn->module;
		fn->module = NULL;
		if (fn->why)
			snprintf(t->why, sizeof(t->why), "%s", fn->why);
	}
	m->unlisted = f.unlisted;
	functions_free(&f);
	return ok;
}

/* Nothing is called so. Returns false. */
static bool say_missing(const struct many *m, const struct pattern *p)
{
	if (p->call)
		log_error("no system call is called \"%s\"", p->text);
	else if (p->tracepoint && m->timed)
		log_error("no tracepoint called \"%s\" here begins a pair, such as "
			  "irq:irq_handler_entry, whose end is irq_handler_exit",
			  p->text);
	else if (p->event && m->timed)
		log_error("\"e:%s\" is an event, which takes no time", p->text);
	else if (p->tracepoint)
		log_error("no tracepoint is called \"%s\" here", p->text);
	else if (p->event)
		log_error("no software event is called \"%s\"; there are page-faults, "
			  "context-switches, cpu-migrations and others: 'e:*'",
			  p->text);
	else
		log_error("no kernel function is called \"%s\" here; quote a pattern: "
			  "'vfs_*', or a regular expression: '/^vfs_(read|write)$/'",
			  p->text);
	return false;
}

/* Who selected each target; a pattern that selects none is missed. */
static bool tell_patterns(struct many *m, const struct pattern *patterns, size_t n)
{
	for (size_t p = n; p-- > 0;) {
		bool found = false;

		for (size_t i = 0; i < m->n; i++) {
			if (!pattern_match(&patterns[p], m->target[i].shown))
				continue;
			m->target[i].pattern = (uint32_t)p;
			found = true;
		}
		if (!found)
			return say_missing(m, &patterns[p]);
	}
	return true;
}

bool many_add_selected(struct many *m, struct pattern *patterns, size_t n)
{
	bool functions = false, tracepoints = false, events = false;

	for (size_t p = 0; p < n; p++) {
		patterns[p].call = (m->timed || m->by_call) && pattern_names_calls(&patterns[p]);
		if (patterns[p].call && !many_add_calls(m, &patterns[p]))
			return no_memory();
		functions |= pattern_is_function(&patterns[p]);
		tracepoints |= patterns[p].tracepoint;
		events |= patterns[p].event;
	}
	if ((functions && !add_functions(m, patterns, n)) ||
	    (tracepoints && !add_tracepoints(m, patterns, n)) ||
	    (events && !m->timed && !many_add_events(m, patterns, n)))
		return false;
	return tell_patterns(m, patterns, n);
}

/* Best first; each is tried on a harmless function. */
static const struct {
	enum hook_how how;
	enum trial_hook hook;
	const char *ability; /* for IOSONDE_WITHOUT */
} ways[] = {
	{ HOW_KPROBE_MULTI, HOOK_KPROBE_MULTI, "kprobe_multi" },
	{ HOW_KPROBE, HOOK_KPROBE, "kprobes" },
	{ HOW_FENTRY, HOOK_FENTRY, "fentry" },
};

bool many_choose(const struct btf *btf, bool timed, enum hook_how *how, char *tried, size_t size)
{
	struct trial trial;
	size_t len = 0;
	bool found = false;

	*tried = '\0';
	trial_open(&trial, btf);
	for (size_t i = 0; !found && i < sizeof(ways) / sizeof(ways[0]); i++) {
		bool without = ladder_without(ways[i].ability);

		/* the instances of a kretprobe run out in silence where a function waits */
		if (timed && ways[i].how != HOW_FENTRY)
			continue;
		found = !without && trial_run(&trial, ways[i].hook, BODY_MARK);
		if (found)
			*how = ways[i].how;
		else if (len < size)
			len += (size_t)snprintf(tried + len, size - len, "%s%s (%s%s%s)",
						len ? ", " : "", hook_how_names[ways[i].how],
						without ? "IOSONDE_WITHOUT" : trial.step,
						without ? "" : ": ",
						without	      ? ""
						: trial.error ? hook_error(ways[i].how, trial.error)
							      : "it never ran");
	}
	trial_close(&trial);
	return found;
}
