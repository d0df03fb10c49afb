/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Units in both directions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "core/rows/unit.h"
#include "core/rows/unit_format.h"

#define COUNT(a)  (sizeof(a) / sizeof((a)[0]))
#define UNTOUCHED 0xdeadbeefdeadbeefull

static struct names names;
static const struct clock_base no_clock = { .names = &names };

static uint64_t random_state = 0x9e3779b97f4a7c15ull;

static uint64_t random_u64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state * 2685821657736338717ull;
}

struct parse_case {
	enum unit unit;
	const char *text;
	uint64_t bare;
	uint64_t value;
	const char *error;
};

static const struct parse_case parse_cases[] = {
	{ U_NSEC, "0", 0, 0 },
	{ U_NSEC, "5", 0, 5 },
	{ U_NSEC, "10", 1000000, 10000000 },
	{ U_NSEC, "1.5", 1000000, 1500000 },
	{ U_NSEC, ".5", 1000000000, 500000000 },
	{ U_NSEC, "10ms", 1000000000, 10000000 },
	{ U_NSEC, "10ns", 0, 10 },
	{ U_NSEC, "10us", 0, 10000 },
	{ U_NSEC, "10\xc2\xb5s", 0, 10000 },
	{ U_NSEC, "10\xce\xbcs", 0, 10000 },
	{ U_NSEC, "1.5ms", 0, 1500000 },
	{ U_NSEC, "2s", 0, 2000000000 },
	{ U_NSEC, "3m", 0, 180000000000 },
	{ U_NSEC, "1h", 0, 3600000000000 },
	{ U_NSEC, "0.25h", 0, 900000000000 },
	{ U_NSEC, "007ms", 0, 7000000 },
	{ U_NSEC, "1.0ns", 0, 1 },
	{ U_NSEC, "1.0000000019s", 0, 1000000001 },
	{ U_NSEC, "0.333333333333333333333333333333s", 0, 333333333 },
	{ U_NSEC, "9223372036854775807", 0, INT64_MAX },
	{ U_NSEC, "9223372036854775807ns", 0, INT64_MAX },
	{ U_NSEC, "9223372036.854775807s", 0, INT64_MAX },
	{ U_NSEC, "2562047h", 0, 9223369200000000000 },
	{ U_NSEC, "9223372036854775808", .error = "too large" },
	{ U_NSEC, "2562048h", .error = "too large" },
	{ U_NSEC, "18446744073s", .error = "too large" },
	{ U_CLOCK, "5124095h", .error = "too large" },
	{ U_NSEC, "18446744073709551616", .error = "too large" },
	{ U_NSEC, "18446744073.709551616s", .error = "too large" },
	{ U_NSEC, "18446744074s", .error = "too large" },
	{ U_NSEC, "99999999999999999999999999999999999999999999h", .error = "too large" },
	{ U_NSEC, "6000000h", .error = "too large" },
	{ U_NSEC, "1.5ns", .error = "not a whole number" },
	{ U_NSEC, "1.5", .error = "not a whole number" },
	{ U_NSEC, "0.0000000000000000000001ns", .error = "not a whole number" },
	{ U_NSEC, "0.0001us", .error = "too small" },
	{ U_NSEC, "0.0000000000000000000000001s", .error = "too small" },
	{ U_NSEC, "", .error = "not a duration" },
	{ U_NSEC, "12abc", .error = "not a duration" },
	{ U_NSEC, "1x", .error = "not a duration" },
	{ U_NSEC, "ms", .error = "not a duration" },
	{ U_NSEC, ".", .error = "not a duration" },
	{ U_NSEC, ".ms", .error = "not a duration" },
	{ U_NSEC, "1.", .error = "not a duration" },
	{ U_NSEC, "1.ms", .error = "not a duration" },
	{ U_NSEC, "1..5ms", .error = "not a duration" },
	{ U_NSEC, "1.5.2ms", .error = "not a duration" },
	{ U_NSEC, "1,5ms", .error = "not a duration" },
	{ U_NSEC, "1e3", .error = "not a duration" },
	{ U_NSEC, "0x10", .error = "not a duration" },
	{ U_NSEC, "+1", .error = "not a duration" },
	{ U_NSEC, " 1", .error = "not a duration" },
	{ U_NSEC, "1 ", .error = "not a duration" },
	{ U_NSEC, "1 ms", .error = "not a duration" },
	{ U_NSEC, "1MS", .error = "not a duration" },
	{ U_NSEC, "1msms", .error = "not a duration" },
	{ U_NSEC, "1\xc2s", .error = "not a duration" },
	{ U_NSEC, "nan", .error = "not a duration" },
	{ U_NSEC, "inf", .error = "not a duration" },
	{ U_NSEC, "-", .error = "not a duration" },
	{ U_NSEC, "--1", .error = "not a duration" },
	{ U_NSEC, "-1", .error = "negative" },
	{ U_NSEC, "-0.5ms", .error = "negative" },
	{ U_NSEC, "-.5ms", .error = "negative" },
	{ U_CLOCK, "1.5s", 0, 1500000000 },
	{ U_CLOCK, "x", .error = "not a duration" },
	{ U_BYTES, "512", 0, 512 },
	{ U_BYTES, "512B", 0, 512 },
	{ U_BYTES, "64k", 0, 65536 },
	{ U_BYTES, "64K", 0, 65536 },
	{ U_BYTES, "64KiB", 0, 65536 },
	{ U_BYTES, "64kb", 0, 65536 },
	{ U_BYTES, "1.5K", 0, 1536 },
	{ U_BYTES, "1.3K", 0, 1331 },
	{ U_BYTES, "3M", 0, 3145728 },
	{ U_BYTES, "1G", 0, 1073741824 },
	{ U_BYTES, "2TiB", 0, 2199023255552 },
	{ U_BYTES, "1P", 0, 1ull << 50 },
	{ U_BYTES, "15E", 0, 15ull << 60 },
	{ U_BYTES, "8", 1024, 8192 },
	{ U_BYTES, "16E", .error = "too large" },
	{ U_BYTES, "1.5", .error = "not a whole number" },
	{ U_BYTES, "1.5B", .error = "not a whole number" },
	{ U_BYTES, "1i", .error = "not a size" },
	{ U_BYTES, "1iB", .error = "not a size" },
	{ U_BYTES, "1Ki", .error = "not a size" },
	{ U_BYTES, "1KK", .error = "not a size" },
	{ U_BYTES, "1KiBB", .error = "not a size" },
	{ U_BYTES, "1ms", .error = "not a size" },
	{ U_BYTES, "K", .error = "not a size" },
	{ U_BYTES, "-4K", .error = "negative" },
	{ U_PERCENT, "50%", 0, 5000 },
	{ U_PERCENT, "50", 0, 5000 },
	{ U_PERCENT, "81.23%", 0, 8123 },
	{ U_PERCENT, "0.01", 0, 1 },
	{ U_PERCENT, "50", 1, 50 },
	{ U_PERCENT, "0.001%", .error = "too small" },
	{ U_PERCENT, "%", .error = "not a percentage" },
	{ U_PERCENT, "5%%", .error = "not a percentage" },
	{ U_SHARE, "12.5", 0, 1250 },
	{ U_RATE, "0.38", 0, 380 },
	{ U_RATE, "12", 0, 12000 },
	{ U_DECIMAL, "3.97", 0, 3970 },
	{ U_COUNT, "0", 0, 0 },
	{ U_COUNT, "18446744073709551615", 0, UINT64_MAX },
	{ U_COUNT, "3", 1000, 3000 },
	{ U_COUNT, "18446744073709551615", 2, .error = "too large" },
	{ U_COUNT, "5K", .error = "not a number" },
	{ U_COUNT, "1.5", .error = "not a whole number" },
	{ U_COUNT, "-1", .error = "negative" },
	{ U_COUNT, "", .error = "not a number" },
	{ U_ID, "42", 0, 42 },
	{ U_ID, "abc", .error = "not a number" },
	{ U_ID, "0x1f", .error = "not a number" },
	{ U_FD, "3", 0, 3 },
	{ U_HEX, "0x1f", 0, 31 },
	{ U_HEX, "0XfF", 0, 255 },
	{ U_HEX, "31", 0, 31 },
	{ U_HEX, "0xffffffffffffffff", 0, UINT64_MAX },
	{ U_HEX, "0x10000000000000000", .error = "too large" },
	{ U_HEX, "0x", .error = "not a number" },
	{ U_HEX, "0xg", .error = "not a number" },
	{ U_FLAGS, "0x80000", 0, 0x80000 },
	{ U_OCTAL, "644", 0, 0644 },
	{ U_OCTAL, "0644", 0, 0644 },
	{ U_OCTAL, "0", 0, 0 },
	{ U_OCTAL, "8", .error = "not an octal mode" },
	{ U_OCTAL, "", .error = "not an octal mode" },
	{ U_OCTAL, "7777777777777777777777", .error = "too large" },
	{ U_ERRNO, "ENOENT", 0, ENOENT },
	{ U_ERRNO, "2", 0, 2 },
	{ U_ERRNO, "ENOSUCH", .error = "not an error name" },
	{ U_USER, "root", 0, 0 },
	{ U_USER, "0", 0, 0 },
	{ U_USER, "4294967295", 0, UINT32_MAX },
	{ U_USER, "4294967296", .error = "no such user" },
	{ U_USER, "no-such-user-here", .error = "no such user" },
	{ U_USER, "", .error = "no such user" },
	{ U_TEXT, "abc", .error = "not a number" },
};

