/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Stacks that were counted, as rows: their frames, and stacks of the same functions as one. */
#include "core/run/drain.h"

#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "bpf/core/stacks.h"

#define UNWIND_LOOK_NS 100000000ULL
#define FRAMES_MAX     (2 + UNWOUND_FRAMES) /* the program, where it was, its callers */

static uint64_t member(const char *key, const struct field *f)
{
	uint64_t value = 0;

	if (f->kind != F_NONE)
		memcpy(&value, key + f->off, f->size);
	return value;
}

/* The callers' frames in the map at @frames, ended by 0; returns how many. */
static size_t frames_of(const struct report *r, const char *key, const struct field *id_field,
			uint64_t *frames)
{
	size_t n = 0;
	uint32_t at;
	int32_t id;

	memcpy(&id, key + id_field->off, sizeof(id));
	if (id == STACK_LOST) {
		frames[0] = STACK_LOST_FRAME;
		return 1;
	}
	if (unwound_is_id(id) && r->run->source.unwound)
		return unwound_frames(r->run->source.unwound, id, frames);
	if (id < 0 || id >> STACK_MAP_SHIFT >= STACK_MAPS)
		return 0;
	at = (uint32_t)id & ((1U << STACK_MAP_SHIFT) - 1);
	if (bpf_map_lookup_elem(
		    loaded_map(r->run->source.loaded, r->d->stack_maps[id >> STACK_MAP_SHIFT]), &at,
		    frames))
		return 0;
	while (n < STACK_FRAMES && frames[n])
		n++;
	return n;
}

/* One of the stacks in @key, as struct vstack has it; returns how many words. */
static size_t take_stack(const struct report *r, const char *key, const struct field *id_field,
			 uint64_t *words)
{
	bool user = id_field == &r->d->ustack_id;
	uint64_t ip = member(key, &r->d->ip), *frames = words + user;
	size_t n, own = 0, skip;

	if (id_field->kind == F_NONE)
		return 0;
	memset(words, 0, FRAMES_MAX * sizeof(*words));
	if (ip && user == !stack_ip_is_kernel(ip))
		frames[own++] = ip;
	n = own + frames_of(r, key, id_field, frames + own);
	if (!n)
		return 0;
	if (user)
		words[0] = member(key, &r->d->program);
	if (user || r->d->ip.kind != F_NONE)
		return n + user;
	skip = stack_hook_frames(r->run->view.symbols, frames, n);
	memmove(frames, frames + skip, (n - skip) * sizeof(*frames));
	return n - skip;
}

static void put_stack(char *row, uint32_t *len, const uint64_t *words, size_t n, struct vstack *s)
{
	s->off = *len;
	s->len = (uint32_t)(n * sizeof(*words));
	memcpy(row + *len, words, s->len);
	*len += s->len;
}

void report_add_stack(struct report *r, const char *key, const uint64_t *value)
{
	const struct drain *d = r->d;
	struct stack_row s = { .count = *value, .sum = d->value_size > 8 ? value[1] : 0 };
	uint32_t len = d->key_size + sizeof(s) + sizeof(r->ts_ns) + report_target_size(d);
	uint64_t kernel[FRAMES_MAX], user[FRAMES_MAX], second[FRAMES_MAX];
	size_t n_kernel = take_stack(r, key, &d->kstack_id, kernel);
	size_t n_user = take_stack(r, key, &d->ustack_id, user);
	size_t n_second = take_stack(r, key, &d->wstack_id, second);
	char *row = report_add_row(r, len + (n_kernel + n_user + n_second) * sizeof(*user)), *end;

	if (!row)
		return;
	put_stack(row, &len, kernel, n_kernel, &s.kstack);
	put_stack(row, &len, user, n_user, &s.ustack);
	put_stack(row, &len, second, n_second, &s.wstack);
	end = mempcpy(report_put_row(row, d, key, &s, sizeof(s)), &r->ts_ns, sizeof(r->ts_ns));
	report_put_target(r, key, end);
	report_filter_row(r, row, s.count);
}

