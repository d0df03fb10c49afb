/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The chain of frames.c in a library, which its caller brings in when it runs. */
#include <stdbool.h>
#include <stdint.h>

#define NAME(function) lib_##function
uint64_t lib_first(uint64_t ms, bool wait);
#include "frames.h"
