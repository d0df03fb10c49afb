// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Connections that are made, refused, given up and accepted, each known to the last port. */
#include "net.h"

#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <netinet/tcp.h>

#define V4	"127.0.0.1"
#define V6	"::1"
#define MAPPED	"::ffff:127.0.0.1"
#define NOWHERE "10.9.9.9" /* no route leads there */

/* A namespace of one's own, unless this one is, with its loopback up. */
static void enter_own_network(bool here)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	if (!here && unshare(CLONE_NEWNET))
		die("network namespace");
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo))
		die("loopback");
	close(fd);
}

/* --- connects --- */

static int pending_error(int fd)
{
	struct pollfd p = { fd, POLLOUT, 0 };
	socklen_t len = sizeof(int);
	int err = 0;

	if (poll(&p, 1, 60000) != 1 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len))
		die("poll");
	return err;
}

/* What the far end has of @raddr: without the mapping. */
static const char *shown(const char *addr)
{
	return strncmp(addr, "::ffff:", 7) ? addr : addr + 7;
}

/* One attempt, told as it came out; the descriptor. */
static int attempt(const char *kind, const char *addr, int port, int flags)
{
	union name name;
	socklen_t len = name_of(&name, addr, port);
	int fd = tcp_socket(name.any.sa_family, flags);
	struct told t = { .kind = kind, .rport = port, .raddr = shown(addr) };

	t.err = connect(fd, &name.any, len) ? errno : 0;
	if (flags && t.err == EINPROGRESS) {
		t.err = pending_error(fd);
		connect(fd, &name.any, len); /* as programs do that ask so: no new attempt */
	}
	t.lport = t.err == ENETUNREACH ? 0 : local_port(fd);
	t.laddr = t.err == ENETUNREACH ? "" : t.raddr;
	tell("connect", &t);
	return fd;
}

/* Neither of these is TCP. */
static void other_connects(void)
{
	struct sockaddr_un nobody = { AF_UNIX, "/nobody/listens" };
	int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int local = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	union name name;
	socklen_t len = name_of(&name, V4, 9);

	if (connect(udp, &name.any, len) ||
	    !connect(local, (struct sockaddr *)&nobody, sizeof(nobody)))
		die("udp, unix");
	if (!connect(-1, &name.any, len) || !connect(0, &name.any, len))
		die("no socket");
	close(udp);
	close(local);
}

/* A listener that takes no more: its queue is full, and packets for it are dropped. */
static int full_listener(int *port)
{
	struct pollfd there = { listener(V4, 0, port), POLLIN, 0 };

	attempt("fills", V4, *port, 0);
	if (poll(&there, 1, 10000) != 1) /* connected here is not yet queued there */
		die("a queue that stays empty");
	return there.fd;
}

static int begun(const char *addr, int port, union name *name)
{
	socklen_t len = name_of(name, addr, port);
	int fd = tcp_socket(name->any.sa_family, SOCK_NONBLOCK);

	set_option(fd, IPPROTO_TCP, TCP_SYNCNT, 1);
	set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 1);
	if (!connect(fd, &name->any, len) || errno != EINPROGRESS)
		die("a full queue takes a connection");
	return fd;
}

static void given_up(int full)
{
	struct told t = {
		.kind = "given up", .rport = full, .laddr = V4, .raddr = V4, .err = ECANCELED
	};
	union name name;
	int fd = begun(V4, full, &name);

	t.lport = local_port(fd);
	close(fd);
	tell("connect", &t);
}

/* To oneself: both ends open it at the same time. */
static void to_oneself(void)
{
	struct told t = { .kind = "simultaneous", .laddr = V4, .raddr = V4 };
	int fd = tcp_socket(AF_INET, 0);
	union name name;
	socklen_t len = name_of(&name, V4, 0);

	if (bind(fd, &name.any, len))
		die("bind");
	t.lport = t.rport = local_port(fd);
	len = name_of(&name, V4, t.lport);
	if (connect(fd, &name.any, len))
		die("to oneself");
	tell("connect", &t);
}

static void *in_thread(void *port)
{
	attempt("thread", V4, *(int *)port, 0);
	return NULL;
}

static void from_elsewhere(int port)
{
	pthread_t thread;
	pid_t pid;

	if (pthread_create(&thread, NULL, in_thread, &port))
		die("thread");
	pthread_join(thread, NULL);
	pid = fork();
	if (!pid) {
		attempt("exits", V4, port, SOCK_NONBLOCK);
		_exit(0);
	}
	wait_for(pid);
}

