/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/kernel/pattern.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/glob.h"

static bool compile_regex(struct pattern *p, const char *text, size_t len, char *err, size_t size)
{
	char *copy = strndup(text, len), why[128];
	int error;

	if (!copy) {
		snprintf(err, size, "out of memory");
		return false;
	}
	error = regcomp(&p->regex, copy, REG_EXTENDED | REG_NOSUB);
	free(copy);
	p->is_regex = !error;
	if (!error)
		return true;
	regerror(error, &p->regex, why, sizeof(why));
	snprintf(err, size, "\"%s\" is not a regular expression: %s", text, why);
	return false;
}

bool pattern_compile(struct pattern *p, const char *text, char *err, size_t err_size)
{
	size_t len = strlen(text);

	*p = (struct pattern){ .text = text };
	if (!len) {
		snprintf(err, err_size, "an empty pattern matches nothing");
		return false;
	}
	if (len > 2 && text[0] == '/' && text[len - 1] == '/')
		return compile_regex(p, text + 1, len - 2, err, err_size);
	if (text[0] == '^')
		return compile_regex(p, text, len, err, err_size);
	return true;
}

bool pattern_match(const struct pattern *p, const char *name)
{
	if (p->is_regex)
		return !regexec(&p->regex, name, 0, NULL, 0);
	return glob_match(p->text, strlen(p->text), name, strlen(name));
}

void pattern_free(struct pattern *p)
{
	if (p->is_regex)
		regfree(&p->regex);
	p->is_regex = false;
}
