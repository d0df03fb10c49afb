/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the sinks print, byte for byte. */
#include <errno.h>
#include <stdio.h>

#include "tests/unit/json_check.h"
#include "tests/unit/sink_row.h"

static const struct table other_table = { "other", columns + LAT };

static void text_aligns(void **state)
{
	struct sink_opts o = options(FORMAT_TEXT, -1);
	struct capture c = start(&o);
	const struct selection *sel = SELECT(PID, COMM, FD, ERR, LAT, TEXT, PATH);
	struct row a = ROW("/etc/passwd"), b = ROW("x");

	(void)state;
	b.ret = -ENOENT;
	b.lat_ns = 0;
	b.text = NULL;
	b.path.len = 0;
	sink_row(c.sink, sel, &a, sizeof(a));
	sink_row(c.sink, sel, &b, sizeof(b));
	assert_printed(&c, "    PID COMM               FD ERR          LAT TEXT   PATH\n"
			   "     42 cat                 3 -         1.23ms t      /etc/passwd\n"
			   "     42 cat                 - ENOENT       0ns -      -\n");
}

/* A long value pushes the rest and loses nothing; the last column is never padded. */
static void text_in_a_pipe_is_whole(void **state)
{
	struct sink_opts o = options(FORMAT_TEXT, -1);
	struct capture c = start(&o);
	const struct selection *sel = SELECT(TEXT, PID), *last = SELECT(PID, TEXT);
	struct row r = ROW("x");

	(void)state;
	r.text = "longer than six";
	sink_row(c.sink, sel, &r, sizeof(r));
	r.text = "\xe6\x96\x87\xe5\xad\x97"; /* four columns in six bytes */
	sink_row(c.sink, sel, &r, sizeof(r));
	r.text = "a\nb\x1b";
	sink_row(c.sink, sel, &r, sizeof(r));
	sink_row(c.sink, last, &r, sizeof(r));
	assert_printed(&c, "TEXT       PID\n"
			   "longer than six      42\n"
			   "\xe6\x96\x87\xe5\xad\x97        42\n"
			   "a\\nb\\e      42\n"
			   "\n"
			   "    PID TEXT\n"
			   "     42 a\\nb\\e\n");
}

static void text_units(void **state)
{
	struct sink_opts o = options(FORMAT_TEXT, -1);
	struct capture c = start(&o);
	struct row r = ROW("x");

	(void)state;
	r.bytes = 1536;
	sink_row(c.sink, SELECT(TIME, USER, MODE, BYTES, SHARE), &r, sizeof(r));
	r.mode = -1;
	sink_row(c.sink, SELECT(TIME, USER, MODE, BYTES, SHARE), &r, sizeof(r));
	assert_printed(&c, "       TIME USER      MODE   BYTES  SHARE\n"
			   "   1.123456 root      0644    1.5K  81.2%\n"
			   "   1.123456 root         -    1.5K  81.2%\n");
	o.clock.wall = true;
	c = start(&o);
	sink_row(c.sink, SELECT(TIME, PID), &r, sizeof(r));
	assert_printed(&c, "                          TIME     PID\n"
			   "2026-11-22T00:46:29.123456789Z      42\n");
}

static void headers_come_with_tables(void **state)
{
	struct sink_opts o = options(FORMAT_TEXT, -1);
	struct capture c = start(&o);
	struct selection other = { &other_table, (uint16_t[]){ 0 }, 1 };
	struct row r = ROW("x");

	(void)state;
	sink_title(c.sink, "First\x1b");
	sink_row(c.sink, SELECT(PID), &r, sizeof(r));
	sink_row(c.sink, SELECT(PID), &r, sizeof(r));
	sink_row(c.sink, &other, &r, sizeof(r));
	sink_title(c.sink, "Third");
	sink_row(c.sink, &other, &r, sizeof(r));
	sink_clear(c.sink); /* not a terminal */
	sink_row(c.sink, &other, &r, sizeof(r));
	sink_record(c.sink, "summary", NULL, 0);
	assert_printed(&c, "First\\e\n    PID\n     42\n     42\n\n    LAT\n 1.23ms\n"
			   "\nThird\n    LAT\n 1.23ms\n 1.23ms\n");
}

