// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* -n in the kernel understands the globs that --where's ~ understands here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "core/base/glob.h"
#include "core/run/common.h"
#include "core/run/target.h"

/* comm_matches() of bpf/core/filter.bpf.h */
static bool automaton_matches(const struct comm_glob *glob, const char *comm)
{
	uint32_t state = 1;

	for (int i = 0; i < COMM_LEN && comm[i]; i++)
		state = (state & glob->mask[(uint8_t)comm[i]]) << 1 | (state & glob->loops);
	return state & glob->accept;
}

/* Every pattern and every name of up to six of these letters. */
static void test_same_globs(void **state)
{
	static const char letters[] = "a]x[*\\!-";
	const size_t n = sizeof(letters) - 1;
	struct common_opts opts = { .n_comms = 1 };
	struct target_cfg cfg;
	char pattern[7], name[5], err[200];

	(void)state;
	for (size_t p = 1; p < n * n * n * n * n; p += 7) {
		size_t len = 0;

		for (size_t rest = p; rest; rest /= n)
			pattern[len++] = letters[rest % n];
		pattern[len] = '\0';
		opts.comms[0] = pattern;
		assert_true(target_resolve(&opts, false, &cfg, err, sizeof(err)));
		for (size_t k = 1; k < n * n * n; k++) {
			size_t name_len = 0;

			for (size_t rest = k; rest; rest /= n)
				name[name_len++] = letters[rest % n];
			name[name_len] = '\0';
			if (automaton_matches(&cfg.comms[0], name) !=
			    glob_match(pattern, len, name, name_len))
				fail_msg("'%s' and '%s'", pattern, name);
		}
	}
}

/* It isn't the pattern that may have 15 bytes, but what it matches. */
static void test_long_patterns(void **state)
{
	static const struct {
		const char *pattern, *name;
		bool matches;
	} tries[] = {
		{ "[a\\]]x", "]x", true },
		{ "[a\\]]x", "a]x", false },
		{ "*[abcdefghijklmnopqrstuvwxyz]?[0-9][0-9][0-9]*", "postgres-123", true },
		{ "a?c?e?g?i?k?m?o", "abcdefghijklmno", true },
		{ "**************************sql", "mysql", true },
	};
	struct common_opts opts = { .n_comms = 1 };
	struct target_cfg cfg;
	char err[200];

	(void)state;
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		opts.comms[0] = tries[i].pattern;
		assert_true(target_resolve(&opts, false, &cfg, err, sizeof(err)));
		assert_int_equal(automaton_matches(&cfg.comms[0], tries[i].name), tries[i].matches);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_globs),
		cmocka_unit_test(test_long_patterns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
