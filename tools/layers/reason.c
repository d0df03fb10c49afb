/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Why does a thread wait? The functions on its kernel stack tell. The list goes from the particular
 * to the general: the first entry that is anywhere on the stack names the wait.
 */
#include <stdio.h>
#include <string.h>

#include "core/names/stack.h"
#include "tools/layers/ledger.h"

static const struct {
	const char *function;
	const char *reason;
} reasons[] = {
	/* memory first: it can happen below anything */
	{ "shrink_node", "memory reclaim" },
	{ "try_to_free_pages", "memory reclaim" },
	{ "try_to_free_mem_cgroup_pages", "memory reclaim (cgroup limit)" },
	{ "mem_cgroup_handle_over_high", "memory throttling (cgroup limit)" },
	{ "__mem_cgroup_handle_over_high", "memory throttling (cgroup limit)" },
	/* journals and logs */
	{ "jbd2_log_wait_commit", "journal commit" },
	{ "wait_transaction_locked", "journal transaction being locked" },
	{ "jbd2_journal_wait_updates", "journal updates of others" },
	{ "add_transaction_credits", "journal space" },
	{ "__jbd2_log_wait_for_space", "journal space" },
	{ "do_get_write_access", "journal buffer of a running commit" },
	{ "jbd2_journal_commit_transaction", "journal commit" },
	{ "xlog_wait_on_iclog", "log force" },
	{ "xfs_log_force_seq", "log force" },
	{ "xlog_grant_head_wait", "log space" },
	{ "btrfs_sync_log", "tree log of another fsync" },
	{ "wait_for_commit", "transaction commit" },
	{ "btrfs_commit_transaction", "transaction commit" },
	{ "btrfs_reserve_metadata_bytes", "metadata space" },
	/* limits */
	{ "balance_dirty_pages", "dirty throttling" },
	{ "wbt_wait", "writeback throttling (wbt)" },
	{ "ioc_rqos_throttle", "I/O cost limit" },
	{ "blkcg_iolatency_throttle", "I/O latency limit" },
	{ "blkcg_maybe_throttle_current", "I/O limit" },
	{ "__blk_throtl_bio", "I/O limit" },
	{ "blk_mq_get_tag", "free request tag" },
	/* the other end of a network filesystem, whatever stands for it here */
	{ "nfs_file_read", "NFS server" },
	{ "nfs_file_write", "NFS server" },
	{ "nfs_file_fsync", "NFS server" },
	{ "nfs4_file_open", "NFS server" },
	{ "nfs4_file_flush", "NFS server" },
	{ "rpc_wait_bit_killable", "NFS server" },
	{ "nfs_wait_bit_killable", "NFS server" },
	{ "p9_client_rpc", "9p server" },
	/* the page cache */
	{ "folio_wait_writeback", "writeback of the page" },
	{ "wait_on_page_writeback", "writeback of the page" },
	{ "folio_wait_stable", "writeback of the page" },
	{ "filemap_update_page", "page being read by another, or ahead" },
	{ "filemap_get_pages", "page being read by another, or ahead" },
	{ "generic_file_buffered_read", "page being read by another, or ahead" },
	{ "__folio_lock_killable", "page lock" },
	{ "__folio_lock", "page lock" },
	{ "folio_wait_bit_common", "page lock" },
	{ "ext4_write_inode", "write of its inode" },
	{ "fsync_buffers_list", "write of its metadata" },
	{ "__sync_dirty_buffer", "write of a block of metadata" },
	{ "sync_dirty_buffer", "write of a block of metadata" },
	{ "__ext4_get_inode_loc", "read of an inode" },
	{ "__ext4_find_entry", "read of a directory" },
	{ "__ext4_read_dirblock", "read of a directory" },
	{ "__wait_on_buffer", "buffer being read or written" },
	{ "bit_wait_io", "buffer being read or written" },
	/* devices */
	{ "blkdev_issue_flush", "device flush" },
	{ "submit_bio_wait", "block request" },
	{ "iomap_dio_rw", "direct I/O" },
	{ "__iomap_dio_rw", "direct I/O" },
	{ "blk_mq_freeze_queue_wait", "frozen queue" },
	/* not files */
	{ "pipe_read", "pipe: nothing to read" },
	{ "anon_pipe_read", "pipe: nothing to read" },
	{ "pipe_write", "pipe: full" },
	{ "anon_pipe_write", "pipe: full" },
	{ "wait_for_partner", "FIFO: no peer yet" },
	{ "unix_stream_read_generic", "socket: nothing to read" },
	{ "__unix_dgram_recvmsg", "socket: nothing to read" },
	{ "sk_wait_data", "socket: nothing to read" },
	{ "__skb_wait_for_more_packets", "socket: nothing to read" },
	{ "sk_stream_wait_memory", "socket: full" },
	{ "sock_alloc_send_pskb", "socket: full" },
	{ "n_tty_read", "terminal input" },
	{ "n_tty_write", "terminal output" },
	{ "eventfd_read", "eventfd" },
	{ "timerfd_read_iter", "timer" },
	{ "timerfd_read", "timer" },
	{ "signalfd_read_iter", "signal" },
	{ "signalfd_read", "signal" },
	{ "inotify_read", "inotify event" },
	{ "request_wait_answer", "FUSE daemon" },
	/* locks */
	{ "__fdget_pos", "file position lock" },
	{ "fdget_pos", "file position lock" },
	{ "pipe_lock", "pipe lock" },
	{ "rwsem_down_write_slowpath", "inode lock" },
	{ "rwsem_down_read_slowpath", "inode lock" },
	{ "__mutex_lock", "mutex" },
	{ "mutex_lock", "mutex" },
	{ "do_signal_stop", "stopped by a signal" },
	{ "ptrace_stop", "stopped by a tracer" },
	{ "io_schedule", "block I/O" },
};

/* Functions in which everything that waits ends up: they say nothing. */
static const char *const scheduling[] = {
	"schedule",
	"__schedule",
	"io_schedule_timeout",
	"schedule_timeout",
	"schedule_preempt_disabled",
	"preempt_schedule",
	"preempt_schedule_irq",
	"__cond_resched",
	"wait_for_completion",
	"wait_for_completion_io",
	"__wait_for_common",
	"bit_wait_io",
	"bit_wait",
	"__wait_on_bit",
	"out_of_line_wait_on_bit",
};

static bool is_scheduling(const char *name)
{
	for (size_t i = 0; i < sizeof(scheduling) / sizeof(scheduling[0]); i++)
		if (!strcmp(scheduling[i], name))
			return true;
	return false;
}

const char *ledger_reason(struct ledger *l, const uint64_t *frames, size_t n)
{
	static char other[STACK_NAME_MAX];
	const char *first = NULL;
	size_t best = sizeof(reasons) / sizeof(reasons[0]);

	for (size_t f = 0; f < n; f++) {
		const char *name = stack_kernel_name(l->names, frames[f], true);
		size_t len = strcspn(name, "."); /* .isra.0, .constprop.0 */

		for (size_t i = 0; i < best; i++)
			if (strlen(reasons[i].function) == len &&
			    !memcmp(name, reasons[i].function, len))
				best = i;
		if (!first && !is_scheduling(name)) {
			snprintf(other, sizeof(other), "in %s", name);
			first = other;
		}
	}
	if (best < sizeof(reasons) / sizeof(reasons[0]))
		return reasons[best].reason;
	return first ? first : "unknown (no stack)";
}
