/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Rows leave in order and whole, and nobody waits for a reader. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/writer.h"

#define PIECE	   65536
#define PIPE_BYTES 16384

static void put(struct writer *w, char fill)
{
	struct text_buf text = { 0 };

	text_pad(&text, fill, PIECE);
	writer_put(w, &text);
	assert_int_equal(text.len, 0);
	text_free(&text);
}

static size_t in_use(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static void test_pipe_nobody_reads(void **state)
{
	int fds[2], n = 0;
	struct writer *w;
	size_t before;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	w = writer_open(fds[1], false);
	assert_false(writer_is_direct(w));
	before = in_use();
	while (writer_room(w) && n < 100)
		put(w, (char)('a' + n++ % 26));
	assert_in_range(n, 16, 18); /* a MiB, and what the pipe holds */
	writer_wait(w, 10);
	assert_false(writer_idle(w));
	assert_int_equal(writer_taken(w), n * PIECE);
	assert_in_range(writer_written(w), 4096, PIECE);
	/* then somebody does: everything comes, in order, and the event says so */
	for (size_t i = 0; i < (size_t)n * PIECE; i++) {
		char c;

		assert_int_equal(read(fds[0], &c, 1), 1);
		assert_int_equal(c, 'a' + i / PIECE % 26);
	}
	for (int i = 0; i < 100 && !writer_idle(w); i++)
		writer_wait(w, 10);
	assert_true(writer_idle(w) && writer_room(w));
	assert_int_equal(writer_written(w), n * PIECE);
	/* a backlog that is over doesn't stay in memory */
	for (int i = 0; i < 100 && in_use() > before + 320 * 1024; i++)
		usleep(10000);
	assert_true(in_use() <= before + 320 * 1024);
	writer_close(w);
	close(fds[0]);
	close(fds[1]);
}

static void test_given_up(void **state)
{
	int fds[2];
	struct writer *w;
	uint64_t written;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(fcntl(fds[1], F_SETPIPE_SZ, PIPE_BYTES), PIPE_BYTES);
	w = writer_open(fds[1], false);
	put(w, 'a');
	put(w, 'b');
	usleep(50000);
	writer_stop(w);
	/* to the byte what a reader would find, also of the piece that it was in the midst of */
	written = writer_written(w);
	assert_true(writer_idle(w) && written == PIPE_BYTES);
	put(w, 'c');
	assert_int_equal(writer_taken(w), 2 * PIECE);
	assert_int_equal(writer_written(w), written);
	writer_close(w);
	close(fds[0]);
	close(fds[1]);
}

static void test_reader_that_leaves(void **state)
{
	int fds[2], error = 0;
	struct writer *w;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	w = writer_open(fds[1], false);
	put(w, 'a');
	for (int i = 0; i < 100 && !error; i++) {
		struct text_buf none = { 0 };

		writer_wait(w, 10);
		error = writer_put(w, &none);
	}
	assert_int_equal(error, EPIPE);
	assert_int_equal(writer_written(w), 0);
	writer_close(w);
	close(fds[1]);
}

static void test_full(void **state)
{
	struct text_buf text = { 0 };
	struct writer *w;
	int fd = open("/dev/full", O_WRONLY);

	(void)state;
	w = writer_open(fd, false);
	assert_true(writer_is_direct(w));
	text_pad(&text, 'x', 10);
	assert_int_equal(writer_put(w, &text), ENOSPC);
	assert_int_equal(writer_taken(w), 10);
	assert_int_equal(writer_written(w), 0);
	text_free(&text);
	writer_close(w);
	close(fd);
}

static void test_fifo(void **state)
{
	char dir[] = "/tmp/writer-XXXXXX", path[64];
	int fd, reader;
	struct writer *w;
	char c = 0;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/fifo", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	fd = writer_open_file(path); /* nobody reads it, nobody waits */
	assert_true(fd >= 0);
	w = writer_open(fd, true);
	put(w, 'a');
	writer_wait(w, 50);
	assert_int_equal(writer_written(w), 0);
	reader = open(path, O_RDONLY);
	assert_int_equal(read(reader, &c, 1), 1);
	assert_int_equal(c, 'a');
	writer_close(w);
	close(reader);
	close(fd);
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pipe_nobody_reads),
		cmocka_unit_test(test_given_up),
		cmocka_unit_test(test_reader_that_leaves),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_fifo),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
