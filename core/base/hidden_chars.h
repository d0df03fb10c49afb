/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Made by scripts/hidden-chars from Unicode 15.0.0: what shows nothing, in order. */
#ifndef IOSONDE_HIDDEN_CHARS_H
#define IOSONDE_HIDDEN_CHARS_H

#include <stdint.h>

/* clang-format off */
static const struct {
	uint32_t first, last; /* inclusive */
} hidden_chars[] = {
	{ 0xad, 0xad }, { 0x34f, 0x34f }, { 0x61c, 0x61c }, { 0x115f, 0x1160 },
	{ 0x17b4, 0x17b5 }, { 0x180b, 0x180f }, { 0x200b, 0x200f }, { 0x2028, 0x202e },
	{ 0x2060, 0x206f }, { 0x3164, 0x3164 }, { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff },
	{ 0xffa0, 0xffa0 }, { 0xfff0, 0xfffb }, { 0x13430, 0x1343f }, { 0x1bca0, 0x1bca3 },
	{ 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
};
/* clang-format on */

#endif
