/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * All of it may be made to do harm by whoever runs the process: names, files, mounts. So no name is
 * opened, nothing but a regular file, and none that a process would have to answer for (FUSE).
 */
#include "core/names/mapped.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "bpf/shared.h"

#define MAPPINGS_MAX   65536
#define AGE_NS	       1000000000LL
#define PAUSE_LEAST_NS 1000000LL
#define PAUSE_MOST_NS  100000000LL

static FILE *open_proc(uint32_t pid, const char *file)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, file);
	return fopen(path, "re");
}

bool runs_program(uint32_t pid, uint64_t program)
{
	uint64_t field[52] = { 0 };
	FILE *f = open_proc(pid, "stat");
	char line[4096], *p, *save = NULL;
	size_t n = 3; /* the number of the field behind the name, which may contain anything */

	if (!f)
		return false;
	p = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	fclose(f);
	if (!p)
		return false;
	for (char *word = strtok_r(p + 1, " ", &save); word && n < 52;
	     word = strtok_r(NULL, " ", &save))
		field[n++] = strtoull(word, NULL, 10);
	/* startcode, endcode, startstack, arg_start: proc_pid_stat(5) */
	return program == program_id(field[26], field[27], field[28], field[48]);
}

#define DELETED " (deleted)"

static size_t length_of(const char *name)
{
	size_t len = strcspn(name, "\n"), tail = strlen(DELETED);

	return len > tail && !strncmp(name + len - tail, DELETED, tail) ? len - tail : len;
}

/* Copies a mapping's name. False: no memory. */
static bool add_name(struct mapped *m, struct mapping *map, const char *name, size_t *names_len)
{
	size_t len = length_of(name);
	char *names = realloc(m->names, *names_len + len + 1);

	if (!names)
		return false;
	m->names = names;
	memcpy(names + *names_len, name, len);
	names[*names_len + len] = '\0';
	map->name = (uint32_t)*names_len;
	*names_len += len + 1;
	return true;
}

static bool add_line(struct mapped *m, const char *line, size_t *names_len)
{
	struct mapping map = { 0 };
	const char *name;
	char rights[8];
	int at = 0;

	if (sscanf(line,
		   "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %" SCNx32 ":%" SCNx32 " %" SCNu64 " %n",
		   &map.start, &map.end, rights, &map.offset, &map.major, &map.minor, &map.ino,
		   &at) != 7 ||
	    !at || rights[2] != 'x')
		return true;
	name = strrchr(line + at, '/');
	if (m->n % 64 == 0) {
		struct mapping *more = realloc(m->map, (m->n + 64) * sizeof(*more));

		if (!more)
			return false;
		m->map = more;
	}
	if (!add_name(m, &map, name ? name + 1 : line + at, names_len))
		return false;
	m->map[m->n++] = map;
	return true;
}

