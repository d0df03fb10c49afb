/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "bpf/core/filter.bpf.h"
#include "bpf/calls/syscall.bpf.h"

#include "tools/mem/shmsnoop.h"

#define MAX_ERRNO 4095

/* include/uapi/linux/ipc.h: what ipc() does, by its first argument */
#define IPC_SHMAT  21
#define IPC_SHMDT  22
#define IPC_SHMGET 23
#define IPC_SHMCTL 24

const volatile struct shm_cfg cfg;

static __always_inline void set_args(struct shm_event *e, u32 call, u64 a, u64 b, u64 c)
{
	e->call = call;
	e->arg[0] = a;
	e->arg[1] = b;
	e->arg[2] = c;
}

/* What a 32-bit program asks for by ipc(); false if it is about something else. */
static __always_inline bool set_ipc_args(struct shm_event *e, const struct syscall_args *args)
{
	u32 address = 0;

	switch (args->a[0] & 0xffff) {
	case IPC_SHMGET:
		set_args(e, CALL_SHMGET, args->a[1], args->a[2], args->a[3]);
		return true;
	case IPC_SHMAT: /* the address comes back in memory, the result is 0 */
		set_args(e, CALL_SHMAT, args->a[1], args->a[4], args->a[2]);
		if (!e->ret && !bpf_probe_read_user(&address, sizeof(address), (void *)args->a[3]))
			e->ret = address;
		return true;
	case IPC_SHMDT:
		set_args(e, CALL_SHMDT, args->a[4], 0, 0);
		return true;
	case IPC_SHMCTL:
		set_args(e, CALL_SHMCTL, args->a[1], args->a[2], args->a[4]);
		return true;
	}
	return false;
}

/* What the arguments and the result mean. */
static __always_inline void set_meaning(struct shm_event *e, bool failed)
{
	e->id = -1;
	e->size = e->key = ~0ULL;
	switch (e->call) {
	case CALL_SHMGET:
		e->key = (u32)e->arg[0];
		e->size = e->arg[1];
		e->id = failed ? -1 : e->ret;
		break;
	case CALL_SHMAT:
		e->id = (s32)e->arg[0];
		e->addr = failed ? e->arg[1] : (u64)e->ret;
		break;
	case CALL_SHMDT:
		e->addr = e->arg[0];
		break;
	case CALL_SHMCTL:
		e->id = (s32)e->arg[0];
		break;
	}
}

/* Apart, or the number of every call is kept in memory, where 5.10 doesn't know its bounds. */
static __noinline int returned(struct pt_regs *regs, const struct entered *in, s64 ret)
{
	struct shm_event e = {};
	struct syscall_args args;
	bool failed;

	if (!call_ended(in->task, regs, &ret))
		return 0;
	e.ret = ret;
	syscall_args(regs, in->compat, &args);
	if (in->call != CALL_IPC)
		set_args(&e, in->call, args.a[0], args.a[1], args.a[2]);
	else if (!set_ipc_args(&e, &args))
		return 0;
	failed = e.ret < 0 && e.ret >= -MAX_ERRNO;
	if (cfg.failed_only && !failed) {
		COUNT_EVENT(filtered);
		return 0;
	}
	set_meaning(&e, failed);
	rec_init(&e.rec, REC_ROW);
	e.pid = in->ids >> 32;
	e.tid = in->ids;
	task_user_and_comm(in->task, &e.uid, e.comm);
	emit_event(&e, sizeof(e));
	return 0;
}

/* None of these calls waits for long, or reads what others could change: the end tells all. */
SYSCALL_EXIT(shm_exit)
{
	struct entered in;

	return target_entered(REGS_CALL(regs), &in) ? returned(regs, &in, ret) : 0;
}
