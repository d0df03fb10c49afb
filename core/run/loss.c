/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A word about lost events where it is seen: above a report that is too small for it, or as soon as
 * rows that stream by have gaps. The summary's comes when it is too late to do something.
 */
#include "core/run/internal.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/base/log.h"

#define WORTH_A_WORD 100	  /* one in so many */
#define LOOK_NS	     300000000ULL /* this often */

/* What helps, by where most of them were lost. */
static const char *remedy(const struct counters *c, uint64_t missed)
{
	if (c->lost_ring >= c->lost_state && c->lost_ring >= missed)
		return "the ring buffer was full: try --buffer SIZE, or fewer events (-p, "
		       "--cgroup, the command's own options)";
	if (c->lost_state >= missed)
		return "there was no room for their state: try fewer events (-p, --cgroup, the "
		       "command's own options)";
	return "they came while another one was looked at: try fewer events (-p, --cgroup)";
}

/* The word, if one in a hundred is lost; @more events were counted elsewhere. */
static bool describe(struct run *run, uint64_t more, char *text, size_t size)
{
	const struct counters c = loaded_counters(run->source.loaded);
	uint64_t details, missed = loaded_missed(run->source.loaded, &details);
	uint64_t lost = c.lost_ring + c.lost_state + missed;
	uint64_t all = c.generated + run->account.generated + more + missed;

	if (!lost || lost * WORTH_A_WORD < all)
		return false;
	snprintf(text, size, "%s%.1f %% of %" PRIu64 " events so far are lost: %s.",
		 loaded_missed_uncounted(run->source.loaded) ? "at least " : "",
		 (double)lost * 100 / (double)(all > lost ? all : lost), all, remedy(&c, missed));
	return true;
}

void run_loss_above(struct run *run, uint64_t more)
{
	char text[256], line[300];

	if (run->plan.opts.format != FORMAT_TEXT) {
		loss_notice(run, more);
		return;
	}
	if (!describe(run, more, text, sizeof(text)))
		return;
	snprintf(line, sizeof(line), "Too little is shown: %s", text);
	sink_note(run->view.sink, line);
}

void loss_notice(struct run *run, uint64_t more)
{
	char text[256];
	uint64_t now = now_ns();

	if (run->account.loss_told || now < run->account.loss_next_ns)
		return;
	run->account.loss_next_ns = now + LOOK_NS;
	if (!describe(run, more, text, sizeof(text)))
		return;
	run->account.loss_told = true;
	log_warn("%s", text);
}
