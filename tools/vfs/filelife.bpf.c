/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Names come from the calls, inodes from hooks inside the kernel while the call is under way
 * (noted.bpf.h). What came of it is known when the call returns.
 */
#include "bpf/core/filter.bpf.h"
#include "bpf/calls/syscall.bpf.h"

#include "tools/vfs/filelife.h"
#include "tools/vfs/noted.bpf.h"

#define O_CREAT 00000100

const volatile struct filelife_cfg cfg;

/* --- rows --- */

static __always_inline void set_who(struct filelife_event *e, u64 ids)
{
	e->pid = ids >> 32;
	e->tid = ids;
	e->mntns = current_mntns();
	current_user_and_comm(&e->uid, e->comm);
}

static __always_inline void set_birth(struct filelife_event *e, const struct life_key *key,
				      const struct birth *birth)
{
	rec_init(&e->rec, REC_ROW);
	e->ino = key->ino;
	e->dev = key->dev;
	e->age_ns = e->creator_pid = -1;
	__builtin_memset(e->creator, 0, COMM_LEN);
	if (birth) {
		e->age_ns = e->rec.ts_ns - birth->ts_ns;
		e->creator_pid = birth->pid;
		__builtin_memcpy(e->creator, birth->comm, COMM_LEN);
	}
}

/* Counts a death, and says whether it is shown. */
static __always_inline bool counted(const struct birth *birth)
{
	COUNT(generated);
	if (birth || cfg.all)
		return true;
	COUNT(filtered);
	return false;
}

/* Who calls; of a request of io_uring, who submitted it. */
struct caller {
	u64 ids;
	u32 uid;
	u32 wanted;
	u32 mntns;
	u32 reserved;
	char comm[COMM_LEN];
};

static __always_inline void emit_death(void *ctx, struct names *n, struct second_name *second,
				       const struct caller *caller, const struct noted *dead,
				       const struct birth *birth)
{
	bool over = n->action == NAMES_RENAME;
	struct filelife_event *e;
	struct wide_row *row;
	u64 size;

	if (!counted(birth))
		return;
	row = wide_take();
	if (!row)
		return;
	names_again(n, second);
	e = (void *)row->bytes;
	e->pid = caller->ids >> 32;
	e->tid = caller->ids;
	e->uid = caller->uid;
	e->mntns = caller->mntns;
	__builtin_memcpy(e->comm, caller->comm, COMM_LEN);
	set_birth(e, &dead->key, birth);
	if (over)
		e->reason = LIFE_RENAMED_OVER;
	else if (birth && birth->flags & BIRTH_LINKS)
		e->reason = LIFE_LAST_LINK;
	else
		e->reason = LIFE_UNLINKED;
	size = names_add(row, sizeof(*e), n, second, &e->first, &e->other);
	size = names_full(row, size, &e->path, over ? n->dfd[1] : n->dfd[0],
			  over ? &e->other : &e->first);
	size = wide_stacks(ctx, row, size, &e->kstack, &e->ustack);
	wide_emit(row, size);
}

/* How many links the inode has; none where its memory is another's by now. */
static __always_inline s64 links_now(const struct noted *noted)
{
	const struct inode *inode = noted->inode;
	struct life_key key;

	life_key_of(&key, inode);
	if (key.ino != noted->key.ino || key.dev != noted->key.dev || key.gen != noted->key.gen)
		return 0;
	return BPF_CORE_READ(inode, i_nlink);
}

/* A call that takes a name away has succeeded. On overlayfs both its inode and the real one are
 * noted, of which only the latter's birth is known: one death at most. */
static __always_inline void name_gone(void *ctx, struct life_state *st, struct names *n,
				      struct second_name *second, const struct caller *caller)
{
	struct noted *dead = NULL;
	struct birth *birth = NULL;

	if (n->flags & RENAME_EXCHANGE)
		return;
	for (u32 i = 0; i < N_NOTED; i++) {
		struct noted *noted = &st->noted[i];
		bool looked = noted->left == LINKS_UNKNOWN;
		struct birth *found;

		if (i >= st->n_noted || birth)
			break;
		if (looked)
			noted->left = links_now(noted);
		found = bpf_map_lookup_elem(&births, &noted->key);
		if (noted->left <= 0) {
			dead = noted;
			birth = found;
		} else if (found && !(looked && n->action == NAMES_RENAME)) {
			found->flags |= BIRTH_LINKS;
		}
	}
	if (!dead)
		return;
	if (caller->wanted)
		emit_death(ctx, n, second, caller, dead, birth);
	bpf_map_delete_elem(&births, &dead->key);
	bpf_map_delete_elem(&birth_paths, &dead->key);
}

