/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Paths of files by their identity. The kernel tells each once while it remembers to have told it;
 * those that it has forgotten, and that no table is about, are forgotten here.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "tools/layers/ledger.h"

#define PATHS_MAX   98304 /* what the table has, and twice what the kernel remembers */
#define SWEEP_BATCH 4096

static void keep_path(struct ledger *l, struct keymap *kept, const struct layers_file *file)
{
	char **from = keymap_get(&l->paths, file, false), **to;

	if (!from || !*from)
		return;
	to = keymap_get(kept, file, true);
	if (!to)
		return;
	*to = *from;
	*from = NULL;
}

/* Keeps the paths of all files that keys of the map begin with. */
static void keep_paths(struct run *run, struct ledger *l, struct keymap *kept, const char *map)
{
	const struct bpf_map *m = bpf_object__find_map_by_name(run_loaded(run)->obj, map);
	size_t key_size = bpf_map__key_size(m);
	char *keys = malloc(SWEEP_BATCH * key_size);
	void *values = malloc(SWEEP_BATCH * (size_t)bpf_map__value_size(m));
	struct layers_file file;
	uint32_t at = 0;
	bool first = true;
	int err = keys && values ? 0 : -1;

	while (!err) {
		uint32_t n = SWEEP_BATCH;

		err = bpf_map_lookup_batch(bpf_map__fd(m), first ? NULL : &at, &at, keys, values,
					   &n, NULL);
		if (err && err != -ENOENT)
			break;
		first = false;
		for (uint32_t i = 0; i < n; i++) {
			memcpy(&file, keys + i * key_size, sizeof(file));
			keep_path(l, kept, &file);
		}
	}
	free(keys);
	free(values);
}

static void sweep(struct run *run, struct ledger *l)
{
	struct keymap kept = KEYMAP(struct layers_file, char *);

	keep_paths(run, l, &kept, "layers_table");
	keep_paths(run, l, &kept, "layers_fault_table");
	keep_paths(run, l, &kept, "async_table");
	keep_paths(run, l, &kept, "layers_files");
	ledger_paths_free(l);
	l->paths = kept;
}

const char *ledger_path(struct ledger *l, const struct layers_file *file)
{
	static const struct layers_file other = LAYERS_OTHER_FILE;
	char **path, text[64];

	if (!file->ino && !file->dev)
		return NULL;
	if (!memcmp(file, &other, sizeof(other)))
		return "(others)";
	path = keymap_get(&l->paths, file, true);
	if (path && !*path) {
		snprintf(text, sizeof(text), "inode %" PRIu64 " on %u:%u", (uint64_t)file->ino,
			 file->dev >> 20, file->dev & 0xfffff);
		*path = strdup(text);
	}
	return path ? *path : NULL;
}

void ledger_learn_path(struct run *run, struct ledger *l, const struct layers_file_event *e,
		       size_t len)
{
	static const struct column path_column = { "path", FIELD(struct layers_file_event, path),
						   U_PATH };
	char scratch[VALUE_SCRATCH];
	struct value v;
	char **path;

	if (l->paths.n >= PATHS_MAX)
		sweep(run, l);
	path = keymap_get(&l->paths, &e->file, true);
	column_value(NULL, &path_column, e, len, scratch, &v);
	if (!path || v.kind != V_BYTES)
		return;
	free(*path);
	*path = strndup(v.bytes.p, v.bytes.len);
}

void ledger_paths_free(struct ledger *l)
{
	for (size_t i = 0; i < l->paths.n; i++)
		free(*(char **)keymap_value(&l->paths, i));
	keymap_free(&l->paths);
}
