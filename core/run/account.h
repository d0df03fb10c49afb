/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Events, as user space counts them: every one that was generated is shown, filtered or lost. */
#ifndef IOSONDE_RUN_ACCOUNT_H
#define IOSONDE_RUN_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "out/sink.h"

#define MAX_EXTRA 16

struct account {
	uint64_t generated, filtered; /* as far as counters of the programs don't tell */
	uint64_t shown;		      /* what was written, to the last byte */
	uint64_t unread;	      /* left in the ring by a run that was broken off: lost */
	uint64_t others; /* of those shown: in rows that stand for what found no room in a table */
	uint64_t loss_next_ns; /* when to look again whether much is lost */
	bool loss_told;
	struct json_pair extra[MAX_EXTRA]; /* a command's own, for the summary */
	bool extra_text[MAX_EXTRA];
	size_t n_extra;
};

#endif
