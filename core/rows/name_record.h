/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Names on their way from a record into core/names/ids.h. */
#ifndef IOSONDE_NAME_RECORD_H
#define IOSONDE_NAME_RECORD_H

#include <stddef.h>

struct names;

/* Remembers the name in a record of type REC_NAME (@len bytes); one that is not whole is ignored.
 */
void name_id_record(struct names *names, const void *rec, size_t len);

#endif
