/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * --ustack=dwarf: copies of user stacks wait in a queue for a thread that unwinds them, and are
 * counted by the frames it finds. A report takes what is counted by then, the last one all.
 */
#ifndef IOSONDE_RUN_UNWOUND_H
#define IOSONDE_RUN_UNWOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/core/stacks.h"

/* Most frames of one stack. */
#define UNWOUND_FRAMES 256

struct unwound;

/* NULL when out of memory. The thread begins with the first record: with what rights we have then.
 */
struct unwound *unwound_open(void);
void unwound_close(struct unwound *w);

/* A process whose stacks will come. */
void unwound_program(struct unwound *w, const struct rec_program *p);

/* A stack of @len bytes of record. */
void unwound_stack(struct unwound *w, const struct rec_ustack *r, size_t len);

/* Waits for so long, at most, until nothing waits in the queue. */
bool unwound_wait(struct unwound *w, uint64_t ns);

/* Gives up what is in the queue. Until now so many stacks were not unwound: lost. */
void unwound_give_up(struct unwound *w);
uint64_t unwound_lost(struct unwound *w);

/* Takes what was counted since the last time: for each key, whose ustack is an id as
 * unwound_frames() takes it, and whose epoch is 0. */
typedef void (*unwound_counted)(void *arg, const struct stacks_key *key,
				const struct stacks_value *value);
void unwound_take(struct unwound *w, unwound_counted counted, void *arg);

/* Of an id in a key: is it ours? The frames, UNWOUND_FRAMES at most, into @frames; how many. */
bool unwound_is_id(int32_t id);
size_t unwound_frames(struct unwound *w, int32_t id, uint64_t *frames);

#endif
