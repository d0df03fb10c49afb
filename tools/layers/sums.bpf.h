/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What becomes of an operation that is over: sums per file and call, latencies, the slow ones. */
#ifndef IOSONDE_LAYERS_SUMS_BPF_H
#define IOSONDE_LAYERS_SUMS_BPF_H

#include "tools/layers/account.bpf.h"
#include "tools/layers/books.bpf.h"

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

/* Adds @from to @key's sums in @map. False: there is no room. */
static __always_inline bool add_to(void *map, const struct layers_key *key,
				   const struct layers_sums *from)
{
	struct layers_sums *sums = bpf_map_lookup_elem(map, key);

	if (!sums) {
		if (!bpf_map_update_elem(map, key, from, BPF_NOEXIST))
			return true;
		sums = bpf_map_lookup_elem(map, key); /* another CPU was faster? */
	}
	if (sums)
		add_sums(sums, from);
	return sums;
}

static __noinline int add_to_others(const struct layers_slot *slot)
{
	struct layers_key key = { .file = LAYERS_OTHER_FILE };
	struct layers_sums *rest;

	if (!slot)
		return 0;
	key.tgid = slot->key.tgid;
	key.call = slot->key.call;
	if (add_to(&layers_others, &key, &slot->sums))
		return 0;
	rest = bpf_map_lookup_elem(&layers_rest, &key.call);
	if (rest)
		add_sums(rest, &slot->sums);
	return 0;
}

/* Moves what @slot holds into the table. */
static __noinline int flush_slot(struct layers_slot *slot)
{
	if (!slot || !slot->sums.count)
		return 0;
	if (!add_to(&layers_table, &slot->key, &slot->sums))
		add_to_others(slot);
	__builtin_memset(&slot->sums, 0, offsetof(struct layers_sums, comm));
	return 0;
}

/*
 * Sends what the struct path at @at stands for, whose inode is {@dev, @ino, @gen}, if it is seen
 * for the first time. Global, like every function here that loops: the verifier takes it once, not
 * per call.
 */
__noinline int announce_path(u64 at, u64 ino, u32 dev, u32 gen)
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
	w = path_walk((const struct path *)at);
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

static __always_inline void announce_file(u64 file, const struct layers_file *id)
{
	announce_path(address_of(&((struct file *)file)->f_path), id->ino, id->dev, id->gen);
}

/*
 * What is seldom needed stands in functions of its own, also where it is needed once: the programs
 * at system calls run often, and take less of the instruction cache without it.
 */

/* Makes slot @index that of @call by process @tgid on the file behind @file. */
static __noinline int refill_slot(struct layers_cpu *c, u32 index, u32 call, struct file *file,
				  u32 tgid)
{
	struct inode *inode = file ? LOAD(struct file, file, f_inode) : NULL;
	struct layers_slot *slot = &c->slots[index & (LAYERS_SLOTS - 1)];

	flush_slot(slot);
	slot->inode = (u64)inode;
	bpf_get_current_comm(slot->sums.comm, sizeof(slot->sums.comm));
	make_key(&slot->key, inode, tgid, call);
	if (inode)
		announce_file(address_of(file), &slot->key.file);
	return 0;
}

static __always_inline u32 slot_index(u64 ino, u32 tgid, u32 call)
{
	return (ino ^ (ino >> 7) ^ call ^ tgid) & (LAYERS_SLOTS - 1);
}

/*
 * The slot for @call by process @tgid on the file behind @file. Threads mostly go on with what they
 * did last, so each CPU keeps sums and adds them to the table only when the slot is needed for
 * something else; reports read the slots, too. Returns the slot's index.
 */
static __always_inline u32 find_slot(struct layers_cpu *c, u32 call, struct file *file, u32 tgid)
{
	struct inode *inode = file ? LOAD(struct file, file, f_inode) : NULL;
	u64 ino = inode ? LOAD(struct inode, inode, i_ino) : 0;
	u32 gen = inode ? LOAD(struct inode, inode, i_generation) : 0;
	u32 index = slot_index(ino, tgid, call);
	struct layers_slot *slot = &c->slots[index];

	if (slot->inode != (u64)inode || slot->key.call != call || slot->key.tgid != tgid ||
	    slot->key.file.ino != ino || slot->key.file.gen != gen)
		refill_slot(c, index, call, file, tgid);
	return index;
}

