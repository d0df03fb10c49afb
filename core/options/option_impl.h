/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Between the parser of the command line and what stores single values. */
#ifndef IOSONDE_OPTION_IMPL_H
#define IOSONDE_OPTION_IMPL_H

#include "core/options/option.h"

struct option_error {
	char what[400];	  /* what is wrong: "\"1x\" is not a duration" */
	char remedy[160]; /* what to do instead, or empty: "try 500ms, 10s or 2m" */
};

/*
 * Stores @value (NULL for OPT_FLAG) into @spec's field of @cfg. On failure returns false and fills
 * @err; the field is untouched then, unless a parser of the tool's own wrote to it.
 */
bool option_apply(const struct option_spec *spec, void *cfg, const char *value,
		  struct option_error *err);

/* Does the option take a value? */
bool option_takes_value(const struct option_spec *spec);

/* What its value is called in help: "DURATION". */
const char *option_arg(const struct option_spec *spec);

#endif
