/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Where rows go: the file, its sink and its writer, and which events have arrived there. */
#include "core/run/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/progress.h"
#include "core/base/signals.h"
#include "core/run/tables.h"

#define USER_LOWEST  0x1000 /* no code is mapped below, whoever asks */
#define USER_HIGHEST (1ULL << 56)

/* What is no address: the frame pointer that led there was none, nor are those behind it. */
static bool is_nowhere(uint64_t addr)
{
	return addr != STACK_LOST_FRAME && (addr < USER_LOWEST || addr >= USER_HIGHEST);
}

/*
 * A user stack, up to the last frame that is mapped: libraries without frame pointers keep other
 * things in that register.
 */
static void add_user_names(struct run *run, uint32_t pid, const char *frames, size_t len)
{
	struct text_buf *to = &run->view.stack_text;
	bool plain = run->plan.tool->drain.by_function;
	uint64_t addr, program;
	size_t keep = 0;

	memcpy(&program, frames, sizeof(program)); /* struct vstack */
	for (size_t i = sizeof(program); i + sizeof(addr) <= len; i += sizeof(addr)) {
		bool mapped = true;

		memcpy(&addr, frames + i, sizeof(addr));
		if (keep && is_nowhere(addr))
			break;
		if (addr == STACK_LOST_FRAME)
			text_puts(to, "[stack lost]");
		else
			mapped = stack_user_name(run->view.symbols, pid, program, addr, plain, to);
		text_pad(to, '\0', 1);
		if (mapped || !keep)
			keep = to->len;
	}
	to->len = keep;
}

static void add_kernel_names(struct run *run, const char *frames, size_t len)
{
	bool plain = run->plan.tool->drain.by_function;
	uint64_t addr;

	for (size_t i = 0; i + sizeof(addr) <= len; i += sizeof(addr)) {
		memcpy(&addr, frames + i, sizeof(addr));
		text_puts(&run->view.stack_text,
			  addr == STACK_LOST_FRAME
				  ? "[stack lost]"
				  : stack_kernel_name(run->view.symbols, addr, plain));
		text_pad(&run->view.stack_text, '\0', 1);
	}
}

const char *stack_list(struct run *run, bool user, uint32_t pid, const struct value *v, size_t *len)
{
	run->view.stack_text.len = 0;
	if (!user)
		add_kernel_names(run, v->bytes.p, v->bytes.len);
	else if (v->bytes.len >= sizeof(uint64_t))
		add_user_names(run, pid, v->bytes.p, v->bytes.len);
	*len = run->view.stack_text.len;
	return run->view.stack_text.data;
}

static const char *format_stack(void *ctx, bool user, uint32_t pid, const struct value *v,
				size_t *len)
{
	return stack_list(ctx, user, pid, v, len);
}

static bool open_file(struct run *run)
{
	run->output.fd = STDOUT_FILENO;
	if (!run->plan.opts.file && began_closed(STDOUT_FILENO)) {
		log_error("standard output is closed; -O FILE says where the rows shall go");
		return false;
	}
	if (run->plan.opts.file)
		run->output.fd = writer_open_file(run->plan.opts.file);
	if (run->output.fd < 0)
		log_error("cannot write to %s: %s", run->plan.opts.file, strerror(errno));
	return run->output.fd >= 0;
}

static int put(void *run_, struct text_buf *out)
{
	struct run *run = run_;

	return writer_put(run->output.writer, out);
}

static void look_at_terminal(struct sink_opts *o)
{
	const char *no_colour = getenv("NO_COLOR");
	struct winsize size;

	if (o->format != FORMAT_TEXT || !isatty(o->fd))
		return;
	o->terminal = true;
	o->plain = !terminal_obeys(o->fd);
	o->colour = !no_colour || !*no_colour;
	o->width = ioctl(o->fd, TIOCGWINSZ, &size) || !size.ws_col ? 80 : size.ws_col;
}

bool file_open(struct run *run)
{
	struct sink_opts o = {
		.format = run->plan.opts.format,
		.clock = run->view.clock,
		.stack = format_stack,
		.stack_ctx = run,
		.choosable = run->plan.n_tables == 1 ? table_of_columns(run->plan.main) : NULL,
		.all_choosable = run->plan.n_tables > 1,
		.put = put,
		.put_ctx = run,
	};

	if (!open_file(run))
		return false;
	o.fd = run->output.fd;
	look_at_terminal(&o);
	run->output.writer = writer_open(run->output.fd, run->plan.opts.file);
	run->view.sink = run->output.writer ? sink_open(&o) : NULL;
	if (!run->view.sink)
		log_error("out of memory");
	return run->view.sink != NULL;
}

