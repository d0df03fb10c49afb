/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/kernel/abilities_attach.h"

#include <stdio.h>
#include <unistd.h>

#include "core/kernel/perf_hook.h"

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

static int attach_kprobe_multi(int prog, const char *function)
{
	const char *functions[] = { function };
	LIBBPF_OPTS(bpf_link_create_opts, opts, .kprobe_multi.syms = functions,
		    .kprobe_multi.cnt = 1);

	return bpf_link_create(prog, 0, BPF_TRACE_KPROBE_MULTI, &opts);
}

bool attach(struct attachment *at, const struct hook_kind *kind, int prog, const char *target)
{
	char event[64];

	snprintf(event, sizeof(event), "task/%s", target);
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
		at->fd = perf_attach(perf_tracepoint(event), prog);
		break;
	case HOOK_KPROBE:
		at->fd = perf_attach(perf_kprobe(target, 0, false), prog);
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
