// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text_buf.h"
#include "core/options/option.h"

struct common {
	__u64 duration_ns;
	__u32 top;
	const char *where;
	__u32 format;
	bool wall;
	bool verbose;
	char pids[64]; /* each -p, joined */
};

struct tool {
	__u64 min_ns;
	__u64 count;
	__u8 level;
	__s16 limit;
	__u64 buffer;
	char disk[8];
	bool failed;
	__u32 mask;
	char words[64];
};

static bool parse_pid(const struct option_spec *spec, const char *arg, void *cfg, char *err,
		      size_t err_size)
{
	char *list = ((struct common *)cfg)->pids;

	(void)spec;
	if (!*arg || arg[strspn(arg, "0123456789,")]) {
		snprintf(err, err_size, "\"%s\" is not a process; give numbers, as in -p 12,34",
			 arg);
		return false;
	}
	strcat(list, "[");
	strcat(list, arg);
	strcat(list, "]");
	return true;
}

static bool parse_words(const struct option_spec *spec, const char *arg, void *cfg, char *err,
			size_t err_size)
{
	(void)spec;
	(void)err;
	(void)err_size;
	if (strcmp(arg, "bad") == 0)
		return false;
	strcat(((struct tool *)cfg)->words, arg);
	strcat(((struct tool *)cfg)->words, ";");
	return true;
}

static const char *const formats[] = { "text", "json", "csv", NULL };

static const struct option_spec common_specs[] = {
	{ "pid", 'p', FIELD(struct common, pids), .kind = OPT_CUSTOM, .parse = parse_pid,
	  .arg = "PID[,..]", .help = "only these processes" },
	{ "duration", 'd', FIELD(struct common, duration_ns), U_NSEC, .bare = 1000000000,
	  .help = "stop after this long" },
	{ "top", 'r', FIELD(struct common, top), U_COUNT, .deflt = "20", .min = 1, .max = 1000,
	  .help = "rows to show" },
	{ "where", 0, FIELD(struct common, where), .kind = OPT_STRING, .arg = "EXPR",
	  .help = "only rows for which this holds, such as 'lat > 10ms && comm ~ \"postgres*\"'; "
		  "the columns are those that the help of the command lists, hidden ones too" },
	{ "output", 'o', FIELD(struct common, format), .kind = OPT_CHOICE, .names = formats,
	  .deflt = "text", .help = "format" },
	{ "wall", 'T', FIELD(struct common, wall), .kind = OPT_FLAG, .help = "wall-clock time" },
	{ "verbose", 0, FIELD(struct common, verbose), .kind = OPT_FLAG, .help = "say more" },
	{ NULL },
};

static const char *const top_writers[] = { "--top=10", "-x", "-d", "3", NULL };

static const struct option_spec tool_specs[] = {
	{ "min", 'm', FIELD(struct tool, min_ns), U_NSEC, .bare = 1000000, .deflt = "10ms",
	  .positional = true, .help = "leave out what is faster" },
	{ "count", 'c', FIELD(struct tool, count), U_COUNT, .positional = true,
	  .help = "how often" },
	{ "level", 0, FIELD(struct tool, level), U_COUNT, .help = "a small number" },
	{ "limit", 0, FIELD(struct tool, limit), U_COUNT, .help = "a signed field" },
	{ "buffer", 0, FIELD(struct tool, buffer), U_BYTES, .min = 4096, .deflt = "8M",
	  .help = "size of the buffer" },
	{ "disk", 'D', FIELD(struct tool, disk), .arg = "DISK", .help = "only this disk" },
	{ "failed", 'x', FIELD(struct tool, failed), .kind = OPT_FLAG, .help = "failures only" },
	{ "write-only", 'W', FIELD(struct tool, mask), .kind = OPT_FLAG, .value = 6,
	  .help = "sets bits" },
	{ "top-writers", 'C', .kind = OPT_EXPAND, .names = top_writers, .help = "a preset" },
	{ "disk-classic", 'd', .kind = OPT_RENAMED, .help = "the disk is -D DISK" },
	{ "json", 'j', .kind = OPT_RENAMED, .help = "write -o json" },
	{ NULL },
};

struct run {
	struct common common;
	struct tool tool;
	struct option_result result;
	bool ok;
};

