/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* calltree's trees, from entries and returns that were made up; and pages as ftrace writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "core/kernel/trace_page.h"
#include "tools/func/call_trees.h"

/* Trees as text: "10:a(b(c)d) " is thread 10; a call that hasn't returned has a '?'. */
static char told[4096];
static struct call last[16];
static bool others_count;

static void on_tree(void *arg, const struct call_thread *t)
{
	size_t len = strlen(told);
	uint32_t level = 0;

	(void)arg;
	if (len > sizeof(told) / 2) /* of so many trees nobody looks at the text */
		return;
	len += (size_t)snprintf(told + len, sizeof(told) - len, "%u:", t->pid);
	for (size_t i = 0; i < t->n; i++) {
		const struct call *c = &t->calls[i];

		for (; level < c->level; level++)
			told[len++] = '(';
		for (; level > c->level; level--)
			told[len++] = ')';
		told[len++] = (char)c->func;
		if (c->lat_ns == NOT_RETURNED)
			told[len++] = '?';
		if (i < 16)
			last[i] = *c;
	}
	for (; level; level--)
		told[len++] = ')';
	told[len++] = ' ';
	told[len] = '\0';
}

static void on_unknown(void *arg, struct call_thread *t)
{
	(void)arg;
	t->pid = t->tid;
	t->counts = others_count;
}

static bool begins(void *arg, uint64_t func)
{
	(void)arg;
	return func != 'z';
}

static uint64_t clock_ns;

/* "a" is entered, "A" returns, one microsecond after the other; the depth is kept here. */
static void play(struct call_trees *trees, uint32_t tid, uint32_t cpu, const char *calls,
		 uint32_t depth)
{
	for (; *calls; calls++) {
		struct call_event e = { .ts_ns = clock_ns += 1000, .tid = tid, .cpu = cpu };

		if (*calls >= 'a') {
			e.func = (uint64_t)*calls;
			e.depth = depth++;
			call_entered(trees, &e);
		} else {
			e.func = (uint64_t)*calls - 'A' + 'a';
			e.depth = --depth;
			e.lat_ns = 7;
			call_returned(trees, &e);
		}
	}
}

static struct call_trees *begin(bool follow)
{
	static struct call_trees trees;

	memset(&trees, 0, sizeof(trees));
	trees.follow = follow;
	trees.tree = on_tree;
	trees.ask = on_unknown;
	trees.begins = begins;
	told[0] = '\0';
	clock_ns = 0;
	others_count = true;
	return &trees;
}

static void calls_nest(void **state)
{
	struct call_trees *t = begin(false);

	(void)state;
	play(t, 10, 0, "abcCdDB", 0);
	assert_string_equal(told, ""); /* not before the outermost has returned */
	play(t, 10, 0, "A", 1);
	play(t, 10, 0, "aA", 0);
	assert_string_equal(told, "10:a(b(cd)) 10:a ");
	play(t, 10, 0, "ab", 0);
	play(t, 11, 0, "aA", 0); /* another thread's come in between */
	play(t, 10, 0, "BA", 2);
	assert_string_equal(told, "10:a(b(cd)) 10:a 11:a 10:a(b) ");
	call_trees_end(t);
	assert_int_equal(t->n_threads, 0);
}

static void what_was_not_asked_for_begins_nothing(void **state)
{
	struct call_trees *t = begin(false);

	(void)state;
	play(t, 10, 0, "zabBAZ", 0);
	assert_string_equal(told, "10:a(b) ");
	play(t, 10, 0, "azZA", 0);
	assert_string_equal(told, "10:a(b) 10:a(z) ");
	call_trees_end(t);
}

static void times_are_of_one_clock(void **state)
{
	struct call_trees *t = begin(false);

	(void)state;
	play(t, 10, 0, "abBcCA", 0); /* on one CPU: as it says */
	assert_int_equal(last[0].lat_ns, 7);
	assert_int_equal(last[0].under_ns, 14);
	play(t, 10, 0, "ab", 0); /* on two: the buffer's */
	play(t, 10, 1, "BA", 2);
	assert_int_equal(last[0].lat_ns, 3000);
	assert_int_equal(last[0].under_ns, 1000);
	assert_int_equal(last[1].lat_ns, 1000);
	call_trees_end(t);
}

static void lost_records_leave_the_rest(void **state)
{
	struct call_trees *t = begin(false);

	(void)state;
	play(t, 10, 0, "abc", 0);
	play(t, 10, 0, "dDA", 1); /* c and b have returned unseen, d is called by a */
	assert_string_equal(told, "10:a(b?(c?)d) ");
	told[0] = '\0';
	call_trees_gap(t, 0);
	play(t, 10, 0, "cCdDB", 2); /* whose callers were lost; nobody returns to b */
	play(t, 10, 0, "A", 1);
	assert_string_equal(told, "10:((c)) 10:((d)) ");
	told[0] = '\0';
	play(t, 10, 0, "abBA", 0);
	assert_string_equal(told, "10:a(b) ");
	told[0] = '\0';
	play(t, 10, 0, "ab", 0);
	call_trees_end(t);
	assert_string_equal(told, "10:a?(b?) ");
}