static const char *names(void *ctx, bool user, uint32_t pid, const struct value *v, size_t *len)
{
	static const char kernel[] = "vfs_open+0x1\0do_sys;\"open", users[] = "ma\nin\0_start\0";

	assert_ptr_equal(ctx, &table);
	assert_int_equal(pid, 42);
	assert_int_equal(v->bytes.len, user ? 8 : 16);
	*len = user ? sizeof(users) - 1 : sizeof(kernel) - 1;
	return user ? users : kernel;
}

static void stacks_with_names(void **state)
{
	struct row r = row_with_stacks();
	static const char *const want[] = {
		[FORMAT_TEXT] =
			"    PID PATH\n     42 /p\n"
			"    vfs_open+0x1\n    do_sys;\"open\n    --\n    ma\\nin\n    _start\n",
		[FORMAT_JSON] =
			"{\"type\":\"open\",\"kstack\":[\"vfs_open+0x1\",\"do_sys;\\\"open\"],"
			"\"pid\":42,\"path\":\"/p\",\"ustack\":[\"ma\\nin\",\"_start\"]}\n",
		[FORMAT_CSV] = "kstack,pid,path,ustack\n"
			       "\"vfs_open+0x1;do_sys\\x3b\"\"open\",42,/p,ma\\nin;_start\n",
	};

	(void)state;
	for (enum format f = FORMAT_TEXT; f <= FORMAT_CSV; f++) {
		struct sink_opts o = options(f, -1);
		struct capture c;

		o.stack = names;
		o.stack_ctx = (void *)&table;
		c = start(&o);
		sink_row(c.sink, SELECT(KSTACK, PID, PATH, USTACK), &r, sizeof(r));
		assert_printed(&c, want[f]);
	}
}

static void stacks_without_names(void **state)
{
	struct row r = row_with_stacks();
	static const char *const want[] = {
		[FORMAT_TEXT] = "    PID\n     42\n    0xffffffff81000000\n    0x1234\n     42\n",
		[FORMAT_JSON] = "{\"type\":\"open\",\"pid\":42,\"kstack\":[\"0xffffffff81000000\","
				"\"0x1234\"]}\n"
				"{\"type\":\"open\",\"pid\":42,\"kstack\":null}\n",
		[FORMAT_CSV] = "pid,kstack\n42,0xffffffff81000000;0x1234\n42,\n",
	};

	(void)state;
	for (enum format f = FORMAT_TEXT; f <= FORMAT_CSV; f++) {
		struct sink_opts o = options(f, -1);
		struct capture c = start(&o);

		r.kstack.len = 16;
		sink_row(c.sink, SELECT(PID, KSTACK), &r, sizeof(r));
		r.kstack.len = 0;
		sink_row(c.sink, SELECT(PID, KSTACK), &r, sizeof(r));
		assert_printed(&c, want[f]);
	}
}

static void json_carries_everything(void **state)
{
	struct sink_opts o = options(FORMAT_JSON, -1);
	struct capture c = start(&o);
	struct row a = ROW("/etc/\xc3\xa9\n"), b = ROW("bad\xff");

	(void)state;
	b.ret = -2;
	b.mode = -1;
	b.text = NULL;
	b.cached = false;
	b.share = 5;
	b.uid = 3987654321u;
	b.head.ts_ns = 4999999999;
	sink_title(c.sink, "not in JSON");
	sink_row(c.sink, EVERYTHING, &a, sizeof(a));
	sink_row(c.sink, EVERYTHING, &b, sizeof(b));
	assert_printed(
		&c,
		"{\"type\":\"open\",\"time_ns\":1123456789,\"pid\":42,\"uid\":0,\"user\":\"root\","
		"\"comm\":\"cat\",\"fd\":3,\"err\":null,\"mode\":\"0644\",\"lat_ns\":1234567,"
		"\"bytes\":18446744073709551615,\"share_percent\":81.23,\"cached\":true,\"text\":"
		"\"t\","
		"\"path\":\"/etc/\xc3\xa9\\n\",\"kstack\":null,\"ustack\":null}\n"
		"{\"type\":\"open\",\"time_ns\":-1,\"pid\":42,\"uid\":3987654321,"
		"\"user\":\"3987654321\",\"comm\":\"cat\",\"fd\":null,\"err\":\"ENOENT\",\"mode\":"
		"null,"
		"\"lat_ns\":1234567,\"bytes\":18446744073709551615,\"share_percent\":0.05,"
		"\"cached\":false,\"text\":null,\"path\":\"bad\xef\xbf\xbd\",\"path_raw\":\"YmFk/"
		"w==\","
		"\"kstack\":null,\"ustack\":null}\n");
}

