/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The calls that attachcmp makes itself, to time them. */
#ifndef IOSONDE_ATTACHCMP_LOOP_H
#define IOSONDE_ATTACHCMP_LOOP_H

#include "core/kernel/many_cost.h"

/* Opens what the calls need; false with errno set. */
bool exercises_open(void);
void exercises_close(void);

/* Ends with a NULL name. Simple calls first: they are the steadiest clock. */
extern const struct exercise exercises[];

#endif