/* Splits @line at blanks; "''" is an empty word. */
static struct run run_with(const struct option_spec *tools, const char *line)
{
	static char copy[512];
	static char *argv[64];
	struct run r = { 0 };
	struct option_set sets[] = { { common_specs, &r.common, "Common options" },
				     { tools, &r.tool, "Options" } };
	int argc = 0;

	snprintf(copy, sizeof(copy), "%s", line);
	argv[argc++] = (char *)"iosonde";
	for (char *w = strtok(copy, " "); w; w = strtok(NULL, " "))
		argv[argc++] = strcmp(w, "''") == 0 ? w + 2 : w;
	argv[argc] = NULL;
	memset(&r.result, 0xaa, sizeof(r.result));
	r.ok = options_parse(sets, 2, argc, argv, &r.result);
	return r;
}

static struct run run(const char *line)
{
	struct run r = run_with(tool_specs, line);

	if (!r.ok)
		fail_msg("'%s': %s", line, r.result.error);
	assert_string_equal(r.result.error, "");
	return r;
}

static void test_defaults(void **state)
{
	struct run r = run("");

	(void)state;
	assert_int_equal(r.common.top, 20);
	assert_int_equal(r.common.format, 0);
	assert_int_equal(r.common.duration_ns, 0);
	assert_null(r.common.where);
	assert_int_equal(r.tool.min_ns, 10000000);
	assert_int_equal(r.tool.buffer, 8 << 20);
	assert_null(r.result.command);
}

static void test_spellings(void **state)
{
	(void)state;
	assert_int_equal(run("-d1").common.duration_ns, 1000000000);
	assert_int_equal(run("-d 1").common.duration_ns, 1000000000);
	assert_int_equal(run("-d 1.5ms").common.duration_ns, 1500000);
	assert_int_equal(run("--duration 2m").common.duration_ns, 120000000000);
	assert_int_equal(run("--duration=2m").common.duration_ns, 120000000000);
	assert_int_equal(run("-m 3").tool.min_ns, 3000000);
	assert_true(run("-xT").tool.failed);
	assert_true(run("-xT").common.wall);
	assert_int_equal(run("-xTd5").common.duration_ns, 5000000000);
	assert_int_equal(run("-xTd 5").common.duration_ns, 5000000000);
	assert_false(run("-x").common.wall);
	assert_int_equal(run("-W").tool.mask, 6);
	assert_int_equal(run("-o csv").common.format, 2);
	assert_int_equal(run("--output=json").common.format, 1);
	assert_string_equal(run("--where pid==1").common.where, "pid==1");
	assert_string_equal(run("--where=a=b").common.where, "a=b");
	assert_string_equal(run("--where -x").common.where, "-x");
	assert_string_equal(run("-D sda").tool.disk, "sda");
	assert_string_equal(run("-D 1234567").tool.disk, "1234567");
	assert_int_equal(run("--buffer 64k").tool.buffer, 65536);
	assert_int_equal(run("--level 255").tool.level, 255);
	assert_int_equal(run("--limit 32767").tool.limit, 32767);
	assert_int_equal(run("-r 1").common.top, 1);
	assert_int_equal(run("-r 1000").common.top, 1000);
}

static void test_repeated(void **state)
{
	struct run r = run("-d 1 -d 2 -r 5 --top=6 -p 1 -p2,3 --pid=4 -D sda -D vd");

	(void)state;
	assert_int_equal(r.common.duration_ns, 2000000000);
	assert_int_equal(r.common.top, 6);
	assert_string_equal(r.common.pids, "[1][2,3][4]");
	assert_memory_equal(r.tool.disk, "vd\0\0\0\0\0", 8);
}

static void test_expanded(void **state)
{
	struct run r = run("-C 5 -d 9");

	(void)state;
	assert_int_equal(r.common.top, 10);
	assert_true(r.tool.failed);
	assert_int_equal(r.common.duration_ns, 9000000000);
	assert_int_equal(r.tool.min_ns, 5000000);
	r = run("--top 7 -TC -- cmd");
	assert_int_equal(r.common.top, 10);
	assert_true(r.common.wall);
	assert_string_equal(r.result.command[0], "cmd");
}

