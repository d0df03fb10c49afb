/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/kernel/abilities_try.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "core/kernel/abilities_attach.h"
#include "core/kernel/btf_query.h"

#define LICENSE	    "Dual BSD/GPL"
#define LOOP_ROUNDS 3

struct code {
	struct bpf_insn insn[32];
	size_t n;
	size_t callback; /* where BODY_LOOP's function begins; 0: no function */
	int map;	 /* what the body uses; -1 */
	int btf;	 /* types of the map or of the functions; -1 */
	int main_type, callback_type;
};

static void emit(struct code *c, int op, int dst, int src, int off, int imm)
{
	c->insn[c->n++] = (struct bpf_insn){ .code = (__u8)op,
					     .dst_reg = (__u8)dst & 15,
					     .src_reg = (__u8)src & 15,
					     .off = (__s16)off,
					     .imm = imm };
}

static void emit_set(struct code *c, int dst, int imm)
{
	emit(c, BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm);
}

static void emit_copy(struct code *c, int dst, int src)
{
	emit(c, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}

/* A map, an address inside one, or a function, by BPF_PSEUDO_...: two slots. */
static void emit_address(struct code *c, int dst, int pseudo, int imm)
{
	emit(c, BPF_LD | BPF_DW | BPF_IMM, dst, pseudo, 0, imm);
	emit(c, 0, 0, 0, 0, 0);
}

static void emit_call(struct code *c, int helper)
{
	emit(c, BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

static void emit_return(struct code *c)
{
	emit_set(c, 0, 0);
	emit(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* if (r0 OP imm) return 0; @op is BPF_JNE or BPF_JEQ. */
static void emit_return_if(struct code *c, int op, int imm)
{
	int inverse = op == BPF_JNE ? BPF_JEQ : BPF_JNE;

	emit(c, BPF_JMP | inverse | BPF_K, 0, 0, 2, imm);
	emit_return(c);
}

static void emit_mark(struct code *c, const struct trial *t)
{
	emit_address(c, 1, BPF_PSEUDO_MAP_VALUE, t->mark);
	emit(c, BPF_ST | BPF_MEM | BPF_DW, 1, 0, 0, 1);
	emit_return(c);
}

static bool body_ring(struct code *c, const struct trial *t)
{
	c->map = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "try_ring", 0, 0, t->ring_bytes, NULL);
	emit(c, BPF_ST | BPF_MEM | BPF_DW, 10, 0, -8, 1);
	emit_address(c, 1, BPF_PSEUDO_MAP_FD, c->map);
	emit_copy(c, 2, 10);
	emit(c, BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -8);
	emit_set(c, 3, 8);
	emit_set(c, 4, 0);
	emit_call(c, BPF_FUNC_ringbuf_output);
	emit_return_if(c, BPF_JNE, 0);
	return c->map >= 0;
}

static int load_types(struct btf *btf)
{
	int fd = -1;

	if (!btf__load_into_kernel(btf))
		fd = dup(btf__fd(btf));
	btf__free(btf);
	return fd;
}

static bool body_task_storage(struct code *c)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC, .btf_key_type_id = 1,
		    .btf_value_type_id = 1);
	struct btf *btf = btf__new_empty();

	if (!btf)
		return false;
	btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	c->btf = load_types(btf);
	if (c->btf < 0)
		return false;
	opts.btf_fd = (__u32)c->btf;
	c->map = bpf_map_create(BPF_MAP_TYPE_TASK_STORAGE, "try_storage", 4, 4, 0, &opts);
	emit(c, BPF_LDX | BPF_MEM | BPF_DW, 2, 1, 0, 0);
	emit_address(c, 1, BPF_PSEUDO_MAP_FD, c->map);
	emit_set(c, 3, 0);
	emit_set(c, 4, BPF_LOCAL_STORAGE_GET_F_CREATE);
	emit_call(c, BPF_FUNC_task_storage_get);
	emit_return_if(c, BPF_JEQ, 0);
	return c->map >= 0;
}

static bool body_fetch_add(struct code *c, const struct trial *t)
{
	emit_address(c, 1, BPF_PSEUDO_MAP_VALUE, t->mark);
	emit_set(c, 0, 1);
	emit(c, BPF_STX | BPF_ATOMIC | BPF_DW, 1, 0, 0, BPF_ADD | BPF_FETCH);
	emit_return_if(c, BPF_JNE, 0); /* the old value */
	return true;
}

/* Callbacks need the types of both functions: "int main(void *)", "int callback(void *)". */
static bool body_loop(struct code *c)
{
	struct btf *btf = btf__new_empty();
	int number, pointer, proto;

	if (!btf)
		return false;
	number = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	pointer = btf__add_ptr(btf, 0);
	proto = btf__add_func_proto(btf, number);
	btf__add_func_param(btf, "arg", pointer);
	c->main_type = btf__add_func(btf, "try_main", BTF_FUNC_STATIC, proto);
	c->callback_type = btf__add_func(btf, "try_callback", BTF_FUNC_STATIC, proto);
	c->btf = load_types(btf);
	emit_set(c, 1, LOOP_ROUNDS);
	c->callback = 1; /* patched when it is known where that is */
	emit_address(c, 2, BPF_PSEUDO_FUNC, 0);
	emit_set(c, 3, 0);
	emit_set(c, 4, 0);
	emit_call(c, BPF_FUNC_loop);
	emit_return_if(c, BPF_JNE, LOOP_ROUNDS);
	return c->btf >= 0;
}

static void end_loop(struct code *c)
{
	size_t at = c->callback; /* the instruction that takes the address */

	c->callback = c->n;
	c->insn[at].imm = (int)(c->n - at) - 1;
	emit_return(c);
}

static void body_kernel_read(struct code *c)
{
	emit(c, BPF_LDX | BPF_MEM | BPF_DW, 3, 1, 0, 0);
	emit_copy(c, 1, 10);
	emit(c, BPF_ALU64 | BPF_ADD | BPF_K, 1, 0, 0, -8);
	emit_set(c, 2, 8);
	emit_call(c, BPF_FUNC_probe_read_kernel);
	emit_return_if(c, BPF_JNE, 0);
}

/*
 * The count of what forbids preemption may not be kept at all, where threads aren't preempted in
 * the kernel; so it alone says nothing. x86 has it in a variable of each CPU.
 */
static void body_not_preemptible(struct code *c, const struct trial *t)
{
	size_t size = 0;
	int migration =
		t->btf ? btf_offset(t->btf, "task_struct", "migration_disabled", &size) : -1;
	int count = -1;

	if (t->btf && !t->no_count)
		count = btf__find_by_name_kind(t->btf, "__preempt_count", BTF_KIND_VAR);
	if (size != sizeof(__u16)) /* before there was such a thing */
		return;
	emit_call(c, BPF_FUNC_get_current_task_btf);
	emit(c, BPF_LDX | BPF_MEM | BPF_H, 0, 0, migration, 0);
	if (count <= 0) {
		emit_return_if(c, BPF_JNE, 0);
		return;
	}
	emit(c, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 8, 0); /* to the mark */
	emit_address(c, 1, BPF_PSEUDO_BTF_ID, count);
	emit_call(c, BPF_FUNC_this_cpu_ptr);
	emit(c, BPF_LDX | BPF_MEM | BPF_W, 0, 0, 0, 0);
	emit(c, BPF_ALU64 | BPF_AND | BPF_K, 0, 0, 0, 0xff); /* PREEMPT_MASK */
	emit_return_if(c, BPF_JEQ, 0);
}

/* False with errno set where a map or types that the body needs were refused. */
static bool assemble(struct code *c, const struct trial *t, enum trial_body body)
{
	bool ok = true;

	switch (body) {
	case BODY_MARK:
		break;
	case BODY_RING:
		ok = body_ring(c, t);
		break;
	case BODY_TASK_STORAGE:
		ok = body_task_storage(c);
		break;
	case BODY_FETCH_ADD:
		ok = body_fetch_add(c, t);
		break;
	case BODY_LOOP:
		ok = body_loop(c);
		break;
	case BODY_KERNEL_READ:
		body_kernel_read(c);
		break;
	case BODY_NOT_PREEMPTIBLE:
		body_not_preemptible(c, t);
		break;
	}
	emit_mark(c, t);
	if (body == BODY_LOOP)
		end_loop(c);
	return ok;
}

static int load(const struct code *c, const struct hook_kind *kind, int btf_id)
{
	struct bpf_func_info info[2] = { { 0, (__u32)c->main_type },
					 { (__u32)c->callback, (__u32)c->callback_type } };
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = kind->attach_type,
		    .attach_btf_id = (__u32)btf_id);

	if (c->callback) {
		opts.prog_btf_fd = (__u32)c->btf;
		opts.func_info = info;
		opts.func_info_cnt = 2;
		opts.func_info_rec_size = sizeof(info[0]);
	}
	return bpf_prog_load(kind->prog_type, "iosonde_try", LICENSE, c->insn, c->n, &opts);
}

/* task_rename and getrusage() are what this process alone does now. */
static void provoke(void)
{
	char name[16];
	struct rusage usage;

	prctl(PR_GET_NAME, name);
	prctl(PR_SET_NAME, name);
	getrusage(RUSAGE_SELF, &usage);
}

static int count_record(void *ctx, void *data, size_t size)
{
	(void)data;
	*(size_t *)ctx += size == 8;
	return 0;
}

static bool ring_has_record(int map)
{
	size_t records = 0;
	struct ring_buffer *ring = ring_buffer__new(map, count_record, &records, NULL);

	if (ring)
		ring_buffer__consume(ring);
	ring_buffer__free(ring);
	return records > 0;
}

static bool failed(struct trial *t, const char *step)
{
	t->step = step;
	t->error = errno;
	return false;
}

static bool attach_and_run(struct trial *t, const struct hook_kind *kind, int prog)
{
	struct attachment at;
	__u64 value = 0;
	__u32 zero = 0;

	if (bpf_map_update_elem(t->mark, &zero, &value, BPF_ANY))
		return failed(t, "setting a map");
	if (!attach(&at, kind, prog, t->target))
		return failed(t, "attaching");
	if (kind->hook == HOOK_ITER)
		iterate(&at);
	else
		provoke();
	detach(&at);
	if (bpf_map_lookup_elem(t->mark, &zero, &value))
		return failed(t, "reading a map");
	errno = 0;
	return value ? true : failed(t, "running");
}

/* The program, or a negative value with step and error set. */
static int load_code(struct trial *t, const struct hook_kind *kind, const struct code *c)
{
	int btf_id = 0, prog;

	if (kind->btf_prefix) {
		char name[64];

		snprintf(name, sizeof(name), "%s%s", kind->btf_prefix, t->target);
		errno = ENOENT;
		btf_id = t->btf ? btf__find_by_name_kind(t->btf, name, kind->btf_kind) : 0;
		if (btf_id <= 0) {
			failed(t, "finding its type information");
			return -1;
		}
	}
	prog = load(c, kind, btf_id);
	if (prog < 0)
		failed(t, "loading");
	return prog;
}

static bool run_code(struct trial *t, const struct hook_kind *kind, const struct code *c)
{
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);
	int prog = load_code(t, kind, c);
	bool ok;

	if (prog < 0)
		return false;
	t->jited = !bpf_obj_get_info_by_fd(prog, &info, &size) && info.jited_prog_len;
	ok = attach_and_run(t, kind, prog);
	close(prog);
	return ok;
}

