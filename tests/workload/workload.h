/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A program whose I/O is known exactly. Each subcommand does a stated amount of I/O and prints what
 * it did as one JSON line, written by one write(2) that is itself not in the counts.
 *
 * Nothing else here may enter a system call that iosonde counts: files that a test needs are made
 * with mknod, results of children and threads come home through shared memory, waiting is done with
 * signals and nanosleep. Calls go through syscall(2), so that libc can't choose another one.
 */
#ifndef WORKLOAD_H
#define WORKLOAD_H

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* A system call by number; returns the result or -errno. */
#define SC(...)                                                                                    \
	({                                                                                         \
		long sc_ret_ = syscall(__VA_ARGS__);                                               \
		sc_ret_ < 0 ? -(long)errno : sc_ret_;                                              \
	})

#define MAX_TALLIES 64
#define MAX_OPS	    512
#define MAX_ERRORS  8
#define TEXT_BYTES  (4u << 20)

/* What was done with one system call. Shared by threads and children: atomics throughout. */
struct tally {
	char call[32];
	_Atomic uint64_t calls, bytes, total_ns, errors;
	struct {
		_Atomic int code;
		_Atomic uint64_t count;
	} error[MAX_ERRORS];
	_Atomic uint64_t times_used;
	uint64_t times_cap;
	uint64_t *times; /* latency of each call in order; NULL without --times */
};

/* How the full path of an open is known: the whole of it, its start, its end, or not at all. */
enum full_match { FULL_EXACT, FULL_PREFIX, FULL_TAIL, FULL_ANY };

/* One open, as the program itself saw it. Texts are offsets into the arena. */
struct op {
	const char *id, *call;
	uint32_t path, path_len, full, full_len;
	enum full_match match;
	bool has_path, path_cut; /* path_cut: only a prefix of what was asked for is given */
	int64_t flags, mode;	 /* -1: not known to the kernel's side either */
	int64_t ret;
	int pid, tid;
	unsigned int uid;
};

struct shared {
	_Atomic uint32_t tallies, ops, text;
	struct tally tally[MAX_TALLIES];
	struct op op[MAX_OPS];
	char arena[TEXT_BYTES];
};

/* Global options and what main() prepared for the subcommand. */
struct ctx {
	struct shared *sh;
	const char *name;
	int argc; /* of the subcommand's own arguments */
	char **argv;
	uint64_t times_cap; /* 0: no --times */
	bool silent;	    /* print nothing */
	bool go;	    /* start when told to */
	bool delay;	    /* report how long this thread waited for a CPU */
	int64_t extra[8];   /* further figures a subcommand wants printed */
	const char *extra_name[8];
};

uint64_t now_ns(void);
void die(const char *what) __attribute__((noreturn));
void sleep_ms(uint64_t ms);
void pin_to(int cpu);
void *map_shared(size_t bytes);
void wait_for(pid_t pid);

struct tally *tally_get(struct ctx *c, const char *call);
void tally_add(struct tally *t, long ret, uint64_t lat_ns);
void extra_add(struct ctx *c, const char *name, int64_t value);
void result_print(struct ctx *c);

/*
 * ia32call.c: makes a 32-bit call in a child. If that is refused, the result has "ia32_refused",
 * the signal that came. Steps that need such calls are then left out.
 */
bool ia32_offered(struct ctx *c);
/* Refuses them from here on, where IOSONDE_WORKLOAD_WITHOUT asks for it. */
void without_ia32(void);

long arg_num(struct ctx *c, int index, long deflt);
const char *arg_str(struct ctx *c, int index, const char *deflt);

/*
 * How long this thread has waited for a CPU so far, by the kernel's own account. One open and one
 * read, both counted. -1 where the kernel keeps no such account.
 */
int64_t run_delay_ns(struct ctx *c);

/* Times one call: TIMED(tally, expression giving a result or -errno). */
#define TIMED(t, expr)                                                                             \
	({                                                                                         \
		uint64_t timed_start_ = now_ns();                                                  \
		long timed_ret_ = (expr);                                                          \
		tally_add((t), timed_ret_, now_ns() - timed_start_);                               \
		timed_ret_;                                                                        \
	})

/* opens*.c: one open of the list, its expectation first. */
struct want {
	const char *id, *call, *path;
	const char *full; /* NULL: nothing can be said */
	enum full_match match;
	int64_t flags, mode;
	size_t path_len; /* 0: strlen */
	bool path_cut;
};
void op_record(struct ctx *c, const struct want *w, long ret);
long op_openat(struct ctx *c, const char *id, int dirfd, const char *path, const char *full,
	       int flags, int mode);
const char *join(const char *dir, const char *name);
void make_file(const char *path, mode_t mode);
void in_child(struct ctx *c, void (*fn)(struct ctx *c, const char *dir), const char *dir);

void opens_calls(struct ctx *c, const char *dir);
void opens_failures(struct ctx *c, const char *dir);
void opens_places(struct ctx *c, const char *dir);
void opens_memory(struct ctx *c, const char *dir);
void opens_names(struct ctx *c, const char *dir);
void opens_uring(struct ctx *c, const char *dir);

/* Subcommands: 0, or an exit status. */
int cmd_opens(struct ctx *c);
int cmd_stats(struct ctx *c);
int cmd_execs(struct ctx *c);
int cmd_args(struct ctx *c);
int cmd_can(struct ctx *c);
int cmd_mounts(struct ctx *c);
int cmd_names(struct ctx *c);
int cmd_syncs(struct ctx *c);
int cmd_files(struct ctx *c);
int cmd_make(struct ctx *c);
int cmd_extents(struct ctx *c);
int cmd_burst(struct ctx *c);
int cmd_tree(struct ctx *c);
int cmd_tick(struct ctx *c);
int cmd_getppid(struct ctx *c);
int cmd_paths(struct ctx *c);
int cmd_epolls(struct ctx *c);
int cmd_syscall(struct ctx *c);
int cmd_exit(struct ctx *c);
int cmd_signal(struct ctx *c);
int cmd_exec(struct ctx *c);
int cmd_hold(struct ctx *c);
int cmd_rw(struct ctx *c);
int cmd_async(struct ctx *c);
int cmd_errors(struct ctx *c);
int cmd_ia32(struct ctx *c);
int cmd_pipe(struct ctx *c);
int cmd_movers(struct ctx *c);
int cmd_steal(struct ctx *c);
int cmd_restart(struct ctx *c);
int cmd_eintr(struct ctx *c);
int cmd_kill(struct ctx *c);
int cmd_exitmid(struct ctx *c);
int cmd_execthread(struct ctx *c);
int cmd_spin(struct ctx *c);
int cmd_writers(struct ctx *c);
int cmd_steps(struct ctx *c);
int cmd_disk(struct ctx *c);
int cmd_refused(struct ctx *c);
int cmd_slept(struct ctx *c);
int cmd_oddio(struct ctx *c);
int cmd_net(struct ctx *c);
int cmd_busy(struct ctx *c);
int cmd_sleepers(struct ctx *c);
int cmd_life(struct ctx *c);
int cmd_incident(struct ctx *c);
int cmd_renamed(struct ctx *c);
int cmd_oom(struct ctx *c);
int cmd_reclaim(struct ctx *c);
int cmd_faults(struct ctx *c);
int cmd_swapped(struct ctx *c);
int cmd_shm(struct ctx *c);

#endif
