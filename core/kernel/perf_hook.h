/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Kprobes, tracepoints, clocks: programs that hang on perf events. And where tracefs is. */
#ifndef IOSONDE_PERF_HOOK_H
#define IOSONDE_PERF_HOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KPROBE_PMU "/sys/bus/event_source/devices/kprobe"

/*
 * A perf event for a kprobe at @function, or at @address if that isn't 0, which is never ambiguous.
 * Nothing runs there yet, but what can't be probed has been refused. Returns its descriptor, or -1
 * with errno.
 */
int perf_kprobe(const char *function, uint64_t address, bool at_return);

/* The same for the tracepoint @event: "category/name". */
int perf_tracepoint(const char *event);

struct clock_spec {
	uint64_t period_ns; /* 0: hz */
	uint32_t hz;
	bool idle; /* also while the CPU has nothing to do */
};

/*
 * A perf event that fires so often on @cpu: by a timer of the kernel, so it needs no counter of the
 * processor. Returns its descriptor, or -1 with errno; ENODEV where the CPU isn't online.
 */
int perf_clock(const struct clock_spec *clock, int cpu);

/* Is there a software event called @name, as perf calls it: "major-faults"? */
bool perf_has_software(const char *name);

/* The names of all of them, for @i from 0 on; NULL: no more. */
const char *perf_software_name(size_t i);

/* A perf event that fires each time when @name happens on @cpu. Returns as perf_clock(). */
int perf_software(const char *name, int cpu);

/*
 * Hangs program @prog on the perf event @fd: the event belongs to one CPU, the program runs on all.
 * Returns @fd, closing which detaches it; or -1 with errno, and @fd is closed. A negative @fd is
 * passed on.
 */
int perf_attach(int fd, int prog);

/* The directory of tracefs; NULL with errno: not mounted where anybody looks. */
const char *tracefs_path(void);

/* The file with the number of tracepoint @event. False with errno: tracefs_path() found none. */
bool tracefs_id_file(const char *event, char *path, size_t size);

/* Is there a tracepoint "category/name", and may this process use it? Else false with errno. */
bool tracefs_has_event(const char *event);

/* A number in a file: of a tracepoint, of a kind of perf events. -1 with errno set. */
int number_in_file(const char *path);

#endif
