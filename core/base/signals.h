/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a process inherits from whoever started it, put right before anything else and given back
 * to the command; and the one set of signals that a run reads.
 */
#ifndef IOSONDE_SIGNALS_H
#define IOSONDE_SIGNALS_H

#include <stdbool.h>

/*
 * First of all. Descriptors 0 to 2 are open afterwards: one that was closed refuses to be read or
 * written as before, but nothing else is opened in its place. SIGCHLD has its default, or children
 * could not be waited for; a write to a pipe without a reader, or beyond the limit of a file's
 * size, is an error and no signal.
 */
void process_begin(void);

/* Was descriptor @fd (0 to 2) closed when the process began? */
bool began_closed(int fd);

/*
 * Blocks the signals that a run reads: INT, TERM, HUP, QUIT (end the run), USR1 (a report now),
 * USR2 (the output file is opened again), CHLD. HUP and QUIT that were ignored stay so: nohup.
 */
void signals_block(void);

/* A signalfd of them, without blocking. -1 with errno. */
int signals_open(void);

/* Waits for one of them that tells about the command's end, or ours. Returns its number. */
int signals_wait(void);

/* Does signal @number end a run? */
bool signal_ends(int number);

/* In the command, before its exec: mask and dispositions as this process found them. */
void signals_give_back(void);

#endif
