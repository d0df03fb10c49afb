/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Quantities as people read them. */
#include "core/rows/unit_format.h"

#include <string.h>

#include "core/base/digits.h"
#include "core/names/user.h"

#define NSEC_PER_SEC 1000000000ull

static uint64_t divide_rounded(uint64_t v, uint64_t by)
{
	return v / by + (v % by >= by - by / 2);
}

static size_t put_text(char *dst, const char *s)
{
	size_t n = strlen(s);

	memcpy(dst, s, n);
	return n;
}

/* @v in units of 1 / 10^@decimals */
static size_t put_fixed(char *dst, uint64_t v, unsigned decimals)
{
	uint64_t one = decimals == 1 ? 10 : 100;
	size_t n = put_u64(dst, v / one);

	dst[n++] = '.';
	return n + put_digits(dst + n, v % one, decimals);
}

/* Three significant digits, rounded; the unit is chosen after rounding: 999.9us is 1.00ms. */
static size_t put_nsec(char *dst, uint64_t ns)
{
	static const char names[3][3] = { "us", "ms", "s" };
	uint64_t unit = 1000;
	size_t n, i = 0;

	if (ns < 1000) {
		n = put_u64(dst, ns);
		return n + put_text(dst + n, "ns");
	}
	for (; i < 2 && ns >= unit * 1000 - unit / 2; i++)
		unit *= 1000;
	if (ns < 10 * unit - unit / 200)
		n = put_fixed(dst, divide_rounded(ns, unit / 100), 2);
	else if (ns < 100 * unit - unit / 20)
		n = put_fixed(dst, divide_rounded(ns, unit / 10), 1);
	else
		n = put_u64(dst, divide_rounded(ns, unit));
	return n + put_text(dst + n, names[i]);
}

static size_t put_bytes(char *dst, uint64_t v)
{
	static const char letters[] = "KMGTPE";
	uint64_t tenths;
	size_t n, i = 0;

	if (v < 1024)
		return put_u64(dst, v);
	for (;; i++) {
		unsigned shift = 10 * (unsigned)(i + 1);
		uint64_t one = 1ull << shift;

		tenths = (v >> shift) * 10 + (((v & (one - 1)) * 10 + one / 2) >> shift);
		if (tenths < 10240 || i == 5)
			break;
	}
	n = put_fixed(dst, tenths, 1);
	dst[n++] = letters[i];
	return n;
}

static size_t put_percent(char *dst, uint64_t v)
{
	size_t n = put_fixed(dst, divide_rounded(v, 10), 1);

	dst[n++] = '%';
	return n;
}

/* Thousandths: two decimals below 1,000, none above, so that one event in five seconds is seen. */
static size_t put_rate(char *dst, uint64_t v)
{
	if (v >= 1000000)
		return put_u64(dst, divide_rounded(v, 1000));
	return put_fixed(dst, divide_rounded(v, 10), 2);
}

/* Runs @put on the magnitude of @v, after its sign. */
static size_t put_signed(char *dst, const struct value *v, size_t (*put)(char *, uint64_t))
{
	size_t sign = v->kind == V_INT && v->i < 0;

	if (sign)
		dst[0] = '-';
	return sign + put(dst + sign, sign ? magnitude(v->i) : v->u);
}

/* Days since 1970-01-01 to a date (Howard Hinnant's civil_from_days). */
static size_t put_date(char *dst, int64_t days)
{
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
	uint64_t doe = (uint64_t)(z - era * 146097);
	uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	uint64_t mp = (5 * doy + 2) / 153, month = mp < 10 ? mp + 3 : mp - 9;
	int64_t year = (int64_t)yoe + era * 400 + (month <= 2);
	size_t n = put_digits(dst, (uint64_t)year, 4);

	dst[n++] = '-';
	n += put_digits(dst + n, month, 2);
	dst[n++] = '-';
	return n + put_digits(dst + n, doy - (153 * mp + 2) / 5 + 1, 2);
}

size_t put_iso_time(char *dst, const struct clock_base *clock, uint64_t ts_ns)
{
	int64_t ns = (int64_t)(ts_ns + (uint64_t)clock->realtime_off_ns);
	int64_t day = ns / (int64_t)(86400 * NSEC_PER_SEC);
	uint64_t rest, s;
	size_t n;

	if (ns % (int64_t)(86400 * NSEC_PER_SEC) < 0)
		day--; /* floor, for the years before 1970 */
	rest = (uint64_t)ns - (uint64_t)day * 86400 * NSEC_PER_SEC;
	s = rest / NSEC_PER_SEC;
	n = put_date(dst, day);
	dst[n++] = 'T';
	n += put_digits(dst + n, s / 3600, 2);
	dst[n++] = ':';
	n += put_digits(dst + n, s / 60 % 60, 2);
	dst[n++] = ':';
	n += put_digits(dst + n, s % 60, 2);
	dst[n++] = '.';
	n += put_digits(dst + n, rest % NSEC_PER_SEC, 9);
	dst[n++] = 'Z';
	return n;
}

int64_t since_start_ns(const struct clock_base *clock, uint64_t ts_ns)
{
	return (int64_t)(ts_ns - clock->start_ns);
}

static size_t put_clock(char *dst, const struct clock_base *clock, uint64_t ts_ns)
{
	int64_t since = since_start_ns(clock, ts_ns);
	uint64_t us = magnitude(since) / 1000;
	size_t n = 0;

	if (clock->wall)
		return put_iso_time(dst, clock, ts_ns);
	if (since < 0)
		dst[n++] = '-';
	n += put_u64(dst + n, us / 1000000);
	dst[n++] = '.';
	return n + put_digits(dst + n, us % 1000000, 6);
}

size_t put_number(char *dst, const struct column *col, const struct value *v,
		  const struct clock_base *clock)
{
	switch (col->unit) {
	case U_CLOCK:
		return put_clock(dst, clock, v->u);
	case U_NSEC:
		return put_signed(dst, v, put_nsec);
	case U_BYTES:
		return put_signed(dst, v, put_bytes);
	case U_PERCENT:
	case U_SHARE:
		return put_signed(dst, v, put_percent);
	case U_RATE:
	case U_DECIMAL:
		return put_signed(dst, v, put_rate);
	case U_OCTAL:
		return put_octal(dst, v->u);
	case U_HEX:
		return put_hex(dst, v->u);
	default:
		return put_signed(dst, v, put_u64);
	}
}

static size_t copy_cut(char *buf, size_t size, const char *s, size_t len)
{
	if (size == 0)
		return 0;
	if (len >= size)
		len = size - 1;
	memcpy(buf, s, len);
	buf[len] = '\0';
	return len;
}

size_t unit_format(const struct column *col, const struct value *v, const struct clock_base *clock,
		   char *buf, size_t size)
{
	char number[NUMBER_MAX];

	switch (v->kind) {
	case V_NONE:
		return copy_cut(buf, size, "-", 1);
	case V_BYTES:
		return copy_cut(buf, size, v->bytes.p, v->bytes.len);
	case V_INT:
	case V_UINT:
		break;
	}
	if (col->unit == U_USER) {
		const char *name = user_name(&clock->names->users, (uint32_t)v->u);

		return copy_cut(buf, size, name, strlen(name));
	}
	return copy_cut(buf, size, number, put_number(number, col, v, clock));
}
