// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* --where: an expression, a NUL, and the bytes of a record. */
#include "tests/fuzz/fuzz.h"

#include "core/rows/where.h"
#include "tests/unit/sample.h"

/* A message is three lines that are safe to print, the last a caret under the second. */
static void check_message(const char *error, size_t size)
{
	const char *text = strchr(error, '\n'), *caret = text ? strchr(text + 1, '\n') : NULL;

	REQUIRE(strnlen(error, size) < size - 1);
	REQUIRE(caret && text > error);
	REQUIRE(is_harmless(error, (size_t)(text - error)));
	REQUIRE(is_harmless(text + 1, (size_t)(caret - text - 1)));
	caret += 1 + strspn(caret + 1, " ");
	REQUIRE(strcmp(caret, "^") == 0);
}

static struct names names;

/* "!(TEXT)" must answer the opposite, unless it nests too deeply or ends inside a quote. */
static void check_inverse(const char *text, const struct where *w, const void *rec, size_t len)
{
	size_t size = strlen(text) + 4;
	char *inverse = malloc(size), error[1024];
	struct where *opposite;

	if (!inverse)
		return;
	snprintf(inverse, size, "!(%s)", text);
	opposite = where_compile(&sample_table, inverse, error, sizeof(error));
	REQUIRE(opposite || strstr(error, "too many parentheses"));
	if (opposite)
		where_set_view(opposite, &names, 0);
	if (opposite)
		REQUIRE(where_match(opposite, rec, len) != where_match(w, rec, len));
	where_free(opposite);
	free(inverse);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = size ? memchr(data, '\0', size) : NULL;
	size_t text_len = nul ? (size_t)(nul - data) : size;
	size_t len = nul ? size - text_len - 1 : 0;
	char *text = copy_text(data, text_len), error[1024];
	struct where *w = where_compile(&sample_table, text, error, sizeof(error));
	struct sample row = sample_row();
	void *rec = malloc(len ? len : 1);

	if (!w) {
		check_message(error, sizeof(error));
	} else if (rec) {
		if (len)
			memcpy(rec, nul + 1, len);
		where_set_view(w, &names, 0);
		where_match(w, rec, len);
		check_inverse(text, w, rec, len);
		check_inverse(text, w, &row, sizeof(row));
	}
	where_free(w);
	free(rec);
	free(text);
	return 0;
}
