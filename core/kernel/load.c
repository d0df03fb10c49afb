/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/kernel/load.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "core/base/cpus.h"
#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/kernel/btf_query.h"
#include "core/kernel/btf_slim.h"
#include "core/kernel/image_ids.h"
#include "core/kernel/ladder.h"
#include "core/kernel/load_many.h"
#include "core/kernel/load_sample.h"
#include "core/kernel/load_setup.h"
#include "core/kernel/perf_hook.h"
#include "core/kernel/privs.h"

/*
 * Without CAP_SYS_ADMIN libbpf can't look at the modules' types, as it does for each one that
 * vmlinux lacks; naming the kernel's own file tells it not to.
 */
static struct bpf_object *open_object(struct loaded *l)
{
	const char *btf = l->opts.btf;
	struct bpf_object *obj = NULL;
	char slim[32];

	if (!btf && !privs_can_read_modules())
		btf = KERNEL_BTF;
	if (l->slim_btf >= 0) {
		snprintf(slim, sizeof(slim), "/proc/self/fd/%d", l->slim_btf);
		btf = slim;
	}
	if (!l->elf)
		l->elf = image_unpack(l->tool->image, l->rdonly_cast, &l->elf_size);
	if (l->elf)
		obj = image_open(l->tool->image->name, l->elf, l->elf_size, btf);
	if (!obj) {
		log_error("cannot open the programs of %s: %s", l->tool->name, error_text(errno));
		log_verifier();
	}
	return obj;
}

static void say_load_failed(int err, const char *name)
{
	if (err == -EPERM)
		log_error(
			"the kernel refused to load the programs%s%s (EPERM): tracing needs "
			"CAP_BPF and CAP_PERFMON, before 5.11 also locked memory (ulimit -l), and "
			"lockdown must not forbid it; try as root",
			*name ? ": " : "", name);
	else
		log_error("loading %s%s failed: %s; --verbose shows the kernel's words",
			  *name ? "program " : "the programs", name, error_text(-err));
	log_verifier();
}

/* Locked memory was charged against a limit before 5.11; raising it needs a privilege there. */
static void allow_locked_memory(void)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	setrlimit(RLIMIT_MEMLOCK, &limit);
}

/* The mapped variable @name of .bss; NULL if the programs have none. */
static volatile void *bss_var(const struct loaded *l, const char *name)
{
	struct bpf_map *map;
	size_t off;

	if (!setup_find_var(l->obj, ".bss", name, &map, &off))
		return NULL;
	return l->bss + off;
}

/* What bpf_map__initial_value() points at stays libbpf's own copy after a plain load. */
static bool map_variables(struct loaded *l)
{
	struct bpf_map *map;
	size_t off;
	void *at;

	if (!setup_find_var(l->obj, ".bss", "all_attached", &map, &off))
		return true;
	l->bss_size = bpf_map__value_size(map);
	at = mmap(NULL, l->bss_size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
	if (at == MAP_FAILED) {
		log_error("cannot map the programs' variables: %s", strerror(errno));
		return false;
	}
	l->bss = at;
	l->epoch = bss_var(l, "epoch");
	l->all_attached = bss_var(l, "all_attached");
	l->attached_ns = bss_var(l, "attached_ns");
	l->closed_ns = bss_var(l, "closed_ns");
	l->many_attached = bss_var(l, "many_attached");
	l->many_calls = bss_var(l, "many_calls");
	l->target_children = bss_var(l, "target_children");
	return true;
}

static size_t halves_size(const struct loaded *l, const struct halves *h)
{
	return MEMO_INDEX((size_t)l->cpu_ids, 0) * h->size;
}

static bool map_halves(struct loaded *l, const char *name, struct halves *h)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(l->obj, name);
	void *at;

	if (!map || !bpf_map__autocreate(map))
		return true;
	h->size = bpf_map__value_size(map);
	at = mmap(NULL, halves_size(l, h), PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
	if (at == MAP_FAILED) {
		log_error("cannot map %s: %s", name, strerror(errno));
		return false;
	}
	h->at = at;
	return true;
}

static void unmap_halves(const struct loaded *l, struct halves *h)
{
	if (h->at)
		munmap(h->at, halves_size(l, h));
	h->at = NULL;
}

/* CPUs that all write as much would pile up as much before each of them looks whether to wake. */
static void spread_wake_ups(struct loaded *l)
{
	uint64_t wake_data, each = cpus_wake_bytes(l->opts.buffer, l->cpu_ids, &wake_data);

	for (uint32_t cpu = 0; wake_data && cpu < l->cpu_ids; cpu++)
		l->counters[cpu].unwoken = each * cpu / l->cpu_ids;
}

static bool map_counters(struct loaded *l)
{
	int fd = loaded_map(l, "counters");
	size_t size = (size_t)l->cpu_ids * sizeof(struct counters);
	void *at =
		fd < 0 ? MAP_FAILED : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED) {
		log_error("cannot map the counters: %s", strerror(errno));
		return false;
	}
	l->counters = at;
	spread_wake_ups(l);
	return map_variables(l) && map_halves(l, "memo", &l->memo) &&
	       map_halves(l, "others", &l->others);
}

