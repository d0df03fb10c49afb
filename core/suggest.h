/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What messages about mistyped input have in common. */
#ifndef IOSONDE_SUGGEST_H
#define IOSONDE_SUGGEST_H

#include "core/option.h"

/* Room for what shown() puts together. */
#define SHOWN_MAX 128

/* @s made fit for a message: control characters escaped, cut with "..." when long. Returns @buf. */
const char *shown(char buf[SHOWN_MAX], const char *s, size_t len);

/* Values that can be typed for @unit: "500ms, 10s or 2m"; NULL where any text will do. */
const char *unit_examples(enum unit unit);

#endif
