/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/kernel/jbd2.h"

#include "core/kernel/btf_query.h"

void jbd2_find(struct jbd2_places *places, const struct btf *kernel)
{
	static const char *const handle = "trace_event_raw_jbd2_handle_stats";
	const struct btf_place members[] = {
		{ "journal_s", "j_fs_dev", &places->fs_dev, 8 },
		{ "journal_s", "j_blocksize", &places->block, 4 },
		{ "transaction_s", "t_tid", &places->tid, 4 },
		{ "transaction_s", "t_nr_buffers", &places->buffers, 4 },
		{ handle, "dev", &places->handle_dev, 4 },
		{ handle, "tid", &places->handle_tid, 4 },
		{ handle, "dirtied_blocks", &places->handle_dirtied, 4 },
		{ NULL, NULL, NULL, 0 },
	};
	struct btf *module = btf_of_module(kernel, "jbd2");

	places->known = btf_find_places(members, module ? module : kernel);
	btf__free(module);
}
