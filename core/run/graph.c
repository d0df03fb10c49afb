/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* --svg FILE: the stacks of all reports in one picture, which is there when the run ends. */
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

#include "core/base/log.h"
#include "core/rows/unit_format.h"
#include "out/flame.h"

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

bool graph_open(struct run *run)
{
	const char *file = run->plan.opts.svg;
	struct graph *g = &run->graph;
	bool regular;
	mode_t mode;

	if (!file)
		return true;
	g->file = place_of(file, &regular, &mode);
	if (!g->file) {
		log_error("out of memory");
		return false;
	}
	if (S_ISFIFO(mode)) { /* whose reader would have to be waited for, twice */
		log_error("%s is a pipe: --svg takes a file", file);
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
static int put_in_place(struct graph *g, const struct text_buf *svg)
{
	/* in its own place, if another can't take that; devices have no length */
	bool emptied = g->temporary || !ftruncate(g->fd, 0) || errno == EINVAL;
	int error = emptied && write_all(g->fd, svg->data, svg->len) ? 0 : errno;

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

bool graph_write(struct run *run)
{
	struct text_buf title = { 0 }, svg = { 0 };
	struct graph *g = &run->graph;
	struct flame flame = { NULL, format_value, run };
	int error;

	if (!g->open)
		return true;
	if (run->plan.opts.root && !g->stacks.failed)
		drain_take_root(run, &g->stacks);
	folded_sort(&g->stacks);
	add_title(run, &title);
	flame.title = text_cstr(&title);
	if (g->stacks.failed || title.failed || !flame_draw(&flame, &g->stacks, &svg))
		error = ENOMEM;
	else
		error = put_in_place(g, &svg);
	if (error)
		log_error("cannot write to %s: %s", g->file, strerror(error));
	text_free(&title);
	text_free(&svg);
	return !error;
}

void graph_close(struct run *run)
{
	struct graph *g = &run->graph;

	if (g->open)
		close(g->fd);
	if (g->temporary) /* it wasn't finished */
		unlink(g->temporary);
	free(g->temporary);
	free(g->file);
	folded_free(&g->stacks);
	*g = (struct graph){ 0 };
}
