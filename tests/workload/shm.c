// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* A known number of System V shared memory calls, by number, with the results that they had. */
#include "ia32call.h"
#include "workload.h"

#include <stdio.h>
#include <sys/ipc.h>
#include <sys/shm.h>

#define KEY  0x10500de
#define SIZE 12345

enum {
	IA32_IPC = 117,
	IA32_IPC_SHMAT = 21,
	IA32_IPC_SHMGET = 23,
	IA32_IPC_SHMCTL = 24,
	IA32_IPC_SEMGET = 2,
};

static void told(const char *what, long a, long b, long c, long ret)
{
	printf("{\"workload\":\"%s\",\"a\":%ld,\"b\":%ld,\"c\":%ld,\"ret\":%ld}\n", what, a, b, c,
	       ret);
}

static long call(const char *what, long nr, long a, long b, long c)
{
	long ret = SC(nr, a, b, c);

	told(what, a, b, c, ret);
	return ret;
}

#if HAVE_IA32
/* The third argument is of shmget() and shmat(), the pointer of shmat() and shmctl(). */
static long ipc(uint32_t what, uint32_t first, uint32_t second, uint32_t third)
{
	long ret;

	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"(IA32_IPC), "b"(what), "c"(first), "d"(second), "S"(third), "D"(0)
			 : "memory", "cc", "r8", "r9", "r10", "r11");
	return (int)ret;
}

static void by_ipc(void)
{
	uint32_t *where = low_alloc(sizeof(*where));
	long id = ipc(IA32_IPC_SHMGET, KEY + 1, SIZE, IPC_CREAT | 0600), at;

	told("shmget", KEY + 1, SIZE, IPC_CREAT | 0600, id);
	at = ipc(IA32_IPC_SHMAT, (uint32_t)id, 0, low(where));
	told("shmat", id, 0, 0, at ? at : (long)*where);
	ipc(IA32_IPC_SEMGET, 0, 0, 0); /* of another family */
	told("shmctl", id, IPC_RMID, 0, ipc(IA32_IPC_SHMCTL, (uint32_t)id, IPC_RMID, 0));
}
#endif

/* Ten segments of a key each time, and all that can be done with one. */
int cmd_shm(struct ctx *c)
{
	bool compat = ia32_offered(c);
	long id = -1, at;

	for (int i = 0; i < 10; i++)
		id = call("shmget", SYS_shmget, KEY, SIZE, (i ? 0 : IPC_CREAT) | 0640);
	call("shmget", SYS_shmget, KEY, SIZE, IPC_CREAT | IPC_EXCL | 0640);
	call("shmget", SYS_shmget, KEY, 10 * SIZE, 0);
	at = call("shmat", SYS_shmat, id, 0, SHM_RDONLY);
	call("shmat", SYS_shmat, id, 1, 0);
	call("shmdt", SYS_shmdt, at, 0, 0);
	call("shmdt", SYS_shmdt, at, 0, 0);
	call("shmctl", SYS_shmctl, id, SHM_LOCK, 0);
	call("shmctl", SYS_shmctl, id, 99, 0);
	call("shmctl", SYS_shmctl, id, IPC_RMID, 0);
#if HAVE_IA32
	if (compat)
		by_ipc();
#endif
	fflush(stdout);
	c->silent = true;
	return 0;
}
