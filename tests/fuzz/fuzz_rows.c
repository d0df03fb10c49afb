// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Names of columns, for --columns, --by and --sort in turn, each ended by a NUL, then records:
 * grouped, sorted and printed in every format.
 */
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <unistd.h>

#include "core/rows/by.h"
#include "core/rows/columns.h"
#include "out/sink.h"
#include "tests/unit/sample.h"

static int null_fd = -1;

struct input {
	const uint8_t *p, *end;
};

/* The text up to the next NUL. Freed by the caller. */
static char *next_text(struct input *in)
{
	size_t left = (size_t)(in->end - in->p);
	const uint8_t *nul = left ? memchr(in->p, '\0', left) : NULL;
	char *text = copy_text(in->p, nul ? (size_t)(nul - in->p) : left);

	in->p = nul ? nul + 1 : in->end;
	return text;
}

static void check_error(const char *err, size_t size)
{
	size_t len = strnlen(err, size);

	REQUIRE(len > 0 && len < size && is_harmless(err, len));
}

static struct sink *open_sink(enum format format)
{
	static struct names names;
	struct sink_opts opts = { .format = format, .fd = null_fd, .clock.names = &names };

	return sink_open(&opts);
}

static void print_rows(struct input in, const char *list, enum format format)
{
	struct selection sel;
	struct sink *sink;
	char err[300];

	if (!columns_select(&sample_table, list, format, &sel, err, sizeof(err))) {
		check_error(err, sizeof(err));
		return;
	}
	REQUIRE(sel.n > 0 && sel.n <= columns_count(&sample_table));
	sink = open_sink(format);
	while (sink && in.p < in.end) {
		size_t n = (size_t)(in.end - in.p);

		if (n > sizeof(struct sample))
			n = sizeof(struct sample);
		sink_row(sink, &sel, in.p, n);
		in.p += n;
	}
	sink_close(sink);
	selection_free(&sel);
}

static void print_groups(struct by *by, const char *sort_text)
{
	struct sink *sink = open_sink(FORMAT_JSON);
	struct selection sel;
	struct sort sort;
	char err[300];
	bool sorted = sort_parse(by_table(by), sort_text, &sort, err, sizeof(err));

	if (!sorted)
		check_error(err, sizeof(err));
	REQUIRE(columns_select(by_table(by), NULL, FORMAT_JSON, &sel, err, sizeof(err)));
	for (size_t i = 0, n = by_sorted(by, sorted ? &sort : NULL, 0); sink && i < n; i++) {
		size_t len;
		const void *rec = by_row(by, i, &len);

		sink_row(sink, &sel, rec, len);
	}
	sink_close(sink);
	selection_free(&sel);
}

static void group_rows(struct input in, const char *keys, const char *sort_text)
{
	char err[300];
	struct by *by = by_open(&sample_table, keys, err, sizeof(err));

	if (!by) {
		check_error(err, sizeof(err));
		return;
	}
	by_set_limit(by, 100);
	/* In steps that aren't the record's, to meet more than one. */
	for (; in.p < in.end; in.p += in.end - in.p < 40 ? in.end - in.p : 40)
		by_add(by, in.p, (size_t)(in.end - in.p));
	print_groups(by, sort_text);
	by_clear(by);
	print_groups(by, sort_text);
	by_free(by);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	char *list = next_text(&in), *keys = next_text(&in), *sort = next_text(&in);

	if (null_fd < 0)
		null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	print_rows(in, *list ? list : NULL, FORMAT_TEXT);
	print_rows(in, *list ? list : NULL, FORMAT_JSON);
	print_rows(in, *list ? list : NULL, FORMAT_CSV);
	group_rows(in, keys, sort);
	free(list);
	free(keys);
	free(sort);
	return 0;
}