/* The text has no NUL after it: reading on is a sanitizer's catch. */
static bool parse(const struct parse_case *c, uint64_t *out, const char **error)
{
	size_t len = strlen(c->text);
	char *exact = malloc(len ? len : 1);
	bool ok;

	memcpy(exact, c->text, len);
	ok = unit_parse(c->unit, exact, len, c->bare, out, error);
	free(exact);
	return ok;
}

static void parses(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(parse_cases); i++) {
		const struct parse_case *c = &parse_cases[i];
		const char *error = NULL;
		uint64_t out = UNTOUCHED;
		bool ok = parse(c, &out, &error);

		if (c->error) {
			if (ok || out != UNTOUCHED || !error || strcmp(error, c->error) != 0)
				fail_msg("\"%s\": %s (%" PRIu64 "), expected: %s", c->text,
					 ok ? "accepted" : error, out, c->error);
		} else if (!ok || out != c->value) {
			fail_msg("\"%s\": %s, %" PRIu64 ", expected %" PRIu64, c->text,
				 ok ? "accepted" : error, out, c->value);
		}
	}
}

/* In a locale with decimal commas, where there is one. */
static void parses_in_any_locale(void **state)
{
	(void)state;
	setlocale(LC_ALL, "de_DE.UTF-8");
	parses(state);
	setlocale(LC_ALL, "C");
}

