// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* --btf FILE: whatever is accepted can be followed from type to type. */
#include "tests/fuzz/fuzz.h"

#include <linux/btf.h>

#include "core/kernel/btf_check.h"

/* The types one by one, as libbpf finds them: written apart from the code under test. */
static size_t find_types(const uint8_t *btf, const struct btf_type **type, size_t max)
{
	const struct btf_header *h = (const void *)btf;
	const uint8_t *at = btf + h->hdr_len + h->type_off, *end = at + h->type_len;
	static const uint8_t fixed[] = {
		0, 4, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 4, 0, 0
	};
	static const uint8_t each[] = { 0, 0, 0, 0, 12, 12, 8, 0, 0, 0,
					0, 0, 0, 8, 0,	12, 0, 0, 0, 12 };
	size_t n = 0;

	while (at < end && n < max) {
		const struct btf_type *t = (const void *)at;
		uint32_t kind = BTF_INFO_KIND(t->info);

		REQUIRE(kind && kind < sizeof(fixed));
		type[++n] = t;
		at += sizeof(*t) + fixed[kind] + each[kind] * (size_t)BTF_INFO_VLEN(t->info);
	}
	REQUIRE(at == end || n == max);
	return n;
}

static bool is_modifier(const struct btf_type *t)
{
	uint32_t kind = BTF_INFO_KIND(t->info);

	return (kind >= BTF_KIND_TYPEDEF && kind <= BTF_KIND_RESTRICT) || kind == BTF_KIND_TYPE_TAG;
}

/* Names end, chains end. */
static void follow(const uint8_t *btf)
{
	const struct btf_header *h = (const void *)btf;
	const char *names = (const char *)btf + h->hdr_len + h->str_off;
	const struct btf_type *type[1200];
	size_t n = find_types(btf, type, 1100);

	for (size_t id = 1; id <= n; id++) {
		size_t steps = 0;

		REQUIRE(type[id]->name_off < h->str_len);
		REQUIRE(strnlen(names + type[id]->name_off, h->str_len - type[id]->name_off) <
			h->str_len - type[id]->name_off);
		for (size_t at = id; at && is_modifier(type[at]); at = type[at]->type) {
			REQUIRE(type[at]->type <= n && ++steps <= BTF_DEPTH_MAX);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* aligned, and nothing readable behind it */
	uint8_t *file = malloc(size ? size : 1), *btf;
	const char *why = NULL;
	const void *found;
	size_t btf_size;

	if (!file)
		return 0;
	if (size)
		memcpy(file, data, size);
	found = btf_find(file, size, &btf_size, &why);
	REQUIRE(found || why);
	btf = found ? malloc(btf_size ? btf_size : 1) : NULL;
	if (btf) {
		memcpy(btf, found, btf_size);
		if (!btf_check(btf, btf_size))
			follow(btf);
	}
	free(btf);
	free(file);
	return 0;
}