void mapped_free(struct mapped *m)
{
	free(m->map);
	free(m->names);
	*m = (struct mapped){ 0 };
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

bool mapped_read(struct mapped *m, uint32_t pid, uint64_t program)
{
	FILE *f = open_proc(pid, "maps");
	size_t names_len = 0, cap = 0;
	char *line = NULL;
	bool ok = true;

	*m = (struct mapped){ .pid = pid, .program = program, .pause_ns = PAUSE_LEAST_NS };
	if (!f)
		return false;
	while (ok && m->n < MAPPINGS_MAX && getline(&line, &cap, f) > 0)
		ok = add_line(m, line, &names_len);
	free(line);
	fclose(f);
	m->read_ns = now_ns();
	/* asked afterwards: nobody comes back to a program that was given up */
	if (ok && m->n && runs_program(pid, program))
		return true;
	mapped_free(m);
	return false;
}

static bool are_same(const struct mapped *a, const struct mapped *b)
{
	bool same = a->n == b->n;

	for (size_t i = 0; same && i < a->n; i++) {
		const struct mapping *x = &a->map[i], *y = &b->map[i];

		same = x->start == y->start && x->end == y->end && x->offset == y->offset &&
		       x->ino == y->ino && x->major == y->major && x->minor == y->minor;
	}
	return same;
}

bool mapped_look(struct mapped *m, bool again)
{
	int64_t now = now_ns();
	struct mapped fresh;

	if (now - m->read_ns < (again ? m->pause_ns : AGE_NS))
		return false;
	if (!mapped_read(&fresh, m->pid, m->program))
		return false;
	if (are_same(m, &fresh)) {
		mapped_free(&fresh);
		m->read_ns = now;
		m->pause_ns = m->pause_ns < PAUSE_MOST_NS ? 2 * m->pause_ns : PAUSE_MOST_NS;
		return false;
	}
	fresh.used = m->used;
	mapped_free(m);
	*m = fresh;
	return true;
}

void *mapped_place(void *places, size_t n, size_t size, uint32_t pid, uint64_t program,
		   uint64_t *used, bool *taken)
{
	struct mapped *oldest = places;

	*taken = false;
	for (char *at = places; at < (char *)places + n * size && !*taken; at += size) {
		struct mapped *m = (struct mapped *)at;

		*taken = m->pid == pid && m->program == program && m->n;
		if (*taken || m->used < oldest->used)
			oldest = m;
	}
	oldest->used = ++*used;
	return oldest;
}

struct mapping *mapped_find(const struct mapped *m, uint64_t addr)
{
	size_t lo = 0, hi = m->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->map[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < m->n && m->map[lo].start <= addr ? &m->map[lo] : NULL;
}

/* "... 0:42 /root /where opts - fuse.sshfs source opts" */
static bool names_device(char *line, uint32_t major, uint32_t minor, bool *answers)
{
	uint32_t ma, mi;
	char *type;

	if (sscanf(line, "%*s %*s %" SCNu32 ":%" SCNu32, &ma, &mi) != 2 || ma != major ||
	    mi != minor)
		return false;
	type = strstr(line, " - ");
	*answers = type && strncmp(type + 3, "fuse", 4) != 0;
	return true;
}

/* Is the device a filesystem's that waits for no process when it is read? */
static bool answers_by_itself(uint32_t pid, uint32_t major, uint32_t minor)
{
	bool found = false, answers = false;
	FILE *lists[] = { open_proc(pid, "mountinfo"), fopen("/proc/self/mountinfo", "re") };
	char *line = NULL;
	size_t cap = 0;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		while (lists[i] && !found && getline(&line, &cap, lists[i]) > 0)
			found = names_device(line, major, minor, &answers);
		if (lists[i])
			fclose(lists[i]);
	}
	free(line);
	return found && answers;
}

/* The same file, opened to be read, if it is a regular one. Asks no server for its attributes. */
static int open_regular(int path_fd)
{
	struct statx st;
	char again[32];

	if (statx(path_fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &st))
		return -1;
	if (!S_ISREG(st.stx_mode)) {
		errno = EINVAL;
		return -1;
	}
	snprintf(again, sizeof(again), "/proc/self/fd/%d", path_fd);
	return open(again, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static bool is_file_of(int path_fd, const struct mapping *map)
{
	struct statx st;

	return !statx(path_fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO, &st) &&
	       st.stx_ino == map->ino && st.stx_dev_major == map->major &&
	       st.stx_dev_minor == map->minor;
}

/* /proc/PID/exe takes no capability but CAP_SYS_PTRACE; it is the file of the mapping, or not. */
static int open_exe(uint32_t pid, const struct mapping *map)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/exe", pid);
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd >= 0 && !is_file_of(fd, map)) {
		close(fd);
		errno = EPERM;
		return -1;
	}
	return fd;
}

int mapping_open(uint32_t pid, const struct mapping *map)
{
	int path_fd, fd, error;
	char path[96];

	if (!map->ino || !answers_by_itself(pid, map->major, map->minor)) {
		errno = EINVAL;
		return -1;
	}
	snprintf(path, sizeof(path), "/proc/%u/map_files/%" PRIx64 "-%" PRIx64, pid, map->start,
		 map->end);
	path_fd = open(path, O_PATH | O_CLOEXEC);
	if (path_fd < 0 && (errno == EPERM || errno == EACCES))
		path_fd = open_exe(pid, map);
	if (path_fd < 0)
		return -1;
	fd = open_regular(path_fd);
	error = errno;
	close(path_fd);
	errno = error;
	return fd;
}