struct format_case {
	enum unit unit;
	enum value_kind kind;
	uint64_t value;
	const char *text;
};

static const struct format_case format_cases[] = {
	{ U_NSEC, V_UINT, 0, "0ns" },
	{ U_NSEC, V_UINT, 1, "1ns" },
	{ U_NSEC, V_UINT, 812, "812ns" },
	{ U_NSEC, V_UINT, 999, "999ns" },
	{ U_NSEC, V_UINT, 1000, "1.00us" },
	{ U_NSEC, V_UINT, 1004, "1.00us" },
	{ U_NSEC, V_UINT, 1005, "1.01us" },
	{ U_NSEC, V_UINT, 1230, "1.23us" },
	{ U_NSEC, V_UINT, 9994, "9.99us" },
	{ U_NSEC, V_UINT, 9995, "10.0us" },
	{ U_NSEC, V_UINT, 12345, "12.3us" },
	{ U_NSEC, V_UINT, 99949, "99.9us" },
	{ U_NSEC, V_UINT, 99950, "100us" },
	{ U_NSEC, V_UINT, 999499, "999us" },
	{ U_NSEC, V_UINT, 999500, "1.00ms" },
	{ U_NSEC, V_UINT, 10000000, "10.0ms" },
	{ U_NSEC, V_UINT, 999499999, "999ms" },
	{ U_NSEC, V_UINT, 999500000, "1.00s" },
	{ U_NSEC, V_UINT, 4200000000, "4.20s" },
	{ U_NSEC, V_UINT, 132000000000, "132s" },
	{ U_NSEC, V_UINT, 999500000000, "1000s" },
	{ U_NSEC, V_UINT, 12345000000000, "12345s" },
	{ U_NSEC, V_UINT, UINT64_MAX, "18446744074s" },
	{ U_NSEC, V_INT, (uint64_t)-1, "-1ns" },
	{ U_NSEC, V_INT, (uint64_t)-1230, "-1.23us" },
	{ U_NSEC, V_INT, (uint64_t)INT64_MIN, "-9223372037s" },
	{ U_NSEC, V_INT, 1230, "1.23us" },
	{ U_BYTES, V_UINT, 0, "0" },
	{ U_BYTES, V_UINT, 512, "512" },
	{ U_BYTES, V_UINT, 1023, "1023" },
	{ U_BYTES, V_UINT, 1024, "1.0K" },
	{ U_BYTES, V_UINT, 1536, "1.5K" },
	{ U_BYTES, V_UINT, 1048524, "1023.9K" },
	{ U_BYTES, V_UINT, 1048525, "1.0M" },
	{ U_BYTES, V_UINT, 3145728, "3.0M" },
	{ U_BYTES, V_UINT, 1073741824, "1.0G" },
	{ U_BYTES, V_UINT, 1ull << 40, "1.0T" },
	{ U_BYTES, V_UINT, 1ull << 50, "1.0P" },
	{ U_BYTES, V_UINT, 1ull << 60, "1.0E" },
	{ U_BYTES, V_UINT, UINT64_MAX, "16.0E" },
	{ U_BYTES, V_INT, (uint64_t)-1536, "-1.5K" },
	{ U_COUNT, V_UINT, 0, "0" },
	{ U_COUNT, V_UINT, 9, "9" },
	{ U_COUNT, V_UINT, 10, "10" },
	{ U_COUNT, V_UINT, 99, "99" },
	{ U_COUNT, V_UINT, 100, "100" },
	{ U_COUNT, V_UINT, 9999, "9999" },
	{ U_COUNT, V_UINT, 10000, "10000" },
	{ U_COUNT, V_UINT, UINT64_MAX, "18446744073709551615" },
	{ U_COUNT, V_INT, (uint64_t)-1, "-1" },
	{ U_COUNT, V_INT, (uint64_t)INT64_MIN, "-9223372036854775808" },
	{ U_ID, V_UINT, 1234567, "1234567" },
	{ U_FD, V_INT, 3, "3" },
	{ U_FD, V_NONE, 0, "-" },
	{ U_OCTAL, V_INT, 0, "0000" },
	{ U_OCTAL, V_INT, 07, "0007" },
	{ U_OCTAL, V_INT, 0644, "0644" },
	{ U_OCTAL, V_INT, 04755, "04755" },
	{ U_OCTAL, V_UINT, UINT64_MAX, "01777777777777777777777" },
	{ U_HEX, V_UINT, 0, "0x0" },
	{ U_HEX, V_UINT, 0x1f, "0x1f" },
	{ U_HEX, V_UINT, 0x100, "0x100" },
	{ U_HEX, V_UINT, UINT64_MAX, "0xffffffffffffffff" },
	{ U_PERCENT, V_UINT, 0, "0.0%" },
	{ U_PERCENT, V_UINT, 4, "0.0%" },
	{ U_PERCENT, V_UINT, 5, "0.1%" },
	{ U_PERCENT, V_UINT, 8123, "81.2%" },
	{ U_PERCENT, V_UINT, 10000, "100.0%" },
	{ U_PERCENT, V_INT, (uint64_t)-150, "-1.5%" },
	{ U_PERCENT, V_UINT, UINT64_MAX, "184467440737095516.2%" },
	{ U_SHARE, V_UINT, 8123, "81.2%" },
	{ U_RATE, V_UINT, 0, "0.00" },
	{ U_RATE, V_UINT, 380, "0.38" },
	{ U_RATE, V_UINT, 999994, "999.99" },
	{ U_RATE, V_UINT, 1000499, "1000" },
	{ U_DECIMAL, V_UINT, 3970, "3.97" },
	{ U_CLOCK, V_UINT, 0, "0.000000" },
	{ U_CLOCK, V_UINT, 123999, "0.000123" },
	{ U_CLOCK, V_UINT, 61000001000, "61.000001" },
	{ U_CLOCK, V_UINT, (uint64_t)-5000, "-0.000005" },
	{ U_USER, V_UINT, 0, "root" },
	{ U_USER, V_UINT, 3987654321, "3987654321" },
};

