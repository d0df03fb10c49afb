/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* --check: what the programs count beside what the kernel counts itself, over the same time. */
#include "core/run/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"

#define TRIES	 50
#define PAUSE_US 200
#define TEXT_MAX 65536

/* Reading it makes the machine's counters up to date, which are kept per CPU. */
#define REFRESH "/proc/sys/vm/stat_refresh"

enum place_kind {
	OF_NETWORK, /* of the first target, else our own: two lines, of names, then of numbers */
	OF_MACHINE, /* lines of a name and a number; so are the following */
	OF_CGROUP,  /* of --cgroup */
	OF_PROCESS, /* of those named with -p, or of the command: no file has them so */
};

/* Where counters stand, by the first word of a book's name. */
static const struct place {
	const char *word;
	const char *file;
	enum place_kind kind;
} places[] = {
	{ "Tcp", "net/snmp", OF_NETWORK },
	{ "TcpExt", "net/netstat", OF_NETWORK },
	{ "vmstat", "vmstat", OF_MACHINE },
	{ "memory.stat", "memory.stat", OF_CGROUP },
	{ "memory.events", "memory.events", OF_CGROUP },
	{ "process", NULL, OF_PROCESS },
};

#define N_PLACES (sizeof(places) / sizeof(places[0]))

static struct check_cfg *check_of(struct run *run)
{
	const struct tool *tool = run->plan.tool;

	return tool->books ? (void *)((char *)run->plan.cfg + tool->check.off) : NULL;
}

/* The process whose network namespace is looked at: the first that is named, else this one. */
static void target_dir(const struct run *run, uint32_t index, char *path, size_t size)
{
	const struct common_opts *opts = &run->plan.opts;

	if (index < opts->pids.n)
		snprintf(path, size, "/proc/%u", opts->pids.id[index]);
	else if (index - opts->pids.n < opts->tids.n)
		snprintf(path, size, "/proc/%u", opts->tids.id[index - opts->pids.n]);
	else
		snprintf(path, size, "/proc/self");
}

static uint32_t netns_of_target(const struct run *run, uint32_t index)
{
	char path[64];
	struct stat st;

	target_dir(run, index, path, sizeof(path) - 16);
	strcat(path, "/ns/net");
	return stat(path, &st) ? 0 : (uint32_t)st.st_ino;
}

/* While the privileges are there that reading another user's namespaces takes. */
void books_prepare(struct run *run)
{
	uint32_t n = run->plan.opts.pids.n + run->plan.opts.tids.n;
	struct check_cfg *check = check_of(run);

	if (!check || !check->on)
		return;
	check->netns = netns_of_target(run, 0);
	for (uint32_t i = 1; i < n; i++) {
		uint32_t netns = netns_of_target(run, i);

		run->books.several_netns |= netns && check->netns && netns != check->netns;
	}
}

/* --- reading --- */

/* The number of @place that @name's first word means; N_PLACES: of none. @key: the rest. */
static size_t place_of(const char *name, const char **key)
{
	size_t len = strcspn(name, " "), i = 0;

	while (i < N_PLACES &&
	       (strlen(places[i].word) != len || memcmp(places[i].word, name, len) != 0))
		i++;
	*key = name[len] ? name + len + 1 : "";
	return i;
}

static enum place_kind kind_of(const struct book *book)
{
	const char *key;

	return places[place_of(book->name, &key)].kind;
}

static bool word_is(const char *word, size_t len, const char *key)
{
	size_t n = strlen(key);

	if (n && key[n - 1] == '*')
		return len >= n - 1 && !memcmp(word, key, n - 1);
	return len == n && !memcmp(word, key, n);
}

/* Adds the numbers of @key in @text, lines of a name and a number each. False: none. */
static bool find_lines(const char *text, const char *key, uint64_t *sum)
{
	bool found = false;

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!word_is(line, strcspn(line, " \n"), key))
			continue;
		*sum += strtoull(line + strcspn(line, " \n"), NULL, 10);
		found = true;
	}
	return found;
}

