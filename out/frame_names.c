/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "out/frame_names.h"

#include <string.h>

#include "core/base/hash.h"

/* What a name is found by; the second half makes two names with one hash all but impossible. */
struct name_key {
	uint64_t hash;
	uint64_t len;
};

static struct name_key key_of(const char *text, size_t len)
{
	return (struct name_key){ hash_bytes(HASH_START, text, len), len };
}

struct numbered {
	struct frame_name name;
	size_t number;
};

bool frame_next(struct frame_names *names, const struct folded_line *line, size_t *at,
		struct frame *frame)
{
	const char *text = line->text + *at, *end;
	struct numbered *known;
	struct name_key key;

	if (*at >= line->len)
		return false;
	end = memchr(text, ';', line->len - *at);
	frame->text = text;
	frame->len = end ? (size_t)(end - text) : line->len - *at;
	*at += frame->len + 1;
	key = key_of(frame->text, frame->len);
	known = keymap_get(&names->numbers, &key, false);
	frame->number = known ? known->number : 0;
	return true;
}

bool frame_names_read(struct frame_names *names, const struct folded *f)
{
	names->numbers = (struct keymap)KEYMAP(struct name_key, struct numbered);
	for (size_t i = 0; i < f->n; i++) {
		struct frame frame;
		size_t at = 0;

		while (frame_next(names, &f->line[i], &at, &frame)) {
			struct name_key key = key_of(frame.text, frame.len);
			size_t n = names->numbers.n;
			struct numbered *to = keymap_get(&names->numbers, &key, true);

			if (!to)
				return false;
			if (names->numbers.n > n)
				*to = (struct numbered){ { frame.text, frame.len }, n };
		}
	}
	return true;
}

size_t frame_names_count(const struct frame_names *names)
{
	return names->numbers.n;
}

const struct frame_name *frame_name_at(const struct frame_names *names, size_t number)
{
	const struct numbered *n = keymap_value(&names->numbers, number);

	return &n->name;
}

void frame_names_free(struct frame_names *names)
{
	keymap_free(&names->numbers);
}
