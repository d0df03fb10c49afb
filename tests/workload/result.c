// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* What was done, counted in shared memory and printed as one line by one write. */
#include "workload.h"

#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* vdprintf and perror would write through stdio: fine here, the run is void anyway. */
void die(const char *what)
{
	fprintf(stderr, "workload: %s: %s\n", what, strerror(errno));
	_exit(99);
}

void sleep_ms(uint64_t ms)
{
	struct timespec ts = { .tv_sec = (time_t)(ms / 1000),
			       .tv_nsec = (long)(ms % 1000) * 1000000 };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

void pin_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity");
}

void *map_shared(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

void wait_for(pid_t pid)
{
	int status;

	if (pid < 0)
		die("fork");
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			die("waitpid");
	}
	if (WIFEXITED(status) && WEXITSTATUS(status))
		_exit(WEXITSTATUS(status));
}

/* Called before threads and children start, for the table is filled without a lock. */
struct tally *tally_get(struct ctx *c, const char *call)
{
	uint32_t n = c->sh->tallies;
	struct tally *t;

	for (uint32_t i = 0; i < n; i++) {
		if (!strcmp(c->sh->tally[i].call, call))
			return &c->sh->tally[i];
	}
	if (n == MAX_TALLIES)
		die("too many tallies");
	t = &c->sh->tally[n];
	snprintf(t->call, sizeof(t->call), "%s", call);
	if (c->times_cap) {
		t->times = map_shared(c->times_cap * sizeof(*t->times));
		t->times_cap = c->times_cap;
		/* Touch it now: a page fault inside the timed stretch would count as latency. */
		memset(t->times, 0xff, c->times_cap * sizeof(*t->times));
	}
	c->sh->tallies = n + 1;
	return t;
}

static void tally_error(struct tally *t, int code)
{
	t->errors++;
	for (int i = 0; i < MAX_ERRORS; i++) {
		int none = 0;

		if (t->error[i].code == code ||
		    atomic_compare_exchange_strong(&t->error[i].code, &none, code) ||
		    none == code) {
			t->error[i].count++;
			return;
		}
	}
	die("too many kinds of error");
}

void tally_add(struct tally *t, long ret, uint64_t lat_ns)
{
	uint64_t at;

	t->calls++;
	t->total_ns += lat_ns;
	if (ret < 0)
		tally_error(t, (int)-ret);
	else
		t->bytes += (uint64_t)ret;
	if (!t->times)
		return;
	at = t->times_used++;
	if (at < t->times_cap)
		t->times[at] = lat_ns;
}

void extra_add(struct ctx *c, const char *name, int64_t value)
{
	for (size_t i = 0; i < ARRAY_SIZE(c->extra); i++) {
		if (c->extra_name[i])
			continue;
		c->extra_name[i] = name;
		c->extra[i] = value;
		return;
	}
	die("too many extras");
}

long arg_num(struct ctx *c, int index, long deflt)
{
	char *end;
	long n;

	if (index >= c->argc)
		return deflt;
	errno = 0;
	n = strtol(c->argv[index], &end, 10);
	if (errno || *end || end == c->argv[index])
		die(c->argv[index]);
	return n;
}

const char *arg_str(struct ctx *c, int index, const char *deflt)
{
	if (index < c->argc)
		return c->argv[index];
	if (!deflt)
		die("argument missing");
	return deflt;
}

int64_t run_delay_ns(struct ctx *c)
{
	struct tally *opens = tally_get(c, "openat"), *reads = tally_get(c, "read");
	char text[128] = { 0 };
	long long on_cpu, delay;
	long fd = SC(SYS_openat, AT_FDCWD, "/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);

	tally_add(opens, fd < 0 ? fd : 0, 0);
	if (fd < 0)
		return -1;
	tally_add(reads, SC(SYS_read, fd, text, sizeof(text) - 1), 0);
	close((int)fd);
	return sscanf(text, "%lld %lld", &on_cpu, &delay) == 2 ? delay : -1;
}

/* The line is gathered in memory, so that it is one write whatever its length. */
struct line {
	char *buf;
	size_t used, cap;
};

__attribute__((format(printf, 2, 3))) static void put(struct line *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->buf + l->used, l->cap - l->used, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= l->cap - l->used)
		die("line too long");
	l->used += (size_t)n;
}

