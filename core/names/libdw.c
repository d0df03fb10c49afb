/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/names/libdw.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#include "core/base/log.h"

#define LIBRARY "libdw.so.1"

static const struct {
	const char *name;
	size_t at;
} functions[] = {
#define PLACE(name) { #name, offsetof(struct libdw, name) },
	LIBDW_FUNCTIONS(PLACE)
#undef PLACE
};

static bool load(struct libdw *dw)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	for (size_t i = 0; library && i < sizeof(functions) / sizeof(functions[0]); i++) {
		void *function = dlsym(library, functions[i].name);

		if (!function)
			return false;
		memcpy((char *)dw + functions[i].at, &function, sizeof(function));
	}
	return library;
}

const struct libdw *libdw(void)
{
	static enum { NEVER_TRIED, LOADED, MISSING } state;
	static struct libdw dw;

	if (state == NEVER_TRIED) {
		state = load(&dw) ? LOADED : MISSING;
		if (state == MISSING)
			log_warn("user stacks show addresses, not names: %s", dlerror());
	}
	return state == LOADED ? &dw : NULL;
}
