// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * workload refused DIR [kill]: calls that never run, because a seccomp filter answers them. They
 *are made by threads of their own, so that nobody else is filtered, once by each way: errno	with
 *EPERM trap	by SIGSYS, which is handled notify	by a supervisor, with success With "kill" by
 *the end of the process, a child: one for each call. The list of opens has them all, the way as
 *their id. In DIR there is a file "plain" of 4096 bytes.
 */
#include "workload.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define ANSWER 1 /* what the supervisor returns: of open, a descriptor that there is */

struct refused_call {
	const char *call;
	const char *path; /* NULL: none is passed */
	long nr;
	long a[6];
};

static struct refused_call calls[24];
static unsigned int n_calls;
static char buffer[64], name_plain[4096], name_gone[4096];
static struct stat64 status;
static const char *untouched;
static _Atomic int trapped, listener = -1;

#define CALL(call_, path_, nr_, ...)                                                               \
	(calls[n_calls++] = (struct refused_call){ call_, path_, nr_, { __VA_ARGS__ } })
#define P(ptr) ((long)(ptr))

static void list_calls(int fd, int fd2)
{
#ifdef SYS_open
	CALL("open", name_gone, SYS_open, P(name_gone), O_RDONLY);
	CALL("unlink", name_plain, SYS_unlink, P(name_plain));
#endif
	CALL("openat", name_plain, SYS_openat, AT_FDCWD, P(name_plain), O_RDWR);
	CALL("read", NULL, SYS_read, fd, P(buffer), 11);
	CALL("write", NULL, SYS_write, fd, P(buffer), 12);
	CALL("pread", NULL, SYS_pread64, fd, P(buffer), 13, 0);
	CALL("pwrite", NULL, SYS_pwrite64, fd, P(buffer), 14, 0);
	CALL("sendfile", NULL, SYS_sendfile, fd2, fd, 0, 15);
	CALL("fsync", NULL, SYS_fsync, fd);
	CALL("unlinkat", name_plain, SYS_unlinkat, AT_FDCWD, P(name_plain), 0);
	CALL("renameat2", name_plain, SYS_renameat2, AT_FDCWD, P(name_plain), AT_FDCWD,
	     P(name_gone), 0);
	CALL("statx", name_plain, SYS_statx, AT_FDCWD, P(name_plain), 0, 0, P(&status));
	/* the name's page was never touched: it is empty, and not in memory */
	CALL("fstatat", NULL, SYS_newfstatat, fd, P(untouched), P(&status), AT_EMPTY_PATH);
	CALL("mount", name_gone, SYS_mount, P("none"), P(name_gone), P("tmpfs"), 0, 0);
	CALL("execve", name_plain, SYS_execve, P(name_plain), 0, 0);
}

static int install(unsigned int action, unsigned int flags)
{
	struct sock_filter code[64];
	struct sock_fprog prog = { .filter = code };
	unsigned short n = 0;

	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						 offsetof(struct seccomp_data, nr));
	for (unsigned int i = 0; i < n_calls; i++) {
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							 (unsigned int)calls[i].nr, 0, 1);
		code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action);
	}
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	prog.len = n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		die("no_new_privs");
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
}

static void make(struct ctx *c, const char *way, const struct refused_call *r)
{
	struct want want = { .id = way, .call = r->call, .path = r->path, .flags = -1, .mode = -1 };
	long ret = SC(r->nr, r->a[0], r->a[1], r->a[2], r->a[3], r->a[4], r->a[5]);

	op_record(c, &want, ret);
}

static void on_sigsys(int sig)
{
	(void)sig;
	trapped++;
}

struct job {
	struct ctx *c;
	const char *way;
	unsigned int action, flags;
};

static void *filtered(void *job_)
{
	const struct job *job = job_;
	int fd = install(job->action, job->flags);

	if (fd < 0)
		die("seccomp");
	listener = job->flags ? fd : -1;
	for (unsigned int i = 0; i < n_calls; i++)
		make(job->c, job->way, &calls[i]);
	return NULL;
}

/* Answers each of the calls, which wait for it. */
static void supervise(void)
{
	while (listener < 0)
		sleep_ms(1);
	for (unsigned int i = 0; i < n_calls; i++) {
		struct seccomp_notif ask;
		struct seccomp_notif_resp answer = { .val = ANSWER };

		memset(&ask, 0, sizeof(ask));
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &ask))
			die("supervisor");
		answer.id = ask.id;
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer))
			die("supervisor's answer");
	}
}

static void run_filtered(struct ctx *c, const char *way, unsigned int action, unsigned int flags)
{
	struct job job = { c, way, action, flags };
	pthread_t id;

	if (pthread_create(&id, NULL, filtered, &job))
		die("pthread_create");
	if (flags)
		supervise();
	pthread_join(id, NULL);
}

/* The child that makes the call doesn't come back: what it does is recorded first. */
static void killed(struct ctx *c, const struct refused_call *r, unsigned int action)
{
	struct want want = {
		.id = "kill", .call = r->call, .path = r->path, .flags = -1, .mode = -1
	};
	pid_t pid = fork();

	if (!pid) {
		op_record(c, &want, -1);
		if (install(action, 0))
			die("seccomp");
		syscall(r->nr, r->a[0], r->a[1], r->a[2], r->a[3], r->a[4], r->a[5]);
		_exit(1);
	}
	wait_for(pid);
}

int cmd_refused(struct ctx *c)
{
	const char *dir = arg_str(c, 0, ".");
	struct sigaction sa = { .sa_handler = on_sigsys };
	int fd, fd2;

	untouched = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (untouched == MAP_FAILED)
		die("mmap");
	strcpy(name_plain, join(dir, "plain"));
	strcpy(name_gone, join(dir, "gone"));
	fd = open(name_plain, O_RDWR);
	fd2 = open(name_plain, O_RDWR);
	if (fd < 0 || fd2 < 0)
		die(name_plain);
	list_calls(fd, fd2);
	if (*arg_str(c, 1, "")) {
		for (unsigned int i = 0; i < n_calls; i++)
			killed(c, &calls[i], SECCOMP_RET_KILL_PROCESS);
		return 0;
	}
	sigaction(SIGSYS, &sa, NULL);
	run_filtered(c, "errno", SECCOMP_RET_ERRNO | EPERM, 0);
	run_filtered(c, "trap", SECCOMP_RET_TRAP, 0);
	run_filtered(c, "notify", SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER);
	extra_add(c, "trapped", trapped);
	return 0;
}
