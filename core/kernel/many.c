/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/kernel/many.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bpf/core/many.h"
#include "core/base/cpus.h"
#include "core/base/log.h"
#include "core/base/progress.h"
#include "core/rows/syscalls.h"

void many_init(struct many *m)
{
	*m = (struct many){ .multi_prog = -1, .call_prog = { -1, -1 }, .call_link = { -1, -1 } };
}

struct many_target *many_add(struct many *m, const char *name, const char *shown, enum hook_how how)
{
	struct many_target *t;

	if (!(m->n & (m->n - 1))) { /* full at every power of two */
		t = realloc(m->target, (m->n ? 2 * m->n : 1) * sizeof(*t));
		if (!t)
			return NULL;
		m->target = t;
	}
	t = &m->target[m->n];
	*t = (struct many_target){ .name = strdup(name),
				   .shown = strdup(shown ? shown : name),
				   .how = how,
				   .call = -1,
				   .prog = -1,
				   .link = -1,
				   .end_how = HOW_FEXIT,
				   .end_prog = -1,
				   .end_link = -1,
				   .added_ns = MANY_NONE,
				   .run_ns = MANY_NONE };
	if (!t->name || !t->shown) {
		free(t->name);
		free(t->shown);
		return NULL;
	}
	m->n++;
	return t;
}

void many_set_how(struct many *m, enum hook_how how)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->target[i].how == HOW_KPROBE_MULTI)
			m->target[i].how = how;
}

/* --- attaching --- */

void many_say_why(struct many_target *t, const char *step, const char *why)
{
	snprintf(t->why, sizeof(t->why), "%s%s%s", step, *step ? ": " : "", why);
}

/* Two descriptors per target and end, one per CPU for events, and some. */
static void allow_descriptors(const struct many *m)
{
	struct rlimit limit, wanted;
	rlim_t need = (m->timed ? 4 : 2) * m->n + 256;

	for (size_t i = 0; i < m->n; i++)
		need += m->target[i].how == HOW_SOFTWARE ? cpus_possible().ids : 0;
	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= need)
		return;
	wanted = (struct rlimit){ need, limit.rlim_max > need ? limit.rlim_max : need };
	if (!setrlimit(RLIMIT_NOFILE, &wanted)) /* more than the maximum takes CAP_SYS_RESOURCE */
		return;
	wanted = (struct rlimit){ limit.rlim_max, limit.rlim_max };
	setrlimit(RLIMIT_NOFILE, &wanted);
}

bool many_signal_waits(void)
{
	sigset_t waiting;

	return !sigpending(&waiting) &&
	       (sigismember(&waiting, SIGINT) || sigismember(&waiting, SIGTERM));
}

/*
 * Functions that our programs run through. At fentry older kernels have no guard: the program would
 * hit itself without end.
 */
static bool used_by_programs(const char *name)
{
	static const char *const parts[] = {
		"bpf",	      "_lookup_elem", "rcu_read_",  "migrate_",
		"_nofault",   "probe_read",   "trampoline", "ftrace",
		"_spin_lock", "_spin_unlock", "irq_work",   "unwind",
		"callchain",  "stack_info",   "orc_",	    "freelist"
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strstr(name, parts[i]))
			return true;
	return false;
}

/*
 * Leaving a classic tracepoint waits for all CPUs, one tracepoint after the other
 * (perf_trace_destroy() in kernel/trace/trace_event_perf.c, under event_mutex): a minute for all
 * that there are. The same place is a raw tracepoint, which is left at once, but for those of
 * single system calls (attach_calls()); and for events that have another name than it, which aren't
 * found. False: not this way.
 */
