/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "bpf/fileio_row.bpf.h"

#include "tools/syscall/rwsnoop.h"

const volatile struct rwsnoop_cfg cfg;

static __always_inline void file_io_end(void *ctx, const struct file_io *io)
{
	if ((cfg.reads && io->write) || (cfg.writes && !io->write)) {
		COUNT(filtered);
		return;
	}
	row_emit(ctx, io, cfg.path);
}