static void lost_records_end_a_tree(void **state)
{
	struct call_trees *t = begin(false);

	(void)state;
	play(t, 10, 1, "abc", 0);
	play(t, 11, 0, "ab", 0);
	call_trees_gap(t, 1);
	play(t, 10, 1, "dD", 2); /* of another call of b */
	assert_string_equal(told, "10:a?(b?(c?)) 10:((d)) ");
	told[0] = '\0';
	play(t, 11, 0, "BA", 2); /* that CPU lost nothing */
	assert_string_equal(told, "11:a(b) ");
	call_trees_end(t);
}

static void too_deep_for_the_kernel(void **state)
{
	struct call_trees *t = begin(false);
	struct call_event e = { .tid = 10, .func = 'a', .overrun = 7 };

	(void)state;
	for (int i = 0; i < 3; i++) { /* seven when we came, and two more then */
		call_entered(t, &e);
		call_returned(t, &e);
		e.overrun = 9;
	}
	assert_int_equal(t->overrun, 2);
	call_trees_end(t);
}

static void a_thread_alone(void **state)
{
	struct call_trees *t = begin(false);

	(void)state;
	call_thread(t, 10)->alone = true;
	call_task_made(t, 10, 11, true, "made");
	play(t, 11, 0, "aA", 0);
	assert_string_equal(told, "");
	assert_int_equal(t->children_left_out, 0);
	call_trees_end(t);
}

static bool none_has_ended(void *arg, uint32_t tid)
{
	(void)arg;
	(void)tid;
	return false;
}

/* What a target has made stays one, whatever room is made. */
static void targets_stay(void **state)
{
	struct call_trees *t = begin(true);

	(void)state;
	t->gone = none_has_ended;
	call_thread(t, 1);
	for (uint32_t tid = 2; tid <= 20000; tid++)
		call_task_made(t, 1, tid, false, "made");
	others_count = false;
	told[0] = '\0';
	play(t, 2, 0, "aA", 0);
	assert_string_equal(told, "2:a ");
	call_trees_end(t);
}

static void deep_calls_are_counted(void **state)
{
	struct call_trees *t = begin(false);
	struct call_event e = { .tid = 10, .func = 'x' };

	(void)state;
	for (e.depth = 0; e.depth < CALL_DEPTH_MAX + 5; e.depth++)
		call_entered(t, &e);
	while (e.depth--)
		call_returned(t, &e);
	assert_int_equal(t->no_room, 5);
	assert_int_equal(strlen(told), strlen("10: ") + CALL_DEPTH_MAX + 2 * (CALL_DEPTH_MAX - 1));
	call_trees_end(t);
}

static void targets_are_followed(void **state)
{
	struct call_trees *t = begin(true);

	(void)state;
	others_count = false;
	play(t, 20, 0, "e", 0); /* the command is being executed: not yet */
	play(t, 20, 0, "bB", 1);
	call_task_execs(t, 20, 20, true);
	play(t, 20, 0, "cCE", 1);
	assert_string_equal(told, "");
	play(t, 20, 0, "aA", 0);
	call_task_made(t, 20, 21, true, "thread");
	call_task_made(t, 21, 22, false, "child");
	play(t, 21, 0, "aA", 0);
	play(t, 22, 0, "aA", 0);
	play(t, 30, 0, "aA", 0); /* nobody's child */
	assert_string_equal(told, "20:a 20:a 22:a ");
	told[0] = '\0';
	play(t, 21, 0, "e", 0); /* a thread executes: from now on it has its process's number */
	call_task_execs(t, 20, 21, false);
	play(t, 20, 0, "E", 1);
	assert_string_equal(told, "20:e ");
	assert_string_equal(call_thread(t, 22)->comm, "child");
	call_task_named(t, 22, "else");
	assert_string_equal(call_thread(t, 22)->comm, "else");
	call_trees_end(t);
}

static void children_of_p_are_left_out(void **state)
{
	struct call_trees *t = begin(false);

	(void)state;
	call_thread(t, 20);
	call_task_made(t, 20, 21, true, "thread");
	call_task_made(t, 20, 22, false, "child");
	play(t, 21, 0, "aA", 0);
	play(t, 22, 0, "aA", 0);
	assert_string_equal(told, "20:a ");
	assert_int_equal(t->children_left_out, 1);
	/* the number of a thread that ended within a call is used again */
	play(t, 21, 0, "ab", 0);
	call_task_made(t, 20, 21, false, "child");
	assert_string_equal(told, "20:a 20:a?(b?) ");
	call_trees_end(t);
}

static void threads_are_bounded(void **state)
{
	struct call_trees *t = begin(false);

	(void)state;
	for (uint32_t tid = 1; tid <= 100000; tid++)
		play(t, tid, 0, "aA", 0);
	assert_in_range(t->n_threads, 1, 20000);
	call_trees_end(t);
	assert_int_equal(t->n_threads, 0);
}