static bool attach_raw(struct many_target *t, const struct bpf_program *model,
		       const struct hook_constants *constants, const struct btf *btf)
{
	const char *name = strchr(t->name, '/'), *why;

	if (t->how != HOW_TRACEPOINT || !name || !strncmp(t->name, "syscalls/", 9))
		return false;
	t->prog = hook_load(model, HOW_RAW_TRACEPOINT, btf, t->name, constants, &why);
	if (t->prog < 0)
		return false;
	t->link = hook_attach(t->prog, HOW_RAW_TRACEPOINT, name + 1, 0);
	if (t->link >= 0) {
		t->how = HOW_RAW_TRACEPOINT;
		return true;
	}
	close(t->prog);
	t->prog = -1;
	return false;
}

static void attach_one(struct many_target *t, size_t i, const struct bpf_program *model,
		       const struct btf *btf)
{
	const struct hook_constants constants = { i, t->call };
	const char *why;

	if (attach_raw(t, model, &constants, btf))
		return;
	if (t->module && (t->how == HOW_FENTRY || t->how == HOW_FEXIT)) {
		many_say_why(t, "", "functions of modules can't be hooked this way");
		return;
	}
	if ((t->how == HOW_FENTRY || t->how == HOW_FEXIT) && used_by_programs(t->name)) {
		many_say_why(t, "", "programs use it themselves");
		return;
	}
	t->prog = hook_load(model, t->how, btf, t->name, &constants, &why);
	if (t->prog < 0) {
		many_say_why(t, "loading", why);
		return;
	}
	t->link = t->how == HOW_SOFTWARE ? many_attach_event(t)
					 : hook_attach(t->prog, t->how, t->name, t->address);
	if (t->link >= 0)
		return;
	many_say_why(t, "attaching", hook_error(t->how, errno));
	close(t->prog);
	t->prog = -1;
}

/* Where it ends: first, for without that the begin is of no use. False with the reason in t->why.
 */
static bool attach_end(struct many_target *t, size_t i, const struct bpf_program *end,
		       const struct btf *btf)
{
	struct many_target at = *t;

	at.how = t->end_how;
	at.name = t->end_name ? t->end_name : t->name;
	attach_one(&at, i, end, btf);
	t->end_how = at.how;
	t->end_prog = at.prog;
	t->end_link = at.link;
	memcpy(t->why, at.why, sizeof(t->why));
	return t->end_link >= 0;
}

static bool in_batch(const struct many *m, const struct many_target *t)
{
	return t->how == HOW_KPROBE_MULTI && t->address && !m->separate;
}

/* All functions by links of one program; by halves where the kernel refuses one among them. */
struct batch {
	struct many *m;
	size_t *index; /* of the targets */
	unsigned long *address;
	__u64 *cookie;
};

static size_t attach_part(struct batch *b, size_t from, size_t n)
{
	int link = hook_attach_multi(b->m->multi_prog, b->address + from, b->cookie + from, n);
	int error = errno;

	if (link >= 0) {
		b->m->multi_links[b->m->n_multi++] = link;
		return n;
	}
	if (n == 1) {
		many_say_why(&b->m->target[b->index[from]], "attaching",
			     hook_error(HOW_KPROBE_MULTI, error));
		return 0;
	}
	return attach_part(b, from, n / 2) + attach_part(b, from + n / 2, n - n / 2);
}

static size_t attach_batch(struct many *m, const struct bpf_program *model, const struct btf *btf)
{
	const struct hook_constants constants = { HOOK_BY_COOKIE, -1 };
	struct batch b = { .m = m };
	size_t n = 0, attached = 0;
	const char *why = "out of memory";

	b.index = calloc(m->n, sizeof(*b.index));
	b.address = calloc(m->n, sizeof(*b.address));
	b.cookie = calloc(m->n, sizeof(*b.cookie));
	m->multi_links = calloc(m->n, sizeof(*m->multi_links));
	for (size_t i = 0; b.index && b.address && b.cookie && i < m->n; i++) {
		const struct many_target *t = &m->target[i];

		if (*t->why || !in_batch(m, t))
			continue;
		b.index[n] = b.cookie[n] = i;
		b.address[n++] = t->address;
	}
	if (n && m->multi_links)
		m->multi_prog = hook_load(model, HOW_KPROBE_MULTI, btf, "", &constants, &why);
	if (m->multi_prog >= 0)
		attached = attach_part(&b, 0, n);
	else
		for (size_t i = 0; i < n; i++)
			many_say_why(&m->target[b.index[i]], "loading", why);
	free(b.index);
	free(b.address);
	free(b.cookie);
	return attached;
}

