/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* https://github.com/jlfwong/speedscope/wiki/Importing-from-custom-sources: a "sampled" profile. */
#include <inttypes.h>
#include <string.h>

#include "core/base/escape.h"
#include "out/flame_export.h"
#include "out/frame_names.h"

/* Any bytes as a string of JSON. */
static void add_string(struct text_buf *to, const char *text, size_t len)
{
	bool valid;
	char *at;

	text_puts(to, "\"");
	at = text_room(to, ESCAPE_MAX * len + 1);
	if (at)
		to->len += escape_json(at, text, len, &valid);
	text_puts(to, "\"");
}

static void add_frames(struct text_buf *to, const struct frame_names *names)
{
	text_puts(to, "\"shared\":{\"frames\":[");
	for (size_t i = 0; i < frame_names_count(names); i++) {
		const struct frame_name *name = frame_name_at(names, i);

		text_puts(to, i ? ",{\"name\":" : "{\"name\":");
		add_string(to, name->text, name->len);
		text_puts(to, "}");
	}
	text_puts(to, "]},");
}

static void add_samples(struct text_buf *to, struct frame_names *names, const struct folded *f)
{
	text_puts(to, "\"samples\":[");
	for (size_t i = 0; i < f->n; i++) {
		const char *before = i ? ",[" : "[";
		struct frame frame;
		size_t at = 0;

		while (frame_next(names, &f->line[i], &at, &frame)) {
			text_printf(to, "%s%zu", before, frame.number);
			before = ",";
		}
		text_puts(to, "]");
	}
	text_puts(to, "],\"weights\":[");
	for (size_t i = 0; i < f->n; i++)
		text_printf(to, "%s%" PRIu64, i ? "," : "", f->line[i].value);
	text_puts(to, "]");
}

bool speedscope_write(const struct flame_export *e, const struct folded *f, struct text_buf *to)
{
	struct frame_names names;

	if (!frame_names_read(&names, f)) {
		frame_names_free(&names);
		return false;
	}
	text_puts(to, "{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",");
	text_puts(to, "\"exporter\":\"iosonde " IOSONDE_VERSION "\",\"name\":");
	add_string(to, e->title, strlen(e->title));
	text_puts(to, ",");
	add_frames(to, &names);
	text_puts(to, "\"profiles\":[{\"type\":\"sampled\",\"name\":");
	add_string(to, e->value, strlen(e->value));
	text_printf(to, ",\"unit\":\"%s\",\"startValue\":0,\"endValue\":%" PRIu64 ",",
		    e->is_time ? "nanoseconds" : "none", folded_total(f));
	add_samples(to, &names, f);
	text_puts(to, "}]}\n");
	frame_names_free(&names);
	return !to->failed;
}