static void begin(struct trial *t, const struct hook_kind *kind)
{
	t->target = kind->target;
	t->step = NULL;
	t->error = 0;
	t->jited = false;
	errno = 0;
}

bool trial_loads(struct trial *t, enum trial_hook hook)
{
	const struct hook_kind *kind = hook_kind(hook);
	struct code c = { .map = -1, .btf = -1 };
	int prog;

	begin(t, kind);
	assemble(&c, t, BODY_MARK);
	prog = load_code(t, kind, &c);
	if (prog >= 0)
		close(prog);
	return prog >= 0;
}

bool trial_run(struct trial *t, enum trial_hook hook, enum trial_body body)
{
	const struct hook_kind *kind = hook_kind(hook);
	struct code c = { .map = -1, .btf = -1 };
	bool ok;

	begin(t, kind);
	ok = assemble(&c, t, body) ? run_code(t, kind, &c) : failed(t, "making a map");
	if (ok && body == BODY_RING && !ring_has_record(c.map))
		ok = failed(t, "reading the ring");
	if (c.map >= 0)
		close(c.map);
	if (c.btf >= 0)
		close(c.btf);
	/* kernels without CONFIG_KALLSYMS_ALL know variables by type only */
	if (!ok && body == BODY_NOT_PREEMPTIBLE && t->error == ENOENT && !t->no_count) {
		t->no_count = true;
		return trial_run(t, hook, body);
	}
	return ok;
}

bool trial_open(struct trial *t, const struct btf *btf)
{
	*t = (struct trial){ .btf = btf, .ring_bytes = 4096 };
	t->mark = bpf_map_create(BPF_MAP_TYPE_ARRAY, "try_mark", 4, 8, 1, NULL);
	return t->mark >= 0;
}

void trial_close(struct trial *t)
{
	if (t->mark >= 0)
		close(t->mark);
}
