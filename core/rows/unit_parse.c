/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Quantities as people type them. No strtod(): neither the locale nor rounding has a say. */
#include "core/rows/unit.h"

#include <string.h>
#include <strings.h>

#include "core/names/disk.h"
#include "core/names/user.h"

__extension__ typedef unsigned __int128 u128;

/* Digits after the point that count; more are accepted and cut off. */
#define FRACTION_DIGITS 18

struct suffix {
	const char *name;
	uint64_t scale;
};

static const struct suffix durations[] = {
	{ "ns", 1 },
	{ "us", 1000 },
	{ "\xc2\xb5s", 1000 }, /* U+00B5 MICRO SIGN */
	{ "\xce\xbcs", 1000 }, /* U+03BC GREEK SMALL LETTER MU */
	{ "ms", 1000000 },
	{ "s", 1000000000 },
	{ "m", 60000000000 },
	{ "h", 3600000000000 },
	{ NULL },
};

static const struct suffix percentages[] = { { "%", 100 }, { NULL } };

struct decimal {
	uint64_t whole;
	uint64_t fraction; /* in units of 1 / divisor */
	uint64_t divisor;
	bool cut;	/* digits other than 0 beyond FRACTION_DIGITS */
	bool too_large; /* the whole part */
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int digit_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

/* Reads digits of @base into *@out; returns how many. Sets *@too_large past 64 bits. */
static size_t read_digits(const char *s, size_t len, int base, uint64_t *out, bool *too_large)
{
	uint64_t n = 0;
	size_t i;

	*too_large = false;
	for (i = 0; i < len && digit_value(s[i]) < base; i++)
		if (__builtin_mul_overflow(n, (uint64_t)base, &n) ||
		    __builtin_add_overflow(n, (uint64_t)digit_value(s[i]), &n))
			*too_large = true;
	*out = n;
	return i;
}

/* "1", "1.5", ".5"; not "1." and not ".". Returns the length, 0 if there is no number. */
static size_t read_decimal(const char *s, size_t len, struct decimal *d)
{
	size_t whole = read_digits(s, len, 10, &d->whole, &d->too_large), i = whole;

	d->fraction = 0;
	d->divisor = 1;
	d->cut = false;
	if (i == len || s[i] != '.')
		return whole;
	for (i++; i < len && is_digit(s[i]); i++) {
		if (i - whole <= FRACTION_DIGITS) {
			d->fraction = d->fraction * 10 + (uint64_t)(s[i] - '0');
			d->divisor *= 10;
		} else if (s[i] != '0') {
			d->cut = true;
		}
	}
	return i - whole > 1 ? i : 0;
}

static bool fail(const char **error, const char *message)
{
	*error = message;
	return false;
}

static bool scale_decimal(const struct decimal *d, uint64_t scale, uint64_t *out,
			  const char **error)
{
	u128 whole = (u128)d->whole * scale, part = (u128)d->fraction * scale / d->divisor;

	if (d->too_large || whole + part > UINT64_MAX)
		return fail(error, "too large");
	if (scale == 1 && (d->fraction || d->cut))
		return fail(error, "not a whole number");
	if (whole + part == 0 && (d->fraction || d->cut))
		return fail(error, "too small");
	*out = (uint64_t)(whole + part);
	return true;
}

/* Sizes: K M G T P E, each with B or iB or nothing, and B alone; in any case. */
static bool size_scale(const char *s, size_t len, uint64_t *scale)
{
	static const char letters[] = "KMGTPE";
	const char *letter = NULL;

	for (const char *l = letters; *l && !letter; l++)
		if (len && strncasecmp(s, l, 1) == 0)
			letter = l;
	if (letter) {
		s++;
		len--;
		if (len == 2 && (*s == 'i' || *s == 'I')) {
			s++;
			len--;
		}
	}
	*scale = letter ? 1ull << (10 * (letter - letters + 1)) : 1;
	return (letter && len == 0) || (len == 1 && (*s == 'B' || *s == 'b'));
}

static bool listed_scale(const struct suffix *list, const char *s, size_t len, uint64_t *scale)
{
	for (; list->name; list++) {
		if (strlen(list->name) == len && memcmp(list->name, s, len) == 0) {
			*scale = list->scale;
			return true;
		}
	}
	return false;
}

static bool suffix_scale(enum unit unit, const char *s, size_t len, uint64_t *scale)
{
	switch (unit) {
	case U_CLOCK:
	case U_NSEC:
		return listed_scale(durations, s, len, scale);
	case U_BYTES:
		return size_scale(s, len, scale);
	case U_PERCENT:
	case U_SHARE:
		return listed_scale(percentages, s, len, scale);
	default:
		return false;
	}
}

static const char *not_one(enum unit unit)
{
	switch (unit) {
	case U_CLOCK:
	case U_NSEC:
		return "not a duration";
	case U_BYTES:
		return "not a size";
	case U_PERCENT:
	case U_SHARE:
		return "not a percentage";
	case U_OCTAL:
		return "not an octal mode";
	case U_USER:
		return "no such user";
	case U_DISK:
		return "not a disk";
	case U_ERRNO:
		return "not an error name";
	default:
		return "not a number";
	}
}

static bool parse_base(enum unit unit, const char *s, size_t len, int base, uint64_t *out,
		       const char **error)
{
	bool too_large;
	uint64_t n;

	if (len == 0 || read_digits(s, len, base, &n, &too_large) != len)
		return fail(error, not_one(unit));
	if (too_large)
		return fail(error, "too large");
	*out = n;
	return true;
}

static bool parse_user(const char *s, size_t len, uint64_t *out, const char **error)
{
	uint32_t uid;

	if (!user_id(s, len, &uid))
		return fail(error, not_one(U_USER));
	*out = uid;
	return true;
}

static bool parse_disk(const char *s, size_t len, uint64_t *out, const char **error)
{
	char name[256];
	uint32_t dev;

	if (len >= sizeof(name) || memchr(s, '\0', len))
		return fail(error, not_one(U_DISK));
	memcpy(name, s, len);
	name[len] = '\0';
	switch (disk_number(name, &dev)) {
	case DISK_YES:
		*out = dev;
		return true;
	case DISK_PARTITION:
		return fail(error, "a partition; requests are its disk's");
	default:
		return fail(error, not_one(U_DISK));
	}
}

static bool parse_quantity(enum unit unit, const char *s, size_t len, uint64_t bare_scale,
			   uint64_t *out, const char **error)
{
	bool time = unit == U_NSEC || unit == U_CLOCK;
	uint64_t scale = bare_scale ? bare_scale : 1, value;
	struct decimal d;
	size_t n = read_decimal(s, len, &d);

	if (!bare_scale && (unit == U_PERCENT || unit == U_SHARE))
		scale = percentages[0].scale; /* the sign is optional: 50 is 50 % */
	if (!bare_scale && (unit == U_RATE || unit == U_DECIMAL))
		scale = 1000;
	if (n == 0 || (n < len && !suffix_scale(unit, s + n, len - n, &scale)))
		return fail(error, not_one(unit));
	if (!scale_decimal(&d, scale, &value, error))
		return false;
	if (time && value > INT64_MAX) /* it is added to others, and 292 years are enough */
		return fail(error, "too large");
	*out = value;
	return true;
}

bool unit_parse(enum unit unit, const char *s, size_t len, uint64_t bare_scale, uint64_t *out,
		const char **error)
{
	int err;

	if (unit == U_USER)
		return parse_user(s, len, out, error);
	if (unit == U_DISK)
		return parse_disk(s, len, out, error);
	if (len > 1 && s[0] == '-' && (is_digit(s[1]) || s[1] == '.'))
		return fail(error, "negative");
	switch (unit) {
	case U_OCTAL:
		return parse_base(unit, s, len, 8, out, error);
	case U_ERRNO:
		err = errno_number(s, len);
		if (err < 0)
			break;
		*out = (uint64_t)err;
		return true;
	case U_HEX:
	case U_FLAGS:
		if (len > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
			return parse_base(unit, s + 2, len - 2, 16, out, error);
		break;
	default:
		break;
	}
	return parse_quantity(unit, s, len, bare_scale, out, error);
}

const char *unit_examples(enum unit unit)
{
	switch (unit) {
	case U_CLOCK:
	case U_NSEC:
		return "500ms, 10s or 2m";
	case U_BYTES:
		return "512, 64K or 1M";
	case U_COUNT:
	case U_ID:
	case U_FD:
		return "a whole number such as 10";
	case U_OCTAL:
		return "0644";
	case U_HEX:
		return "0x1f";
	case U_RATE:
		return "0.5 or 100 (per second)";
	case U_DECIMAL:
		return "0.5 or 4";
	case U_PERCENT:
	case U_SHARE:
		return "50 or 12.5%";
	case U_DISK:
		return disk_examples();
	case U_ADDR:
		return "10.0.0.1, fe80::1 or 10.0.0.0/8";
	case U_USER:
		return "a number or a user's name";
	default:
		return NULL;
	}
}
