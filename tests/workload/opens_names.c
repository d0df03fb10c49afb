// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Names in awkward memory, and names made to harm whoever prints them. */
#include "workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void shut(long fd)
{
	if (fd >= 0)
		close((int)fd);
}

/* Two pages of which only the first is mapped; returns the first byte of the hole. */
static char *edge(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || munmap(p + page, page))
		die("edge");
	return p + page;
}

static void at_the_edge(struct ctx *c, const char *dir)
{
	struct want w = { "unterminated", "openat", NULL, NULL, FULL_ANY, O_RDONLY, -1, 0, 0 };
	char *hole = edge(), *name = hole - sizeof("plain");

	strcpy(name, "plain");
	shut(op_openat(c, "page-end", AT_FDCWD, name, join(dir, "plain"), O_RDONLY, 0));
	name = hole - sizeof("edge-missing");
	strcpy(name, "edge-missing");
	op_openat(c, "page-end-enoent", AT_FDCWD, name, join(dir, "edge-missing"), O_RDONLY, 0);
	name = hole - 3;
	memcpy(name, "abc", 3);
	op_record(c, &w, SC(SYS_openat, AT_FDCWD, name, O_RDONLY, 0));
}

/*
 * A name that only the call itself brings into memory: a file mapping never touched. The name also
 * crosses a page boundary in the second case, first page present, second not.
 */
static void not_resident(struct ctx *c, const char *dir)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	long fd = op_openat(c, "names-file", AT_FDCWD, "names", join(dir, "names"),
			    O_CREAT | O_RDWR, 0600);
	char *map;
	struct want w = {
		"absent-page", "openat", "plain", join(dir, "plain"), FULL_EXACT, O_RDONLY, -1, 0, 0
	};
	long ret;

	if (fd < 0 || ftruncate((int)fd, (off_t)(4 * page)))
		die("names");
	map = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_SHARED, (int)fd, 0);
	if (map == MAP_FAILED)
		die("mmap");
	strcpy(map, "plain");
	strcpy(map + page, "absent-missing");
	strcpy(map + 3 * page - 4, "plain");
	munmap(map, 4 * page);
	map = mmap(NULL, 4 * page, PROT_READ, MAP_PRIVATE, (int)fd, 0);
	madvise(map, 4 * page, MADV_RANDOM); /* no neighbours mapped along */
	ret = SC(SYS_openat, AT_FDCWD, map, O_RDONLY, 0);
	op_record(c, &w, ret);
	shut(ret);
	w.id = "absent-page-enoent";
	w.path = "absent-missing";
	w.full = join(dir, "absent-missing");
	munmap(map, 4 * page);
	map = mmap(NULL, 4 * page, PROT_READ, MAP_PRIVATE, (int)fd, 0);
	madvise(map, 4 * page, MADV_RANDOM);
	op_record(c, &w, SC(SYS_openat, AT_FDCWD, map + page, O_RDONLY, 0));
	munmap(map, 4 * page);
	map = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, (int)fd, 0);
	w.id = "absent-second-page";
	w.path = "plain";
	w.full = join(dir, "plain");
	/* Only the page of its first four letters is brought in. */
	*(volatile char *)(map + 2 * page) = 1;
	madvise(map + 3 * page, page, MADV_DONTNEED);
	ret = SC(SYS_openat, AT_FDCWD, map + 3 * page - 4, O_RDONLY, 0);
	op_record(c, &w, ret);
	shut(ret);
	shut(fd);
}

void opens_memory(struct ctx *c, const char *dir)
{
	at_the_edge(c, dir);
	not_resident(c, dir);
}

void opens_names(struct ctx *c, const char *dir)
{
	static char longest[256];
	static const char *const names[] = {
		"esc-\033[31mred\033[2J\033]0;title\007",
		"line\nfeed\r\n\ttab",
		"quote\"single'back\\slash",
		"invalid-\xff\xfe-\xc3\x28-\xe2\x82",
		"overlong-\xc0\xaf-surrogate-\xed\xa0\x80-high-\xf5\x80\x80\x80",
		"c1-\xc2\x9b"
		"31m-nel-\xc2\x85",
		"bidi-\xe2\x80\xae"
		"txt.exe-zero-\xe2\x80\x8b-line-\xe2\x80\xa8",
		"good-\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80",
		"csv,semi;\"\"quoted\"\",=1+1",
		" lead and trail ",
		"del-\x7f-ctl-\x01\x02\x1f",
		"{\"type\":\"summary\"}",
		"%s%n%x",
		longest,
	};
	char missing[300];

	memset(longest, 'l', 255);
	longest[0] = '\033';
	longest[254] = '\xff';
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		make_file(names[i], 0644);
		shut(op_openat(c, "hostile", AT_FDCWD, names[i], join(dir, names[i]), O_RDONLY, 0));
		snprintf(missing, sizeof(missing), "%.250sX", names[i]);
		op_openat(c, "hostile-enoent", AT_FDCWD, missing, join(dir, missing), O_RDONLY, 0);
	}
}