/* The program that libbpf's last message is about; "" if about none. */
static void failed_program(char *name, size_t size)
{
	const char *at = strstr(log_libbpf(), "prog '");

	snprintf(name, size, "%.*s", at ? (int)strcspn(at + 6, "'") : 0, at ? at + 6 : "");
}

static void unload(struct loaded *l)
{
	while (l->n_links)
		bpf_link__destroy(l->links[--l->n_links]);
	while (l->n_iters)
		bpf_link__destroy(l->iters[--l->n_iters]);
	if (l->counters && l->obj)
		munmap(l->counters, (size_t)l->cpu_ids * sizeof(struct counters));
	else
		free(l->counters);
	if (l->bss)
		munmap(l->bss, l->bss_size);
	unmap_halves(l, &l->memo);
	unmap_halves(l, &l->others);
	bpf_object__close(l->obj);
	l->counters = NULL;
	l->bss = NULL;
	l->epoch = l->all_attached = l->many_attached = NULL;
	l->many_calls = NULL;
	l->target_children = NULL;
	l->attached_ns = l->closed_ns = NULL;
	l->obj = NULL;
}

static bool load(struct loaded *l)
{
	char prog[64];
	int err;

	for (;;) {
		if (!l->obj)
			l->obj = open_object(l);
		if (!l->obj || !setup_object(l))
			return false;
		log_libbpf_clear();
		err = bpf_object__load(l->obj);
		if (!err)
			return map_counters(l);
		failed_program(prog, sizeof(prog));
		if (!ladder_step_down(l, prog, err)) {
			if (!ladder_say_tried(l, prog))
				say_load_failed(err, prog);
			return false;
		}
		unload(l);
	}
}

/* What the object is made from. */
static void drop_sources(struct loaded *l)
{
	if (l->slim_btf >= 0)
		close(l->slim_btf);
	l->slim_btf = -1;
	free(l->elf);
	l->elf = NULL;
}

/* Gives libbpf less to look through: the object is opened again, to be relocated against that. */
static void slim_down(struct loaded *l, const struct btf *kernel)
{
	uint32_t *ids;

	if (ladder_without("slim_btf") || access("/proc/self/fd", X_OK))
		return;
	l->slim_btf = btf_slim(bpf_object__btf(l->obj), kernel, &ids);
	if (l->slim_btf < 0)
		return;
	if (!image_settle_ids(l->elf, bpf_object__btf(l->obj), ids))
		drop_sources(l);
	free(ids);
	bpf_object__close(l->obj);
	l->obj = open_object(l);
}

