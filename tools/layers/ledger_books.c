/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* --check: the ledger beside what the kernel itself keeps of the same threads. */
#include <stdio.h>
#include <string.h>

#include "tools/layers/ledger.h"

#define READS  1U
#define WRITES 2U

static const char *const book_names[N_BOOKS] = {
	[BOOK_CPU] = "cpu_ns",
	[BOOK_RUNQ] = "runq_ns",
	[BOOK_BLOCKED] = "voluntary switches",
	[BOOK_PREEMPTED] = "involuntary switches",
	[BOOK_READS] = "read calls",
	[BOOK_WRITES] = "write calls",
	[BOOK_READ_BYTES] = "bytes read",
	[BOOK_WRITTEN_BYTES] = "bytes written",
	[BOOK_MAJOR_FAULTS] = "major faults",
	[BOOK_DEVICE_READ] = "bytes read from disks",
};

/* How the kernel counts @call in /proc/PID/io. */
static unsigned int kind_of(uint32_t call)
{
	switch (call) {
	case CALL_READ:
	case CALL_PREAD:
	case CALL_READV:
	case CALL_PREADV:
	case CALL_PREADV2:
		return READS;
	case CALL_WRITE:
	case CALL_PWRITE:
	case CALL_WRITEV:
	case CALL_PWRITEV:
	case CALL_PWRITEV2:
		return WRITES;
	case CALL_SENDFILE:
	case CALL_SENDFILE64:
	case CALL_COPY_FILE_RANGE:
		return READS | WRITES;
	default:
		return 0;
	}
}

static void add_call(struct book_row *rows, uint32_t call, const struct sum_row *sums)
{
	uint64_t maybe = call == CALL_COPY_FILE_RANGE ? sums->count : sums->errors;
	unsigned int kind = kind_of(call);

	if (kind & READS) {
		rows[BOOK_READS].ours += sums->count - sums->errors;
		rows[BOOK_READS].allowed += maybe;
		rows[BOOK_READ_BYTES].ours += sums->bytes;
	}
	if (kind & WRITES) {
		rows[BOOK_WRITES].ours += sums->count - sums->errors;
		rows[BOOK_WRITES].allowed += maybe;
		rows[BOOK_WRITTEN_BYTES].ours += sums->bytes;
	}
}

/*
 * What we have, and by how much it may differ: calls that fail the kernel counts if they came as
 * far as the file, those that a signal interrupts each time they are entered, copy_file_range if
 * there was something to copy (fs/read_write.c). Its run time leaves out interrupts and what a
 * hypervisor took; a wait for a CPU begins when the thread is put into a queue, a moment after the
 * wake-up.
 */
static void fill_ours(struct book_row *rows, struct life *life, struct keymap *calls)
{
	for (size_t i = 0; i < life->rows.n; i++) {
		const struct time_row *row = keymap_value(&life->rows, i);

		rows[BOOK_CPU].ours += row->cells.ns[CELL_CPU];
		rows[BOOK_RUNQ].ours += row->cells.ns[CELL_RUNQ];
	}
	rows[BOOK_CPU].allowed = rows[BOOK_CPU].ours / 100;
	rows[BOOK_RUNQ].allowed = rows[BOOK_RUNQ].ours / 50;
	rows[BOOK_BLOCKED].ours = life->blocked;
	rows[BOOK_PREEMPTED].ours = life->preempted;
	rows[BOOK_MAJOR_FAULTS].ours = life->faults;
	rows[BOOK_DEVICE_READ].ours = life->device_bytes;
	for (size_t i = 0; i < calls->n; i++) {
		uint32_t call;

		memcpy(&call, keymap_key(calls, i), sizeof(call));
		add_call(rows, call, keymap_value(calls, i));
	}
	rows[BOOK_READS].allowed += life->again;
	rows[BOOK_WRITES].allowed += life->again;
}

void ledger_books_give(struct run *run, struct life *life, struct keymap *calls,
		       struct book_row *rows)
{
	fill_ours(rows, life, calls);
	for (int i = 0; i < N_BOOKS; i++) {
		struct book_row *row = &rows[i];

		if (!(life->books_kept & 1U << i))
			continue;
		row->book = book_names[i];
		row->kernel = life->books[i];
		row->off =
			row->ours < row->kernel ? row->kernel - row->ours : row->ours - row->kernel;
		run_give(run, "checks", row, sizeof(*row), 0);
	}
}
