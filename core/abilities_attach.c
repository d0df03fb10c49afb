/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/abilities_attach.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* In the order of enum trial_hook. Rare things, that provoke() does. */
static const struct hook_kind kinds[] = {
	{ HOOK_TP_BTF, BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, "task_rename", "btf_trace_",
	  BTF_KIND_TYPEDEF },
	{ HOOK_RAW_TP, BPF_PROG_TYPE_RAW_TRACEPOINT, 0, "task_rename", NULL, 0 },
	{ HOOK_TRACEPOINT, BPF_PROG_TYPE_TRACEPOINT, 0, "task_rename", NULL, 0 },
	{ HOOK_KPROBE, BPF_PROG_TYPE_KPROBE, 0, "getrusage", NULL, 0 },
	{ HOOK_KPROBE_MULTI, BPF_PROG_TYPE_KPROBE, BPF_TRACE_KPROBE_MULTI, "getrusage", NULL, 0 },
	{ HOOK_FENTRY, BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, "getrusage", "", BTF_KIND_FUNC },
	{ HOOK_ITER, BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER, "task", "bpf_iter_", BTF_KIND_FUNC },
};

const struct hook_kind *hook_kind(enum trial_hook hook)
{
	return &kinds[hook];
}

int number_in_file(const char *path)
{
	FILE *f = fopen(path, "re");
	int number = -1;

	if (f && fscanf(f, "%d", &number) != 1) {
		number = -1;
		errno = EINVAL;
	}
	if (f)
		fclose(f);
	return number;
}

const char *tracefs_path(void)
{
	static const char *const places[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
	char path[64];

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, sizeof(path), "%s/events", places[i]);
		if (!access(path, F_OK))
			return places[i];
		if (errno == EACCES) /* it is there, for others */
			return places[i];
	}
	errno = ENOENT;
	return NULL;
}

bool tracefs_has_event(const char *event)
{
	const char *tracefs = tracefs_path();
	char path[256];

	if (!tracefs)
		return false;
	snprintf(path, sizeof(path), "%s/events/%s/id", tracefs, event);
	return !access(path, R_OK);
}

static int perf_open(struct perf_event_attr *attr)
{
	attr->size = sizeof(*attr);
	return (int)syscall(SYS_perf_event_open, attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
}

/* Programs hang on a perf event: it belongs to one CPU, they run on all. */
static int attach_perf(struct perf_event_attr *attr, int prog)
{
	int fd = perf_open(attr), error;

	if (fd < 0)
		return -1;
	if (!ioctl(fd, PERF_EVENT_IOC_SET_BPF, prog) && !ioctl(fd, PERF_EVENT_IOC_ENABLE, 0))
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static int attach_tracepoint(int prog, const char *name)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT, .sample_period = 1 };
	const char *tracefs = tracefs_path();
	char path[128];
	int id;

	if (!tracefs)
		return -1;
	snprintf(path, sizeof(path), "%s/events/task/%s/id", tracefs, name);
	id = number_in_file(path);
	if (id < 0)
		return -1;
	attr.config = (__u64)id;
	return attach_perf(&attr, prog);
}

static int attach_kprobe(int prog, const char *function)
{
	struct perf_event_attr attr = { .config1 = (__u64)(uintptr_t)function };
	int type = number_in_file("/sys/bus/event_source/devices/kprobe/type");

	if (type < 0)
		return -1;
	attr.type = (__u32)type;
	return attach_perf(&attr, prog);
}

static int attach_kprobe_multi(int prog, const char *function)
{
	const char *functions[] = { function };
	LIBBPF_OPTS(bpf_link_create_opts, opts, .kprobe_multi.syms = functions,
		    .kprobe_multi.cnt = 1);

	return bpf_link_create(prog, 0, BPF_TRACE_KPROBE_MULTI, &opts);
}

bool attach(struct attachment *at, const struct hook_kind *kind, int prog, const char *target)
{
	at->fd = -1;
	switch (kind->hook) {
	case HOOK_TP_BTF:
	case HOOK_FENTRY:
		at->fd = bpf_raw_tracepoint_open(NULL, prog);
		break;
	case HOOK_RAW_TP:
		at->fd = bpf_raw_tracepoint_open(target, prog);
		break;
	case HOOK_TRACEPOINT:
		at->fd = attach_tracepoint(prog, target);
		break;
	case HOOK_KPROBE:
		at->fd = attach_kprobe(prog, target);
		break;
	case HOOK_KPROBE_MULTI:
		at->fd = attach_kprobe_multi(prog, target);
		break;
	case HOOK_ITER:
		at->fd = bpf_link_create(prog, 0, BPF_TRACE_ITER, NULL);
		break;
	}
	return at->fd >= 0;
}

void detach(struct attachment *at)
{
	if (at->fd >= 0)
		close(at->fd);
}

void iterate(const struct attachment *at)
{
	int fd = bpf_iter_create(at->fd);
	char buf[512];

	while (fd >= 0 && read(fd, buf, sizeof(buf)) > 0)
		;
	if (fd >= 0)
		close(fd);
}
