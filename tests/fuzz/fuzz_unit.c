// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Quantities as typed: a byte for the unit, one for the scale of bare numbers, then the text. */
#include "tests/fuzz/fuzz.h"

#include "core/rows/unit.h"

#define N_UNITS (U_SHARE + 1)

/* Of the units whose text can be typed back in: by how much it may be rounded. */
static bool rounding(enum unit unit, uint64_t v, uint64_t *by)
{
	switch (unit) {
	case U_NSEC:
		*by = v / 100;
		return true;
	case U_BYTES:
		*by = v / 16;
		return true;
	case U_PERCENT:
	case U_SHARE:
		*by = 5;
		return true;
	case U_COUNT:
	case U_ID:
	case U_OCTAL:
	case U_HEX:
		*by = 0;
		return true;
	default:
		return false;
	}
}

/* What is printed for a number can be typed back, and means the same but for rounding. */
static void check_round_trip(enum unit unit, uint64_t number)
{
	const struct column col = { .name = "x", .unit = unit };
	const struct value v = { .kind = V_UINT, .u = number };
	static struct names names;
	const struct clock_base clock = { .names = &names };
	const char *error;
	uint64_t again, by;
	char text[64];
	size_t len;

	/* The last doubling may round up to 2^64, and a time to more than the 2^63 ns that it may
	 * be. */
	if (number >> 62 || !rounding(unit, number, &by))
		return;
	len = unit_format(&col, &v, &clock, text, sizeof(text));
	REQUIRE(len > 0 && len < sizeof(text) && text[len] == '\0');
	REQUIRE(unit_parse(unit, text, len, 0, &again, &error));
	REQUIRE((again > number ? again - number : number - again) <= by);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t scales[] = { 0, 1, 1000, 1000000, 1000000000, UINT64_MAX };
	const uint64_t untouched = 0x5aa5;
	uint64_t out = untouched;
	const char *error = NULL;
	enum unit unit;
	char *text;

	if (size < 2)
		return 0;
	unit = data[0] % N_UNITS;
	text = malloc(size - 1);
	if (!text)
		return 0;
	memcpy(text, data + 2, size - 2);
	if (unit_parse(unit, text, size - 2, scales[data[1] % 6], &out, &error)) {
		check_round_trip(unit, out);
	} else {
		REQUIRE(out == untouched);
		REQUIRE(error && *error && strlen(error) < 60);
	}
	free(text);
	return 0;
}
