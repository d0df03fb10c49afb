/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the targets did besides the calls that are followed by file. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "tools/layers/ledger.h"

/* Major faults of the process so far: field 12 of /proc/PID/stat; 0 if it is gone. */
static uint64_t faults_of(uint32_t pid)
{
	char path[64], line[1024] = "";
	uint64_t faults = 0;
	const char *rest;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	f = fopen(path, "re");
	if (f && fgets(line, sizeof(line), f)) {
		rest = strrchr(line, ')'); /* the name before may hold anything */
		if (rest)
			sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %" SCNu64, &faults);
	}
	if (f)
		fclose(f);
	return faults;
}

uint64_t ledger_major_faults(const struct run *run)
{
	const struct common_opts *opts = run_opts(run);
	uint64_t faults = 0;
	struct rusage usage;

	for (uint32_t i = 0; i < opts->pids.n; i++)
		faults += faults_of(opts->pids.id[i]);
	if (run_has_command(run) && !getrusage(RUSAGE_CHILDREN, &usage))
		faults += (uint64_t)usage.ru_majflt;
	return faults;
}

void ledger_add_besides(struct run *run, const struct ledger *l, const struct life *life)
{
	uint64_t faults = ledger_major_faults(run);

	run_summary_add(run, "unfollowed_calls", life->other_calls, false);
	run_summary_add(run, "major_faults",
			faults > l->faults_before ? faults - l->faults_before : 0, false);
}