static int net_connects(struct ctx *c)
{
	int port6, full, closed, slow, fd = listener("::", 64, &port6), none;
	struct told t = { .kind = "timed out", .laddr = V4, .raddr = V4 };
	union name name;

	(void)c;
	none = listener("::", 1, &closed);
	close(none);
	none = full_listener(&full);
	slow = begun(V4, full, &name);
	attempt("v4", V4, port6, 0);
	attempt("v6", V6, port6, 0);
	attempt("mapped", MAPPED, port6, 0);
	attempt("refused", V4, closed, 0);
	attempt("refused v6", V6, closed, 0);
	attempt("later", V4, port6, SOCK_NONBLOCK);
	attempt("refused later", V4, closed, SOCK_NONBLOCK);
	attempt("unreachable", NOWHERE, 80, 0);
	other_connects();
	given_up(full);
	to_oneself();
	from_elsewhere(port6);
	t.lport = local_port(slow);
	t.rport = full;
	t.err = pending_error(slow);
	tell("connect", &t);
	tell_books();
	close(fd);
	return 0;
}

/* --- accepts --- */

#define MAX_ACCEPTS 1000

struct acceptor {
	pthread_t thread;
	int fd, n, index, tid;
	int ports[MAX_ACCEPTS];
};

static void *accept_all(void *arg)
{
	struct acceptor *a = arg;

	a->tid = (int)syscall(SYS_gettid);
	for (int i = 0; i < a->n; i++) {
		int fd = i % 2 ? accept4(a->fd, NULL, NULL, SOCK_CLOEXEC)
			       : accept(a->fd, NULL, NULL);

		if (fd < 0)
			die("accept");
		a->ports[i] = remote_port(fd);
		close(fd);
	}
	return NULL;
}

static int net_accepts(struct ctx *c)
{
	int threads = (int)arg_num(c, 1, 8), n = (int)arg_num(c, 2, 125), port;
	int fd = listener("::", 64, &port);
	struct acceptor *all = calloc((size_t)threads, sizeof(*all));

	for (int i = 0; i < threads; i++) {
		all[i] = (struct acceptor){ .fd = fd, .n = n, .index = i };
		if (pthread_create(&all[i].thread, NULL, accept_all, &all[i]))
			die("thread");
	}
	for (int i = 0; i < threads * n; i++)
		close(connected(i % 4 ? V4 : V6, port));
	for (int i = 0; i < threads; i++) {
		pthread_join(all[i].thread, NULL);
		printf("{\"workload\":\"accepts\",\"tid\":%d,\"lport\":%d,\"ports\":[", all[i].tid,
		       port);
		for (int j = 0; j < n; j++)
			printf("%s%d", j ? "," : "", all[i].ports[j]);
		printf("]}\n");
	}
	tell_books();
	free(all);
	return 0;
}

/* N connections, one after the other as fast as it goes; no port stays behind. */
static int net_burst(struct ctx *c)
{
	long n = arg_num(c, 1, 1000);
	int port, fd = listener(V4, 64, &port);
	uint64_t start = now_ns();

	for (long i = 0; i < n; i++) {
		int client = connected(V4, port), served = accept(fd, NULL, NULL);

		if (served < 0)
			die("accept");
		reset_on_close(client);
		close(client);
		close(served);
	}
	printf("{\"workload\":\"burst\",\"n\":%ld,\"lport\":%d,\"ns\":%llu}\n", n, port,
	       (unsigned long long)(now_ns() - start));
	tell_books();
	return 0;
}

int cmd_net(struct ctx *c)
{
	static const struct {
		const char *name;
		int (*run)(struct ctx *c);
	} what[] = {
		{ "connects", net_connects }, { "accepts", net_accepts }, { "burst", net_burst },
		{ "losses", net_losses },     { "lives", net_lives },	  { "talk", net_talk },
		{ "at-once", net_at_once },   { "serve", net_serve },	  { "fetch", net_fetch },
	};
	const char *name = arg_str(c, 0, "");
	bool here = !strncmp(name, "here:", 5);

	enter_own_network(here);
	name += here ? 5 : 0;
	c->silent = true;
	for (size_t i = 0; i < ARRAY_SIZE(what); i++) {
		if (!strcmp(name, what[i].name))
			return what[i].run(c);
	}
	die("connects, accepts, burst, losses, lives, talk, at-once, serve or fetch");
}