/* Programs, maps and hooks are a descriptor each, and those of the largest command are about 90. */
#define DESCRIPTORS_LEAST 128

static bool allow_descriptors(void)
{
	struct rlimit limit, wanted;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= DESCRIPTORS_LEAST)
		return true;
	wanted = limit;
	wanted.rlim_cur = DESCRIPTORS_LEAST;
	if (wanted.rlim_max < DESCRIPTORS_LEAST)
		wanted.rlim_max = DESCRIPTORS_LEAST;
	if (!setrlimit(RLIMIT_NOFILE, &wanted)) /* above the maximum it takes CAP_SYS_RESOURCE */
		return true;
	log_error("only %llu files may be open at a time here (ulimit -n), and tracing takes up to "
		  "%d",
		  (unsigned long long)limit.rlim_max, DESCRIPTORS_LEAST);
	return false;
}

/* NULL after a message. */
static struct btf *open_types(const char *file)
{
	struct btf *btf = btf_of_kernel(file);

	if (!btf && file)
		log_error("%s holds no type information (BTF) that can be read: %s; take "
			  "/sys/kernel/btf/vmlinux of this very kernel",
			  file, error_text(errno));
	else if (!btf && access("/sys/kernel", F_OK))
		log_error("/sys is not mounted: the kernel's type information is at " KERNEL_BTF
			  "; mount it (mount -t sysfs sysfs /sys), or give the BTF of this very "
			  "kernel with --btf FILE");
	else if (!btf)
		log_error("this kernel offers no type information (%s: %s); give the BTF of this "
			  "very kernel with --btf FILE",
			  KERNEL_BTF, error_text(errno));
	return btf;
}

/* False after a message: the kernel refuses the kind of a hook that there is no other for. */
static bool kinds_are_taken(struct loaded *l, const struct btf *btf)
{
	const char *prog;
	int err = ladder_try_kinds(l, btf, &prog);

	if (err && !ladder_say_tried(l, prog))
		say_load_failed(err, prog);
	return !err;
}

struct loaded *loaded_open(const struct load_opts *opts)
{
	struct loaded *l;
	struct cpus cpus;
	struct btf *btf;
	bool ok;

	if (!allow_descriptors())
		return NULL;
	l = calloc(1, sizeof(*l));
	if (!l) {
		log_error("out of memory");
		return NULL;
	}
	l->tool = opts->tool;
	l->opts = *opts;
	l->slim_btf = -1;
	cpus = cpus_possible();
	l->n_cpus = (int)cpus.n;
	l->cpu_ids = cpus.ids;
	btf = open_types(opts->btf);
	if (!btf) {
		free(l);
		return NULL;
	}
	allow_locked_memory();
	l->own_btf = !ladder_without("own_btf") && !access(KERNEL_BTF, R_OK);
	l->task_storage = ladder_has_task_storage(btf);
	l->rdonly_cast = l->own_btf && ladder_has_rdonly_cast(btf);
	l->exact_tp_btf = ladder_has_exact_tp_btf(btf);
	l->exact_fentry = ladder_has_exact_fentry();
	l->classic_targets =
		!(l->own_btf && l->exact_tp_btf) && tracefs_has_event("sched/sched_process_exec");
	l->guard_counts = hook_guard_counts(btf);
	l->obj = open_object(l);
	if (l->obj)
		slim_down(l, btf);
	ok = l->obj && ladder_choose(l, btf, opts->cfg) && kinds_are_taken(l, btf) &&
	     loaded_choose_many(l, btf);
	btf_release(btf);
	if (ok && load(l))
		return l;
	loaded_free(l);
	return NULL;
}

