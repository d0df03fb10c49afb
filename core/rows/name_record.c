// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "core/rows/name_record.h"

#include <string.h>

#include "core/names/ids.h"
#include "core/rows/unit.h"

void name_id_record(struct names *names, const void *rec, size_t len)
{
	static const struct column path = { "name", FIELD(struct rec_name, path), U_PATH };
	static char scratch[VALUE_SCRATCH];
	struct rec_name head;
	struct value v;

	if (len < sizeof(head))
		return;
	memcpy(&head, rec, sizeof(head));
	column_value(names, &path, rec, len, scratch, &v);
	if (v.kind == V_BYTES)
		name_id_learn(&names->ids, head.id, v.bytes.p, v.bytes.len);
}
