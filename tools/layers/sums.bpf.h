/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What becomes of an operation that is over: sums per file and call, latencies, the slow ones. */
#ifndef IOSONDE_LAYERS_SUMS_BPF_H
#define IOSONDE_LAYERS_SUMS_BPF_H

#include "tools/layers/account.bpf.h"

/* --- the table --- */

static __always_inline void add_sums(struct layers_sums *to, const struct layers_sums *from)
{
	__sync_fetch_and_add(&to->count, from->count);
	__sync_fetch_and_add(&to->errors, from->errors);
	__sync_fetch_and_add(&to->bytes, from->bytes);
	__sync_fetch_and_add(&to->lat_ns, from->lat_ns);
	for (int i = 0; i < N_CELLS; i++)
		__sync_fetch_and_add(&to->cells[i], from->cells[i]);
}

/* Where operations aren't streamed, the table is all that shows them. */
static __always_inline void lost_in_table(u64 count)
{
	COUNT_N(tool[LAYERS_LOST_TABLE], count);
	if (!cfg.stream)
		COUNT_N(lost_state, count);
}

/* Moves what @slot holds into the table. */
static __noinline int flush_slot(struct layers_slot *slot)
{
	struct layers_sums *sums;

	if (!slot || !slot->sums.count)
		return 0;
	sums = bpf_map_lookup_elem(&layers_table, &slot->key);
	if (sums) {
		add_sums(sums, &slot->sums);
	} else if (bpf_map_update_elem(&layers_table, &slot->key, &slot->sums, BPF_NOEXIST)) {
		sums = bpf_map_lookup_elem(&layers_table, &slot->key);
		if (sums)
			add_sums(sums, &slot->sums);
		else
			lost_in_table(slot->sums.count);
	}
	__builtin_memset(&slot->sums, 0, offsetof(struct layers_sums, comm));
	return 0;
}

/*
 * Sends the path of the struct file at @file, whose inode is {@dev, @ino, @gen}, if it is seen for
 * the first time. Global, like every function here that loops: the verifier takes it once, not per
 * call.
 */
__noinline int announce_file(u64 file, u64 ino, u32 dev, u32 gen)
{
	struct layers_file id = { .ino = ino, .dev = dev, .gen = gen };
	struct file_out *out;
	struct path_walk *w;
	u32 zero = 0;
	u64 len;

	if (bpf_map_lookup_elem(&layers_files, &id))
		return 0;
	out = bpf_map_lookup_elem(&layers_file_out, &zero);
	if (!out || out->busy || bpf_map_update_elem(&layers_files, &id, &zero, BPF_NOEXIST))
		return 0;
	w = path_walk(&((struct file *)file)->f_path);
	if (!w) {
		bpf_map_delete_elem(&layers_files, &id);
		return 0;
	}
	out->busy = 1;
	len = w->pos;
	BOUND(len, PATH_LEN - 1);
	rec_init(&out->e.rec, REC_FILE);
	out->e.file = id;
	out->e.path.off = sizeof(out->e);
	out->e.path.len = len;
	out->e.path.flags = w->flags;
	out->e.path.ino = w->ino;
	out->e.path.tail_len = 0;
	bpf_probe_read_kernel(out->path, len, w->buf);
	path_done(w);
	if (!emit_uncounted(out, sizeof(out->e) + len)) {
		TALLY(LAYERS_LOST_PATH);
		bpf_map_delete_elem(&layers_files, &id); /* the next operation tries again */
	}
	out->busy = 0;
	return 0;
}

/*
 * What is seldom needed stands in functions of its own, also where it is needed once: the programs
 * at system calls run often, and take less of the instruction cache without it.
 */

