/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "bpf/core/filter.bpf.h"
#include "bpf/core/others.bpf.h"

#include "tools/mem/slabratetop.h"

const volatile struct slab_cfg cfg;

/* Preallocated: a program here must not allocate. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct slab_key);
	__type(value, struct slab_value);
} slabs SEC(".maps");

OTHERS_MAP(struct slab_value);

static __always_inline struct slab_value *value_of(const struct slab_key *key)
{
	struct slab_value zero = {}, *value = bpf_map_lookup_elem(&slabs, key);

	if (value)
		return value;
	bpf_map_update_elem(&slabs, key, &zero, BPF_NOEXIST);
	value = bpf_map_lookup_elem(&slabs, key);
	return value ? value : others_of(key->epoch);
}

static __always_inline int allocated(struct kmem_cache *cache)
{
	struct slab_key key = {};
	struct slab_value *value;

	if (!target_match(current_ids()))
		return 0;
	COUNT(generated);
	key.epoch = epoch;
	bpf_probe_read_kernel_str(key.cache, sizeof(key.cache), BPF_CORE_READ(cache, name));
	value = value_of(&key);
	if (!value)
		return 0;
	__sync_fetch_and_add(&value->count, 1);
	__sync_fetch_and_add(&value->bytes, BPF_CORE_READ(cache, size));
	return 0;
}

/* What was handed out older verifiers don't let programs read. */
SEC("tp_btf/kmem_cache_alloc")
int BPF_PROG(slab_alloc, unsigned long site, const void *ptr, struct kmem_cache *cache)
{
	return allocated(cache);
}

/* Before 6.1 the event doesn't tell the cache. All these functions are passed it first. */
#define SLAB_FENTRY(name, function)                                                                \
	SEC("fentry/" #function)                                                                   \
	int BPF_PROG(name, struct kmem_cache *cache)                                               \
	{                                                                                          \
		return allocated(cache);                                                           \
	}

#define SLAB_KPROBE(name, function)                                                                \
	SEC("kprobe/" #function)                                                                   \
	int BPF_KPROBE(name, struct kmem_cache *cache)                                             \
	{                                                                                          \
		return allocated(cache);                                                           \
	}

SLAB_FENTRY(slab_alloc_any, kmem_cache_alloc)
SLAB_FENTRY(slab_alloc_node, kmem_cache_alloc_node)
SLAB_KPROBE(slab_alloc_any_k, kmem_cache_alloc)
SLAB_KPROBE(slab_alloc_node_k, kmem_cache_alloc_node)
/* 5.18 */
SLAB_KPROBE(slab_alloc_lru_k, kmem_cache_alloc_lru)
/* 6.10 */
SLAB_KPROBE(slab_alloc_any_n, kmem_cache_alloc_noprof)
SLAB_KPROBE(slab_alloc_node_n, kmem_cache_alloc_node_noprof)
SLAB_KPROBE(slab_alloc_lru_n, kmem_cache_alloc_lru_noprof)
/* 6.18 */
SLAB_KPROBE(slab_alloc_sheaf_n, kmem_cache_alloc_from_sheaf_noprof)