/* The same of two lines that begin with @word and a colon: names, then numbers. */
static bool find_pairs(const char *text, const char *word, const char *key, uint64_t *sum)
{
	size_t len = strlen(word);
	const char *names = text, *numbers;

	while (names && (strncmp(names, word, len) != 0 || names[len] != ':')) {
		names = strchr(names, '\n');
		names += names != NULL;
	}
	numbers = names ? strchr(names, '\n') : NULL;
	if (!numbers)
		return false;
	numbers++;
	while (*names && *names != '\n' && *numbers && *numbers != '\n') {
		if (word_is(names, strcspn(names, " \n"), key)) {
			*sum += strtoull(numbers, NULL, 10);
			return true;
		}
		names += strcspn(names, " \n");
		numbers += strcspn(numbers, " \n");
		names += *names == ' ';
		numbers += *numbers == ' ';
	}
	return false;
}

/* All of a file in /proc, from its beginning; "" if it can't be read. */
static void read_text(int fd, char *text, size_t size)
{
	size_t len = 0;
	ssize_t n = fd < 0 ? 0 : 1;

	while (n > 0 && len < size - 1) {
		n = pread(fd, text + len, size - 1 - len, (off_t)len);
		len += n > 0 ? (size_t)n : 0;
	}
	text[len] = '\0';
}