/* Is @t at the entry (0) or the end (1) of a system call, and which? -1: neither, or an unknown
 * one. */
static int call_of(const struct many_target *t, int end)
{
	static const char *const prefix[] = { "syscalls/sys_enter_", "syscalls/sys_exit_" };
	const char *name = end && t->end_name ? t->end_name : t->name;
	enum hook_how how = end && t->end_name ? t->end_how : t->how;
	int nr;

	if (how != HOW_TRACEPOINT || strncmp(name, prefix[end], strlen(prefix[end])))
		return -1;
	nr = syscall_of_event(name + strlen(prefix[end]));
	return nr < SYSCALL_MAX ? nr : -1;
}

/*
 * The tracepoints of single calls by one program where all calls pass. Those that stay without are
 * attached one by one.
 */
static size_t attach_calls(struct many *m, const struct bpf_program *model, const struct btf *btf,
			   int end)
{
	static const char *const place[] = { "sys_enter", "sys_exit" };
	const struct hook_constants constants = { end ? HOOK_BY_END : HOOK_BY_ENTRY, HOOK_IN_TASK };
	const char *why;
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		n += call_of(&m->target[i], end) >= 0;
	if (!n || !m->calls || m->separate)
		return 0;
	m->call_prog[end] = hook_load(model, HOW_RAW_TRACEPOINT, btf, "", &constants, &why);
	if (m->call_prog[end] >= 0)
		m->call_link[end] =
			hook_attach(m->call_prog[end], HOW_RAW_TRACEPOINT, place[end], 0);
	if (m->call_link[end] < 0)
		return 0;
	for (size_t i = 0; i < m->n; i++) {
		int nr = call_of(&m->target[i], end);

		if (nr < 0)
			continue;
		m->calls[nr][end] = (uint32_t)i + 1;
		if (end && m->timed)
			m->target[i].end_how = HOW_RAW_TRACEPOINT;
		else
			m->target[i].how = HOW_RAW_TRACEPOINT;
		m->target[i].shared = true;
	}
	return n;
}

/* The same of both ends, which need each other. */
static size_t attach_timed_calls(struct many *m, const struct bpf_program *model,
				 const struct bpf_program *end, const struct btf *btf)
{
	size_t n = attach_calls(m, end, btf, 1);

	if (!n || attach_calls(m, model, btf, 0) == n)
		return n;
	for (size_t i = 0; i < m->n; i++)
		if (m->target[i].shared)
			many_say_why(&m->target[i], "attaching", "sys_enter can't be hooked");
	return 0;
}

size_t many_attach(struct many *m, const struct bpf_program *model, const struct bpf_program *end,
		   const struct btf *btf)
{
	struct progress progress = progress_begin("attaching");
	size_t attached = attach_batch(m, model, btf);

	if (end)
		attached += attach_timed_calls(m, model, end, btf);
	for (int at = 0; !end && at < 2; at++)
		attached += attach_calls(m, model, btf, at);

	allow_descriptors(m);
	for (size_t i = 0; i < m->n && !m->interrupted; i++) {
		struct many_target *t = &m->target[i];

		if (*t->why || t->shared || in_batch(m, t) || (end && !attach_end(t, i, end, btf)))
			continue;
		attach_one(t, i, model, btf);
		attached += t->link >= 0;
		progress_step(&progress, i, m->n);
		m->interrupted = many_signal_waits();
	}
	progress_end(&progress);
	return attached;
}

