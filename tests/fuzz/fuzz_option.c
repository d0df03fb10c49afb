// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The command line: words divided by NULs. */
#include "tests/fuzz/fuzz.h"

#include "core/base/text_buf.h"
#include "core/options/option.h"

#define WORDS_MAX 64

struct cfg {
	__u64 duration_ns;
	__u64 buffer;
	__u32 top;
	__u8 level;
	__s16 limit;
	bool failed;
	__u32 format;
	__u32 mask;
	__u16 percent;
	__u32 mode;
	const char *where;
	char disk[8];
	unsigned n_words;
};

static bool parse_word(const struct option_spec *spec, const char *arg, void *cfg, char *err,
		       size_t err_size)
{
	REQUIRE(strcmp(spec->name, "word") == 0);
	((struct cfg *)cfg)->n_words++;
	if (*arg != '!')
		return true;
	snprintf(err, err_size, "%s", "\"!\" can't begin a word");
	return false;
}

static const char *const formats[] = { "text", "json", "csv", NULL };

static const struct option_spec specs[] = {
	{ "duration", 'd', FIELD(struct cfg, duration_ns), U_NSEC, .bare = 1000000000,
	  .deflt = "1s", .positional = true },
	{ "buffer", 0, FIELD(struct cfg, buffer), U_BYTES, .min = 4096, .deflt = "8M" },
	{ "top", 'r', FIELD(struct cfg, top), U_COUNT, .min = 1, .max = 1000, .deflt = "20" },
	{ "level", 'l', FIELD(struct cfg, level), U_HEX },
	{ "limit", 'L', FIELD(struct cfg, limit), U_COUNT },
	{ "percent", 0, FIELD(struct cfg, percent), U_PERCENT, .max = 10000 },
	{ "mode", 'm', FIELD(struct cfg, mode), U_OCTAL },
	{ "failed", 'x', FIELD(struct cfg, failed), .kind = OPT_FLAG },
	{ "write", 'W', FIELD(struct cfg, mask), .kind = OPT_FLAG, .value = 6 },
	{ "output", 'o', FIELD(struct cfg, format), .kind = OPT_CHOICE, .names = formats },
	{ "where", 0, FIELD(struct cfg, where), .kind = OPT_STRING },
	{ "disk", 'D', FIELD(struct cfg, disk) },
	{ "word", 'w', .kind = OPT_CUSTOM, .parse = parse_word, .positional = true },
	{ "old", 'd', .kind = OPT_RENAMED, .help = "the disk is -D" },
	{ "json", 'j', .kind = OPT_RENAMED, .help = "write -o json" },
	{ NULL },
};

static void check(const struct cfg *cfg, const struct option_result *r, bool ok, int argc,
		  char **argv)
{
	size_t len = strnlen(r->error, sizeof(r->error));

	REQUIRE(len < sizeof(r->error));
	REQUIRE(ok == (len == 0));
	REQUIRE(is_harmless(r->error, len));
	if (!ok)
		return;
	REQUIRE(cfg->top >= 1 && cfg->top <= 1000);
	REQUIRE(cfg->buffer >= 4096 && cfg->percent <= 10000 && cfg->format <= 2);
	REQUIRE(cfg->limit >= 0 && (cfg->mask == 0 || cfg->mask == 6));
	REQUIRE(memchr(cfg->disk, '\0', sizeof(cfg->disk)) != NULL);
	if (r->command)
		REQUIRE(r->command > argv + 1 && r->command < argv + argc &&
			strcmp(r->command[-1], "--") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = copy_text(data, size), *argv[WORDS_MAX + 2] = { text };
	struct cfg cfg = { 0 };
	struct option_set sets[] = { { specs, &cfg, "Options" } };
	struct option_result result;
	int argc = 1;
	bool ok;

	/* Each word in memory of its own. */
	for (size_t at = 0; at < size && argc <= WORDS_MAX;) {
		argv[argc++] = strdup(text + at);
		at += strlen(text + at) + 1;
	}
	ok = options_parse(sets, 1, argc, argv, &result);
	check(&cfg, &result, ok, argc, argv);
	for (int i = 1; i < argc; i++)
		free(argv[i]);
	free(text);
	return 0;
}