static __always_inline bool same_key(const struct layers_key *a, const struct layers_key *b)
{
	return a->file.ino == b->file.ino && a->file.dev == b->file.dev &&
	       a->file.gen == b->file.gen && a->tgid == b->tgid && a->call == b->call;
}

/* The same for an operation that may have begun on another CPU. */
static __always_inline struct layers_slot *slot_of_key(struct layers_cpu *c,
						       const struct layers_key *key)
{
	struct layers_slot *slot = &c->slots[slot_index(key->file.ino, key->tgid, key->call)];

	if (same_key(&slot->key, key))
		return slot;
	flush_slot(slot);
	slot->key = *key;
	slot->inode = 0;
	bpf_get_current_comm(slot->sums.comm, sizeof(slot->sums.comm));
	return slot;
}

/* --- the end of an operation --- */

/* Takes @lat in, in the place of the least. Global, as every function that loops. */
__noinline int enter_slowest(u64 lat)
{
	struct layers_cpu *c = cpu_here();
	u32 least = 0;

	if (!c)
		return 0;
	c->slowest_ns[c->slowest_least & (SLOWEST_MAX - 1)] = lat;
	for (u32 i = 1; i < SLOWEST_MAX; i++)
		if (c->slowest_ns[i] < c->slowest_ns[least & (SLOWEST_MAX - 1)])
			least = i;
	c->slowest_least = least;
	c->slowest_least_ns = c->slowest_ns[least & (SLOWEST_MAX - 1)];
	return 0;
}

/* Is an operation that took @lat to be sent? */
static __always_inline bool is_sent(struct layers_cpu *c, u64 lat)
{
	bool slowest = cfg.n_slowest && lat > c->slowest_least_ns;

	if (slowest)
		enter_slowest(lat);
	if (!cfg.stream)
		return slowest;
	if (lat < cfg.slow_ns)
		c->filtered++;
	return slowest || lat >= cfg.slow_ns;
}

/* Reads the name that @in points to into @name, of NAME_KEPT bytes. */
static __always_inline void read_name(struct layers_entry *in, char *name)
{
	long n = bpf_probe_read_user_str(name, NAME_KEPT, (const char *)in->name_ptr);
	char next = '\0';

	in->name_len = n > 0 ? n - 1 : 0;
	if (n == NAME_KEPT)
		bpf_probe_read_user(&next, 1, (const char *)in->name_ptr + NAME_KEPT - 1);
	if (next)
		in->name_len |= NAME_CUT;
	in->name_ptr = 0;
}

