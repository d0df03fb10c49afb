// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Packets that a socket filter of the receiver drops, so that they are sent again. */
#include "net.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>

#define V4 "127.0.0.1"

static void attach(int fd, struct sock_filter *code, unsigned short n)
{
	struct sock_fprog program = { n, code };

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)))
		die("SO_ATTACH_FILTER");
}

/* One in @of of what comes for @fd is dropped, at random; 1: all of it. */
static void drop_one_in(int fd, uint32_t of)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_RANDOM),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, UINT32_MAX / of, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};

	attach(fd, code, ARRAY_SIZE(code));
}

void drop_everything(int fd)
{
	drop_one_in(fd, 1);
}

void drop_nothing(int fd)
{
	int none = 0;

	if (setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof(none)))
		die("SO_DETACH_FILTER");
}

static void tell_pair(const char *kind, int fd)
{
	struct told t = { .kind = kind, .laddr = V4, .raddr = V4 };

	t.lport = local_port(fd);
	t.rport = remote_port(fd);
	tell("loss", &t);
}

static void wait_readable(int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };

	if (poll(&p, 1, 60000) != 1)
		die("nothing came");
}

/* Small segments: many, of which one in ten goes astray. */
static void stream(int listening, int port, size_t bytes)
{
	static char buf[65536];
	int client = connected(V4, port), server = accept(listening, NULL, NULL);
	size_t out = 0, in = 0;

	if (server < 0)
		die("accept");
	set_option(client, IPPROTO_TCP, TCP_NODELAY, 1);
	drop_one_in(server, 10);
	while (in < bytes) {
		size_t want = bytes - out < 2000 ? bytes - out : 2000;
		ssize_t n = want ? send(client, buf, want, MSG_DONTWAIT) : 0;

		if (n > 0)
			out += (size_t)n;
		if (!want)
			wait_readable(server);
		n = recv(server, buf, sizeof(buf), MSG_DONTWAIT);
		if (n > 0)
			in += (size_t)n;
	}
	tell_pair("stream", client);
	close(client);
	close(server);
}

/* Nothing behind it tells that it was lost: a probe is what finds out. */
static void last_segment(int listening, int port)
{
	int client = connected(V4, port), server = accept(listening, NULL, NULL);
	char buf[8];

	if (send(client, "first", 5, 0) != 5 || recv(server, buf, 5, MSG_WAITALL) != 5)
		die("send");
	sleep_ms(60); /* until that is acknowledged */
	drop_everything(server);
	if (send(client, "last", 4, 0) != 4)
		die("send");
	drop_nothing(server);
	if (recv(server, buf, 4, MSG_WAITALL) != 4)
		die("recv");
	tell_pair("probe", client);
	close(client);
	close(server);
}

/* The end of the handshake is dropped: the server says again that it agrees. */
static void synack(void)
{
	int port, listening = listener(V4, 8, &port), client, server;
	union name name;
	socklen_t len = name_of(&name, V4, port);
	struct sock_filter syn_only[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13), /* the flags */
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};

	client = tcp_socket(AF_INET, 0);
	attach(listening, syn_only, ARRAY_SIZE(syn_only));
	if (connect(client, &name.any, len))
		die("connect");
	drop_nothing(listening);
	wait_readable(listening);
	server = accept(listening, NULL, NULL);
	if (server < 0)
		die("accept");
	tell_pair("synack", server);
	close(client);
	close(server);
	close(listening);
}

/* A first packet that a full queue drops. */
static void syn(void)
{
	int port, listening = listener(V4, 0, &port), first = connected(V4, port), fd;
	struct told t = { .kind = "syn", .laddr = V4, .raddr = V4, .rport = port };
	union name name;
	socklen_t len = name_of(&name, V4, port);

	fd = tcp_socket(AF_INET, 0);
	set_option(fd, IPPROTO_TCP, TCP_SYNCNT, 1);
	set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 1);
	if (!connect(fd, &name.any, len) || errno != ETIMEDOUT)
		die("a full queue takes a connection");
	tell("loss", &t);
	close(fd);
	close(first);
	close(listening);
}

int net_losses(struct ctx *c)
{
	int port, listening = listener(V4, 64, &port);

	stream(listening, port, (size_t)arg_num(c, 1, 400000));
	last_segment(listening, port);
	synack();
	syn();
	tell_books();
	return 0;
}
