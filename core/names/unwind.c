/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/names/unwind.h"

#include <elfutils/libdwfl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bpf/core/stacks.h"
#include "core/names/elf_image.h"
#include "core/names/mapped.h"

#define PROCESS_SLOTS 128
#define FILES_MAX     512
#define BYTES_MAX     (512u << 20) /* of tables; beyond, all are read anew */

#if defined(__x86_64__)
#define REGS 17
#define IP   16
#elif defined(__aarch64__)
#define REGS 32
#define IP   32
#endif

struct file {
	uint64_t dev, ino, size;
	int64_t changed_s, changed_ns;
	struct elf_image image; /* elf NULL: nothing to unwind by */
};

struct process {
	struct mapped mapped; /* first: mapped_place() */
	Dwfl *dwfl;
	unsigned opened; /* so many times */
};

/* The stack that is being unwound. */
struct sample {
	const struct rec_ustack *r;
	size_t bytes;
	uint64_t *frames;
	size_t n, max;
};

struct unwinder {
	struct process processes[PROCESS_SLOTS];
	uint64_t used;
	struct file files[FILES_MAX];
	size_t n_files, bytes;
	struct elf_image vdso;
	struct sample now;
};

struct unwinder *unwinder_open(void)
{
	struct unwinder *u = calloc(1, sizeof(*u));

	if (u)
		elf_image_vdso(&u->vdso);
	return u;
}

static void forget_process(struct process *p)
{
	if (p->dwfl)
		dwfl_end(p->dwfl);
	mapped_free(&p->mapped);
	*p = (struct process){ 0 };
}

static void forget(struct unwinder *u)
{
	for (size_t i = 0; i < PROCESS_SLOTS; i++)
		forget_process(&u->processes[i]);
	for (size_t i = 0; i < u->n_files; i++)
		elf_image_free(&u->files[i].image);
	u->n_files = u->bytes = 0;
}

void unwinder_close(struct unwinder *u)
{
	if (!u)
		return;
	forget(u);
	elf_image_free(&u->vdso);
	free(u);
}

/* The library asks for a module's file: the one that it was reported with. */
static int find_elf(Dwfl_Module *mod, void **userdata, const char *name, Dwarf_Addr base,
		    char **file_name, Elf **elf)
{
	struct elf_image *image = *userdata;

	(void)mod, (void)name, (void)base, (void)file_name;
	*elf = elf_begin(-1, ELF_C_READ, image->elf); /* another reference */
	return -1;
}

/* Nor is any other file looked for, here or on a server. */
static int no_debuginfo(Dwfl_Module *mod, void **userdata, const char *name, Dwarf_Addr base,
			const char *file_name, const char *link, GElf_Word crc, char **found)
{
	(void)mod, (void)userdata, (void)name, (void)base, (void)file_name, (void)link, (void)crc;
	(void)found;
	return -1;
}

static const Dwfl_Callbacks callbacks = { .find_elf = find_elf, .find_debuginfo = no_debuginfo };

static pid_t next_thread(Dwfl *dwfl, void *arg, void **thread_arg)
{
	(void)dwfl;
	if (*thread_arg)
		return 0;
	*thread_arg = arg;
	return 1;
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *arg, void **thread_arg)
{
	(void)dwfl, (void)tid;
	*thread_arg = arg;
	return true;
}

static bool memory_read(Dwfl *dwfl, Dwarf_Addr addr, Dwarf_Word *result, void *arg)
{
	const struct unwinder *u = arg;
	uint64_t at = addr - u->now.r->sp;

	(void)dwfl;
	if (addr < u->now.r->sp || u->now.bytes < sizeof(*result) ||
	    at > u->now.bytes - sizeof(*result))
		return false;
	memcpy(result, u->now.r->stack + at, sizeof(*result));
	return true;
}

static bool set_registers(Dwfl_Thread *thread, void *arg)
{
	const struct unwinder *u = arg;
	Dwarf_Word regs[REGS];

	for (size_t i = 0; i < REGS; i++)
		regs[i] = u->now.r->regs[i];
	if (IP >= REGS)
		dwfl_thread_state_register_pc(thread, u->now.r->regs[IP]);
	return dwfl_thread_state_registers(thread, 0, REGS, regs);
}

static const Dwfl_Thread_Callbacks thread_callbacks = {
	.next_thread = next_thread,
	.get_thread = get_thread,
	.memory_read = memory_read,
	.set_initial_registers = set_registers,
};

static struct elf_image *read_file(struct unwinder *u, int fd)
{
	struct file *file;
	struct stat st;

