/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * https://github.com/google/pprof/blob/main/proto/profile.proto, whose numbers of fields these are.
 * Each frame is a location of its own with one function, both numbered from 1 on.
 */
#include <string.h>

#include <zlib.h>

#include "out/flame_export.h"
#include "out/frame_names.h"

enum {
	PROFILE_SAMPLE_TYPE = 1,
	PROFILE_SAMPLE,
	PROFILE_LOCATION = 4,
	PROFILE_FUNCTION,
	PROFILE_STRING,
	PROFILE_TIME_NS = 9,
	PROFILE_COMMENT = 13
};
enum { TYPE_NAME = 1, TYPE_UNIT };
enum { SAMPLE_LOCATION = 1, SAMPLE_VALUE };
enum { LOCATION_ID = 1, LOCATION_LINE = 4, LINE_FUNCTION = 1 };
enum { FUNCTION_ID = 1, FUNCTION_NAME, FUNCTION_SYSTEM_NAME };

/* The strings before the frames' names. */
enum { STRING_NONE, STRING_VALUE, STRING_UNIT, STRING_TITLE, N_STRINGS };

static void add_number(struct text_buf *to, uint64_t n)
{
	char byte[10];
	size_t len = 0;

	do {
		byte[len] = (char)((n & 0x7f) | (n > 0x7f ? 0x80 : 0));
		len++;
		n >>= 7;
	} while (n);
	text_add(to, byte, len);
}

static void add_field(struct text_buf *to, unsigned int field, uint64_t n)
{
	add_number(to, field << 3);
	add_number(to, n);
}

static void add_bytes(struct text_buf *to, unsigned int field, const char *bytes, size_t len)
{
	add_number(to, field << 3 | 2);
	add_number(to, len);
	text_add(to, bytes, len);
}

/* Ends the message in @part, field @field of @to, and empties it. */
static void add_part(struct text_buf *to, unsigned int field, struct text_buf *part)
{
	to->failed |= part->failed;
	add_bytes(to, field, text_cstr(part), part->len);
	part->len = 0;
}

static void add_names(struct text_buf *to, const struct flame_export *e,
		      const struct frame_names *names)
{
	const char *const first[N_STRINGS] = {
		[STRING_NONE] = "",
		[STRING_VALUE] = e->value,
		[STRING_UNIT] = e->is_time ? "nanoseconds" : "count",
		[STRING_TITLE] = e->title,
	};

	for (size_t i = 0; i < N_STRINGS; i++)
		add_bytes(to, PROFILE_STRING, first[i], strlen(first[i]));
	for (size_t i = 0; i < frame_names_count(names); i++) {
		const struct frame_name *name = frame_name_at(names, i);

		add_bytes(to, PROFILE_STRING, name->text, name->len);
	}
}

static void add_frames(struct text_buf *to, struct text_buf *part, struct text_buf *line, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		add_field(part, FUNCTION_ID, i + 1);
		add_field(part, FUNCTION_NAME, N_STRINGS + i);
		add_field(part, FUNCTION_SYSTEM_NAME, N_STRINGS + i);
		add_part(to, PROFILE_FUNCTION, part);
		add_field(part, LOCATION_ID, i + 1);
		add_field(line, LINE_FUNCTION, i + 1);
		add_part(part, LOCATION_LINE, line);
		add_part(to, PROFILE_LOCATION, part);
	}
}

/* Innermost frame first. */
static void add_sample(struct text_buf *to, struct text_buf *part, struct frame_names *names,
		       const struct folded_line *line)
{
	size_t numbers[1024], n = 0, at = 0;
	struct frame frame;

	while (n < sizeof(numbers) / sizeof(numbers[0]) && frame_next(names, line, &at, &frame))
		numbers[n++] = frame.number;
	while (n)
		add_field(part, SAMPLE_LOCATION, numbers[--n] + 1);
	add_field(part, SAMPLE_VALUE, line->value);
	add_part(to, PROFILE_SAMPLE, part);
}

/* Appends @plain to @to as gzip has it. */
static bool compress_into(struct text_buf *to, const struct text_buf *plain)
{
	z_stream z = { 0 };
	bool ok = false;
	char *room;
	uLong most;

	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY))
		return false;
	most = deflateBound(&z, plain->len);
	room = text_room(to, most);
	if (room) {
		z.next_in = (Bytef *)plain->data;
		z.avail_in = (uInt)plain->len;
		z.next_out = (Bytef *)room;
		z.avail_out = (uInt)most;
		ok = deflate(&z, Z_FINISH) == Z_STREAM_END;
		to->len += z.total_out;
	}
	deflateEnd(&z);
	return ok;
}

bool pprof_write(const struct flame_export *e, const struct folded *f, struct text_buf *to)
{
	struct text_buf plain = { 0 }, part = { 0 }, line = { 0 };
	struct frame_names names;
	bool ok = frame_names_read(&names, f);

	if (ok) {
		add_field(&part, TYPE_NAME, STRING_VALUE);
		add_field(&part, TYPE_UNIT, STRING_UNIT);
		add_part(&plain, PROFILE_SAMPLE_TYPE, &part);
		for (size_t i = 0; i < f->n; i++)
			add_sample(&plain, &part, &names, &f->line[i]);
		add_frames(&plain, &part, &line, frame_names_count(&names));
		add_names(&plain, e, &names);
		add_field(&plain, PROFILE_TIME_NS, e->end_ns);
		add_field(&plain, PROFILE_COMMENT, STRING_TITLE);
		ok = !plain.failed && compress_into(to, &plain);
	}
	frame_names_free(&names);
	text_free(&plain);
	text_free(&part);
	text_free(&line);
	return ok && !to->failed;
}
