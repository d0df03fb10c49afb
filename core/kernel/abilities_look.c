/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/kernel/abilities_look.h"

#include <dirent.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "core/kernel/perf_hook.h"

static const struct {
	const char *name;
	cap_value_t cap;
	const char *without;
} capabilities[LOOK_CAPABILITIES] = {
	{ "cap_bpf", CAP_BPF, "no command can load its programs" },
	{ "cap_perfmon", CAP_PERFMON, "no command can attach its programs" },
	{ "cap_sys_admin", CAP_SYS_ADMIN,
	  "--stats can't time programs, and types of modules stay unknown" },
	{ "cap_sys_ptrace", CAP_SYS_PTRACE, "no --ustack of other users' processes" },
	{ "cap_syslog", CAP_SYSLOG, "kernel stacks may show addresses instead of names" },
	{ "cap_sys_resource", CAP_SYS_RESOURCE,
	  "where maps count as locked memory, ulimit -l must be large enough" },
};

/* First line of a file, without its end; "" where it can't be read. */
static const char *first_line(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");

	buf[0] = '\0';
	if (f && !fgets(buf, (int)size, f))
		buf[0] = '\0';
	if (f)
		fclose(f);
	buf[strcspn(buf, "\n")] = '\0';
	return buf;
}

void look_btf(struct ability *a, const struct btf *btf)
{
	a->available = btf != NULL;
	if (btf)
		snprintf(a->found, sizeof(a->found), "%u types", btf__type_cnt(btf));
	else
		snprintf(a->why, sizeof(a->why),
			 "/sys/kernel/btf/vmlinux can't be read; give the BTF of this very kernel "
			 "with --btf FILE, or take a kernel with CONFIG_DEBUG_INFO_BTF");
}

static size_t count_modules(void)
{
	FILE *f = fopen("/proc/modules", "re");
	size_t n = 0;
	int c;

	while (f && (c = fgetc(f)) != EOF)
		n += c == '\n';
	if (f)
		fclose(f);
	return n;
}

static size_t count_btf_files(void)
{
	DIR *dir = opendir("/sys/kernel/btf");
	struct dirent *e;
	size_t n = 0;

	while (dir && (e = readdir(dir)))
		n += e->d_name[0] != '.' && strcmp(e->d_name, "vmlinux");
	if (dir)
		closedir(dir);
	return n;
}

/* Attaching to a module's function takes a descriptor of its BTF, not only the file. */
void look_module_btf(struct ability *a)
{
	size_t files = count_btf_files();
	__u32 id = 0;
	int fd = -1;

	if (!bpf_btf_get_next_id(0, &id))
		fd = bpf_btf_get_fd_by_id(id);
	a->available = files && fd >= 0;
	snprintf(a->found, sizeof(a->found), "%zu modules loaded, %zu with types%s%s",
		 count_modules(), files, files && fd < 0 ? ": " : "",
		 files && fd < 0 ? strerror(errno) : "");
	if (fd >= 0)
		close(fd);
	if (a->available)
		return;
	if (files)
		snprintf(a->why, sizeof(a->why),
			 "hooks in modules can't be used; needs CAP_SYS_ADMIN");
	else
		snprintf(a->why, sizeof(a->why),
			 "hooks in modules can't be used; needs a loaded module, and a kernel with "
			 "CONFIG_DEBUG_INFO_BTF_MODULES");
}

void look_perf(struct ability *a)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE,
					.size = sizeof(attr),
					.config = PERF_COUNT_SW_CPU_CLOCK,
					.disabled = 1 };
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	char paranoid[16];

	a->available = fd >= 0;
	snprintf(a->found, sizeof(a->found), "perf_event_paranoid %s%s%s",
		 first_line("/proc/sys/kernel/perf_event_paranoid", paranoid, sizeof(paranoid)),
		 fd < 0 ? "; opening one: " : "", fd < 0 ? strerror(errno) : "");
	if (fd >= 0)
		close(fd);
	else
		snprintf(a->why, sizeof(a->why),
			 "kprobes, classic tracepoints and sampling can't be used; needs root, or "
			 "CAP_PERFMON and sysctl kernel.perf_event_paranoid=2 or less");
}

