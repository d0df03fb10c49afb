/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/mem/slabratetop.h"

#include "core/tool.h"

BPF_IMAGE(slabratetop);

struct slab_row {
	struct slab_key key;
	struct slab_value value;
	__u64 ts_ns;
	__u64 span_ns;
};

#define R(member)   FIELD(struct slab_row, member)
#define CFG(member) FIELD(struct slab_cfg, member)

static const struct column columns[] = {
	{ "time", R(ts_ns), U_CLOCK, .flags = COL_HIDDEN, .help = "end of the interval" },
	{ "cache", R(key.cache), U_TEXT, .width = 32, .flags = COL_KEY, .classic = "name",
	  .help = "of objects in the kernel, as in /proc/slabinfo" },
	{ "count", R(value.count), U_COUNT, .width = 10, .classic = "allocs",
	  .help = "objects that were allocated" },
	{ "bytes", R(value.bytes), U_BYTES, .width = 10, .classic = "size",
	  .help = "their sizes, with what the cache adds to each" },
	{}
};

static const struct option_spec options[] = {
	{ "noclear", 'C', CFG(no_clear), .kind = OPT_FLAG,
	  .help = "on a terminal, leave the tables before" },
	{ "maxrows", 0, .kind = OPT_RENAMED, .help = "the number of rows is -r N" },
	{ "programs", 'v', .kind = OPT_RENAMED, .help = "--verbose says which hooks are in use" },
	{ "rows", 0, .kind = OPT_RENAMED, .help = "the number of rows is -r N" },
	{}
};

#define BLIND                                                                                      \
	"kmalloc(), objects that are allocated many at once (kmem_cache_alloc_bulk()), "           \
	"whether an allocation failed: it counts"

/* clang-format off */
static const struct probe probes[] = {
	{ "allocations of a cache",
	  { { { "slab_alloc(*,*,kmem_cache,*,*)" }, .blind = BLIND },
	    { { "slab_alloc_any_n", "slab_alloc_node_n", "slab_alloc_lru_n",
		"slab_alloc_sheaf_n" }, .blind = BLIND },
	    { { "slab_alloc_any_n", "slab_alloc_node_n", "slab_alloc_lru_n" }, .blind = BLIND },
	    { { "slab_alloc_any_k", "slab_alloc_node_k", "slab_alloc_lru_k" }, .blind = BLIND },
	    { { "slab_alloc_any", "slab_alloc_node" }, .blind = BLIND },
	    { { "slab_alloc_any_k", "slab_alloc_node_k" }, .blind = BLIND } } },
	{}
};
/* clang-format on */

const struct tool tool_slabratetop = {
	.name = "slabratetop",
	.layer = "mem",
	.summary = "objects that the kernel allocates, by cache",
	.text = "A row per cache of objects (slab) and interval: how many were allocated, and\n"
		"their bytes; slabtop shows how many there are. The kernel merges caches that\n"
		"are alike: such a row has the name of the first of them. What interrupts\n"
		"allocate counts for the process that they interrupt.",
	.examples =
		"  iosonde slabratetop                  every second\n"
		"  iosonde slabratetop -C -r 8          the first eight, one table after another\n"
		"  iosonde slabratetop 5 10             ten tables, five seconds each\n"
		"  iosonde slabratetop -- ls -lR /      of one program\n",
	.kind = TOOL_TABLE,
	.row = { "cache", columns },
	.options = options,
	.cfg_size = sizeof(struct slab_cfg),
	.probes = probes,
	.image = &bpf_slabratetop,
	.drain = { .map = "slabs",
		   .key_size = sizeof(struct slab_key),
		   .value_size = sizeof(struct slab_value),
		   .no_clear = CFG(no_clear) },
};
