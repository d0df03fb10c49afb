/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/fs/fsslower.h"

#include "tools/fs/fs.bpf.h"
#include "bpf/fileio/fileio_row.bpf.h"

const volatile struct fsslower_cfg cfg;

static __always_inline void file_io_end(void *ctx, const struct file_io *io)
{
	union fs_name name;

	if (io->lat_ns < cfg.min_ns || !fs_wanted(&cfg.fs, io, &name))
		COUNT(filtered);
	else
		row_emit(ctx, io, cfg.path);
}
