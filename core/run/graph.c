/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* --svg FILE and so on: the stacks of all reports in one file, which is there when the run ends. */
#include "core/run/drain.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/rows/unit_format.h"
#include "out/flame.h"
#include "out/flame_export.h"

/*
 * Where the file named @file really is, if it is a regular one; else as it is named. The kernel
 * follows the links, and so refuses those of others that it refuses to all. @mode: its type and
 * permissions; 0: there is none yet, or opening tells what is wrong (@regular is false).
 */
static char *place_of(const char *file, bool *regular, mode_t *mode)
{
	int fd = open(file, O_PATH | O_CLOEXEC);
	char link[64], real[PATH_MAX];
	struct stat st = { 0 };
	ssize_t n = -1;

	*regular = fd < 0 && errno == ENOENT;
	if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode)) {
		*regular = true;
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		n = readlink(link, real, sizeof(real) - 1);
	}
	if (fd >= 0)
		close(fd);
	*mode = st.st_mode;
	return n > 0 ? strndup(real, (size_t)n) : strdup(file);
}

/*
 * May its name be given to another file when our privileges are gone? Not in somebody else's
 * directory, for whom root writes where nobody else may.
 */
static bool may_replace(const char *file)
{
	struct stat dir, st;
	char *copy = strdup(file);
	uid_t me = geteuid();
	bool may = copy && !stat(dirname(copy), &dir);

	free(copy);
	if (!may)
		return true; /* opening tells what is wrong */
	if (dir.st_uid == me)
		return dir.st_mode & S_IWUSR;
	may = dir.st_mode & (dir.st_gid == getegid() ? S_IWGRP : S_IWOTH);
	return may && (!(dir.st_mode & S_ISVTX) || lstat(file, &st) || st.st_uid == me);
}

/* A file beside @g->file, which takes its place when it is whole, and has its @mode, if any. */
static int open_beside(struct graph *g, mode_t mode)
{
	mode_t mask = umask(0);
	int fd = -1;

	umask(mask);
	if (asprintf(&g->temporary, "%s.XXXXXX", g->file) < 0) {
		g->temporary = NULL;
		return -1;
	}
	fd = mkostemp(g->temporary, O_CLOEXEC);
	if (fd < 0) {
		free(g->temporary);
		g->temporary = NULL;
		return -1;
	}
	if (fchmod(fd, mode ? mode & 0777 : 0666 & ~mask))
		log_warn("the mode of %s can't be set: %s", g->file, strerror(errno));
	return fd;
}

static const char *const options[N_GRAPHS] = { "--svg", "--speedscope", "--pprof" };

static bool open_one(struct graph *g, const char *option, const char *file)
{
	bool regular;
	mode_t mode;

	g->file = place_of(file, &regular, &mode);
	if (!g->file) {
		log_error("out of memory");
		return false;
	}
	if (S_ISFIFO(mode)) { /* whose reader would have to be waited for, twice */
		log_error("%s is a pipe: %s takes a file", file, option);
		return false;
	}
	if (regular && may_replace(g->file))
		g->fd = open_beside(g, mode);
	else
		g->fd = open(g->file,
			     O_WRONLY | O_NOCTTY | O_CLOEXEC | (regular ? O_CREAT | O_NOFOLLOW : 0),
			     0666);
	if (g->fd < 0)
		log_error("cannot write to %s: %s", file, strerror(errno));
	g->open = g->fd >= 0;
	return g->open;
}

/* A line of -f: the stack, a space, its value. */
static bool add_line(struct folded *to, const char *line, size_t len)
{
	const char *space = memrchr(line, ' ', len);
	char *end = NULL;
	uint64_t value;

	if (!space || space == line || space[1] < '0' || space[1] > '9')
		return false;
	value = strtoull(space + 1, &end, 10);
	if (end != line + len)
		return false;
	folded_add(to, line, (size_t)(space - line), value);
	return !to->failed;
}

/* --diff FILE, read while we may. */
static bool read_before(struct folded *to, const char *file)
{
	FILE *f = fopen(file, "re");
	char *line = NULL;
	size_t room = 0, n = 0;
	ssize_t len;
	bool ok = f != NULL;

	if (!f)
		log_error("cannot read %s: %s", file, strerror(errno));
	while (ok && (len = getline(&line, &room, f)) >= 0) {
		n++;
		if (len && line[len - 1] == '\n')
			line[--len] = '\0';
		ok = !len || line[0] == '#' || add_line(to, line, (size_t)len);
		if (!ok)
			log_error("%s, line %zu: no stack with its value, as -f prints them", file,
				  n);
	}
	free(line);
	if (f)
		fclose(f);
	folded_sort(to);
	if (ok && !to->n) {
		log_error("%s has no stacks: --diff takes what -f printed", file);
		return false;
	}
	return ok;
}

