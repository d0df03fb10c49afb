/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What is loaded, what it costs, which hooks were chosen. */
#include "core/kernel/load.h"

#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

#include "core/base/log.h"
#include "core/kernel/ladder.h"

static bool program_info(const struct bpf_program *prog, struct bpf_prog_info *info)
{
	__u32 size = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return bpf_program__autoload(prog) &&
	       !bpf_obj_get_info_by_fd(bpf_program__fd(prog), info, &size);
}

void loaded_print_programs(const struct loaded *l)
{
	struct bpf_program *prog;
	struct bpf_prog_info info;

	printf("%-24s %-34s %8s %9s %8s\n", "PROGRAM", "HOOK", "INSNS", "VERIFIED", "JITED");
	if (!l->obj)
		return;
	bpf_object__for_each_program(prog, l->obj)
	{
		if (!program_info(prog, &info))
			continue;
		printf("%-24s %-34s %8zu %9u %8u\n", bpf_program__name(prog),
		       bpf_program__section_name(prog), (size_t)info.xlated_prog_len / 8,
		       info.verified_insns, info.jited_prog_len);
	}
}

void loaded_print_cost(const struct loaded *l)
{
	struct bpf_program *prog;
	struct bpf_prog_info info;

	if (!l->obj)
		return;
	bpf_object__for_each_program(prog, l->obj)
	{
		if (!program_info(prog, &info) || !info.run_cnt)
			continue;
		fprintf(stderr, "  %-34s %12llu hits %8.1f ns each\n",
			bpf_program__section_name(prog), (unsigned long long)info.run_cnt,
			(double)info.run_time_ns / (double)info.run_cnt);
	}
}

#define PREEMPTED                                                                                  \
	"what happens on a CPU while a thread is preempted inside the program (lost_missed)"

static bool preempted(const struct loaded *l, size_t probe)
{
	const struct choice *choice = &l->choices[probe];
	const struct probe *p = &l->tool->probes[probe];

	return choice->rung >= 0 && ladder_misses_less(l, p) &&
	       !ladder_runs_to_end(l->obj, &p->rungs[choice->rung]);
}

const char *loaded_probe_blind(const struct loaded *l, size_t probe)
{
	const struct choice *choice = &l->choices[probe];
	const char *own;

	if (choice->rung < 0)
		return NULL;
	own = l->tool->probes[probe].rungs[choice->rung].blind;
	return !own && preempted(l, probe) ? PREEMPTED : own;
}

void loaded_explain(const struct loaded *l)
{
	for (size_t i = 0; l->tool->probes[i].what; i++) {
		const struct probe *probe = &l->tool->probes[i];
		const struct choice *choice = &l->choices[i];
		const struct rung *rung;

		if (choice->rung < 0) {
			if (*choice->why && probe->without)
				log_verbose("%s: none; tried %s; without it: %s", probe->what,
					    choice->why, probe->without);
			continue;
		}
		rung = &probe->rungs[choice->rung];
		for (size_t p = 0; p < RUNG_PROGS && rung->progs[p]; p++)
			log_verbose("%s: %s%s%s", probe->what, loaded_hook(l, rung->progs[p]),
				    *choice->why ? "; better ones failed: " : "", choice->why);
		if (loaded_probe_blind(l, i))
			log_verbose("%s: blind to %s", probe->what, loaded_probe_blind(l, i));
		if (preempted(l, i))
			log_verbose("%s: may miss %s", probe->what, PREEMPTED);
	}
	if (!l->obj)
		return;
	log_verbose("kernel memory: %s", l->rdonly_cast ? "plain loads" : "probe reads");
	log_verbose("per-thread state: %s", l->task_storage ? "task storage" : "a hash of threads");
}

/* Appends @text to the list, unless it is there already. */
static void add_blind(char *out, size_t size, const char *text)
{
	size_t len = strlen(out);

	if (text && !strstr(out, text))
		snprintf(out + len, size - len, "%s%s", len ? "; " : "", text);
}

void loaded_blind(const struct loaded *l, char *out, size_t size)
{
	*out = '\0';
	for (size_t i = 0; l->tool->probes[i].what; i++) {
		const struct choice *choice = &l->choices[i];

		if (choice->rung >= 0)
			add_blind(out, size, loaded_probe_blind(l, i));
		else if (*choice->why) /* it was asked for */
			add_blind(out, size, l->tool->probes[i].without);
	}
	for (size_t i = 0; l->tool->probes[i].what; i++)
		if (preempted(l, i))
			add_blind(out, size, PREEMPTED);
}

struct counters loaded_counters(const struct loaded *l)
{
	struct counters sum = { 0 };

	for (uint32_t cpu = 0; cpu < l->cpu_ids; cpu++) {
		const __u64 *from = (const __u64 *)&l->counters[cpu];
		__u64 *to = (__u64 *)&sum;

		for (size_t i = 0; i < sizeof(sum) / sizeof(*to); i++)
			to[i] += __atomic_load_n(&from[i], __ATOMIC_RELAXED);
	}
	for (uint32_t i = 0; l->memo.at && i < MEMO_INDEX(l->cpu_ids, 0); i++) {
		const struct memo_head *head = loaded_memo(l, i);

		sum.generated += head->events;
	}
	return sum;
}
