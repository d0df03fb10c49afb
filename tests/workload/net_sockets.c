// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "net.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

socklen_t name_of(union name *name, const char *addr, int port)
{
	memset(name, 0, sizeof(*name));
	if (strchr(addr, ':')) {
		name->v6.sin6_family = AF_INET6;
		name->v6.sin6_port = htons((uint16_t)port);
		inet_pton(AF_INET6, addr, &name->v6.sin6_addr);
		return sizeof(name->v6);
	}
	name->v4.sin_family = AF_INET;
	name->v4.sin_port = htons((uint16_t)port);
	inet_pton(AF_INET, addr, &name->v4.sin_addr);
	return sizeof(name->v4);
}

void set_option(int fd, int level, int option, int value)
{
	if (setsockopt(fd, level, option, &value, sizeof(value)))
		die("setsockopt");
}

int tcp_socket(int family, int flags)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	if (fd < 0)
		die("socket");
	return fd;
}

int listener(const char *addr, int backlog, int *port)
{
	union name name;
	socklen_t len = name_of(&name, addr, 0);
	int fd = tcp_socket(name.any.sa_family, 0);

	if (name.any.sa_family == AF_INET6)
		set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	if (bind(fd, &name.any, len) || listen(fd, backlog))
		die("listen");
	*port = local_port(fd);
	return fd;
}

static int port_of(const union name *name)
{
	return ntohs(name->any.sa_family == AF_INET6 ? name->v6.sin6_port : name->v4.sin_port);
}

int local_port(int fd)
{
	union name name;
	socklen_t len = sizeof(name);

	return getsockname(fd, &name.any, &len) ? 0 : port_of(&name);
}

int remote_port(int fd)
{
	union name name;
	socklen_t len = sizeof(name);

	return getpeername(fd, &name.any, &len) ? 0 : port_of(&name);
}

int connected(const char *addr, int port)
{
	union name name;
	socklen_t len = name_of(&name, addr, port);
	int fd = tcp_socket(name.any.sa_family, 0);

	if (connect(fd, &name.any, len))
		die("connect");
	return fd;
}

void reset_on_close(int fd)
{
	struct linger now = { 1, 0 };

	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)))
		die("SO_LINGER");
}

void tell(const char *workload, const struct told *t)
{
	printf("{\"workload\":\"%s\",\"kind\":\"%s\",\"pid\":%d,\"tid\":%d,\"lport\":%d,\"rport\":%"
	       "d,"
	       "\"laddr\":\"%s\",\"raddr\":\"%s\",\"err\":%d,\"tx\":%" PRId64 ",\"rx\":%" PRId64
	       "}\n",
	       workload, t->kind, getpid(), t->tid ? t->tid : (int)syscall(SYS_gettid), t->lport,
	       t->rport, t->laddr ? t->laddr : "", t->raddr ? t->raddr : "", t->err, t->tx, t->rx);
	fflush(stdout);
}

/* Two lines per protocol: names, then values. */
static void tell_file(const char *path, const char *protocol)
{
	static char names[8192], values[8192];
	char *name_at, *value_at, *name, *value;
	FILE *file = fopen(path, "r");

	if (!file)
		die(path);
	while (fgets(names, sizeof(names), file) && fgets(values, sizeof(values), file)) {
		if (strncmp(names, protocol, strlen(protocol)))
			continue;
		name = strtok_r(names, " \n", &name_at);
		value = strtok_r(values, " \n", &value_at);
		while ((name = strtok_r(NULL, " \n", &name_at)) &&
		       (value = strtok_r(NULL, " \n", &value_at)))
			printf(",\"%s\":%s", name, value);
	}
	fclose(file);
}

void tell_books(void)
{
	printf("{\"workload\":\"books\"");
	tell_file("/proc/thread-self/net/snmp", "Tcp:");
	tell_file("/proc/thread-self/net/netstat", "TcpExt:");
	printf("}\n");
	fflush(stdout);
}
