/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/kernel/many_hook.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include "bpf/core/many.h"
#include "core/kernel/perf_hook.h"
#include "core/rows/unit.h"

/* In the order of enum hook_how. */
const char *const hook_how_names[] = { "kprobe.multi", "kprobe", "kretprobe", "fentry",	    "fexit",
				       "tracepoint",   "raw_tp", "tp_btf",    "perf_event", NULL };

static const struct {
	enum bpf_prog_type type;
	enum bpf_attach_type attach;
} kinds[N_HOWS] = {
	[HOW_KPROBE_MULTI] = { BPF_PROG_TYPE_KPROBE, BPF_TRACE_KPROBE_MULTI },
	[HOW_KPROBE] = { BPF_PROG_TYPE_KPROBE, 0 },
	[HOW_KRETPROBE] = { BPF_PROG_TYPE_KPROBE, 0 },
	[HOW_FENTRY] = { BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY },
	[HOW_FEXIT] = { BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT },
	[HOW_TRACEPOINT] = { BPF_PROG_TYPE_TRACEPOINT, 0 },
	[HOW_RAW_TRACEPOINT] = { BPF_PROG_TYPE_RAW_TRACEPOINT, 0 },
	[HOW_TP_BTF] = { BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP },
	[HOW_SOFTWARE] = { BPF_PROG_TYPE_PERF_EVENT, 0 },
};

/* Sets the 64-bit constants that are @mark to @value. */
static void replace(struct bpf_insn *insns, size_t n, uint64_t mark, uint64_t value)
{
	for (size_t i = 0; i + 1 < n; i++) {
		if (insns[i].code != (BPF_LD | BPF_IMM | BPF_DW))
			continue;
		if (!insns[i].src_reg && (uint32_t)insns[i].imm == (uint32_t)mark &&
		    (uint32_t)insns[i + 1].imm == mark >> 32) {
			insns[i].imm = (int32_t)(uint32_t)value;
			insns[i + 1].imm = (int32_t)(value >> 32);
		}
		i++; /* it is two instructions long */
	}
}

/* The type that a hook of a tracing program is known by; 0 for one that is in no BTF. */
static int btf_id_of(const struct btf *btf, enum hook_how how, const char *target)
{
	char name[256];

	if (how != HOW_TP_BTF)
		return btf__find_by_name_kind(btf, target, BTF_KIND_FUNC);
	snprintf(name, sizeof(name), "btf_trace_%s", target);
	return btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF);
}

static bool by_type(enum hook_how how)
{
	return how == HOW_FENTRY || how == HOW_FEXIT || how == HOW_TP_BTF;
}

/* --- functions of models --- */

#define MODELS_MAX   4
#define SUBPROGS_MAX 64

/* The functions that a model consists of, as libbpf has told the kernel. */
static struct model {
	char name[64];
	struct bpf_func_info info[SUBPROGS_MAX];
	__u32 n;
	int btf; /* borrowed from the object */
} models[MODELS_MAX];

static struct model *model_of(const char *name, bool make)
{
	for (size_t i = 0; i < MODELS_MAX; i++) {
		if (make && !*models[i].name)
			snprintf(models[i].name, sizeof(models[i].name), "%s", name);
		if (!strcmp(models[i].name, name))
			return &models[i];
	}
	return NULL;
}

static int learn_functions(struct bpf_program *prog, struct bpf_prog_load_opts *opts, long cookie)
{
	struct model *m = model_of(bpf_program__name(prog), true);

	(void)cookie;
	if (!m)
		return 0;
	m->n = 0;
	if (opts->func_info_rec_size != sizeof(m->info[0]) || opts->func_info_cnt > SUBPROGS_MAX)
		return 0;
	m->n = opts->func_info_cnt;
	m->btf = (int)opts->prog_btf_fd;
	memcpy(m->info, opts->func_info, m->n * sizeof(m->info[0]));
	return 0;
}

void hook_models_begin(void)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, opts, .prog_prepare_load_fn = learn_functions);
	static bool begun;

	if (begun)
		return;
	begun = true;
	libbpf_register_prog_handler("raw_tp", BPF_PROG_TYPE_RAW_TRACEPOINT, 0, &opts);
}

/*
 * Tells the verifier which functions are global: it takes those once, and others at each call.
 */
static void take_functions(const struct bpf_program *program, struct bpf_prog_load_opts *opts)
{
	const struct model *m = model_of(bpf_program__name(program), false);

	if (!m || m->n < 2)
		return;
	opts->prog_btf_fd = (__u32)m->btf;
	opts->func_info = m->info;
	opts->func_info_cnt = m->n;
	opts->func_info_rec_size = sizeof(m->info[0]);
}