/* --- what was missed, and the end --- */

static bool told_before(const struct many *m, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (!strcmp(m->target[k].why, m->target[i].why))
			return true;
	return false;
}

#define NAMES_SHOWN 20

void many_report_missing(const struct many *m, bool all)
{
	for (size_t i = 0; i < m->n; i++) {
		char names[2048];
		size_t n = 0, len = 0;

		if (!*m->target[i].why || told_before(m, i))
			continue;
		for (size_t k = i; k < m->n; k++) {
			if (strcmp(m->target[k].why, m->target[i].why))
				continue;
			if ((all || n < NAMES_SHOWN) && len < sizeof(names))
				len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s",
							n ? ", " : "", m->target[k].shown);
			n++;
		}
		log_warn("%zu of %zu can't be hooked (%s): %s%s", n, m->n, m->target[i].why, names,
			 !all && n > NAMES_SHOWN ? ", ... (--verbose lists all)" : "");
	}
}

static uint64_t missed_by(int prog)
{
	return prog < 0 ? 0 : hook_missed(prog);
}

uint64_t many_missed(const struct many *m)
{
	uint64_t missed = missed_by(m->multi_prog);

	for (int end = 0; end < 2; end++)
		missed += missed_by(m->call_prog[end]);
	for (size_t i = 0; i < m->n; i++)
		missed += missed_by(m->target[i].prog) + missed_by(m->target[i].end_prog);
	return missed;
}

bool many_misses_counted(const struct many *m, bool guard_counts)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct many_target *t = &m->target[i];

		if (*t->why)
			continue;
		if (t->how == HOW_SOFTWARE || (!guard_counts && hook_is_guarded(t->how)))
			return false;
		if (m->timed && !guard_counts && hook_is_guarded(t->end_how))
			return false;
	}
	return true;
}

/* Closing a hook mostly waits for the kernel; several can wait at a time. */
#define DETACHERS 16

struct detacher {
	const struct many *m;
	size_t first;
};

static void *detach_some(void *arg)
{
	const struct detacher *d = arg;

	for (size_t i = d->first; i < d->m->n; i += DETACHERS) {
		many_detach_event(&d->m->target[i]);
		if (d->m->target[i].link >= 0)
			close(d->m->target[i].link);
		if (d->m->target[i].end_link >= 0)
			close(d->m->target[i].end_link);
	}
	return NULL;
}

static void detach(const struct many *m)
{
	struct detacher d[DETACHERS];
	pthread_t thread[DETACHERS];
	bool running[DETACHERS];

	for (size_t i = 0; i < m->n_multi; i++)
		close(m->multi_links[i]);
	for (int end = 0; end < 2; end++)
		if (m->call_link[end] >= 0)
			close(m->call_link[end]);
	for (size_t i = 0; i < DETACHERS; i++) {
		d[i] = (struct detacher){ m, i };
		running[i] = m->n > DETACHERS && i &&
			     !pthread_create(&thread[i], NULL, detach_some, &d[i]);
	}
	for (size_t i = 0; i < DETACHERS; i++)
		if (!running[i])
			detach_some(&d[i]);
	for (size_t i = 0; i < DETACHERS; i++)
		if (running[i])
			pthread_join(thread[i], NULL);
}

void many_free(struct many *m)
{
	detach(m);
	if (m->multi_prog >= 0)
		close(m->multi_prog);
	for (int end = 0; end < 2; end++)
		if (m->call_prog[end] >= 0)
			close(m->call_prog[end]);
	for (size_t i = 0; i < m->n; i++) {
		struct many_target *t = &m->target[i];

		if (t->prog >= 0)
			close(t->prog);
		if (t->end_prog >= 0)
			close(t->end_prog);
		free(t->end_name);
		free(t->name);
		free(t->shown);
		free(t->module);
	}
	free(m->target);
	free(m->multi_links);
	many_init(m);
}
