/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Globs over bytes: no locale, no special treatment of '/' or a leading dot. */
#ifndef IOSONDE_GLOB_H
#define IOSONDE_GLOB_H

#include <stdbool.h>
#include <stddef.h>

/*
 * True if all of @s matches @pat: * any bytes, ? one byte, [a-z] one of, [!a-z] or [^a-z] none of
 * ("]" first in a set is itself), and a backslash takes the meaning from what follows. A "[" that
 * is never closed and a backslash at the end stand for themselves. At most plen * slen steps.
 */
bool glob_match(const char *pat, size_t plen, const char *s, size_t slen);

/*
 * Bytes of the element that @pat begins with: a byte, one behind a backslash, a set, "?" or "*".
 * @plen isn't 0.
 */
size_t glob_element(const char *pat, size_t plen);

/* The least length of what @pat matches. */
size_t glob_shortest(const char *pat, size_t plen);

/* Does @pat match one text alone: is there no "*", "?" or set in it? */
bool glob_is_plain(const char *pat, size_t plen);

#endif
