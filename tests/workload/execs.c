// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Each way to become another program, and to fail to: one child for each. Of an op, path holds the
 * arguments that are to be seen, each ended by a NUL, and full the binary's path.
 */
#include "workload.h"
#include "ia32call.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char self[4096];

/* What the programs here become: one that does nothing. */
int cmd_args(struct ctx *c)
{
	c->silent = true;
	return 0;
}

/* Joins the arguments for the record; @argv as exec takes it. */
static size_t join_args(char *to, char *const *argv)
{
	size_t n = 0;

	for (; *argv; argv++) {
		strcpy(to + n, *argv);
		n += strlen(*argv) + 1;
	}
	return n;
}

static void record(struct ctx *c, const char *id, const char *call, char *const *seen,
		   const char *exe, long ret)
{
	static char joined[1 << 17];
	struct want w = { id, call, joined, exe, FULL_EXACT, -1, -1, 0, false };

	w.path_len = join_args(joined, seen);
	op_record(c, &w, ret);
}

/* An execve() in a child. @seen: the arguments that the new program is to have. */
static void become(struct ctx *c, const char *id, const char *file, char *const *argv,
		   char *const *seen, const char *exe)
{
	char *const none[] = { NULL };
	pid_t pid = fork();

	if (!pid) {
		struct stat s;
		bool starts = exe && !stat(file, &s) && s.st_mode & 0100;
		long ret;

		if (starts)
			record(c, id, "execve", seen, exe, 0);
		ret = SC(SYS_execve, file, argv, none);
		record(c, id, "execve", seen, file, ret);
		_exit(0);
	}
	wait_for(pid);
}

static void simple(struct ctx *c, const char *dir)
{
	char *args[] = { self, "args", "one", "two words", "", "\"quo\\ted\"", NULL };
	char *hostile[] = { "line\nfeed", "args", "\033[31m", "\xff\xfe", NULL };
	char *script[] = { "ignored", "first", "second", NULL };
	char *script_seen[] = {
		self, "args", (char *)join(dir, "script"), "first", "second", NULL
	};
	/* On the stack: a child's constants aren't in memory before somebody has read them. */
	char name[] = "name", arg[] = "arg", *given[] = { name, arg, NULL };

	become(c, "plain", self, args, args, self);
	become(c, "hostile", self, hostile, hostile, self);
	become(c, "script", join(dir, "script"), script, script_seen, self);
	become(c, "enoent", "/nonexistent/program", given, given, NULL);
	become(c, "eacces", join(dir, "plain"), given, given, NULL);
	become(c, "enoexec", join(dir, "empty"), given, given, NULL);
	become(c, "enotdir", join(dir, "plain/x"), given, given, NULL);
}

static void many_arguments(struct ctx *c)
{
	static char big[4097], number[200][8];
	char word[] = "args"; /* on the stack: as above */
	char *argv[201] = { self, word, NULL }, *one[] = { self, word, big, NULL };
	char *huge[42] = { self, word };

	for (int i = 2; i < 200; i++) {
		snprintf(number[i], sizeof(number[i]), "arg%d", i);
		argv[i] = number[i];
	}
	memset(big, 'b', 4096);
	become(c, "200", self, argv, argv, self);
	become(c, "4k", self, one, one, self);
	become(c, "200-enoent", "/nonexistent/program", argv, argv, NULL);
	become(c, "4k-enoent", "/nonexistent/program", one, one, NULL);
	for (int i = 2; i < 41; i++)
		huge[i] = big + 3096; /* 1000 each: more than is kept */
	become(c, "cut", self, huge, huge, self);
	become(c, "cut-enoent", "/nonexistent/program", huge, huge, NULL);
}

static void by_descriptor(struct ctx *c, const char *dir)
{
	char name[] = "by-fd", word[] = "args", x[] = "x";
	char *args[] = { name, word, x, NULL }, *const none[] = { NULL };
	int fd = open(self, O_RDONLY | O_CLOEXEC), at = open("/", O_PATH | O_DIRECTORY);
	pid_t pid = fork();

	if (!pid) {
		record(c, "fexecve", "execveat", args, self, 0);
		SC(SYS_execveat, fd, "", args, none, AT_EMPTY_PATH);
		die("execveat");
	}
	wait_for(pid);
	pid = fork();
	if (!pid) {
		record(c, "execveat", "execveat", args, self, 0);
		SC(SYS_execveat, at, self + 1, args, none, 0);
		die("execveat");
	}
	wait_for(pid);
	pid = fork();
	if (!pid) {
		long ret = SC(SYS_execveat, at, "nonexistent", args, none, 0);

		record(c, "execveat-enoent", "execveat", args, "/nonexistent", ret);
		_exit(0);
	}
	wait_for(pid);
	(void)dir;
	close(fd);
	close(at);
}

static void *exec_in_thread(void *arg)
{
	struct ctx *c = arg;
	char *args[] = { "thread", "args", NULL }, *const none[] = { NULL };

	record(c, "thread", "execve", args, self, 0);
	SC(SYS_execve, self, args, none);
	die("exec in a thread");
}

static void by_second_thread(struct ctx *c, const char *dir)
{
	pid_t pid = fork();
	pthread_t id;

	(void)dir;
	if (!pid) {
		if (pthread_create(&id, NULL, exec_in_thread, c))
			die("pthread_create");
		pthread_join(id, NULL);
		_exit(1);
	}
	wait_for(pid);
}

/* By the 32-bit call, whose argument vector has 4 bytes for each. */
static void by_ia32(struct ctx *c)
{
#if HAVE_IA32
	uint32_t *argv = low_alloc(4096);
	char *path = low_string(self), *missing = low_string("/nonexistent/program");
	char *args[] = { "ia32", "args", "x", NULL };
	pid_t pid;

	if (!argv || !path || !missing)
		die("low memory");
	for (int i = 0; i < 3; i++)
		argv[i] = low(low_string(args[i]));
	pid = fork();
	if (!pid) {
		record(c, "ia32-enoent", "execve", args, "/nonexistent/program",
		       ia32(11, low(missing), low(argv), 0, 0));
		record(c, "ia32", "execve", args, self, 0);
		ia32(11, low(path), low(argv), 0, 0);
		die("ia32 execve");
	}
	wait_for(pid);
#else
	(void)c;
#endif
}

int cmd_execs(struct ctx *c)
{
	const char *dir = arg_str(c, 0, NULL);
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int fd;

	if (n <= 0 || chdir(dir))
		die(dir);
	self[n] = '\0';
	make_file("plain", 0644);
	make_file("empty", 0755);
	fd = open("script", O_CREAT | O_WRONLY, 0755);
	if (fd < 0 || dprintf(fd, "#!%s args\n", self) < 0 || close(fd))
		die("script");
	simple(c, dir);
	many_arguments(c);
	by_descriptor(c, dir);
	by_second_thread(c, dir);
	if (ia32_offered(c))
		by_ia32(c);
	return 0;
}