static void formats(void **state)
{
	char buf[64];

	(void)state;
	for (size_t i = 0; i < COUNT(format_cases); i++) {
		const struct format_case *c = &format_cases[i];
		struct column col = { .name = "x", .unit = c->unit };
		struct value v = { .kind = c->kind, .u = c->value };
		size_t n = unit_format(&col, &v, &no_clock, buf, sizeof(buf));

		assert_string_equal(buf, c->text);
		assert_int_equal(n, strlen(c->text));
		assert_true(n < NUMBER_MAX);
	}
}

static void formats_into_any_room(void **state)
{
	struct column col = { .name = "x", .unit = U_NSEC };
	struct value v = { .kind = V_UINT, .u = 1230000 };

	(void)state;
	for (size_t size = 0; size < 10; size++) {
		char *buf = malloc(size ? size : 1);
		size_t n = unit_format(&col, &v, &no_clock, buf, size);

		assert_true(size == 0 ? n == 0 : n < size);
		if (size) {
			assert_int_equal(buf[n], '\0');
			assert_memory_equal(buf, "1.23ms", n);
		}
		if (size > 6)
			assert_int_equal(n, 6);
		free(buf);
	}
	v = (struct value){ V_BYTES, .bytes = { "abc\0def", 7 } };
	char small[5];

	assert_int_equal(unit_format(&col, &v, &no_clock, small, sizeof(small)), 4);
	assert_memory_equal(small, "abc\0", 5);
}

