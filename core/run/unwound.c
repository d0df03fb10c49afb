/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/run/unwound.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/hash.h"
#include "core/base/keymap.h"
#include "core/base/log.h"
#include "core/names/unwind.h"
#include "core/tool.h"

#define QUEUE_BYTES (64u << 20) /* more than this waits: the rest is lost */
#define STACKS_MAX  (1u << 20)	/* of different ones */
#define FRAMES_ROOM (8u << 20)	/* of all stacks: 64 MiB */
#define PLACES_MAX  65536	/* keys between two reports; beyond, without stacks, as many more */

const char *const ustack_kinds[] = { "fp", "dwarf", NULL };

/* A record that waits. */
struct item {
	struct item *next;
	size_t len;
	char rec[];
};

/* What a stack is found by; the second half makes two stacks with one hash all but impossible. */
struct frames_key {
	uint64_t hash, n;
};

struct frames_at {
	size_t off; /* in all frames, one after the other */
	size_t n;
	size_t number;
};

struct unwound {
	pthread_t thread;
	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t filled, idle;
	bool started, stop, busy;
	struct item *first, **end;
	size_t queued;
	uint64_t lost;
	struct keymap stacks; /* frames_key to frames_at */
	uint64_t *frames;
	size_t n_frames, cap_frames;
	struct keymap counts; /* stacks_key to stacks_value */
};

struct unwound *unwound_open(void)
{
	struct unwound *w = calloc(1, sizeof(*w));
	pthread_condattr_t attr;

	if (!w)
		return NULL;
	w->end = &w->first;
	w->stacks = (struct keymap)KEYMAP(struct frames_key, struct frames_at);
	w->counts = (struct keymap)KEYMAP(struct stacks_key, struct stacks_value);
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->filled, &attr);
	pthread_cond_init(&w->idle, &attr);
	pthread_condattr_destroy(&attr);
	return w;
}

static bool add_frames(struct unwound *w, const uint64_t *frames, size_t n)
{
	if (w->n_frames + n > w->cap_frames) {
		size_t cap = 2 * w->cap_frames + UNWOUND_FRAMES;
		uint64_t *more = realloc(w->frames, cap * sizeof(*more));

		if (!more)
			return false;
		w->frames = more;
		w->cap_frames = cap;
	}
	memcpy(w->frames + w->n_frames, frames, n * sizeof(*frames));
	w->n_frames += n;
	return true;
}

bool unwound_is_id(int32_t id)
{
	return id >= 0 && id >> STACK_MAP_SHIFT == STACK_MAPS;
}

/* The id of the stack with these frames. */
static int32_t id_of(struct unwound *w, const uint64_t *frames, size_t n)
{
	struct frames_key key = { hash_bytes(HASH_START, frames, n * sizeof(*frames)), n };
	size_t before = w->stacks.n;
	bool room = before < STACKS_MAX && w->n_frames + n <= FRAMES_ROOM;
	struct frames_at *at = keymap_get(&w->stacks, &key, room);

	if (at && w->stacks.n > before) {
		at->number = before;
		at->off = w->n_frames;
		at->n = add_frames(w, frames, n) ? n : 0;
	}
	return at && at->n ? (int32_t)(STACK_MAPS << STACK_MAP_SHIFT | at->number) : STACK_LOST;
}

/* Counts what @r stands for by the stack with these frames. */
static void count(struct unwound *w, const struct rec_ustack *r, const uint64_t *frames, size_t n)
{
	struct stacks_key key = r->key;
	struct stacks_value *value;

	key.epoch = 0;
	key.ustack = id_of(w, frames, n);
	value = keymap_get(&w->counts, &key, w->counts.n < PLACES_MAX);
	if (!value) {
		key.ustack = STACK_LOST;
		key.kstack = key.wstack = STACK_NONE;
		key.ip = 0;
		value = keymap_get(&w->counts, &key, w->counts.n < 2 * PLACES_MAX);
	}
	if (!value) {
		w->lost++;
		return;
	}
	value->count++;
	value->sum += r->amount;
}

static void work_on(struct unwound *w, struct unwinder *u, const struct item *item)
{
	const struct rec *rec = (const struct rec *)item->rec;
	const struct rec_ustack *r = (const struct rec_ustack *)item->rec;
	const struct rec_program *p = (const struct rec_program *)item->rec;
	uint64_t frames[UNWOUND_FRAMES];
	size_t n;

	if (rec->type == REC_PROGRAM) {
		unwinder_learn(u, p->pid, p->program);
		return;
	}
	n = unwind(u, r, item->len - offsetof(struct rec_ustack, stack), frames, UNWOUND_FRAMES);
	pthread_mutex_lock(&w->lock);
	count(w, r, frames, n);
	pthread_mutex_unlock(&w->lock);
}

/* The next of the queue; NULL: it is to end. */
static struct item *next_item(struct unwound *w)
{
	struct item *item;

