/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The text sink and the size of a terminal: what is left out, and how that is told. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "core/base/escape.h"
#include "tests/unit/sink_row.h"

struct cells {
	__u64 part[6];
	__u64 all;
};

#define PART(i)                                                                                    \
	{                                                                                          \
		"p" #i, FIELD(struct cells, part[i]), U_SHARE, .of = FIELD(struct cells, all),     \
							       .part = (i) + 1                     \
	}

static const struct column parts[] = { PART(0), PART(1), PART(2), PART(3), PART(4), PART(5), {} };
static const struct table parts_table = { "parts", parts };
static const struct selection all_parts = { &parts_table, (uint16_t[]){ 0, 1, 2, 3, 4, 5 }, 6 };

/* Numbers that look like chance and are the same each time. */
static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	return *state ^= *state << 17;
}

static double sum_of_line(const char *line)
{
	double sum = 0, v;
	int n;

	for (; sscanf(line, " %lf%%%n", &v, &n) == 1; line += n)
		sum += v;
	return sum;
}

static void parts_add_up(void **state)
{
	static const struct cells known[] = {
		{ { 1, 15 }, 16 },	     /* 6.3 + 93.8 */
		{ { 1, 1, 1 }, 3 },	     /* 33.3 each */
		{ { 1, 1, 1, 1, 1, 1 }, 6 }, /* 16.7 each */
		{ { UINT64_MAX / 2, UINT64_MAX / 2, 1 }, UINT64_MAX },
	};
	uint64_t random = 88172645463325252;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct sink_opts o = options(i % 2 ? FORMAT_CSV : FORMAT_TEXT, -1);
		struct cells c = { { 0 } };
		struct capture got;
		uint64_t value;
		double sum = 0;

		if (i < 2 * (int)COUNT(known)) {
			c = known[i / 2];
		} else {
			for (int p = 0; p < 6; p++)
				c.all += c.part[p] = next(&random) >> (next(&random) % 60 + 4);
		}
		got = start(&o);
		sink_row(got.sink, &all_parts, &c, sizeof(c));
		finish(&got);
		for (int p = 0; p < 6; p++) {
			assert_true(column_part(&parts[p], &c, sizeof(c), 10000, &value));
			/* never further off than one unit of what is shown */
			assert_true((double)value > (double)c.part[p] * 1e4 / (double)c.all - 1);
			assert_true((double)value < (double)c.part[p] * 1e4 / (double)c.all + 1);
			sum += (double)value;
		}
		assert_true(sum == 10000);
		if (o.format == FORMAT_TEXT)
			assert_float_equal(sum_of_line(strchr(got.text, '\n') + 1), 100.0, 1e-9);
		free(got.text);
	}
}

static void a_whole_of_nothing_has_no_parts(void **state)
{
	struct sink_opts o = options(FORMAT_TEXT, -1);
	struct cells c = { { 0 } };
	struct capture got = start(&o);

	(void)state;
	sink_row(got.sink, &all_parts, &c, sizeof(c));
	assert_printed(&got, "    P0     P1     P2     P3     P4     P5\n"
			     "     -      -      -      -      -      -\n");
}

static struct capture on_terminal(int width)
{
	struct sink_opts o = options(FORMAT_TEXT, -1);

	o.terminal = true;
	o.width = width;
	o.choosable = &table;
	return start(&o);
}

static void streams_lose_the_least_telling(void **state)
{
	struct capture c = on_terminal(60);
	struct row r = ROW("/usr/lib/python3/dist-packages/file.py");

	(void)state;
	sink_row(c.sink, SELECT(TIME, PID, USER, COMM, FD, ERR, LAT, PATH), &r, sizeof(r));
	assert_printed(&c, "left out for the width: TIME, USER, FD (--columns, or a\n"
			   "wider terminal)\n"
			   "    PID COMM             ERR          LAT PATH\n"
			   "     42 cat              -         1.23ms /usr/…ages/file.py\n");
}

