// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "core/options/option_impl.h"

#include <stdio.h>
#include <string.h>

#include "core/base/suggest.h"

bool option_takes_value(const struct option_spec *spec)
{
	return spec->kind != OPT_FLAG && spec->kind != OPT_EXPAND;
}

const char *option_arg(const struct option_spec *spec)
{
	if (spec->arg)
		return spec->arg;
	if (spec->kind == OPT_CHOICE)
		return "CHOICE";
	if (spec->kind != OPT_VALUE)
		return "VALUE";
	switch (spec->unit) {
	case U_CLOCK:
	case U_NSEC:
		return "DURATION";
	case U_BYTES:
		return "SIZE";
	case U_USER:
		return "USER";
	case U_DISK:
		return "DISK";
	case U_PERCENT:
	case U_SHARE:
		return "PERCENT";
	case U_OCTAL:
		return "MODE";
	case U_TEXT:
	case U_PATH:
		return "TEXT";
	default:
		return "N";
	}
}

static uint64_t field_max(const struct field *f)
{
	switch (f->kind) {
	case F_U8:
		return UINT8_MAX;
	case F_U16:
		return UINT16_MAX;
	case F_U32:
		return UINT32_MAX;
	case F_U64:
		return UINT64_MAX;
	case F_S8:
		return INT8_MAX;
	case F_S16:
		return INT16_MAX;
	case F_S32:
		return INT32_MAX;
	case F_S64:
		return INT64_MAX;
	case F_BOOL:
		return 1;
	default:
		return 0;
	}
}

/* @v fits: see field_max(). */
static void store_number(const struct field *f, void *cfg, uint64_t v)
{
	void *p = (char *)cfg + f->off;

	switch (f->kind) {
	case F_U8:
	case F_S8:
		memcpy(p, &(uint8_t){ (uint8_t)v }, 1);
		break;
	case F_U16:
	case F_S16:
		memcpy(p, &(uint16_t){ (uint16_t)v }, 2);
		break;
	case F_U32:
	case F_S32:
		memcpy(p, &(uint32_t){ (uint32_t)v }, 4);
		break;
	case F_U64:
	case F_S64:
		memcpy(p, &v, 8);
		break;
	case F_BOOL:
		memcpy(p, &(bool){ v != 0 }, sizeof(bool));
		break;
	default:
		break;
	}
}

/* "at least 1ms": the bound as people would type it. */
static void say_bound(const struct option_spec *spec, const char *which, uint64_t bound,
		      struct option_error *err)
{
	const struct column col = { .name = spec->name, .unit = spec->unit };
	const struct value v = { .kind = V_UINT, .u = bound };
	char text[64];

	unit_format(&col, &v, &(struct clock_base){ 0 }, text, sizeof(text));
	snprintf(err->remedy, sizeof(err->remedy), "%s %s", which, text);
}

static bool apply_number(const struct option_spec *spec, void *cfg, const char *value,
			 struct option_error *err)
{
	uint64_t max = spec->max ? spec->max : field_max(&spec->field), v;
	const char *examples = unit_examples(spec->unit), *problem;
	char word[SHOWN_MAX];

	shown(word, value, strlen(value));
	if (!unit_parse(spec->unit, value, strlen(value), spec->bare, &v, &problem)) {
		snprintf(err->what, sizeof(err->what), "\"%s\" is %s", word, problem);
		if (examples)
			snprintf(err->remedy, sizeof(err->remedy), "try %s", examples);
		return false;
	}
	if (v < spec->min || v > max) {
		bool small = v < spec->min;

		snprintf(err->what, sizeof(err->what), "\"%s\" is too %s", word,
			 small ? "small" : "large");
		say_bound(spec, small ? "at least" : "at most", small ? spec->min : max, err);
		return false;
	}
	store_number(&spec->field, cfg, v);
	return true;
}

static bool apply_text(const struct option_spec *spec, void *cfg, const char *value,
		       struct option_error *err)
{
	char *p = (char *)cfg + spec->field.off;
	size_t len = strlen(value);

	if (spec->field.kind == F_CSTR) {
		memcpy(p, &value, sizeof(value));
		return true;
	}
	if (len >= spec->field.size) {
		char word[SHOWN_MAX];

		snprintf(err->what, sizeof(err->what), "\"%s\" is too long",
			 shown(word, value, len));
		snprintf(err->remedy, sizeof(err->remedy), "at most %u bytes",
			 spec->field.size - 1);
		return false;
	}
	memset(p, 0, spec->field.size);
	memcpy(p, value, len + 1);
	return true;
}

static bool apply_choice(const struct option_spec *spec, void *cfg, const char *value,
			 struct option_error *err)
{
	char word[SHOWN_MAX];
	size_t n = 0, at;
	const char *near;

	for (; spec->names[n]; n++) {
		if (strcmp(spec->names[n], value) == 0) {
			store_number(&spec->field, cfg, n);
			return true;
		}
	}
	at = (size_t)snprintf(err->what, sizeof(err->what), "\"%s\" is not one of ",
			      shown(word, value, strlen(value)));
	for (size_t i = 0; i < n && at < sizeof(err->what); i++)
		at += (size_t)snprintf(err->what + at, sizeof(err->what) - at, "%s%s",
				       i ? ", " : "", spec->names[i]);
	near = suggest(value, spec->names, n);
	if (near)
		snprintf(err->remedy, sizeof(err->remedy), "did you mean %s?", near);
	return false;
}

static bool apply_custom(const struct option_spec *spec, void *cfg, const char *value,
			 struct option_error *err)
{
	if (spec->parse(spec, value, cfg, err->what, sizeof(err->what)))
		return true;
	if (!err->what[0]) {
		char word[SHOWN_MAX];

		snprintf(err->what, sizeof(err->what), "\"%s\" is not accepted",
			 shown(word, value, strlen(value)));
	}
	return false;
}

bool option_apply(const struct option_spec *spec, void *cfg, const char *value,
		  struct option_error *err)
{
	bool text = spec->field.kind == F_CSTR || spec->field.kind == F_CHARS;

	*err = (struct option_error){ 0 };
	if (spec->kind == OPT_FLAG) {
		store_number(&spec->field, cfg, spec->value ? spec->value : 1);
		return true;
	}
	if (spec->kind == OPT_CUSTOM)
		return apply_custom(spec, cfg, value, err);
	if (!*value) {
		snprintf(err->what, sizeof(err->what), "%s is empty", option_arg(spec));
		if (spec->kind == OPT_VALUE && unit_examples(spec->unit))
			snprintf(err->remedy, sizeof(err->remedy), "try %s",
				 unit_examples(spec->unit));
		return false;
	}
	if (spec->kind == OPT_CHOICE)
		return apply_choice(spec, cfg, value, err);
	return text ? apply_text(spec, cfg, value, err) : apply_number(spec, cfg, value, err);
}

bool option_cpu(const struct option_spec *spec, const char *arg, void *cfg, char *err,
		size_t err_size)
{
	uint32_t *cpu = (uint32_t *)((char *)cfg + spec->field.off);
	uint64_t number;
	const char *why;

	if (unit_parse(U_COUNT, arg, strlen(arg), 1, &number, &why) && number < 1U << 16) {
		*cpu = (uint32_t)number + 1;
		return true;
	}
	snprintf(err, err_size, "\"%s\" is no number of a CPU; the first one is 0", arg);
	return false;
}
