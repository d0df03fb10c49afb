/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define NSEC_PER_SEC 1000000000LL
/* TIME_NS_INIT_INO in include/linux/proc_ns.h: it has no offset. */
#define INITIAL_TIMENS_INO 0xEFFFFFFAU
/* Two clocks can't be read at once. A smaller difference may come from that. */
#define STEP_NS 1000000LL
#define TRIES	4

static uint64_t read_clock(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

int64_t timens_offset_in(const char *line)
{
	static const char name[] = "monotonic";
	long long s;
	char *end;

	if (strncmp(line, name, sizeof(name) - 1))
		return 0;
	s = strtoll(line + sizeof(name) - 1, &end, 10);
	return s * NSEC_PER_SEC + strtoll(end, NULL, 10);
}

static ino_t inode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_ino;
}

/*
 * The file tells about the namespace that children will be in: up to 6.1, who unshares it is not in
 * it itself, and is then, as far as anybody knows, in the initial one.
 */
static int64_t namespace_offset(void)
{
	ino_t ours = inode_of("/proc/self/ns/time");
	int64_t off = 0;
	char line[128];
	FILE *f;

	if (!ours || ours == INITIAL_TIMENS_INO ||
	    ours != inode_of("/proc/self/ns/time_for_children"))
		return 0;
	f = fopen("/proc/self/timens_offsets", "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		off += timens_offset_in(line);
	fclose(f);
	return off;
}

uint64_t now_ns(void)
{
	static bool known;
	static int64_t off;

	if (!known)
		off = namespace_offset();
	known = true;
	return read_clock(CLOCK_MONOTONIC) - (uint64_t)off;
}

/* Of several pairs the one whose two readings are closest together. */
static int64_t wall_offset(void)
{
	uint64_t best = UINT64_MAX;
	int64_t off = 0;

	for (int i = 0; i < TRIES; i++) {
		uint64_t before = now_ns(), real = read_clock(CLOCK_REALTIME);
		uint64_t width = now_ns() - before;

		if (width >= best)
			continue;
		best = width;
		off = (int64_t)(real - before - width / 2);
	}
	return off;
}

bool wall_offset_changed(int64_t *off_ns)
{
	int64_t off = wall_offset();

	if (llabs(off - *off_ns) < STEP_NS)
		return false;
	*off_ns = off;
	return true;
}
