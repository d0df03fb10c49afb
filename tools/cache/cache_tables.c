/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/cache/cache_tables.h"

#define BLIND                                                                                      \
	"accesses to pages that are mapped already, mappings of huge pages, filesystems with a "   \
	"cache of their own (zfs), tmpfs, direct I/O"
#define BLIND_AROUND                                                                               \
	BLIND ", which pages around a fault were mapped before, if others were mapped since"

const struct probe cache_probes[] = {
	{ "pages that are used",
	  { { { "cache_read_pages(address_space,*,*)", "cache_fault(address_space,*)",
		"cache_map_pages(address_space,*,*)", "cache_thread_done" },
	      .blind = BLIND_AROUND },
	    { { "cache_read_done(kiocb,iov_iter,*)", "cache_fault_done(vm_fault)",
		"cache_map_done(vm_fault,*,*)", "cache_thread_done" },
	      .blind = BLIND_AROUND },
	    { { "cache_read_old(kiocb,iov_iter,*)", "cache_fault_done(vm_fault)",
		"cache_map_done(vm_fault,*,*)", "cache_thread_done" },
	      .blind = BLIND_AROUND } } },
	{ "ends of reads",
	  { { { "cache_call_done" } }, { { "cache_call_done_tp" } } },
	  .aside = true },
	{ "pages that come and go", { { { "cache_added", "cache_deleted" } } } },
	{ "pages that become dirty", { { { "cache_dirtied" } }, { { "cache_dirtied_page" } } } },
	{}
};

const char *const cache_no_calls[] = { NULL };
const char *const cache_counters[] = { "+brought_full", NULL };
