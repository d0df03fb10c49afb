/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* When the sinks write, and what they make of outputs that fail, stall or take half. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "tests/unit/sink_row.h"

/* Every write() to a datagram socket is a message of its own. */
static void one_write_per_flush(void **state)
{
	struct sink_opts o = options(FORMAT_JSON, -1);
	struct row r = ROW("/etc/passwd");
	static char got[200000];
	int pair[2], size = 400000;
	struct sink *s;
	ssize_t n;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair), 0);
	assert_int_equal(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	o.fd = pair[0];
	s = sink_open(&o);
	for (int i = 0; i < 100; i++)
		sink_row(s, EVERYTHING, &r, sizeof(r));
	assert_int_equal(recv(pair[1], got, sizeof(got), 0), -1); /* nothing yet */
	assert_int_equal(sink_flush(s), 0);
	n = recv(pair[1], got, sizeof(got), 0);
	assert_true(n > 100 * 200);
	assert_int_equal(got[n - 1], '\n');
	assert_int_equal(recv(pair[1], got, sizeof(got), 0), -1);
	assert_int_equal(sink_flush(s), 0); /* nothing to write */
	assert_int_equal(recv(pair[1], got, sizeof(got), 0), -1);
	/* A full buffer goes out by itself, whole rows at a time. */
	for (int i = 0; i < 300; i++)
		sink_row(s, EVERYTHING, &r, sizeof(r));
	n = recv(pair[1], got, sizeof(got), 0);
	assert_true(n >= 65536 && n < 65536 + 1000);
	assert_int_equal(got[n - 1], '\n');
	assert_int_equal(sink_close(s), 0);
	close(pair[0]);
	close(pair[1]);
}

static void full_disk_is_remembered(void **state)
{
	int fd = open("/dev/full", O_WRONLY);
	struct row r = ROW("x");

	(void)state;
	assert_true(fd >= 0);
	for (enum format f = FORMAT_TEXT; f <= FORMAT_CSV; f++) {
		struct sink_opts o = options(f, fd);
		struct sink *s = sink_open(&o);

		sink_row(s, SELECT(PID), &r, sizeof(r));
		assert_int_equal(sink_flush(s), ENOSPC);
		assert_int_equal(sink_flush(s), ENOSPC);
		/* Everything after it is quietly dropped. */
		for (int i = 0; i < 100000; i++)
			sink_row(s, SELECT(PID), &r, sizeof(r));
		sink_title(s, "t");
		sink_clear(s);
		sink_record(s, "summary", NULL, 0);
		assert_int_equal(sink_close(s), ENOSPC);
	}
	close(fd);
}

/* The error of a write in the midst of rows isn't lost either. */
static void errors_between_flushes_are_remembered(void **state)
{
	int fd = open("/dev/full", O_WRONLY);
	struct sink_opts o = options(FORMAT_TEXT, fd);
	struct sink *s = sink_open(&o);
	struct row r = ROW("x");

	(void)state;
	for (int i = 0; i < 100000; i++)
		sink_row(s, SELECT(PID), &r, sizeof(r));
	assert_int_equal(sink_close(s), ENOSPC);
	close(fd);
}

static void closed_pipe_is_an_error(void **state)
{
	struct sink_opts o = options(FORMAT_JSON, -1);
	struct row r = ROW("x");
	struct sink *s;
	int fds[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	o.fd = fds[1];
	s = sink_open(&o);
	sink_row(s, SELECT(PID), &r, sizeof(r));
	assert_int_equal(sink_flush(s), EPIPE);
	assert_int_equal(sink_close(s), EPIPE);
	close(fds[1]);
	o.fd = -1;
	s = sink_open(&o);
	assert_int_equal(sink_flush(s), 0); /* nothing was to be written */
	sink_row(s, SELECT(PID), &r, sizeof(r));
	assert_int_equal(sink_close(s), EBADF);
	assert_int_equal(sink_close(NULL), 0);
}

struct reader {
	int fd;
	char *data;
	size_t len;
};

/* Reads slowly, in pieces of odd sizes. */
static void *read_slowly(void *arg)
{
	struct reader *r = arg;
	sigset_t all;
	ssize_t n;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	while ((n = read(r->fd, r->data + r->len, 3001)) > 0) {
		r->len += (size_t)n;
		/* At first much slower than the signals, which then find the pipe full. */
		usleep(r->len < 60000 ? 1000 : 20);
	}
	return NULL;
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* Writes rows to a small pipe that someone reads slowly; all of it must arrive, in order. */
static void write_through_pipe(bool non_blocking)
{
	const struct selection *sel = SELECT(PID, BYTES, PATH);
	struct sink_opts o = options(FORMAT_CSV, -1);
	struct row r = ROW("/some/where");
	struct reader reader = { .data = malloc(4000000) };
	size_t rows = 20000, at = 0;
	char want[128];
	pthread_t thread;
	struct sink *s;
	int fds[2];

	assert_int_equal(pipe2(fds, 0), 0);
	fcntl(fds[1], F_SETPIPE_SZ, 4096);
	if (non_blocking)
		fcntl(fds[1], F_SETFL, O_NONBLOCK);
	o.fd = fds[1];
	reader.fd = fds[0];
	assert_int_equal(pthread_create(&thread, NULL, read_slowly, &reader), 0);
	s = sink_open(&o);
	for (size_t i = 0; i < rows; i++) {
		r.pid = (uint32_t)i;
		sink_row(s, sel, &r, sizeof(r));
	}
	assert_int_equal(sink_close(s), 0);
	close(fds[1]);
	pthread_join(thread, NULL);
	close(fds[0]);
	at = strlen("pid,bytes,path\n");
	for (size_t i = 0; i < rows; i++) {
		size_t n = (size_t)snprintf(want, sizeof(want),
					    "%zu,18446744073709551615,/some/where\n", i);

		assert_true(at + n <= reader.len);
		assert_memory_equal(reader.data + at, want, n);
		at += n;
	}
	assert_int_equal(at, reader.len);
	free(reader.data);
}

static void partial_writes_lose_nothing(void **state)
{
	(void)state;
	write_through_pipe(true);
}

static void signals_lose_nothing(void **state)
{
	struct sigaction action = { .sa_handler = on_alarm }; /* without SA_RESTART */
	struct itimerval often = { { 0, 300 }, { 0, 300 } }, never = { 0 };

	(void)state;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	write_through_pipe(false);
	write_through_pipe(true);
	setitimer(ITIMER_REAL, &never, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_write_per_flush),
		cmocka_unit_test(full_disk_is_remembered),
		cmocka_unit_test(errors_between_flushes_are_remembered),
		cmocka_unit_test(closed_pipe_is_an_error),
		cmocka_unit_test(partial_writes_lose_nothing),
		cmocka_unit_test(signals_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