/* --- pages --- */

static unsigned char page[4096];
static size_t used;

static void put32(uint32_t n)
{
	memcpy(page + used, &n, sizeof(n));
	used += sizeof(n);
}

static void begin_page(uint64_t ts, uint64_t flags)
{
	memset(page, 0, sizeof(page));
	memcpy(page, &ts, sizeof(ts));
	memcpy(page + 8, &flags, sizeof(flags));
	used = 16;
}

static void end_page(struct trace_page *p)
{
	uint64_t commit;

	memcpy(&commit, page + 8, sizeof(commit));
	commit |= used - 16;
	memcpy(page + 8, &commit, sizeof(commit));
	assert_true(trace_page_open(p, page, sizeof(page)));
}

static void pages_are_read(void **state)
{
	const unsigned char *data;
	struct trace_page p;
	size_t len;

	(void)state;
	begin_page(1000, 1U << 31);
	put32(2 | 5 << 5); /* 8 bytes, 5 ns later */
	put32(0x11111111);
	put32(0x22222222);
	put32(30 | 7 << 5); /* (1 << 27) + 7 ns pass */
	put32(1);
	put32(29 | 3 << 5); /* given up: 8 bytes and its word */
	put32(8);
	put32(0);
	put32(0); /* a long one: 4 + 120 bytes follow */
	put32(124);
	used += 120;
	put32(31 | 9 << 5); /* it is (2 << 27) + 9 */
	put32(2);
	put32(1 | 1 << 5);
	put32(0x33333333);
	end_page(&p);
	assert_true(p.gap);
	assert_true(trace_page_next(&p, &data, &len));
	assert_int_equal(len, 8);
	assert_int_equal(data[4], 0x22);
	assert_int_equal(p.ts_ns, 1005);
	assert_true(trace_page_next(&p, &data, &len));
	assert_int_equal(len, 120);
	assert_int_equal(p.ts_ns, 1005 + (1 << 27) + 7 + 3);
	assert_true(trace_page_next(&p, &data, &len));
	assert_int_equal(p.ts_ns, (2 << 27) + 10);
	assert_int_equal(data[0], 0x33);
	assert_false(trace_page_next(&p, &data, &len));
}

static void damaged_pages_end(void **state)
{
	static const uint32_t heads[] = { 28, 0, 29, 30, 29 | 1 << 5 };
	const unsigned char *data;
	struct trace_page p;
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		begin_page(0, 0);
		put32(heads[i]);
		put32(i == 3 ? 0 : 0xffffffff);
		end_page(&p);
		assert_false(trace_page_next(&p, &data, &len));
	}
	begin_page(0, 4096);
	assert_false(trace_page_open(&p, page, sizeof(page)));
	assert_false(trace_page_open(&p, page, 8));
}

static void formats_are_read(void **state)
{
	static const char format[] = "name: x\nID: 137\nformat:\n"
				     "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n"
				     "\tfield:pid_t pid;\toffset:8;\tsize:4;\tsigned:1;\n"
				     "\tfield:char comm[16];\toffset:12;\tsize:16;\tsigned:1;\n"
				     "\tfield:struct x *at;\toffset:32;\tsize:8;\tsigned:0;\n";
	static const unsigned char data[40] = { [8] = 0x39, 0x05, [12] = 'a', 'b' };
	struct trace_field pid = trace_field(format, "pid"), comm = trace_field(format, "comm");
	struct trace_field none = trace_field(format, "com");
	char text[16];

	(void)state;
	assert_int_equal(trace_format_id(format), 137);
	assert_int_equal(pid.off, 8);
	assert_int_equal(trace_field(format, "at").off, 32);
	assert_int_equal(none.size, 0);
	assert_int_equal(trace_number(&pid, data, sizeof(data)), 1337);
	assert_int_equal(trace_number(&pid, data, 11), 0);
	assert_int_equal(trace_number(&none, data, sizeof(data)), 0);
	trace_text(&comm, data, sizeof(data), text, sizeof(text));
	assert_string_equal(text, "ab");
	trace_text(&comm, data, 13, text, sizeof(text));
	assert_string_equal(text, "a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_nest),
		cmocka_unit_test(what_was_not_asked_for_begins_nothing),
		cmocka_unit_test(times_are_of_one_clock),
		cmocka_unit_test(lost_records_leave_the_rest),
		cmocka_unit_test(deep_calls_are_counted),
		cmocka_unit_test(targets_are_followed),
		cmocka_unit_test(children_of_p_are_left_out),
		cmocka_unit_test(threads_are_bounded),
		cmocka_unit_test(lost_records_end_a_tree),
		cmocka_unit_test(too_deep_for_the_kernel),
		cmocka_unit_test(a_thread_alone),
		cmocka_unit_test(targets_stay),
		cmocka_unit_test(pages_are_read),
		cmocka_unit_test(damaged_pages_end),
		cmocka_unit_test(formats_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
