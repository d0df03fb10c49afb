/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/kernel/load_sample.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/kernel/hooks.h"
#include "core/kernel/perf_hook.h"

#define MAX_RATE "/proc/sys/kernel/perf_event_max_sample_rate"

bool is_sampled(const struct bpf_program *prog)
{
	return hook_kind_of(bpf_program__section_name(prog)) == HK_PERF_EVENT;
}

/* The software event that @prog is about; NULL: a clock. */
static const char *event_of(const struct bpf_program *prog)
{
	const char *slash = strchr(bpf_program__section_name(prog), '/');

	return slash ? slash + 1 : NULL;
}

void sampled_set_type(struct bpf_program *prog)
{
	if (is_sampled(prog))
		bpf_program__set_type(prog, BPF_PROG_TYPE_PERF_EVENT);
}

/* An event and a link per CPU for each of two programs, besides what all commands need. */
static void allow_descriptors_for(uint32_t cpus)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= 128 + 4 * (rlim_t)cpus)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static uint64_t cfg_of(const struct loaded *l, const struct field *f)
{
	uint64_t value = 0;

	if (f->kind != F_NONE)
		memcpy(&value, (const char *)l->opts.cfg + f->off, f->size);
	return value;
}

/* The kernel's own limit, which it lowers by itself where samples take long. */
static void explain(const struct clock_spec *clock)
{
	int most = number_in_file(MAX_RATE);

	if (!clock->period_ns && most > 0 && clock->hz > (uint32_t)most)
		log_error("the kernel takes no more than %d samples a second (" MAX_RATE ")", most);
}

static int attach_on(struct loaded *l, struct bpf_program *prog, const struct clock_spec *clock,
		     uint32_t cpu)
{
	const char *event = event_of(prog);
	int fd = event ? perf_software(event, (int)cpu) : perf_clock(clock, (int)cpu);
	int error = errno;
	struct bpf_link *link;

	if (fd < 0 && error == EINVAL && !event)
		explain(clock);
	if (fd < 0)
		return error == ENODEV ? 0 : -error; /* offline */
	link = bpf_program__attach_perf_event(prog, fd);
	if (!link) {
		error = errno;
		close(fd);
		return -error;
	}
	l->links[l->n_links++] = link;
	return 0;
}

int attach_sampled(struct loaded *l, struct bpf_program *prog)
{
	const struct sample_spec *spec = &l->tool->sample;
	const struct clock_spec clock = { cfg_of(l, &spec->period_ns),
					  (uint32_t)cfg_of(l, &spec->hz), cfg_of(l, &spec->idle) };
	uint64_t only = cfg_of(l, &spec->cpu);
	size_t before = l->n_links;
	int err = 0;

	allow_descriptors_for(l->cpu_ids);
	for (uint32_t cpu = 0; cpu < l->cpu_ids && !err; cpu++)
		if (!only || cpu == only - 1)
			err = l->n_links == MAX_LINKS ? -E2BIG : attach_on(l, prog, &clock, cpu);
	if (!err && l->n_links == before) {
		log_error("there is no CPU %llu, or it isn't online",
			  (unsigned long long)(only ? only - 1 : 0));
		err = -ENODEV;
	}
	return err;
}
