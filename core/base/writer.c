/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/base/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

/* More than this waits to be written: nobody takes it, or not as fast as it comes. */
#define QUEUE_BYTES (1024 * 1024)
/* Of pieces that are over, so much memory serves again; the rest of a burst's is given back. */
#define SPARE_BYTES (256 * 1024)
/* How often to look whether a FIFO has got its first reader: nothing tells. */
#define READER_POLL_NS 20000000L
#define MEM_MAJOR      1 /* /dev/null, /dev/full */
/* Makes the thread leave the call that it waits in, which then tells how much it has written. */
#define WAKE	   SIGURG
#define WAKE_TRIES 1000 /* a millisecond each */

struct piece {
	struct piece *next;
	struct text_buf text;
};

struct writer {
	int fd, event;
	bool direct, fifo, started;
	_Atomic bool stopped;
	pthread_t thread;
	pthread_mutex_t lock; /* of the lists */
	sem_t filled;	      /* as many as there are pieces in the queue */
	struct piece *first, **end, *spare;
	size_t spare_bytes;
	uint64_t taken;
	_Atomic uint64_t written;
	_Atomic bool watched; /* somebody waits for progress */
	_Atomic int error;
};

/* Opened both ways it needs nobody else, and lets it be opened for writing alone after that. */
static int open_fifo(const char *path)
{
	int both = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC), fd;
	char again[32];

	if (both < 0)
		return -1;
	snprintf(again, sizeof(again), "/proc/self/fd/%d", both);
	fd = open(again, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	close(both);
	return fd;
}

int writer_open_file(const char *path)
{
	struct stat st;

	if (!stat(path, &st) && S_ISFIFO(st.st_mode))
		return open_fifo(path);
	return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOCTTY | O_CLOEXEC, 0666);
}

static bool cannot_stall(const struct stat *st)
{
	return S_ISREG(st->st_mode) || (S_ISCHR(st->st_mode) && major(st->st_rdev) == MEM_MAJOR);
}

struct writer *writer_open(int fd, bool ours)
{
	struct writer *w = calloc(1, sizeof(*w));
	struct stat st;

	if (!w)
		return NULL;
	w->fd = fd;
	w->end = &w->first;
	w->direct = !fstat(fd, &st) && cannot_stall(&st);
	w->fifo = ours && !w->direct && S_ISFIFO(st.st_mode);
	w->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&w->lock, NULL);
	sem_init(&w->filled, 0, 0);
	return w;
}

/* Writes @text, or as much as goes. */
static void write_all(struct writer *w, const struct text_buf *text)
{
	size_t at = 0;

	while (at < text->len && !w->error && !w->stopped) {
		ssize_t n = write(w->fd, text->data + at, text->len - at);

		if (n > 0) {
			at += (size_t)n;
			w->written += (uint64_t)n;
		} else if (n < 0 && errno == EAGAIN) { /* others may have made it non-blocking */
			poll(&(struct pollfd){ .fd = w->fd, .events = POLLOUT }, 1, -1);
		} else if (n == 0 || errno != EINTR) {
			w->error = n ? errno : EIO;
		}
	}
}

static void tell(struct writer *w)
{
	uint64_t one = 1;

	if (w->watched && write(w->event, &one, sizeof(one)) != sizeof(one))
		return; /* it is readable already */
}

/* A FIFO that nobody has opened yet refuses what is written to it; one that was left does, too. */
static void await_reader(const struct writer *w)
{
	struct pollfd p = { .fd = w->fd };

	while (!w->stopped && poll(&p, 1, 0) == 1 && (p.revents & POLLERR))
		nanosleep(&(struct timespec){ .tv_nsec = READER_POLL_NS }, NULL);
}

/* NULL: there is nothing more to do. */
static struct piece *next_piece(struct writer *w)
{
	struct piece *p;

	while (!w->stopped && sem_wait(&w->filled))
		;
	if (w->stopped)
		return NULL;
	pthread_mutex_lock(&w->lock);
	p = w->first;
	pthread_mutex_unlock(&w->lock);
	return p;
}

static void free_pieces(struct piece *p)
{
	while (p) {
		struct piece *next = p->next;

		text_free(&p->text);
		free(p);
		p = next;
	}
}

