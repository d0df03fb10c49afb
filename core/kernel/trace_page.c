/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/kernel/trace_page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Of a 64-bit kernel, as events/header_page and events/header_event say: the time of the first
 * record, how many bytes of records there are, and flags in the same word.
 */
#define HEADER	  16
#define COMMITTED ((1U << 27) - 1)
#define MISSED	  (1U << 31)

/* A record's head: 5 bits of kind or length, 27 bits of time since the one before. */
enum { IN_ARRAY = 0, PADDING = 29, TIME_EXTEND = 30, TIME_STAMP = 31 };
#define TIME_BITS	27
#define TIME_STAMP_BITS 59

static uint32_t word(const unsigned char *at)
{
	uint32_t n;

	memcpy(&n, at, sizeof(n));
	return n;
}

bool trace_page_open(struct trace_page *page, const void *data, size_t size)
{
	const unsigned char *from = data;
	uint64_t commit;

	if (size < HEADER)
		return false;
	memcpy(&page->ts_ns, from, sizeof(page->ts_ns));
	memcpy(&commit, from + 8, sizeof(commit));
	page->gap = commit & MISSED;
	commit &= COMMITTED;
	if (commit > size - HEADER)
		return false;
	page->at = from + HEADER;
	page->end = page->at + commit;
	return true;
}

/* A stamp has all but the highest bits of the time. */
static uint64_t stamped(uint64_t before, uint64_t stamp)
{
	return (before & ~((1ULL << TIME_STAMP_BITS) - 1)) | stamp;
}

bool trace_page_next(struct trace_page *page, const unsigned char **data, size_t *len)
{
	while (page->end - page->at >= 8) {
		uint32_t head = word(page->at), kind = head & 31, first = word(page->at + 4);
		uint64_t delta = head >> 5, long_delta = delta | (uint64_t)first << TIME_BITS;
		const unsigned char *body = page->at + 4;
		size_t room = (size_t)(page->end - body), body_len = kind * 4;

		if (kind == PADDING && !delta)
			return false; /* the rest of the page */
		if (kind == IN_ARRAY || kind == PADDING)
			body_len = first;
		else if (kind > PADDING)
			body_len = 4;
		if (body_len < 4 || body_len > room)
			return false;
		page->at = body + body_len;
		if (kind == TIME_STAMP)
			page->ts_ns = stamped(page->ts_ns, long_delta);
		else
			page->ts_ns += kind == TIME_EXTEND ? long_delta : delta;
		if (kind >= PADDING)
			continue;
		*data = kind == IN_ARRAY ? body + 4 : body;
		*len = kind == IN_ARRAY ? body_len - 4 : body_len;
		return true;
	}
	return false;
}

/* "field:char comm[16];	offset:12;	size:16;	signed:1;" */
static bool is_field(const char *line, const char *name)
{
	size_t len = strcspn(line, ";"), n = strlen(name);

	if (len && line[len - 1] == ']')
		while (len && line[--len] != '[')
			;
	return len > n && !memcmp(line + len - n, name, n) &&
	       (line[len - n - 1] == ' ' || line[len - n - 1] == '*');
}

struct trace_field trace_field(const char *format, const char *name)
{
	struct trace_field none = { 0 }, f;

	for (const char *line = strstr(format, "field:"); line; line = strstr(line + 1, "field:")) {
		const char *offset = strstr(line, "offset:"), *size = strstr(line, "size:");

		if (!is_field(line, name) || !offset || !size)
			continue;
		f.off = (uint32_t)strtoul(offset + 7, NULL, 10);
		f.size = (uint32_t)strtoul(size + 5, NULL, 10);
		return f;
	}
	return none;
}

uint32_t trace_format_id(const char *format)
{
	const char *id = strstr(format, "ID: ");

	return id ? (uint32_t)strtoul(id + 4, NULL, 10) : 0;
}

uint64_t trace_number(const struct trace_field *field, const unsigned char *data, size_t len)
{
	uint64_t n = 0;

	if (!field->size || field->size > sizeof(n) || field->off > len ||
	    field->size > len - field->off)
		return 0;
	memcpy(&n, data + field->off, field->size); /* little-endian, as all that we run on */
	return n;
}

void trace_text(const struct trace_field *field, const unsigned char *data, size_t len, char *out,
		size_t size)
{
	size_t n = field->size;

	if (field->off > len)
		n = 0;
	else if (n > len - field->off)
		n = len - field->off;
	if (n > size - 1)
		n = size - 1;
	memcpy(out, data + field->off, n);
	out[n] = '\0';
}
