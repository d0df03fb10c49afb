/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The text sink on a terminal: fitted, drawn, cleared. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "core/base/escape.h"
#include "tests/unit/json_check.h"
#include "tests/unit/sink_row.h"

/* Removes colours, and returns the columns of the widest line. */
static size_t widest_line(char *text)
{
	size_t widest = 0;
	char *to = text, *line = text;

	for (const char *p = text; *p; p++) {
		if (*p == '\x1b') {
			p = strchr(p, 'm');
			assert_non_null(p);
			continue;
		}
		if (*p == '\n') {
			size_t w = text_columns(line, (size_t)(to - line));

			widest = w > widest ? w : widest;
			*to++ = '\n';
			line = to;
			continue;
		}
		*to++ = *p;
	}
	*to = '\0';
	return widest;
}

static void terminal_lines_fit(void **state)
{
	static const char *const paths[] = {
		"x",
		"/usr/lib/python3/dist-packages/some/where/very/deep/in/the/tree/file.py",
		"\xe6\x96\x87\xe5\xad\x97/\xe6\x96\x87\xe5\xad\x97\xe6\x96\x87\xe5\xad\x97"
		"\xe6\x96\x87\xe5\xad\x97\xe6\x96\x87\xe5\xad\x97\xe6\x96\x87\xe5\xad\x97",
		"e\xcc\x81"
		"e\xcc\x81"
		"e\xcc\x81"
		"e\xcc\x81"
		"e\xcc\x81"
		"e\xcc\x81"
		"e\xcc\x81"
		"e\xcc\x81"
		"e\xcc\x81"
		"e\xcc\x81"
		"e\xcc\x81"
		"e\xcc\x81",
		"\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b",
	};
	const struct selection *sels[] = {
		SELECT(PID, COMM, SHARE, PATH),
		SELECT(PATH, PID, LAT),
		SELECT(PATH, TEXT, PATH, SHARE),
		SELECT(TIME, PID, USER, COMM, FD, ERR, MODE, LAT, BYTES),
		SELECT(SHARE),
	};

	(void)state;
	for (int width = 1; width <= 130; width++) {
		for (size_t s = 0; s < COUNT(sels); s++) {
			struct sink_opts o = options(FORMAT_TEXT, -1);
			struct capture c;

			o.terminal = o.colour = true;
			o.width = width;
			c = start(&o);
			sink_title(c.sink, "A title that is rather long for a narrow terminal");
			for (size_t p = 0; p < COUNT(paths); p++) {
				struct row r = ROW(paths[p]);

				r.text = paths[p];
				sink_row(c.sink, sels[s], &r, sizeof(r));
			}
			finish(&c);
			assert_true(widest_line(c.text) <= (size_t)width);
			assert_true(utf8_is_valid(c.text, strlen(c.text)));
			free(c.text);
		}
	}
}

static void terminal_cuts_paths_in_the_middle(void **state)
{
	struct sink_opts o = options(FORMAT_TEXT, -1);
	struct capture c;
	struct row r = ROW("/usr/lib/python3/dist-packages/module/file.py");

	(void)state;
	o.terminal = true;
	o.width = 40;
	c = start(&o);
	sink_row(c.sink, SELECT(PID, PATH), &r, sizeof(r));
	sink_row(c.sink, SELECT(PATH, PID), &r, sizeof(r));
	r = ROW("short");
	sink_row(c.sink, SELECT(PATH, PID), &r, sizeof(r));
	assert_printed(&c, "    PID PATH\n"
			   "     42 /usr/lib/p…ckages/module/file.py\n"
			   "\n"
			   "PATH                                 PID\n"
			   "/usr/lib/p…ckages/module/file.py      42\n"
			   "short                                 42\n");
}