/* Sends the operation @op of the current thread, which @name belongs to. */
static __noinline int send_op(struct layers_op *op, char *name, s64 ret, u64 lat)
{
	u32 zero = 0, len, cut, call;
	struct op_out *out = bpf_map_lookup_elem(&layers_op_out, &zero);
	struct layers_op_event *e;

	if (!out || !op || !name)
		return 0;
	if (out->busy) {
		if (cfg.stream && lat >= cfg.slow_ns)
			COUNT(lost_state);
		else
			TALLY(LAYERS_LOST_SLOW);
		return 0;
	}
	out->busy = 1;
	call = op->in.call;
	e = &out->e;
	rec_init(&e->rec, REC_OP);
	e->rec.ts_ns = op->end_ns;
	e->key = op->key;
	e->tid = current_ids();
	e->fd = op->in.fd;
	e->ret = ret;
	e->bytes = ret > 0 && !O_OPEN(call) ? ret : 0;
	e->start_ns = op->start_ns;
	e->lat_ns = lat;
	for (int i = 0; i < N_CELLS; i++)
		e->cells[i] = op->cells[i];
	e->longest_wait_ns = op->longest_ns;
	e->stack = op->longest_stack;
	e->flags = op->flags;
	e->restarts = op->restarts;
	if (!O_OPEN(call) && op->in.file && !(op->flags & OP_KILLED) &&
	    (u64)file_of_fd(op->in.fd) != op->in.file)
		e->flags |= OP_FD_CHANGED;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	e->mntns = current_mntns();
	if (O_OPEN(call) && ret < 0 && op->in.name_ptr)
		read_name(&op->in, name);
	len = O_OPEN(call) && ret < 0 ? op->in.name_len : 0;
	cut = len & NAME_CUT ? VSTR_CUT : 0;
	len &= ~NAME_CUT;
	if (len >= NAME_KEPT)
		len = NAME_KEPT - 1;
	e->name.off = sizeof(*e) | cut;
	e->name.len = len;
	bpf_probe_read_kernel(out->name, len, name);
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

static __always_inline void add_latency(struct layers_cpu *c, u32 call, u64 lat)
{
	u32 slot = latency_slot(lat);
	struct layers_hist *h;

	if (call >= N_CALLS || slot >= HIST_SLOTS)
		return;
	h = &c->hists[call];
	h->count++;
	h->slots[slot]++;
	if (lat > h->max_ns)
		h->max_ns = lat;
}

/* Adds the cells of an operation that took @lat to @cells, and sees whether they are all of it. */
static __noinline int add_cells(u64 *cells, const struct layers_op *op, u64 lat)
{
	bool over = false;
	u64 sum = 0;

	for (int i = 0; i < N_CELLS; i++) {
		sum += op->cells[i];
		over |= op->cells[i] > lat;
		cells[i] += op->cells[i];
	}
	if (over || sum != lat)
		TALLY(LAYERS_OVERFLOW);
	return 0;
}

static __always_inline void add_result(struct layers_cpu *c, struct layers_sums *sums, u32 call,
				       s64 ret, u64 lat)
{
	sums->count++;
	sums->lat_ns += lat;
	if (ret < 0)
		sums->errors++;
	else if (!O_OPEN(call))
		sums->bytes += ret;
	add_latency(c, call, lat);
}

static __always_inline u64 latency_of(const struct layers_op *op)
{
	return op->end_ns - op->in.entry_ns + op->before_ns;
}

/* The operation @op, of I/O and in the state @st of the current thread, is over, with its time
 * given out up to op->end_ns. */
static __noinline int close_io(struct layers_cpu *c, struct layers_state *st, struct layers_op *op,
			       s64 ret)
{
	struct task_struct *task = current_task();
	u32 call = op->in.call, slot;
	struct layers_sums *sums;
	u64 lat;

	if (O_OPEN(call)) {
		slot = find_slot(c, call, ret >= 0 ? task_file_of_fd(task, ret) : NULL,
				 ids_of(task) >> 32);
		op->key = c->slots[slot & (LAYERS_SLOTS - 1)].key;
	}
	sums = &slot_of_key(c, &op->key)->sums;
	lat = latency_of(op);
	add_cells(sums->cells, op, lat);
	add_result(c, sums, call, ret, lat);
	if (is_sent(c, lat))
		send_op(op, st->name, ret, lat);
	op->in.call = 0;
	return 0;
}

/* Sends the operation in c->entry, which took @lat and never left the CPU. */
static __noinline int send_entry(struct layers_cpu *c, s64 ret, u64 lat)
{
	u32 zero = 0;
	struct layers_op *op = bpf_map_lookup_elem(&layers_sent, &zero);

	if (!op)
		return 0;
	op->in = c->entry;
	op->key = c->slots[c->entry.slot & (LAYERS_SLOTS - 1)].key;
	op->start_ns = op->in.entry_ns;
	op->end_ns = op->in.entry_ns + lat;
	op->cells[CELL_CPU] = lat;
	op->longest_stack = -1;
	return send_op(op, c->name, ret, lat);
}

/* The operation of I/O in c->entry, of @task, which never left the CPU, is over after @lat. */
static __always_inline void finish_entry(struct layers_cpu *c, struct task_struct *task, s64 ret,
					 u64 lat)
{
	struct layers_entry *in = &c->entry;
	struct layers_sums *sums;

	if (O_OPEN(in->call))
		in->slot = find_slot(c, in->call, ret >= 0 ? task_file_of_fd(task, ret) : NULL,
				     c->ids >> 32);
	sums = &c->slots[in->slot & (LAYERS_SLOTS - 1)].sums;
	sums->cells[CELL_CPU] += lat;
	add_result(c, sums, in->call, ret, lat);
	if (is_sent(c, lat))
		send_entry(c, ret, lat);
}

#endif