static void test_positionals(void **state)
{
	struct run r = run("5 -x 3");

	(void)state;
	assert_int_equal(r.tool.min_ns, 5000000);
	assert_int_equal(r.tool.count, 3);
	assert_true(r.tool.failed);
	assert_int_equal(run("7us").tool.min_ns, 7000);
	assert_int_equal(run("-m 1 5").tool.min_ns, 5000000);
}

static void test_custom_positional_takes_all(void **state)
{
	static const struct option_spec specs[] = {
		{ "min", 'm', FIELD(struct tool, min_ns), U_NSEC, .positional = true },
		{ "word", 0, FIELD(struct tool, words), .kind = OPT_CUSTOM, .parse = parse_words,
		  .positional = true },
		{ NULL },
	};
	struct run r = run_with(specs, "1s a b -T c");

	(void)state;
	assert_true(r.ok);
	assert_string_equal(r.tool.words, "a;b;c;");
	assert_true(r.common.wall);
	r = run_with(specs, "1s bad");
	assert_false(r.ok);
	assert_string_equal(r.result.error, "word bad: \"bad\" is not accepted");
}

static void test_command(void **state)
{
	struct run r = run("-x -- ls -d --nosuch -- y");

	(void)state;
	assert_true(r.tool.failed);
	assert_string_equal(r.result.command[0], "ls");
	assert_string_equal(r.result.command[1], "-d");
	assert_string_equal(r.result.command[2], "--nosuch");
	assert_string_equal(r.result.command[3], "--");
	assert_string_equal(r.result.command[4], "y");
	assert_null(r.result.command[5]);
	assert_int_equal(r.common.duration_ns, 0);
}

