// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Connections of which both ends know every byte. */
#include "net.h"

#include <stdlib.h>
#include <string.h>
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

static void exchange(struct pair *p, size_t up, size_t down)
{
	move(p->client, p->server, up);
	move(p->server, p->client, down);
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

/* Both have begun to close when the other's FIN comes; or one after the other, who knows. */
static void end_both(struct pair *p)
{
	shutdown(p->client, SHUT_WR);
	shutdown(p->server, SHUT_WR);
	close(p->client);
	close(p->server);
	tell("life", &p->c);
	tell("life", &p->s);
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
	sleep_ms(5);
	reset_on_close(client);
	close(client);
	server = accept(listening, NULL, NULL);
	if (server < 0)
		die("accept");
	close(server);
	tell("life", &c);
	tell("life", &s);
}

/* Nobody ever accepts it. */
static void never_accepted(void)
{
	struct told c = { .kind = "never", .laddr = V4, .raddr = V4 };
	int port, listening = listener(V4, 8, &port), client = connected(V4, port);

	c.lport = local_port(client);
	c.rport = port;
	close(listening);
	sleep_ms(5);
	close(client);
	tell("life", &c);
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
	p = make_pair("reset", V4, listening, port);
	exchange(&p, 100, 200);
	end_by_reset(&p);
	p = make_pair("handed", V4, listening, port);
	exchange(&p, 10, 20);
	end_by_child(&p);
	accepted_late(listening, port);
	never_accepted();
	close(listening);
	sleep_ms(50);
	tell_books();
	return 0;
}
