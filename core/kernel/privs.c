/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/kernel/privs.h"

#include <errno.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>

static bool held(cap_value_t cap)
{
	cap_t caps = cap_get_proc();
	cap_flag_value_t value = CAP_CLEAR;

	if (caps) {
		cap_get_flag(caps, cap, CAP_EFFECTIVE, &value);
		cap_free(caps);
	}
	return value == CAP_SET;
}

bool privs_can_trace(char *missing, size_t size)
{
	bool bpf = held(CAP_BPF), perfmon = held(CAP_PERFMON);

	if ((bpf && perfmon) || held(CAP_SYS_ADMIN))
		return true;
	snprintf(missing, size, "%s%s%s", bpf ? "" : "CAP_BPF", bpf || perfmon ? "" : " and ",
		 perfmon ? "" : "CAP_PERFMON");
	return false;
}

bool privs_of_file(void)
{
	return getauxval(AT_SECURE) != 0;
}

bool privs_can_read_modules(void)
{
	return held(CAP_SYS_ADMIN);
}

bool privs_can_ptrace(void)
{
	return held(CAP_SYS_PTRACE);
}

bool privs_drop(bool keep_bpf, bool keep_stacks)
{
	cap_t caps = cap_init();
	static const cap_value_t to_name[] = {
		CAP_SYS_PTRACE,		/* what is mapped where */
		CAP_CHECKPOINT_RESTORE, /* the kernel's links to mapped files */
		CAP_DAC_READ_SEARCH,	/* of other users' processes */
	};
	cap_value_t keep[4];
	int n = 0;
	bool ok;

	if (!caps)
		return false;
	if (keep_bpf)
		keep[n++] = CAP_BPF;
	for (size_t i = 0; keep_stacks && i < sizeof(to_name) / sizeof(to_name[0]); i++)
		if (held(to_name[i]))
			keep[n++] = to_name[i];
	/* the bounding set first: emptying it takes CAP_SETPCAP, which not everybody has */
	if (held(CAP_SETPCAP))
		for (cap_value_t cap = 0; cap_get_bound(cap) >= 0; cap++)
			cap_drop_bound(cap);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	ok = (!n || (!cap_set_flag(caps, CAP_PERMITTED, n, keep, CAP_SET) &&
		     !cap_set_flag(caps, CAP_EFFECTIVE, n, keep, CAP_SET))) &&
	     !cap_set_proc(caps);
	cap_free(caps);
	return ok;
}

bool privs_maps_readable_without(int fd)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return false;
	if (!pid) {
		char next[512]; /* larger than any key */

		if (!privs_drop(false, false))
			_exit(1);
		_exit(bpf_map_get_next_key(fd, NULL, next) && errno != ENOENT);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return WIFEXITED(status) && !WEXITSTATUS(status);
}
