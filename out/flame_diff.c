/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What a flame graph is compared with: frames of other stacks, by all the names that lead to them.
 */
#include <stdlib.h>

#include "core/base/hash.h"
#include "core/base/keymap.h"
#include "out/flame.h"

#define DEPTH_MAX 1024

struct flame_diff {
	struct keymap values;	      /* by the hash of the names down to the frame: uint64_t */
	uint64_t path[DEPTH_MAX + 1]; /* of the frames that lead to the one that is looked at */
	uint64_t total;
};

/* The hash of the names down to @node, whose callers were asked for before. */
static uint64_t path_of(struct flame_diff *diff, const struct folded_node *node)
{
	uint64_t h = node->depth ? diff->path[node->depth - 1] : HASH_START;

	h = hash_bytes(hash_bytes(h, node->name, node->len), ";", 1);
	diff->path[node->depth] = h;
	return h;
}

static bool keep(void *ctx, const struct folded_node *node)
{
	struct flame_diff *diff = ctx;
	uint64_t path, *value;

	if (node->depth >= DEPTH_MAX)
		return false;
	path = path_of(diff, node);
	value = keymap_get(&diff->values, &path, true);
	if (value)
		*value = node->value;
	return value != NULL;
}

struct flame_diff *flame_diff_read(const struct folded *before)
{
	struct flame_diff *diff = calloc(1, sizeof(*diff));

	if (!diff)
		return NULL;
	diff->values = (struct keymap)KEYMAP(uint64_t, uint64_t);
	diff->total = folded_total(before);
	if (folded_tree(before, keep, diff))
		return diff;
	flame_diff_free(diff);
	return NULL;
}

double flame_diff_share(struct flame_diff *diff, const struct folded_node *node)
{
	uint64_t path = path_of(diff, node), *value = keymap_get(&diff->values, &path, false);

	return value && diff->total ? (double)*value / (double)diff->total : 0;
}

void flame_diff_free(struct flame_diff *diff)
{
	if (diff)
		keymap_free(&diff->values);
	free(diff);
}
