/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The one place that rows leave by. Whoever reads them may stall, or never come: nothing here waits
 * for that, unless asked to, and not for longer than asked to. A file that can't stall is written
 * directly. Anything else (a pipe, a terminal, a socket) is written by a thread, for descriptors
 * are shared with others, who must not find them non-blocking.
 */
#ifndef IOSONDE_WRITER_H
#define IOSONDE_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/text_buf.h"

struct writer;

/*
 * Opens @path for rows, emptied; they are added at its end, whatever others do to it. A FIFO needs
 * no reader yet. Returns a descriptor, or -1 with errno.
 */
int writer_open_file(const char *path);

/*
 * Writes to @fd, which stays the caller's. @ours: it is writer_open_file()'s, and where it is a
 * FIFO its first reader may be yet to come. NULL: no memory. The thread starts with the first byte.
 */
struct writer *writer_open(int fd, bool ours);

/* Takes what is in @text, which is empty afterwards. Returns 0 or the errno of the first failure.
 */
int writer_put(struct writer *w, struct text_buf *text);

/* Is more wanted? Not where a lot waits to be written; writer_event() becomes readable later. */
bool writer_room(struct writer *w);
int writer_event(const struct writer *w);

/* Has everything been written, or has writing failed? */
bool writer_idle(const struct writer *w);

/* Waits for progress, at most for @ms. */
void writer_wait(struct writer *w, int ms);

/* After the event: nobody waits any more. */
void writer_calm(struct writer *w);

/* Bytes taken, and bytes written, since the beginning. */
uint64_t writer_taken(const struct writer *w);
uint64_t writer_written(const struct writer *w);

/* What follows goes to @fd, a file that can't stall. */
void writer_turn(struct writer *w, int fd);
bool writer_is_direct(const struct writer *w);

/* Nothing is written any more; what is put is dropped. */
void writer_stop(struct writer *w);

/* Stops it, and frees it. NULL is allowed. */
void writer_close(struct writer *w);

#endif