bool graph_open(struct run *run)
{
	const struct common_opts *o = &run->plan.opts;
	const char *const files[N_GRAPHS] = { o->svg, o->speedscope, o->pprof };
	struct graphs *gs = &run->graphs;

	if (o->diff && !read_before(&gs->before, o->diff))
		return false;
	for (int i = 0; i < N_GRAPHS; i++) {
		if (!files[i])
			continue;
		if (!open_one(&gs->of[i], options[i], files[i]))
			return false;
		gs->open = true;
	}
	return true;
}

static void format_value(void *ctx, uint64_t n, char *buf, size_t size)
{
	struct run *run = ctx;
	struct value v = { V_UINT, .u = n };

	unit_format(drain_measure(run->plan.tool), &v, &run->view.clock, buf, size);
}

/* "profile: make -j 4" */
static void add_title(const struct run *run, struct text_buf *to)
{
	text_puts(to, run->plan.tool->name);
	if (run->plan.opts.root)
		text_printf(to, " under %s", run->plan.opts.root);
	for (char **word = run->plan.command; word && *word; word++) {
		text_puts(to, word == run->plan.command ? ": " : " ");
		text_add(to, *word, strnlen(*word, 200));
		if (to->len > 120) { /* as wide as the picture */
			text_puts(to, " ...");
			break;
		}
	}
}

static bool write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

/* Returns 0 or the errno of what failed. */
static int put_in_place(struct graph *g, const struct text_buf *text)
{
	/* in its own place, if another can't take that; devices have no length */
	bool emptied = g->temporary || !ftruncate(g->fd, 0) || errno == EINVAL;
	int error = emptied && write_all(g->fd, text->data, text->len) ? 0 : errno;

	if (close(g->fd) && !error)
		error = errno;
	g->open = false;
	if (!error && g->temporary && rename(g->temporary, g->file))
		error = errno;
	if (!error) {
		free(g->temporary);
		g->temporary = NULL;
	}
	return error;
}

/* Appends the stacks to @to in that format. */
static bool draw(struct run *run, enum graph_format format, const char *title, struct text_buf *to)
{
	const struct column *measure = drain_measure(run->plan.tool);
	const struct flame_export exported = { title, measure->name, measure->unit == U_NSEC,
					       now_ns() +
						       (uint64_t)run->view.clock.realtime_off_ns };
	const struct flame flame = { title, format_value, run,
				     run->plan.opts.diff ? &run->graphs.before : NULL };

	switch (format) {
	case GRAPH_SVG:
		return flame_draw(&flame, &run->graphs.stacks, to);
	case GRAPH_SPEEDSCOPE:
		return speedscope_write(&exported, &run->graphs.stacks, to);
	default:
		return pprof_write(&exported, &run->graphs.stacks, to);
	}
}

static bool write_one(struct run *run, enum graph_format format, const char *title)
{
	struct graph *g = &run->graphs.of[format];
	struct text_buf text = { 0 };
	int error = ENOMEM;

	if (!g->open)
		return true;
	if (!run->graphs.stacks.failed && draw(run, format, title, &text))
		error = put_in_place(g, &text);
	if (error)
		log_error("cannot write to %s: %s", g->file, strerror(error));
	text_free(&text);
	return !error;
}

bool graph_write(struct run *run)
{
	struct graphs *gs = &run->graphs;
	struct text_buf title = { 0 };
	bool ok = true;

	if (!gs->open)
		return true;
	if (run->plan.opts.root && !gs->stacks.failed)
		drain_take_root(run, &gs->stacks);
	folded_sort(&gs->stacks);
	add_title(run, &title);
	gs->stacks.failed |= title.failed;
	for (int i = 0; i < N_GRAPHS; i++)
		ok &= write_one(run, i, text_cstr(&title));
	text_free(&title);
	return ok;
}

void graph_close(struct run *run)
{
	struct graphs *gs = &run->graphs;

	for (int i = 0; i < N_GRAPHS; i++) {
		struct graph *g = &gs->of[i];

		if (g->open)
			close(g->fd);
		if (g->temporary) /* it wasn't finished */
			unlink(g->temporary);
		free(g->temporary);
		free(g->file);
	}
	folded_free(&gs->stacks);
	folded_free(&gs->before);
	*gs = (struct graphs){ 0 };
}