static void json_wall_clock(void **state)
{
	struct sink_opts o = options(FORMAT_JSON, -1);
	struct capture c;
	struct row r = ROW("x");

	(void)state;
	o.clock.wall = true;
	c = start(&o);
	sink_row(c.sink, SELECT(TIME, PID), &r, sizeof(r));
	assert_printed(&c, "{\"type\":\"open\",\"time\":\"2026-11-22T00:46:29.123456789Z\","
			   "\"time_ns\":1123456789,\"pid\":42}\n");
}

static void json_records(void **state)
{
	struct sink_opts o = options(FORMAT_JSON, -1);
	struct capture c = start(&o);
	const struct json_pair pairs[] = {
		{ "command", JP_TEXT, .text = "a\"\xff" }, { "none", JP_TEXT, .text = NULL },
		{ "lost", JP_UINT, .u = UINT64_MAX },	   { "delta", JP_INT, .i = INT64_MIN },
		{ "exact", JP_BOOL, .b = true },	   { "hidden", JP_BOOL, .b = false },
	};

	(void)state;
	sink_record(c.sink, "summary", pairs, COUNT(pairs));
	sink_record(c.sink, "empty", NULL, 0);
	assert_printed(&c, "{\"type\":\"summary\",\"command\":\"a\\\"\xef\xbf\xbd\",\"none\":null,"
			   "\"lost\":18446744073709551615,\"delta\":-9223372036854775808,"
			   "\"exact\":true,\"hidden\":false}\n{\"type\":\"empty\"}\n");
}