/* Makes slot @index that of @call on the file behind @file. */
static __noinline int refill_slot(struct layers_state *st, u32 index, u32 call, struct file *file)
{
	struct inode *inode = file ? LOAD(struct file, file, f_inode) : NULL;
	struct layers_slot *slot = &st->slots[index & (LAYERS_SLOTS - 1)];

	flush_slot(slot);
	slot->inode = (u64)inode;
	bpf_get_current_comm(slot->sums.comm, sizeof(slot->sums.comm));
	slot->key.tgid = current_ids() >> 32;
	slot->key.call = call;
	slot->key.file.ino = inode ? LOAD(struct inode, inode, i_ino) : 0;
	slot->key.file.gen = inode ? LOAD(struct inode, inode, i_generation) : 0;
	slot->key.file.dev = inode ? BPF_CORE_READ(inode, i_sb, s_dev) : 0;
	if (inode)
		announce_file(address_of(file), slot->key.file.ino, slot->key.file.dev,
			      slot->key.file.gen);
	return 0;
}

/*
 * The slot for @call on the file behind @file. A thread mostly goes on with what it did last, so it
 * keeps its sums and adds them to the table only when the slot is needed for something else, or the
 * thread ends; reports read the rest by layers_pending(). Returns the slot's index.
 */
static __always_inline u32 find_slot(struct layers_state *st, u32 call, struct file *file)
{
	struct inode *inode = file ? LOAD(struct file, file, f_inode) : NULL;
	u64 ino = inode ? LOAD(struct inode, inode, i_ino) : 0;
	u32 gen = inode ? LOAD(struct inode, inode, i_generation) : 0;
	u32 index = (ino ^ call ^ (ino >> 7)) & (LAYERS_SLOTS - 1);
	struct layers_slot *slot = &st->slots[index];

	if (slot->inode != (u64)inode || slot->key.call != call || slot->key.file.ino != ino ||
	    slot->key.file.gen != gen)
		refill_slot(st, index, call, file);
	return index;
}

/* --- the end of an operation --- */

/* Takes @lat in, in the place of the least. Global, as every function that loops. */
__noinline int enter_slowest(u64 lat)
{
	u32 zero = 0, least = 0;
	struct layers_slowest *s = bpf_map_lookup_elem(&layers_slowest, &zero);

	if (!s)
		return 0;
	s->lat_ns[s->least & (SLOWEST_MAX - 1)] = lat;
	for (u32 i = 1; i < SLOWEST_MAX; i++)
		if (s->lat_ns[i] < s->lat_ns[least & (SLOWEST_MAX - 1)])
			least = i;
	s->least = least;
	s->least_ns = s->lat_ns[least & (SLOWEST_MAX - 1)];
	return 0;
}

static __always_inline bool among_slowest(u64 lat)
{
	u32 zero = 0;
	struct layers_slowest *s = bpf_map_lookup_elem(&layers_slowest, &zero);

	if (!s || lat <= s->least_ns)
		return false;
	enter_slowest(lat);
	return true;
}

/* Reads the name at op->name_ptr into the thread's state. */
static __always_inline void read_name(struct layers_state *st, struct layers_op *op)
{
	long n = bpf_probe_read_user_str(st->name, NAME_KEPT, (const char *)op->name_ptr);

	op->name_len = n > 0 ? n - 1 : 0;
	op->name_ptr = 0;
}