static void tables_give_up_bars_and_zeros_first(void **state)
{
	struct row r[2] = { ROW("/a"), ROW("/b") };
	const struct sort_row rows[] = { { &r[0], sizeof(r[0]) }, { &r[1], sizeof(r[1]) } };
	struct capture c = on_terminal(38);

	(void)state;
	for (int i = 0; i < 2; i++) {
		r[i].bytes = 0;
		r[i].lat_ns = 7;
	}
	sink_title(c.sink, "Table");
	sink_table(c.sink, SELECT(PID, COMM, BYTES, SHARE, LAT, ERR, PATH), rows, 2);
	assert_printed(&c, "Table\n"
			   "PID COMM BYTES SHARE LAT ERR PATH\n"
			   " 42 cat      0 81.2% 7ns -   /a\n"
			   " 42 cat      0 81.2% 7ns -   /b\n");
	c = on_terminal(30);
	sink_table(c.sink, SELECT(PID, COMM, BYTES, SHARE, LAT, ERR, PATH), rows, 2);
	assert_printed(&c, "PID COMM SHARE LAT ERR PATH\n"
			   " 42 cat  81.2% 7ns -   /a\n"
			   " 42 cat  81.2% 7ns -   /b\n"
			   "left out for the width, 0 in\n"
			   "all rows: BYTES (--columns, or\n"
			   "a wider terminal)\n");
}

static void a_pipe_has_all_columns(void **state)
{
	struct sink_opts o = options(FORMAT_TEXT, -1);
	struct row r = ROW("/a");
	const struct sort_row row = { &r, sizeof(r) };
	struct capture c = start(&o);

	(void)state;
	sink_table(c.sink, SELECT(TIME, PID, USER, COMM, FD, ERR, MODE, LAT, SHARE, PATH), &row, 1);
	finish(&c);
	assert_non_null(strstr(c.text, "TIME     PID USER"));
	assert_null(strstr(c.text, "left out"));
	free(c.text);
}

static void headers_come_without_rows(void **state)
{
	static const struct {
		enum format format;
		const char *want;
	} cases[] = {
		{ FORMAT_TEXT, "    PID PATH\n\nCOMM\n" },
		{ FORMAT_CSV, "pid,path\n\ncomm\n" },
		{ FORMAT_JSON, "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct sink_opts o = options(cases[i].format, -1);
		struct capture c = start(&o);

		sink_table(c.sink, SELECT(PID, PATH), NULL, 0);
		sink_table(c.sink, SELECT(PID, PATH), NULL, 0); /* the same: one header */
		sink_table(c.sink, SELECT(COMM), NULL, 0);
		assert_printed(&c, cases[i].want);
	}
}

/* --- a real terminal --- */

struct terminal {
	int master, slave;
	struct sink *sink;
	char got[16384];
};

static void set_size(struct terminal *t, int rows, int columns)
{
	struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns };

	assert_int_equal(ioctl(t->master, TIOCSWINSZ, &size), 0);
}

static bool open_terminal(struct terminal *t, int rows, int columns, bool plain)
{
	struct sink_opts o = options(FORMAT_TEXT, -1);
	struct termios raw;

	t->master = posix_openpt(O_RDWR | O_NOCTTY);
	if (t->master < 0)
		return false; /* no pseudo-terminals here */
	assert_int_equal(grantpt(t->master) | unlockpt(t->master), 0);
	t->slave = open(ptsname(t->master), O_RDWR | O_NOCTTY);
	assert_true(t->slave >= 0);
	assert_int_equal(tcgetattr(t->slave, &raw), 0);
	cfmakeraw(&raw);
	assert_int_equal(tcsetattr(t->slave, TCSANOW, &raw), 0);
	set_size(t, rows, columns);
	o.fd = t->slave;
	o.terminal = true;
	o.plain = plain;
	o.width = columns;
	t->sink = sink_open(&o);
	return true;
}

/* What was printed since the last look. */
static const char *look(struct terminal *t)
{
	struct pollfd p = { .fd = t->master, .events = POLLIN };
	size_t len = 0;

	assert_int_equal(sink_flush(t->sink), 0);
	while (poll(&p, 1, 0) == 1) { /* it comes in pieces */
		ssize_t n = read(t->master, t->got + len, sizeof(t->got) - 1 - len);

		assert_true(n > 0);
		len += (size_t)n;
	}
	t->got[len] = '\0';
	return t->got;
}

static void close_terminal(struct terminal *t)
{
	assert_int_equal(sink_close(t->sink), 0);
	close(t->slave);
	close(t->master);
}

static size_t lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

/* Sixty rows, as one frame of a live table. */
static const char *draw(struct terminal *t, const char *title)
{
	struct row r = ROW("/var/lib/something/that/is/rather/long/file");
	struct sort_row rows[60];

	for (size_t i = 0; i < COUNT(rows); i++)
		rows[i] = (struct sort_row){ &r, sizeof(r) };
	sink_clear(t->sink);
	sink_frame(t->sink, 1);
	sink_title(t->sink, title);
	sink_table(t->sink, SELECT(TIME, PID, COMM, LAT, SHARE, PATH), rows, COUNT(rows));
	sink_frame_end(t->sink);
	return look(t);
}