static void csv_quotes(void **state)
{
	static const struct {
		const char *path, *field;
	} cases[] = {
		{ "plain", "plain" },
		{ "a,b", "\"a,b\"" },
		{ "say \"hi\"", "\"say \"\"hi\"\"\"" },
		{ "\"", "\"\"\"\"" },
		{ "\"\"\"", "\"\"\"\"\"\"\"\"" },
		{ ",", "\",\"" },
		{ "line\nbreak", "line\\nbreak" },
		{ "line\r\nbreak,", "\"line\\r\\nbreak,\"" },
		{ " lead", "\" lead\"" },
		{ "trail ", "\"trail \"" },
		{ "back\\slash", "back\\\\slash" },
		{ "bad\xff", "bad\\xff" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct sink_opts o = options(FORMAT_CSV, -1);
		struct capture c = start(&o);
		struct row r = ROW(cases[i].path);
		char want[128];

		snprintf(want, sizeof(want), "path,pid\n%s,42\n", cases[i].field);
		sink_row(c.sink, SELECT(PATH, PID), &r, sizeof(r));
		assert_printed(&c, want);
	}
}

static void csv_numbers_are_raw(void **state)
{
	struct sink_opts o = options(FORMAT_CSV, -1);
	struct capture c = start(&o);
	struct row r = ROW("x");

	(void)state;
	sink_row(c.sink, SELECT(TIME, USER, FD, ERR, MODE, LAT, BYTES, SHARE, CACHED, TEXT), &r,
		 sizeof(r));
	r.ret = -2;
	r.mode = -1;
	r.text = "";
	sink_row(c.sink, SELECT(TIME, USER, FD, ERR, MODE, LAT, BYTES, SHARE, CACHED, TEXT), &r,
		 sizeof(r));
	r.text = NULL;
	sink_row(c.sink, SELECT(TEXT), &r, sizeof(r));
	sink_title(c.sink, "not in CSV");
	sink_row(c.sink, SELECT(TEXT), &r, sizeof(r));
	assert_printed(&c, "time_ns,uid,fd,err,mode,lat_ns,bytes,share_percent,cached,text\n"
			   "1123456789,0,3,,0644,1234567,18446744073709551615,81.23,1,t\n"
			   "1123456789,0,,ENOENT,,1234567,18446744073709551615,81.23,1,\"\"\n"
			   "\ntext\n\"\"\n\"\"\n");
	o.clock.wall = true;
	c = start(&o);
	sink_row(c.sink, SELECT(PID, TIME), &r, sizeof(r));
	assert_printed(&c, "pid,time,time_ns\n42,2026-11-22T00:46:29.123456789Z,1123456789\n");
}

/* Counts the fields of a line of CSV, or returns -1 if its quotes are wrong. */
static int csv_fields(const char *s, size_t len)
{
	int fields = 1;
	size_t i = 0;

	while (i < len) {
		if (s[i] == '"') {
			for (i++;; i++) {
				if (i >= len)
					return -1;
				if (s[i] != '"')
					continue;
				if (i + 1 >= len || s[i + 1] != '"')
					break;
				i++;
			}
			i++;
			if (i < len && s[i] != ',')
				return -1;
		} else {
			while (i < len && s[i] != ',' && s[i] != '"')
				i++;
			if (i < len && s[i] == '"')
				return -1;
		}
		if (i < len) {
			fields++;
			i++;
		}
	}
	return fields;
}

/* Any bytes for a name: one line each, always of the right shape. */
static void hostile_names_stay_one_row(void **state)
{
	size_t n = 0;

	(void)state;
	srandom(3);
	for (enum format f = FORMAT_TEXT; f <= FORMAT_CSV; f++) {
		struct sink_opts o = options(f, -1);
		struct capture c = start(&o);
		const char *line, *end;

		for (int i = 0; i < 2000; i++) {
			char name[255];
			size_t len = i < 256 ? 1 : (size_t)random() % sizeof(name);
			struct row r;

			for (size_t b = 0; b < len; b++)
				name[b] = (char)(i < 256 ? i : random());
			r = make_row(name, len);
			for (size_t b = 0; b < sizeof(r.comm); b++)
				r.comm[b] = (char)random();
			sink_row(c.sink, EVERYTHING, &r, sizeof(r));
		}
		finish(&c);
		n = 0;
		for (line = c.text; (end = strchr(line, '\n')) != NULL; line = end + 1, n++) {
			size_t len = (size_t)(end - line);

			assert_true(utf8_is_valid(line, len));
			for (size_t b = 0; b < len; b++)
				assert_true((unsigned char)line[b] >= 0x20 && line[b] != 0x7f);
			if (f == FORMAT_JSON)
				assert_true(json_is_flat_object(line, len));
			else if (f == FORMAT_CSV)
				assert_int_equal(csv_fields(line, len), 15);
		}
		assert_ptr_equal(line, c.text + c.len);
		assert_int_equal(n, 2000 + (f != FORMAT_JSON));
		free(c.text);
	}
}

static void longest_path_is_whole(void **state)
{
	static char big[sizeof(struct row) + PATH_LEN];
	struct row *r = (struct row *)big;

	(void)state;
	*r = ROW("");
	memset(big + sizeof(*r), '\x01', PATH_LEN - 1);
	r->path = (struct vstr){ sizeof(*r), PATH_LEN - 1 };
	for (enum format f = FORMAT_TEXT; f <= FORMAT_CSV; f++) {
		struct sink_opts o = options(f, -1);
		struct capture c = start(&o);
		size_t per_byte = f == FORMAT_JSON ? 6 : 4;

		for (int i = 0; i < 100; i++)
			sink_row(c.sink, SELECT(PATH), r, sizeof(big));
		finish(&c);
		assert_true(c.len > 100 * per_byte * (PATH_LEN - 1));
		assert_true(c.len < 100 * (per_byte * (PATH_LEN - 1) + 32));
		free(c.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_aligns),
		cmocka_unit_test(text_in_a_pipe_is_whole),
		cmocka_unit_test(text_units),
		cmocka_unit_test(headers_come_with_tables),
		cmocka_unit_test(stacks_with_names),
		cmocka_unit_test(stacks_without_names),
		cmocka_unit_test(json_carries_everything),
		cmocka_unit_test(json_wall_clock),
		cmocka_unit_test(json_records),
		cmocka_unit_test(csv_quotes),
		cmocka_unit_test(csv_numbers_are_raw),
		cmocka_unit_test(hostile_names_stay_one_row),
		cmocka_unit_test(longest_path_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
