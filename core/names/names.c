// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "core/names/names.h"

void names_free(struct names *names)
{
	user_names_free(&names->users);
	cgroup_names_free(&names->cgroups);
	id_names_free(&names->ids);
	*names = (struct names){ 0 };
}
