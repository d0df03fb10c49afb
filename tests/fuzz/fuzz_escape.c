// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* What turns bytes of strangers into text, JSON and base64. */
#include "tests/fuzz/fuzz.h"

#include "core/base/escape.h"
#include "core/base/suggest.h"

static void check_text(const char *src, size_t len)
{
	char *dst = malloc(ESCAPE_MAX * len + !len), small[SHOWN_MAX];
	size_t n;

	if (!dst)
		return;
	n = escape_text(dst, src, len);
	REQUIRE(n <= ESCAPE_MAX * len);
	REQUIRE(is_harmless(dst, n) && is_utf8(dst, n));
	REQUIRE(text_columns(dst, n) <= 2 * n);
	shown(small, src, len);
	REQUIRE(strnlen(small, SHOWN_MAX) < SHOWN_MAX && is_harmless(small, strlen(small)));
	free(dst);
}

/* @dst is the inside of a JSON string: quotes escaped, every backslash begins an escape. */
static void check_json_string(const char *dst, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		REQUIRE((unsigned char)dst[i] >= 0x20 && dst[i] != '"');
		if (dst[i] != '\\')
			continue;
		i++;
		REQUIRE(i < n && dst[i] && strchr("\"\\/bfnrtu", dst[i]));
		if (dst[i] != 'u')
			continue;
		REQUIRE(n - i > 4);
		for (size_t k = 1; k <= 4; k++)
			REQUIRE(dst[i + k] && strchr("0123456789abcdefABCDEF", dst[i + k]));
	}
}

static void check_json(const char *src, size_t len)
{
	char *dst = malloc(ESCAPE_MAX * len + !len);
	bool valid = false;
	size_t n;

	if (!dst)
		return;
	n = escape_json(dst, src, len, &valid);
	REQUIRE(n <= ESCAPE_MAX * len);
	REQUIRE(valid == is_utf8(src, len));
	REQUIRE(is_utf8(dst, n));
	check_json_string(dst, n);
	free(dst);
}

static int digit_of(char c)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(alphabet, c) : NULL;

	REQUIRE(at);
	return (int)(at - alphabet);
}

static void check_base64(const char *src, size_t len)
{
	size_t room = 4 * ((len + 2) / 3), at = 0, n;
	char *dst = malloc(room + !room);

	if (!dst)
		return;
	n = base64(dst, src, len);
	REQUIRE(n == room);
	for (size_t i = 0; i < n; i += 4) {
		unsigned pad = (dst[i + 3] == '=') + (dst[i + 2] == '=');
		unsigned bits = 0;

		REQUIRE(pad == 0 || i + 4 == n);
		for (size_t k = 0; k < 4 - pad; k++)
			bits |= (unsigned)digit_of(dst[i + k]) << (18 - 6 * k);
		for (unsigned k = 0; k < 3 - pad; k++, at++)
			REQUIRE(at < len && (char)(bits >> (16 - 8 * k)) == src[at]);
	}
	REQUIRE(at == len);
	free(dst);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *src = malloc(size ? size : 1);

	if (!src)
		return 0;
	/* Exactly as long as it is, so that reading beyond is found. */
	if (size)
		memcpy(src, data, size);
	check_text(src, size);
	check_json(src, size);
	check_base64(src, size);
	free(src);
	return 0;
}
