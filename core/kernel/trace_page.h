/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Records in the pages that per_cpu/cpuN/trace_pipe_raw gives, and fields in records. */
#ifndef IOSONDE_TRACE_PAGE_H
#define IOSONDE_TRACE_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A page that is being read. */
struct trace_page {
	const unsigned char *at, *end;
	uint64_t ts_ns; /* of the record before, by the buffer's clock */
	bool gap;	/* records were lost before this page's first */
};

/* False: @data, @size bytes long, is no page. */
bool trace_page_open(struct trace_page *page, const void *data, size_t size);

/* The next record, whose time is page->ts_ns. False: there is none, or it doesn't fit the page. */
bool trace_page_next(struct trace_page *page, const unsigned char **data, size_t *len);

struct trace_field {
	uint32_t off, size; /* size 0: there is no such field */
};

/* Field @name of a record whose format file has @format. */
struct trace_field trace_field(const char *format, const char *name);

/* "ID: 11"; 0: none. */
uint32_t trace_format_id(const char *format);

/* An integer of 1 to 8 bytes, without its sign; 0 where there is no such field. */
uint64_t trace_number(const struct trace_field *field, const unsigned char *data, size_t len);

/* Text in a field of fixed length, into @out, whose last byte becomes NUL. */
void trace_text(const struct trace_field *field, const unsigned char *data, size_t len, char *out,
		size_t size);

#endif