static bool make_room(struct run *run)
{
	size_t n = run->output.n_marks - run->output.first_mark;
	struct mark *more;

	if (run->output.first_mark && run->output.first_mark >= n) { /* most of it is done with */
		memmove(run->output.mark, run->output.mark + run->output.first_mark,
			n * sizeof(*run->output.mark));
		run->output.n_marks = n;
		run->output.first_mark = 0;
		return true;
	}
	n = run->output.mark_room ? 2 * run->output.mark_room : 1024;
	more = realloc(run->output.mark, n * sizeof(*more));
	if (!more)
		return false;
	run->output.mark = more;
	run->output.mark_room = n;
	return true;
}

void file_mark(struct run *run, uint64_t events)
{
	run->output.handed += events;
	if (!events || (run->output.n_marks == run->output.mark_room && !make_room(run)))
		return; /* without memory for it, it counts as not written */
	run->output.mark[run->output.n_marks++] =
		(struct mark){ writer_taken(run->output.writer) + sink_pending(run->view.sink),
			       events };
}

/* Events whose last byte has been written are shown. */
static void settle(struct run *run)
{
	uint64_t written = writer_written(run->output.writer);

	while (run->output.first_mark < run->output.n_marks &&
	       run->output.mark[run->output.first_mark].end <= written)
		run->account.shown += run->output.mark[run->output.first_mark++].events;
	if (run->output.first_mark == run->output.n_marks)
		run->output.first_mark = run->output.n_marks = 0;
}

static void say_failed(const struct run *run)
{
	const char *hint =
		run->output.error == EFBIG ? " (ulimit -f, or the filesystem's limit)" : "";

	if (run->output.error != EPIPE)
		log_error("writing to %s failed: %s%s",
			  run->plan.opts.file ? run->plan.opts.file : "standard output",
			  strerror(run->output.error), hint);
}

bool output_flush(struct run *run)
{
	int err = run->output.error ? run->output.error : sink_flush(run->view.sink);

	settle(run);
	if (err && !run->output.error) {
		run->output.error = err;
		run->loop.stop = true;
		say_failed(run);
	}
	return !err;
}

/* A reader gets so long to take anything at all, less where somebody is in a hurry. */
#define PATIENCE_NS 2000000000ULL
#define HURRY_NS    100000000ULL
#define LOOK_MS	    20

bool file_wait(struct run *run, bool all)
{
	uint64_t written = 0, last = now_ns();

	while (output_flush(run) && !run->output.stalled) {
		uint64_t now = now_ns(), is = writer_written(run->output.writer);

		if (all ? writer_idle(run->output.writer) : writer_room(run->output.writer))
			return output_flush(run);
		if (is != written)
			last = now;
		written = is;
		if (now - last >= (run->loop.interrupts > 1 ? HURRY_NS : PATIENCE_NS))
			break;
		writer_wait(run->output.writer, LOOK_MS);
		loop_signals(run);
	}
	if (!run->output.error && !run->output.stalled) {
		writer_stop(run->output.writer);
		run->output.stalled = true;
		settle(run);
	}
	return false;
}

static bool has_moved(const struct run *run)
{
	struct stat there, ours;

	return !stat(run->plan.opts.file, &there) && !fstat(run->output.fd, &ours) &&
	       (there.st_ino != ours.st_ino || there.st_dev != ours.st_dev);
}

static int open_again(const char *path)
{
	int fd =
		open(path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0666);
	struct stat st;

	if (fd < 0 || (!fstat(fd, &st) && S_ISREG(st.st_mode)))
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

void file_look(struct run *run, bool asked)
{
	struct stat st;
	int fd;

	if (!run->plan.opts.file || fstat(run->output.fd, &st) || !S_ISREG(st.st_mode) ||
	    (!asked && !has_moved(run)) || !output_flush(run))
		return;
	fd = open_again(run->plan.opts.file);
	if (fd < 0) {
		log_warn("cannot open %s again: %s; rows go on into the file as it was",
			 run->plan.opts.file, strerror(errno));
		return;
	}
	writer_turn(run->output.writer, fd);
	close(run->output.fd);
	run->output.fd = fd;
	sink_again(run->view.sink);
}

void file_close(struct run *run)
{
	if (run->view.sink && !run->output.error && !run->output.stalled)
		file_wait(run, true);
	run->output.stalled = true;
	if (run->output.writer)
		writer_stop(run->output.writer);
	sink_close(run->view.sink);
	writer_close(run->output.writer);
	free(run->output.mark);
	if (run->plan.opts.file && run->output.fd >= 0 && close(run->output.fd) &&
	    !run->output.error) {
		run->output.error = errno;
		say_failed(run);
	}
}
