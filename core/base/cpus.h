/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The CPUs that this machine can have. Their numbers may have gaps. */
#ifndef IOSONDE_CPUS_H
#define IOSONDE_CPUS_H

#include <stdbool.h>
#include <stdint.h>

struct cpus {
	uint32_t n;   /* how many: values that a look-up in a per-CPU map returns */
	uint32_t ids; /* the largest number and one: elements of an array that is indexed by CPU */
};

/* Reads a list as the kernel writes it, "0-3,8,10-11". False, *@out untouched: it isn't one. */
bool cpus_parse(const char *list, struct cpus *out);

/* The possible CPUs, of /sys or, where that isn't mounted, as many as are configured. */
struct cpus cpus_possible(void);

/*
 * How many bytes a CPU may write into a ring of @buffer bytes before it wakes the reader: all of
 * them together an eighth. Where that is too little to be worth a wake-up, *@wake_data becomes how
 * much must be in the ring besides; else 0.
 */
uint64_t cpus_wake_bytes(uint64_t buffer, uint32_t n, uint64_t *wake_data);

#endif
