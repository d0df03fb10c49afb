/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/kernel/perf_hook.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int number_in_file(const char *path)
{
	FILE *f = fopen(path, "re");
	int number = -1;

	if (f && fscanf(f, "%d", &number) != 1) {
		number = -1;
		errno = EINVAL;
	}
	if (f)
		fclose(f);
	return number;
}

const char *tracefs_path(void)
{
	static const char *const places[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
	char path[64];

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, sizeof(path), "%s/events", places[i]);
		if (!access(path, F_OK))
			return places[i];
		if (errno == EACCES) /* it is there, for others */
			return places[i];
	}
	errno = ENOENT;
	return NULL;
}

bool tracefs_id_file(const char *event, char *path, size_t size)
{
	const char *tracefs = tracefs_path();

	if (tracefs)
		snprintf(path, size, "%s/events/%s/id", tracefs, event);
	return tracefs != NULL;
}

bool tracefs_has_event(const char *event)
{
	char path[256];

	return tracefs_id_file(event, path, sizeof(path)) && !access(path, R_OK);
}

static int perf_open_on(struct perf_event_attr *attr, int cpu)
{
	attr->size = sizeof(*attr);
	return (int)syscall(SYS_perf_event_open, attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

static int perf_open(struct perf_event_attr *attr)
{
	return perf_open_on(attr, 0);
}

int perf_kprobe(const char *function, uint64_t address, bool at_return)
{
	struct perf_event_attr attr = { .config = at_return }; /* format/retprobe: config:0 */
	int type = number_in_file(KPROBE_PMU "/type");

	if (type < 0)
		return -1;
	attr.type = (__u32)type;
	if (address)
		attr.config2 = address;
	else
		attr.config1 = (__u64)(uintptr_t)function;
	return perf_open(&attr);
}

int perf_tracepoint(const char *event)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT, .sample_period = 1 };
	char path[256];
	int id;

	if (!tracefs_id_file(event, path, sizeof(path)))
		return -1;
	id = number_in_file(path);
	if (id < 0)
		return -1;
	attr.config = (__u64)id;
	return perf_open(&attr);
}

int perf_clock(const struct clock_spec *clock, int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = clock->period_ns,
		.exclude_idle = !clock->idle,
	};

	if (!clock->period_ns) {
		attr.sample_freq = clock->hz;
		attr.freq = 1;
	}
	return perf_open_on(&attr, cpu);
}

static const struct {
	const char *name;
	uint64_t config;
} software[] = {
	{ "alignment-faults", PERF_COUNT_SW_ALIGNMENT_FAULTS },
	{ "context-switches", PERF_COUNT_SW_CONTEXT_SWITCHES },
	{ "cpu-migrations", PERF_COUNT_SW_CPU_MIGRATIONS },
	{ "emulation-faults", PERF_COUNT_SW_EMULATION_FAULTS },
	{ "major-faults", PERF_COUNT_SW_PAGE_FAULTS_MAJ },
	{ "minor-faults", PERF_COUNT_SW_PAGE_FAULTS_MIN },
	{ "page-faults", PERF_COUNT_SW_PAGE_FAULTS },
};

/* Its place in software[]; -1: none. */
static int software_find(const char *name)
{
	for (size_t i = 0; i < sizeof(software) / sizeof(software[0]); i++)
		if (!strcmp(software[i].name, name))
			return (int)i;
	return -1;
}

const char *perf_software_name(size_t i)
{
	return i < sizeof(software) / sizeof(software[0]) ? software[i].name : NULL;
}

bool perf_has_software(const char *name)
{
	return software_find(name) >= 0;
}

int perf_software(const char *name, int cpu)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE, .sample_period = 1 };
	int i = software_find(name);

	if (i < 0) {
		errno = ENOENT;
		return -1;
	}
	attr.config = software[i].config;
	return perf_open_on(&attr, cpu);
}

int perf_attach(int fd, int prog)
{
	int error;

	if (fd < 0)
		return -1;
	if (!ioctl(fd, PERF_EVENT_IOC_SET_BPF, prog) && !ioctl(fd, PERF_EVENT_IOC_ENABLE, 0))
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}