/* --- system calls --- */

static __always_inline u32 node_type(u64 mode)
{
	return mode & S_IFMT ? mode & S_IFMT : 0100000;
}

SYSCALL_ENTER(life_enter)
{
	struct syscall_args args;
	struct task_struct *task;
	struct life_state *st;
	bool compat;
	u32 call = syscall_entered(id, &compat);

	if (!call || call == CALL_RMDIR || (call >= CALL_OPEN && call <= CALL_OPENAT2))
		return 0;
	task = current_task();
	st = lives_create(task);
	if (!st) {
		COUNT_EVENT(lost_state);
		return 0;
	}
	syscall_args(regs, compat, &args);
	st->makes = st->n_noted = 0;
	st->wanted = target_match(current_ids());
	if (call >= CALL_MKNOD) {
		st->n.action = 0;
		st->makes = node_type(call == CALL_MKNOD ? args.a[1] : args.a[2]);
		return 0;
	}
	names_entered(&st->n, call, &args);
	if (st->n.action == NAMES_RMDIR)
		st->n.action = 0; /* no file */
	else if (st->wanted)
		names_read(&st->n, st->n.action == NAMES_RENAME ? second_names_create(task) : NULL);
	return 0;
}

static __always_inline void node_made(struct life_state *st)
{
	struct maker maker;

	if (!st->n_noted)
		return;
	maker_is_current(&maker);
	born(st->noted[0].inode, &maker, 0);
}

static __always_inline void call_done(void *ctx, struct task_struct *task, struct life_state *st)
{
	struct second_name *second = NULL;
	struct caller caller = { .wanted = st->wanted };

	if (st->makes) {
		node_made(st);
		return;
	}
	if (caller.wanted) {
		caller.ids = current_ids();
		caller.mntns = current_mntns();
		current_user_and_comm(&caller.uid, caller.comm);
		if (st->n.action == NAMES_RENAME)
			second = second_names_of(task);
	}
	name_gone(ctx, st, &st->n, second, &caller);
}

SYSCALL_EXIT(life_exit)
{
	struct task_struct *task;
	struct life_state *st;
	s64 result = ret;
	bool compat;
	u32 call;

	if (REGS_NO_CALL(regs))
		return 0;
	call = syscall_entered(REGS_CALL(regs), &compat);
	if (!call)
		return 0;
	task = current_task();
	if (call >= CALL_OPEN && call <= CALL_OPENAT2) {
		if (call_ended(task, regs, &result) && result >= 0)
			opened(result, NULL);
		return 0;
	}
	st = lives_of(task);
	if (!st || !(st->n.action || st->makes))
		return 0;
	if (!ret)
		call_done(ctx, task, st);
	st->n.action = st->makes = 0;
	lives_drop(task);
	second_names_drop(task);
	return 0;
}

/* --- O_TMPFILE: the last close --- */

static __always_inline void emit_temporary(void *ctx, const struct life_key *key,
					   const struct birth *birth)
{
	struct birth_path *path = bpf_map_lookup_elem(&birth_paths, key);
	struct wide_row *row;
	struct filelife_event *e;
	u64 size = sizeof(*e), len;

	if (!counted(birth))
		return;
	row = wide_take();
	if (!row)
		return;
	e = (void *)row->bytes;
	set_who(e, current_ids());
	set_birth(e, key, birth);
	e->reason = LIFE_TEMPORARY;
	__builtin_memset(&e->path, 0, sizeof(e->path));
	if (path) {
		len = path->len;
		BOUND(len, PATH_LEN - 1);
		e->path.off = size;
		e->path.len = len;
		e->path.flags = path->flags;
		bpf_probe_read_kernel(&row->bytes[sizeof(*e)], len, path->buf);
		size += len;
	}
	size = wide_stacks(ctx, row, size, &e->kstack, &e->ustack);
	wide_emit(row, size);
}