	pthread_mutex_lock(&w->lock);
	w->busy = false;
	while (!w->first && !w->stop) {
		pthread_cond_signal(&w->idle);
		pthread_cond_wait(&w->filled, &w->lock);
	}
	item = w->stop ? NULL : w->first;
	if (item) {
		w->busy = true;
		w->first = item->next;
		if (!w->first)
			w->end = &w->first;
		w->queued -= item->len;
	}
	pthread_mutex_unlock(&w->lock);
	return item;
}

static void *work(void *arg)
{
	struct unwinder *u = unwinder_open();
	struct unwound *w = arg;
	struct item *item;

	while (u && (item = next_item(w))) {
		work_on(w, u, item);
		free(item);
	}
	unwinder_close(u);
	pthread_mutex_lock(&w->lock);
	w->stop = true; /* nobody looks any more */
	w->busy = false;
	pthread_cond_signal(&w->idle);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static bool begin(struct unwound *w)
{
	int error;

	if (w->started)
		return true;
	error = pthread_create(&w->thread, NULL, work, w);
	w->started = !error;
	if (error && !w->lost)
		log_error("cannot start a thread to unwind stacks: %s", strerror(error));
	return w->started;
}

/* False: there is no room. */
static bool put(struct unwound *w, const void *rec, size_t len)
{
	struct item *item = NULL;

	pthread_mutex_lock(&w->lock);
	if (!w->stop && begin(w) && w->queued + len <= QUEUE_BYTES)
		item = malloc(sizeof(*item) + len);
	if (item) {
		item->next = NULL;
		item->len = len;
		memcpy(item->rec, rec, len);
		*w->end = item;
		w->end = &item->next;
		w->queued += len;
		pthread_cond_signal(&w->filled);
	}
	pthread_mutex_unlock(&w->lock);
	return item;
}

void unwound_program(struct unwound *w, const struct rec_program *p)
{
	put(w, p, sizeof(*p));
}

void unwound_stack(struct unwound *w, const struct rec_ustack *r, size_t len)
{
	size_t head = offsetof(struct rec_ustack, stack);

	if (len > head && len - head > r->bytes) /* the ring rounds up */
		len = head + r->bytes;
	if (len >= head && put(w, r, len))
		return;
	pthread_mutex_lock(&w->lock);
	w->lost++;
	pthread_mutex_unlock(&w->lock);
}

bool unwound_wait(struct unwound *w, uint64_t ns)
{
	struct timespec until;
	bool idle;

	clock_gettime(CLOCK_MONOTONIC, &until);
	ns += (uint64_t)until.tv_nsec;
	until.tv_sec += (time_t)(ns / 1000000000);
	until.tv_nsec = (long)(ns % 1000000000);
	pthread_mutex_lock(&w->lock);
	while (!w->stop && w->started && (w->first || w->busy))
		if (pthread_cond_timedwait(&w->idle, &w->lock, &until) == ETIMEDOUT)
			break;
	idle = w->stop || (!w->first && !w->busy);
	pthread_mutex_unlock(&w->lock);
	return idle;
}

void unwound_give_up(struct unwound *w)
{
	struct item *item;

	pthread_mutex_lock(&w->lock);
	w->stop = true;
	while ((item = w->first)) {
		w->first = item->next;
		w->lost += ((struct rec *)item->rec)->type == REC_USTACK;
		free(item);
	}
	w->end = &w->first;
	w->queued = 0;
	pthread_cond_signal(&w->filled);
	pthread_mutex_unlock(&w->lock);
	if (w->started)
		pthread_join(w->thread, NULL);
	w->started = false;
}

uint64_t unwound_lost(struct unwound *w)
{
	uint64_t lost;

	pthread_mutex_lock(&w->lock);
	lost = w->lost;
	pthread_mutex_unlock(&w->lock);
	return lost;
}

void unwound_take(struct unwound *w, unwound_counted counted, void *arg)
{
	struct keymap counts;

	pthread_mutex_lock(&w->lock);
	counts = w->counts;
	w->counts = (struct keymap)KEYMAP(struct stacks_key, struct stacks_value);
	pthread_mutex_unlock(&w->lock);
	for (size_t i = 0; i < counts.n; i++)
		counted(arg, keymap_key(&counts, i), keymap_value(&counts, i));
	keymap_free(&counts);
}

size_t unwound_frames(struct unwound *w, int32_t id, uint64_t *frames)
{
	size_t number = (size_t)id & ((1U << STACK_MAP_SHIFT) - 1), n = 0;

	pthread_mutex_lock(&w->lock);
	if (number < w->stacks.n) {
		const struct frames_at *at = keymap_value(&w->stacks, number);

		n = at->n;
		memcpy(frames, w->frames + at->off, n * sizeof(*frames));
	}
	pthread_mutex_unlock(&w->lock);
	return n;
}

void unwound_close(struct unwound *w)
{
	if (!w)
		return;
	unwound_give_up(w);
	keymap_free(&w->stacks);
	keymap_free(&w->counts);
	free(w->frames);
	pthread_cond_destroy(&w->filled);
	pthread_cond_destroy(&w->idle);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
