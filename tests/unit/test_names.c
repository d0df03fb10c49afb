/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Names of errors, users and disks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "core/names/cgroup.h"
#include "core/rows/syscalls.h"
#include "core/names/disk.h"
#include "core/names/ids.h"
#include "core/names/user.h"
#include "core/rows/name_record.h"
#include "core/rows/unit.h"

static void errors_have_names_both_ways(void **state)
{
	int named = 0;

	(void)state;
	assert_string_equal(errno_name(ENOENT), "ENOENT");
	assert_string_equal(errno_name(EAGAIN), "EAGAIN");
	assert_string_equal(errno_name(512), "ERESTARTSYS");
	assert_null(errno_name(0));
	assert_null(errno_name(-ENOENT));
	assert_null(errno_name(4095));
	assert_null(errno_name(INT32_MAX));
	for (int err = 1; err <= 4095; err++) {
		const char *name = errno_name(err);

		if (!name)
			continue;
		named++;
		assert_int_equal(name[0], 'E');
		assert_int_equal(errno_number(name, strlen(name)), err);
		assert_int_equal(errno_number(name, strlen(name) - 1) == err, 0);
	}
	assert_true(named > 130);
	assert_int_equal(errno_number("EWOULDBLOCK", 11), EAGAIN);
	assert_int_equal(errno_number("ENOTSUP", 7), EOPNOTSUPP);
	assert_int_equal(errno_number("ENOENTX", 6), ENOENT);
	assert_int_equal(errno_number("ENOENTX", 7), -1);
	assert_int_equal(errno_number("enoent", 6), -1);
	assert_int_equal(errno_number("ENOENT\0", 7), -1);
	assert_int_equal(errno_number("", 0), -1);
}

static struct names names;

static void users_have_names_both_ways(void **state)
{
	uint32_t uid = 7;
	struct passwd *p;

	(void)state;
	assert_string_equal(user_name(&names.users, 0), "root");
	assert_string_equal(user_name(&names.users, 3987654321u), "3987654321");
	assert_string_equal(user_name(&names.users, UINT32_MAX), "4294967295");
	assert_true(user_id("rootX", 4, &uid));
	assert_int_equal(uid, 0);
	assert_true(user_id("12", 2, &uid));
	assert_int_equal(uid, 12);
	assert_false(user_id("1x", 2, &uid));
	assert_false(user_id("-1", 2, &uid));
	assert_false(user_id("99999999999", 11, &uid));
	assert_false(user_id("root\0x", 6, &uid));
	assert_int_equal(uid, 12);
	setpwent();
	while ((p = getpwent()) != NULL) {
		assert_true(user_id(p->pw_name, strlen(p->pw_name), &uid));
		assert_int_equal(uid, p->pw_uid);
	}
	endpwent();
}

/* More users than the cache holds: still answered, twice the same. */
static void users_without_end(void **state)
{
	char want[16];

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < 10000; i++) {
			uint32_t uid = 2000000000 + i * 8192;

			snprintf(want, sizeof(want), "%" PRIu32, uid);
			assert_string_equal(user_name(&names.users, uid), want);
		}
	}
	assert_string_equal(user_name(&names.users, 0), "root");
}

static void ids_have_names(void **state)
{
	const struct {
		struct rec_name head;
		char path[5];
	} rec = { { .id = 77,
		    .path = { .off = sizeof(rec.head), .len = 4, .flags = VPATH_ABSOLUTE } },
		  "b\0a" };
	const char *name = NULL;
	char text[32];
	size_t len = 0;

	(void)state;
	assert_false(name_of_id(&names.ids, 1, &name, &len));
	name_id_learn(&names.ids, 1, "one", 3);
	name_id_learn(&names.ids, 2, "two", 3);
	name_id_learn(&names.ids, 1, "uno!", 4);
	assert_true(name_of_id(&names.ids, 1, &name, &len));
	assert_int_equal(len, 4);
	assert_memory_equal(name, "uno!", 4);
	name_id_record(&names, &rec, sizeof(rec.head) - 1); /* not whole */
	assert_false(name_of_id(&names.ids, 77, &name, &len));
	name_id_record(&names, &rec, sizeof(rec));
	assert_true(name_of_id(&names.ids, 77, &name, &len));
	assert_int_equal(len, 4);
	assert_memory_equal(name, "/a/b", 4);
	for (uint64_t id = 100; id < 100 + NAME_IDS_MAX; id++)
		name_id_learn(&names.ids, id, text,
			      (size_t)snprintf(text, sizeof(text), "%" PRIu64, id));
	for (uint64_t id = 100; id < 100 + NAME_IDS_MAX; id++) {
		assert_true(name_of_id(&names.ids, id, &name, &len));
		snprintf(text, sizeof(text), "%" PRIu64, id);
		assert_memory_equal(name, text, len);
	}
	assert_false(name_of_id(&names.ids, 1, &name, &len)); /* the oldest made room */
	/* one that is sent again is the newest, and outlives those that came before */
	name_id_learn(&names.ids, 100, "again", 5);
	for (uint64_t id = 1u << 30; id < (1u << 30) + NAME_IDS_MAX - 1; id++)
		name_id_learn(&names.ids, id, "x", 1);
	assert_true(name_of_id(&names.ids, 100, &name, &len));
	assert_memory_equal(name, "again", 5);
	name_id_learn(&names.ids, 1, "x", 1);
	assert_false(name_of_id(&names.ids, 100, &name, &len));
}