static __noinline int send_op(struct layers_state *st, struct layers_op *op, s64 ret, u64 lat)
{
	u32 zero = 0, len;
	struct op_out *out = bpf_map_lookup_elem(&layers_op_out, &zero);
	struct layers_op_event *e;

	if (!out || !st || !op)
		return 0;
	if (out->busy) {
		if (cfg.stream && lat >= cfg.slow_ns)
			COUNT(lost_state);
		else
			TALLY(LAYERS_LOST_SLOW);
		return 0;
	}
	out->busy = 1;
	e = &out->e;
	rec_init(&e->rec, REC_OP);
	e->rec.ts_ns = op->end_ns;
	e->key = st->slots[op->slot & (LAYERS_SLOTS - 1)].key;
	e->tid = current_ids();
	e->fd = op->fd;
	e->ret = ret;
	e->bytes = ret > 0 && !O_OPEN(op->call) ? ret : 0;
	e->start_ns = op->start_ns;
	e->lat_ns = lat;
	for (int i = 0; i < N_CELLS; i++)
		e->cells[i] = op->cells[i];
	e->longest_wait_ns = op->longest_ns;
	e->stack = op->longest_stack;
	e->flags = op->flags;
	e->restarts = op->restarts;
	if (!O_OPEN(op->call) && op->file && !(op->flags & OP_KILLED) &&
	    (u64)file_of_fd(op->fd) != op->file)
		e->flags |= OP_FD_CHANGED;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	if (O_OPEN(op->call) && ret < 0 && op->name_ptr)
		read_name(st, op);
	len = O_OPEN(op->call) && ret < 0 ? op->name_len : 0;
	if (len >= NAME_KEPT)
		len = NAME_KEPT - 1;
	e->name.off = sizeof(*e);
	e->name.len = len;
	bpf_probe_read_kernel(out->name, len, st->name);
	if (cfg.stream && lat >= cfg.slow_ns)
		emit(out, sizeof(*e) + len);
	else if (!emit_uncounted(out, sizeof(*e) + len))
		TALLY(LAYERS_LOST_SLOW);
	out->busy = 0;
	return 0;
}

/* Global: the verifier would follow each of its branches to the end of the program. */
__noinline u32 latency_slot(u64 lat)
{
	return slot_of(lat);
}

static __always_inline void add_latency(u32 call, u64 lat)
{
	struct layers_hist *h = bpf_map_lookup_elem(&layers_hists, &call);
	u32 slot = latency_slot(lat);

	if (!h || slot >= HIST_SLOTS)
		return;
	h->slots[slot]++;
	if (lat > h->max_ns)
		h->max_ns = lat;
}

/* Adds the cells of an operation that took @lat to @sums, and sees whether they are all of it. */
static __noinline int add_cells(struct layers_sums *sums, const struct layers_op *op, u64 lat)
{
	bool over = false;
	u64 sum = 0;

	for (int i = 0; i < N_CELLS; i++) {
		sum += op->cells[i];
		over |= op->cells[i] > lat;
		sums->cells[i] += op->cells[i];
	}
	if (over || sum != lat)
		TALLY(LAYERS_OVERFLOW);
	return 0;
}

/*
 * The operation of @task, the current one, is over, with its time given out up to op->end_ns. One
 * that was never begun (begin()) was on the CPU all the time.
 */
static __always_inline void close_op(struct layers_state *st, struct layers_op *op,
				     struct task_struct *task, s64 ret)
{
	u64 lat = op->end_ns - op->entry_ns;
	struct layers_sums *sums;
	bool slowest;

	if (O_OPEN(op->call))
		op->slot = find_slot(st, op->call, ret >= 0 ? task_file_of_fd(task, ret) : NULL);
	sums = &st->slots[op->slot & (LAYERS_SLOTS - 1)].sums;
	if (op->begun) {
		lat += op->before_ns;
		add_cells(sums, op, lat);
	} else {
		sums->cells[CELL_CPU] += lat;
	}
	sums->count++;
	sums->lat_ns += lat;
	if (ret < 0)
		sums->errors++;
	else if (!O_OPEN(op->call))
		sums->bytes += ret;
	COUNT(generated);
	add_latency(op->call, lat);
	slowest = cfg.n_slowest && among_slowest(lat);
	if (cfg.stream && lat < cfg.slow_ns)
		COUNT(filtered);
	if (slowest || (cfg.stream && lat >= cfg.slow_ns)) {
		if (!op->begun) {
			begin(st);
			op->cells[CELL_CPU] = lat;
		}
		send_op(st, op, ret, lat);
	}
	op->call = 0;
}

#endif
