/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Sockets of the experiments about TCP, in a network namespace of their own. */
#ifndef WORKLOAD_NET_H
#define WORKLOAD_NET_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "workload.h"

union name {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* "127.0.0.1", "::1", "::ffff:127.0.0.1"; family of the latter two is AF_INET6. */
socklen_t name_of(union name *name, const char *addr, int port);
/* A socket that listens there (any port), and which it got. */
int listener(const char *addr, int backlog, int *port);
int tcp_socket(int family, int flags);
int local_port(int fd);
int remote_port(int fd);
/* Connects to @addr and waits; dies if it fails. */
int connected(const char *addr, int port);
void set_option(int fd, int level, int option, int value);
/* close() of @fd sends a reset. */
void reset_on_close(int fd);

/* One line of JSON: what happened at one end. @err 0: it went well. */
struct told {
	const char *kind;
	int tid, lport, rport, err;
	const char *laddr, *raddr;
	int64_t tx, rx;
};
void tell(const char *workload, const struct told *t);
/* A line with /proc/net's counters of TCP. */
void tell_books(void);

int net_losses(struct ctx *c);
int net_lives(struct ctx *c);
int net_talk(struct ctx *c);
int net_at_once(struct ctx *c);
int net_serve(struct ctx *c);
int net_fetch(struct ctx *c);
/* What comes for @fd is dropped, all of it; or nothing any more. */
void drop_everything(int fd);
void drop_nothing(int fd);

#endif
