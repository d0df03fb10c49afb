// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Connections of which both ends know every byte. */
#include "net.h"

#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#define V4  "127.0.0.1"
#define MIB (1 << 20)

struct pair {
	int client, server;
	struct told c, s; /* what is to be told of each */
};

static struct pair make_pair(const char *kind, const char *addr, int listening, int port)
{
	struct pair p = { .client = connected(addr, port) };

	p.server = accept(listening, NULL, NULL);
	if (p.server < 0)
		die("accept");
	p.c = (struct told){ .kind = kind, .rport = port, .laddr = addr, .raddr = addr };
	p.s = p.c;
	p.c.lport = p.s.rport = local_port(p.client);
	p.s.lport = port;
	return p;
}

/* All of @bytes from one end to the other. */
static void move(int from, int to, size_t bytes)
{
	static char buf[65536];
	size_t out = 0, in = 0;

	while (in < bytes) {
		size_t want = bytes - out < sizeof(buf) ? bytes - out : sizeof(buf);
		ssize_t n = want ? send(from, buf, want, MSG_DONTWAIT) : 0;

		if (n > 0)
			out += (size_t)n;
		n = recv(to, buf, sizeof(buf), MSG_DONTWAIT);
		if (n > 0)
			in += (size_t)n;
	}
}

/* Until the other end has acknowledged all that was sent. */
static void acknowledged(int fd)
{
	int left = 1;

	for (;;) {
		if (ioctl(fd, SIOCOUTQ, &left))
			die("SIOCOUTQ");
		if (!left)
			return;
		sleep_ms(1);
	}
}

static void exchange(struct pair *p, size_t up, size_t down)
{
	move(p->client, p->server, up);
	move(p->server, p->client, down);
	acknowledged(p->client);
	acknowledged(p->server);
	p->c.tx = p->s.rx = (int64_t)up;
	p->c.rx = p->s.tx = (int64_t)down;
}

/* Each waits for the other's end before it lets its own go. */
static void end(struct pair *p, int first, int second)
{
	char byte;

	shutdown(first, SHUT_WR);
	if (recv(second, &byte, 1, 0))
		die("no end");
	close(second);
	if (recv(first, &byte, 1, 0))
		die("no end");
	close(first);
	tell("life", &p->c);
	tell("life", &p->s);
}

/* One after the other, without waiting. */
static void end_both(struct pair *p)
{
	close(p->client);
	close(p->server);
	tell("life", &p->c);
	tell("life", &p->s);
}

