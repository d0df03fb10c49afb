/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "bpf/fileio/fileio_ordinary.bpf.h"
#include "bpf/fileio/fileio_row.bpf.h"

#include "tools/vfs/fileslower.h"

const volatile struct fileslower_cfg cfg;

static __always_inline void file_io_end(void *ctx, const struct file_io *io)
{
	if (io->lat_ns < cfg.min_ns || (!cfg.all && !ordinary(io))) {
		COUNT(filtered);
		return;
	}
	row_emit(ctx, io, cfg.path);
}