static void put_hex(struct line *l, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		put(l, "%02x", (unsigned char)bytes[i]);
}

static void put_tally(struct line *l, struct tally *t)
{
	uint64_t times = t->times ? t->times_used : 0;

	if (times > t->times_cap)
		times = t->times_cap;
	put(l, "\"%s\":{\"calls\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"total_ns\":%" PRIu64, t->call,
	    t->calls, t->bytes, t->total_ns);
	put(l, ",\"errors\":{");
	for (int i = 0; i < MAX_ERRORS && t->error[i].code; i++)
		put(l, "%s\"%s\":%" PRIu64, i ? "," : "", strerrorname_np(t->error[i].code),
		    t->error[i].count);
	put(l, "}");
	if (t->times) {
		put(l, ",\"times_ns\":[");
		for (uint64_t i = 0; i < times; i++)
			put(l, "%s%" PRIu64, i ? "," : "", t->times[i]);
		put(l, "]");
	}
	put(l, "}");
}

static void put_op(struct line *l, struct shared *sh, struct op *o)
{
	static const char *const match[] = { "exact", "prefix", "tail", "any" };

	put(l, "{\"id\":\"%s\",\"call\":\"%s\",\"pid\":%d,\"tid\":%d,\"uid\":%u", o->id, o->call,
	    o->pid, o->tid, o->uid);
	put(l, ",\"ret\":%" PRId64 ",\"err\":", o->ret);
	put(l, o->ret < 0 ? "\"%s\"" : "null", strerrorname_np((int)-o->ret));
	put(l, o->flags < 0 ? ",\"flags\":null" : ",\"flags\":%" PRId64, o->flags);
	put(l, o->mode < 0 ? ",\"mode\":null" : ",\"mode\":%" PRId64, o->mode);
	put(l, ",\"cut\":%s,\"match\":\"%s\"", o->path_cut ? "true" : "false", match[o->match]);
	if (o->has_path) {
		put(l, ",\"path\":\"");
		put_hex(l, sh->arena + o->path, o->path_len);
		put(l, "\"");
	}
	if (o->match != FULL_ANY) {
		put(l, ",\"full\":\"");
		put_hex(l, sh->arena + o->full, o->full_len);
		put(l, "\"");
	}
	put(l, "}");
}

static void write_out(const struct line *l)
{
	size_t done = 0;

	/* A full pipe makes a blocking write wait, not stop short: this is one call. */
	while (done < l->used) {
		ssize_t n = write(STDOUT_FILENO, l->buf + done, l->used - done);

		if (n < 0 && errno != EINTR)
			_exit(98);
		done += n > 0 ? (size_t)n : 0;
	}
}

void result_print(struct ctx *c)
{
	struct shared *sh = c->sh;
	struct line l = { .cap = 4096 + 3 * (size_t)TEXT_BYTES };

	for (uint32_t i = 0; i < sh->tallies; i++)
		l.cap += 1024 + sh->tally[i].times_cap * 21;
	l.buf = mmap(NULL, l.cap, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (l.buf == MAP_FAILED)
		die("mmap");
	put(&l, "{\"workload\":\"%s\",\"pid\":%d", c->name, (int)getpid());
	for (size_t i = 0; i < ARRAY_SIZE(c->extra) && c->extra_name[i]; i++)
		put(&l, ",\"%s\":%" PRId64, c->extra_name[i], c->extra[i]);
	put(&l, ",\"calls\":{");
	for (uint32_t i = 0; i < sh->tallies; i++) {
		put(&l, "%s", i ? "," : "");
		put_tally(&l, &sh->tally[i]);
	}
	put(&l, "},\"opens\":[");
	for (uint32_t i = 0; i < sh->ops; i++) {
		put(&l, "%s", i ? "," : "");
		put_op(&l, sh, &sh->op[i]);
	}
	put(&l, "]}\n");
	write_out(&l);
}
