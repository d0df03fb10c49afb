// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Many connections at a time, and connections to another network namespace. */
#include "net.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define V4	 "127.0.0.1"
#define MAX_OPEN 2000

static void allow_descriptors(rlim_t n)
{
	struct rlimit limit = { n, n };

	if (setrlimit(RLIMIT_NOFILE, &limit))
		die("RLIMIT_NOFILE");
}

static void tell_ports(const char *workload, const int *fd, int n, int port)
{
	printf("{\"workload\":\"%s\",\"pid\":%d,\"rport\":%d,\"ports\":[", workload, getpid(),
	       port);
	for (int i = 0; i < n; i++)
		printf("%s%d", i ? "," : "", local_port(fd[i]));
	printf("]}\n");
}

/* N connects, of which none is answered before the last one has begun. */
int net_at_once(struct ctx *c)
{
	static int fd[MAX_OPEN];
	int n = (int)arg_num(c, 1, 1000), port;
	int listening = listener(V4, MAX_OPEN, &port);
	union name name;
	socklen_t len = name_of(&name, V4, port);

	if (n > MAX_OPEN)
		die("so many");
	allow_descriptors(MAX_OPEN + 100);
	drop_everything(listening);
	for (int i = 0; i < n; i++) {
		fd[i] = tcp_socket(AF_INET, SOCK_NONBLOCK);
		if (!connect(fd[i], &name.any, len) || errno != EINPROGRESS)
			die("an answer too soon");
	}
	drop_nothing(listening);
	for (int i = 0; i < n; i++) {
		struct pollfd p = { fd[i], POLLOUT, 0 };

		if (poll(&p, 1, 60000) != 1 || p.revents & POLLERR)
			die("no answer");
	}
	tell_ports("at-once", fd, n, port);
	tell_books();
	return 0;
}

static void pass_all(int from, int to, long bytes)
{
	static char buf[16384];
	ssize_t n = 1;

	while (bytes > 0 && n > 0) {
		n = from < 0 ? (ssize_t)sizeof(buf) : read(from, buf, sizeof(buf));
		if (n > bytes)
			n = bytes;
		if (to >= 0 && n > 0)
			n = write(to, buf, (size_t)n);
		bytes -= n;
	}
	if (bytes > 0)
		die("a connection ended too soon");
}

static void serve_one(int to, long bytes)
{
	static char buf[16384];
	ssize_t n;

	pass_all(-1, to, bytes);
	shutdown(to, SHUT_WR);
	do
		n = read(to, buf, sizeof(buf));
	while (n > 0);
	_exit(n < 0);
}

/* SERVE PORT N BYTES: to each of N connections so many. */
int net_serve(struct ctx *c)
{
	int fd = tcp_socket(AF_INET, 0), n = (int)arg_num(c, 2, 1);
	pid_t pid[MAX_OPEN];
	union name name;
	socklen_t len = name_of(&name, "0.0.0.0", (int)arg_num(c, 1, 0));

	if (bind(fd, &name.any, len) || listen(fd, 64))
		die("listen");
	for (int i = 0; i < n; i++) {
		int to = accept(fd, NULL, NULL);

		if (to < 0)
			die("accept");
		pid[i] = fork();
		if (!pid[i])
			serve_one(to, arg_num(c, 3, 1));
		close(to);
	}
	for (int i = 0; i < n; i++)
		wait_for(pid[i]);
	return 0;
}

/* FETCH PORT N BYTES ADDRESS: from all at a time, and they send as much. */
int net_fetch(struct ctx *c)
{
	int port = (int)arg_num(c, 1, 0), n = (int)arg_num(c, 2, 1);
	long bytes = arg_num(c, 3, 1);
	static int fd[MAX_OPEN];

	for (int i = 0; i < n; i++)
		fd[i] = connected(arg_str(c, 4, V4), port);
	for (int i = 0; i < n; i++)
		pass_all(-1, fd[i], bytes);
	for (int i = 0; i < n; i++)
		pass_all(fd[i], -1, bytes);
	tell_ports("fetch", fd, n, port);
	for (int i = 0; i < n; i++)
		close(fd[i]);
	tell_books();
	return 0;
}
