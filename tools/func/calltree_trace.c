/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * ftrace's function_graph tracer, in an instance of its own where the kernel lets it work there,
 * else in tracefs's own buffer, if nobody else uses that.
 */
#include "tools/func/calltree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/cpus.h"
#include "core/base/log.h"
#include "core/kernel/ladder.h"

#define RECORD	   "/run/iosonde/calltree"
#define INSTANCES  "instances"
#define OWN	   "iosonde-"
#define NO_TRACER  "this kernel offers no hook for calls, nested: "
#define LEAST_SIZE 64 /* KiB per CPU */

static bool failed(char *why, size_t size, const char *file)
{
	snprintf(why, size, "cannot set %s in tracefs: %s", file, strerror(errno));
	return false;
}

static bool look_at(int top, char *why, size_t size)
{
	char tracers[256], enabled[16];

	if (!tracefs_read(top, "available_tracers", tracers, sizeof(tracers))) {
		snprintf(why, size, NO_TRACER "tracefs can't be read: %s", strerror(errno));
		return false;
	}
	if (!tracefs_lists(top, "available_tracers", "function_graph") ||
	    ladder_without("function_graph")) {
		snprintf(why, size,
			 NO_TRACER "this kernel is built without the function_graph tracer "
				   "(CONFIG_FUNCTION_GRAPH_TRACER); tried %s",
			 tracers);
		return false;
	}
	if (tracefs_read(AT_FDCWD, "/proc/sys/kernel/ftrace_enabled", enabled, sizeof(enabled)) &&
	    !strcmp(enabled, "0")) {
		snprintf(why, size, NO_TRACER "it is switched off: sysctl kernel.ftrace_enabled=1");
		return false;
	}
	return true;
}

bool graph_trace_look(char *why, size_t size)
{
	char text[200];
	int top = tracefs_open(text, sizeof(text));
	bool ok;

	if (top < 0) {
		snprintf(why, size, NO_TRACER "%s", text);
		return false;
	}
	ok = look_at(top, why, size);
	close(top);
	return ok;
}

void graph_trace_init(struct graph_trace *g)
{
	g->top = g->dir = g->instances = g->kept.fd = -1;
}

/* One that is in use can't be removed: it is those of runs that were killed. */
static void remove_instances(int instances)
{
	int copy = openat(instances, ".", O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!dir) {
		close(copy);
		return;
	}
	while ((entry = readdir(dir)))
		if (!strncmp(entry->d_name, OWN, strlen(OWN)))
			unlinkat(instances, entry->d_name, AT_REMOVEDIR);
	closedir(dir);
}

/* Of somebody else's function_graph in an instance: it is the kernel that has one set of functions.
 */
