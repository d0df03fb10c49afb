/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/base/keymap.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"

static size_t value_off(const struct keymap *m)
{
	return (m->key_size + 7) & ~(size_t)7;
}

static size_t entry_size(const struct keymap *m)
{
	return value_off(m) + ((m->value_size + 7) & ~(size_t)7);
}

const void *keymap_key(const struct keymap *m, size_t i)
{
	return m->entries + i * entry_size(m);
}

void *keymap_value(const struct keymap *m, size_t i)
{
	return m->entries + i * entry_size(m) + value_off(m);
}

/* Keys are short, and nobody outside chooses them. */
static uint64_t hash(const void *key, size_t len)
{
	uint64_t h = hash_bytes(HASH_START, key, len);

	return h ^ h >> 29;
}

static size_t place(const struct keymap *m, const void *key)
{
	size_t i = hash(key, m->key_size) & (m->n_index - 1);

	while (m->index[i] && memcmp(keymap_key(m, m->index[i] - 1), key, m->key_size))
		i = (i + 1) & (m->n_index - 1);
	return i;
}

static bool grow(struct keymap *m)
{
	size_t cap = m->cap ? 2 * m->cap : 64, n_index = 2 * cap;
	uint32_t *index = calloc(n_index, sizeof(*index));
	char *entries = index ? realloc(m->entries, cap * entry_size(m)) : NULL;

	if (!entries) {
		free(index);
		return false;
	}
	free(m->index);
	m->entries = entries;
	m->index = index;
	m->n_index = n_index;
	m->cap = cap;
	for (size_t i = 0; i < m->n; i++)
		m->index[place(m, keymap_key(m, i))] = (uint32_t)i + 1;
	return true;
}

void *keymap_get(struct keymap *m, const void *key, bool create)
{
	size_t at;

	if (m->n == m->cap && (!create || !grow(m)) && !m->n)
		return NULL;
	at = place(m, key);
	if (m->index[at])
		return keymap_value(m, m->index[at] - 1);
	if (!create || m->n == m->cap)
		return NULL;
	memset(m->entries + m->n * entry_size(m), 0, entry_size(m));
	memcpy(m->entries + m->n * entry_size(m), key, m->key_size);
	m->index[at] = (uint32_t)++m->n;
	return keymap_value(m, m->n - 1);
}

void keymap_free(struct keymap *m)
{
	free(m->index);
	free(m->entries);
	m->index = NULL;
	m->entries = NULL;
	m->n = m->cap = m->n_index = 0;
}