void look_tracefs(struct ability *a)
{
	const char *where = tracefs_path();
	char path[128] = "";

	if (where)
		snprintf(path, sizeof(path), "%s/events/task/task_rename/id", where);
	a->available = where && number_in_file(path) >= 0;
	if (where)
		snprintf(a->found, sizeof(a->found), "%s%s%s", where, a->available ? "" : ": ",
			 a->available ? "" : strerror(errno));
	if (a->available)
		return;
	snprintf(a->why, sizeof(a->why), "%s",
		 where ? "classic tracepoints can't be used; needs root, or a tracefs mounted with "
			 "mode=755"
		       : "it isn't mounted, so classic tracepoints can't be used: mount -t tracefs "
			 "tracefs /sys/kernel/tracing");
}

void look_symbols(struct ability *a)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char line[256], restrict_[16];

	for (int i = 0; f && !a->available && i < 1000 && fgets(line, sizeof(line), f); i++)
		a->available = strtoull(line, NULL, 16) != 0;
	if (f)
		fclose(f);
	snprintf(a->found, sizeof(a->found), "kptr_restrict %s%s",
		 first_line("/proc/sys/kernel/kptr_restrict", restrict_, sizeof(restrict_)),
		 a->available ? ""
		 : f	      ? "; addresses are hidden"
			      : "; no /proc/kallsyms");
	if (!a->available)
		snprintf(a->why, sizeof(a->why),
			 "kernel stacks show addresses instead of names; needs CAP_SYSLOG and "
			 "sysctl kernel.kptr_restrict=1, or 0");
}

void look_lockdown(struct ability *a)
{
	char line[128], *open, *state = line;

	first_line("/sys/kernel/security/lockdown", line, sizeof(line));
	open = strchr(line, '[');
	if (open) {
		state = open + 1;
		state[strcspn(state, "]")] = '\0';
	}
	a->available =
		open ? !strcmp(state, "none") : access("/sys/kernel/security/lsm", F_OK) == 0;
	if (open)
		snprintf(a->found, sizeof(a->found), "%s", state);
	else if (a->available)
		snprintf(a->found, sizeof(a->found), "not built in");
	else
		snprintf(a->found, sizeof(a->found), "unknown: securityfs isn't mounted");
	if (a->available)
		return;
	snprintf(
		a->why, sizeof(a->why), "%s",
		!open ? "mount -t securityfs securityfs /sys/kernel/security shows it"
		: !strcmp(state, "confidentiality")
			? "programs can't read kernel memory; boot without lockdown=confidentiality"
			: "some ways to attach may be forbidden; boot without lockdown=integrity, "
			  "or without Secure Boot");
}

void look_unprivileged(struct ability *a)
{
	char line[16];

	first_line("/proc/sys/kernel/unprivileged_bpf_disabled", line, sizeof(line));
	a->available = !strcmp(line, "0");
	snprintf(a->found, sizeof(a->found), "unprivileged_bpf_disabled %s", *line ? line : "?");
	if (!a->available)
		snprintf(a->why, sizeof(a->why),
			 "nothing is missed: tracing needs CAP_BPF and CAP_PERFMON in any case");
}

const char *look_capability_name(size_t i)
{
	return capabilities[i].name;
}

void look_capability(struct ability *a, size_t i)
{
	cap_t caps = cap_get_proc();
	cap_flag_value_t value = CAP_CLEAR;

	if (caps) {
		cap_get_flag(caps, capabilities[i].cap, CAP_EFFECTIVE, &value);
		cap_free(caps);
	}
	a->available = value == CAP_SET;
	if (!a->available)
		snprintf(a->why, sizeof(a->why), "%s; run as root, or: setcap %s+ep on the binary",
			 capabilities[i].without, capabilities[i].name);
}