	if (fstat(fd, &st))
		return NULL;
	for (size_t i = 0; i < u->n_files; i++) {
		file = &u->files[i];
		if (file->dev == st.st_dev && file->ino == st.st_ino &&
		    file->size == (uint64_t)st.st_size && file->changed_s == st.st_ctim.tv_sec &&
		    file->changed_ns == st.st_ctim.tv_nsec)
			return file->image.elf ? &file->image : NULL;
	}
	if (u->n_files == FILES_MAX || u->bytes > BYTES_MAX)
		return NULL; /* makes room next time: whoever asks holds others */
	file = &u->files[u->n_files++];
	*file = (struct file){ .dev = st.st_dev,
			       .ino = st.st_ino,
			       .size = (uint64_t)st.st_size,
			       .changed_s = st.st_ctim.tv_sec,
			       .changed_ns = st.st_ctim.tv_nsec };
	elf_image_read(&file->image, fd);
	u->bytes += file->image.present;
	return file->image.elf ? &file->image : NULL;
}

static struct elf_image *image_of(struct unwinder *u, const struct mapped *m,
				  const struct mapping *map)
{
	struct elf_image *image = NULL;
	int fd;

	if (!strcmp(m->names + map->name, "[vdso]"))
		return u->vdso.elf ? &u->vdso : NULL;
	fd = mapping_open(m->pid, map);
	if (fd < 0)
		return NULL;
	if (runs_program(m->pid, m->program))
		image = read_file(u, fd);
	close(fd);
	return image;
}

/* Tells the library what is mapped where. Files mapped in parts are told once. */
static void report_modules(struct unwinder *u, Dwfl *dwfl, const struct mapped *m)
{
	uint64_t end = 0, by;

	for (size_t i = 0; i < m->n; i++) {
		const struct mapping *map = &m->map[i];
		struct elf_image *image = map->start < end ? NULL : image_of(u, m, map);
		Dwfl_Module *mod;
		void **userdata;

		if (!image || !elf_image_moved(image, map->offset, map->start, &by) ||
		    image->low + by < end || image->high + by < image->low + by)
			continue;
		mod = dwfl_report_module(dwfl, m->names + map->name, image->low + by,
					 image->high + by);
		if (!mod)
			continue;
		dwfl_module_info(mod, &userdata, NULL, NULL, NULL, NULL, NULL, NULL);
		*userdata = image;
		end = image->high + by;
	}
}

/* What the library knows of a process whose mappings are @p->mapped. */
static void open_process(struct unwinder *u, struct process *p)
{
	if (p->dwfl)
		dwfl_end(p->dwfl);
	p->opened++;
	p->dwfl = dwfl_begin(&callbacks);
	if (!p->dwfl)
		return;
	dwfl_report_begin(p->dwfl);
	report_modules(u, p->dwfl, &p->mapped);
	if (!dwfl_report_end(p->dwfl, NULL, NULL) &&
	    dwfl_attach_state(p->dwfl, NULL, 1, &thread_callbacks, u))
		return;
	dwfl_end(p->dwfl);
	p->dwfl = NULL;
}

/* @again: an address wasn't there. NULL: the process is gone, and wasn't known. */
static struct process *process_of(struct unwinder *u, uint32_t pid, uint64_t program, bool again)
{
	struct mapped fresh;
	struct process *p;
	bool known;

	p = mapped_place(u->processes, PROCESS_SLOTS, sizeof(*p), pid, program, &u->used, &known);
	if (known) {
		if (mapped_look(&p->mapped, again))
			open_process(u, p);
		return p;
	}
	if (!mapped_read(&fresh, pid, program))
		return NULL;
	if (u->n_files > FILES_MAX / 2 || u->bytes > BYTES_MAX / 2)
		forget(u);
	forget_process(p);
	p->mapped = fresh;
	p->mapped.used = u->used;
	open_process(u, p);
	return p;
}

void unwinder_learn(struct unwinder *u, uint32_t pid, uint64_t program)
{
	process_of(u, pid, program, true);
}

static int add_frame(Dwfl_Frame *frame, void *arg)
{
	struct sample *s = arg;
	Dwarf_Addr pc;

	if (s->n == s->max || !dwfl_frame_pc(frame, &pc, NULL) || !pc)
		return DWARF_CB_ABORT;
	s->frames[s->n++] = pc;
	return DWARF_CB_OK;
}

static void unwind_by(struct unwinder *u, struct process *p)
{
	u->now.n = 0;
	if (p && p->dwfl)
		dwfl_getthread_frames(p->dwfl, 1, add_frame, &u->now);
	if (!u->now.n)
		u->now.frames[u->now.n++] = u->now.r->regs[IP];
}

size_t unwind(struct unwinder *u, const struct rec_ustack *r, size_t bytes, uint64_t *frames,
	      size_t max)
{
	struct process *p = process_of(u, r->key.pid, r->key.program, false);
	unsigned opened = p ? p->opened : 0;

	u->now = (struct sample){ r, bytes, frames, 0, max };
	unwind_by(u, p);
	if (!p || mapped_find(&p->mapped, frames[u->now.n - 1]))
		return u->now.n;
	/* it ends in the unknown: something may have been mapped there meanwhile */
	p = process_of(u, r->key.pid, r->key.program, true);
	if (p && p->opened != opened)
		unwind_by(u, p);
	return u->now.n;
}
