/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Stacks of this program itself, unwound from a copy; and files that are not what they should be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <ucontext.h>
#include <unistd.h>
#include <cmocka.h>

#include "bpf/core/stacks.h"
#include "core/names/elf_image.h"
#include "core/names/unwind.h"
#include "core/run/unwound.h"
#include "tests/unit/own_program.h"

/* What programs in the kernel send: registers, and so much of the stack. */
static struct rec_ustack sample;
static uint64_t outer_return, inner_return;

static void registers_of(const ucontext_t *context, uint64_t *regs, uint64_t *sp)
{
#if defined(__x86_64__)
	static const int order[] = { REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
				     REG_RBP, REG_RSP, REG_R8,	REG_R9,	 REG_R10, REG_R11,
				     REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP };

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		regs[i] = (uint64_t)context->uc_mcontext.gregs[order[i]];
	*sp = regs[7];
#else
	memcpy(regs, context->uc_mcontext.regs, 31 * sizeof(*regs));
	regs[31] = *sp = context->uc_mcontext.sp;
	regs[32] = context->uc_mcontext.pc;
#endif
}

/* Also what lies between variables, which sanitizers forbid to read. */
__attribute__((noinline, no_sanitize("address"))) static void copy_stack(void)
{
	const volatile uint64_t *from = (const volatile uint64_t *)(uintptr_t)sample.sp;
	uint64_t *to = (uint64_t *)sample.stack;

	for (size_t i = 0; i < sample.bytes / sizeof(*to); i++)
		to[i] = from[i];
}

__attribute__((noinline)) static void take(void)
{
	static ucontext_t context;

	inner_return = (uint64_t)(uintptr_t)__builtin_return_address(0);
	assert_int_equal(getcontext(&context), 0);
	registers_of(&context, (uint64_t *)sample.regs, (uint64_t *)&sample.sp);
	sample.bytes = 4096;
	copy_stack();
	sample.rec.type = REC_USTACK;
	sample.key.pid = (uint32_t)getpid();
	sample.key.program = own_program();
	sample.amount = 5;
}

__attribute__((noinline)) static int called(volatile int *n)
{
	outer_return = (uint64_t)(uintptr_t)__builtin_return_address(0);
	take();
	return ++*n;
}

static size_t place_of(uint64_t addr, const uint64_t *frames, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (frames[i] == addr)
			return i;
	return n;
}

static void own_callers_are_found(void **state)
{
	struct unwinder *u = unwinder_open();
	uint64_t frames[64], few[2];
	volatile int n = 1;
	size_t found, part;

	(void)state;
	assert_non_null(u);
	called(&n);
	found = unwind(u, &sample, sample.bytes, frames, 64);
	assert_int_equal(place_of(inner_return, frames, found), 1);
	assert_int_equal(place_of(outer_return, frames, found), 2);
	assert_true(found > 4); /* the test's own callers, and main */
	assert_int_equal(unwind(u, &sample, sample.bytes, few, 2), 2);
	assert_int_equal(few[1], inner_return);
	/* without any of the stack, with a part of it, and with another process's registers */
	assert_int_equal(unwind(u, &sample, 0, frames, 64), 1);
	part = unwind(u, &sample, sample.bytes / 8, frames, 64);
	assert_true(part >= 1 && part <= found);
	for (size_t i = 0; i < USTACK_REGS; i++)
		sample.regs[i] = i * 0x0123456789abcdefULL;
	assert_true(unwind(u, &sample, sample.bytes, frames, 64) >= 1);
	unwinder_close(u);
}

static void unknown_process(void **state)
{
	struct unwinder *u = unwinder_open();
	uint64_t frames[8];
	volatile int n = 1;

	(void)state;
	called(&n);
	sample.key.program++; /* not ours: what is mapped here tells nothing */
	assert_int_equal(unwind(u, &sample, sample.bytes, frames, 8), 1);
	unwinder_close(u);
}

struct counted {
	uint64_t count, sum;
	int32_t id;
	size_t keys;
};

static void add_counted(void *arg, const struct stacks_key *key, const struct stacks_value *value)
{
	struct counted *c = arg;

	c->count += value->count;
	c->sum += value->sum;
	c->id = key->ustack;
	c->keys++;
}

/* Ten of the same are one key; what is given up is counted. */
static void counted_by_a_thread(void **state)
{
	struct unwound *w = unwound_open();
	size_t len = offsetof(struct rec_ustack, stack);
	uint64_t frames[UNWOUND_FRAMES];
	struct counted c = { 0 };
	volatile int n = 1;

	(void)state;
	called(&n);
	assert_true(unwound_wait(w, 1000000)); /* nothing to wait for */
	for (int i = 0; i < 10; i++)
		unwound_stack(w, &sample, len + sample.bytes);
	unwound_stack(w, &sample, len - 1); /* no record */
	assert_int_equal(unwound_lost(w), 1);
	while (!unwound_wait(w, 100000000))
		;
	unwound_take(w, add_counted, &c);
	assert_int_equal(c.count, 10);
	assert_int_equal(c.sum, 50);
	assert_int_equal(c.keys, 1);
	assert_true(unwound_is_id(c.id));
	assert_true(unwound_frames(w, c.id, frames) > 4);
	assert_int_equal(frames[1], inner_return);
	assert_int_equal(unwound_frames(w, c.id + 1, frames), 0);
	unwound_take(w, add_counted, &c);
	assert_int_equal(c.count, 10);
	unwound_give_up(w);
	unwound_stack(w, &sample, len + sample.bytes);
	assert_int_equal(unwound_lost(w), 2);
	unwound_close(w);
}

static char *own_file(size_t *size)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	struct stat st;
	char *data;

	assert_int_equal(fstat(fd, &st), 0);
	*size = (size_t)st.st_size;
	data = malloc(*size);
	assert_int_equal(read(fd, data, *size), *size);
	close(fd);
	return data;
}

static bool image_of(const char *data, size_t size)
{
	int fd = memfd_create("image", 0);
	struct elf_image image;
	bool ok;

	assert_int_equal(write(fd, data, size), size);
	ok = elf_image_read(&image, fd);
	if (ok)
		assert_true(image.high > image.low && image.elf);
	elf_image_free(&image);
	close(fd);
	return ok;
}

/* Damaged in each byte of its heads, and cut short: refused, or taken, and never read beyond. */
static void files_that_lie(void **state)
{
	size_t size;
	char *data = own_file(&size);
	static const unsigned char values[] = { 0x00, 0x7f, 0xff };

	(void)state;
	assert_true(image_of(data, size));
	for (size_t at = 0; at < 1024; at++)
		for (size_t v = 0; v < sizeof(values); v += at < 256 ? 1 : 2) {
			char was = data[at];

			data[at] = (char)values[v];
			image_of(data, at < 64 ? size : size / 2);
			data[at] = was;
		}
	for (size_t cut = 0; cut < 4096; cut += 61)
		image_of(data, cut);
	assert_false(image_of(data, 40));
	assert_false(image_of("#!/bin/sh\nexit 0\n", 17));
	free(data);
}

static void own_vdso(void **state)
{
	struct elf_image image;

	(void)state;
	if (!elf_image_vdso(&image))
		skip(); /* a kernel without */
	assert_true(image.high > image.low);
	elf_image_free(&image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_callers_are_found),
		cmocka_unit_test(unknown_process),
		cmocka_unit_test(counted_by_a_thread),
		cmocka_unit_test(files_that_lie),
		cmocka_unit_test(own_vdso),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