int hook_load(const struct bpf_program *model, enum hook_how how, const struct btf *btf,
	      const char *target, const struct hook_constants *constants, const char **why)
{
	size_t n = bpf_program__insn_cnt(model);
	struct bpf_insn *insns = malloc(n * sizeof(*insns));
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = kinds[how].attach);
	int fd, id = by_type(how) ? btf_id_of(btf, how, target) : 0;

	*why = NULL;
	if (by_type(how) && id <= 0)
		*why = "not in the kernel's type information";
	else if (!insns)
		*why = "out of memory";
	if (*why) {
		free(insns);
		return -1;
	}
	memcpy(insns, bpf_program__insns(model), n * sizeof(*insns));
	replace(insns, n, HOOK_INDEX_MARK, constants->index);
	replace(insns, n, HOOK_CALL_MARK, (uint64_t)constants->call);
	opts.attach_btf_id = (__u32)id;
	take_functions(model, &opts);
	fd = bpf_prog_load(kinds[how].type, bpf_program__name(model), "Dual BSD/GPL", insns, n,
			   &opts);
	if (fd < 0)
		*why = strerror(errno);
	free(insns);
	return fd < 0 ? -1 : fd;
}

int hook_attach_multi(int prog, const unsigned long *addresses, const __u64 *cookies, size_t n)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .kprobe_multi.addrs = addresses,
		    .kprobe_multi.cookies = cookies, .kprobe_multi.cnt = (__u32)n);

	return bpf_link_create(prog, 0, BPF_TRACE_KPROBE_MULTI, &opts);
}

int hook_attach(int prog, enum hook_how how, const char *target, uint64_t address)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .kprobe_multi.syms = &target,
		    .kprobe_multi.cnt = 1);

	switch (how) {
	case HOW_KPROBE_MULTI:
		if (address)
			return hook_attach_multi(prog, &(unsigned long){ address }, NULL, 1);
		return bpf_link_create(prog, 0, BPF_TRACE_KPROBE_MULTI, &opts);
	case HOW_KPROBE:
	case HOW_KRETPROBE:
		/* by address it is the very function that was asked for: names may be shared */
		return perf_attach(perf_kprobe(target, address, how == HOW_KRETPROBE), prog);
	case HOW_TRACEPOINT:
		return perf_attach(perf_tracepoint(target), prog);
	case HOW_SOFTWARE: /* there is no address: it is the CPU */
		return perf_attach(perf_software(target, (int)address), prog);
	case HOW_RAW_TRACEPOINT:
		return bpf_raw_tracepoint_open(target, prog);
	default: /* the program itself says where */
		return bpf_raw_tracepoint_open(NULL, prog);
	}
}

const char *hook_error(enum hook_how how, int error)
{
	const char *name = errno_name(error);

	if ((how == HOW_KPROBE || how == HOW_KRETPROBE) && access(KPROBE_PMU, F_OK))
		return "kprobes are not built in";
	if (how == HOW_TRACEPOINT && !tracefs_path())
		return "tracefs isn't mounted";
	if (how == HOW_KPROBE_MULTI && (error == EOPNOTSUPP || error == E2BIG || error == EINVAL))
		return "no kprobe.multi in this kernel, or not for this function";
	if (error == ENOENT)
		return "no such hook in this kernel";
	return name ? name : strerror(error);
}

uint64_t hook_missed(int prog)
{
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(prog, &info, &size) ? 0 : info.recursion_misses;
}

/* Has struct or union @t a member of that name, in itself or in one without a name? */
static bool has_member(const struct btf *btf, const struct btf_type *t, const char *name)
{
	const struct btf_member *m = btf_members(t);

	for (__u16 i = 0; i < btf_vlen(t); i++) {
		const struct btf_type *type = btf__type_by_id(btf, m[i].type);

		if (!strcmp(btf__name_by_offset(btf, m[i].name_off), name))
			return true;
		if (btf_is_composite(type) && !type->name_off && has_member(btf, type, name))
			return true;
	}
	return false;
}

bool hook_is_guarded(enum hook_how how)
{
	return how != HOW_FENTRY && how != HOW_FEXIT && how != HOW_RAW_TRACEPOINT &&
	       how != HOW_TP_BTF;
}

bool hook_guard_counts(const struct btf *btf)
{
	__s32 id = btf__find_by_name_kind(btf, "bpf_link_info", BTF_KIND_STRUCT);

	return id > 0 && has_member(btf, btf__type_by_id(btf, (__u32)id), "missed");
}