/* Major faults of a process, as proc_pid_stat(5) has them, with those of children waited for. */
static bool add_faults(uint32_t pid, bool children, uint64_t *sum)
{
	unsigned long long own, waited;
	char path[64], text[1024];
	const char *rest;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	read_text(fd, text, sizeof(text));
	if (fd >= 0)
		close(fd);
	rest = strrchr(text, ')');
	if (!rest ||
	    sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %llu %llu", &own, &waited) != 2)
		return false;
	*sum += own + (children ? waited : 0);
	return true;
}

/*
 * What the targets' own counters say, in the form of a file. The command is our child: when it has
 * been waited for, its counters are among ours. "" where they are nobody's in particular.
 */
static void targets_text(const struct run *run, char *text)
{
	const struct common_opts *opts = &run->plan.opts;
	struct rusage usage;
	uint64_t sum = 0;

	text[0] = '\0';
	if (opts->tids.n || opts->user || opts->n_comms || opts->cgroup || opts->mntns ||
	    opts->children || !(run->watch.forked || opts->pids.n))
		return;
	if (run->watch.forked) {
		getrusage(RUSAGE_CHILDREN, &usage);
		sum = (uint64_t)usage.ru_majflt;
		if (!run->watch.child.exited)
			add_faults((uint32_t)run->watch.child.pid, true, &sum);
	}
	for (uint32_t i = 0; i < opts->pids.n; i++)
		if (!add_faults(opts->pids.id[i], false, &sum))
			return;
	snprintf(text, TEXT_MAX, "majflt %llu\n", (unsigned long long)sum);
}

/* The kernel's counter @name, in @text of each place. */
static bool find_counter(char *const text[], const char *name, uint64_t *sum)
{
	const char *key;
	size_t place = place_of(name, &key);

	if (place == N_PLACES)
		return false;
	if (places[place].kind == OF_NETWORK)
		return find_pairs(text[place], places[place].word, key, sum);
	return find_lines(text[place], key, sum);
}

/* What the probe of @book doesn't see; NULL: it sees all. */
static const char *unseen(const struct run *run, const struct book *book)
{
	const struct choice *choice = &run->source.loaded->choices[book->probe];

	if (choice->rung < 0)
		return run->plan.tool->probes[book->probe].without;
	return loaded_probe_blind(run->source.loaded, book->probe);
}

static void refresh_counters(const struct run *run)
{
	const struct book *book = run->plan.tool->books;
	char text[16];
	int fd;

	while (book->name && kind_of(book) != OF_MACHINE)
		book++;
	if (!book->name)
		return;
	fd = open(REFRESH, O_RDONLY | O_CLOEXEC);
	read_text(fd, text, sizeof(text));
	if (fd >= 0)
		close(fd);
}

static void read_kernel(const struct run *run, char *const text[], struct reading *r)
{
	const struct book *books = run->plan.tool->books;

	refresh_counters(run);
	for (size_t i = 0; i < N_PLACES; i++) {
		if (places[i].kind == OF_PROCESS)
			targets_text(run, text[i]);
		else
			read_text(run->books.fd[i], text[i], TEXT_MAX);
	}
	for (size_t i = 0; i < BOOKS_MAX && books[i].name; i++) {
		uint64_t less = 0;

		r->kernel[i] = 0;
		r->kept[i] = find_counter(text, books[i].name, &r->kernel[i]);
		if (books[i].less && unseen(run, &books[i]) &&
		    find_counter(text, books[i].less, &less))
			r->kernel[i] -= less;
	}
}

/* Counters of what is under way may fall, too. */
static uint64_t apart(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/*
 * All counters as of one moment: they are read again until nothing moves meanwhile. Where something
 * always does, by how much it did is what the pairs may differ by.
 */
static void read_all(const struct run *run, char *const text[], struct reading *r)
{
	struct reading again = { 0 };

	for (int i = 0; i < TRIES; i++) {
		struct counters before = loaded_counters(run->source.loaded), after;

		read_kernel(run, text, r);
		read_kernel(run, text, &again);
		after = loaded_counters(run->source.loaded);
		memcpy(r->ours, before.books, sizeof(r->ours));
		for (size_t k = 0; k < BOOKS_MAX; k++)
			r->moved[k] = apart(after.books[k].ours, before.books[k].ours) +
				      apart(after.books[k].others, before.books[k].others) +
				      apart(again.kernel[k], r->kernel[k]);
		if (!memcmp(before.books, after.books, sizeof(before.books)) &&
		    !memcmp(r->kernel, again.kernel, sizeof(r->kernel)))
			return;
		usleep(PAUSE_US);
	}
}

static void read_books(const struct run *run, struct reading *r)
{
	char *text[N_PLACES], *room = calloc(N_PLACES, TEXT_MAX);

	for (size_t i = 0; i < N_PLACES; i++)
		text[i] = room + i * TEXT_MAX;
	if (room)
		read_all(run, text, r);
	free(room);
}

/* --- the run --- */

static int open_place(const struct run *run, const struct place *place)
{
	char path[PATH_MAX + 64], dir[64];

	if (place->kind == OF_PROCESS || (place->kind == OF_CGROUP && !run->plan.opts.cgroup))
		return -1;
	target_dir(run, 0, dir, sizeof(dir));
	snprintf(path, sizeof(path), "%s/%s",
		 place->kind == OF_CGROUP    ? run->plan.opts.cgroup
		 : place->kind == OF_NETWORK ? dir
					     : "/proc",
		 place->file);
	return open(path, O_RDONLY | O_CLOEXEC);
}

bool books_begin(struct run *run)
{
	const struct check_cfg *check = check_of(run);

	if (!check || !check->on)
		return true;
	run->books.fd = calloc(N_PLACES, sizeof(*run->books.fd));
	if (!run->books.fd) {
		log_error("out of memory");
		return false;
	}
	for (size_t i = 0; i < N_PLACES; i++)
		run->books.fd[i] = open_place(run, &places[i]);
	read_books(run, &run->books.begin);
	return true;
}

void books_end(struct run *run)
{
	if (run->books.fd)
		read_books(run, &run->books.end);
}

void books_close(struct run *run)
{
	for (size_t i = 0; run->books.fd && i < N_PLACES; i++)
		if (run->books.fd[i] >= 0)
			close(run->books.fd[i]);
	free(run->books.fd);
	run->books.fd = NULL;
}

/* --- the pairs --- */

struct pair {
	const struct book *book;
	struct booked ours;
	uint64_t kernel, off, allowed;
	const char *state;
	const char *why; /* NULL: nothing is to be explained */
	bool wrong;
};

/* Why there is nothing to compare; NULL: there is. */
static const char *no_pair(const struct run *run, const struct book *book, size_t i)
{
	enum place_kind kind = kind_of(book);

	if (run->source.loaded->choices[book->probe].rung < 0)
		return unseen(run, book);
	if (kind == OF_NETWORK && run->books.several_netns)
		return "the targets are in several network namespaces, each with books of its own";
	if (run->books.begin.kept[i] && run->books.end.kept[i])
		return NULL;
	if (kind == OF_PROCESS)
		return "processes have books of their own: those of -p PID while they live, and of "
		       "-- COMMAND";
	return "this kernel has no such counter, or it can't be read";
}

static struct pair pair_of(const struct run *run, size_t i)
{
	const struct reading *from = &run->books.begin, *to = &run->books.end;
	struct pair p = { .book = &run->plan.tool->books[i], .state = "same" };
	uint64_t sum;

	p.why = no_pair(run, p.book, i);
	if (p.why) {
		p.state = "not compared";
		return p;
	}
	p.ours.ours = to->ours[i].ours - from->ours[i].ours;
	p.ours.others = to->ours[i].others - from->ours[i].others;
	p.kernel = to->kernel[i] - from->kernel[i];
	p.allowed = from->moved[i] + to->moved[i];
	sum = p.ours.ours + p.ours.others;
	p.off = sum < p.kernel ? p.kernel - sum : sum - p.kernel;
	if (p.off <= p.allowed)
		return p;
	p.wrong = p.book->rule != BOOK_NEAR &&
		  p.book->rule != (sum < p.kernel ? BOOK_AT_MOST : BOOK_AT_LEAST);
	p.why = p.book->why;
	if (p.wrong && sum > p.kernel && kind_of(p.book) == OF_PROCESS && run->watch.forked) {
		p.wrong = false;
		p.why = "children that nobody has waited for are ours alone";
	}
	p.state = p.wrong ? "differs" : "explained";
	if (p.wrong)
		p.why = NULL;
	return p;
}

static void pair_text(const struct pair *p, const char *command)
{
	if (!strcmp(p->state, "not compared")) {
		fprintf(stderr, "%s: %s: not compared: %s\n", command, p->book->name, p->why);
		return;
	}
	fprintf(stderr, "%s: %s: %llu ours, %llu others', %llu the kernel's: %s", command,
		p->book->name, p->ours.ours, p->ours.others, (unsigned long long)p->kernel,
		p->state);
	if (p->off)
		fprintf(stderr, ", off by %llu", (unsigned long long)p->off);
	fprintf(stderr, "%s%s\n", p->why ? ": " : "", p->why ? p->why : "");
}

static void pair_record(struct run *run, const struct pair *p)
{
	struct json_pair pairs[] = {
		{ "book", JP_TEXT, .text = p->book->name },
		{ "ours", JP_UINT, .u = p->ours.ours },
		{ "others", JP_UINT, .u = p->ours.others },
		{ "kernel", JP_UINT, .u = p->kernel },
		{ "off", JP_UINT, .u = p->off },
		{ "allowed", JP_UINT, .u = p->allowed },
		{ "state", JP_TEXT, .text = p->state },
		{ "why", JP_TEXT, .text = p->why },
	};

	sink_record(run->view.sink, "check", pairs,
		    sizeof(pairs) / sizeof(pairs[0]) - (p->why == NULL));
}

bool books_tell(struct run *run)
{
	const struct tool *tool = run->plan.tool;
	size_t wrong = 0;

	for (size_t i = 0; run->books.fd && i < BOOKS_MAX && tool->books[i].name; i++) {
		struct pair p;

		if (kind_of(&tool->books[i]) == OF_CGROUP && !run->plan.opts.cgroup)
			continue;
		p = pair_of(run, i);
		pair_record(run, &p);
		if (run->output.error != EPIPE)
			pair_text(&p, tool->name);
		wrong += p.wrong;
	}
	if (wrong)
		log_error("%zu of the pairs that must agree with the kernel's counters %s not",
			  wrong, wrong > 1 ? "do" : "does");
	return !wrong;
}
