/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/kernel/hooks.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/kernel/btf_query.h"
#include "core/kernel/perf_hook.h"
#include "core/kernel/privs.h"

static const struct {
	const char *prefix;
	enum hook_kind_id kind;
} prefixes[] = {
	{ "tp_btf/", HK_TP_BTF },
	{ "fentry/", HK_FENTRY },
	{ "fexit/", HK_FENTRY },
	{ "kprobe/", HK_KPROBE },
	{ "kretprobe/", HK_KPROBE },
	{ "kprobe.multi/", HK_KPROBE_MULTI },
	{ "kretprobe.multi/", HK_KPROBE_MULTI },
	{ "raw_tp/", HK_RAW_TP },
	{ "tp/", HK_TRACEPOINT },
	{ SAMPLED_SECTION, HK_PERF_EVENT },
};

enum hook_kind_id hook_kind_of(const char *sec)
{
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (!strncmp(sec, prefixes[i].prefix, strlen(prefixes[i].prefix)))
			return prefixes[i].kind;
	return HK_OTHER;
}

const char *hook_ability(enum hook_kind_id kind)
{
	static const char *const names[] = {
		[HK_TP_BTF] = "tp_btf",		 [HK_FENTRY] = "fentry",
		[HK_KPROBE] = "kprobes",	 [HK_KPROBE_MULTI] = "kprobe_multi",
		[HK_RAW_TP] = "raw_tracepoints", [HK_TRACEPOINT] = "tracepoints",
		[HK_PERF_EVENT] = "perf_events", [HK_OTHER] = NULL,
	};

	return names[kind];
}

bool hook_needs_types(enum hook_kind_id kind)
{
	return kind == HK_TP_BTF || kind == HK_FENTRY || kind == HK_OTHER; /* iterators */
}

static bool shape_fits(const char *sec, const char *have, const char *want, char *why, size_t size)
{
	if (proto_fits(have, *want ? want : NULL))
		return true;
	snprintf(why, size, "%s (passes %s, not %s)", sec, have, want);
	return false;
}

static bool missing(const char *sec, const char *reason, char *why, size_t size)
{
	snprintf(why, size, "%s (%s)", sec, reason);
	return false;
}

/* A probe without a program: the kernel looks the function up, and refuses what can't be probed. */
static bool kprobe_offered(const char *sec, const char *function, char *why, size_t size)
{
	int fd = perf_kprobe(function, 0, false);

	if (fd < 0 && access(KPROBE_PMU, F_OK))
		return missing(sec, "kprobes are not built in", why, size);
	if (fd < 0)
		return missing(
			sec, errno == ENOENT ? "no such function in this kernel" : strerror(errno),
			why, size);
	close(fd);
	return true;
}

static bool tracepoint_offered(const char *sec, const char *name, char *why, size_t size)
{
	if (tracefs_has_event(name))
		return true;
	return missing(sec, tracefs_path() ? strerror(errno) : "tracefs is not mounted", why, size);
}

/*
 * What tracepoint @name passes, by the types of the kernel or, where they are to be read, of the
 * module that it is in: the first word of its name.
 */
static bool tracepoint_proto(const struct btf *btf, const char *name, char *out, size_t size)
{
	char owner[64];
	struct btf *module;
	bool found;

	if (btf_tracepoint_proto(btf, name, out, size))
		return true;
	snprintf(owner, sizeof(owner), "%.*s", (int)strcspn(name, "_"), name);
	module = privs_can_read_modules() ? btf_of_module(btf, owner) : NULL;
	found = module && btf_tracepoint_proto(module, name, out, size);
	btf__free(module);
	return found;
}

bool hook_offered(const struct btf *btf, const char *sec, const char *proto, char *why, size_t size)
{
	const char *name = strchr(sec, '/');
	char have[256];

	if (!name++)
		return true;
	switch (hook_kind_of(sec)) {
	case HK_TP_BTF:
	case HK_RAW_TP:
		if (!tracepoint_proto(btf, name, have, sizeof(have)))
			return missing(sec, "not in this kernel", why, size);
		return shape_fits(sec, have, proto, why, size);
	case HK_FENTRY:
		if (!btf_function_proto(btf, name, have, sizeof(have)))
			return missing(sec, "not in this kernel", why, size);
		return shape_fits(sec, have, proto, why, size);
	case HK_KPROBE:
		/* a kprobe sees registers alone: that they hold what is expected, BTF must say */
		if (*proto && btf_function_proto(btf, name, have, sizeof(have)) &&
		    !shape_fits(sec, have, proto, why, size))
			return false;
		return kprobe_offered(sec, name, why, size);
	case HK_TRACEPOINT:
		return tracepoint_offered(sec, name, why, size);
	case HK_PERF_EVENT:
		return perf_has_software(name) || missing(sec, "no such event", why, size);
	default:
		return true;
	}
}
