/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Messages to people, on stderr. One line each, beginning with the program's name: a newline in
 * them, as other bytes that a terminal acts on, is escaped.
 */
#ifndef IOSONDE_LOG_H
#define IOSONDE_LOG_H

#include <stdbool.h>

/* First of all: what is written to stderr is dropped where nobody reads it, in place of waiting. */
void log_begin(void);
void log_init(const char *name, bool verbose);
__attribute__((format(printf, 1, 2))) void log_error(const char *fmt, ...);
/* Several lines, of which those that quote something were escaped by whoever made them. */
__attribute__((format(printf, 1, 2))) void log_error_lines(const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void log_warn(const char *fmt, ...);
/* Only with --verbose. */
__attribute__((format(printf, 1, 2))) void log_verbose(const char *fmt, ...);

/* What libbpf said, whole (a verifier log is longer than a message may be); only with --verbose. */
void log_verifier(void);

/* What libbpf said since the last log_libbpf_clear(): "" or its last messages, for --verbose. */
const char *log_libbpf(void);
void log_libbpf_clear(void);

/* What @err says, an errno or one of libbpf's own numbers; good until the next call. */
const char *error_text(int err);

/* Writes what was printed to standard output; false, after a message, if that can't be done. */
bool stdout_written(void);

#endif