static void a_frame_fits_the_height(void **state)
{
	struct terminal t;

	(void)state;
	if (!open_terminal(&t, 12, 120, false))
		skip();
	/* the last line of the screen is where the cursor is left */
	assert_int_equal(lines(draw(&t, "first")), 11);
	assert_non_null(strstr(t.got, "\n8 of 60 rows"));
	draw(&t, "second");
	assert_int_equal(strncmp(t.got, "\r\x1b[11A\x1b[J", 8), 0);
	set_size(&t, 80, 120);
	assert_int_equal(lines(draw(&t, "third")), 62);
	assert_null(strstr(t.got, "of 60 rows"));
	close_terminal(&t);
}

static void a_frame_follows_the_width(void **state)
{
	struct terminal t;

	(void)state;
	if (!open_terminal(&t, 24, 200, false))
		skip();
	assert_null(strstr(draw(&t, "wide"), "left out"));
	set_size(&t, 24, 44);
	draw(&t, "narrow");
	/* lines may have wrapped: nothing of the old frame may stay */
	assert_int_equal(strncmp(t.got, "\x1b[H\x1b[2J", 7), 0);
	assert_non_null(strstr(t.got, "left out for the width: TIME"));
	for (char *line = strtok(t.got + 7, "\n"); line; line = strtok(NULL, "\n"))
		assert_true(text_columns(line, strlen(line)) <= 44);
	assert_int_equal(strncmp(draw(&t, "again"), "\r\x1b[", 3), 0);
	close_terminal(&t);
}

static void a_stream_follows_the_width(void **state)
{
	struct row r = ROW("/a");
	struct terminal t;

	(void)state;
	if (!open_terminal(&t, 24, 200, false))
		skip();
	sink_row(t.sink, SELECT(TIME, PID, COMM, LAT, PATH), &r, sizeof(r));
	assert_null(strstr(look(&t), "left out"));
	set_size(&t, 24, 50);
	sink_row(t.sink, SELECT(TIME, PID, COMM, LAT, PATH), &r, sizeof(r));
	assert_non_null(strstr(look(&t), "left out for the width: TIME"));
	sink_row(t.sink, SELECT(TIME, PID, COMM, LAT, PATH), &r, sizeof(r));
	assert_int_equal(lines(look(&t)), 1);
	close_terminal(&t);
}

static void several_tables_share_the_height(void **state)
{
	struct row r = ROW("/a");
	struct sort_row rows[9];
	struct terminal t;

	(void)state;
	if (!open_terminal(&t, 16, 80, false))
		skip();
	for (size_t i = 0; i < COUNT(rows); i++)
		rows[i] = (struct sort_row){ &r, sizeof(r) };
	sink_clear(t.sink);
	assert_true(sink_frame(t.sink, 3));
	for (int i = 0; i < 3; i++) {
		sink_title(t.sink, i == 2 ? "Third: 9 of 10" : i ? "Second" : "First");
		sink_table(t.sink, i % 2 ? SELECT(COMM) : SELECT(PID), rows, COUNT(rows));
	}
	sink_title(t.sink, "The end");
	sink_frame_end(t.sink);
	look(&t);
	assert_true(lines(t.got) <= 15);
	assert_non_null(strstr(t.got, "First"));
	assert_non_null(strstr(t.got, "no room for:"));
	assert_non_null(strstr(t.got, "Third\n"));
	close_terminal(&t);
}

static void a_dumb_terminal_gets_no_escapes(void **state)
{
	struct terminal t;

	(void)state;
	if (!open_terminal(&t, 12, 200, true))
		skip();
	for (int i = 0; i < 2; i++) {
		draw(&t, "frame");
		assert_null(strchr(t.got, '\x1b'));
		assert_null(strchr(t.got, '\r'));
		assert_non_null(strstr(t.got, "PATH"));
		/* nothing is drawn over: there is no reason to cut it to the height */
		assert_null(strstr(t.got, "of 60 rows"));
	}
	close_terminal(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_add_up),
		cmocka_unit_test(a_whole_of_nothing_has_no_parts),
		cmocka_unit_test(streams_lose_the_least_telling),
		cmocka_unit_test(tables_give_up_bars_and_zeros_first),
		cmocka_unit_test(a_pipe_has_all_columns),
		cmocka_unit_test(headers_come_without_rows),
		cmocka_unit_test(a_frame_fits_the_height),
		cmocka_unit_test(a_frame_follows_the_width),
		cmocka_unit_test(a_stream_follows_the_width),
		cmocka_unit_test(several_tables_share_the_height),
		cmocka_unit_test(a_dumb_terminal_gets_no_escapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
