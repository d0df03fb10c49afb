/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What an init system does for a booting guest: modules, the root, mounts, the channel. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent.h"

#define ROOT_DEVICE "/dev/vda"

static const struct {
	const char *source, *target, *type, *options;
} mounts[] = {
	{ "proc", "/proc", "proc", NULL },
	{ "sysfs", "/sys", "sysfs", NULL },
	{ "devpts", "/dev/pts", "devpts", "gid=5,mode=620,ptmxmode=666" },
	{ "tmpfs", "/dev/shm", "tmpfs", "mode=1777" },
	{ "tmpfs", "/run", "tmpfs", "mode=755" },
	{ "tracefs", "/sys/kernel/tracing", "tracefs", NULL },
	{ "debugfs", "/sys/kernel/debug", "debugfs", NULL },
	{ "securityfs", "/sys/kernel/security", "securityfs", NULL },
	{ "bpf", "/sys/fs/bpf", "bpf", "mode=700" },
	{ "cgroup2", "/sys/fs/cgroup", "cgroup2", NULL },
};

static const struct {
	const char *target, *path;
} links[] = {
	{ "/proc/self/fd", "/dev/fd" },
	{ "/proc/self/fd/0", "/dev/stdin" },
	{ "/proc/self/fd/1", "/dev/stdout" },
	{ "/proc/self/fd/2", "/dev/stderr" },
};

static void complain(const char *what)
{
	dprintf(STDERR_FILENO, "agent: %s: %s\n", what, strerror(errno));
}

void end_machine(void)
{
	reboot(RB_AUTOBOOT); /* which ends the virtual machine */
}

void die(const char *what)
{
	complain(what);
	exit(1); /* the kernel panics when init ends */
}

static void load_module(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST))
		complain(path);
	if (fd >= 0)
		close(fd);
}

/* The host wrote the list in an order in which each module's needs come first. */
static void load_modules(const char *list)
{
	char line[256];
	FILE *file = fopen(list, "re");

	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		load_module(line);
	}
	fclose(file);
}

static void wait_for(const char *path)
{
	struct stat st;

	/* 20 s: disks are found in the background, which takes its time in an emulated guest. */
	for (int i = 0; i < 2000; i++) {
		if (!stat(path, &st))
			return;
		usleep(10000);
	}
	die(path);
}

static void switch_root(void)
{
	wait_for(ROOT_DEVICE);
	if (mount(ROOT_DEVICE, "/root", "ext4", 0, NULL))
		die("mount " ROOT_DEVICE);
	if (mount("/dev", "/root/dev", NULL, MS_MOVE, NULL))
		die("move /dev");
	if (chdir("/root") || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		die("switch root");
}

static void mount_all(void)
{
	mkdir("/dev/pts", 0755);
	mkdir("/dev/shm", 01777);
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		if (mount(mounts[i].source, mounts[i].target, mounts[i].type, 0, mounts[i].options))
			complain(mounts[i].target);
	}
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		if (symlink(links[i].target, links[i].path) && errno != EEXIST)
			complain(links[i].path);
	}
}

static void loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request))
		complain("lo");
	if (fd >= 0)
		close(fd);
}

void set_up_machine(void)
{
	umask(022);
	if (mount("devtmpfs", "/dev", "devtmpfs", 0, "mode=755") && errno != EBUSY)
		complain("/dev");
	load_modules("/modules/list");
	switch_root();
	mount_all();
	loopback_up();
	if (sethostname("guest", 5))
		complain("hostname");
}

/* The number of the bus in vportNpM depends on what else the guest has. */
static int find_port(void)
{
	struct dirent *entry;
	int fd = -1;
	DIR *dir = opendir("/dev");

	if (!dir)
		return -1;
	while (fd < 0 && (entry = readdir(dir))) {
		if (!strncmp(entry->d_name, "vport", 5))
			fd = openat(dirfd(dir), entry->d_name, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	}
	closedir(dir);
	return fd;
}

int open_channel(void)
{
	struct pollfd port = { .fd = -1, .events = POLLOUT };

	for (int i = 0; i < 2000; i++) {
		if (port.fd < 0)
			port.fd = find_port();
		/* POLLHUP until the guest has heard that the host's end is open. */
		if (port.fd >= 0 && poll(&port, 1, 0) == 1 && !(port.revents & POLLHUP))
			return port.fd;
		usleep(10000);
	}
	die("no channel to the host");
}