static void terminal_draws_shares(void **state)
{
	static const struct {
		uint16_t share;
		const char *plain, *coloured;
	} cases[] = {
		{ 0, "        0.0%", "        0.0%" },
		{ 999, "       10.0%", "       10.0%" },
		{ 1000, "▇      10.0%", "\x1b[36m▇\x1b[0m      10.0%" },
		{ 8123, "▇▇▇▇   81.2%", "\x1b[36m▇▇▇▇\x1b[0m   81.2%" },
		{ 10000, "▇▇▇▇▇ 100.0%", "\x1b[36m▇▇▇▇▇\x1b[0m 100.0%" },
		{ 65535, "▇▇▇▇▇ 655.4%", "\x1b[36m▇▇▇▇▇\x1b[0m 655.4%" },
	};
	char want[256];

	(void)state;
	for (size_t i = 0; i < 2 * COUNT(cases); i++) {
		struct sink_opts o = options(FORMAT_TEXT, -1);
		struct row r = ROW("x");
		struct capture c;

		o.terminal = true;
		o.colour = i % 2;
		o.width = 80;
		r.share = cases[i / 2].share;
		c = start(&o);
		sink_row(c.sink, SELECT(SHARE, PID), &r, sizeof(r));
		if (o.colour)
			snprintf(want, sizeof(want),
				 "\x1b[1m       SHARE     PID\x1b[0m\n%s      42\n",
				 cases[i / 2].coloured);
		else
			snprintf(want, sizeof(want), "       SHARE     PID\n%s      42\n",
				 cases[i / 2].plain);
		assert_printed(&c, want);
	}
}

static void no_colour_in_a_pipe(void **state)
{
	struct sink_opts o = options(FORMAT_TEXT, -1);
	struct row r = ROW("x");
	struct capture c;

	(void)state;
	o.colour = true;
	c = start(&o);
	sink_row(c.sink, SELECT(SHARE), &r, sizeof(r));
	assert_printed(&c, " SHARE\n 81.2%\n");
}

static void clear_goes_back_over_the_frame(void **state)
{
	struct sink_opts o = options(FORMAT_TEXT, -1);
	struct row r = row_with_stacks();
	struct capture c;

	(void)state;
	o.terminal = true;
	o.width = 12;
	c = start(&o);
	sink_clear(c.sink); /* nothing there yet */
	sink_title(c.sink, "Frame");
	sink_row(c.sink, SELECT(PID), &r, sizeof(r));
	sink_row(c.sink, SELECT(PID), &r, sizeof(r));
	sink_clear(c.sink);
	sink_row(c.sink, SELECT(PID, KSTACK), &r, sizeof(r));
	sink_clear(c.sink);
	/* header, row, a frame of 22 columns (two lines of 12), one of 10 */
	assert_printed(&c, "Frame\n    PID\n     42\n     42\n"
			   "\r\x1b[4A\x1b[J"
			   "    PID\n     42\n    0xffffffff81000000\n    0x1234\n"
			   "\r\x1b[5A\x1b[J");
}

static void clear_stays_on_the_screen(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
	struct winsize size = { .ws_row = 5, .ws_col = 80 };
	struct sink_opts o = options(FORMAT_TEXT, -1);
	struct row r = ROW("x");
	char got[512] = "";
	struct termios raw;
	struct sink *s;
	ssize_t n;

	(void)state;
	if (master < 0)
		skip(); /* no pseudo-terminals here */
	assert_int_equal(grantpt(master) | unlockpt(master), 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	assert_true(slave >= 0);
	assert_int_equal(tcgetattr(slave, &raw), 0);
	cfmakeraw(&raw);
	assert_int_equal(tcsetattr(slave, TCSANOW, &raw), 0);
	assert_int_equal(ioctl(master, TIOCSWINSZ, &size), 0);
	o.fd = slave;
	o.terminal = true;
	o.width = 80;
	s = sink_open(&o);
	for (int i = 0; i < 9; i++)
		sink_row(s, SELECT(PID), &r, sizeof(r));
	sink_clear(s);
	assert_int_equal(sink_close(s), 0);
	n = read(master, got, sizeof(got) - 1);
	assert_true(n > 0);
	assert_non_null(strstr(got, "     42\n\r\x1b[4A\x1b[J"));
	close(slave);
	close(master);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(terminal_lines_fit),
		cmocka_unit_test(terminal_cuts_paths_in_the_middle),
		cmocka_unit_test(terminal_draws_shares),
		cmocka_unit_test(no_colour_in_a_pipe),
		cmocka_unit_test(clear_goes_back_over_the_frame),
		cmocka_unit_test(clear_stays_on_the_screen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
