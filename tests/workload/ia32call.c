// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Whether this kernel takes 32-bit system calls. Its configuration doesn't tell: some hypervisors
 * let them end in SIGSEGV. So a child makes one. IOSONDE_WORKLOAD_WITHOUT=ia32 has a seccomp filter
 * refuse them to the workload and all that it starts, in a like manner (SIGSYS).
 */
#include "ia32call.h"
#include "workload.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum {
	IA32_GETPID = 20,
	WRONG_RESULT = 255,
};

void without_ia32(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_I386, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { ARRAY_SIZE(code), code };
	const char *without = getenv("IOSONDE_WORKLOAD_WITHOUT");

	if (!without || strcmp(without, "ia32"))
		return;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		die("seccomp filter against 32-bit calls");
}

#if HAVE_IA32
/* Caught, so that the kernel logs no fault and leaves no core. */
static void refused(int sig)
{
	_exit(sig);
}

static int try_in_child(void)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		die("fork");
	if (!pid) {
		signal(SIGSEGV, refused);
		signal(SIGSYS, refused);
		_exit(ia32(IA32_GETPID, 0, 0, 0, 0) == getpid() ? 0 : WRONG_RESULT);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
}
#else
static int try_in_child(void)
{
	return WRONG_RESULT;
}
#endif

bool ia32_offered(struct ctx *c)
{
	int why = try_in_child();

	if (why)
		extra_add(c, "ia32_refused", why);
	return !why;
}

int cmd_can(struct ctx *c)
{
	if (strcmp(arg_str(c, 0, NULL), "ia32"))
		die(c->argv[0]);
	ia32_offered(c);
	return 0;
}
