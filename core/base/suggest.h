/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What messages about mistyped input have in common. */
#ifndef IOSONDE_SUGGEST_H
#define IOSONDE_SUGGEST_H

#include <stddef.h>

/* Room for what shown() puts together. */
#define SHOWN_MAX 128

/* @s made fit for a message: control characters escaped, cut with "..." when long. Returns @buf. */
const char *shown(char buf[SHOWN_MAX], const char *s, size_t len);

/*
 * The nearest of @n candidates to @word (edit distance at most 1/3 of its length, at least 1), or
 * NULL.
 */
const char *suggest(const char *word, const char *const *candidates, size_t n);

#endif