static const struct {
	const char *line, *error;
} mistakes[] = {
	{ "-d 1x", "-d 1x: \"1x\" is not a duration; the disk is -D DISK" },
	{ "--duration 1x", "--duration 1x: \"1x\" is not a duration; try 500ms, 10s or 2m" },
	{ "-m 1x", "-m 1x: \"1x\" is not a duration; try 500ms, 10s or 2m" },
	{ "-m1x", "-m 1x: \"1x\" is not a duration; try 500ms, 10s or 2m" },
	{ "-m=1", "-m =1: \"=1\" is not a duration; try 500ms, 10s or 2m" },
	{ "-m -1", "-m -1: \"-1\" is negative; try 500ms, 10s or 2m" },
	{ "-m-1", "-m -1: \"-1\" is negative; try 500ms, 10s or 2m" },
	{ "--min=-1", "--min -1: \"-1\" is negative; try 500ms, 10s or 2m" },
	{ "-m --x", "-m --x: \"--x\" is not a duration; try 500ms, 10s or 2m" },
	{ "-d sda", "-d sda: \"sda\" is not a duration; the disk is -D DISK" },
	{ "-j", "-j: write -o json" },
	{ "--json", "--json: write -o json" },
	{ "-xj", "-j: write -o json" },
	{ "-m", "-m needs a value: DURATION, such as 500ms, 10s or 2m" },
	{ "-xm", "-m needs a value: DURATION, such as 500ms, 10s or 2m" },
	{ "--min", "--min needs a value: DURATION, such as 500ms, 10s or 2m" },
	{ "-m -- ls", "-m needs a value: DURATION, such as 500ms, 10s or 2m" },
	{ "--where --top 5", "--where needs a value: EXPR" },
	{ "--where --top=5", "--where needs a value: EXPR" },
	{ "-p", "-p needs a value: PID[,..]" },
	{ "-o", "-o needs a value: CHOICE" },
	{ "-m ''", "-m \"\": DURATION is empty; try 500ms, 10s or 2m" },
	{ "--min=", "--min \"\": DURATION is empty; try 500ms, 10s or 2m" },
	{ "--where=", "--where \"\": EXPR is empty" },
	{ "--disk ''", "--disk \"\": DISK is empty" },
	{ "-o ''", "-o \"\": CHOICE is empty" },
	{ "--failed=1", "--failed takes no value" },
	{ "--failed=", "--failed takes no value" },
	{ "-o xml", "-o xml: \"xml\" is not one of text, json, csv" },
	{ "-o jsn", "-o jsn: \"jsn\" is not one of text, json, csv; did you mean json?" },
	{ "-r 0", "-r 0: \"0\" is too small; at least 1" },
	{ "-r 1001", "-r 1001: \"1001\" is too large; at most 1000" },
	{ "-r 1.5", "-r 1.5: \"1.5\" is not a whole number; try a whole number such as 10" },
	{ "-r 12abc", "-r 12abc: \"12abc\" is not a number; try a whole number such as 10" },
	{ "--level 256", "--level 256: \"256\" is too large; at most 255" },
	{ "--limit 32768", "--limit 32768: \"32768\" is too large; at most 32767" },
	{ "--buffer 1k", "--buffer 1k: \"1k\" is too small; at least 4.0K" },
	{ "-c 18446744073709551616",
	  "-c 18446744073709551616: \"18446744073709551616\" is too large; try a whole number "
	  "such as 10" },
	{ "-D 12345678", "-D 12345678: \"12345678\" is too long; at most 7 bytes" },
	{ "-p abc", "-p abc: \"abc\" is not a process; give numbers, as in -p 12,34" },
	{ "--nosuch", "unknown option --nosuch; --help lists them" },
	{ "--nosuch=1", "unknown option --nosuch=1; --help lists them" },
	{ "--duratoin 1", "unknown option --duratoin; did you mean --duration?" },
	{ "--dur 1", "unknown option --dur; did you mean --duration?" },
	{ "--d 1", "unknown option --d; --help lists them" },
	{ "--WHERE x", "unknown option --WHERE; did you mean --where?" },
	{ "--=1", "unknown option --=1; --help lists them" },
	{ "---", "unknown option ---; --help lists them" },
	{ "-z", "unknown option -z; --help lists them" },
	{ "-xz", "unknown option -z in -xz; --help lists them" },
	{ "-where x", "unknown option -where; did you mean --where?" },
	{ "-\xc3\xa9", "unknown option -\xc3\xa9; --help lists them" },
	{ "-\033[31m", "unknown option -\\e[31m; --help lists them" },
	{ "-5", "min: \"-5\" is negative" },
	{ "5 -3.5", "count: \"-3.5\" is negative" },
	{ "5 3 -1", "unexpected negative number -1" },
	{ "5 3 1", "unexpected argument \"1\"; a command to trace follows \"--\"" },
	{ "ls", "min ls: \"ls\" is not a duration; try 500ms, 10s or 2m" },
	{ "-", "min -: \"-\" is not a duration; try 500ms, 10s or 2m" },
	{ "--", "a command is missing after \"--\"" },
	{ "-x --", "a command is missing after \"--\"" },
};

static void test_mistakes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		struct run r = run_with(tool_specs, mistakes[i].line);

		if (r.ok)
			fail_msg("'%s' was accepted", mistakes[i].line);
		if (strcmp(r.result.error, mistakes[i].error) != 0)
			fail_msg("'%s':\n  %s\ninstead of\n  %s", mistakes[i].line, r.result.error,
				 mistakes[i].error);
	}
}

/* Whatever is typed, the message is one line and ends within its buffer. */
static void test_long_words(void **state)
{
	static const char *const before[] = { "", "-", "--", "-m", "--min=", "-o", "--where" };
	struct run r = { 0 };
	struct option_set sets[] = { { common_specs, &r.common, NULL },
				     { tool_specs, &r.tool, NULL } };
	char *word = malloc(100001);

	(void)state;
	assert_non_null(word);
	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		char *argv[] = { (char *)"iosonde", word, NULL };

		memset(word, i % 2 ? '\n' : 'q', 100000);
		word[100000] = '\0';
		memcpy(word, before[i], strlen(before[i]));
		assert_false(options_parse(sets, 2, 2, argv, &r.result));
		assert_true(strlen(r.result.error) > 10 &&
			    strlen(r.result.error) < sizeof(r.result.error) - 1);
		assert_null(strchr(r.result.error, '\n'));
	}
	free(word);
}

static void test_bad_default_is_reported(void **state)
{
	static const struct option_spec specs[] = {
		{ "min", 'm', FIELD(struct tool, min_ns), U_NSEC, .deflt = "10 parsecs" },
		{ NULL },
	};
	struct run r = run_with(specs, "");

	(void)state;
	assert_false(r.ok);
	assert_string_equal(r.result.error, "default of --min: \"10 parsecs\" is not a duration");
}

