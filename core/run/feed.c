/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Commands whose rows come from elsewhere than programs of ours: struct feed. */
#include "core/run/internal.h"

#include "core/base/log.h"

uint32_t run_child(const struct run *run)
{
	return run->watch.forked ? (uint32_t)run->watch.child.pid : 0;
}

uint64_t run_buffer(const struct run *run)
{
	return common_buffer(run->plan.tool, &run->plan.opts, false);
}

void run_stop(struct run *run)
{
	run->loop.stop = true;
}

bool feed_open(struct run *run)
{
	const struct feed *feed = run->plan.tool->feed;
	char hook[64], why[512];

	run->source.loaded = loaded_nothing(run->plan.tool);
	if (!run->source.loaded)
		return false;
	if (!feed->look(hook, sizeof(hook), why, sizeof(why))) {
		log_error("%s", why);
		return false;
	}
	log_verbose("%s: %s", feed->what, hook);
	log_verbose("per-thread state: " FEED_STATE);
	return run->plan.opts.ebpf || feed->open(run);
}

bool feed_attach(struct run *run)
{
	const struct feed *feed = run->plan.tool->feed;

	/* children that are found, and what these make before they are followed */
	return targets_mark(run) && targets_follow(run) && targets_adopt(run) &&
	       targets_follow(run) && feed->attach(run) && begin_output(run) && feed->begin(run);
}