/* What is printed is read back as the same to within the digits shown. */
static void round_trips(void **state)
{
	static const struct {
		enum unit unit;
		uint64_t half_step; /* of the last digit shown, per 1000 of the value */
		uint64_t least;	    /* where that digit has a fixed place */
	} units[] = {
		{ U_NSEC, 5, 0 }, { U_BYTES, 50, 0 }, { U_PERCENT, 0, 5 }, { U_COUNT, 0, 0 }
	};

	(void)state;
	for (size_t u = 0; u < COUNT(units); u++) {
		struct column col = { .name = "x", .unit = units[u].unit };

		for (int i = 0; i < 20000; i++) {
			uint64_t in = random_u64() >> (1 + random_u64() % 63), back = 0, off;
			struct value v = { .kind = V_UINT, .u = in };
			const char *error = NULL;
			char buf[64];
			size_t n = unit_format(&col, &v, &no_clock, buf, sizeof(buf));

			if (!unit_parse(col.unit, buf, n, 0, &back, &error))
				fail_msg("%" PRIu64 " -> \"%s\": %s", in, buf, error);
			off = in > back ? in - back : back - in;
			if (off >
			    (in < 1000 ? 0 : (in / 1000 + 1) * units[u].half_step) + units[u].least)
				fail_msg("%" PRIu64 " -> \"%s\" -> %" PRIu64, in, buf, back);
		}
	}
}