static void assert_help(const struct option_spec *specs, const char *title, const char *expected)
{
	struct option_set set = { specs, NULL, title };
	struct text_buf out = { 0 };

	options_help(&set, 1, &out);
	assert_string_equal(text_cstr(&out), expected);
	text_free(&out);
}

static void test_help(void **state)
{
	(void)state;
	assert_help(
		common_specs, "Common options",
		"Common options:\n"
		"  -p, --pid PID[,..]           only these processes\n"
		"  -d, --duration DURATION      stop after this long\n"
		"  -r, --top N                  rows to show (default 20)\n"
		"      --where EXPR             only rows for which this holds, such as 'lat >\n"
		"                               10ms && comm ~ \"postgres*\"'; the columns are\n"
		"                               those that the help of the command lists, hidden\n"
		"                               ones too\n"
		"  -o, --output text|json|csv   format (default text)\n"
		"  -T, --wall                   wall-clock time\n"
		"      --verbose                say more\n");
	assert_help(tool_specs + 5, NULL,
		    "  -D, --disk DISK     only this disk\n"
		    "  -x, --failed        failures only\n"
		    "  -W, --write-only    sets bits\n"
		    "  -C, --top-writers   a preset\n");
}

static void test_help_of_long_names(void **state)
{
	static const struct option_spec specs[] = {
		{ "a", 'a', FIELD(struct tool, failed), .kind = OPT_FLAG, .help = "short" },
		{ "a-name-that-is-rather-long", 0, FIELD(struct tool, min_ns), U_NSEC,
		  .deflt = "1s", .help = "long" },
		{ "none", 0, FIELD(struct tool, failed), .kind = OPT_FLAG },
		{ NULL },
	};

	(void)state;
	assert_help(specs, NULL,
		    "  -a, --a      short\n"
		    "      --a-name-that-is-rather-long DURATION\n"
		    "               long (default 1s)\n"
		    "      --none   \n");
}

static const char *const line_column[] = { "args", NULL };

static const struct option_spec classic_specs[] = {
	{ "write-only", 'W', FIELD(struct tool, mask), .kind = OPT_FLAG, .value = 6 },
	{ "rows", 'W', .kind = OPT_RENAMED, .arg = "N", .help = "rows are -r N" },
	{ "disk-classic", 'd', .kind = OPT_RENAMED, .help = "the disk is -D DISK" },
	{ "write_only", 0, .kind = OPT_SAME, .arg = "write-only" },
	{ "line", 'l', .kind = OPT_TERM, .names = line_column, .help = "lines with that" },
	{ NULL },
};

static void terms_for_the_rows(void **state)
{
	struct run r = run_with(classic_specs, "-l one --line=two");

	(void)state;
	assert_true(r.ok);
	assert_int_equal(r.result.n_terms, 2);
	assert_string_equal(r.result.terms[0].column, "args");
	assert_string_equal(r.result.terms[0].value, "one");
	assert_string_equal(r.result.terms[1].value, "two");
}

/* A classic spelling that shares its letter with an option of another kind */
static void classic_letters(void **state)
{
	struct run r = run_with(classic_specs, "-d");

	(void)state;
	assert_false(r.ok);
	assert_non_null(strstr(r.result.error, "the disk is -D DISK"));
	r = run_with(classic_specs, "-W 5");
	assert_false(r.ok);
	assert_non_null(strstr(r.result.error, "rows are -r N"));
	r = run_with(classic_specs, "-W -d 5");
	assert_true(r.ok);
	assert_int_equal(run_with(classic_specs, "--write_only").tool.mask, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(terms_for_the_rows),
		cmocka_unit_test(classic_letters),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_spellings),
		cmocka_unit_test(test_repeated),
		cmocka_unit_test(test_expanded),
		cmocka_unit_test(test_positionals),
		cmocka_unit_test(test_custom_positional_takes_all),
		cmocka_unit_test(test_command),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_long_words),
		cmocka_unit_test(test_bad_default_is_reported),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_help_of_long_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