/* A row of what found no room says so, in each unit that is a text; its numbers have no value. */
static void others_have_a_name(void **state)
{
	static const char *const kinds[] = { "one", NULL };
	struct others_row {
		uint64_t id, call, cgroup;
		uint32_t disk, kind, tid;
		char comm[16];
	} row = { NAME_OTHERS, SYSCALL_OTHERS, NAME_OTHERS, ~0u, ~0u, 0, "(others)" };
#define R(member) FIELD(struct others_row, member)
	const struct column columns[] = {
		{ "path", R(id), U_PATH, .flags = COL_KEY },
		{ "call", R(call), U_SYSCALL, .flags = COL_KEY },
		{ "cgroup", R(cgroup), U_CGROUP, .flags = COL_KEY },
		{ "disk", R(disk), U_DISK, .flags = COL_KEY },
		{ "comm", R(comm), U_TEXT, .flags = COL_KEY },
	};
	const struct column none[] = {
		{ "kind", R(kind), U_ENUM, .flags = COL_KEY, .names = kinds },
		{ "tid", R(tid), U_ID, .flags = COL_KEY | COL_BLANK },
	};
	char scratch[VALUE_SCRATCH];
	struct value v;

	(void)state;
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		column_value(&names, &columns[i], &row, sizeof(row), scratch, &v);
		assert_int_equal(v.kind, V_BYTES);
		assert_int_equal(v.bytes.len, 8);
		assert_memory_equal(v.bytes.p, "(others)", 8);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		column_value(&names, &none[i], &row, sizeof(row), scratch, &v);
		assert_int_equal(v.kind, V_NONE);
	}
}

static void calls_have_names_both_ways(void **state)
{
	(void)state;
	assert_string_equal(syscall_name(syscall_number("openat", 0), false), "openat");
	assert_string_equal(syscall_name(syscall_number("openat", 1), true), "openat");
	/* newer than some headers, with one number everywhere */
	assert_int_equal(syscall_number("cachestat", 0), 451);
	assert_int_equal(syscall_number("listns", 1), 470);
	assert_string_equal(syscall_name(468, false), "file_getattr");
	assert_null(syscall_name(511, false));
	assert_int_equal(syscall_number("newuname", 0), -1);
	/* as tracepoints call them */
	assert_int_equal(syscall_of_event("newuname"), syscall_number("uname", 0));
	assert_int_equal(syscall_of_event("umount"), syscall_number("umount2", 0));
	assert_int_equal(syscall_of_event("openat"), syscall_number("openat", 0));
	assert_int_equal(syscall_of_event("no_such"), -1);
}

static void cgroups_have_names_both_ways(void **state)
{
	uint64_t root, same;
	bool exists;

	(void)state;
	assert_string_equal(cgroup_name(&names.cgroups, 18446744073709551615u),
			    "18446744073709551615");
	assert_false(cgroup_id("no-such-cgroup", &root, &exists));
	assert_false(exists);
	assert_false(cgroup_id("/dev", &root, &exists));
	assert_true(exists);
	if (!cgroup_id("", &root, &exists) && !cgroup_id(".", &root, &exists))
		skip(); /* no hierarchy is mounted where they usually are */
	assert_string_equal(cgroup_name(&names.cgroups, root), "/");
	assert_true(cgroup_id(".", &same, &exists));
	assert_int_equal(root, same);
}

/* Whatever this machine has: it can be typed. Where it has none, none is made up. */
static void examples_of_disks_exist(void **state)
{
	const char *examples = disk_examples();
	char copy[600], *save, *name;
	uint32_t dev;
	int n = 0;

	(void)state;
	if (!examples)
		return;
	snprintf(copy, sizeof(copy), "%s", examples);
	for (name = strtok_r(copy, " ", &save); name; name = strtok_r(NULL, " ", &save)) {
		if (!strcmp(name, "or"))
			continue;
		assert_int_equal(disk_number(name, &dev), DISK_YES);
		n++;
	}
	assert_in_range(n, 1, 3);
}

static void disks_have_names_both_ways(void **state)
{
	struct dirent *entry;
	uint32_t dev;
	int seen = 0;
	DIR *dir;

	(void)state;
	assert_string_equal(disk_name(&names.disks, DISK_DEV(4000, 1)), "4000:1");
	assert_int_equal(disk_number("4000:1", &dev), DISK_NO);
	assert_int_equal(disk_number("no-such-disk", &dev), DISK_NO);
	assert_int_equal(disk_number("", &dev), DISK_NO);
	assert_int_equal(disk_number("../block", &dev), DISK_NO);
	assert_int_equal(disk_number("/dev/null", &dev), DISK_NO);
	dir = opendir("/sys/block");
	while (dir && (entry = readdir(dir))) {
		char number[32];

		if (entry->d_name[0] == '.' || strchr(entry->d_name, '!'))
			continue;
		assert_int_equal(disk_number(entry->d_name, &dev), DISK_YES);
		assert_string_equal(disk_name(&names.disks, dev), entry->d_name);
		snprintf(number, sizeof(number), "%u:%u", dev >> 20, dev & 0xfffff);
		assert_int_equal(disk_number(number, &dev), DISK_YES);
		seen++;
	}
	if (dir)
		closedir(dir);
	if (!seen)
		skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_have_names_both_ways),
		cmocka_unit_test(users_have_names_both_ways),
		cmocka_unit_test(ids_have_names),
		cmocka_unit_test(others_have_a_name),
		cmocka_unit_test(users_without_end),
		cmocka_unit_test(calls_have_names_both_ways),
		cmocka_unit_test(cgroups_have_names_both_ways),
		cmocka_unit_test(disks_have_names_both_ways),
		cmocka_unit_test(examples_of_disks_exist),
	};

	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	names_free(&names);
	return failed;
}