/* Attaches @prog. Returns 0 or a negative errno. */
static int attach_program(struct loaded *l, struct bpf_program *prog)
{
	bool iter = !strncmp(bpf_program__section_name(prog), "iter/", 5);
	struct bpf_link *link;

	if (is_sampled(prog))
		return attach_sampled(l, prog);
	if (!strchr(bpf_program__section_name(prog), '/')) /* a model of others: many_spec */
		return 0;
	if (l->n_links == MAX_LINKS || l->n_iters == MAX_ITERS)
		return -E2BIG;
	link = bpf_program__attach(prog);
	if (!link)
		return -errno;
	if (iter)
		l->iters[l->n_iters++] = link;
	else
		l->links[l->n_links++] = link;
	return 0;
}

/* Attaches all programs in use; the one that can't be goes to *@failed. */
static int attach_all(struct loaded *l, struct bpf_program **failed)
{
	struct bpf_program *prog;
	int err;

	bpf_object__for_each_program(prog, l->obj)
	{
		err = bpf_program__autoload(prog) ? attach_program(l, prog) : 0;
		if (err) {
			*failed = prog;
			return err;
		}
	}
	return 0;
}

static uint64_t monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

bool loaded_attach(struct loaded *l, bool (*ready)(void *arg), void *arg)
{
	for (;;) {
		struct bpf_program *failed;
		char sec[96];
		int err;

		if (ready && !ready(arg))
			return false;
		err = attach_all(l, &failed);
		if (!err)
			break;
		snprintf(sec, sizeof(sec), "%s", bpf_program__section_name(failed));
		if (!ladder_step_down(l, bpf_program__name(failed), err)) {
			if (!ladder_say_tried(l, bpf_program__name(failed)))
				log_error("cannot attach to %s: %s; --verbose says what this "
					  "kernel offers",
					  sec, error_text(-err));
			return false;
		}
		unload(l);
		if (!load(l))
			return false;
	}
	drop_sources(l);
	btf_forget_kernel();
	heap_give_back();
	return true;
}

void loaded_begin(struct loaded *l)
{
	if (l->attached_ns)
		*l->attached_ns = monotonic_ns();
	if (l->all_attached)
		*l->all_attached = 1;
}

/* Programs run inside RCU read sections; this returns when all that are running now are over. */
static void grace_period(void)
{
	/* refused where some CPUs run without ticks (nohz_full): then wait far longer than a
	 * program runs */
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		usleep(100000);
}

void loaded_end(struct loaded *l)
{
	if (!l->closed_ns)
		return;
	*l->closed_ns = monotonic_ns();
	if (l->all_attached)
		*l->all_attached = 0;
	grace_period();
}

void loaded_detach(struct loaded *l)
{
	if (l->all_attached)
		*l->all_attached = 0;
	if (l->many_attached)
		*l->many_attached = 0;
	while (l->n_links)
		bpf_link__destroy(l->links[--l->n_links]);
	if (l->obj)
		grace_period();
}

uint32_t loaded_next_epoch(struct loaded *l)
{
	uint32_t old = (*l->epoch)++;

	if (l->n_links || (l->many_attached && *l->many_attached))
		grace_period();
	return old;
}

void loaded_free(struct loaded *l)
{
	if (!l)
		return;
	unload(l);
	drop_sources(l);
	free(l);
}

int loaded_map(const struct loaded *l, const char *name)
{
	return bpf_object__find_map_fd_by_name(l->obj, name);
}

int loaded_iter(const struct loaded *l, const char *name)
{
	struct bpf_program *prog;
	size_t i = 0;

	bpf_object__for_each_program(prog, l->obj)
	{
		if (!bpf_program__autoload(prog) ||
		    strncmp(bpf_program__section_name(prog), "iter/", 5))
			continue;
		if (!strcmp(bpf_program__name(prog), name) && i < l->n_iters)
			return bpf_iter_create(bpf_link__fd(l->iters[i]));
		i++;
	}
	errno = ENOENT;
	return -1;
}

struct memo_head *loaded_memo(const struct loaded *l, uint32_t index)
{
	return (void *)(l->memo.at + index * l->memo.size);
}