static void take_counted(void *arg, const struct stacks_key *key, const struct stacks_value *value)
{
	struct stacks_key whole = *key;
	struct report *r = arg;

	whole.epoch = r->epoch;
	r->entries++;
	report_keep(r, (const char *)&whole, (const uint64_t *)value);
}

/* A report in between doesn't wait: what is left is in the next one. */
void drain_unwound(struct report *r)
{
	struct unwound *w = r->run->source.unwound;

	if (!w || r->d->dwarf.kind == F_NONE)
		return;
	while (r->last && !r->run->loop.abort_now && !unwound_wait(w, UNWIND_LOOK_NS))
		loop_signals(r->run);
	if (r->last)
		unwound_give_up(w);
	unwound_take(w, take_counted, r);
}

/* An entry, and the text that is the same for those that are one row. */
struct named {
	const char *text; /* an offset until all are there */
	size_t len, entry;
};

static void add_names(const struct report *r, const char *key, const struct field *id_field,
		      struct text_buf *to)
{
	const struct column *pid = drain_column(r->run->plan.tool, "pid");
	uint64_t words[FRAMES_MAX];
	size_t n = take_stack(r, key, id_field, words), len = 0;
	struct value v = { V_BYTES, .bytes = { (const char *)words, n * sizeof(*words) } };
	const char *list;

	list = n ? stack_list(r->run, id_field == &r->d->ustack_id,
			      pid ? (uint32_t)member(key, &pid->field) : 0, &v, &len)
		 : "";
	text_add(to, list, len);
	text_pad(to, '\0', 1);
}

/* All of the key but the addresses, and what these are called. */
static void add_named(const struct report *r, size_t i, struct named *named, struct text_buf *text)
{
	const struct field *addresses[] = { &r->d->kstack_id, &r->d->ustack_id, &r->d->wstack_id,
					    &r->d->ip };
	const char *key = keymap_key(&r->merged, i);
	char plain[DRAIN_KEY_MAX];

	memcpy(plain, key, r->d->key_size);
	for (size_t f = 0; f < sizeof(addresses) / sizeof(addresses[0]); f++)
		if (addresses[f]->kind != F_NONE)
			memset(plain + addresses[f]->off, 0, addresses[f]->size);
	*named = (struct named){ (const char *)text->len, 0, i };
	text_add(text, plain, r->d->key_size);
	add_names(r, key, &r->d->kstack_id, text);
	add_names(r, key, &r->d->ustack_id, text);
	add_names(r, key, &r->d->wstack_id, text);
	named->len = text->len - (size_t)named->text;
}

static int by_text(const void *a_, const void *b_)
{
	const struct named *a = a_, *b = b_;
	int order = memcmp(a->text, b->text, a->len < b->len ? a->len : b->len);

	return order ? order : (a->len > b->len) - (a->len < b->len);
}

void drain_functions(struct report *r)
{
	struct named *named = calloc(r->merged.n + 1, sizeof(*named));
	struct text_buf text = { 0 };
	size_t n = r->merged.n, end;

	for (size_t i = 0; named && i < n; i++)
		add_named(r, i, &named[i], &text);
	if (!named || text.failed) {
		r->failed = true;
		n = 0;
	}
	for (size_t i = 0; i < n; i++)
		named[i].text = text.data + (size_t)named[i].text;
	if (n)
		qsort(named, n, sizeof(*named), by_text);
	for (size_t i = 0; i < n; i = end) {
		uint64_t *sum = keymap_value(&r->merged, named[i].entry);

		for (end = i + 1; end < n && !by_text(&named[i], &named[end]); end++)
			report_merge(r, sum, keymap_value(&r->merged, named[end].entry));
		report_add_stack(r, keymap_key(&r->merged, named[i].entry), sum);
	}
	text_free(&text);
	free(named);
}
