// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * A real 32-bit program, with no library, so that any 64-bit compiler can build it:
 *   workload32 FILE [NEXT ARGS...]
 * Opens FILE, writes 5 times 3 bytes, reads them back in 3 calls, opens a missing name; prints what
 * it did; becomes NEXT if there is one.
 */
enum {
	NR_EXIT = 1,
	NR_READ = 3,
	NR_WRITE = 4,
	NR_OPEN = 5,
	NR_EXECVE = 11,
	NR_LSEEK = 19,
	NR_OPENAT = 295,
};

#define RDWR	 2
#define CREAT	 0100
#define AT_CWD	 (-100)
#define ENOENT_R (-2)

static long call(long nr, long a, long b, long c, long d)
{
	long ret;

	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d)
			 : "memory", "cc");
	return ret;
}

static void check(int ok, int status)
{
	if (!ok)
		call(NR_EXIT, status, 0, 0, 0);
}

static const char done[] = "{\"workload\":\"ia32\",\"calls\":{"
			   "\"open\":{\"calls\":2,\"bytes\":0,\"errors\":{\"ENOENT\":1}},"
			   "\"openat\":{\"calls\":1,\"bytes\":0,\"errors\":{}},"
			   "\"write\":{\"calls\":5,\"bytes\":15,\"errors\":{}},"
			   "\"read\":{\"calls\":3,\"bytes\":15,\"errors\":{}}},\"opens\":[]}\n";

/* argc and argv lie on the stack as the kernel left them; the entry below passes their address. */
__attribute__((used, noreturn)) void run(long *stack)
{
	char **argv = (char **)(stack + 1);
	static char buf[16];
	long argc = stack[0], fd, total = 0;

	check(argc >= 2, 2);
	fd = call(NR_OPEN, (long)argv[1], RDWR | CREAT, 0600, 0);
	check(fd >= 0, 3);
	for (int i = 0; i < 5; i++)
		check(call(NR_WRITE, fd, (long)"abc", 3, 0) == 3, 4);
	call(NR_LSEEK, fd, 0, 0, 0);
	for (int i = 0; i < 3; i++)
		total += call(NR_READ, fd, (long)buf, 5, 0);
	check(total == 15, 5);
	check(call(NR_OPENAT, AT_CWD, (long)argv[1], 0, 0) >= 0, 6);
	check(call(NR_OPEN, (long)"/nonexistent/ia32", 0, 0, 0) == ENOENT_R, 7);
	call(NR_WRITE, 1, (long)done, sizeof(done) - 1, 0);
	if (argc > 2) {
		char **envp = argv + argc + 1;

		call(NR_EXECVE, (long)argv[2], (long)(argv + 2), (long)envp, 0);
		call(NR_EXIT, 8, 0, 0, 0);
	}
	call(NR_EXIT, 0, 0, 0, 0);
	for (;;)
		;
}

__asm__(".globl _start\n"
	"_start:\n"
	"	movl %esp, %eax\n"
	"	andl $-16, %esp\n"
	"	subl $12, %esp\n"
	"	pushl %eax\n"
	"	call run\n");
