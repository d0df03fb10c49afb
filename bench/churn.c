/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * churn EVENTS FILES PROCESSES DIR [CGROUP]: that many opens, reads and writes of 1 byte on files
 * that live for a moment, in DIR, one in ten of them synced; and processes that become another
 * program and end, each in a cgroup of its own below CGROUP that lives as long. Prints a line at
 * the start and after each tenth, and at the end what it did. Static, so that a new program opens
 * no files.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct done {
	unsigned long opens, reads, writes, syncs, execs, cgroups;
};

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void must(int ok, const char *what)
{
	if (!ok)
		fail(what);
}

/* In the child: joins the cgroup, if there is one, and becomes this program doing nothing. */
static void be_another(const char *cgroup)
{
	char path[4096];
	int fd;

	if (cgroup) {
		snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
		fd = open(path, O_WRONLY);
		must(fd >= 0 && write(fd, "0", 1) == 1, path);
		close(fd);
	}
	execl("/proc/self/exe", "churn", NULL);
	_exit(1);
}

static void process(const char *below, unsigned long n, struct done *done)
{
	char cgroup[4096];
	int status;
	pid_t pid;

	snprintf(cgroup, sizeof(cgroup), "%s/c%lu", below ? below : "", n);
	if (below)
		must(!mkdir(cgroup, 0755), cgroup);
	pid = fork();
	must(pid >= 0, "fork");
	if (!pid)
		be_another(below ? cgroup : NULL);
	must(waitpid(pid, &status, 0) == pid && !status, "child");
	done->execs++;
	if (!below)
		return;
	must(!rmdir(cgroup), cgroup);
	done->cgroups++;
	done->opens++;
	done->writes++;
}

/* A file with @events of opens, writes and reads in turn. */
static void file(const char *dir, unsigned long n, unsigned long events, struct done *done)
{
	char path[4096], byte = 0;
	int fd = -1;

	snprintf(path, sizeof(path), "%s/f%lu", dir, n);
	for (unsigned long i = 0; i < events; i++) {
		if (i % 10 == 0) {
			if (fd >= 0)
				close(fd);
			fd = open(path, O_RDWR | O_CREAT, 0600);
			must(fd >= 0, path);
			done->opens++;
		} else if (i % 2) {
			must(pwrite(fd, "x", 1, 0) == 1, "pwrite");
			done->writes++;
		} else {
			must(pread(fd, &byte, 1, 0) == 1, "pread");
			done->reads++;
		}
	}
	if (fd >= 0 && n % 10 == 0) {
		must(!fdatasync(fd), "fdatasync");
		done->syncs++;
	}
	if (fd >= 0)
		close(fd);
	must(!unlink(path), path);
}

int main(int argc, char **argv)
{
	unsigned long events, files, processes, started = 0;
	struct done done = { 0 };

	if (argc < 5)
		return 0; /* the other program */
	events = strtoul(argv[1], NULL, 10);
	files = strtoul(argv[2], NULL, 10);
	processes = strtoul(argv[3], NULL, 10);
	must(files && events >= files, "EVENTS FILES");
	dprintf(1, "{\"tenth\":0}\n");
	done.writes++;
	for (unsigned long i = 0; i < files; i++) {
		file(argv[4], i, events / files, &done);
		for (; started * files < (i + 1) * processes; started++)
			process(argv[5], started, &done);
		if ((i + 1) * 10 / files == i * 10 / files)
			continue;
		dprintf(1, "{\"tenth\":%lu}\n", (i + 1) * 10 / files);
		done.writes++;
		sleep(1); /* for whoever looks at the tracer now */
	}
	dprintf(1, "{\"opens\":%lu,\"reads\":%lu,\"writes\":%lu,", done.opens, done.reads,
		done.writes + 3);
	dprintf(1, "\"syncs\":%lu,\"execs\":%lu,", done.syncs, done.execs);
	dprintf(1, "\"cgroups\":%lu}\n", done.cgroups);
	return 0;
}