/* @inode leaves memory. One that lost its last name meanwhile was dealt with, or soon will be. */
static __always_inline int evicted(void *ctx, const struct inode *inode)
{
	struct life_key key;
	struct birth *birth;

	if (BPF_CORE_READ(inode, i_nlink))
		return 0;
	life_key_of(&key, inode);
	birth = bpf_map_lookup_elem(&births, &key);
	if (!birth || !(birth->flags & BIRTH_NO_NAME))
		return 0;
	if (birth->flags & BIRTH_WANTED || target_match(current_ids()))
		emit_temporary(ctx, &key, birth);
	bpf_map_delete_elem(&births, &key);
	bpf_map_delete_elem(&birth_paths, &key);
	return 0;
}

SEC("fentry/security_inode_free")
int BPF_PROG(life_evict, struct inode *inode)
{
	return evicted(ctx, inode);
}

SEC("kprobe/security_inode_free")
int BPF_KPROBE(life_evict_kp, struct inode *inode)
{
	return evicted(ctx, inode);
}

SEC("tp_btf/ext4_evict_inode")
int BPF_PROG(life_evict_ext4, struct inode *inode)
{
	return evicted(ctx, inode);
}

/* --- io_uring --- */

struct life_request {
	struct names n; /* n.action 0: an open */
	struct second_name second;
	struct caller caller;
	u32 slot; /* of an open: not 0: into the ring's own table */
	u32 reserved;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u64);
	__type(value, struct life_request);
} requests SEC(".maps");

const volatile struct life_request no_request;

static __always_inline bool makes_a_file(struct io_kiocb *req)
{
	const struct io_open *open = (const void *)req;
	u8 opcode = BPF_CORE_READ(req, opcode);

	return (opcode == IORING_OP_OPENAT || opcode == IORING_OP_OPENAT2) &&
	       BPF_CORE_READ(open, how.flags) & (O_CREAT | O_TMPFILE);
}

static __always_inline void uring_submitted(struct io_kiocb *req, u64 key)
{
	bool takes = names_wanted(req);
	struct life_request *r;

	if (!takes && !makes_a_file(req))
		return;
	bpf_map_update_elem(&requests, &key, (const void *)&no_request, BPF_ANY);
	r = bpf_map_lookup_elem(&requests, &key);
	if (!r) {
		COUNT_EVENT(lost_state);
		return;
	}
	r->caller.ids = current_ids();
	r->caller.wanted = target_match(r->caller.ids);
	r->caller.mntns = current_mntns();
	current_user_and_comm(&r->caller.uid, r->caller.comm);
	if (!takes) {
		r->slot = BPF_CORE_READ((struct io_open *)req, file_slot);
		return;
	}
	names_submitted(&r->n, req);
	if (r->n.action == NAMES_RENAME)
		names_read(&r->n, &r->second);
	else
		names_read(&r->n, NULL);
}

static __always_inline void request_done(void *ctx, struct life_request *r, struct life_state *st,
					 s32 res)
{
	struct maker maker = { .pid = r->caller.ids >> 32, .wanted = r->caller.wanted };

	r->n.missing[0] = r->n.missing[1] = 0; /* the kernel's copies are gone by now */
	if (r->n.action == NAMES_RENAME) {
		if (st)
			name_gone(ctx, st, &r->n, &r->second, &r->caller);
	} else if (r->n.action == NAMES_UNLINK) {
		if (st)
			name_gone(ctx, st, &r->n, NULL, &r->caller);
	} else if (!r->n.action && !r->slot) {
		__builtin_memcpy(maker.comm, r->caller.comm, COMM_LEN);
		opened(res, &maker);
	}
}

static __always_inline void uring_completed(void *ctx, u64 key, s32 res)
{
	struct task_struct *task = current_task();
	struct life_request *r = bpf_map_lookup_elem(&requests, &key);
	struct life_state *st = NULL;

	/* what the worker has noted since the last completion was for this request */
	if (BPF_CORE_READ(task, flags) & PF_IO_WORKER)
		st = lives_of(task);
	if (r && res >= 0)
		request_done(ctx, r, st, res);
	if (r)
		bpf_map_delete_elem(&requests, &key);
	if (st) {
		st->n_noted = 0;
		lives_drop(task);
	}
}

#include "bpf/calls/uring.bpf.h"
