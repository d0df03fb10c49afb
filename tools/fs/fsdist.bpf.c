/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/fs/fsdist.h"

#include "tools/fs/fs.bpf.h"
#include "bpf/core/hist.bpf.h"

const volatile struct fsdist_cfg cfg;

HIST_MAP(fs_latencies, struct fsdist_key, struct hist_value);

/* Apart: whoever calls this has no room left on the stack. */
static __noinline void count(const struct file_io *io, const union fs_name *name)
{
	struct fsdist_key key = { .epoch = epoch };
	struct file_who who;

	if (!io || !name)
		return;
	key.cpu = bpf_get_smp_processor_id();
	key.op = file_io_op(io);
	if (cfg.by_fs)
		__builtin_memcpy(key.fs, name->text, sizeof(key.fs));
	if (cfg.by_process) {
		file_io_who(io, &who);
		key.pid = who.ids >> 32;
		__builtin_memcpy(key.comm, who.comm, sizeof(key.comm));
	}
	if (!hist_count(fs_latencies, &key, io->lat_ns, cfg.scale, cfg.linear_ns))
		COUNT(lost_state);
}

static __always_inline void file_io_end(void *ctx, const struct file_io *io)
{
	union fs_name name;

	if (fs_wanted(&cfg.fs, io, &name))
		count(io, &name);
	else
		COUNT(filtered);
}