static void clock_is_utc(void **state)
{
	struct clock_base clock = { .wall = true };
	struct column col = { .name = "time", .unit = U_CLOCK };
	char buf[64], want[64];

	(void)state;
	clock.realtime_off_ns = 1795308383000000000;
	clock.start_ns = 77;
	unit_format(&col, &(struct value){ V_UINT, .u = 123456789 }, &clock, buf, sizeof(buf));
	assert_string_equal(buf, "2026-11-22T00:46:23.123456789Z");
	for (int i = 0; i < 20000; i++) {
		/* All of int64_t: 1677 to 2262, with its leap years */
		int64_t ns = (int64_t)random_u64();
		time_t s = ns / 1000000000 - (ns % 1000000000 < 0);
		struct tm tm;
		size_t n;

		clock.realtime_off_ns = ns;
		gmtime_r(&s, &tm);
		n = strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S", &tm);
		snprintf(want + n, sizeof(want) - n, ".%09" PRId64 "Z", ns - s * 1000000000);
		unit_format(&col, &(struct value){ V_UINT, .u = 0 }, &clock, buf, sizeof(buf));
		assert_string_equal(buf, want);
	}
}

static void clock_counts_from_the_start(void **state)
{
	struct clock_base clock = { .start_ns = 5000000000, .realtime_off_ns = 1 };
	struct column col = { .name = "time", .unit = U_CLOCK };
	char buf[64];

	(void)state;
	unit_format(&col, &(struct value){ V_UINT, .u = 6123456789 }, &clock, buf, sizeof(buf));
	assert_string_equal(buf, "1.123456");
	unit_format(&col, &(struct value){ V_UINT, .u = 4999999000 }, &clock, buf, sizeof(buf));
	assert_string_equal(buf, "-0.000001");
	assert_int_equal(since_start_ns(&clock, 4999999000), -1000);
}

static void keys_carry_the_unit(void **state)
{
	static const struct {
		const char *name;
		enum unit unit;
		const char *key;
	} cases[] = {
		{ "lat", U_NSEC, "lat_ns" },
		{ "lat_ns", U_NSEC, "lat_ns" },
		{ "p99", U_NSEC, "p99_ns" },
		{ "time", U_CLOCK, "time_ns" },
		{ "bytes", U_BYTES, "bytes" },
		{ "size", U_BYTES, "size_bytes" },
		{ "read_bytes", U_BYTES, "read_bytes" },
		{ "rate", U_PERCENT, "rate_percent" },
		{ "share", U_SHARE, "share_percent" },
		{ "read", U_RATE, "read_per_s" },
		{ "percent", U_PERCENT, "percent" },
		{ "uid", U_USER, "uid" },
		{ "user", U_USER, "uid" },
		{ "owner", U_USER, "owner_uid" },
		{ "pid", U_ID, "pid" },
		{ "path", U_PATH, "path" },
		{ "type", U_ENUM, "kind" },
		{ "columns", U_NSEC, "columns_ns" },
	};
	char buf[64], small[4];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct column col = { .name = cases[i].name, .unit = cases[i].unit };

		assert_ptr_equal(column_key(&col, buf, sizeof(buf)), buf);
		assert_string_equal(buf, cases[i].key);
	}
	column_key(&(struct column){ .name = "latency", .unit = U_NSEC }, small, sizeof(small));
	assert_string_equal(small, "lat");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses),
		cmocka_unit_test(parses_in_any_locale),
		cmocka_unit_test(formats),
		cmocka_unit_test(formats_into_any_room),
		cmocka_unit_test(round_trips),
		cmocka_unit_test(clock_is_utc),
		cmocka_unit_test(clock_counts_from_the_start),
		cmocka_unit_test(keys_carry_the_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