/* As much as goes in while nobody reads. */
static int64_t fill(int fd)
{
	static char buf[65536];
	int64_t sum = 0;
	ssize_t n;

	while ((n = send(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		sum += n;
	return sum;
}

static int64_t read_to_the_end(int fd)
{
	static char buf[65536];
	int64_t sum = 0;
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
		sum += n;
	return sum;
}

static int64_t fill_with(int fd, size_t bytes)
{
	static char buf[65536];

	if (send(fd, buf, bytes, 0) != (ssize_t)bytes)
		die("send");
	return (int64_t)bytes;
}

/*
 * Both have begun to close when the other's FIN comes: each FIN stands behind data that the other
 * hasn't read yet.
 */
static void end_crossing(struct pair *p)
{
	p->c.tx = fill(p->client);
	p->s.tx = fill(p->server);
	shutdown(p->client, SHUT_WR);
	shutdown(p->server, SHUT_WR);
	p->c.rx = read_to_the_end(p->client);
	p->s.rx = read_to_the_end(p->server);
	if (p->c.rx != p->s.tx || p->s.rx != p->c.tx)
		die("bytes of two that close at the same time");
	end_both(p);
}

static void end_by_reset(struct pair *p)
{
	reset_on_close(p->client);
	close(p->client);
	close(p->server);
	tell("life", &p->c);
	tell("life", &p->s);
}

/* Handed to a child, which closes it last: it stays that of who accepted it. */
static void end_by_child(struct pair *p)
{
	pid_t pid = fork();

	if (!pid) {
		close(p->client);
		sleep_ms(20);
		_exit(0);
	}
	close(p->server);
	wait_for(pid);
	end_both(p);
}

/* Sent to a child by a socket of its own, as descriptors are. */
static void send_fd(int to, int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .head = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec byte = { "x", 1 };
	struct msghdr message = { .msg_iov = &byte,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	if (sendmsg(to, &message, 0) != 1)
		die("SCM_RIGHTS");
}

static int receive_fd(int from)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec place = { &byte, 1 };
	struct msghdr message = { .msg_iov = &place,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	int fd;

	if (recvmsg(from, &message, 0) != 1 || message.msg_controllen < CMSG_LEN(sizeof(int)))
		die("SCM_RIGHTS");
	memcpy(&fd, CMSG_DATA(&control.head), sizeof(fd));
	return fd;
}

/* Passed to a process that was there before it, which reads from it and closes it alone. */
static void end_by_another(const char *kind, int listening, int port)
{
	int pass[2], server;
	struct pair p;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pass))
		die("socketpair");
	pid = fork();
	if (!pid) {
		server = receive_fd(pass[0]);
		if (read_to_the_end(server) != 4321)
			die("bytes of a socket that was passed");
		close(server);
		_exit(0);
	}
	p = make_pair(kind, V4, listening, port);
	send_fd(pass[1], p.server);
	close(p.server);
	p.c.tx = p.s.rx = fill_with(p.client, 4321);
	acknowledged(p.client);
	shutdown(p.client, SHUT_WR);
	wait_for(pid);
	close(p.client);
	close(pass[0]);
	close(pass[1]);
	tell("life", &p.c);
	tell("life", &p.s);
}

/* Reset before anybody accepts it: it is over, and then somebody gets it. */
static void accepted_late(int listening, int port)
{
	struct told c = { .kind = "late", .rport = port, .laddr = V4, .raddr = V4, .tx = 5 }, s = c;
	int client = connected(V4, port), server;

	c.lport = s.rport = local_port(client);
	s.lport = port;
	s.tx = 0;
	s.rx = 5;
	if (send(client, "hello", 5, 0) != 5)
		die("send");
	acknowledged(client);
	reset_on_close(client);
	close(client);
	server = accept(listening, NULL, NULL);
	if (server < 0)
		die("accept");
	close(server);
	tell("life", &c);
	tell("life", &s);
}

/* Nobody ever accepts it: its end is the listener's, whose it is. */
static void never_accepted(void)
{
	struct told c = { .kind = "never", .laddr = V4, .raddr = V4 }, s = c;
	int port, listening = listener(V4, 8, &port), client = connected(V4, port);

	c.lport = s.rport = local_port(client);
	c.rport = s.lport = port;
	close(listening);
	close(client);
	tell("life", &c);
	tell("life", &s);
}

/* Its process is gone before the connection is. */
static void client_exits(int listening, int port)
{
	struct told c = { .kind = "exits", .rport = port, .laddr = V4, .raddr = V4, .tx = 7 },
		    s = c;
	pid_t pid = fork();
	int server;

	if (!pid) {
		int client = connected(V4, port);

		c.lport = local_port(client);
		tell("life", &c);
		if (send(client, "goodbye", 7, 0) != 7)
			die("send");
		_exit(0);
	}
	wait_for(pid);
	server = accept(listening, NULL, NULL);
	s.rport = remote_port(server);
	s.lport = port;
	s.tx = 0;
	s.rx = read_to_the_end(server);
	close(server);
	tell("life", &s);
}

int net_lives(struct ctx *c)
{
	int port, listening = listener("::", 64, &port);
	struct pair p = make_pair("client first", V4, listening, port);

	(void)c;
	exchange(&p, MIB, MIB);
	end(&p, p.client, p.server);
	p = make_pair("server first", "::1", listening, port);
	exchange(&p, 3 * MIB + 1, 17);
	end(&p, p.server, p.client);
	p = make_pair("nothing", V4, listening, port);
	end(&p, p.client, p.server);
	p = make_pair("both", V4, listening, port);
	exchange(&p, 1000, 2000);
	end_both(&p);
	p = make_pair("crossing", V4, listening, port);
	end_crossing(&p);
	p = make_pair("reset", V4, listening, port);
	exchange(&p, 100, 200);
	end_by_reset(&p);
	p = make_pair("handed", V4, listening, port);
	exchange(&p, 10, 20);
	end_by_child(&p);
	end_by_another("passed", listening, port);
	accepted_late(listening, port);
	client_exits(listening, port);
	never_accepted();
	close(listening);
	tell_books();
	return 0;
}