/* The first piece is done with: its memory serves again, or goes. */
static void pop(struct writer *w)
{
	struct piece *p;
	bool keep;

	pthread_mutex_lock(&w->lock);
	p = w->first;
	w->first = p->next;
	if (!w->first)
		w->end = &w->first;
	p->text.len = 0;
	p->next = NULL;
	keep = w->spare_bytes + p->text.cap <= SPARE_BYTES;
	if (keep) {
		w->spare_bytes += p->text.cap;
		p->next = w->spare;
		w->spare = p;
	}
	pthread_mutex_unlock(&w->lock);
	if (!keep)
		free_pieces(p);
}

static void *write_pieces(void *w_)
{
	struct writer *w = w_;
	struct piece *p;

	if (w->fifo)
		await_reader(w);
	while ((p = next_piece(w))) {
		write_all(w, &p->text);
		pop(w);
		tell(w);
	}
	return NULL;
}

static void on_wake(int number)
{
	(void)number;
}

static int start(struct writer *w)
{
	struct sigaction wake = { .sa_handler = on_wake }; /* without SA_RESTART */
	sigset_t all, before;
	int error;

	sigaction(WAKE, &wake, NULL);
	sigfillset(&all);
	sigdelset(&all, WAKE);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* they are the run's to read */
	error = pthread_create(&w->thread, NULL, write_pieces, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	w->started = !error;
	return error;
}

static struct piece *take_spare(struct writer *w)
{
	struct piece *p;

	pthread_mutex_lock(&w->lock);
	p = w->spare;
	if (p) {
		w->spare = p->next;
		w->spare_bytes -= p->text.cap;
	}
	pthread_mutex_unlock(&w->lock);
	return p ? p : calloc(1, sizeof(*p));
}

static int enqueue(struct writer *w, struct text_buf *text)
{
	int error = w->started ? 0 : start(w);
	struct piece *p = error ? NULL : take_spare(w);
	struct text_buf empty;

	if (!p) {
		w->error = error ? error : ENOMEM;
		return w->error;
	}
	empty = p->text;
	p->text = *text;
	*text = empty;
	p->next = NULL;
	w->taken += p->text.len;
	pthread_mutex_lock(&w->lock);
	*w->end = p;
	w->end = &p->next;
	pthread_mutex_unlock(&w->lock);
	sem_post(&w->filled);
	return 0;
}

int writer_put(struct writer *w, struct text_buf *text)
{
	if (text->len && w->direct && !w->stopped) {
		w->taken += text->len;
		write_all(w, text);
	} else if (text->len && !w->stopped && !w->error) {
		return enqueue(w, text);
	}
	text->len = 0;
	return w->error;
}

bool writer_room(struct writer *w)
{
	if (w->direct || w->error || w->taken - w->written < QUEUE_BYTES)
		return true;
	w->watched = true;
	return false;
}

int writer_event(const struct writer *w)
{
	return w->event;
}

bool writer_idle(const struct writer *w)
{
	return w->stopped || w->error || w->written == w->taken;
}

void writer_wait(struct writer *w, int ms)
{
	struct pollfd p = { .fd = w->event, .events = POLLIN };
	uint64_t n;

	w->watched = true;
	if (!writer_idle(w) && poll(&p, 1, ms) == 1 && read(w->event, &n, sizeof(n)) < 0)
		return; /* somebody else has read it */
}

void writer_calm(struct writer *w)
{
	uint64_t n;

	w->watched = false;
	if (read(w->event, &n, sizeof(n)) < 0)
		return;
}

uint64_t writer_taken(const struct writer *w)
{
	return w->taken;
}

uint64_t writer_written(const struct writer *w)
{
	return w->written;
}

void writer_turn(struct writer *w, int fd)
{
	w->fd = fd;
}

bool writer_is_direct(const struct writer *w)
{
	return w->direct;
}

void writer_stop(struct writer *w)
{
	w->stopped = true;
	/* a signal that comes before the call isn't noticed by it, hence more than one */
	for (int i = 0; w->started && i < WAKE_TRIES; i++) {
		pthread_kill(w->thread, WAKE);
		w->started = pthread_tryjoin_np(w->thread, NULL) != 0;
		if (w->started)
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
}

void writer_close(struct writer *w)
{
	if (!w)
		return;
	writer_stop(w);
	if (w->started)
		return; /* it can't be woken, and still has all this in use */
	free_pieces(w->first);
	free_pieces(w->spare);
	close(w->event);
	sem_destroy(&w->filled);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
