/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/base/log.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "core/base/escape.h"
#include "core/base/text_buf.h"

static struct {
	const char *name;
	bool verbose;
	size_t len;
	char libbpf[64 * 1024]; /* a verifier log is long, and its end matters */
} state = { .name = "iosonde" };

/* So long may whoever reads the messages stall, once. */
#define PATIENCE_MS 1000

/* Whoever reads them may stall: that loses messages, and doesn't stop a run. */
static ssize_t write_message(void *patience_, const char *text, size_t len)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };
	int *patience_ms = patience_;
	size_t at = 0;

	while (at < len) {
		size_t piece = len - at < PIPE_BUF ? len - at : PIPE_BUF;
		ssize_t n = -1;

		if (poll(&p, 1, *patience_ms) > 0)
			n = write(STDERR_FILENO, text + at, piece);
		else
			*patience_ms = 0;
		if (n <= 0)
			break;
		at += (size_t)n;
	}
	return (ssize_t)len;
}

void log_begin(void)
{
	static int patience_ms = PATIENCE_MS;
	FILE *f = fopencookie(&patience_ms, "w", (cookie_io_functions_t){ .write = write_message });

	if (!f || setvbuf(f, NULL, _IOLBF, BUFSIZ))
		return;
	stderr = f;
}

/* Columns of the terminal that messages go to; 0: none, or one that doesn't say. */
static size_t terminal_columns(void)
{
	struct winsize size;

	return isatty(STDERR_FILENO) && !ioctl(STDERR_FILENO, TIOCGWINSZ, &size) ? size.ws_col : 0;
}

/* Prints the words of one line on as many as @columns ask for; 0: on one. */
static void put_folded(const char *text, size_t columns)
{
	size_t used = 0;

	while (*text) {
		size_t blanks = strspn(text, " "), len = blanks + strcspn(text + blanks, " ");
		size_t takes = blanks + text_columns(text + blanks, len - blanks);

		if (columns && used && used + takes > columns) {
			fputs("\n  ", stderr);
			text += blanks;
			len -= blanks;
			takes -= blanks;
			used = 2;
		}
		fwrite(text, 1, len, stderr);
		used += takes;
		text += len;
	}
	fputc('\n', stderr);
}

/*
 * Messages quote what people typed and what files are called: it must not reach the terminal raw,
 * nor begin a line of its own unless the message has @lines.
 */
static void say(bool lines, const char *fmt, va_list args)
{
	char text[4096];
	struct text_buf out = { 0 };
	size_t len;

	vsnprintf(text, sizeof(text), fmt, args);
	text_printf(&out, "%s: ", state.name);
	for (const char *part = text;; part += len + 1) {
		/* what is quoted may have been escaped already: backslashes stay as they are */
		len = strcspn(part, lines ? "\n\\" : "\\");
		if (text_room(&out, ESCAPE_MAX * len + 1))
			out.len += escape_text(out.data + out.len, part, len);
		if (!part[len])
			break;
		text_add(&out, &part[len], 1);
	}
	/* lines of a message that has several stand below each other on purpose */
	put_folded(text_cstr(&out), lines ? 0 : terminal_columns());
	text_free(&out);
}

/* libbpf's messages are kept, not shown: the engine says what failed, on what, and what to try. */
static int keep(enum libbpf_print_level level, const char *fmt, va_list args)
{
	size_t room;
	int n;

	if (level == LIBBPF_DEBUG)
		return 0;
	room = sizeof(state.libbpf) - state.len;
	if (room < 4096) {
		memmove(state.libbpf, state.libbpf + state.len / 2, state.len - state.len / 2);
		state.len -= state.len / 2;
		room = sizeof(state.libbpf) - state.len;
	}
	n = vsnprintf(state.libbpf + state.len, room, fmt, args);
	if (n > 0)
		state.len += (size_t)n < room ? (size_t)n : room - 1;
	return n;
}

void log_init(const char *name, bool verbose)
{
	state.name = name;
	state.verbose = verbose;
	libbpf_set_print(keep);
}

void log_error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(false, fmt, args);
	va_end(args);
}

void log_error_lines(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(true, fmt, args);
	va_end(args);
}

void log_warn(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(false, fmt, args);
	va_end(args);
}

void log_verbose(const char *fmt, ...)
{
	va_list args;

	if (!state.verbose)
		return;
	va_start(args, fmt);
	say(false, fmt, args);
	va_end(args);
}

const char *error_text(int err)
{
	static char text[128];

	libbpf_strerror(err, text, sizeof(text));
	return text;
}

bool stdout_written(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return true;
	log_error("writing to standard output failed: %s", strerror(errno));
	return false;
}

void log_verifier(void)
{
	if (state.verbose)
		fputs(log_libbpf(), stderr);
}

const char *log_libbpf(void)
{
	state.libbpf[state.len] = '\0';
	return state.libbpf;
}

void log_libbpf_clear(void)
{
	state.len = 0;
}
