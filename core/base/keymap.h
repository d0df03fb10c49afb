/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Fixed-size keys to fixed-size values, growing; entries keep their place and are never removed. */
#ifndef IOSONDE_KEYMAP_H
#define IOSONDE_KEYMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct keymap {
	size_t key_size, value_size;
	uint32_t *index; /* open addressing: 1 + the entry's number */
	size_t n_index;
	char *entries; /* key and value, in the order in which they came */
	size_t n, cap;
};

#define KEYMAP(key_type, value_type)                                                               \
	{                                                                                          \
		.key_size = sizeof(key_type), .value_size = sizeof(value_type)                     \
	}

/* The value of @key; created zeroed if missing and @create. NULL: missing, or out of memory. */
void *keymap_get(struct keymap *m, const void *key, bool create);
const void *keymap_key(const struct keymap *m, size_t i);
void *keymap_value(const struct keymap *m, size_t i);
void keymap_free(struct keymap *m);

#endif