static bool graph_elsewhere(int instances)
{
	int copy = openat(instances, ".", O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;
	bool found = false;
	char file[300];

	if (!dir) {
		close(copy);
		return false;
	}
	while (!found && (entry = readdir(dir))) {
		snprintf(file, sizeof(file), "%s/current_tracer", entry->d_name);
		found = *entry->d_name != '.' && tracefs_lists(instances, file, "function_graph");
	}
	closedir(dir);
	return found;
}

/* Makes an instance in which the tracer can work. False: there is none. */
static bool make_instance(struct graph_trace *g)
{
	struct stat st;

	if (ladder_without("trace_instance") || g->instances < 0)
		return false;
	snprintf(g->instance, sizeof(g->instance), OWN "%d", (int)getpid());
	if (mkdirat(g->instances, g->instance, 0700)) {
		g->instance[0] = '\0';
		return false;
	}
	g->dir = openat(g->instances, g->instance, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	/* tracers that can't have no options there; trying would change the kernel's own buffer */
	if (g->dir >= 0 && !fstatat(g->dir, "options/funcgraph-irqs", &st, 0))
		return true;
	if (g->dir >= 0)
		close(g->dir);
	g->dir = -1;
	unlinkat(g->instances, g->instance, AT_REMOVEDIR);
	g->instance[0] = '\0';
	return false;
}

/* Not empty: somebody has put something there. */
static bool in_use(int dir, const char *file)
{
	char text[256];

	if (!tracefs_read(dir, file, text, sizeof(text)))
		return false;
	tracefs_value(text);
	return *text && strcmp(text, "0") != 0 && strcmp(text, "nop") != 0;
}

/* Where others are at work they are left alone. @own: the buffer is theirs, too. */
static const char *busy(const struct graph_trace *g, bool own)
{
	static const char *const lists[] = { "set_graph_function", "set_graph_notrace",
					     "tracing_thresh" };
	static const char *const buffers[] = { "current_tracer",    "set_event",
					       "set_ftrace_pid",    "set_ftrace_notrace_pid",
					       "set_event_pid",	    "set_event_notrace_pid",
					       "set_ftrace_filter", "set_ftrace_notrace" };

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (in_use(g->top, lists[i]))
			return lists[i];
	for (size_t i = 0; own && i < sizeof(buffers) / sizeof(buffers[0]); i++)
		if (in_use(g->top, buffers[i]))
			return buffers[i];
	if (tracefs_lists(g->top, "current_tracer", "function_graph"))
		return "current_tracer";
	return graph_elsewhere(g->instances) ? INSTANCES : NULL;
}

/* Kernels that let the tracer work in instances may have its options once all the same. */
static bool is_shared(const char *file)
{
	return strstr(file, "funcgraph-") || strstr(file, "sleep-time");
}

/* An option of the buffer in use; one that the kernel hasn't needs no setting. */
static bool set_here(struct graph_trace *g, const char *file, const char *value)
{
	struct stat st;

	if (fstatat(g->dir, file, &st, 0))
		return true;
	if (*g->instance && is_shared(file) && !tracefs_set(&g->kept, file, value))
		return false;
	return *g->instance ? tracefs_write(g->dir, file, value)
			    : tracefs_set(&g->kept, file, value);
}

/* In this order, and back in the other one. */
static bool set_buffer(struct graph_trace *g, const struct calltree_cfg *cfg, uint64_t buffer,
		       char *why, size_t size)
{
	uint64_t each = buffer / 1024 / g->cpus.n;
	char kib[32];
	const char *const settings[][2] = {
		{ "tracing_on", "0" },
		{ "buffer_size_kb", kib },
		{ "trace_clock", "mono" },
		{ "options/overwrite", "1" },
		{ "options/function-fork", "1" },
		{ "options/event-fork", "1" },
		{ "options/sleep-time", "1" },
		{ "options/funcgraph-irqs", cfg->irqs ? "1" : "0" },
		{ "options/funcgraph-args", "0" },
		{ "options/funcgraph-retaddr", "0" },
	};

	snprintf(kib, sizeof(kib), "%" PRIu64, each < LEAST_SIZE ? LEAST_SIZE : each);
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (!set_here(g, settings[i][0], settings[i][1]))
			return failed(why, size, settings[i][0]);
	return true;
}

const char *const *graph_forms(const char *name)
{
	static const char *const calls[] = { "__x64_", "__arm64_", "__se_", "", NULL };
	static const char *const others[] = { "", NULL };

	return strncmp(name, "sys_", 4) ? others : calls;
}

/* To a list of functions. */
static bool add_function(int dir, const char *list, const char *name)
{
	char text[128];

	for (const char *const *form = graph_forms(name); *form; form++) {
		snprintf(text, sizeof(text), "%s%s", *form, name);
		if (tracefs_append(dir, list, text))
			return true;
	}
	return false;
}

static bool add_functions(int dir, const char *list, const char *const *names, uint32_t n,
			  char *why, size_t size)
{
	for (uint32_t i = 0; i < n; i++) {
		if (add_function(dir, list, names[i]))
			continue;
		if (errno != EINVAL)
			return failed(why, size, list);
		snprintf(why, size,
			 "no function %s that can be traced: see available_filter_functions in "
			 "tracefs",
			 names[i]);
		return false;
	}
	return true;
}

/* Of a kernel's functions, those that are hooked. */
static bool set_filter(struct graph_trace *g, const struct calltree_cfg *cfg, char *why,
		       size_t size)
{
	static const char filter[] = "set_ftrace_filter";

	if (!cfg->n_only)
		return true;
	if (!set_here(g, filter, ""))
		return failed(why, size, filter);
	return add_functions(g->dir, filter, cfg->functions, cfg->n, why, size) &&
	       add_functions(g->dir, filter, cfg->only, cfg->n_only, why, size);
}

/* These the kernel has once, for all instances. */
static bool set_functions(struct graph_trace *g, const struct calltree_cfg *cfg, char *why,
			  size_t size)
{
	char depth[16];

	snprintf(depth, sizeof(depth), "%u", cfg->depth);
	if (!tracefs_set(&g->kept, "max_graph_depth", depth))
		return failed(why, size, "max_graph_depth");
	if (!tracefs_set(&g->kept, "set_graph_function", ""))
		return failed(why, size, "set_graph_function");
	return add_functions(g->top, "set_graph_function", cfg->functions, cfg->n, why, size) &&
	       set_filter(g, cfg, why, size);
}

static const char *const kinds[N_GRAPH_KINDS] = {
	[GRAPH_ENTRY] = "ftrace/funcgraph_entry",  [GRAPH_EXIT] = "ftrace/funcgraph_exit",
	[GRAPH_NEWTASK] = "task/task_newtask",	   [GRAPH_RENAME] = "task/task_rename",
	[GRAPH_EXEC] = "sched/sched_process_exec",
};

static bool read_format(int top, const char *event, char *text, size_t size)
{
	char file[64];
	ssize_t n;
	int fd;

	snprintf(file, sizeof(file), "events/%s/format", event);
	fd = openat(top, file, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, size - 1);
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* Where fields are in the records of @kind. */
static void take_fields(struct graph_trace *g, enum graph_kind kind, const char *format)
{
	const struct {
		enum graph_kind kind;
		const char *name;
		struct trace_field *field;
	} fields[] = {
		{ GRAPH_ENTRY, "func", &g->func },
		{ GRAPH_ENTRY, "depth", &g->depth },
		{ GRAPH_EXIT, "func", &g->exit_func },
		{ GRAPH_EXIT, "depth", &g->exit_depth },
		{ GRAPH_EXIT, "overrun", &g->overrun },
		{ GRAPH_EXIT, "calltime", &g->calltime },
		{ GRAPH_EXIT, "rettime", &g->rettime },
		{ GRAPH_NEWTASK, "pid", &g->made },
		{ GRAPH_NEWTASK, "comm", &g->made_comm },
		{ GRAPH_NEWTASK, "clone_flags", &g->clone_flags },
		{ GRAPH_RENAME, "pid", &g->named },
		{ GRAPH_RENAME, "newcomm", &g->new_comm },
		{ GRAPH_EXEC, "pid", &g->exec_pid },
		{ GRAPH_EXEC, "old_pid", &g->exec_old },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (fields[i].kind == kind)
			*fields[i].field = trace_field(format, fields[i].name);
}

static bool read_formats(struct graph_trace *g, char *why, size_t size)
{
	char format[4096];

	for (size_t i = 0; i < N_GRAPH_KINDS; i++) {
		if (!read_format(g->top, kinds[i], format, sizeof(format)))
			return failed(why, size, kinds[i]);
		g->id[i] = trace_format_id(format);
		take_fields(g, i, format);
	}
	if (g->func.size && g->depth.size && g->exit_func.size && g->exit_depth.size)
		return true;
	snprintf(why, size,
		 NO_TRACER "records of function_graph look otherwise on this kernel; tried "
			   "events/ftrace/funcgraph_entry/format");
	return false;
}

static bool enable_events(struct graph_trace *g, char *why, size_t size)
{
	char file[64];

	for (size_t i = GRAPH_NEWTASK; i < N_GRAPH_KINDS; i++) {
		snprintf(file, sizeof(file), "events/%s/enable", kinds[i]);
		if (!set_here(g, file, "1"))
			return failed(why, size, file);
	}
	return true;
}

static bool claim(struct graph_trace *g, char *why, size_t size)
{
	const char *others;

	if (!look_at(g->top, why, size) || !tracefs_keep(&g->kept, g->top, RECORD, why, size))
		return false;
	g->instances = openat(g->top, INSTANCES, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (g->instances >= 0)
		remove_instances(g->instances);
	if (!make_instance(g))
		g->dir = dup(g->top);
	others = busy(g, !*g->instance);
	if (!others)
		return true;
	snprintf(why, size, "somebody else is tracing: %s in tracefs is in use, and is left alone",
		 others);
	return false;
}

/* The lists of threads are empty, and from here on ours. */
static bool own_lists(struct graph_trace *g, char *why, size_t size)
{
	static const char *const lists[] = { "set_ftrace_pid", "set_event_pid" };

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (!set_here(g, lists[i], ""))
			return failed(why, size, lists[i]);
	return true;
}

bool graph_trace_open(struct graph_trace *g, const struct calltree_cfg *cfg, uint64_t buffer,
		      char *why, size_t size)
{
	g->cpus = cpus_possible();
	g->top = tracefs_open(why, size);
	if (g->top < 0 || !claim(g, why, size) || !read_formats(g, why, size))
		return false;
	if (!set_buffer(g, cfg, buffer, why, size) || !set_functions(g, cfg, why, size) ||
	    !own_lists(g, why, size) || !enable_events(g, why, size))
		return false;
	return true; /* the tracer comes when its threads are named, or it would see everybody */
}

bool graph_trace_without(struct graph_trace *g, uint32_t tid)
{
	char text[16];
	struct stat st;

	snprintf(text, sizeof(text), "%u", tid);
	return fstatat(g->dir, "set_ftrace_notrace_pid", &st, 0) ||
	       set_here(g, "set_ftrace_notrace_pid", text);
}

bool graph_trace_thread(struct graph_trace *g, uint32_t tid)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", tid);
	return tracefs_append(g->dir, "set_ftrace_pid", text) &&
	       tracefs_append(g->dir, "set_event_pid", text);
}

bool graph_trace_attach(struct graph_trace *g, char *why, size_t size)
{
	if (!set_here(g, "current_tracer", "function_graph"))
		return failed(why, size, "current_tracer");
	return graph_buffers_open(g, why, size);
}

bool graph_trace_begin(struct graph_trace *g)
{
	return tracefs_write(g->dir, "tracing_on", "1");
}

void graph_trace_stop(struct graph_trace *g)
{
	tracefs_write(g->dir, "tracing_on", "0");
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

bool graph_trace_end(struct graph_trace *g, char *why, size_t size)
{
	bool ok = true;

	if (g->cpu) {
		graph_trace_stop(g);
		graph_buffers_take(g);
		g->lost = graph_buffers_lost(g);
	}
	graph_buffers_close(g); /* while they are open the tracer stays */
	if (*g->instance) {
		if (g->cpu)
			tracefs_write(g->dir, "current_tracer", "nop");
		close_fd(&g->dir);
		ok = !unlinkat(g->instances, g->instance, AT_REMOVEDIR);
		if (!ok)
			snprintf(why, size, "cannot remove %s in tracefs's instances: %s",
				 g->instance, strerror(errno));
		g->instance[0] = '\0';
	}
	if (!tracefs_give_back(&g->kept)) {
		snprintf(why, size, "cannot put back what was set in tracefs: %s", strerror(errno));
		ok = false;
	}
	close_fd(&g->dir);
	close_fd(&g->instances);
	close_fd(&g->top);
	return ok;
}
